//! Partial mailboxes (`maxsize`, `maxage`, `startdate`) and quick syncs, from outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "partial/ages.rs"]
mod ages;
#[path = "partial/quick.rs"]
mod quick;
#[path = "partial/sizes.rs"]
mod sizes;
