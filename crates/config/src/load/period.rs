//! `maxage` and `startdate`: from when on messages are synced (`spec/sync.md` §8).

use std::num::NonZeroU32;

use super::reader::{Presence, Reader};
use crate::config::DateError;
use crate::source::strip;
use crate::value::int;
use crate::{Date, Diagnostic, Diagnostics, Document, LocalRepository, MaxAge};

/// A day begins somewhere on earth so much earlier than in UTC.
const EARLIEST_ZONE_SECONDS: i64 = 14 * 3600;

const HELP_MAX_AGE: &str =
    "write a number of days from 1 on, or a date that has passed as YYYY-MM-DD";

/// `maxage` of an account.
pub(super) fn max_age(reader: &mut Reader<'_>) -> Option<MaxAge> {
    if reader.presence("maxage") == Presence::Absent {
        return None;
    }
    let reading = reader.reading("maxage")?;
    let text = strip(&reading.text);
    let Ok(days) = int(text) else { return date(reader, "maxage").map(MaxAge::Since) };
    let days = u64::try_from(days).unwrap_or_default();
    let before_1900 = reader.unix_seconds().and_then(|now| MaxAge::year_before_1900(days, now));
    let problem = match (before_1900, u32::try_from(days).ok().and_then(NonZeroU32::new)) {
        (None, Some(days)) => return Some(MaxAge::Days(days)),
        (Some(year), _) => format!("maxage led to year {year}. Abort syncing."),
        (None, None) => format!("invalid maxage value {text}"),
    };
    let problem = Diagnostic::error(problem).at(reader.excerpt(&reading)).help(HELP_MAX_AGE);
    reader.problems.push(problem);
    None
}

/// `startdate` of a repository.
pub(super) fn start_date(reader: &mut Reader<'_>) -> Option<Date> {
    match reader.presence("startdate") {
        Presence::Set => date(reader, "startdate"),
        Presence::Absent => None,
    }
}

fn date(reader: &mut Reader<'_>, option: &str) -> Option<Date> {
    let reading = reader.reading(option)?;
    let text = strip(&reading.text);
    let problem = match Date::parse(text) {
        Ok(date) if is_future(date, reader.unix_seconds()) => {
            format!("{option} led to future date {date}. Abort syncing.")
        }
        Ok(date) => return Some(date),
        Err(DateError::TooEarly(year)) => format!("{option} led to year {year}. Abort syncing."),
        Err(DateError::NoDate) => format!("invalid {option} value {text}"),
    };
    let help = match option {
        "maxage" => HELP_MAX_AGE,
        _ => "write a date that has passed as YYYY-MM-DD, such as 2020-04-01",
    };
    let problem = Diagnostic::error(problem).at(reader.excerpt(&reading)).help(help);
    reader.problems.push(problem);
    None
}

fn is_future(date: Date, unix_seconds: Option<i64>) -> bool {
    unix_seconds.is_some_and(|now| date.unix_days() * 86_400 - EARLIEST_ZONE_SECONDS > now)
}

/// Where the restrictions of time stand that an account has: only one of them can hold.
pub(super) struct Clauses<'a> {
    pub(super) document: &'a Document,
    /// The section of the account.
    pub(super) account: &'a str,
    /// The section of the local repository.
    pub(super) local: &'a str,
    /// The section of the remote repository.
    pub(super) remote: &'a str,
}

impl Clauses<'_> {
    /// Refuses more than one restriction of time, and one that cannot be kept between servers.
    pub(super) fn check(&self, local: &LocalRepository, problems: &mut Diagnostics) {
        let mut places = Vec::new();
        for (section, option) in
            [(self.account, "maxage"), (self.local, "startdate"), (self.remote, "startdate")]
        {
            let raw = self.document.raw(section, option).unwrap_or_default();
            if !strip(raw).is_empty()
                && let Some(entry) = self.document.entry(section, option)
            {
                places.push((option, self.document.excerpt(&entry.name_span, "")));
            }
        }
        let between_servers = matches!(local, LocalRepository::Imap(_));
        if between_servers && let Some((_, place)) = places.iter().find(|it| it.0 == "maxage") {
            let problem = Diagnostic::error("maxage is not supported on IMAP-IMAP sync")
                .at(place.clone())
                .help("use startdate in one of the repositories");
            problems.push(problem);
        }
        if places.len() > 1 {
            let mut problem = Diagnostic::error(
                "only one of maxage, startdate of the local repository and startdate of the \
                 remote one can be set",
            );
            for (_, place) in places {
                problem = problem.at(place);
            }
            problems.push(problem.help("remove all but one of them"));
        }
    }
}
