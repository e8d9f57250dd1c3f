//! An open mailbox of a [`MemoryStore`].

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Applied, Binding, Body, Delivery, Epoch, Fetched, Fingerprint, Fingerprinter,
    FlagChange, Frontier, Hints, Item, Key, Limit, Mailbox, MailboxName, NewMessage, Observation,
    Reach, Receiver, Removal, Removed, Scope, Staged, Start, StoreError, StoreErrorKind, Stored,
    SystemFlag, Token, Window,
};

use super::world::{Folder, Message};
use super::{Answers, Arrival, Expunging, MemoryStore, Temperament};

/// Bound to one epoch: when the mailbox is replaced, the handle is of no use any more.
pub(super) struct OpenMailbox {
    store: MemoryStore,
    name: MailboxName,
    access: Access,
    epoch: NonZeroU32,
}

/// What [`Mailbox::stage`] hands to [`Mailbox::commit`].
enum Handed {
    /// Not visible yet.
    Over(Message),
    /// Visible, under this key.
    Arrived(Key),
}

impl OpenMailbox {
    pub(super) fn new(
        store: MemoryStore,
        name: MailboxName,
        access: Access,
        epoch: NonZeroU32,
    ) -> Self {
        Self { store, name, access, epoch }
    }

    /// Reads the mailbox as it is at this moment.
    async fn read<T>(&self, look: impl FnOnce(&Folder) -> T) -> Result<T, StoreError> {
        self.store.powered().await?;
        let world = self.store.world();
        let folder =
            world.folders.get(&self.name).ok_or_else(|| self.store.no_mailbox(&self.name))?;
        if folder.epoch != self.epoch {
            return Err(self.error(StoreErrorKind::Mailbox, "was replaced while it was open"));
        }
        Ok(look(folder))
    }

    /// Reads one message in order to change it.
    async fn read_to_change(&self, key: &Key) -> Result<Option<Message>, StoreError> {
        let (access, message) =
            self.read(|folder| (folder.access, folder.messages().get(key).cloned())).await?;
        if access == Access::ReadOnly || self.access == Access::ReadOnly {
            return Err(self.error(StoreErrorKind::Mailbox, "is read-only"));
        }
        Ok(message)
    }

    /// Makes one change after announcing it.
    async fn put(&self, what: &str, key: &Key, message: Option<Message>) -> Result<(), StoreError> {
        self.store.step(&format!("{what} {key} in {}", self.name)).await?;
        self.store.world().set(&self.name, key, message);
        Ok(())
    }

    async fn arrive(&self, message: Message) -> Result<Key, StoreError> {
        self.store.step(&format!("store a message in {}", self.name)).await?;
        let temperament = self.store.temperament;
        let key = self.store.world().insert(&self.name, temperament, message);
        key.ok_or_else(|| self.store.no_mailbox(&self.name))
    }

    /// Ends a batch: promises what was changed, unless the power went in between, when nobody
    /// hears an answer.
    async fn answer<T>(
        &self,
        results: Vec<Result<T, StoreError>>,
        changed: &[Key],
    ) -> Vec<Result<T, StoreError>> {
        match self.store.powered().await {
            Ok(()) => {
                self.store.world().make_durable(&self.name, changed);
                results
            }
            Err(_) => results.iter().map(|_| Err(self.store.off())).collect(),
        }
    }

    async fn commit_one(
        &self,
        staged: Staged,
        changed: &mut Vec<Key>,
    ) -> Result<Stored, StoreError> {
        let key = match staged.into_inner::<Handed>() {
            Some(Handed::Arrived(key)) => key,
            Some(Handed::Over(message)) => self.arrive(message).await?,
            None => {
                let what = "was given a message that another store staged";
                return Err(self.error(StoreErrorKind::Message, what));
            }
        };
        changed.push(key.clone());
        Ok(match self.store.answers {
            Answers::Number => Stored::At(key),
            Answers::Nothing => Stored::Unknown,
        })
    }

    async fn bind_one(
        &self,
        binding: Binding,
        changed: &mut Vec<Key>,
    ) -> Result<Applied<Key>, StoreError> {
        if self.store.temperament == Temperament::Numbering {
            return Ok(Applied::Done(binding.key));
        }
        let Some(message) = self.read_to_change(&binding.key).await? else {
            return Ok(Applied::Stale);
        };
        let bound = Message { hint: Some(binding.counterpart), ..message };
        let key = bound.name();
        if key != binding.key {
            self.store.step(&format!("rename {} in {}", binding.key, self.name)).await?;
            let mut world = self.store.world();
            world.set(&self.name, &binding.key, None);
            world.set(&self.name, &key, Some(bound));
            changed.extend([binding.key, key.clone()]);
        }
        Ok(Applied::Done(key))
    }

