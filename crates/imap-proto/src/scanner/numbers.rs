//! SEARCH, ESEARCH and VANISHED: lists of numbers of any length, read byte by byte.

use crate::response::{
    Esearch, Malformed, Response, SearchResult, Untagged, Vanished, VanishedAge,
};
use crate::scanner::cursor::Cursor;
use crate::uid_set::{Uid, UidRange, UidSet};

/// How many ranges are gathered before they are passed on.
const PIECE_RANGES: usize = 4096;

/// Words are short; a longer one is none that is known.
const WORD_LIMIT_BYTES: usize = 256;

/// The state of reading one list.
#[derive(Debug)]
pub(super) struct NumberScan {
    kind: Kind,
    ranges: Vec<UidRange>,
    read: usize,
    word: Vec<u8>,
    /// Where the quoted string began that is being read.
    quoted_from: Option<usize>,
    depth: u32,
    key: Key,
    range_start: Option<u64>,
    number: Option<u64>,
    broken_at: Option<usize>,
    any_piece: bool,
    esearch: Esearch,
    age: VanishedAge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Search,
    Esearch,
    Vanished,
}

/// What the next value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    None,
    All,
    Count,
    Max,
    Min,
    ModSeq,
    Tag,
}

/// How far a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) bytes: usize,
    pub(super) complete: bool,
}

/// Recognises a list of numbers by the beginning of its line, and gives what stands behind its
/// name. Nothing is known before the name is complete.
pub(super) fn head(line: &[u8]) -> Option<(NumberScan, &[u8])> {
    // The longest name is VANISHED; no need to look at more of a long line.
    let mut cursor = Cursor::new(line);
    if !cursor.eat(b'*') {
        return None;
    }
    cursor.blanks();
    let word = cursor.word();
    cursor.peek()?;
    Some((by_name(word)?, cursor.rest()))
}

/// Makes the reader for the response with this name, if it is a list of numbers.
pub(super) fn by_name(word: &[u8]) -> Option<NumberScan> {
    let kind = [("SEARCH", Kind::Search), ("ESEARCH", Kind::Esearch), ("VANISHED", Kind::Vanished)]
        .into_iter()
        .find_map(|(name, kind)| word.eq_ignore_ascii_case(name.as_bytes()).then_some(kind))?;
    Some(NumberScan {
        kind,
        ranges: Vec::new(),
        read: 0,
        word: Vec::new(),
        quoted_from: None,
        depth: 0,
        key: Key::None,
        range_start: None,
        number: None,
        broken_at: None,
        any_piece: false,
        esearch: Esearch::default(),
        age: VanishedAge::Now,
    })
}

