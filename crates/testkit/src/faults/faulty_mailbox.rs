//! The open mailbox of a [`Faulty`](super::Faulty) store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Applied, Binding, Body, Delivery, Fetched, Fingerprint, FlagChange, Key, Limit, Mailbox,
    NewMessage, Observation, Receiver, Removal, Removed, Scope, Staged, StoreError, Stored, Window,
};

use super::{Fate, Fault, Method, Moment, Script};

pub(super) struct FaultyMailbox {
    pub(super) inner: Arc<dyn Mailbox>,
    pub(super) script: Script,
}

/// A staged message that remembers its counterpart, by which faults know it.
struct Known {
    counterpart: Option<Key>,
    staged: Staged,
}

/// A batch without the requests that fail before anything happens.
struct Batch<R> {
    passed: Vec<R>,
    faults: Vec<Option<Fault>>,
}

impl<R> Batch<R> {
    fn new(fate: &Fate, requests: Vec<(Option<Key>, R)>) -> Self {
        let mut batch = Self { passed: Vec::new(), faults: Vec::new() };
        for (key, request) in requests {
            let single = key.and_then(|key| fate.of(&key).cloned());
            let fault = fate.whole.clone().or(single);
            if fault.as_ref().is_none_or(|fault| fault.moment == Moment::After) {
                batch.passed.push(request);
            }
            batch.faults.push(fault);
        }
        batch
    }

    /// Puts the answers of the inner store and the faults together, in the order of the requests.
    fn answer<T>(
        faults: Vec<Option<Fault>>,
        answers: Vec<Result<T, StoreError>>,
    ) -> Vec<Result<T, StoreError>> {
        let mut answers = answers.into_iter();
        faults
            .into_iter()
            .filter_map(|fault| match fault {
                None => answers.next(),
                Some(fault) => {
                    if fault.moment == Moment::After {
                        // The effect is there; its answer is what gets lost.
                        drop(answers.next());
                    }
                    Some(Err(fault.error()))
                }
            })
            .collect()
    }
}

#[async_trait]
impl Mailbox for FaultyMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        let fate = self.script.call(Method::Observe);
        fate.before()?;
        let seen = self.inner.observe().await?;
        fate.after().map(|()| seen)
    }

    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError> {
        let fate = self.script.call(Method::Observe);
        fate.before()?;
        let seen = self.inner.observe_within(window).await?;
        fate.after().map(|()| seen)
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        let fate = self.script.call(Method::Fingerprints).together(keys);
        fate.before()?;
        let beyond = self.inner.beyond(keys, limit).await?;
        fate.after().map(|()| beyond)
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        let fate = self.script.call(Method::Fetch);
        fate.before()?;
        let mut passed = Vec::new();
        let mut halved = BTreeMap::new();
        for key in keys {
            match fate.of(key) {
                Some(fault) if fault.moment == Moment::Before => {
                    receiver.failed(key, fault.error());
                }
                Some(fault) => {
                    halved.insert(key.clone(), fault.clone());
                    passed.push(key.clone());
                }
                None => passed.push(key.clone()),
            }
        }
        self.inner.fetch(&passed, &mut Halving { halved, receiver }).await?;
        fate.after()
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        let fate = self.script.call(Method::Fingerprints);
        let fate = match scope {
            Scope::Keys(keys) => fate.together(keys),
            Scope::Since(_) => fate,
        };
        fate.before()?;
        let fingerprints = self.inner.fingerprints(scope).await?;
        fate.after().map(|()| fingerprints)
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery()
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        let counterpart = message.counterpart.clone();
        let fate = self.script.call(Method::Stage).together(counterpart.as_slice());
        fate.before()?;
        let staged = self.inner.stage(message, body).await?;
        fate.after()?;
        Ok(Staged::new(staged.planned().cloned(), Known { counterpart, staged }))
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        let fate = self.script.call(Method::Commit);
        let known = staged.into_iter().filter_map(Staged::into_inner::<Known>);
        let requests = known.map(|it| (it.counterpart, it.staged)).collect();
        let batch = Batch::new(&fate, requests);
        Batch::<Staged>::answer(batch.faults, self.inner.commit(batch.passed).await)
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        let fate = self.script.call(Method::Bind);
        let requests = bindings.into_iter().map(|it| (Some(it.key.clone()), it)).collect();
        let batch = Batch::new(&fate, requests);
        Batch::<Binding>::answer(batch.faults, self.inner.bind(batch.passed).await)
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        let fate = self.script.call(Method::ChangeFlags);
        let requests = changes.into_iter().map(|it| (Some(it.0.clone()), it)).collect();
        let batch = Batch::new(&fate, requests);
        Batch::<(Key, FlagChange)>::answer(
            batch.faults,
            self.inner.change_flags(batch.passed).await,
        )
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        let fate = self.script.call(Method::Present).together(keys);
        fate.before()?;
        let present = self.inner.present(keys).await?;
        fate.after().map(|()| present)
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        let fate = self.script.call(Method::Remove);
        let requests = keys.iter().map(|key| (Some(key.clone()), key.clone())).collect();
        let batch = Batch::new(&fate, requests);
        Batch::<Key>::answer(batch.faults, self.inner.remove(&batch.passed, removal).await)
    }
}

/// Passes messages on, some of them only to their first half.
struct Halving<'a> {
    halved: BTreeMap<Key, Fault>,
    receiver: &'a mut dyn Receiver,
}

#[async_trait]
impl Receiver for Halving<'_> {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        match self.halved.get(&message.key).cloned() {
            None => self.receiver.receive(message, body).await,
            Some(fault) => {
                let left = body.wire_octets() / 2;
                self.receiver.receive(message, &mut Half { left, body, fault }).await
            }
        }
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.receiver.failed(key, error);
    }
}

struct Half<'a> {
    left: u64,
    body: &'a mut dyn Body,
    fault: Fault,
}

#[async_trait]
impl Body for Half<'_> {
    fn wire_octets(&self) -> u64 {
        self.body.wire_octets()
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.left == 0 {
            return Err(self.fault.error());
        }
        let chunk = self.body.chunk().await?;
        Ok(chunk.map(|mut chunk| {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            chunk
        }))
    }
}
