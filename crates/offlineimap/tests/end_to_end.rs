//! The program as a whole, as a user runs it, against a real Dovecot.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its seed"
)]

mod rig;

#[path = "end_to_end/core_table.rs"]
mod core_table;
#[path = "end_to_end/kill_sweep.rs"]
mod kill_sweep;
#[path = "end_to_end/scenario.rs"]
mod scenario;
#[path = "end_to_end/sigkill.rs"]
mod sigkill;
