//! Commands as a strict server reads them (RFC 9051 §9), independent of the client's own parser.

use std::iter::Peekable;
use std::slice::Iter;

use bytes::Bytes;

/// A stretch of a command: a line, and the literal that follows it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Without the `{n}` at its end, if a literal follows.
    pub(super) line: Bytes,
    pub(super) literal: Option<Bytes>,
}

/// The announcement of a literal at the end of a line (RFC 9051 §4.3, RFC 7888, RFC 3516).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LiteralHead {
    pub(super) len: usize,
    pub(super) sync: Synchronisation,
    pub(super) kind: LiteralKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Synchronisation {
    /// The client waits for a `+` line.
    Waits,
    /// The client sends the octets at once.
    Immediate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiteralKind {
    Ordinary,
    Binary,
}

/// An argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arg {
    /// Neither quoted nor a literal; `BODY[HEADER.FIELDS (A B)]` is one atom.
    Atom(String),
    /// A quoted string or a literal.
    Text(Bytes),
    List(Vec<Arg>),
}

impl Arg {
    /// An atom or a string as text; lists are no text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Atom(atom) => Some(atom.clone()),
            Self::Text(octets) => String::from_utf8(octets.to_vec()).ok(),
            Self::List(_) => None,
        }
    }

    pub(super) fn atom(&self) -> Option<&str> {
        match self {
            Self::Atom(atom) => Some(atom),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Arg]> {
        match self {
            Self::List(items) => Some(items),
            Self::Atom(_) | Self::Text(_) => None,
        }
    }

    /// Whether it is this atom in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.atom().is_some_and(|atom| atom.eq_ignore_ascii_case(word))
    }
}

/// Splits a line at the announcement of a literal at its end.
pub(super) fn split_literal_head(line: &Bytes) -> (Bytes, Option<LiteralHead>) {
    literal_head(line)
        .map_or_else(|| (line.clone(), None), |(start, head)| (line.slice(..start), Some(head)))
}

fn literal_head(line: &Bytes) -> Option<(usize, LiteralHead)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&octet| octet == b'{')?;
    let digits = inner.get(open + 1..)?;
    let (digits, sync) = match digits.strip_suffix(b"+") {
        Some(digits) => (digits, Synchronisation::Immediate),
        None => (digits, Synchronisation::Waits),
    };
    let len = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let binary = open.checked_sub(1).filter(|&at| line.get(at) == Some(&b'~'));
    let kind = if binary.is_some() { LiteralKind::Binary } else { LiteralKind::Ordinary };
    Some((binary.unwrap_or(open), LiteralHead { len, sync, kind }))
}

/// Reads the arguments of a command.
///
/// # Errors
///
/// Says what is wrong, for the text of a BAD answer.
pub(super) fn parse(segments: &[Segment]) -> Result<Vec<Arg>, &'static str> {
    let tokens = tokenise(segments)?;
    let mut tokens = tokens.iter().peekable();
    let args = parse_items(&mut tokens)?;
    if tokens.next().is_some() { Err("unbalanced parenthesis") } else { Ok(args) }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Space,
    Atom(String),
    Text(Bytes),
}

/// Items separated by exactly one space, up to the end or a closing parenthesis.
fn parse_items(tokens: &mut Peekable<Iter<'_, Token>>) -> Result<Vec<Arg>, &'static str> {
    let mut items = Vec::new();
    loop {
        match tokens.peek() {
            None | Some(Token::Close) if items.is_empty() => return Ok(items),
            None | Some(Token::Close | Token::Space) => return Err("argument expected"),
            Some(Token::Open) => {
                tokens.next();
                items.push(Arg::List(parse_items(tokens)?));
                if tokens.next() != Some(&Token::Close) {
                    return Err("unbalanced parenthesis");
                }
            }
            Some(Token::Atom(atom)) => {
                items.push(Arg::Atom(atom.clone()));
                tokens.next();
            }
            Some(Token::Text(octets)) => {
                items.push(Arg::Text(octets.clone()));
                tokens.next();
            }
        }
        match tokens.peek() {
            None | Some(Token::Close) => return Ok(items),
            Some(Token::Space) => drop(tokens.next()),
            Some(Token::Open | Token::Atom(_) | Token::Text(_)) => return Err("space expected"),
        }
    }
}

fn tokenise(segments: &[Segment]) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    for segment in segments {
        let mut octets = segment.line.iter().copied().peekable();
        while let Some(&octet) = octets.peek() {
            match octet {
                b'(' | b')' | b' ' => {
                    octets.next();
                    tokens.push(match octet {
                        b'(' => Token::Open,
                        b')' => Token::Close,
                        _ => Token::Space,
                    });
                }
                b'"' => {
                    octets.next();
                    tokens.push(Token::Text(quoted(&mut octets)?));
                }
                _ => tokens.push(Token::Atom(atom(&mut octets)?)),
            }
        }
        tokens.extend(segment.literal.clone().map(Token::Text));
    }
    Ok(tokens)
}

