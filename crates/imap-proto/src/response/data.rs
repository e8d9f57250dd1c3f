//! Data responses about mailboxes and sets of messages.

use crate::mailbox::MailboxName;
use crate::uid_set::{Uid, UidSet};

/// A line of a LIST or LSUB answer (RFC 9051 §7.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// The attributes as written, with their backslashes, such as `\Noselect`.
    pub attributes: Vec<String>,
    /// The hierarchy delimiter; `None` for NIL, a flat name.
    pub delimiter: Option<u8>,
    /// The name. NIL is the empty name.
    pub name: MailboxName,
}

impl ListEntry {
    /// Tells whether the attribute is there, in any case (Cyrus writes `\drafts`).
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
    }
}

/// A STATUS answer (RFC 9051 §7.3.4). What the server left out is `None`: some send `()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxStatus {
    /// The mailbox, as the server writes its name.
    pub mailbox: MailboxName,
    /// MESSAGES.
    pub messages: Option<u32>,
    /// RECENT.
    pub recent: Option<u32>,
    /// UIDNEXT; a 0 counts as left out.
    pub uid_next: Option<Uid>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// UNSEEN.
    pub unseen: Option<u32>,
    /// HIGHESTMODSEQ (RFC 7162); 0 means that the mailbox has none.
    pub highest_mod_seq: Option<u64>,
    /// SIZE in bytes (RFC 8438).
    pub size_bytes: Option<u64>,
}

/// A SEARCH answer, or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// The numbers: UIDs for UID SEARCH.
    pub uids: UidSet,
    /// The highest modification sequence among them, if asked for (RFC 7162 §3.1.5).
    pub mod_seq: Option<u64>,
}

/// An ESEARCH answer, or a part of one (RFC 4731).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Esearch {
    /// The tag of the command that this answers.
    pub tag: Option<String>,
    /// MIN.
    pub min: Option<Uid>,
    /// MAX.
    pub max: Option<Uid>,
    /// COUNT.
    pub count: Option<u32>,
    /// ALL.
    pub all: UidSet,
    /// MODSEQ (RFC 7162 §3.1.10).
    pub mod_seq: Option<u64>,
}

/// Messages that are gone (RFC 7162 §3.2.10), or a part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vanished {
    /// Whether they were already gone before this session looked; these do not shift sequence
    /// numbers.
    pub age: VanishedAge,
    /// The UIDs.
    pub uids: UidSet,
}

/// Whether VANISHED was said with `(EARLIER)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VanishedAge {
    /// With `(EARLIER)`: the answer to a question.
    Earlier,
    /// Without: expunged just now.
    Now,
}

/// The fields of an ID answer, in order (RFC 2971).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Id {
    /// Names and values; other than UTF-8 is replaced, NIL values are left out.
    pub fields: Vec<(String, String)>,
}

/// A known response with unreadable contents, without quoting them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The name of the response, upper case, such as `STATUS` or `FETCH`.
    pub name: String,
    /// For FETCH: the UID if it was read.
    pub uid: Option<Uid>,
    /// Where in the line reading stopped.
    pub offset: usize,
}
