//! Taking over what OfflineIMAP has synced, and going back to it: Debian's `offlineimap3` does one
//! part against a real Dovecot, this program the other.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "takeover/elder.rs"]
mod elder;
#[path = "takeover/ignored.rs"]
mod ignored;
#[path = "takeover/interrupted.rs"]
mod interrupted;
#[path = "takeover/layouts.rs"]
mod layouts;
#[path = "takeover/mailbox_list.rs"]
mod mailbox_list;
#[path = "takeover/old_formats.rs"]
mod old_formats;
#[path = "takeover/precautions.rs"]
mod precautions;
#[path = "takeover/two_servers.rs"]
mod two_servers;
