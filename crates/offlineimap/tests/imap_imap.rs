//! The program between two servers: both sides are IMAP accounts.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "imap_imap/directions.rs"]
mod directions;
#[path = "imap_imap/hooks.rs"]
mod hooks;
#[path = "imap_imap/kill_sweep.rs"]
mod kill_sweep;
#[path = "imap_imap/names.rs"]
mod names;
#[path = "imap_imap/real_server.rs"]
mod real_server;
#[path = "imap_imap/restrictions.rs"]
mod restrictions;
#[path = "imap_imap/scene.rs"]
mod scene;
#[path = "imap_imap/syncing.rs"]
mod syncing;
