//! The IMAP store against the embedded server and against real ones.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "imap_store/client_certificate.rs"]
mod client_certificate;
#[path = "imap_store/compression.rs"]
mod compression;
#[path = "imap_store/conformance.rs"]
mod conformance;
#[path = "imap_store/desk.rs"]
mod desk;
#[path = "imap_store/failures.rs"]
mod failures;
#[path = "imap_store/mailboxes.rs"]
mod mailboxes;
#[path = "imap_store/messages.rs"]
mod messages;
#[path = "imap_store/signing_in.rs"]
mod signing_in;
#[path = "imap_store/streaming.rs"]
mod streaming;
