//! The tokio and rustls driver of the IMAP client, and the IMAP store.
