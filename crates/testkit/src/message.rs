//! Messages for tests: plain ones of a given size, and the odd ones found in real mailboxes.

mod generated;
mod odd;

pub use generated::Generated;
pub use odd::Odd;

use bytes::Bytes;

/// The octets of a message, held in memory or computed when they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The octets themselves.
    Bytes(Bytes),
    /// Octets computed from a seed, so that a huge message costs no memory.
    Generated(Generated),
}

impl Body {
    /// The size of the message in octets.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Generated(generated) => generated.len(),
        }
    }

    /// Whether the message has no octet at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets from `offset` on, at most `limit_bytes` of them; none past the end.
    pub fn chunk(&self, offset: u64, limit_bytes: usize) -> Bytes {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(limit_bytes).min(bytes.len());
                bytes.slice(start..end)
            }
            Self::Generated(generated) => generated.chunk(offset, limit_bytes),
        }
    }

    /// The whole message in memory.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Generated(generated) => {
                generated.chunk(0, usize::try_from(generated.len()).unwrap_or(usize::MAX))
            }
        }
    }

    /// The size of the header with the empty line that ends it; the whole message without one.
    pub fn header_len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) if bytes.starts_with(b"\r\n") => 2,
            Self::Bytes(bytes) => bytes
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
                .map_or(bytes.len() as u64, |at| at as u64 + 4),
            Self::Generated(generated) => generated.header_len(),
        }
    }
}

impl From<&[u8]> for Body {
    fn from(octets: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(octets))
    }
}

impl<const N: usize> From<&[u8; N]> for Body {
    fn from(octets: &[u8; N]) -> Self {
        Self::from(octets.as_slice())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Bytes(Bytes::from(text))
    }
}

impl From<Vec<u8>> for Body {
    fn from(octets: Vec<u8>) -> Self {
        Self::Bytes(Bytes::from(octets))
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Self {
        Self::Bytes(octets)
    }
}

impl From<Generated> for Body {
    fn from(generated: Generated) -> Self {
        Self::Generated(generated)
    }
}

/// A small message with the given subject, in wire form (lines end in CRLF).
///
/// The `Message-ID` is derived from the subject, so two messages with different subjects are
/// different messages.
pub fn simple(subject: &str) -> Body {
    let id: String = subject.chars().filter(char::is_ascii_alphanumeric).collect();
    Body::from(format!(
        "From: Ada <ada@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: {subject}\r\n\
         Date: Mon, 02 Nov 2020 10:00:00 +0000\r\nMessage-ID: <{id}@example.org>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         This is the message about {subject}.\r\n"
    ))
}

/// A message of exactly `len_bytes` octets (at least [`Generated::MIN_LEN_BYTES`]), the same for
/// the same seed, held in memory.
pub fn random(seed: u64, len_bytes: u64) -> Body {
    Body::Bytes(Body::Generated(Generated::new(seed, len_bytes)).to_bytes())
}

/// A message like that of [`random`] whose octets are computed when read: for huge messages.
pub fn huge(seed: u64, len_bytes: u64) -> Body {
    Body::Generated(Generated::new(seed, len_bytes))
}
