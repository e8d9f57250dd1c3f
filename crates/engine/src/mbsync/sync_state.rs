//! The text of mbsync's sync state (`.mbsyncstate`), read without files.
//!
//! A header of `Name number` lines ends with an empty line. Then follows a line for each message
//! that mbsync has propagated: `<far UID> <near UID> [marks][flags]`. Versions 1.1 to 1.5 write it;
//! the names of the ends have changed meanwhile, and so have the marks.

use std::num::NonZeroU32;

use offlineimap_core::Flags;

/// One of a kind for each end of a channel. Which end is the server is the user's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends<T> {
    /// `Far`, formerly `Master`.
    pub far: T,
    /// `Near`, formerly `Slave`.
    pub near: T,
}

impl<T> Ends<T> {
    fn swapped(self) -> Self {
        Self { far: self.near, near: self.far }
    }
}

/// What mbsync knew of a pair of mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// The UIDVALIDITY of both mailboxes.
    pub validity: Ends<u32>,
    /// The messages, in the order of the file.
    pub entries: Vec<Entry>,
}

/// A message that mbsync has propagated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its UIDs; `None` on the end from which it is gone, or where it never was.
    pub uids: Ends<Option<NonZeroU32>>,
    /// The flags on which both ends agreed. `P` (passed) is no flag of ours and left out.
    pub flags: Flags,
    /// What is special about it.
    pub mark: Mark,
}

/// What is special about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: what is gone from one end was deleted there.
    None,
    /// One end has just a placeholder, because the message is longer than `MaxSize` (`<`, `>`).
    Placeholder,
    /// Not propagated at all because of its size (`^`, before mbsync 1.4).
    Skipped,
    /// Removed from the near end only because of `MaxMessages` (`~`, before mbsync 1.3 `X`).
    Expired,
}

/// Why a text is no sync state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadState {
    /// A line says something else than such lines say.
    #[error("line {line} cannot be understood")]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// The text ends within a line.
    #[error("it ends within line {line}")]
    CutOff {
        /// The line, from 1.
        line: usize,
    },
    /// The text ends within the header, or the header lacks a UIDVALIDITY.
    #[error("its header is not complete")]
    Header,
}

impl SyncState {
    /// Reads the text of a state file.
    ///
    /// # Errors
    ///
    /// If anything in it cannot be understood. Nothing of such a file may be believed.
    pub fn parse(text: &[u8]) -> Result<Self, BadState> {
        let mut lines = numbered_lines(text);
        let validity = parse_header(&mut lines)?;
        let mut entries = Vec::new();
        for (line, number) in lines {
            let line = line?;
            entries.push(parse_entry(line).ok_or(BadState::Line { line: number })?);
        }
        Ok(Self { validity, entries })
    }

    /// Returns the same state, seen from the other end.
    #[must_use]
    pub fn swapped(self) -> Self {
        let swapped = |entry: Entry| Entry { uids: entry.uids.swapped(), ..entry };
        Self {
            validity: self.validity.swapped(),
            entries: self.entries.into_iter().map(swapped).collect(),
        }
    }
}

/// A line as text, unless the end of the file cut it off or it is no text, and its number.
type NumberedLine<'a> = (Result<&'a str, BadState>, usize);

fn numbered_lines(text: &[u8]) -> impl Iterator<Item = NumberedLine<'_>> {
    text.split_inclusive(|octet| *octet == b'\n').zip(1..).map(|(line, number)| {
        let line = match line.strip_suffix(b"\n") {
            None => Err(BadState::CutOff { line: number }),
            Some(line) => std::str::from_utf8(line).map_err(|_| BadState::Line { line: number }),
        };
        (line, number)
    })
}

fn parse_header<'a>(
    lines: &mut impl Iterator<Item = NumberedLine<'a>>,
) -> Result<Ends<u32>, BadState> {
    let mut validity: Ends<Option<u32>> = Ends::default();
    for (line, number) in lines {
        let line = line?;
        if line.is_empty() {
            let (Some(far), Some(near)) = (validity.far, validity.near) else {
                return Err(BadState::Header);
            };
            return Ok(Ends { far, near });
        }
        let bad = BadState::Line { line: number };
        let (name, value) = line.split_once(' ').ok_or(bad)?;
        let value: u32 = value.parse().map_err(|_| bad)?;
        match name {
            "FarUidValidity" | "MasterUidValidity" => validity.far = Some(value),
            "NearUidValidity" | "SlaveUidValidity" => validity.near = Some(value),
            "MaxPulledUid"
            | "MaxPushedUid"
            | "MaxExpiredFarUid"
            | "MaxExpiredMasterUid"
            | "MaxExpiredSlaveUid" => {}
            _ => return Err(bad),
        }
    }
    Err(BadState::Header)
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = line.splitn(3, ' ');
    let (far, near) = (words.next()?.parse::<u32>().ok()?, words.next()?.parse::<u32>().ok()?);
    let word = words.next().unwrap_or_default();
    let (placeholder, word) = strip(word, &['<', '>']);
    let (skipped, word) = strip(word, &['^']);
    let (expired, letters) = strip(word, &['~', 'X']);
    // Before mbsync 1.3, the greatest numbers stood for messages that were not propagated.
    let unreal = |uid: u32| uid >= u32::MAX - 1;
    let mark = match (placeholder, skipped || unreal(far) || unreal(near), expired) {
        (_, true, _) => Mark::Skipped,
        (_, _, true) => Mark::Expired,
        (true, _, _) => Mark::Placeholder,
        (false, false, false) => Mark::None,
    };
    let known = |letter: char| "DFPRST".contains(letter);
    let uid = |uid: u32| NonZeroU32::new(uid).filter(|_| !unreal(uid));
    letters.chars().all(known).then(|| Entry {
        uids: Ends { far: uid(far), near: uid(near) },
        flags: Flags::from_letters(letters),
        mark,
    })
}

