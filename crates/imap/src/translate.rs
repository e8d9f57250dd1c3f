//! Between the words of the protocol and those of the core.

use offlineimap_core::{
    FlagSupport, Flags, InternalDate, Key, MailboxName, StoreError, StoreErrorKind, SystemFlag,
};
use offlineimap_imap_proto::date::{InternalDate as WireDate, SearchDate};
use offlineimap_imap_proto::flags::{FlagList, SystemFlag as WireFlag};
use offlineimap_imap_proto::session::Selected;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

/// Reads flags. `\Recent` is the server's own affair; other flags with a backslash are kept as
/// keywords under their full name.
pub(crate) fn flags(list: &FlagList) -> Flags {
    let mut flags = Flags::default();
    for flag in list.system_flags() {
        flags = match flag {
            WireFlag::Answered => flags.with(SystemFlag::Answered),
            WireFlag::Deleted => flags.with(SystemFlag::Deleted),
            WireFlag::Draft => flags.with(SystemFlag::Draft),
            WireFlag::Flagged => flags.with(SystemFlag::Flagged),
            WireFlag::Seen => flags.with(SystemFlag::Seen),
            WireFlag::Recent => flags,
        };
    }
    for name in list.others().iter().filter(|name| *name != "\\*") {
        flags = flags.with_keyword(name);
    }
    flags
}

/// Writes flags.
pub(crate) fn flag_list(flags: &Flags) -> FlagList {
    let mut list: FlagList = flags
        .system()
        .map(|flag| match flag {
            SystemFlag::Answered => WireFlag::Answered,
            SystemFlag::Deleted => WireFlag::Deleted,
            SystemFlag::Draft => WireFlag::Draft,
            SystemFlag::Flagged => WireFlag::Flagged,
            SystemFlag::Seen => WireFlag::Seen,
        })
        .collect();
    for keyword in flags.keywords() {
        list.insert_name(keyword);
    }
    list
}

/// Tells which flags a mailbox can store. A server that does not say can store all that the
/// mailbox knows, and new keywords too (RFC 3501 §6.3.1).
pub(crate) fn flag_support(selected: &Selected) -> FlagSupport {
    match &selected.permanent_flags {
        None => FlagSupport::any(),
        Some(list) if list.allows_new_keywords() => {
            FlagSupport::listed_and_any_keyword(&flags(list))
        }
        Some(list) => FlagSupport::listed(&flags(list)),
    }
}

/// Renders a date in the local zone. Dates before 1981 are not told, as OfflineIMAP does: they
/// are made up by broken clocks and upset servers.
pub(crate) fn wire_date(
    date: InternalDate,
    local_offset: &(dyn Fn(i64) -> i32 + Send + Sync),
) -> Option<WireDate> {
    const YEAR_1981: i64 = 347_155_200;
    if date.unix_seconds < YEAR_1981 {
        return None;
    }
    let minutes = local_offset(date.unix_seconds).div_euclid(60);
    WireDate::new(date.unix_seconds, i16::try_from(minutes).ok()?)
}

/// Reads a date.
pub(crate) fn date(date: WireDate) -> InternalDate {
    InternalDate { unix_seconds: date.unix_seconds() }
}

/// Writes a day, counted from 1970-01-01. One that no calendar reaches is the nearest that it does:
/// nothing is older, or everything.
pub(crate) fn day(unix_days: i64) -> SearchDate {
    const YEAR_1: i64 = -719_162;
    const YEAR_9999: i64 = 2_932_896;
    let within = unix_days.clamp(YEAR_1, YEAR_9999);
    SearchDate::from_unix_days(within).unwrap_or(SearchDate::EPOCH)
}

/// Returns the UID behind a key.
///
/// # Errors
///
/// If the key was made by another kind of store.
pub(crate) fn uid(key: &Key, mailbox: &MailboxName) -> Result<Uid, StoreError> {
    key.as_number().ok_or_else(|| {
        let text = format!("message {key:?} of mailbox {mailbox} has no UID");
        StoreError::new(StoreErrorKind::Message, text)
    })
}

/// Collects UIDs in any order.
pub(crate) fn uid_set(uids: impl IntoIterator<Item = Uid>) -> UidSet {
    let mut sorted: Vec<Uid> = uids.into_iter().collect();
    sorted.sort_unstable();
    let mut set = UidSet::new();
    for uid in sorted {
        set.insert(uid);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_the_way_there_and_back() {
        let mut list = FlagList::new();
        for name in ["\\seen", "\\Recent", "$Junk", "\\X", "\\*"] {
            list.insert_name(name);
        }
        let read = flags(&list);
        assert_eq!(read.letters(), "S");
        assert_eq!(read.keywords().collect::<Vec<_>>(), ["$Junk", "\\X"]);
        assert_eq!(flag_list(&read).to_string(), "\\Seen $Junk \\X");
    }

    #[test]
    fn a_date_is_written_in_the_local_zone() {
        let date = InternalDate { unix_seconds: 1_646_370_367 };
        let west = |seconds| move |_: i64| -> i32 { seconds };
        let written = |seconds| wire_date(date, &west(seconds)).map(|date| date.to_string());
        assert_eq!(written(-5 * 3600).as_deref(), Some("04-Mar-2022 00:06:07 -0500"));
        // Half hours west of Greenwich.
        assert_eq!(written(-12_600).as_deref(), Some("04-Mar-2022 01:36:07 -0330"));
        assert_eq!(wire_date(InternalDate { unix_seconds: 347_155_199 }, &west(0)), None);
    }

    #[test]
    fn uids_in_any_order_become_ranges() {
        let uids = [5, 1, 2, 9, 3].map(|uid| Uid::new(uid).unwrap());
        assert_eq!(uid_set(uids).to_string(), "1:3,5,9");
    }
}
