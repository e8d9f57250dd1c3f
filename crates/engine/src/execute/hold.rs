//! Holding back deletions whose message could not be stored in its new place.

use offlineimap_core::{DeleteOp, Fingerprint, Key, Scope, Side};

use super::Worker;
use crate::event::Event;

impl Worker<'_> {
    /// Leaves out deletions of messages whose copy to the same side failed in this run: they may
    /// have been moved, and this is then the last one there.
    pub(super) async fn not_held_back(&self, side: Side, ops: &[DeleteOp]) -> Vec<DeleteOp> {
        let failed: Vec<Option<Fingerprint>> = {
            let failed = self.failed_copies.lock().await;
            failed.iter().filter(|it| it.to == side).map(|it| it.content.clone()).collect()
        };
        if failed.is_empty() || ops.is_empty() {
            return ops.to_vec();
        }
        let Some(mailbox) = self.open.sides.get(side) else { return Vec::new() };
        let targets: Vec<Key> = ops.iter().map(|op| op.target.clone()).collect();
        let known = mailbox.fingerprints(Scope::Keys(&targets)).await.unwrap_or_default();
        let safe = |op: &DeleteOp| {
            let Some((_, content)) = known.iter().find(|(key, _)| *key == op.target) else {
                return false;
            };
            failed.iter().all(|failed| failed.as_ref().is_some_and(|it| !same(it, content)))
        };
        let (go, held): (Vec<DeleteOp>, Vec<DeleteOp>) =
            ops.iter().cloned().partition(|op| safe(op));
        if !held.is_empty() {
            let folder = self.account.label(side, &self.open.folder);
            self.account.tell(&Event::Warning {
                message: format!(
                    "{} deletions in {folder} wait for the next run, because messages that could \
                     not be copied may be the same ones in a new place",
                    held.len()
                ),
            });
        }
        go
    }
}

/// Errs on the side of "the same".
fn same(failed: &Fingerprint, deleted: &Fingerprint) -> bool {
    match (&failed.message_id, &deleted.message_id) {
        (Some(here), Some(there)) => here == there,
        _ => failed.wire_octets == deleted.wire_octets,
    }
}
