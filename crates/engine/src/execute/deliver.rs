//! Copying to a store that knows beforehand under which key a message will appear (Maildir).

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::StreamExt;
use offlineimap_core::{
    Body, CopyOp, Fetched, Fingerprint, Flags, IntentKind, Key, Mailbox, NewMessage, Pair,
    Receiver, Side, Staged, StoreError, StoreErrorKind, Stored,
};
use tokio::sync::mpsc;

use super::body::{Watched, stopped};
use super::copy::Copying;
use crate::account::{CopyOrder, RunError};
use crate::state::Change;

/// How many messages are made durable together, at most.
const BATCH: usize = 256;

/// Below this many messages, splitting them over connections costs more than it brings.
const WORTH_SPLITTING: usize = 512;

/// A message whose octets are in the target store, waiting to become visible.
struct Delivered {
    source: Key,
    /// The flags with which the pair enters the base.
    settles: Flags,
    content: Fingerprint,
    staged: Staged,
}

/// What came of fetching one part of the messages.
struct Part {
    failed: Vec<(Key, Option<Fingerprint>, StoreError)>,
    ended: Result<(), StoreError>,
}

impl Copying<'_> {
    /// Streams messages into the target store while a committer makes earlier ones durable.
    pub(super) async fn deliver(
        &self,
        source: &dyn Mailbox,
        target: &dyn Mailbox,
        copies: &[CopyOp],
    ) -> Result<(), RunError> {
        let ops: BTreeMap<&Key, &CopyOp> = copies.iter().map(|op| (&op.source, op)).collect();
        let keys: Vec<Key> = copies.iter().map(|op| op.source.clone()).collect();
        let parts = match keys.len() {
            0..WORTH_SPLITTING => 1,
            _ if self.worker.order(self.to.other()) == CopyOrder::OneByOne => 1,
            _ => self.worker.account.stores.get(self.to.other()).parallelism().max(1),
        };
        let (sender, receiver) = mpsc::channel(BATCH);
        let fetching = async {
            let parted = keys.chunks(keys.len().div_ceil(parts)).map(<[Key]>::to_vec);
            let ends = futures_util::stream::iter(parted)
                .map(|keys| self.fetch(source, target, keys, &ops, sender.clone()))
                .buffer_unordered(parts)
                .collect::<Vec<_>>()
                .await;
            drop(sender);
            ends
        };
        let (ends, committed) = tokio::join!(fetching, self.commit_all(target, receiver));
        committed?;
        for part in ends {
            for (key, content, error) in part.failed {
                self.failed(&key, content, &error).await;
            }
            if let Err(error) = part.ended {
                self.worker.give_up("copying messages", error)?;
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        source: &dyn Mailbox,
        target: &dyn Mailbox,
        keys: Vec<Key>,
        ops: &BTreeMap<&Key, &CopyOp>,
        sender: mpsc::Sender<Delivered>,
    ) -> Part {
        let mut intake = Intake { copying: self, target, ops, sender, failed: Vec::new() };
        let ended = source.fetch(&keys, &mut intake).await;
        Part { failed: intake.failed, ended }
    }

    /// Makes what arrives durable and visible, batch by batch, and writes it down.
    async fn commit_all(
        &self,
        target: &dyn Mailbox,
        mut receiver: mpsc::Receiver<Delivered>,
    ) -> Result<(), RunError> {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            self.commit_batch(target, std::mem::take(&mut batch)).await?;
        }
        Ok(())
    }

    async fn commit_batch(
        &self,
        target: &dyn Mailbox,
        batch: Vec<Delivered>,
    ) -> Result<(), RunError> {
        let (state, id) = (self.worker.state, self.worker.open.id);
        let mut stored_now = 0;
        let mut waiting = Vec::with_capacity(batch.len());
        let mut staged = Vec::with_capacity(batch.len());
        let mut kinds = Vec::with_capacity(batch.len());
        for one in batch {
            let Some(planned) = one.staged.planned().cloned() else { continue };
            kinds.push(IntentKind::Deliver {
                side: self.to,
                source: one.source.clone(),
                planned: planned.clone(),
                flags: one.settles.clone(),
            });
            waiting.push((one.source, planned, one.settles, one.content));
            staged.push(one.staged);
        }
        let intents = state.intend(id, kinds).await?;
        let stored = target.commit(staged).await;
        let mut changes = Vec::with_capacity(waiting.len() * 2);
        for ((waiting, intent), stored) in waiting.into_iter().zip(intents).zip(stored) {
            let (source, planned, settles, content) = waiting;
            let at = match stored {
                Ok(Stored::At(key)) => key,
                Ok(Stored::Unknown) => planned,
                Err(error) => {
                    if error.kind() != StoreErrorKind::ConnectionLost {
                        changes.push(Change::Close(intent));
                    }
                    self.failed(&source, Some(content), &error).await;
                    continue;
                }
            };
            self.copied(&settles);
            let pair = match self.to {
                Side::Local => Pair::new(source, at, settles),
                Side::Remote => Pair::new(at, source, settles),
            };
            changes.push(Change::Insert(pair, Some(content)));
            changes.push(Change::Close(intent));
            stored_now += 1;
        }
        self.worker.confirm(stored_now, changes).await
    }
}

/// Stages each message as it arrives.
struct Intake<'a> {
    copying: &'a Copying<'a>,
    target: &'a dyn Mailbox,
    ops: &'a BTreeMap<&'a Key, &'a CopyOp>,
    sender: mpsc::Sender<Delivered>,
    failed: Vec<(Key, Option<Fingerprint>, StoreError)>,
}

#[async_trait]
impl Receiver for Intake<'_> {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let stop = &self.copying.worker.account.stop;
        if stop.is_cancelled() {
            return Err(stopped());
        }
        // A message that was not asked for is not ours to store.
        let Some(op) = self.ops.get(&message.key) else { return Ok(()) };
        self.copying.tell(&message.key);
        let new = NewMessage {
            counterpart: Some(message.key.clone()),
            flags: op.flags.clone(),
            date: message.date,
        };
        let mut body = Watched::new(body, stop);
        match self.target.stage(new, &mut body).await {
            Ok(staged) => {
                let content = body.finish();
                let settles = op.settles.clone();
                let one = Delivered { source: message.key, settles, content, staged };
                // The committer ends early only with an error of its own, which is told.
                self.sender.send(one).await.map_err(|_| stopped())
            }
            Err(error) if error.kind() == StoreErrorKind::Message => {
                self.failed.push((message.key, None, error));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.failed.push((key.clone(), None, error));
    }
}
