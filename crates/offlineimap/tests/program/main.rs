//! The real program in an environment of its own: what it prints, where, and its exit status.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod command_line;
mod configuration;
mod machineui;
mod passwords;
mod sandbox;
mod signals;
mod syncing;
