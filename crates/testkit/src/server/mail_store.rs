//! The mail of the embedded server, shared between its sessions and the test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::date::InternalDate;
use super::mailbox::{Breakage, Mailbox, NewMessage, StoredMessage, canonical_flag};

/// Why a test's look at or change of the mail store is impossible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MailStoreError {
    /// No mailbox has this name.
    #[error("no mailbox `{mailbox}` in the embedded server")]
    NoSuchMailbox {
        /// The name asked for.
        mailbox: String,
    },
    /// The mailbox has no message with this UID.
    #[error("no message {uid} in mailbox `{mailbox}` of the embedded server")]
    NoSuchMessage {
        /// The mailbox looked at.
        mailbox: String,
        /// The UID asked for.
        uid: u32,
    },
}

/// A handle to the mail of one embedded server; clones share it.
///
/// Names are those on the wire (modified UTF-7, with the server's delimiter); `INBOX` is accepted
/// in any case. Every change is seen by the sessions at their next command, and at once in IDLE.
#[derive(Clone, Debug)]
pub struct MailStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    generation: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) mailboxes: BTreeMap<String, Mailbox>,
    pub(super) subscribed: BTreeSet<String>,
    next_uid_validity: u32,
}

impl Default for MailStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MailStore {
    /// A store with an empty INBOX.
    pub fn new() -> Self {
        let mut state = State {
            mailboxes: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            next_uid_validity: 1_600_000_001,
        };
        state.create("INBOX");
        let shared = Shared { state: Mutex::new(state), generation: watch::Sender::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Creates a mailbox, unless it exists, and returns its UIDVALIDITY.
    pub fn create(&self, mailbox: &str) -> u32 {
        self.change(|state| state.create(mailbox).uid_validity)
    }

    /// Deletes a mailbox with its messages.
    pub fn delete(&self, mailbox: &str) -> Result<(), MailStoreError> {
        let name = canonical_name(mailbox);
        match self.change(|state| state.mailboxes.remove(&name)) {
            Some(_) => Ok(()),
            None => Err(MailStoreError::NoSuchMailbox { mailbox: name }),
        }
    }

    /// Deletes a mailbox and creates it anew, empty, with another UIDVALIDITY, which it returns.
    pub fn recreate(&self, mailbox: &str) -> Result<u32, MailStoreError> {
        self.delete(mailbox)?;
        Ok(self.create(mailbox))
    }

    /// Gives a mailbox another UIDVALIDITY and leaves its messages and UIDs as they are.
    ///
    /// Sessions that have it selected are not told, as real servers do not.
    pub fn set_uid_validity(&self, mailbox: &str, value: u32) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.uid_validity = value)
    }

