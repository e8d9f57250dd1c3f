//! The text formats that OfflineIMAP wrote: reading and writing without files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;

use offlineimap_core::Flags;

/// A message that OfflineIMAP knew to be on both sides (`spec/ondisk.md` §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusRow {
    /// Its UID on the remote side.
    pub(crate) uid: NonZeroU32,
    /// The flags on which both sides agreed; letters that are no system flags are left out.
    pub(crate) flags: Flags,
}

/// Where a text stopped making sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} cannot be understood")]
pub(crate) struct BadLine {
    /// The line, from 1.
    line: usize,
}

/// Which UID of the remote side each UID of the local side stands for, by remote UID.
pub(crate) type UidMap = BTreeMap<NonZeroU32, NonZeroU32>;

/// What the first line of a plain-text status says before its format.
const HEADING: &str = "OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT ";

/// Reads a plain-text status of format 1 (`uid:flags`) or 2 (`uid|flags|mtime|labels`). An empty
/// file is an empty status (`spec/ondisk.md` §4).
pub(super) fn parse_status(bytes: &[u8]) -> Result<Vec<StatusRow>, BadLine> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().zip(1..);
    let Some((heading, line)) = lines.next() else { return Ok(Vec::new()) };
    let separator = match heading.trim().strip_prefix(HEADING) {
        Some("1") => ':',
        Some("2") => '|',
        _ => return Err(BadLine { line }),
    };
    let mut rows = Vec::new();
    for (text, line) in lines {
        let bad = BadLine { line };
        let (uid, rest) = text.split_once(separator).ok_or(bad)?;
        let uid: i64 = uid.trim().parse().map_err(|_| bad)?;
        let letters = rest.split(separator).next().unwrap_or_default();
        rows.extend(row(uid, letters));
    }
    Ok(rows)
}

/// Makes a row of what was stored. Numbers that no message can have are nobody's.
pub(crate) fn row(uid: i64, letters: &str) -> Option<StatusRow> {
    let uid = u32::try_from(uid).ok().and_then(NonZeroU32::new)?;
    Some(StatusRow { uid, flags: Flags::from_letters(letters) })
}

/// Reads a UID map: `local:remote` on each line, in any order (`spec/ondisk.md` §6).
pub(super) fn parse_uid_map(bytes: &[u8]) -> Result<UidMap, BadLine> {
    let text = String::from_utf8_lossy(bytes);
    let mut map = UidMap::new();
    for (text, line) in text.lines().zip(1..) {
        let numbers = text.trim().split_once(':').and_then(|(local, remote)| {
            Some((local.trim().parse().ok()?, remote.trim().parse().ok()?))
        });
        let (local, remote) = numbers.ok_or(BadLine { line })?;
        map.insert(remote, local);
    }
    Ok(map)
}

/// Writes a UID map as [`parse_uid_map`] reads it.
pub(super) fn render_uid_map(map: &UidMap) -> String {
    let mut text = String::new();
    for (remote, local) in map {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{local}:{remote}");
    }
    text
}

/// Reads a saved UIDVALIDITY: the number on the first line (`spec/ondisk.md` §5).
pub(super) fn parse_validity(bytes: &[u8]) -> Option<u32> {
    String::from_utf8_lossy(bytes).lines().next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn shown(text: &str) -> Result<Vec<String>, BadLine> {
        let rows = parse_status(text.as_bytes())?;
        Ok(rows.iter().map(|row| format!("{} {}", row.uid, row.flags.letters())).collect())
    }

    #[test]
    fn both_formats_of_the_plain_status_are_read() {
        let first = format!("{HEADING}1\n1:S\n20:\n3:SFa\n");
        assert_eq!(shown(&first).unwrap(), ["1 S", "20 ", "3 FS"]);
        let second = format!("{HEADING}2\n1|S|0|\n7|FS|1600000000|Work, x|y\n");
        assert_eq!(shown(&second).unwrap(), ["1 S", "7 FS"]);
    }

    #[test]
    fn an_empty_status_knows_no_messages() {
        assert_eq!(shown("").unwrap(), Vec::<String>::new());
        assert_eq!(shown(&format!("{HEADING}2\n")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn numbers_that_no_message_can_have_are_left_out() {
        let text = format!("{HEADING}1\n-1:S\n0:S\n4294967296:S\n4294967295:S\n");
        assert_eq!(shown(&text).unwrap(), ["4294967295 S"]);
    }

    #[test]
    fn a_damaged_status_says_in_which_line() {
        for (text, line) in [
            ("something else\n1:S\n".to_owned(), 1),
            (format!("{HEADING}3\n"), 1),
            (format!("{HEADING}1\n1:S\n2\n"), 3),
            (format!("{HEADING}1\n1|S|0|\n"), 2),
            (format!("{HEADING}2\nx|S|0|\n"), 2),
            (format!("{HEADING}2\n\n"), 2),
        ] {
            assert_eq!(shown(&text), Err(BadLine { line }), "{text}");
        }
    }

    #[test]
    fn a_uid_map_survives_writing_and_reading() {
        let map = parse_uid_map(b"2:2\n3:3\n1:4\n").unwrap();
        assert_eq!(map.get(&uid(4)), Some(&uid(1)));
        assert_eq!(parse_uid_map(render_uid_map(&map).as_bytes()).unwrap(), map);
        for text in ["2:2\n3\n", "0:1\n", "1:x\n", "-1:4\n"] {
            parse_uid_map(text.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn a_validity_is_the_number_on_the_first_line() {
        assert_eq!(parse_validity(b"1795336559\n"), Some(1_795_336_559));
        assert_eq!(parse_validity(b" 42 \nx"), Some(42));
        assert_eq!(parse_validity(b""), None);
        assert_eq!(parse_validity(b"x\n"), None);
    }
}