fn quoted(octets: &mut impl Iterator<Item = u8>) -> Result<Bytes, &'static str> {
    let mut text = Vec::new();
    loop {
        match octets.next() {
            Some(b'"') => return Ok(Bytes::from(text)),
            Some(b'\\') => match octets.next() {
                Some(escaped @ (b'"' | b'\\')) => text.push(escaped),
                _ => return Err("bad escape in quoted string"),
            },
            Some(0 | b'\r') | None => return Err("quoted string does not end"),
            Some(128..) => return Err("8-bit octet in quoted string"),
            Some(octet) => text.push(octet),
        }
    }
}

/// An atom; within `[` and `]` blanks and parentheses belong to it.
fn atom(octets: &mut Peekable<impl Iterator<Item = u8>>) -> Result<String, &'static str> {
    let mut text = String::new();
    let mut in_section = false;
    while let Some(&octet) = octets.peek() {
        match octet {
            b' ' | b'(' | b')' if !in_section => break,
            b'"' | b'{' => return Err("atom contains a quote or brace"),
            0..=31 | 127.. => return Err("atom contains a control or 8-bit octet"),
            b'[' => in_section = true,
            b']' => in_section = false,
            _ => {}
        }
        text.push(char::from(octet));
        octets.next();
    }
    if in_section { Err("section does not end") } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &'static str) -> Result<Vec<Arg>, &'static str> {
        parse(&[Segment { line: Bytes::from_static(line.as_bytes()), literal: None }])
    }

    #[test]
    fn atoms_strings_and_lists_are_told_apart() {
        let parsed = args(r#"INBOX (\Seen kw) "a \"b\\" 1:*"#).unwrap();
        assert_eq!(parsed.len(), 4);
        assert!(parsed[0].is("inbox"));
        assert_eq!(parsed[1].list().unwrap()[0].atom(), Some("\\Seen"));
        assert_eq!(parsed[2].text().unwrap(), "a \"b\\");
        assert_eq!(args("()").unwrap(), [Arg::List(Vec::new())]);
    }

    #[test]
    fn a_section_is_one_atom() {
        let parsed = args("1 (UID BODY.PEEK[HEADER.FIELDS (Subject To)]<0.5>)").unwrap();
        let items = parsed[1].list().unwrap();
        assert_eq!(items[1].atom(), Some("BODY.PEEK[HEADER.FIELDS (Subject To)]<0.5>"));
    }

    #[test]
    fn sloppy_commands_are_refused() {
        for line in ["a  b", "a ", " a", "(a", "a)", "(a )", "\"a", "a\"b\"", "caf\u{e9}", "(a)(b)"]
        {
            assert!(args(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_announcement_of_a_literal_is_cut_off() {
        let (line, head) = split_literal_head(&Bytes::from_static(b"box ~{12+}"));
        assert_eq!(line, "box ");
        let head = head.unwrap();
        assert_eq!(head.len, 12);
        assert_eq!(head.sync, Synchronisation::Immediate);
        assert_eq!(head.kind, LiteralKind::Binary);
        assert_eq!(split_literal_head(&Bytes::from_static(b"a {x}")).1, None);
    }
}
