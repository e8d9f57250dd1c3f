//! Reading tokens from a line.

use std::borrow::Cow;

/// A place in a line. Reading past the end gives nothing; it never fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

/// The announcement of a literal at the end of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) size_bytes: u64,
    /// Whether it is `~{n}`.
    pub(super) binary: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Returns how many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(super) fn bump(&mut self) {
        self.skip(1);
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.line.len());
    }

    /// Reads this byte if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        if here {
            self.bump();
        }
        here
    }

    /// Skips blanks, as many as there are.
    pub(super) fn blanks(&mut self) {
        self.take_while(|byte| byte == b' ' || byte == b'\t');
    }

    pub(super) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| !accept(byte)).unwrap_or(rest.len());
        self.skip(length);
        rest.get(..length).unwrap_or_default()
    }

    /// Reads up to a blank, a parenthesis or a quote.
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'(' | b')' | b'"'))
    }

    /// Reads decimal digits; `None` if there are none or too many for 64 bits.
    pub(super) fn number(&mut self) -> Option<u64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return None;
        }
        digits.iter().try_fold(0_u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
    }

    /// Reads a quoted string, with or without 8-bit text; `None` and no move if none is here or it
    /// does not end.
    pub(super) fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let inside = self.rest().strip_prefix(b"\"")?;
        let length = quoted_len(inside)?;
        self.skip(length + 2);
        let raw = inside.get(..length).unwrap_or_default();
        if !raw.contains(&b'\\') {
            return Some(Cow::Borrowed(raw));
        }
        Some(Cow::Owned(unescape(raw)))
    }

    /// Reads a string in a kept line: quoted, or a literal behind its announcement.
    pub(super) fn string(&mut self) -> Option<Cow<'a, [u8]>> {
        match self.peek()? {
            b'"' => self.quoted(),
            b'{' | b'~' => {
                let mut ahead = *self;
                ahead.eat(b'~');
                ahead.eat(b'{').then_some(())?;
                let size = usize::try_from(ahead.number()?).ok()?;
                ahead.eat(b'+');
                (ahead.eat(b'}') && ahead.eat(b'\n')).then_some(())?;
                let bytes = ahead.rest().get(..size)?;
                ahead.skip(size);
                *self = ahead;
                Some(Cow::Borrowed(bytes))
            }
            _ => None,
        }
    }

    /// Reads a string or NIL; `Some(None)` is NIL.
    pub(super) fn nil_or_string(&mut self) -> Option<NilOr<'a>> {
        if let Some(string) = self.string() {
            return Some(NilOr::String(string));
        }
        let mut ahead = *self;
        if ahead.word().eq_ignore_ascii_case(b"NIL") {
            *self = ahead;
            return Some(NilOr::Nil);
        }
        None
    }

    /// Tells whether the rest of the line is the announcement of a literal.
    pub(super) fn literal(&self) -> Option<Announcement> {
        let rest = self.rest();
        let behind_tilde = rest.strip_prefix(b"~").unwrap_or(rest);
        let size_bytes = parse_announcement(behind_tilde)?;
        Some(Announcement { size_bytes, binary: behind_tilde.len() < rest.len() })
    }

    /// Reads what stands between parentheses that hold no further ones and no strings.
    pub(super) fn flat_parentheses(&mut self) -> Option<&'a [u8]> {
        let inside = self.rest().strip_prefix(b"(")?;
        let length = memchr::memchr3(b')', b'(', b'"', inside)?;
        if inside.get(length) != Some(&b')') {
            return None;
        }
        self.skip(length + 2);
        inside.get(..length)
    }
}

/// NIL, or a string.
pub(super) enum NilOr<'a> {
    Nil,
    String(Cow<'a, [u8]>),
}

/// Finds the announcement of a literal at the end of a fragment without trailing blanks, where a string may stand: outside
/// quotes, at the beginning of a word.
pub(super) fn announced_literal(fragment: &[u8]) -> Option<Announcement> {
    // Almost no line ends like this, so almost no line is searched for quotes.
    fragment.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', fragment)?;
    let (before, announcement) = fragment.split_at(open);
    let before_tilde = before.strip_suffix(b"~").unwrap_or(before);
    if !matches!(before_tilde.last(), None | Some(b' ' | b'(' | b'\t')) {
        return None;
    }
    let size = parse_announcement(announcement)?;
    let mut cursor = Cursor::new(before);
    while memchr::memchr(b'"', cursor.rest()).is_some_and(|quote| {
        cursor.skip(quote);
        true
    }) {
        // A quote that is not closed before the brace holds the brace.
        cursor.quoted()?;
    }
    Some(Announcement { size_bytes: size, binary: before_tilde.len() < before.len() })
}

/// Reads `{n}` or `{n+}` with nothing behind it.
fn parse_announcement(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let mut cursor = Cursor::new(digits);
    let size = cursor.number()?;
    cursor.peek().is_none().then_some(size)
}

/// Finds the closing quote, given what stands behind the opening one.
fn quoted_len(inside: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = inside.get(at..)?;
        let found = memchr::memchr2(b'"', b'\\', rest)?;
        if rest.get(found) == Some(&b'"') {
            return Some(at + found);
        }
        at += found + 2;
    }
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        let plain = if byte == b'\\' { bytes.next().copied() } else { Some(byte) };
        out.extend(plain);
    }
    out
}
