//! Names of mailboxes as bytes.

use std::borrow::Cow;
use std::fmt;

use crate::utf7::{self, Utf7Error};

/// The name of a mailbox exactly as it stands on the wire, quotes and escapes removed.
///
/// Most servers use modified UTF-7, some UTF-8, and some anything; so the bytes are the identity
/// and decoding is a separate question.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(Vec<u8>);

impl MailboxName {
    /// Takes the bytes as they stand on the wire.
    pub fn from_wire(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Encodes text in modified UTF-7 (RFC 3501 §5.1.3).
    pub fn from_text(text: &str) -> Self {
        Self(utf7::encode(text).into_bytes())
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the name as modified UTF-7.
    ///
    /// # Errors
    ///
    /// Fails if the name is not valid; then the bytes are all that is known.
    pub fn decode_utf7(&self) -> Result<String, Utf7Error> {
        utf7::decode(&self.0)
    }

    /// Returns the name for messages to people: other than UTF-8 is replaced.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Tells whether both names mean one mailbox: equal bytes, or INBOX in any case
    /// (RFC 9051 §5.1).
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self == other || (self.is_inbox() && other.is_inbox())
    }

    /// Tells whether this is INBOX, in any case.
    pub fn is_inbox(&self) -> bool {
        self.0.eq_ignore_ascii_case(b"INBOX")
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName(\"{}\")", self.0.escape_ascii())
    }
}

impl From<&str> for MailboxName {
    /// Takes the text as it stands on the wire; nothing is encoded.
    fn from(wire: &str) -> Self {
        Self(wire.as_bytes().to_vec())
    }
}
