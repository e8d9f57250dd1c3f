//! The planner: tables of single messages, scenarios of whole mailboxes, and properties.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod content;
mod core_table;
mod flags;
mod hints;
mod language;
mod marked;
mod policy;
mod presence;
mod properties;
mod restrictions;
mod world;
