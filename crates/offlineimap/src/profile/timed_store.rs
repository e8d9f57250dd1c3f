//! A store that is watched while it works.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Applied, Binding, Body, Delivery, Fetched, Fingerprint, FlagChange, Key, Limit,
    Listing, Mailbox, MailboxName, NewMessage, Observation, Receiver, Removal, Removed, Scope,
    Side, Staged, Store, StoreError, Stored, Token, Window,
};

use super::{Amount, Phase, Profile};

/// Passes everything on, and takes down how long it took.
pub(super) struct TimedStore {
    inner: Arc<dyn Store>,
    watch: Watch,
}

impl TimedStore {
    pub(super) fn new(inner: Arc<dyn Store>, side: Side, profile: Arc<Profile>) -> Self {
        Self { inner, watch: Watch { side, profile } }
    }
}

/// Where it is taken down.
#[derive(Clone)]
struct Watch {
    side: Side,
    profile: Arc<Profile>,
}

impl Watch {
    fn note(&self, phase: Phase, busy: Duration, amount: Amount) {
        self.profile.note(phase, self.side, busy, amount);
    }
}

#[async_trait]
impl Store for TimedStore {
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
        let began = Instant::now();
        let listing = self.inner.list().await;
        let folders = listing.as_ref().map_or(0, |listing| listing.mailboxes.len());
        self.watch.note(Phase::List, began.elapsed(), Amount::of(folders));
        listing
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        let began = Instant::now();
        let stamps = self.inner.stamps(names).await;
        self.watch.note(Phase::List, began.elapsed(), Amount::of(names.len()));
        stamps
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        let began = Instant::now();
        let created = self.inner.create(name).await;
        self.watch.note(Phase::Create, began.elapsed(), Amount::default());
        created
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        let began = Instant::now();
        let opened = self.inner.open(name, access).await;
        self.watch.note(Phase::Survey, began.elapsed(), Amount::default());
        Ok(Arc::new(TimedMailbox { inner: opened?, watch: self.watch.clone() }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct TimedMailbox {
    inner: Arc<dyn Mailbox>,
    watch: Watch,
}

#[async_trait]
impl Mailbox for TimedMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        let began = Instant::now();
        let seen = self.inner.observe().await;
        let messages = seen.as_ref().map_or(0, |seen| seen.items().len());
        self.watch.note(Phase::Survey, began.elapsed(), Amount::of(messages));
        seen
    }

    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError> {
        let began = Instant::now();
        let seen = self.inner.observe_within(window).await;
        let messages = seen.as_ref().map_or(0, |seen| seen.items().len());
        self.watch.note(Phase::Survey, began.elapsed(), Amount::of(messages));
        seen
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        let began = Instant::now();
        let beyond = self.inner.beyond(keys, limit).await;
        self.watch.note(Phase::Identify, began.elapsed(), Amount::of(keys.len()));
        beyond
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        let began = Instant::now();
        let mut timed =
            TimedReceiver { receiver, elsewhere: Duration::ZERO, amount: Amount::default() };
        let fetched = self.inner.fetch(keys, &mut timed).await;
        let busy = began.elapsed().saturating_sub(timed.elsewhere);
        self.watch.note(Phase::CopyFrom, busy, timed.amount);
        fetched
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        let began = Instant::now();
        let fingerprints = self.inner.fingerprints(scope).await;
        let messages = fingerprints.as_ref().map_or(0, Vec::len);
        self.watch.note(Phase::Identify, began.elapsed(), Amount::of(messages));
        fingerprints
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery()
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        let began = Instant::now();
        let mut body = TimedBody { body, waited: Duration::ZERO, octets: 0 };
        let staged = self.inner.stage(message, &mut body).await;
        let busy = began.elapsed().saturating_sub(body.waited);
        let amount = Amount { items: usize::from(staged.is_ok()), octets: body.octets };
        self.watch.note(Phase::CopyTo, busy, amount);
        staged
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        let began = Instant::now();
        let stored = self.inner.commit(staged).await;
        self.watch.note(Phase::CopyTo, began.elapsed(), Amount::default());
        stored
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        let (began, messages) = (Instant::now(), bindings.len());
        let bound = self.inner.bind(bindings).await;
        self.watch.note(Phase::Rename, began.elapsed(), Amount::of(messages));
        bound
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        let (began, messages) = (Instant::now(), changes.len());
        let changed = self.inner.change_flags(changes).await;
        self.watch.note(Phase::Flags, began.elapsed(), Amount::of(messages));
        changed
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        let began = Instant::now();
        let present = self.inner.present(keys).await;
        self.watch.note(Phase::Verify, began.elapsed(), Amount::of(keys.len()));
        present
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        let began = Instant::now();
        let removed = self.inner.remove(keys, removal).await;
        self.watch.note(Phase::Delete, began.elapsed(), Amount::of(keys.len()));
        removed
    }
}

/// Takes down how long a receiver is busy with other things than waiting for this store.
struct TimedReceiver<'a> {
    receiver: &'a mut dyn Receiver,
    elsewhere: Duration,
    amount: Amount,
}

#[async_trait]
impl Receiver for TimedReceiver<'_> {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let began = Instant::now();
        let mut body = TimedBody { body, waited: Duration::ZERO, octets: 0 };
        let received = self.receiver.receive(message, &mut body).await;
        self.elsewhere += began.elapsed().saturating_sub(body.waited);
        self.amount.items += 1;
        self.amount.octets += body.octets;
        received
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.receiver.failed(key, error);
    }
}

/// Takes down how long the source of a body lets its reader wait.
struct TimedBody<'a> {
    body: &'a mut dyn Body,
    waited: Duration,
    octets: u64,
}

#[async_trait]
impl Body for TimedBody<'_> {
    fn wire_octets(&self) -> u64 {
        self.body.wire_octets()
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let began = Instant::now();
        let chunk = self.body.chunk().await;
        self.waited += began.elapsed();
        if let Ok(Some(chunk)) = &chunk {
            self.octets += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        }
        chunk
    }
}
