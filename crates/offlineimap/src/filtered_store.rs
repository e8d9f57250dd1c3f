//! A store whose messages leave without some header fields (`filterheaders`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_config as config;
use offlineimap_core::{
    Access, Applied, Binding, Body, Delivery, Fetched, Fingerprint, Fingerprinter, FlagChange,
    HeaderFilter, Key, Limit, Listing, Mailbox, MailboxName, NewMessage, Observation, PerSide,
    Receiver, Removal, Removed, Rest, Scope, Staged, Store, StoreError, StoreErrorKind, Stored,
    Token, Window,
};

/// Lets messages lose what the account filters on their way to a server.
pub(crate) fn filtered(
    account: &config::Account,
    stores: PerSide<Arc<dyn Store>>,
) -> PerSide<Arc<dyn Store>> {
    let filter = HeaderFilter::new(account.filter_headers.iter().cloned());
    if filter.is_empty() {
        return stores;
    }
    let wrap = |inner| Arc::new(FilteredStore::new(inner, filter.clone())) as Arc<dyn Store>;
    PerSide {
        local: wrap(stores.local),
        remote: match &account.local {
            config::LocalRepository::Maildir(_) => stores.remote,
            config::LocalRepository::Imap(_) => wrap(stores.remote),
        },
    }
}

/// Gives messages away without the fields that a filter removes. What lies in the store, and what
/// is stored in it, is not changed.
///
/// What identifies a message is that of what is given away, so that an upload can be found again
/// after a crash.
struct FilteredStore {
    inner: Arc<dyn Store>,
    filter: Arc<HeaderFilter>,
}

impl FilteredStore {
    fn new(inner: Arc<dyn Store>, filter: HeaderFilter) -> Self {
        Self { inner, filter: Arc::new(filter) }
    }
}

#[async_trait]
impl Store for FilteredStore {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    fn parallelism(&self) -> usize {
        self.inner.parallelism()
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        self.inner.list().await
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        self.inner.stamps(names).await
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        self.inner.create(name).await
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        let inner = self.inner.open(name, access).await?;
        Ok(Arc::new(FilteredMailbox { inner, filter: Arc::clone(&self.filter) }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct FilteredMailbox {
    inner: Arc<dyn Mailbox>,
    filter: Arc<HeaderFilter>,
}

#[async_trait]
impl Mailbox for FilteredMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        self.inner.observe().await
    }

    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError> {
        self.inner.observe_within(window).await
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        self.inner.beyond(keys, limit).await
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        let mut filtering = Filtering { filter: &self.filter, receiver };
        self.inner.fetch(keys, &mut filtering).await
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        let keys = match scope {
            Scope::Keys(keys) => keys,
            // What was stored here is looked for as it lies here.
            Scope::Since(_) => return self.inner.fingerprints(scope).await,
        };
        let mut looks = Looks::default();
        self.fetch(keys, &mut looks).await?;
        let failed: Vec<Key> = looks.failed.iter().map(|(key, _)| key.clone()).collect();
        if !failed.is_empty() {
            // A message that is gone has no fingerprint; one that cannot be read is an error.
            let present = self.inner.present(&failed).await?;
            if let Some((_, error)) =
                looks.failed.into_iter().find(|(key, _)| present.contains(key))
            {
                return Err(error);
            }
        }
        Ok(looks.found)
    }

    async fn fingerprints_at_rest(
        &self,
        keys: &[Key],
    ) -> Result<Option<Vec<(Key, Fingerprint)>>, StoreError> {
        self.inner.fingerprints(Scope::Keys(keys)).await.map(Some)
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery()
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        self.inner.stage(message, body).await
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        self.inner.commit(staged).await
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        self.inner.bind(bindings).await
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        self.inner.change_flags(changes).await
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        self.inner.present(keys).await
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        self.inner.remove(keys, removal).await
    }
}

/// Passes messages on without the fields.
struct Filtering<'a> {
    filter: &'a HeaderFilter,
    receiver: &'a mut dyn Receiver,
}

#[async_trait]
impl Receiver for Filtering<'_> {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        match FilteredBody::begin(self.filter, body).await {
            Ok(mut body) => self.receiver.receive(message, &mut body).await,
            Err(error) if error.kind() == StoreErrorKind::Message => {
                self.receiver.failed(&message.key, error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.receiver.failed(key, error);
    }
}

/// A message of which the start was seen and filtered.
struct FilteredBody<'a> {
    wire_octets: u64,
    start: VecDeque<Bytes>,
    /// `None` when the message ended with its start.
    rest: Option<&'a mut dyn Body>,
}

/// What a chunk of a body has at most.
const CHUNK_OCTETS: usize = 64 * 1024;

impl<'a> FilteredBody<'a> {
    async fn begin(filter: &HeaderFilter, rest: &'a mut dyn Body) -> Result<Self, StoreError> {
        let mut seen = Vec::new();
        let (start, follows) = loop {
            let follows = match rest.chunk().await? {
                Some(chunk) => {
                    seen.extend_from_slice(&chunk);
                    Rest::Follows
                }
                None => Rest::Nothing,
            };
            match (filter.filter(&seen, follows), follows) {
                (Some(start), _) => break (start, follows),
                (None, Rest::Follows) => {}
                (None, Rest::Nothing) => break (seen.clone(), follows),
            }
        };
        let removed = seen.len().saturating_sub(start.len());
        let wire_octets = rest.wire_octets().saturating_sub(removed as u64);
        let mut start = Bytes::from(start);
        let mut chunks = VecDeque::new();
        while !start.is_empty() {
            chunks.push_back(start.split_to(start.len().min(CHUNK_OCTETS)));
        }
        let rest = (follows == Rest::Follows).then_some(rest);
        Ok(Self { wire_octets, start: chunks, rest })
    }
}

#[async_trait]
impl Body for FilteredBody<'_> {
    fn wire_octets(&self) -> u64 {
        self.wire_octets
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        match (self.start.pop_front(), &mut self.rest) {
            (Some(chunk), _) => Ok(Some(chunk)),
            (None, Some(rest)) => rest.chunk().await,
            (None, None) => Ok(None),
        }
    }
}

/// Reads messages to tell what identifies them.
#[derive(Default)]
struct Looks {
    found: Vec<(Key, Fingerprint)>,
    failed: Vec<(Key, StoreError)>,
}

#[async_trait]
impl Receiver for Looks {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let mut fingerprinter = Fingerprinter::default();
        loop {
            match body.chunk().await {
                Ok(Some(chunk)) => fingerprinter.push(&chunk),
                Ok(None) => break,
                Err(error) if error.kind() == StoreErrorKind::Message => {
                    self.failed.push((message.key, error));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.found.push((message.key, fingerprinter.finish()));
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.failed.push((key.clone(), error));
    }
}
