//! The program as a whole, as a user runs it, against a real Dovecot.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "end_to_end/caution.rs"]
mod caution;
#[path = "end_to_end/core_table.rs"]
mod core_table;
#[path = "end_to_end/huge_message.rs"]
mod huge_message;
#[path = "end_to_end/kill_sweep.rs"]
mod kill_sweep;
#[path = "end_to_end/odd_messages.rs"]
mod odd_messages;
#[path = "end_to_end/policies.rs"]
mod policies;
#[path = "end_to_end/scenario.rs"]
mod scenario;
#[path = "end_to_end/sigkill.rs"]
mod sigkill;
#[path = "end_to_end/stopping.rs"]
mod stopping;
