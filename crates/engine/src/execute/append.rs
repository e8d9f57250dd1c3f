//! Copying to a store that assigns the key of a message when it stores it, or does not even tell
//! it (IMAP).
//!
//! Each upload is journalled before its first octet goes out, with what is needed to find it again.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::StreamExt;
use offlineimap_core::{
    Binding, Body, CopyOp, Fetched, Fingerprint, Flags, Hints, IntentKind, Key, Mailbox,
    NewMessage, Pair, Receiver, Scope, Side, Staged, StoreError, StoreErrorKind, Stored,
};
use tokio::sync::Mutex;

use super::body::{Watched, stopped};
use super::copy::Copying;
use crate::account::{CopyOrder, RunError};
use crate::recover::find;
use crate::state::Change;

/// How many messages are journalled and sent together, at most.
const BATCH: usize = 128;

/// How many batches are under way at once: while one is sent, the answers to the one before are
/// awaited and written down, and the one after is read and journalled. The line is never idle.
const BATCHES: usize = 3;

/// One message of a batch.
struct Upload {
    intent: i64,
    content: Fingerprint,
    flags: Flags,
    /// The flags with which the pair enters the base.
    settles: Flags,
}

/// A message that was stored.
struct Confirmed {
    source: Key,
    stored: Key,
}

impl Copying<'_> {
    pub(super) async fn append(
        &self,
        source: &dyn Mailbox,
        target: &dyn Mailbox,
        copies: &[CopyOp],
    ) -> Result<(), RunError> {
        let batches_at_once = match self.worker.order(self.to.other()) {
            CopyOrder::Any => BATCHES,
            CopyOrder::OneByOne => 1,
        };
        let line = Mutex::new(());
        let mut batches = futures_util::stream::iter(copies.chunks(BATCH).map(<[CopyOp]>::to_vec))
            .map(|batch| self.append_batch(source, target, batch, &line))
            .buffered(batches_at_once);
        let mut unlocated = BTreeMap::new();
        while let Some(batch) = batches.next().await {
            unlocated.extend(batch?);
        }
        drop(batches);
        if unlocated.is_empty() {
            return Ok(());
        }
        self.locate(source, target, unlocated).await
    }

    /// Uploads one batch when it has the line for itself, and returns what was stored nobody knows
    /// where. Batches whose messages alternated would all be answered, and written down, at once.
    async fn append_batch(
        &self,
        source: &dyn Mailbox,
        target: &dyn Mailbox,
        batch: Vec<CopyOp>,
        line: &Mutex<()>,
    ) -> Result<BTreeMap<Key, Upload>, RunError> {
        if self.worker.stopping() {
            return Ok(BTreeMap::new());
        }
        let keys: Vec<Key> = batch.iter().map(|op| op.source.clone()).collect();
        let contents = match source.fingerprints(Scope::Keys(&keys)).await {
            Ok(contents) => contents,
            Err(error) => {
                self.worker.give_up("reading messages to copy", error)?;
                return Ok(BTreeMap::new());
            }
        };
        let mut uploads = self.intend(&batch, contents).await?;
        let keys: Vec<Key> = uploads.keys().cloned().collect();
        let mut outtake = Outtake {
            copying: self,
            target,
            uploads: &uploads,
            staged: Vec::new(),
            failed: Vec::new(),
        };
        let turn = line.lock().await;
        let ended = source.fetch(&keys, &mut outtake).await;
        drop(turn);
        let Outtake { staged, failed, .. } = outtake;
        let mut changes = Vec::new();
        for (key, error) in failed {
            // Nobody knows what a lost connection left behind: the next run looks.
            if error.kind() != StoreErrorKind::ConnectionLost
                && let Some(upload) = uploads.remove(&key)
            {
                changes.push(Change::Close(upload.intent));
                self.failed(&key, Some(upload.content), &error).await;
            } else {
                self.failed(&key, None, &error).await;
            }
        }
        let mut sent = (Vec::new(), Vec::new());
        for (key, content, staged) in staged {
            // Now that the whole message was seen, its digest is known for certain.
            if let Some(upload) = uploads.get_mut(&key) {
                upload.content = content;
            }
            sent.0.push(key);
            sent.1.push(staged);
        }
        let confirmed = self.commit(target, sent, &mut uploads).await;
        let unlocated = self.write_down(source, confirmed, uploads, changes).await?;
        if let Err(error) = ended {
            self.worker.give_up("copying messages", error)?;
        }
        Ok(unlocated)
    }

    async fn intend(
        &self,
        batch: &[CopyOp],
        contents: Vec<(Key, Fingerprint)>,
    ) -> Result<BTreeMap<Key, Upload>, RunError> {
        let open = &self.worker.open;
        let ops: BTreeMap<&Key, &CopyOp> = batch.iter().map(|op| (&op.source, op)).collect();
        let contents: Vec<(Key, Fingerprint, &CopyOp)> = contents
            .into_iter()
            .filter_map(|(key, content)| {
                let op = *ops.get(&key)?;
                Some((key, content, op))
            })
            .collect();
        let kinds = contents
            .iter()
            .map(|(key, content, op)| IntentKind::Append {
                side: self.to,
                source: key.clone(),
                frontier: open.frontiers.get(self.to).clone(),
                fingerprint: content.clone(),
                flags: op.settles.clone(),
            })
            .collect();
        let intents = self.worker.state.intend(open.id, kinds).await?;
        Ok(contents
            .into_iter()
            .zip(intents)
            .map(|((key, content, op), intent)| {
                // What the target cannot keep it might refuse.
                let flags = op.flags.supported_by(open.supports.get(self.to));
                let settles = op.settles.clone();
                (key, Upload { intent, content, flags, settles })
            })
            .collect())
    }

    /// Waits for the answers. What was stored and where remains in `uploads` if it is unknown.
    async fn commit(
        &self,
        target: &dyn Mailbox,
        staged: (Vec<Key>, Vec<Staged>),
        uploads: &mut BTreeMap<Key, Upload>,
    ) -> Answers {
        let (keys, staged) = staged;
        let answers = target.commit(staged).await;
        let mut sorted = Answers::default();
        for (source, answer) in keys.into_iter().zip(answers) {
            match answer {
                Ok(Stored::At(stored)) => sorted.confirmed.push(Confirmed { source, stored }),
                Ok(Stored::Unknown) => sorted.unlocated.push(source),
                Err(error) => {
                    // The intent stays open, also after a refusal: servers have been seen to store
                    // what they said they would not. The next run looks before it offers it again.
                    let content = uploads.remove(&source).map(|upload| upload.content);
                    self.failed(&source, content, &error).await;
                }
            }
        }
        sorted
    }

    /// Writes confirmed uploads down, then lets the source remember their keys.
    async fn write_down(
        &self,
        source: &dyn Mailbox,
        answers: Answers,
        mut uploads: BTreeMap<Key, Upload>,
        mut changes: Vec<Change>,
    ) -> Result<BTreeMap<Key, Upload>, RunError> {
        let mut bindings = Vec::new();
        let mut stored_now = 0;
        for Confirmed { source, stored } in answers.confirmed {
            let Some(upload) = uploads.remove(&source) else { continue };
            bindings.push(Binding { key: source.clone(), counterpart: stored.clone() });
            self.copied(&upload.settles);
            let pair = match self.to {
                Side::Remote => Pair::new(stored, source, upload.settles),
                Side::Local => Pair::new(source, stored, upload.settles),
            };
            changes.push(Change::Insert(pair, Some(upload.content)));
            changes.push(Change::Close(upload.intent));
            stored_now += 1;
        }
        self.worker.confirm(stored_now, changes).await?;
        if *self.worker.open.hints.get(self.to.other()) == Hints::Kept {
            self.worker.bind(source, bindings).await?;
        }
        let unlocated: BTreeSet<Key> = answers.unlocated.into_iter().collect();
        uploads.retain(|key, _| unlocated.contains(key));
        Ok(uploads)
    }

    /// Finds messages that the server stored without telling where.
    async fn locate(
        &self,
        source: &dyn Mailbox,
        target: &dyn Mailbox,
        uploads: BTreeMap<Key, Upload>,
    ) -> Result<(), RunError> {
        let open = &self.worker.open;
        let base = self.worker.state.base(&open.folder).await?.base;
        let known: BTreeSet<Key> =
            base.pairs().iter().map(|pair| pair.key(self.to).clone()).collect();
        let wanted: Vec<(&Key, Fingerprint)> =
            uploads.iter().map(|(key, upload)| (key, upload.content.clone())).collect();
        let frontier = open.frontiers.get(self.to).as_ref();
        let found = match find(target, frontier, &known, &wanted).await {
            Ok(found) => found,
            // The intents stay open: the next run looks again.
            Err(error) => return self.worker.give_up("looking for uploaded messages", error),
        };
        let confirmed: Vec<Confirmed> = found
            .into_iter()
            .map(|(source, stored)| Confirmed { source: source.clone(), stored })
            .collect();
        let lost: Vec<&Key> = wanted
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| !confirmed.iter().any(|it| it.source == **key))
            .collect();
        for key in lost {
            let error = StoreError::new(
                StoreErrorKind::Message,
                "the server accepted the message but does not list it; the next run looks again",
            );
            self.failed(key, None, &error).await;
        }
        let answers = Answers { confirmed, unlocated: Vec::new() };
        self.write_down(source, answers, uploads, Vec::new()).await?;
        Ok(())
    }
}

