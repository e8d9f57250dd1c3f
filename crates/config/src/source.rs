//! The texts a configuration comes from, and places in them.

use std::ops::Range;

use crate::{Diagnostic, Excerpt, Position};

/// What stands in an excerpt where a value may be secret.
const HIDDEN: &str = "********";

/// A part of a source, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Which of the document's sources.
    pub(crate) source: usize,
    /// Where it is there; it does not cross the end of a line.
    pub(crate) bytes: Range<usize>,
}

/// One text: the configuration file, or an argument of `-k`.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    name: String,
    text: String,
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    bytes: Range<usize>,
    /// From here on the line is not to be shown.
    hidden_from: Option<usize>,
}

impl Source {
    /// A text that is known to be UTF-8.
    pub(crate) fn new(name: impl Into<String>, text: String) -> Self {
        let lines = split_lines(&text).map(|bytes| Line { bytes, hidden_from: None }).collect();
        Self { name: name.into(), text, lines }
    }

    /// The contents of a file: UTF-8, with or without byte-order mark.
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text.to_owned())),
            Err(error) => {
                let (valid, invalid) = bytes.split_at(error.valid_up_to());
                Err(Box::new(not_utf8(name, valid, invalid.first().copied().unwrap_or_default())))
            }
        }
    }

    /// The lines without their ends: number from 0, place, text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, Range<usize>, &str)> {
        self.lines.iter().enumerate().map(|(number, line)| {
            (number, line.bytes.clone(), self.text.get(line.bytes.clone()).unwrap_or_default())
        })
    }

    /// Hides the rest of the line from this byte on.
    pub(crate) fn hide_from(&mut self, line: usize, byte: usize) {
        if let Some(line) = self.lines.get_mut(line) {
            line.hidden_from = Some(line.hidden_from.map_or(byte, |earlier| earlier.min(byte)));
        }
    }

    /// The line around a place, with what must not be shown left out.
    pub(crate) fn excerpt(&self, bytes: &Range<usize>, label: &str) -> Excerpt {
        let number =
            self.lines.partition_point(|line| line.bytes.start <= bytes.start).saturating_sub(1);
        let line = self.lines.get(number);
        let start = line.map_or(0, |line| line.bytes.start);
        let end = line.map_or(0, |line| line.bytes.end);
        let shown_end = line.and_then(|line| line.hidden_from).unwrap_or(end).clamp(start, end);
        let mut text = self.text.get(start..shown_end).unwrap_or_default().to_owned();
        let mut span = bytes.start.min(end) - start..bytes.end.clamp(start, end) - start;
        if shown_end < end {
            let shown = text.len();
            text.push_str(HIDDEN);
            if span.end > shown {
                span = span.start.min(shown)..text.len();
            }
        }
        let before = self.text.get(start..bytes.start.min(end)).unwrap_or_default();
        Excerpt {
            position: Position {
                source: self.name.clone(),
                line: number + 1,
                column: before.chars().count() + 1,
            },
            label: label.to_owned(),
            text: Some(text),
            span,
        }
    }
}

/// Whether Python counts a character as white space: `str.isspace`, which knows four control
/// characters more than Unicode does.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// Strips what Python's `str.strip` strips.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Splits at LF, CR LF and CR, as text files are read by Python.
fn split_lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let line = match rest.find(['\n', '\r']) {
            Some(length) => start..start + length,
            None => start..text.len(),
        };
        let ending = text.get(line.end..).unwrap_or_default();
        start = line.end + if ending.starts_with("\r\n") { 2 } else { 1 };
        Some(line)
    })
}

fn not_utf8(name: &str, valid: &[u8], byte: u8) -> Diagnostic {
    let valid = String::from_utf8_lossy(valid);
    let last = split_lines(&valid).last();
    let ended = valid.ends_with(['\n', '\r']) || valid.is_empty();
    let complete = split_lines(&valid).count() - usize::from(!ended);
    let column = match last {
        Some(line) if !ended => valid.get(line).unwrap_or_default().chars().count() + 1,
        Some(_) | None => 1,
    };
    let excerpt = Excerpt {
        position: Position { source: name.to_owned(), line: complete + 1, column },
        label: String::new(),
        text: None,
        span: 0..0,
    };
    Diagnostic::error(format!("the file is not UTF-8: byte 0x{byte:02x} is not valid here"))
        .at(excerpt)
        .help("save the file in the encoding UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_is_one() {
        let source = Source::new("rc", "a\nb\r\nc\rd\n\ne".to_owned());
        let lines: Vec<&str> = source.lines().map(|(_, _, text)| text).collect();
        assert_eq!(lines, ["a", "b", "c", "d", "", "e"]);
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new("rc", "x\nünïx = 1\n".to_owned());
        let excerpt = source.excerpt(&(11..12), "");
        assert_eq!(excerpt.position.to_string(), "rc:2:8");
        assert_eq!(excerpt.text.as_deref(), Some("ünïx = 1"));
    }

    #[test]
    fn hidden_parts_do_not_even_tell_their_length() {
        let mut source = Source::new("rc", "remotepass = hunter2 and more\n".to_owned());
        source.hide_from(0, 13);
        let excerpt = source.excerpt(&(13..29), "");
        assert_eq!(excerpt.text.as_deref(), Some("remotepass = ********"));
        assert_eq!(excerpt.span, 13..21);
        assert_eq!(source.excerpt(&(0..10), "").span, 0..10);
    }

    #[test]
    fn a_byte_that_is_not_utf8_has_a_position() {
        for (bytes, position) in [
            (&b"\xe9"[..], "rc:1:1"),
            (b"ab\xe9", "rc:1:3"),
            (b"a\r\n\xe9", "rc:2:1"),
            (b"a\n\nx = \xc3\xbc\xe9", "rc:3:6"),
            (b"\xef\xbb\xbfab\xe9", "rc:1:3"),
        ] {
            let problem = Source::decode("rc", bytes).unwrap_err();
            assert_eq!(problem.position().unwrap().to_string(), position);
        }
    }
}
