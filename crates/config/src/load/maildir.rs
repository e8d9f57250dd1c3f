//! `[Repository X]` of type `Maildir` or `GmailMaildir`.

use std::collections::BTreeMap;

use super::reader::{Presence, Reader};
use super::{folders, period};
use crate::source::strip;
use crate::{HeaderDates, MaildirFlavor, MaildirRepository, value};

pub(super) fn load(
    reader: &mut Reader<'_>,
    name: &str,
    flavor: MaildirFlavor,
    defaults: HeaderDates,
) -> Option<MaildirRepository> {
    reader.report_unsupported();
    let rules = reader.sync_rules();
    let folders = folders::load(reader);
    let separator = match reader.reading("sep") {
        Some(_) => reader.parsed("sep", |text| value::character(strip(text))),
        None => Some('.'),
    };
    let header_dates = HeaderDates {
        in_names: reader
            .parsed("filename_use_mail_timestamp", value::bool)
            .unwrap_or(defaults.in_names),
        of_files: reader.parsed("utime_from_header", value::bool).unwrap_or(defaults.of_files),
    };
    let start_date = period::start_date(reader);
    let restore_access_times = reader.bool("restoreatime");
    let mut custom_flags = BTreeMap::new();
    for letter in 'a'..='z' {
        let option = format!("customflag_{letter}");
        if reader.presence(&option) == Presence::Set {
            let keyword = reader.parsed(&option, value::keyword);
            custom_flags.extend(keyword.map(|keyword| (letter, keyword)));
        }
    }
    if reader.presence("localfolders") == Presence::Absent {
        reader.complain_missing("localfolders", "~/Mail");
    }
    let root = reader.path("localfolders");
    Some(MaildirRepository {
        name: name.to_owned(),
        flavor,
        root: root?,
        separator: separator?,
        rules,
        folders,
        header_dates,
        restore_access_times,
        custom_flags,
        start_date,
    })
}
