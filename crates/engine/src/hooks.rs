//! What the front end does around a sync.

use std::collections::BTreeSet;

use async_trait::async_trait;
use offlineimap_core::{Key, MailboxName, Side};

/// Takes part in an account's sync, under its lock. `()` does nothing.
///
/// A call is given up where it waits when the run is asked to stop; that of `new_mail`, some time
/// later.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Called before the state is opened and before a store is asked for anything. A dry run calls
    /// it too, without a lock.
    ///
    /// # Errors
    ///
    /// If the account cannot be synced; nothing has happened then.
    async fn before(&self) -> Result<(), NotPrepared> {
        Ok(())
    }

    /// Returns the messages of a folder that are never copied from this side, by their keys there.
    /// `visible` is the name by which the other side knows the folder.
    ///
    /// # Errors
    ///
    /// If that cannot be known; the folder is left alone then.
    async fn never_copied(
        &self,
        _from: Side,
        _visible: &str,
    ) -> Result<BTreeSet<Key>, NotPrepared> {
        Ok(BTreeSet::new())
    }

    /// Called once for a folder of a side when messages were copied from it and at least one of
    /// them is unread. A dry run calls it when that would be so.
    async fn new_mail(&self, _from: Side, _folder: &MailboxName) {}

    /// Called when everything was done that could be done, and the stores are closed. Single
    /// folders may have failed; the account as a whole has not, and nobody asked it to stop.
    async fn after(&self) {}
}

impl Hooks for () {}

/// Why an account, or a folder of it, cannot be synced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotPrepared {
    /// The reason, with its causes.
    pub reason: String,
}