/// Takes one of these marks off the start of a word, and tells whether it was there.
fn strip<'a>(word: &'a str, marks: &[char]) -> (bool, &'a str) {
    match word.strip_prefix(marks) {
        Some(rest) => (true, rest),
        None => (false, word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str =
        "FarUidValidity 17\nNearUidValidity 18\nMaxPulledUid 9\nMaxPushedUid 8\n\n";

    fn parsed(entries: &str) -> Result<SyncState, BadState> {
        SyncState::parse(format!("{HEADER}{entries}").as_bytes())
    }

    fn shown(entries: &str) -> Vec<String> {
        let number = |uid: Option<NonZeroU32>| uid.map_or(0, NonZeroU32::get);
        let show = |entry: &Entry| {
            let Entry { uids: Ends { far, near }, flags, mark } = entry;
            format!("{} {} {} {mark:?}", number(*far), number(*near), flags.letters())
        };
        parsed(entries).unwrap().entries.iter().map(show).collect()
    }

    #[test]
    fn entries_are_uids_marks_and_flags() {
        for (line, entry) in [
            ("1 1 ", "1 1  None"),
            ("8 7 DFRST", "8 7 DFRST None"),
            ("7 6 PS", "7 6 S None"),
            ("3 0 FS", "3 0 FS None"),
            ("0 2 S", "0 2 S None"),
            ("4 5", "4 5  None"),
            ("4 5 >S", "4 5 S Placeholder"),
            ("4 5 <", "4 5  Placeholder"),
            ("4 0 ^", "4 0  Skipped"),
            ("4 5 ~S", "4 5 S Expired"),
            ("4 0 XFS", "4 0 FS Expired"),
            ("4 5 >~S", "4 5 S Expired"),
            ("4294967295 5 ", "0 5  Skipped"),
            ("5 4294967294 ", "5 0  Skipped"),
        ] {
            assert_eq!(shown(&format!("{line}\n")), [entry], "{line}");
        }
        assert_eq!(shown(""), Vec::<String>::new());
    }

    #[test]
    fn the_header_tells_the_validity_under_old_and_new_names() {
        for text in [
            HEADER,
            "MaxPulledUid 3\nNearUidValidity 18\nMaxExpiredFarUid 2\nFarUidValidity 17\n\n",
            "MasterUidValidity 17\nSlaveUidValidity 18\nMaxPulledUid 9\nMaxPushedUid 8\n\
             MaxExpiredMasterUid 1\nMaxExpiredSlaveUid 1\n\n",
        ] {
            let state = SyncState::parse(text.as_bytes()).unwrap();
            assert_eq!(state.validity, Ends { far: 17, near: 18 }, "{text}");
            assert_eq!(state.swapped().validity, Ends { far: 18, near: 17 }, "{text}");
        }
    }

    #[test]
    fn a_damaged_header_is_refused() {
        for (text, error) in [
            ("", BadState::Header),
            ("FarUidValidity 17\nNearUidValidity 18\n", BadState::Header),
            ("FarUidValidity 17\n\n1 1 S\n", BadState::Header),
            ("FarUidValidity 17\nNearUidVal", BadState::CutOff { line: 2 }),
            ("FarUidValidity x\n\n", BadState::Line { line: 1 }),
            ("FarUidValidity\n\n", BadState::Line { line: 1 }),
            ("FarUidValidity 4294967296\n\n", BadState::Line { line: 1 }),
            ("Keywords 3\n\n", BadState::Line { line: 1 }),
            ("17:9 18:0:8\n1 1 S\n", BadState::Line { line: 1 }),
            ("\0\0\0\n", BadState::Line { line: 1 }),
        ] {
            assert_eq!(SyncState::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_damaged_entry_is_refused_with_its_line() {
        for line in ["1", "x 1 S", "1 -1 S", "1 4294967296 S", "1 1 Sx", "1 1 S S", "1 1 S\r", ""] {
            let error = parsed(&format!("1 1 S\n{line}\n2 2 S\n")).unwrap_err();
            assert_eq!(error, BadState::Line { line: 7 }, "{line:?}");
        }
        assert_eq!(parsed("1 1 S\n2 2").unwrap_err(), BadState::CutOff { line: 7 });
        let octets = [HEADER.as_bytes(), b"1 1 \xff\n"].concat();
        assert_eq!(SyncState::parse(&octets), Err(BadState::Line { line: 6 }));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(entries in "[0-9 ~^<>XDFPRSTa\n\r\u{e4}]{0,60}") {
            let Ok(state) = parsed(&entries) else { return Ok(()) };
            prop_assert_eq!(state.entries.len(), entries.lines().count());
            prop_assert_eq!(state.clone().swapped().swapped(), state);
        }
    }
}
