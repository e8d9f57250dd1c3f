//! One mailbox of the embedded server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::date::InternalDate;
use crate::message::Body;

/// A message as the embedded server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its UID.
    pub uid: u32,
    /// Its flags; system flags are spelled as in RFC 9051 §2.3.2.
    pub flags: BTreeSet<String>,
    /// Its INTERNALDATE.
    pub internal_date: InternalDate,
    /// Its octets.
    pub body: Body,
    /// The mod-sequence of its last change (RFC 7162 §3.1).
    pub modseq: u64,
}

/// A message to be added by a test.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub(super) body: Body,
    pub(super) flags: BTreeSet<String>,
    pub(super) internal_date: InternalDate,
}

/// How FETCH misbehaves for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// Asking for its content is answered NO.
    RefuseContent,
    /// It is left out of answers that would contain its content, which then end with OK.
    OmitContent,
    /// Its content is answered as NIL.
    NilContent,
    /// Its content is answered as an empty string.
    EmptyContent,
    /// It is left out of every FETCH answer.
    Omit,
    /// The connection ends when its content is asked for: the server fails at it.
    EndsConnection,
}

impl NewMessage {
    /// An unread message, dated 2 November 2020.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            body: body.into(),
            flags: BTreeSet::new(),
            internal_date: InternalDate::from_unix_seconds(1_604_311_200),
        }
    }

    /// The same with these flags.
    #[must_use]
    pub fn with_flags(mut self, flags: &[&str]) -> Self {
        self.flags = flags.iter().map(|flag| canonical_flag(flag)).collect();
        self
    }

    /// The same with this INTERNALDATE.
    #[must_use]
    pub fn with_date(mut self, internal_date: InternalDate) -> Self {
        self.internal_date = internal_date;
        self
    }
}

impl<B: Into<Body>> From<B> for NewMessage {
    fn from(body: B) -> Self {
        Self::new(body)
    }
}

#[derive(Debug)]
pub(super) struct Mailbox {
    /// Tells this mailbox from another one that later has the same name.
    pub(super) instance: u64,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    pub(super) read_only: bool,
    pub(super) attributes: BTreeSet<String>,
    /// In ascending order of their UIDs.
    pub(super) messages: Vec<StoredMessage>,
    pub(super) broken: BTreeMap<u32, Breakage>,
}

impl Mailbox {
    pub(super) fn new(uid_validity: u32) -> Self {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        Self {
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed),
            uid_validity,
            uid_next: 1,
            highest_modseq: 1,
            read_only: false,
            attributes: BTreeSet::new(),
            messages: Vec::new(),
            broken: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, message: NewMessage) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        let modseq = self.next_modseq();
        let NewMessage { body, flags, internal_date } = message;
        self.messages.push(StoredMessage { uid, flags, internal_date, body, modseq });
        uid
    }

    pub(super) fn message(&self, uid: u32) -> Option<&StoredMessage> {
        self.position(uid).and_then(|at| self.messages.get(at))
    }

    /// Replaces flags; a message that had them already keeps its mod-sequence. False if there is
    /// no such message.
    pub(super) fn set_flags(&mut self, uid: u32, flags: BTreeSet<String>) -> bool {
        let modseq = self.highest_modseq + 1;
        let Some(message) = self.position(uid).and_then(|at| self.messages.get_mut(at)) else {
            return false;
        };
        if message.flags != flags {
            message.flags = flags;
            message.modseq = modseq;
            self.highest_modseq = modseq;
        }
        true
    }

    /// Removes a message. False if there is no such message.
    pub(super) fn remove(&mut self, uid: u32) -> bool {
        let Some(at) = self.position(uid) else { return false };
        self.messages.remove(at);
        self.next_modseq();
        true
    }

    /// Removes the messages that are `\\Deleted` and whose UID is wanted.
    pub(super) fn remove_deleted(&mut self, wanted: impl Fn(u32) -> bool) {
        let before = self.messages.len();
        self.messages
            .retain(|message| !(message.flags.contains("\\Deleted") && wanted(message.uid)));
        if self.messages.len() < before {
            self.next_modseq();
        }
    }

    /// Messages that carry a flag.
    pub(super) fn count(&self, flag: &str) -> usize {
        self.messages.iter().filter(|message| message.flags.contains(flag)).count()
    }

    fn position(&self, uid: u32) -> Option<usize> {
        self.messages.binary_search_by_key(&uid, |message| message.uid).ok()
    }

    fn next_modseq(&mut self) -> u64 {
        self.highest_modseq += 1;
        self.highest_modseq
    }
}

/// System flags in the spelling of RFC 9051 §2.3.2, keywords as they are.
pub(super) fn canonical_flag(flag: &str) -> String {
    const SYSTEM: [&str; 5] = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];
    SYSTEM
        .iter()
        .find(|system| system.eq_ignore_ascii_case(flag))
        .map_or_else(|| flag.to_owned(), |&system| system.to_owned())
}
