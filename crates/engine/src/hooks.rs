//! What the front end does around a sync.

use async_trait::async_trait;

/// Takes part in an account's sync, under its lock. `()` does nothing.
///
/// Either call is given up where it waits when the run is asked to stop.
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

    /// Called when everything was done that could be done, and the stores are closed. Single
    /// folders may have failed; the account as a whole has not, and nobody asked it to stop.
    async fn after(&self) {}
}

impl Hooks for () {}

/// Why an account cannot be synced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotPrepared {
    /// The reason, with its causes.
    pub reason: String,
}
