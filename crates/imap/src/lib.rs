//! The tokio and rustls driver of the IMAP client, and the IMAP store.
//!
//! [`ImapStore`] is a [`Store`](offlineimap_core::Store) on an IMAP server. It opens up to
//! [`ImapConfig::max_connections`] connections on demand, verifies every server, and gives each
//! wait a deadline. This crate prints nothing and does not read the environment; warnings are
//! `tracing` events.
//!
//! ```
//! use std::sync::Arc;
//! use offlineimap_core::Store as _;
//! use offlineimap_imap::{Authorities, ImapConfig, ImapStore, KnownSecret};
//!
//! let secret = Arc::new(KnownSecret("tanstaaf".into()));
//! let mut config = ImapConfig::new("Work", "imap.example.org", "tim", secret);
//! config.tls.authorities = Authorities::OsDefault(Vec::new());
//! let store = ImapStore::new(config);
//! assert_eq!((store.kind(), store.name()), ("IMAP", "Work"));
//! ```

mod config;
mod connection;
mod mailbox;
mod pool;
mod spelling;
mod store;
mod translate;
mod transport;

pub use config::{
    ClientId, ImapConfig, KnownSecret, ListedMailboxes, SecretProvider, Security, StartTlsWish,
};
pub use connection::DialError;
pub use offlineimap_imap_proto::opening::{Compress, LoginMethod};
pub use offlineimap_imap_proto::utf7;
pub use spelling::NameEncoding;
pub use store::ImapStore;
pub use transport::{
    AddressFamily, Authorities, CertificateFingerprint, ClientCertificate, ConnectError,
    FingerprintError, TlsConfigError, TlsOptions, TlsVersions,
};
