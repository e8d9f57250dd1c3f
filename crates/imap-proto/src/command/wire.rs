//! How arguments are put on the wire.

use secrecy::{ExposeSecret as _, SecretSlice};

use crate::command::{Command, CommandKind};
use crate::flags::{FlagList, SystemFlag};
use crate::mailbox::MailboxName;

/// A piece of a command.
pub(crate) enum Part {
    /// Bytes of the line. All of them are secret: a LOGIN line holds a password.
    Text(SecretSlice<u8>),
    /// A short literal that the session sends itself.
    Literal(SecretSlice<u8>),
    /// A literal that the driver streams.
    Stream {
        /// Its size.
        size_bytes: u64,
    },
}

/// Builds the parts of a command.
pub(crate) struct Writer {
    line: Vec<u8>,
    parts: Vec<Part>,
}

impl Writer {
    pub(crate) fn new(start: &str) -> Self {
        Self { line: start.as_bytes().to_vec(), parts: Vec::new() }
    }

    /// Writes protocol text as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }

    /// Writes a name that must be an atom; what cannot stand in one is left out.
    pub(crate) fn atom(&mut self, name: &str) {
        self.line.extend(name.bytes().filter(|&byte| is_atom_byte(byte) || byte == b']'));
    }

    /// Writes a string, quoted or as a literal.
    pub(crate) fn string(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|&byte| is_quotable(byte)) && bytes.len() <= QUOTED_LIMIT_BYTES {
            self.line.push(b'"');
            for &byte in bytes {
                if matches!(byte, b'"' | b'\\') {
                    self.line.push(b'\\');
                }
                self.line.push(byte);
            }
            self.line.push(b'"');
        } else {
            self.end_text();
            self.parts.push(Part::Literal(bytes.to_vec().into()));
        }
    }

    /// Writes a secret string, without growing the line meanwhile.
    pub(crate) fn secret_string(&mut self, bytes: &[u8]) {
        // Growing would leave a part of the secret behind in freed memory.
        self.line.reserve(bytes.len() * 2 + 2);
        self.string(bytes);
    }

    /// Writes the name of a mailbox: bare if it is a plain atom, else as a string.
    pub(crate) fn mailbox(&mut self, name: &MailboxName) {
        let bytes = name.as_bytes();
        // Bare NIL would be the absence of a name.
        let bare = !bytes.is_empty()
            && bytes.iter().all(|&byte| is_atom_byte(byte))
            && !bytes.eq_ignore_ascii_case(b"NIL");
        if bare {
            self.line.extend_from_slice(bytes);
        } else {
            self.string(bytes);
        }
    }

    pub(crate) fn stream(&mut self, size_bytes: u64) {
        self.end_text();
        self.parts.push(Part::Stream { size_bytes });
    }

    pub(crate) fn finish(mut self, kind: CommandKind) -> Command {
        self.end_text();
        Command { kind, parts: self.parts, mechanism: None }
    }

    fn end_text(&mut self) {
        if !self.line.is_empty() {
            let text = std::mem::take(&mut self.line);
            self.parts.push(Part::Text(text.into()));
        }
    }
}

/// Leaves out what a client may not set: `\Recent`, `\*`, and whatever is no flag.
pub(crate) fn settable_flags(flags: &FlagList) -> FlagList {
    let mut settable: FlagList =
        flags.system_flags().filter(|&flag| flag != SystemFlag::Recent).collect();
    for name in flags.others() {
        let atom = name.strip_prefix('\\').unwrap_or(name);
        if !atom.is_empty() && atom.bytes().all(|byte| is_atom_byte(byte) || byte == b']') {
            settable.insert_name(name);
        }
    }
    settable
}

/// Strings beyond this go as literals; servers limit their command lines (RFC 7162 §4: 8192).
const QUOTED_LIMIT_BYTES: usize = 1024;

/// `ATOM-CHAR` of RFC 9051 §9, without `]`, `[` and `/`, `&`, `~` being allowed: a name with `]`
/// was seen to confuse servers, so it is quoted.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte)
}

fn is_quotable(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'\0' | b'\r' | b'\n')
}

impl Part {
    /// Counts the bytes on the wire, without the announcement of a literal.
    pub(crate) fn size_bytes(&self) -> u64 {
        match self {
            Self::Text(bytes) | Self::Literal(bytes) => bytes.expose_secret().len() as u64,
            Self::Stream { size_bytes } => *size_bytes,
        }
    }
}
