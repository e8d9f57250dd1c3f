//! Messages as both sides show them, reduced to what must be the same.

use std::collections::BTreeMap;
use std::fmt;

/// The mail of one side, by folder; the messages of each folder are sorted.
pub(crate) type World = BTreeMap<String, Vec<Mail>>;

/// A message, whichever side it is on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mail {
    /// The octets, with lines that end in LF.
    pub(crate) content: Vec<u8>,
    /// The letters of the flags, sorted.
    pub(crate) flags: String,
}

impl Mail {
    /// The text of the `Subject` field; the start of the message if it has none.
    pub(crate) fn subject(&self) -> String {
        let head: Vec<u8> = self.content.iter().copied().take(500).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let field = head.lines().find_map(|line| line.strip_prefix("Subject: "));
        field.map_or_else(|| head.chars().take(30).collect(), str::to_owned)
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {} octets", self.subject(), self.flags, self.content.len())
    }
}

/// A line for every message and for every empty folder, sorted.
pub(crate) fn summary(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (folder, mails) in world {
        if mails.is_empty() {
            lines.push(format!("{folder}:"));
        }
        lines.extend(mails.iter().map(|it| format!("{folder}: {} [{}]", it.subject(), it.flags)));
    }
    lines.sort();
    lines
}

/// The letters of IMAP's system flags, sorted.
pub(crate) fn letters(flags: &str) -> String {
    let mut letters: Vec<char> = flags
        .split_ascii_whitespace()
        .filter_map(|flag| match flag.to_ascii_lowercase().as_str() {
            "\\seen" => Some('S'),
            "\\answered" => Some('R'),
            "\\flagged" => Some('F'),
            "\\deleted" => Some('T'),
            "\\draft" => Some('D'),
            _ => None,
        })
        .collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// Lines that end in CRLF end in LF; nothing else changes.
pub(crate) fn lf(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(wire.len());
    let mut octets = wire.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        if octet != b'\r' || octets.peek() != Some(&b'\n') {
            out.push(octet);
        }
    }
    out
}

/// Every LF becomes CRLF; nothing else changes.
pub(crate) fn wire(lf: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(lf.len() + lf.len() / 40);
    for octet in lf {
        if *octet == b'\n' {
            out.push(b'\r');
        }
        out.push(*octet);
    }
    out
}
