//! What identifies a message by its content.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::linebreak::CrLfToLf;

/// The SHA-256 of a message in LF form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Restores a digest that was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 octets, to store them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(")?;
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..)")
    }
}

/// What a store can tell about a message without (IMAP) or with (Maildir) reading it whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Octets on the wire (RFC822.SIZE).
    pub wire_octets: u64,
    /// The Message-ID with folding and surrounding blanks removed; `None` if there is none.
    pub message_id: Option<Box<str>>,
    /// The digest, where the store could compute it without a transfer.
    pub digest: Option<Digest>,
}

impl Fingerprint {
    /// Tells whether two fingerprints can belong to the same message.
    ///
    /// Digests decide where both are known. Otherwise size and Message-ID must agree, and a
    /// message without a Message-ID matches nothing: equal sizes alone prove nothing.
    pub fn matches(&self, other: &Self) -> bool {
        match (&self.digest, &other.digest) {
            (Some(here), Some(there)) => here == there,
            _ => {
                self.wire_octets == other.wire_octets
                    && self.message_id.is_some()
                    && self.message_id == other.message_id
            }
        }
    }
}

/// The length of the field by which mbsync marks a message that it copies, to find it again:
/// `X-TUID: `, twelve characters and a line end.
const MBSYNC_MARK_OCTETS: u64 = 22;

impl Fingerprint {
    /// Tells whether two messages differ in size by just the field that mbsync adds to a message
    /// when it copies it.
    pub fn differs_by_mark_of_mbsync(&self, other: &Self) -> bool {
        self.sizes_with_mark_of_mbsync().any(|octets| octets == other.wire_octets)
    }

    /// Tells whether two fingerprints can belong to a message and to the copy that mbsync made of
    /// it. Without a Message-ID nothing can be told.
    pub(crate) fn is_same_but_for_mark_of_mbsync(&self, other: &Self) -> bool {
        self.message_id.is_some()
            && self.message_id == other.message_id
            && self.differs_by_mark_of_mbsync(other)
    }

    /// Returns the sizes that the same message has where just one of the two bears the field of
    /// mbsync.
    pub(crate) fn sizes_with_mark_of_mbsync(&self) -> impl Iterator<Item = u64> + use<> {
        let shorter = self.wire_octets.checked_sub(MBSYNC_MARK_OCTETS);
        [self.wire_octets.checked_add(MBSYNC_MARK_OCTETS), shorter].into_iter().flatten()
    }
}

/// Computes a [`Fingerprint`] while a message streams by in wire form.
#[derive(Debug, Default)]
pub struct Fingerprinter {
    wire_octets: u64,
    to_lf: CrLfToLf,
    lf: Vec<u8>,
    hash: Sha256,
    header: HeaderScan,
}

impl Fingerprinter {
    /// Takes the next slice of the message as it is on the wire.
    pub fn push(&mut self, wire: &[u8]) {
        self.wire_octets += wire.len() as u64;
        self.lf.clear();
        self.to_lf.push(wire, &mut self.lf);
        self.hash.update(&self.lf);
        self.header.push(&self.lf);
    }

    /// Ends the message.
    pub fn finish(mut self) -> Fingerprint {
        self.lf.clear();
        self.to_lf.finish(&mut self.lf);
        self.hash.update(&self.lf);
        self.header.push(&self.lf);
        Fingerprint {
            wire_octets: self.wire_octets,
            message_id: self.header.finish(),
            digest: Some(Digest(self.hash.finalize().into())),
        }
    }
}

/// Finds the Message-ID field in the header of a message in LF form.
#[derive(Debug, Default)]
struct HeaderScan {
    field: Vec<u8>,
    line_octets: usize,
    state: ScanState,
    found: Option<Box<str>>,
}

#[derive(Debug, Default, PartialEq)]
enum ScanState {
    #[default]
    Header,
    Done,
}

/// A Message-ID longer than this is cut; a header line of any other field is not kept at all
/// beyond it.
const LONGEST_FIELD_OCTETS: usize = 2048;

impl HeaderScan {
    fn push(&mut self, lf: &[u8]) {
        for line in lf.split_inclusive(|byte| *byte == b'\n') {
            if self.state == ScanState::Done {
                return;
            }
            self.push_part_of_line(line);
        }
    }

    fn push_part_of_line(&mut self, part: &[u8]) {
        if self.line_octets == 0 {
            match part.first() {
                Some(b' ' | b'\t') => {}
                Some(b'\n') | None => {
                    self.end_field();
                    self.state = ScanState::Done;
                    return;
                }
                Some(_) => {
                    self.end_field();
                    if self.found.is_some() {
                        self.state = ScanState::Done;
                        return;
                    }
                }
            }
        }
        let room = LONGEST_FIELD_OCTETS.saturating_sub(self.field.len());
        self.field.extend(part.iter().take(room));
        self.line_octets = match part.last() {
            Some(b'\n') => 0,
            _ => self.line_octets + part.len(),
        };
    }

    fn end_field(&mut self) {
        const NAME: &[u8] = b"message-id";
        if let Some((name, value)) = self.field.split_at_checked(NAME.len())
            && name.eq_ignore_ascii_case(NAME)
            && let Some(colon) = value.iter().position(|byte| *byte == b':')
            && value.iter().take(colon).all(u8::is_ascii_whitespace)
        {
            let id: String = String::from_utf8_lossy(value.get(colon + 1..).unwrap_or_default())
                .chars()
                .filter(|c| !c.is_whitespace())
                .collect();
            if !id.is_empty() {
                self.found = Some(id.into());
            }
        }
        self.field.clear();
    }

    fn finish(mut self) -> Option<Box<str>> {
        if self.state == ScanState::Header {
            self.end_field();
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(wire: &[u8], step: usize) -> Fingerprint {
        let mut it = Fingerprinter::default();
        wire.chunks(step).for_each(|slice| it.push(slice));
        it.finish()
    }

    #[test]
    fn line_ends_do_not_change_the_digest() {
        let wire = fingerprint(b"a: b\r\n\r\nx\r\n", 3);
        let file = fingerprint(b"a: b\n\nx\n", 2);
        assert_eq!(wire.digest, file.digest);
        assert_eq!((wire.wire_octets, file.wire_octets), (11, 8));
    }

    #[test]
    fn the_message_id_is_found_however_it_is_written() {
        for header in [
            "Message-ID: <1@x>\r\n\r\n",
            "a: b\r\nMESSAGE-id:<1@x>  \r\nc: d\r\n\r\n",
            "Message-Id :\r\n <1@x>\r\n\r\n",
            "Message-ID: <1@x>",
        ] {
            for step in 1..5 {
                let id = fingerprint(header.as_bytes(), step).message_id;
                assert_eq!(id.as_deref(), Some("<1@x>"), "{header:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn a_message_id_in_the_body_does_not_count() {
        assert_eq!(fingerprint(b"a: b\r\n\r\nMessage-ID: <1@x>\r\n", 4).message_id, None);
        assert_eq!(fingerprint(b"", 4).message_id, None);
    }

    #[test]
    fn equal_sizes_alone_prove_nothing() {
        let bare = Fingerprint { wire_octets: 5, message_id: None, digest: None };
        assert!(!bare.matches(&bare.clone()));
    }
}
