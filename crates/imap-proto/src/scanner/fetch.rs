//! FETCH: items in any order, bodies passed on, what is unknown skipped as balanced values.

use bytes::Bytes;

use crate::date::InternalDate;
use crate::flags::{Flags, parse_flags};
use crate::response::{BodyForm, BodyStart, Fetch, Malformed, Response, Section, Untagged};
use crate::scanner::cursor::{Announcement, Cursor, NilOr};
use crate::scanner::{Next, State, Use};
use crate::uid_set::Uid;

/// How much of a section's text is kept; the rest is of no interest.
const SECTION_LIMIT_BYTES: usize = 4096;

/// The state of reading one FETCH response.
#[derive(Debug)]
pub(super) struct FetchScan {
    fetch: Fetch,
    stage: Stage,
    /// Set when the sequence number was no number.
    nameless: bool,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    /// The opening parenthesis.
    Open,
    /// The name of an item, or the closing parenthesis.
    Name,
    /// The rest of `BODY[...]`, so much of which was read.
    Section { text: Vec<u8>, value: SectionValue },
    /// A body, or NIL.
    Body(Section),
    /// The rest of a value that nobody needs, so deep in parentheses.
    Skip { depth: u32 },
}

/// What stands behind a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SectionValue {
    /// A body.
    Body,
    /// Something else, as behind BINARY.SIZE: skipped.
    Other,
}

/// Why a fragment was left.
enum Left {
    /// The closing parenthesis was read.
    Complete,
    /// The fragment ends with a literal, which belongs to the present stage.
    Literal { size_bytes: u64, use_as: Use },
    /// What is here cannot be in a FETCH response.
    Broken,
}

impl FetchScan {
    pub(super) fn new(seq: Option<u32>) -> Self {
        let fetch = Fetch {
            seq: seq.unwrap_or_default(),
            uid: None,
            flags: None,
            internal_date: None,
            size_bytes: None,
            mod_seq: None,
            bodies: 0,
        };
        Self { fetch, stage: Stage::Open, nameless: seq.is_none() }
    }

    /// Reads the next fragment.
    pub(super) fn go_on(mut self, fragment: &[u8], sink: &mut dyn FnMut(Response)) -> Next {
        let mut cursor = Cursor::new(fragment);
        match self.read(&mut cursor, sink) {
            Left::Literal { size_bytes, use_as } => {
                Next::Literal { size_bytes, use_as, state: State::Fetch(self) }
            }
            Left::Complete if !self.nameless => {
                sink(Response::Untagged(Untagged::Fetch(self.fetch)));
                Next::Done
            }
            Left::Complete | Left::Broken => {
                let uid = self.fetch.uid;
                let offset = cursor.at();
                let malformed = Malformed { name: "FETCH".to_owned(), uid, offset };
                sink(Response::Untagged(Untagged::Malformed(malformed)));
                // If the line still ends with a literal, what follows is not a new response.
                super::skip(fragment)
            }
        }
    }

    fn read(&mut self, cursor: &mut Cursor<'_>, sink: &mut dyn FnMut(Response)) -> Left {
        loop {
            cursor.blanks();
            let left = match &mut self.stage {
                Stage::Open => {
                    self.stage = Stage::Name;
                    if cursor.eat(b'(') { None } else { Some(Left::Broken) }
                }
                Stage::Name => self.read_name(cursor),
                Stage::Section { text, value } => {
                    let left = read_section(text, cursor);
                    if left.is_none() {
                        self.stage = match value {
                            SectionValue::Body => Stage::Body(section(text, cursor)),
                            SectionValue::Other => Stage::Skip { depth: 0 },
                        };
                    }
                    left
                }
                Stage::Body(section) => {
                    let section = std::mem::replace(section, Section::Full);
                    self.read_body(&section, cursor, sink)
                }
                Stage::Skip { depth } => {
                    let left = skip_value(depth, cursor);
                    if *depth == 0 {
                        self.stage = Stage::Name;
                    }
                    left
                }
            };
            if let Some(left) = left {
                return left;
            }
        }
    }