    async fn change_one(
        &self,
        key: Key,
        change: FlagChange,
        changed: &mut Vec<Key>,
    ) -> Result<Applied, StoreError> {
        let Some(message) = self.read_to_change(&key).await? else {
            return Ok(Applied::Stale);
        };
        let storable = FlagChange {
            add: change.add.supported_by(&self.store.support),
            remove: change.remove.supported_by(&self.store.support),
        };
        let flags = storable.apply(&message.flags);
        if flags != message.flags {
            let what = format!("change flags {storable} of");
            self.put(&what, &key, Some(Message { flags, ..message })).await?;
            changed.push(key);
        }
        Ok(Applied::Done(()))
    }

    async fn remove_one(
        &self,
        key: &Key,
        removal: Removal,
        changed: &mut Vec<Key>,
    ) -> Result<Removed, StoreError> {
        let Some(message) = self.read_to_change(key).await? else {
            return Ok(Removed::Expunged);
        };
        changed.push(key.clone());
        match (removal, self.store.expunging) {
            (Removal::Expunge, Expunging::Single) => {
                self.put("expunge", key, None).await?;
                Ok(Removed::Expunged)
            }
            (Removal::Expunge, Expunging::MarkOnly) | (Removal::MarkDeleted, _) => {
                let flags = message.flags.clone().with(SystemFlag::Deleted);
                if flags != message.flags {
                    self.put("mark deleted", key, Some(Message { flags, ..message })).await?;
                }
                Ok(Removed::MarkedOnly)
            }
        }
    }

    fn fingerprint(&self, message: &Message) -> Fingerprint {
        let mut fingerprinter = Fingerprinter::default();
        fingerprinter.push(&message.wire(self.store.temperament));
        let fingerprint = fingerprinter.finish();
        match self.store.temperament {
            // A server tells size and header without a transfer, and no digest.
            Temperament::Numbering => Fingerprint { digest: None, ..fingerprint },
            Temperament::Naming => fingerprint,
        }
    }

    fn error(&self, kind: StoreErrorKind, what: &str) -> StoreError {
        let message = format!("mailbox '{}' of store '{}' {what}", self.name, self.store.name);
        StoreError::new(kind, message)
    }

    fn gone(&self, key: &Key) -> StoreError {
        let message = format!("mailbox '{}' has no message {key}", self.name);
        StoreError::new(StoreErrorKind::Message, message)
    }
}

