/// Finds lines and literals in one direction of a conversation in the clear.
#[derive(Debug, Default)]
pub(super) struct Framing {
    line: Vec<u8>,
    literal_remaining: u64,
}

/// A stretch of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line with its CRLF.
    Line(Vec<u8>),
    /// Octets of a literal.
    Literal(Vec<u8>),
}

impl Framing {
    /// The pieces completed by these octets; an incomplete line is kept for later.
    pub(super) fn feed(&mut self, octets: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = octets;
        while !rest.is_empty() {
            if self.literal_remaining > 0 {
                let wanted = usize::try_from(self.literal_remaining).unwrap_or(usize::MAX);
                let (literal, behind) = rest.split_at(wanted.min(rest.len()));
                self.literal_remaining -= literal.len() as u64;
                pieces.push(Piece::Literal(literal.to_vec()));
                rest = behind;
                continue;
            }
            let end = rest.iter().position(|&octet| octet == b'\n').map_or(rest.len(), |at| at + 1);
            let (part, behind) = rest.split_at(end);
            self.line.extend_from_slice(part);
            rest = behind;
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.literal_remaining = literal_len(&line).unwrap_or(0);
                pieces.push(Piece::Line(line));
            }
        }
        pieces
    }

    /// Whether nothing is begun and not ended.
    pub(super) fn at_boundary(&self) -> bool {
        self.line.is_empty() && self.literal_remaining == 0
    }
}

/// The size of the literal announced at the end of a line.
pub(super) fn literal_len(line: &[u8]) -> Option<u64> {
    if is_status_response(line) {
        return None;
    }
    let line = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"))?;
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&octet| octet == b'{')?;
    let digits = inner.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether the client sends the literal without waiting.
pub(super) fn is_immediate(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"+}")
}

/// The text of a status response is for humans: `{5}` at its end announces nothing.
fn is_status_response(line: &[u8]) -> bool {
    line.split(|&octet| octet == b' ').nth(1).is_some_and(|word| {
        [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
            .iter()
            .any(|condition| word.trim_ascii_end().eq_ignore_ascii_case(condition))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_no_line_however_it_arrives() {
        for step in 1..12 {
            let mut framing = Framing::default();
            let mut lines = Vec::new();
            for octets in b"a APPEND x {7+}\r\nb NOOP\n\r\nc NOOP\r\n".chunks(step) {
                for piece in framing.feed(octets) {
                    if let Piece::Line(line) = piece {
                        lines.push(String::from_utf8(line).unwrap());
                    }
                }
            }
            assert_eq!(lines, ["a APPEND x {7+}\r\n", "\r\n", "c NOOP\r\n"]);
            assert!(framing.at_boundary());
        }
    }

    #[test]
    fn text_for_humans_announces_no_literal() {
        assert_eq!(literal_len(b"* NO no such box {5}\r\n"), None);
        assert_eq!(literal_len(b"* 1 FETCH (BODY[] {5}\r\n"), Some(5));
    }
}
