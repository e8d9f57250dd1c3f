//! Copying messages to one side.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use offlineimap_core::{
    CopyOp, Delivery, Fingerprint, Flags, Key, Scope, Side, StoreError, SystemFlag,
};

use super::{FailedCopy, Worker};
use crate::account::RunError;
use crate::event::Event;

/// One side's copies of a folder while they are made.
pub(super) struct Copying<'a> {
    pub(super) worker: &'a Worker<'a>,
    pub(super) to: Side,
    total: usize,
    begun: AtomicUsize,
    /// Whether a message was copied that nobody has read.
    unread: AtomicBool,
}

impl Worker<'_> {
    /// Copies messages to a side. One that fails is told and left for the next run.
    pub(super) async fn copy(&self, to: Side, copies: &[CopyOp]) -> Result<(), RunError> {
        let (Some(source), Some(target)) =
            (self.open.sides.get(to.other()), self.open.sides.get(to))
        else {
            return Ok(());
        };
        if copies.is_empty() || self.stopping() {
            return Ok(());
        }
        self.account.tell(&Event::CopiesStarted {
            from: self.account.label(to.other(), &self.open.folder),
            to: self.account.label(to, &self.open.folder),
        });
        let copying = Copying {
            worker: self,
            to,
            total: copies.len(),
            begun: AtomicUsize::new(0),
            unread: AtomicBool::new(false),
        };
        let copied = match target.delivery() {
            Delivery::Planned => copying.deliver(&**source, &**target, copies).await,
            Delivery::Assigned => copying.append(&**source, &**target, copies).await,
        };
        // What has come has come, whatever happened to the rest.
        if copying.unread.load(Ordering::Relaxed) {
            let from = to.other();
            self.account.hooks.new_mail(from, self.open.folder.name(from)).await;
        }
        copied
    }
}

impl Copying<'_> {
    /// Announces a copy.
    pub(super) fn tell(&self, key: &Key) {
        let account = self.worker.account;
        let folder = &self.worker.open.folder;
        account.tell(&Event::Copying {
            key: key.clone(),
            index: self.begun.fetch_add(1, Ordering::Relaxed) + 1,
            total: self.total,
            from: account.label(self.to.other(), folder),
            to: account.label(self.to, folder),
        });
    }

    /// Remembers that a message was copied, with these flags.
    pub(super) fn copied(&self, flags: &Flags) {
        if !flags.contains(SystemFlag::Seen) {
            self.unread.store(true, Ordering::Relaxed);
        }
    }

    /// Tells that a message was not copied, and remembers it so that nothing is deleted in its
    /// stead.
    pub(super) async fn failed(&self, key: &Key, content: Option<Fingerprint>, error: &StoreError) {
        self.worker.tell_error(&format!("copying message {key}"), error);
        let content = match content {
            Some(content) => Some(content),
            None => self.look_up(key).await,
        };
        self.worker.failed_copies.lock().await.push(FailedCopy { to: self.to, content });
    }

    async fn look_up(&self, key: &Key) -> Option<Fingerprint> {
        let source = self.worker.open.sides.get(self.to.other()).as_deref()?;
        let found = source.fingerprints(Scope::Keys(std::slice::from_ref(key))).await.ok()?;
        found.into_iter().next().map(|(_, fingerprint)| fingerprint)
    }
}