#[derive(Default)]
struct Answers {
    confirmed: Vec<Confirmed>,
    unlocated: Vec<Key>,
}

/// Sends each message as it is read.
struct Outtake<'a> {
    copying: &'a Copying<'a>,
    target: &'a dyn Mailbox,
    uploads: &'a BTreeMap<Key, Upload>,
    staged: Vec<(Key, Fingerprint, Staged)>,
    failed: Vec<(Key, StoreError)>,
}

#[async_trait]
impl Receiver for Outtake<'_> {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let stop = &self.copying.worker.account.stop;
        if stop.is_cancelled() {
            return Err(stopped());
        }
        let Some(upload) = self.uploads.get(&message.key) else { return Ok(()) };
        if body.wire_octets() != upload.content.wire_octets {
            let error = StoreError::new(
                StoreErrorKind::Message,
                "the message changed while it was read; the next run looks again",
            );
            self.failed.push((message.key, error));
            return Ok(());
        }
        self.copying.tell(&message.key);
        let new = NewMessage { counterpart: None, flags: upload.flags.clone(), date: message.date };
        let mut body = Watched::new(body, stop);
        match self.target.stage(new, &mut body).await {
            Ok(staged) => {
                self.staged.push((message.key, body.finish(), staged));
                Ok(())
            }
            Err(error) if error.kind() == StoreErrorKind::Message => {
                self.failed.push((message.key, error));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.failed.push((key.clone(), error));
    }
}
