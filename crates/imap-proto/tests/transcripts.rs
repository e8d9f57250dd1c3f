//! Exchanges with servers, each replayed whole, byte by byte, split at every byte, and cut off at
//! every byte.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "transcripts/exchanges.rs"]
mod exchanges;
#[path = "transcripts/harness.rs"]
mod harness;
#[path = "transcripts/opening.rs"]
mod opening;
#[path = "transcripts/quirks.rs"]
mod quirks;