    fn read_name(&mut self, cursor: &mut Cursor<'_>) -> Option<Left> {
        if cursor.eat(b')') {
            return Some(Left::Complete);
        }
        let name = cursor
            .take_while(|byte| !matches!(byte, b' ' | b'\t' | b'(' | b')' | b'"' | b'[' | b'{'));
        if name.is_empty() {
            return Some(Left::Broken);
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if cursor.eat(b'[') {
            let body = is("BODY") || is("BINARY");
            let value = if body { SectionValue::Body } else { SectionValue::Other };
            self.stage = Stage::Section { text: Vec::new(), value };
            return None;
        }
        cursor.blanks();
        if is("UID") {
            let uid = cursor.number().and_then(|number| u32::try_from(number).ok());
            self.fetch.uid = uid.and_then(Uid::new);
            return self.fetch.uid.is_none().then_some(Left::Broken);
        }
        if is("FLAGS") {
            self.read_flags(cursor);
            return None;
        }
        if is("RFC822") {
            self.stage = Stage::Body(Section::Full);
        } else if is("RFC822.HEADER") {
            self.stage = Stage::Body(Section::Other("HEADER".to_owned()));
        } else if is("RFC822.TEXT") {
            self.stage = Stage::Body(Section::Other("TEXT".to_owned()));
        } else if is("RFC822.SIZE") {
            let mut ahead = *cursor;
            self.fetch.size_bytes = ahead.number();
            self.stage = Stage::Skip { depth: 0 };
        } else if is("MODSEQ") {
            let mut ahead = *cursor;
            ahead.eat(b'(');
            ahead.blanks();
            self.fetch.mod_seq = ahead.number();
            self.stage = Stage::Skip { depth: 0 };
        } else if is("INTERNALDATE") {
            let mut ahead = *cursor;
            self.fetch.internal_date = ahead.quoted().and_then(|date| InternalDate::parse(&date));
            self.stage = Stage::Skip { depth: 0 };
        } else {
            self.stage = Stage::Skip { depth: 0 };
        }
        None
    }

    fn read_flags(&mut self, cursor: &mut Cursor<'_>) {
        let mut ahead = *cursor;
        if let Some(flags) = ahead.flat_parentheses().and_then(parse_flags) {
            *cursor = ahead;
            self.fetch.flags = Some(Flags::Known(flags));
        } else {
            self.fetch.flags = Some(Flags::Unparsable);
            self.stage = Stage::Skip { depth: 0 };
        }
    }

    fn read_body(
        &mut self,
        section: &Section,
        cursor: &mut Cursor<'_>,
        sink: &mut dyn FnMut(Response),
    ) -> Option<Left> {
        self.stage = Stage::Name;
        let seq = self.fetch.seq;
        let uid = self.fetch.uid;
        let internal_date = self.fetch.internal_date;
        let mut begin = |size_bytes, form| {
            let section = section.clone();
            let start = BodyStart { seq, uid, internal_date, section, size_bytes, form };
            sink(Response::BodyStart(start));
        };
        if matches!(cursor.peek(), Some(b'{' | b'~')) {
            let Some(literal) = cursor.literal() else { return Some(Left::Broken) };
            let form = if literal.binary { BodyForm::Literal8 } else { BodyForm::Literal };
            begin(literal.size_bytes, form);
            self.fetch.bodies += 1;
            return Some(Left::Literal { size_bytes: literal.size_bytes, use_as: Use::Body });
        }
        match cursor.nil_or_string() {
            Some(NilOr::Nil) => begin(0, BodyForm::Nil),
            Some(NilOr::String(text)) => {
                begin(text.len() as u64, BodyForm::Quoted);
                if !text.is_empty() {
                    sink(Response::BodyChunk(Bytes::copy_from_slice(&text)));
                }
            }
            None => return Some(Left::Broken),
        }
        self.fetch.bodies += 1;
        sink(Response::BodyEnd);
        None
    }
}

/// Reads up to the closing bracket. Header names are strings, so there can be quotes and literals.
fn read_section(text: &mut Vec<u8>, cursor: &mut Cursor<'_>) -> Option<Left> {
    loop {
        let before = cursor.rest();
        match cursor.peek() {
            None => return Some(Left::Broken),
            Some(b']') => {
                cursor.bump();
                return None;
            }
            Some(b'"') => {
                if cursor.quoted().is_none() {
                    return Some(Left::Broken);
                }
            }
            Some(_) => {
                if let Some(Announcement { size_bytes, .. }) = cursor.literal() {
                    return Some(Left::Literal { size_bytes, use_as: Use::Skip });
                }
                cursor.bump();
            }
        }
        let read = before.len() - cursor.rest().len();
        let room = SECTION_LIMIT_BYTES.saturating_sub(text.len());
        text.extend(before.iter().take(read.min(room)));
    }
}

/// Names a section, with the `<offset>` that may follow the bracket.
fn section(text: &[u8], cursor: &mut Cursor<'_>) -> Section {
    let mut name = String::from_utf8_lossy(text.trim_ascii()).to_ascii_uppercase();
    if cursor.peek() == Some(b'<') {
        let offset = cursor.take_while(|byte| byte != b' ');
        name.push_str(&String::from_utf8_lossy(offset));
    }
    if name.is_empty() { Section::Full } else { Section::Other(name) }
}

/// Skips one value: an atom, a string, or a balanced list.
fn skip_value(depth: &mut u32, cursor: &mut Cursor<'_>) -> Option<Left> {
    loop {
        cursor.blanks();
        match cursor.peek() {
            None => return Some(Left::Broken),
            Some(b'(') => {
                *depth += 1;
                cursor.bump();
                continue;
            }
            Some(b')') if *depth == 0 => return None,
            Some(b')') => {
                *depth -= 1;
                cursor.bump();
            }
            Some(b'"') => {
                if cursor.quoted().is_none() {
                    return Some(Left::Broken);
                }
            }
            Some(_) => {
                if let Some(Announcement { size_bytes, .. }) = cursor.literal() {
                    return Some(Left::Literal { size_bytes, use_as: Use::Skip });
                }
                cursor.word();
            }
        }
        if *depth == 0 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Scanner;

    fn starts(response: &'static str) -> Vec<(Option<u32>, Option<i64>)> {
        let mut starts = Vec::new();
        let mut sink = |response| {
            if let Response::BodyStart(start) = response {
                let date = start.internal_date.map(InternalDate::unix_seconds);
                starts.push((start.uid.map(Uid::get), date));
            }
        };
        Scanner::new().scan(&Bytes::from_static(response.as_bytes()), &mut sink).unwrap();
        starts
    }

    #[test]
    fn a_body_comes_with_what_stood_before_it_alone() {
        let date = "INTERNALDATE \"17-Jul-1996 02:44:25 +0000\"";
        let before = format!("* 1 FETCH (UID 7 {date} BODY[] {{1}}\r\nx)\r\n");
        assert_eq!(starts(before.leak()), [(Some(7), Some(837_571_465))]);
        let behind = format!("* 1 FETCH (BODY[] {{1}}\r\nx {date} UID 7)\r\n");
        assert_eq!(starts(behind.leak()), [(None, None)]);
    }
}
