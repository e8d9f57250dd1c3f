//! What every store has to do: one suite, written against the contract in
//! [`offlineimap_core::Store`] and nothing else.
//!
//! A store's own tests implement [`Fixture`] and call [`check`].

mod changes;
mod contents;
mod desk;
mod folders;
mod windows;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{MailboxName, Store};

use crate::message::Odd;
use desk::Desk;

/// Whether a store keeps the date that it is given with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// It does, to the second.
    Kept,
    /// It has dates of its own, or none.
    NotKept,
}

/// Makes the store to be checked, and tells what it is able to do.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Makes a store without mail. What keeps it alive (a server, a directory) lives as long as
    /// the fixture.
    async fn empty_store(&self) -> Arc<dyn Store>;

    /// Returns the name of a mailbox at the top of the store; some servers want all mailboxes
    /// below INBOX.
    fn mailbox(&self, leaf: &str) -> MailboxName {
        MailboxName::new(leaf)
    }

    /// Tells whether dates are kept.
    fn dates(&self) -> Dates;

    /// Returns the octets in which an odd message comes back from the store; `None` if the store
    /// refuses it. The octets that went in, unless the store cannot keep bare line feeds, or a
    /// server is known to refuse such messages.
    fn comes_back(&self, odd: Odd) -> Option<Bytes> {
        Some(odd.body().to_bytes())
    }
}

/// Returns the wire form of a message that went through a store of LF lines: as it went in, bare
/// line feeds excepted.
pub fn with_all_lines_ended(wire: &[u8]) -> Bytes {
    let mut ended = Vec::with_capacity(wire.len());
    let mut before = None;
    for byte in wire {
        if *byte == b'\n' && before != Some(b'\r') {
            ended.push(b'\r');
        }
        ended.push(*byte);
        before = Some(*byte);
    }
    ended.into()
}

/// Checks everything that the contract promises, in a store of its own.
///
/// # Panics
///
/// At the first promise that is not kept, naming it.
pub async fn check(fixture: &dyn Fixture) {
    let desk = Desk::new(fixture).await;
    folders::check(&desk).await;
    contents::check(&desk).await;
    windows::check(&desk).await;
    changes::check(&desk).await;
    desk.store.close().await;
}
