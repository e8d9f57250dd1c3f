//! The contract between the engine and a store of mail.
//!
//! A [`Store`] is a repository, a [`Mailbox`] one open folder of it. The engine knows both only
//! through these traits. Methods are coarse: each takes as much work as there is, so that a store
//! can pipeline, batch and synchronise as suits it.
//!
//! All futures may be dropped. A dropped read has no effect. A dropped change may or may not have
//! happened, exactly as after a crash; the engine's journal covers both.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::fingerprint::Fingerprint;
use crate::flags::{FlagChange, Flags};
use crate::key::{Frontier, Key, Token};
use crate::mailbox::{Listing, MailboxName};
use crate::observation::{Access, Observation};
use crate::op::Removal;
use crate::window::{Limit, Window};

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreErrorKind {
    /// One message is concerned: report it, go on with the next.
    Message,
    /// The mailbox cannot be used: report it, go on with other mailboxes.
    Mailbox,
    /// The connection is gone. Whether changes in flight happened is unknown; reads can be
    /// repeated.
    ConnectionLost,
    /// The whole store cannot be used in this run (no such host, refused sign-in, refused
    /// listing): report it, end the account.
    Store,
    /// The caller asked to stop.
    Cancelled,
}

/// An error of a store, told from the user's point of view.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// Builds an error. The message names what is concerned (message, folder, path, host), and
    /// never contains secrets or mail.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what the caller can do.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The date that a store keeps with a message: an instant (INTERNALDATE, file modification time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub unix_seconds: i64,
}

/// A repository of mailboxes.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the kind of repository as messages show it (`IMAP`, `Maildir`).
    fn kind(&self) -> &'static str;

    /// Returns the name of the repository in the configuration.
    fn name(&self) -> &str;

    /// Returns what distinguishes this repository from any other that could be configured in its
    /// place (server and user), where the epochs of its mailboxes alone do not. Another identity
    /// than at the last sync means that the keys may mean something else, whatever the epoch.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Returns how many mailboxes it is useful to have open at once. It is a hint: the store
    /// queues what is more.
    fn parallelism(&self) -> usize;

    /// Lists all mailboxes that can hold messages.
    ///
    /// # Errors
    ///
    /// If the listing was refused or is incomplete. A partial listing is never returned.
    async fn list(&self) -> Result<Listing, StoreError>;

    /// Reads the stamps of mailboxes without opening them, in the order of the names. Equal to the
    /// [token](Observation::token) of an observation means that nothing has changed since, as far
    /// as the store can tell; `None` where it cannot.
    ///
    /// # Errors
    ///
    /// If the store cannot be asked.
    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError>;

    /// Creates a mailbox, and above it whatever the store needs to hold it: that may be mailboxes
    /// (IMAP) or not (directories of a Maildir). That it exists already is not an error.
    async fn create(&self, name: &MailboxName) -> Result<(), StoreError>;

    /// Opens a mailbox. [`Access::ReadOnly`] promises that nothing will be changed through it.
    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError>;

    /// Ends all connections in good order. The store is not used afterwards.
    async fn close(&self);
}

/// The messages about which a store is asked.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// Exactly these.
    Keys(&'a [Key]),
    /// All that were stored since the frontier was read; all of the mailbox if there is none.
    Since(Option<&'a Frontier>),
}

/// A message that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its key.
    pub key: Key,
    /// Its date, if the store keeps one.
    pub date: Option<InternalDate>,
}

/// The octets of one message in wire form (CRLF), read once from beginning to end.
#[async_trait]
pub trait Body: Send {
    /// Returns the exact number of octets that the chunks will add up to.
    fn wire_octets(&self) -> u64;

    /// Returns the next octets, or `None` at the end. A chunk is never empty and at most 64 KiB.
    ///
    /// # Errors
    ///
    /// If the source failed or ended early; the message must then not be stored.
    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError>;
}

/// Takes messages as a store streams them.
#[async_trait]
pub trait Receiver: Send {
    /// Takes one message. A body that is not read to its end is skipped by the store.
    ///
    /// # Errors
    ///
    /// An error ends the whole fetch with that error; one that concerns this message alone must
    /// be kept by the receiver.
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError>;

    /// Is told that a message that was asked for could not be fetched.
    fn failed(&mut self, key: &Key, error: StoreError);
}

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The key of its counterpart, to keep as a hint, where the store keeps hints.
    pub counterpart: Option<Key>,
    /// The flags to store it with.
    pub flags: Flags,
    /// The date to store it with, where the store keeps dates.
    pub date: Option<InternalDate>,
}

