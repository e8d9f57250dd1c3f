//! Changing what is there: hints, flags, deletions.

use std::collections::{BTreeMap, BTreeSet};

use offlineimap_core::{
    Applied, Binding, DeleteOp, FlagChange, FlagOp, Flags, IntentKind, Key, Mailbox, Rebind,
    Removed, Side, StoreErrorKind,
};

use super::Worker;
use crate::account::RunError;
use crate::event::Event;
use crate::state::Change;

/// How many messages are changed together, at most.
const BATCH: usize = 500;

impl Worker<'_> {
    /// Writes the hints that local messages lack.
    pub(super) async fn rebind(&self, rebinds: &[Rebind]) -> Result<(), RunError> {
        let Some(local) = &self.open.sides.local else { return Ok(()) };
        for batch in rebinds.chunks(BATCH) {
            if self.stopping() {
                break;
            }
            let bindings = batch
                .iter()
                .map(|it| Binding { key: it.local.clone(), counterpart: it.pair.clone() })
                .collect();
            self.bind(&**local, bindings).await?;
        }
        Ok(())
    }

    /// Writes hints into messages of one side, and their new keys into the base.
    pub(super) async fn bind(
        &self,
        mailbox: &dyn Mailbox,
        bindings: Vec<Binding>,
    ) -> Result<(), RunError> {
        if bindings.is_empty() {
            return Ok(());
        }
        let bound = mailbox.bind(bindings.clone()).await;
        let mut changes = Vec::new();
        for (binding, result) in bindings.into_iter().zip(bound) {
            match result {
                Ok(Applied::Done(local)) if local != binding.key => {
                    changes.push(Change::SetLocal { pair: binding.counterpart, local });
                }
                Ok(Applied::Done(_) | Applied::Stale) => {}
                Err(error) => {
                    self.tell_error(&format!("renaming message {}", binding.key), &error);
                }
            }
        }
        Ok(self.state.apply(self.open.id, changes).await?)
    }

    /// Changes flags on one side.
    pub(super) async fn change_flags(&self, side: Side, ops: &[FlagOp]) -> Result<(), RunError> {
        let Some(mailbox) = self.open.sides.get(side) else { return Ok(()) };
        if ops.is_empty() || self.stopping() {
            return Ok(());
        }
        self.tell_flags(side, ops);
        for batch in ops.chunks(BATCH) {
            if self.stopping() {
                break;
            }
            let kinds = batch
                .iter()
                .map(|op| IntentKind::Flags {
                    pair: op.pair.clone(),
                    side,
                    target: op.target.clone(),
                    change: op.change.clone(),
                    settles: op.settles.clone(),
                })
                .collect();
            let intents = self.state.intend(self.open.id, kinds).await?;
            let asked = batch.iter().map(|op| (op.target.clone(), op.change.clone())).collect();
            let results = mailbox.change_flags(asked).await;
            let mut changes = Vec::with_capacity(batch.len() * 2);
            let mut fatal = None;
            let mut made = 0;
            for ((op, intent), result) in batch.iter().zip(intents).zip(results) {
                match result {
                    Ok(Applied::Done(())) => {
                        changes.push(Change::Learn {
                            pair: op.pair.clone(),
                            change: op.settles.clone(),
                        });
                        changes.push(Change::Close(intent));
                        made += 1;
                    }
                    Ok(Applied::Stale) => changes.push(Change::Close(intent)),
                    Err(error) => match error.kind() {
                        // Nobody knows whether it happened: settled by the next run.
                        StoreErrorKind::ConnectionLost | StoreErrorKind::Cancelled => {
                            fatal.get_or_insert(error);
                        }
                        StoreErrorKind::Message => {
                            changes.push(Change::Close(intent));
                            self.tell_error(&format!("changing flags of {}", op.target), &error);
                        }
                        StoreErrorKind::Mailbox | StoreErrorKind::Store => {
                            changes.push(Change::Close(intent));
                            fatal.get_or_insert(error);
                        }
                    },
                }
            }
            self.confirm(made, changes).await?;
            if let Some(error) = fatal {
                return self.give_up("changing flags", error);
            }
        }
        Ok(())
    }

    fn tell_flags(&self, side: Side, ops: &[FlagOp]) {
        let label = || self.account.label(side, &self.open.folder);
        for (flags, keys) in by_flag(ops, |change| &change.add) {
            self.account.tell(&Event::AddingFlags { flags, keys, folder: label() });
        }
        for (flags, keys) in by_flag(ops, |change| &change.remove) {
            self.account.tell(&Event::RemovingFlags { flags, keys, folder: label() });
        }
    }

    /// Deletes on one side what is gone from the other, and is still gone now.
    pub(super) async fn delete(&self, side: Side, ops: &[DeleteOp]) -> Result<(), RunError> {
        let (Some(mailbox), Some(other)) =
            (self.open.sides.get(side), self.open.sides.get(side.other()))
        else {
            return Ok(());
        };
        let ops = self.not_held_back(side, ops).await;
        for batch in ops.chunks(BATCH) {
            if self.stopping() {
                break;
            }
            let gone: Vec<Key> = batch.iter().map(|op| op.gone.clone()).collect();
            let back = match other.present(&gone).await {
                Ok(back) => back,
                Err(error) => return self.give_up("looking again before deleting", error),
            };
            let batch: Vec<&DeleteOp> =
                batch.iter().filter(|op| !back.contains(&op.gone)).collect();
            if let Some(error) = self.delete_batch(side, &**mailbox, &batch).await? {
                return self.give_up("deleting messages", error);
            }
        }
        Ok(())
    }

    async fn delete_batch(
        &self,
        side: Side,
        mailbox: &dyn Mailbox,
        batch: &[&DeleteOp],
    ) -> Result<Option<offlineimap_core::StoreError>, RunError> {
        let Some(removal) = batch.first().map(|op| op.removal) else { return Ok(None) };
        self.account.tell(&Event::Deleting {
            keys: batch.iter().map(|op| op.pair.clone()).collect(),
            folder: self.account.label(side, &self.open.folder),
        });
        let targets: Vec<Key> = batch.iter().map(|op| op.target.clone()).collect();
        let results = mailbox.remove(&targets, removal).await;
        let mut changes = Vec::with_capacity(batch.len());
        let mut fatal = None;
        for (op, result) in batch.iter().zip(results) {
            match result {
                Ok(Removed::Expunged) => changes.push(Change::Forget { pair: op.pair.clone() }),
                Ok(Removed::MarkedOnly) => {
                    changes.push(Change::MarkDeleted { pair: op.pair.clone(), on: side.other() });
                }
                Err(error) if error.kind() == StoreErrorKind::Message => {
                    self.tell_error(&format!("deleting message {}", op.target), &error);
                }
                Err(error) => {
                    fatal.get_or_insert(error);
                }
            }
        }
        self.confirm(changes.len(), changes).await?;
        Ok(fatal)
    }
}

/// The pairs of each single flag, as they are told.
fn by_flag(ops: &[FlagOp], part: impl Fn(&FlagChange) -> &Flags) -> BTreeMap<Flags, Vec<Key>> {
    let mut pairs: BTreeMap<Flags, Vec<Key>> = BTreeMap::new();
    for op in ops {
        let flags = part(&op.change);
        let singles: BTreeSet<Flags> = flags
            .system()
            .map(|flag| Flags::default().with(flag))
            .chain(flags.keywords().map(|keyword| Flags::default().with_keyword(keyword)))
            .collect();
        for single in singles {
            pairs.entry(single).or_default().push(op.pair.clone());
        }
    }
    pairs
}
