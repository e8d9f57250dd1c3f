//! The traps of OfflineIMAP 8.0.1, each by what this program does instead or does as ever.
//! `docs/quirks.md` lists them all, with the tests that prove what it says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "quirks/folders.rs"]
mod folders;
#[path = "quirks/locks.rs"]
mod locks;
#[path = "quirks/messages.rs"]
mod messages;
#[path = "quirks/page.rs"]
mod page;
#[path = "quirks/runs.rs"]
mod runs;
#[path = "quirks/secrets.rs"]
mod secrets;

use offlineimap_testkit::server::ImapServer;

use rig::Rig;

/// An account on an embedded server.
fn rig_for(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}