/// A message whose octets have been handed over and that is not yet known to be stored.
///
/// Dropping it undoes what can be undone (a temporary file is removed).
pub struct Staged {
    planned: Option<Key>,
    inner: Box<dyn Any + Send>,
}

impl Staged {
    /// Wraps a store's own state. `planned` is the key under which the message will appear on
    /// commit, if the store can tell beforehand.
    pub fn new(planned: Option<Key>, inner: impl Any + Send) -> Self {
        Self { planned, inner: Box::new(inner) }
    }

    /// Returns the key under which the message will appear.
    pub fn planned(&self) -> Option<&Key> {
        self.planned.as_ref()
    }

    /// Gives the store its state back; `None` if another store staged it.
    pub fn into_inner<T: 'static>(self) -> Option<T> {
        self.inner.downcast().ok().map(|inner| *inner)
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("planned", &self.planned).finish_non_exhaustive()
    }
}

/// Where a message was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Under this key.
    At(Key),
    /// It was stored and the store did not say where: it has to be looked for from the frontier.
    Unknown,
}

/// The result of a change that expected something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a stale expectation means: look again"]
pub enum Applied<T = ()> {
    /// The change was made and is durable.
    Done(T),
    /// The message is no longer as it was seen. Nothing was changed; the next sync looks again.
    Stale,
}

/// How a message was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone, durably. A message that had been gone already counts as well.
    Expunged,
    /// It could only be marked `\Deleted`, durably.
    MarkedOnly,
}

/// Asks for a hint to be written into a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The message.
    pub key: Key,
    /// The key of its counterpart.
    pub counterpart: Key,
}

/// When the key of a new message is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// When it is staged: [`Staged::planned`] tells it.
    Planned,
    /// When it is stored, or not even then.
    Assigned,
}

/// An open mailbox.
///
/// Results of batches are in the order of the requests, one for each. An error of kind
/// [`StoreErrorKind::Message`] concerns its request alone.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// Lists the messages: all of them, with their flags.
    ///
    /// # Errors
    ///
    /// If anything at all could not be read: an observation is never quietly incomplete.
    async fn observe(&self) -> Result<Observation, StoreError>;

    /// Lists the messages inside of a window, with their flags. A store whose keys have no order
    /// (Maildir) lists all of them: what is new there is judged by [`Mailbox::beyond`].
    ///
    /// # Errors
    ///
    /// If anything at all of that could not be read.
    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError>;

    /// Tells which of these messages are beyond a limit.
    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError>;

    /// Streams messages to the receiver, each once, in any order. Messages that cannot be fetched
    /// are reported with [`Receiver::failed`].
    ///
    /// # Errors
    ///
    /// If the mailbox can no longer be read. Messages neither received nor failed may be asked
    /// for again.
    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError>;

    /// Tells what messages look like, without a transfer. Messages that are gone are left out.
    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError>;

    /// Tells what messages look like as they lie here, if they leave in another form than that
    /// (header fields are removed from uploads). `None` if they leave as they are: then
    /// [`Mailbox::fingerprints`] is right in every respect.
    async fn fingerprints_at_rest(
        &self,
        _keys: &[Key],
    ) -> Result<Option<Vec<(Key, Fingerprint)>>, StoreError> {
        Ok(None)
    }

    /// Tells when the keys of new messages are known.
    fn delivery(&self) -> Delivery {
        Delivery::Assigned
    }

    /// Hands over the octets of a new message. It is not visible, or not known to be stored,
    /// until [`Mailbox::commit`].
    ///
    /// # Errors
    ///
    /// The message was not stored, except with [`StoreErrorKind::ConnectionLost`], when nobody
    /// knows.
    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError>;

    /// Stores what was staged. On return each message is durable and visible, or its error says
    /// that it is neither (or, with [`StoreErrorKind::ConnectionLost`], that nobody knows).
    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>>;

    /// Writes hints into messages, and returns the keys that the messages have then, durably.
    /// A store without hints returns the keys unchanged.
    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>>;

    /// Changes flags: adds and removes just those of the change. What else the message carries
    /// stays, also what the store cannot express as flags.
    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>>;

    /// Tells which of these messages exist right now.
    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError>;

    /// Removes messages, durably. Never touches any other message.
    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>>;
}
