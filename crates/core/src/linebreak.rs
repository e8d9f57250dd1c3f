//! The only change ever made to a message unasked: CRLF on the wire, LF on disk.
//!
//! Both converters work on slices of any size and never look back further than one octet, so a
//! message of any length passes in constant memory. Stray CR and NUL pass through unchanged.

use memchr::memchr;

/// Turns CRLF into LF; everything else, a stray CR and a bare LF included, stays as it is.
#[derive(Debug, Default, Clone)]
pub struct CrLfToLf {
    pending_cr: bool,
}

impl CrLfToLf {
    /// Converts the next slice, appending to `out`.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + 1);
        let mut rest = input;
        if self.pending_cr && !rest.is_empty() {
            self.pending_cr = false;
            if rest.first() != Some(&b'\n') {
                out.push(b'\r');
            }
        }
        while let Some(at) = memchr(b'\r', rest) {
            let (before, after) = rest.split_at(at);
            out.extend_from_slice(before);
            match after.get(1) {
                None => {
                    self.pending_cr = true;
                    return;
                }
                Some(b'\n') => {}
                Some(_) => out.push(b'\r'),
            }
            rest = after.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }

    /// Ends the message: a CR that was its last octet is written now.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.pending_cr) {
            out.push(b'\r');
        }
    }
}

/// How the octets of a file become the octets of the wire.
///
/// Normally every LF becomes CRLF, also behind a stray CR, which makes the conversion reversible.
/// A file in which *every* LF already follows a CR was written in wire form, and goes out as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireForm {
    /// Lines end in LF on disk: each becomes CRLF.
    FromLf,
    /// Lines end in CRLF on disk: nothing is converted.
    AsIs,
}

/// Measures a file before it is sent: its form and its length on the wire.
#[derive(Debug, Default, Clone)]
pub struct LfToCrLf {
    octets: u64,
    line_feeds: u64,
    line_feeds_after_cr: u64,
    last_was_cr: bool,
}

impl LfToCrLf {
    /// Counts the next slice.
    pub fn measure(&mut self, input: &[u8]) {
        for (at, byte) in input.iter().enumerate() {
            if *byte == b'\n' {
                self.line_feeds += 1;
                let after_cr = match at.checked_sub(1) {
                    Some(before) => input.get(before) == Some(&b'\r'),
                    None => self.last_was_cr,
                };
                self.line_feeds_after_cr += u64::from(after_cr);
            }
        }
        if let Some(last) = input.last() {
            self.last_was_cr = *last == b'\r';
        }
        self.octets += input.len() as u64;
    }

    /// Returns the form of what was measured.
    pub fn form(&self) -> WireForm {
        if self.line_feeds > 0 && self.line_feeds == self.line_feeds_after_cr {
            WireForm::AsIs
        } else {
            WireForm::FromLf
        }
    }

    /// Returns the number of octets that the wire will carry.
    pub fn wire_octets(&self) -> u64 {
        match self.form() {
            WireForm::AsIs => self.octets,
            WireForm::FromLf => self.octets + self.line_feeds,
        }
    }
}

impl WireForm {
    /// Converts one slice of a file, appending to `out`. Slices are independent of each other.
    pub fn convert(self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::AsIs => out.extend_from_slice(input),
            Self::FromLf => {
                out.reserve(input.len() + input.len() / 32);
                for line in input.split_inclusive(|byte| *byte == b'\n') {
                    match line.split_last() {
                        Some((b'\n', text)) => {
                            out.extend_from_slice(text);
                            out.extend_from_slice(b"\r\n");
                        }
                        _ => out.extend_from_slice(line),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to_lf(wire: &[u8], step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut converter = CrLfToLf::default();
        for slice in wire.chunks(step) {
            converter.push(slice, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    fn to_wire(file: &[u8], step: usize) -> Vec<u8> {
        let mut measure = LfToCrLf::default();
        file.chunks(step).for_each(|slice| measure.measure(slice));
        let mut out = Vec::new();
        file.chunks(step).for_each(|slice| measure.form().convert(slice, &mut out));
        assert_eq!(out.len() as u64, measure.wire_octets());
        out
    }

    #[test]
    fn stray_carriage_returns_survive_both_ways() {
        let wire = b"a\rb\r\r\nc\r\n\r";
        let file = to_lf(wire, 1);
        assert_eq!(file, b"a\rb\r\nc\n\r");
        assert_eq!(to_wire(&file, 3), wire);
    }

    #[test]
    fn a_file_in_wire_form_is_sent_as_it_is() {
        assert_eq!(to_wire(b"a: b\r\n\r\nbody\r\n", 5), b"a: b\r\n\r\nbody\r\n");
    }

    #[test]
    fn an_empty_message_stays_empty() {
        assert_eq!(to_wire(b"", 1), b"");
        assert_eq!(to_lf(b"", 1), b"");
    }

    proptest! {
        #[test]
        fn slices_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')], 0..40), step in 1usize..7) {
            prop_assert_eq!(to_lf(&bytes, step), to_lf(&bytes, 64));
            prop_assert_eq!(to_wire(&bytes, step), to_wire(&bytes, 64));
        }

        #[test]
        fn what_goes_out_comes_back(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')], 0..40)) {
            let mut measure = LfToCrLf::default();
            measure.measure(&bytes);
            let back = to_lf(&to_wire(&bytes, 64), 64);
            match measure.form() {
                WireForm::FromLf => prop_assert_eq!(back, bytes),
                WireForm::AsIs => prop_assert_eq!(back, to_lf(&bytes, 64)),
            }
        }
    }
}
