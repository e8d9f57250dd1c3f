//! A store on an embedded server, and the ordinary things to do with it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Body, Fetched, Flags, InternalDate, Key, Mailbox, MailboxName, NewMessage, Receiver,
    Store as _, StoreError, Stored,
};
use offlineimap_imap::{ImapConfig, ImapStore, KnownSecret, Security};
use offlineimap_testkit::real_server::Endpoint;
use offlineimap_testkit::server::ImapServer;

/// How to reach an embedded server in the clear, with little patience.
pub(crate) fn config(server: &ImapServer) -> ImapConfig {
    let secret = Arc::new(KnownSecret(server.password().into()));
    let mut config = ImapConfig::new("Test", "127.0.0.1", server.user(), secret);
    config.port = server.port();
    config.security = Security::PlainAllowed;
    config.retry_pause = Duration::from_millis(1);
    config
}

/// How to reach a real server in the clear.
pub(crate) fn real(endpoint: &Endpoint) -> ImapConfig {
    let secret = Arc::new(KnownSecret(endpoint.password.as_str().into()));
    let mut config = ImapConfig::new("Test", "127.0.0.1", &*endpoint.user, secret);
    config.port = endpoint.address.port();
    config.security = Security::PlainAllowed;
    config
}

pub(crate) fn store(server: &ImapServer) -> ImapStore {
    ImapStore::new(config(server))
}

/// A store that has one connection, so that what is tested happens on it.
pub(crate) fn narrow(server: &ImapServer) -> ImapStore {
    let mut config = config(server);
    config.max_connections = NonZeroUsize::MIN;
    ImapStore::new(config)
}

pub(crate) fn name(mailbox: &str) -> MailboxName {
    MailboxName::new(mailbox)
}

pub(crate) async fn inbox(store: &ImapStore) -> Arc<dyn Mailbox> {
    store.open(&name("INBOX"), Access::ReadWrite).await.unwrap()
}

pub(crate) fn key(uid: u32) -> Key {
    Key::number(uid.try_into().unwrap())
}

pub(crate) fn keys(uids: impl IntoIterator<Item = u32>) -> Vec<Key> {
    uids.into_iter().map(key).collect()
}

pub(crate) fn message(letters: &str) -> NewMessage {
    NewMessage {
        counterpart: None,
        flags: Flags::from_letters(letters),
        date: Some(InternalDate { unix_seconds: 1_000_000_000 }),
    }
}

/// Stores one message.
pub(crate) async fn put(
    mailbox: &dyn Mailbox,
    octets: &[u8],
    message: NewMessage,
) -> Result<Stored, StoreError> {
    let staged = mailbox.stage(message, &mut Octets::new(octets)).await?;
    mailbox.commit(vec![staged]).await.pop().unwrap()
}

/// A body made of octets in memory.
pub(crate) struct Octets {
    size: u64,
    rest: Bytes,
}

impl Octets {
    pub(crate) fn new(octets: &[u8]) -> Self {
        Self { size: octets.len() as u64, rest: Bytes::copy_from_slice(octets) }
    }
}

#[async_trait]
impl Body for Octets {
    fn wire_octets(&self) -> u64 {
        self.size
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let chunk = self.rest.split_to(self.rest.len().min(10_007));
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

/// Keeps everything that it receives.
#[derive(Default)]
pub(crate) struct Basket {
    pub(crate) received: BTreeMap<Key, (Option<InternalDate>, Vec<u8>)>,
    pub(crate) failed: BTreeMap<Key, StoreError>,
}

impl Basket {
    pub(crate) fn octets(&self, uid: u32) -> &[u8] {
        &self.received[&key(uid)].1
    }

    pub(crate) fn uids(&self) -> Vec<u32> {
        self.received.keys().map(|key| key.as_number().unwrap().get()).collect()
    }

    pub(crate) fn failures(&self) -> Vec<(u32, String)> {
        self.failed
            .iter()
            .map(|(key, error)| (key.as_number().unwrap().get(), error.to_string()))
            .collect()
    }
}

#[async_trait]
impl Receiver for Basket {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let mut octets = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            assert!(!chunk.is_empty() && chunk.len() <= 64 * 1024, "{} octets", chunk.len());
            octets.extend_from_slice(&chunk);
        }
        assert_eq!(octets.len() as u64, body.wire_octets());
        let twice = self.received.insert(message.key, (message.date, octets));
        assert!(twice.is_none(), "received twice");
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        assert!(self.failed.insert(key.clone(), error).is_none(), "failed twice");
    }
}
