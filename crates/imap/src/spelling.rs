//! How the names of mailboxes are spelt outside of their server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use offlineimap_imap_proto::mailbox::MailboxName as WireName;

/// How the names of mailboxes are spelt outside of their server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameEncoding {
    /// As on the server, whatever that means.
    #[default]
    AsOnServer,
    /// In UTF-8; the server uses modified UTF-7 (RFC 3501 §5.1.3).
    Utf8,
}

/// Spells names, and remembers those that the server does not spell as it should.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    encoding: NameEncoding,
    odd: Mutex<BTreeMap<String, WireName>>,
}

/// Whether a server spells a name in modified UTF-7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regularity {
    /// It does, or it does not matter.
    Regular,
    /// The name stands for itself.
    Odd,
}

impl Spelling {
    pub(crate) fn new(encoding: NameEncoding) -> Self {
        Self { encoding, odd: Mutex::default() }
    }

    /// Spells a name as the server does.
    pub(crate) fn wire(&self, name: &str) -> WireName {
        match self.encoding {
            NameEncoding::AsOnServer => WireName::from(name),
            NameEncoding::Utf8 => {
                let odd = self.odd.lock().unwrap_or_else(PoisonError::into_inner);
                odd.get(name).cloned().unwrap_or_else(|| WireName::from_text(name))
            }
        }
    }

    /// Spells a name of the server's. `None` if it is no text.
    pub(crate) fn text(&self, name: &WireName) -> Option<(String, Regularity)> {
        let raw = || std::str::from_utf8(name.as_bytes()).ok().map(str::to_owned);
        match self.encoding {
            NameEncoding::AsOnServer => raw().map(|text| (text, Regularity::Regular)),
            NameEncoding::Utf8 => match name.decode_utf7() {
                Ok(text) => Some((text, Regularity::Regular)),
                Err(_) => raw().map(|text| (text, Regularity::Odd)),
            },
        }
    }

    /// Remembers the names of a listing that stand for themselves.
    pub(crate) fn remember(&self, names: impl IntoIterator<Item = (String, WireName)>) {
        let mut odd = self.odd.lock().unwrap_or_else(PoisonError::into_inner);
        *odd = names.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_unless_it_is_known_to_stand_for_itself() {
        let spelling = Spelling::new(NameEncoding::Utf8);
        let regular = WireName::from("G&AOQ-ste");
        assert_eq!(spelling.text(&regular), Some(("Gäste".to_owned(), Regularity::Regular)));
        assert_eq!(spelling.wire("Gäste"), regular);
        assert_eq!(spelling.wire("a & b"), WireName::from("a &- b"));
        let odd = WireName::from("a & b");
        assert_eq!(spelling.text(&odd), Some(("a & b".to_owned(), Regularity::Odd)));
        spelling.remember([("a & b".to_owned(), odd.clone())]);
        assert_eq!(spelling.wire("a & b"), odd);
        assert_eq!(spelling.text(&WireName::from_wire(*b"\xff")), None);
    }

    #[test]
    fn a_name_as_on_the_server_is_left_as_it_is() {
        let spelling = Spelling::new(NameEncoding::AsOnServer);
        for name in ["G&AOQ-ste", "a & b", "Gäste"] {
            assert_eq!(spelling.wire(name), WireName::from(name));
            let text = spelling.text(&WireName::from(name));
            assert_eq!(text, Some((name.to_owned(), Regularity::Regular)));
        }
    }
}
