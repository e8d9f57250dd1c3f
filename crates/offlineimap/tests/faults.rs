//! The program when something fails: the network, the server, one message, the disk, the power.
//!
//! Most tests play one scenario (`scene`): an account that was synced, and then changed on both
//! sides in every way, is synced while something fails. Then it is looked at, synced once without
//! a fault, and compared; and one more sync must change nothing. What is chosen at random is
//! chosen by a seed, which a failure names; `OFFLINEIMAP_FAULT_SEED` sets another one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "faults/cases.rs"]
mod cases;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/messages.rs"]
mod messages;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/power.rs"]
mod power;
#[path = "faults/refusals.rs"]
mod refusals;
#[path = "faults/scene.rs"]
mod scene;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/servers.rs"]
mod servers;
#[path = "faults/strace.rs"]
mod strace;
