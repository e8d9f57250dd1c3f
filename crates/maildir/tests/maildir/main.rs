//! The Maildir store on real directories.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod conformance;
mod conventions;
mod crash;
mod delivery;
mod fixture;
mod flags;
mod folders;
mod identity;
mod names;
mod reading;
