//! The place from which the suite works: a store, and the ordinary things to do with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Body, Fetched, Fingerprint, Fingerprinter, Flags, InternalDate, Item, Key, Mailbox,
    MailboxName, NewMessage, Observation, Receiver, Store, StoreError, StoreErrorKind, Stored,
};

use super::Fixture;

pub(super) struct Desk<'a> {
    pub(super) fixture: &'a dyn Fixture,
    pub(super) store: Arc<dyn Store>,
}

/// The date of messages whose date does not matter.
pub(super) const SOME_DATE: InternalDate = InternalDate { unix_seconds: 1_000_000_000 };

impl<'a> Desk<'a> {
    pub(super) async fn new(fixture: &'a dyn Fixture) -> Self {
        Self { fixture, store: fixture.empty_store().await }
    }

    /// Creates a mailbox and opens it.
    pub(super) async fn mailbox(&self, leaf: &str) -> (MailboxName, Arc<dyn Mailbox>) {
        let name = self.fixture.mailbox(leaf);
        must(self.store.create(&name).await, "creating a mailbox");
        let mailbox = self.open(&name, Access::ReadWrite).await;
        (name, mailbox)
    }

    pub(super) async fn open(&self, name: &MailboxName, access: Access) -> Arc<dyn Mailbox> {
        must(self.store.open(name, access).await, "opening a mailbox")
    }

    /// Observes through a handle of its own, so that nothing can come from a memory.
    pub(super) async fn look(&self, name: &MailboxName) -> Observation {
        let mailbox = self.open(name, Access::ReadOnly).await;
        must(mailbox.observe().await, "observing a mailbox")
    }

    pub(super) async fn item(&self, name: &MailboxName, key: &Key) -> Option<Item> {
        self.look(name).await.items().iter().find(|item| item.key == *key).cloned()
    }

    /// Stores a message and returns its key, looking for it if the store does not tell.
    pub(super) async fn put(
        &self,
        name: &MailboxName,
        mailbox: &dyn Mailbox,
        wire: &Bytes,
        message: NewMessage,
    ) -> Key {
        let before = self.look(name).await;
        let staged = mailbox.stage(message, &mut Wire::whole(wire)).await;
        let staged = must(staged, "staging a message");
        let planned = staged.planned().cloned();
        let mut stored = mailbox.commit(vec![staged]).await;
        assert_eq!(stored.len(), 1, "commit answers once for each message");
        let stored = stored.pop().map(|stored| must(stored, "committing a message"));
        let after = self.look(name).await;
        let is_new = |item: &&Item| before.items().iter().all(|old| old.key != item.key);
        let new: Vec<&Item> = after.items().iter().filter(is_new).collect();
        let [item] = new.as_slice() else {
            panic!("one message was stored, and {} are new in {name}", new.len());
        };
        if let Some(Stored::At(key)) = stored {
            assert_eq!(key, item.key, "a message is where commit says");
        }
        if let Some(planned) = planned {
            assert_eq!(planned, item.key, "a message is where stage planned it");
        }
        item.key.clone()
    }

    /// Fetches messages whole.
    pub(super) async fn fetch(&self, mailbox: &dyn Mailbox, keys: &[Key]) -> Basket {
        let mut basket = Basket::default();
        must(mailbox.fetch(keys, &mut basket).await, "fetching messages");
        basket
    }
}

/// A message with flags and nothing else.
pub(super) fn flagged(letters: &str) -> NewMessage {
    NewMessage { counterpart: None, flags: Flags::from_letters(letters), date: Some(SOME_DATE) }
}

pub(super) fn fingerprint(wire: &[u8]) -> Fingerprint {
    let mut fingerprinter = Fingerprinter::default();
    fingerprinter.push(wire);
    fingerprinter.finish()
}

/// Unwraps the result of something that every store must manage.
pub(super) fn must<T>(result: Result<T, StoreError>, doing: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{doing} failed: {error} ({:?})", error.kind()),
    }
}

/// What happens at the end of a [`Wire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All octets are there.
    Whole,
    /// The octets end before the promised number.
    Early,
    /// The source fails.
    Error,
}

/// A body made of octets in memory.
pub(super) struct Wire {
    octets: u64,
    rest: Bytes,
    ending: Ending,
}

impl Wire {
    pub(super) fn whole(wire: &Bytes) -> Self {
        Self { octets: wire.len() as u64, rest: wire.clone(), ending: Ending::Whole }
    }

    /// A body that promises all octets and delivers half.
    pub(super) fn half(wire: &Bytes, ending: Ending) -> Self {
        Self { octets: wire.len() as u64, rest: wire.slice(..wire.len() / 2), ending }
    }
}

#[async_trait]
impl Body for Wire {
    fn wire_octets(&self) -> u64 {
        self.octets
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        // An odd size, so that CRLF and UTF-8 are cut.
        let chunk = self.rest.split_to(self.rest.len().min(4093));
        match (chunk.is_empty(), self.ending) {
            (false, _) => Ok(Some(chunk)),
            (true, Ending::Whole | Ending::Early) => Ok(None),
            (true, Ending::Error) => {
                Err(StoreError::new(StoreErrorKind::Message, "the source cannot be read"))
            }
        }
    }
}

/// Collects what a fetch brings, and insists on the contract of [`Receiver`] and [`Body`].
#[derive(Default)]
pub(super) struct Basket {
    pub(super) messages: BTreeMap<Key, (Fetched, Bytes)>,
    pub(super) failed: BTreeMap<Key, StoreErrorKind>,
    /// Messages of which only the first chunk is read.
    pub(super) leaving: Vec<Key>,
}

impl Basket {
    pub(super) fn wire(&self, key: &Key) -> Bytes {
        match self.messages.get(key) {
            Some((_, wire)) => wire.clone(),
            None => panic!("message {key} was not fetched"),
        }
    }
}

#[async_trait]
impl Receiver for Basket {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let key = message.key.clone();
        let mut wire = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            assert!(!chunk.is_empty(), "a chunk is never empty");
            assert!(chunk.len() <= 64 * 1024, "a chunk has at most 64 KiB");
            wire.extend_from_slice(&chunk);
            if self.leaving.contains(&key) {
                break;
            }
        }
        if !self.leaving.contains(&key) {
            let promised = body.wire_octets();
            assert_eq!(promised, wire.len() as u64, "a body has the octets it promised");
        }
        let twice = self.messages.insert(key, (message, wire.into()));
        assert!(twice.is_none(), "a message is received once");
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        let twice = self.failed.insert(key.clone(), error.kind());
        assert!(twice.is_none(), "a message fails once");
    }
}