#[async_trait]
impl Mailbox for OpenMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        self.read(|folder| {
            let items = folder
                .messages()
                .iter()
                .map(|(key, message)| Item {
                    key: key.clone(),
                    flags: message.flags.clone(),
                    hint: message.hint.clone(),
                })
                .collect();
            let mut seen = Observation::complete(Epoch::new(folder.epoch.to_string()), items);
            seen.support = self.store.support.clone();
            seen.access = folder.access;
            seen.token = Some(Token::new(folder.stamp()));
            match self.store.temperament {
                Temperament::Numbering => {
                    seen.frontier = Some(Frontier::new(folder.next().to_string()));
                }
                Temperament::Naming => seen.hints = Hints::Kept,
            }
            seen
        })
        .await
    }

    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError> {
        let seen = self.observe().await?;
        if self.store.temperament == Temperament::Naming || window.is_everything() {
            return Ok(seen);
        }
        let (reach, outside) = self
            .read(|folder| {
                let since = |day: i64, message: &Message| {
                    message.date.is_some_and(|date| date.unix_seconds.div_euclid(86_400) >= day)
                };
                let reach = match &window.start {
                    Start::Beginning => Reach::All,
                    Start::At(key) => Reach::From(key.clone()),
                    Start::Day(day) => {
                        let mut all = folder.messages().iter();
                        let first = all.find(|(_, message)| since(*day, message));
                        first.map_or(Reach::Nothing, |(key, _)| Reach::From(key.clone()))
                    }
                };
                let is_large = |message: &Message| {
                    let octets = message.wire(self.store.temperament).len() as u64;
                    window.largest.is_some_and(|limit| octets > limit)
                };
                let all = folder.messages().iter();
                let large = all.filter(|(_, message)| is_large(message));
                (reach, large.map(|(key, _)| key.clone()).collect())
            })
            .await?;
        Ok(seen.restricted(reach, outside))
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        let is_beyond = |message: &Message| match limit {
            Limit::Octets(octets) => message.wire(self.store.temperament).len() as u64 > octets,
            Limit::Before { unix_seconds } => {
                self.store.temperament == Temperament::Naming
                    && message.date.is_some_and(|date| date.unix_seconds < unix_seconds)
            }
        };
        self.read(|folder| {
            let found = keys.iter().filter(|key| folder.messages().get(key).is_some_and(is_beyond));
            found.cloned().collect()
        })
        .await
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        for key in keys.iter().collect::<BTreeSet<_>>() {
            match self.read(|folder| folder.messages().get(key).cloned()).await? {
                Some(message) => {
                    self.store.count_body();
                    let wire = message.wire(self.store.temperament);
                    let mut body = MemoryBody { octets: wire.len() as u64, rest: wire };
                    let fetched = Fetched { key: key.clone(), date: message.date };
                    receiver.receive(fetched, &mut body).await?;
                }
                None => receiver.failed(key, self.gone(key)),
            }
        }
        Ok(())
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        let wanted = |key: &Key| match scope {
            Scope::Keys(keys) => keys.contains(key),
            Scope::Since(None) => true,
            Scope::Since(Some(frontier)) => match frontier.as_str().parse::<NonZeroU32>() {
                Ok(frontier) => key.as_number().is_none_or(|number| number >= frontier),
                Err(_) => true,
            },
        };
        self.read(|folder| {
            let messages = folder.messages().iter().filter(|(key, _)| wanted(key));
            messages.map(|(key, message)| (key.clone(), self.fingerprint(message))).collect()
        })
        .await
    }

    fn delivery(&self) -> Delivery {
        match self.store.temperament {
            Temperament::Numbering => Delivery::Assigned,
            Temperament::Naming => Delivery::Planned,
        }
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        // Any key will do to ask whether changes are allowed.
        self.read_to_change(&Key::number(NonZeroU32::MIN)).await?;
        let mut wire = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            wire.extend_from_slice(&chunk);
        }
        if wire.len() as u64 != body.wire_octets() {
            return Err(self.error(StoreErrorKind::Message, "was given a message cut short"));
        }
        let temperament = self.store.temperament;
        let flags = message.flags.supported_by(&self.store.support);
        let mut new = self.store.world().message(temperament, &wire, flags, message.date);
        if temperament == Temperament::Naming {
            new.hint = message.counterpart;
            return Ok(Staged::new(Some(new.name()), Handed::Over(new)));
        }
        Ok(match self.store.arrival {
            Arrival::OnStage => Staged::new(None, Handed::Arrived(self.arrive(new).await?)),
            Arrival::OnCommit => Staged::new(None, Handed::Over(new)),
        })
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        let mut results = Vec::with_capacity(staged.len());
        let mut changed = Vec::new();
        for staged in staged {
            results.push(self.commit_one(staged, &mut changed).await);
        }
        self.answer(results, &changed).await
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        let mut results = Vec::with_capacity(bindings.len());
        let mut changed = Vec::new();
        for binding in bindings {
            results.push(self.bind_one(binding, &mut changed).await);
        }
        self.answer(results, &changed).await
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        let mut results = Vec::with_capacity(changes.len());
        let mut changed = Vec::new();
        for (key, change) in changes {
            results.push(self.change_one(key, change, &mut changed).await);
        }
        self.answer(results, &changed).await
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        self.read(|folder| {
            keys.iter().filter(|key| folder.messages().contains_key(key)).cloned().collect()
        })
        .await
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        let mut results = Vec::with_capacity(keys.len());
        let mut changed = Vec::new();
        for key in keys {
            results.push(self.remove_one(key, removal, &mut changed).await);
        }
        self.answer(results, &changed).await
    }
}

struct MemoryBody {
    octets: u64,
    rest: Bytes,
}

/// As large as the contract allows.
const CHUNK_OCTETS: usize = 64 * 1024;

#[async_trait]
impl Body for MemoryBody {
    fn wire_octets(&self) -> u64 {
        self.octets
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let chunk = self.rest.split_to(self.rest.len().min(CHUNK_OCTETS));
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}
