//! `[Repository X]` of type `Maildir` or `GmailMaildir`.

use super::reader::{Presence, Reader};
use crate::source::strip;
use crate::{MaildirFlavor, MaildirRepository, value};

pub(super) fn load(
    reader: &mut Reader<'_>,
    name: &str,
    flavor: MaildirFlavor,
) -> Option<MaildirRepository> {
    reader.report_unsupported();
    let rules = reader.sync_rules();
    let separator = match reader.reading("sep") {
        Some(_) => reader.parsed("sep", |text| value::character(strip(text))),
        None => Some('.'),
    };
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
    })
}
