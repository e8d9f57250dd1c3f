//! Coming from mbsync: Debian's `isync` syncs first, against a real Dovecot, then its state is
//! imported and this program goes on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "mbsync/adoption.rs"]
mod adoption;
#[path = "mbsync/doubts.rs"]
mod doubts;
#[path = "mbsync/peer.rs"]
mod peer;