impl NumberScan {
    /// Reads up to the end of the line, or all there is.
    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Response)) -> Taken {
        for (at, &byte) in bytes.iter().enumerate() {
            self.read += 1;
            if byte == b'\n' {
                if self.quoted_from.is_some() {
                    self.broken();
                }
                self.end_token();
                self.finish(sink);
                return Taken { bytes: at + 1, complete: true };
            }
            self.take_byte(byte);
            if self.ranges.len() >= PIECE_RANGES {
                self.emit(sink);
            }
        }
        Taken { bytes: bytes.len(), complete: false }
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<UidRange>() + self.word.capacity()
    }

    fn take_byte(&mut self, byte: u8) {
        match byte {
            b'"' if self.quoted_from.is_some() => {
                self.quoted_from = None;
                self.end_token();
            }
            _ if self.quoted_from.is_some() => self.push(byte),
            b'0'..=b'9' if self.word.is_empty() => {
                let digit = u64::from(byte - b'0');
                let value = self.number.unwrap_or(0).checked_mul(10);
                match value.and_then(|value| value.checked_add(digit)) {
                    Some(value) => self.number = Some(value),
                    None => self.broken(),
                }
            }
            b':' if self.number.is_some() && self.range_start.is_none() => {
                self.range_start = self.number.take();
            }
            b',' | b' ' | b'\t' | b'\r' => self.end_token(),
            b'"' => {
                self.end_token();
                self.quoted_from = Some(self.read);
            }
            b'(' => {
                self.end_token();
                self.depth += 1;
                self.key = Key::None;
            }
            b')' => {
                self.end_token();
                self.depth = self.depth.saturating_sub(1);
                self.key = Key::None;
            }
            _ => {
                if self.number.is_some() || self.range_start.is_some() {
                    self.broken();
                }
                self.push(byte);
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if self.word.len() < WORD_LIMIT_BYTES {
            self.word.push(byte);
        } else {
            self.broken();
        }
    }

    fn end_token(&mut self) {
        if !self.word.is_empty() {
            self.number = None;
            self.range_start = None;
            self.end_word();
            self.word.clear();
        }
        match (self.range_start.take(), self.number.take()) {
            (None, None) => {}
            (None, Some(number)) => self.end_number(number, number),
            (Some(first), Some(last)) => self.end_number(first, last),
            (Some(_), None) => self.broken(),
        }
    }

    fn end_word(&mut self) {
        if self.key == Key::Tag && self.depth > 0 {
            self.esearch.tag = Some(String::from_utf8_lossy(&self.word).into_owned());
            self.key = Key::None;
            return;
        }
        self.word.make_ascii_uppercase();
        self.key = match self.word.as_slice() {
            b"ALL" => Key::All,
            b"COUNT" => Key::Count,
            b"MAX" => Key::Max,
            b"MIN" => Key::Min,
            b"MODSEQ" => Key::ModSeq,
            b"TAG" => Key::Tag,
            b"EARLIER" => {
                self.age = VanishedAge::Earlier;
                Key::None
            }
            word => {
                // Other words are extensions in ESEARCH only; elsewhere the list cannot be trusted.
                if self.kind != Kind::Esearch || word.is_empty() {
                    self.broken();
                }
                Key::None
            }
        };
    }

    fn end_number(&mut self, first: u64, last: u64) {
        let uid = |number: u64| u32::try_from(number).ok().and_then(Uid::new);
        match (self.kind, self.key) {
            (Kind::Search | Kind::Esearch, Key::ModSeq) => self.esearch.mod_seq = Some(last),
            (Kind::Search | Kind::Vanished, _) if self.depth == 0 => self.add(first, last),
            (Kind::Esearch, Key::All) => self.add(first, last),
            (Kind::Esearch, Key::Count) => self.esearch.count = u32::try_from(last).ok(),
            (Kind::Esearch, Key::Max) => self.esearch.max = uid(last),
            (Kind::Esearch, Key::Min) => self.esearch.min = uid(last),
            (Kind::Esearch, Key::Tag) => self.esearch.tag = Some(last.to_string()),
            (Kind::Esearch, Key::None) | (Kind::Search | Kind::Vanished, _) => {}
        }
    }

    fn add(&mut self, first: u64, last: u64) {
        let uid = |number: u64| u32::try_from(number).ok().and_then(Uid::new);
        let (Some(first), Some(last)) = (uid(first), uid(last)) else {
            self.broken();
            return;
        };
        let range = UidRange::new(first, last);
        match self.ranges.last_mut() {
            Some(before) if before.last().checked_add(1) == Some(range.first()) => {
                *before = UidRange::new(before.first(), range.last());
            }
            _ => self.ranges.push(range),
        }
    }

    /// Remembers where the list can no longer be read: a string that does not end, from its start on.
    fn broken(&mut self) {
        self.broken_at.get_or_insert(self.quoted_from.unwrap_or(self.read));
    }

    fn finish(&mut self, sink: &mut dyn FnMut(Response)) {
        if let Some(offset) = self.broken_at {
            let name = match self.kind {
                Kind::Search => "SEARCH",
                Kind::Esearch => "ESEARCH",
                Kind::Vanished => "VANISHED",
            };
            let malformed = Malformed { name: name.to_owned(), uid: None, offset };
            sink(Response::Untagged(Untagged::Malformed(malformed)));
        } else if self.kind == Kind::Esearch
            || !self.any_piece
            || !self.ranges.is_empty()
            || self.esearch.mod_seq.is_some()
        {
            self.emit(sink);
        }
    }

    fn emit(&mut self, sink: &mut dyn FnMut(Response)) {
        self.any_piece = true;
        let uids: UidSet = self.ranges.drain(..).collect();
        sink(Response::Untagged(match self.kind {
            Kind::Search => Untagged::Search(SearchResult { uids, mod_seq: self.esearch.mod_seq }),
            Kind::Esearch => Untagged::Esearch(Esearch { all: uids, ..self.esearch.clone() }),
            Kind::Vanished => Untagged::Vanished(Vanished { age: self.age, uids }),
        }));
    }
}
