//! What a store needs to know to reach its server.

use std::collections::BTreeSet;
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use offlineimap_core::{Steps, StoreError};
use offlineimap_imap_proto::opening::{Compress, LoginMethod};
use secrecy::SecretString;

use crate::spelling::NameEncoding;
use crate::transport::{AddressFamily, TlsOptions};

/// An IMAP account and how to use it.
#[derive(Clone)]
pub struct ImapConfig {
    /// The name of the repository in the configuration.
    pub name: String,
    /// The kind of repository as messages show it (`IMAP`, `Gmail`, `MappedIMAP`).
    pub kind: &'static str,
    /// The host, as a name or an address. It must be the one in the server's certificate.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Which of the host's addresses are used.
    pub address_family: AddressFamily,
    /// How the connection is protected.
    pub security: Security,
    /// What the server's certificate is checked against.
    pub tls: TlsOptions,
    /// Who signs in.
    pub user: String,
    /// Whose mail it is, if somebody else's than the user's: only PLAIN signs in then.
    pub identity: Option<String>,
    /// Where the password comes from.
    pub secret: Arc<dyn SecretProvider>,
    /// The ways to sign in, tried in this order as far as the server offers them.
    pub login_methods: Vec<LoginMethod>,
    /// Whether the connection is compressed after the sign-in.
    pub compress: Compress,
    /// The first argument of LIST, and what new mailboxes are created under; empty for none.
    pub reference: String,
    /// Which mailboxes are listed.
    pub listed: ListedMailboxes,
    /// Mailboxes that are part of the listing even if the server does not list them, by name.
    pub included: BTreeSet<String>,
    /// How names of mailboxes are spelt, except in `reference`.
    pub name_encoding: NameEncoding,
    /// How many connections may be open at once.
    pub max_connections: NonZeroUsize,
    /// How long to wait for each of: the address, the connection, the TLS handshake, the greeting,
    /// and any progress with a command or a body.
    pub timeout: Duration,
    /// How often a message is tried to be fetched, if the connection breaks each time, until it is
    /// given up and others are gone on with.
    pub fetch_attempts: NonZeroU32,
    /// How long to wait before a read is repeated on a fresh connection; the second time twice as
    /// long.
    pub retry_pause: Duration,
    /// The local zone: seconds east of UTC at a Unix time. Messages are stored with their date
    /// written in it.
    pub local_offset: Arc<dyn Fn(i64) -> i32 + Send + Sync>,
    /// Is told of every command that changes something.
    pub steps: Steps,
    /// Is told of every connection how long it took to be opened and signed in.
    pub connected: Arc<dyn Fn(Duration) + Send + Sync>,
    /// How we introduce ourselves (RFC 2971).
    pub client: ClientId,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`ssl = yes`).
    Implicit,
    /// STARTTLS, verified just like implicit TLS. There is no sign-in without it, except that a
    /// server on this very machine may lack it if the user did not ask.
    StartTls(StartTlsWish),
    /// In the clear, because the user said so (`ssl = no` and `starttls = no`).
    PlainAllowed,
}

/// Whether STARTTLS is the user's wish or our default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTlsWish {
    /// `starttls = yes` is in the configuration: without it there is no connection.
    Explicit,
    /// Nothing is in the configuration: a loopback server may do without, with a warning.
    Default,
}

/// Which mailboxes a store lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListedMailboxes {
    /// All.
    #[default]
    All,
    /// Those that the user subscribed to (`subscribedonly`).
    Subscribed,
}

/// The name and version that a server is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId {
    /// The program.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Gives the password, and learns what the server thinks of it.
#[async_trait]
pub trait SecretProvider: Send + Sync {
    /// Returns the password; may take as long as a user needs to type it. It is asked at most once
    /// in the life of a store, just before the first sign-in.
    ///
    /// # Errors
    ///
    /// If there is none; the error ends the account.
    async fn secret(&self) -> Result<SecretString, StoreError>;

    /// Returns another password after the server has refused the last one with these words, or
    /// nothing if none is worth a try: wrong ones may lock the account. It is asked until a sign-in
    /// has succeeded, and not after that.
    ///
    /// # Errors
    ///
    /// If it cannot be had; the error ends the account.
    async fn other_secret(&self, _refusal: &str) -> Result<Option<SecretString>, StoreError> {
        Ok(None)
    }

    /// Takes note that the server has accepted the last one. It is told once.
    async fn accepted(&self) {}
}

/// A password that is known from the beginning.
#[derive(Debug, Clone)]
pub struct KnownSecret(pub SecretString);

#[async_trait]
impl SecretProvider for KnownSecret {
    async fn secret(&self) -> Result<SecretString, StoreError> {
        Ok(self.0.clone())
    }
}

impl ImapConfig {
    /// The settings for a host and a user, everything else at its default: implicit TLS on port
    /// 993 trusting nothing yet, CRAM-MD5 before PLAIN before LOGIN, two connections, not
    /// compressed, a minute of patience, two attempts for each message, dates in UTC.
    pub fn new(
        name: impl Into<String>,
        host: impl Into<String>,
        user: impl Into<String>,
        secret: Arc<dyn SecretProvider>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: "IMAP",
            host: host.into(),
            port: 993,
            address_family: AddressFamily::default(),
            security: Security::Implicit,
            tls: TlsOptions::default(),
            user: user.into(),
            identity: None,
            secret,
            login_methods: vec![LoginMethod::CramMd5, LoginMethod::Plain, LoginMethod::Login],
            compress: Compress::No,
            reference: String::new(),
            listed: ListedMailboxes::default(),
            included: BTreeSet::new(),
            name_encoding: NameEncoding::default(),
            max_connections: NonZeroUsize::MIN.saturating_add(1),
            timeout: Duration::from_mins(1),
            fetch_attempts: NonZeroU32::MIN.saturating_add(1),
            retry_pause: Duration::from_millis(500),
            local_offset: Arc::new(|_| 0),
            steps: Steps::default(),
            connected: Arc::new(|_| ()),
            client: ClientId {
                name: "offlineimap".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        }
    }

    /// Tells whether the server is on this very machine, so that nobody can listen in between.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_end_matches('.');
        let address: Result<std::net::IpAddr, _> = host.parse();
        address.map_or_else(
            |_| host.eq_ignore_ascii_case("localhost"),
            |address| address.is_loopback(),
        )
    }
}

impl fmt::Debug for ImapConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapConfig")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