    /// The UIDVALIDITY of a mailbox.
    pub fn uid_validity(&self, mailbox: &str) -> Result<u32, MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.uid_validity)
    }

    /// The UID the next message of a mailbox will get.
    pub fn uid_next(&self, mailbox: &str) -> Result<u32, MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.uid_next)
    }

    /// Leaves a gap: the next message of a mailbox gets this UID, if it is larger than planned.
    pub fn skip_to_uid(&self, mailbox: &str, uid: u32) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.uid_next = mailbox.uid_next.max(uid))
    }

    /// Makes a mailbox refuse changes: SELECT answers READ-ONLY.
    pub fn make_read_only(&self, mailbox: &str) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.read_only = true)
    }

    /// Gives a mailbox LIST attributes, for example `\Sent` or `\Noselect`.
    pub fn set_attributes(&self, mailbox: &str, attributes: &[&str]) -> Result<(), MailStoreError> {
        let attributes = attributes.iter().map(|&attribute| attribute.to_owned()).collect();
        self.edit(mailbox, |mailbox| mailbox.attributes = attributes)
    }

    /// Adds a mailbox to the subscribed names, whether or not it exists.
    pub fn subscribe(&self, mailbox: &str) {
        self.change(|state| state.subscribed.insert(canonical_name(mailbox)));
    }

    /// The subscribed names.
    pub fn subscribed(&self) -> Vec<String> {
        self.lock().subscribed.iter().cloned().collect()
    }

    /// The names of all mailboxes in alphabetical order.
    pub fn mailboxes(&self) -> Vec<String> {
        self.lock().mailboxes.keys().cloned().collect()
    }

    /// Adds a message and returns its UID.
    pub fn add(
        &self,
        mailbox: &str,
        message: impl Into<NewMessage>,
    ) -> Result<u32, MailStoreError> {
        let message = message.into();
        self.edit(mailbox, |mailbox| mailbox.add(message))
    }

    /// Replaces the flags of a message.
    pub fn set_flags(&self, mailbox: &str, uid: u32, flags: &[&str]) -> Result<(), MailStoreError> {
        let flags = flags.iter().map(|flag| canonical_flag(flag)).collect();
        self.edit(mailbox, |mailbox| mailbox.set_flags(uid, flags))?
            .then_some(())
            .ok_or_else(|| no_such_message(mailbox, uid))
    }

    /// Removes a message, whatever its flags.
    pub fn expunge(&self, mailbox: &str, uid: u32) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.remove(uid))?
            .then_some(())
            .ok_or_else(|| no_such_message(mailbox, uid))
    }

    /// Makes FETCH misbehave for one message from now on.
    pub fn break_message(
        &self,
        mailbox: &str,
        uid: u32,
        breakage: Breakage,
    ) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.broken.insert(uid, breakage)).map(drop)
    }

    /// Makes FETCH work again for every message of the mailbox.
    pub fn mend(&self, mailbox: &str) -> Result<(), MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.broken.clear())
    }

    /// The messages of a mailbox in the order of their UIDs.
    pub fn messages(&self, mailbox: &str) -> Result<Vec<StoredMessage>, MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.messages.clone())
    }

    /// One message of a mailbox.
    pub fn message(&self, mailbox: &str, uid: u32) -> Result<StoredMessage, MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.message(uid).cloned())?
            .ok_or_else(|| no_such_message(mailbox, uid))
    }

    /// The UIDs of a mailbox in ascending order.
    pub fn uids(&self, mailbox: &str) -> Result<Vec<u32>, MailStoreError> {
        self.edit(mailbox, |mailbox| mailbox.messages.iter().map(|message| message.uid).collect())
    }

    /// Tells of every change from now on.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.shared.generation.subscribe()
    }

    /// Looks at the state; the guard must not be held while anything waits.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells the sessions.
    pub(super) fn change<R>(&self, edit: impl FnOnce(&mut State) -> R) -> R {
        let result = edit(&mut self.lock());
        self.shared.generation.send_modify(|generation| *generation += 1);
        result
    }

    fn edit<R>(
        &self,
        mailbox: &str,
        edit: impl FnOnce(&mut Mailbox) -> R,
    ) -> Result<R, MailStoreError> {
        let name = canonical_name(mailbox);
        self.change(|state| state.mailboxes.get_mut(&name).map(edit))
            .ok_or(MailStoreError::NoSuchMailbox { mailbox: name })
    }
}

impl State {
    /// The mailbox of this name, created if it does not exist.
    pub(super) fn create(&mut self, mailbox: &str) -> &mut Mailbox {
        let next = &mut self.next_uid_validity;
        self.mailboxes.entry(canonical_name(mailbox)).or_insert_with(|| {
            *next += 1;
            Mailbox::new(*next)
        })
    }

    pub(super) fn mailbox(&self, name: &str) -> Option<&Mailbox> {
        self.mailboxes.get(&canonical_name(name))
    }

    pub(super) fn mailbox_mut(&mut self, name: &str) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(&canonical_name(name))
    }

    /// A UIDVALIDITY that no mailbox has had.
    pub(super) fn fresh_uid_validity(&mut self) -> u32 {
        self.next_uid_validity += 1;
        self.next_uid_validity
    }
}

/// The name under which a mailbox is kept: `INBOX` in any case is the same one (RFC 9051 §5.1).
pub(super) fn canonical_name(name: &str) -> String {
    if name.eq_ignore_ascii_case("INBOX") { "INBOX".to_owned() } else { name.to_owned() }
}

fn no_such_message(mailbox: &str, uid: u32) -> MailStoreError {
    MailStoreError::NoSuchMessage { mailbox: mailbox.to_owned(), uid }
}

impl StoredMessage {
    /// The date the server keeps, in seconds since the start of 1970.
    pub fn unix_seconds(&self) -> i64 {
        InternalDate::unix_seconds(self.internal_date)
    }
}
