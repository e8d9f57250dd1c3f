//! An IMAP server inside the test process.
//!
//! It implements IMAP4rev1 (RFC 3501, RFC 9051) with its own strict parser, keeps its mail in
//! memory, and shares it with the test. It runs on a thread of its own, so tests with and
//! without an asynchronous runtime can use it. Everything ends when the [`ImapServer`] is dropped.
//!
//! ```
//! use offlineimap_testkit::message;
//! use offlineimap_testkit::server::ImapServer;
//!
//! let server = ImapServer::start()?;
//! let uid = server.mail().add("INBOX", message::simple("hello")).expect("INBOX exists");
//! assert_eq!(uid, 1);
//! assert!(server.log().changing().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```

mod certificate;
mod command;
mod date;
mod fault;
mod features;
mod log;
mod mail_store;
mod mailbox;
mod session;
mod uid_set;
mod wire;

pub use certificate::{Certificate, CertificateError};
pub use date::InternalDate;
pub use fault::{Fault, FaultTrigger, Misbehaviour};
pub use features::{Capability, Quirk};
pub use log::{CommandLog, Observed};
pub use mail_store::{MailStore, MailStoreError};
pub use mailbox::{Breakage, NewMessage, StoredMessage};
pub use wire::Cut;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use fault::FaultPlan;

pub(crate) use log::verb_of;

/// A running server; dropping it closes every connection and stops it.
#[derive(Debug)]
pub struct ImapServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// What a server will be like.
#[derive(Clone, Debug)]
pub struct ImapServerBuilder {
    config: Config,
    mail: MailStore,
}

/// What all sessions of a server share.
#[derive(Debug)]
struct Shared {
    config: Config,
    mail: MailStore,
    log: CommandLog,
    faults: FaultPlan,
}

#[derive(Clone, Debug)]
struct Config {
    user: String,
    password: String,
    bearer_token: Option<String>,
    capabilities: BTreeSet<Capability>,
    extra_capabilities: Vec<String>,
    quirks: BTreeSet<Quirk>,
    delimiter: char,
    namespace_prefix: String,
    append_limit_bytes: Option<u64>,
    certificate: Option<Certificate>,
    security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// The connection begins in the clear.
    Plain,
    /// The connection begins with a TLS handshake.
    ImplicitTls,
}

impl ImapServer {
    /// Starts an ordinary server: an empty INBOX, user `tester` with password `secret`.
    ///
    /// # Errors
    ///
    /// The loopback interface has no free port, or no thread can be started.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// A server that differs from the ordinary one.
    pub fn builder() -> ImapServerBuilder {
        ImapServerBuilder::new()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The name of its only user.
    pub fn user(&self) -> &str {
        &self.shared.config.user
    }

    /// The password of its user.
    pub fn password(&self) -> &str {
        &self.shared.config.password
    }

    /// Its certificate, if it was given one.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.shared.config.certificate.as_ref()
    }

    /// Its mail, to be looked at and changed.
    pub fn mail(&self) -> &MailStore {
        &self.shared.mail
    }

    /// The commands it has seen.
    pub fn log(&self) -> &CommandLog {
        &self.shared.log
    }

    /// Scripts a fault from now on. Of several that apply, the one scripted first happens.
    pub fn fail(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Takes back every scripted fault.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }
}

impl Drop for ImapServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A session that panicked has already printed why.
            drop(thread.join());
        }
    }
}

impl Default for ImapServerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ImapServerBuilder {
    /// The ordinary server.
    pub fn new() -> Self {
        let config = Config {
            user: "tester".to_owned(),
            password: "secret".to_owned(),
            bearer_token: None,
            capabilities: Capability::defaults(),
            extra_capabilities: Vec::new(),
            quirks: BTreeSet::new(),
            delimiter: '/',
            namespace_prefix: String::new(),
            append_limit_bytes: None,
            certificate: None,
            security: Security::Plain,
        };
        Self { config, mail: MailStore::new() }
    }

    /// A server as poor as Courier: no extension that a client could use but IDLE.
    pub fn minimal() -> Self {
        Self::new().only(&[Capability::Idle, Capability::AuthPlain]).quirk(Quirk::NoUidNext)
    }

    /// Serves this mail, perhaps that of another server.
    #[must_use]
    pub fn mail(mut self, mail: MailStore) -> Self {
        self.mail = mail;
        self
    }

    /// Another name and password.
    #[must_use]
    pub fn credentials(mut self, user: &str, password: &str) -> Self {
        user.clone_into(&mut self.config.user);
        password.clone_into(&mut self.config.password);
        self
    }

    /// The token that XOAUTH2 and OAUTHBEARER accept, and both mechanisms.
    #[must_use]
    pub fn bearer_token(mut self, token: &str) -> Self {
        self.config.bearer_token = Some(token.to_owned());
        self.with(Capability::AuthXoauth2).with(Capability::AuthOauthBearer)
    }

    /// With a capability more.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.config.capabilities.insert(capability);
        self
    }

    /// Without a capability.
    #[must_use]
    pub fn without(mut self, capability: Capability) -> Self {
        self.config.capabilities.remove(&capability);
        self
    }

    /// With exactly these capabilities.
    #[must_use]
    pub fn only(mut self, capabilities: &[Capability]) -> Self {
        self.config.capabilities = capabilities.iter().copied().collect();
        self
    }

    /// Announces a word in CAPABILITY that means nothing to the server.
    #[must_use]
    pub fn announce(mut self, capability: &str) -> Self {
        self.config.extra_capabilities.push(capability.to_owned());
        self
    }

    /// With a deviation from the ideal server.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.config.quirks.insert(quirk);
        self
    }

    /// Another hierarchy delimiter than `/`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: char) -> Self {
        self.config.delimiter = delimiter;
        self
    }

    /// The prefix of personal mailboxes in NAMESPACE, as in `INBOX.`.
    #[must_use]
    pub fn namespace_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.config.namespace_prefix);
        self
    }

    /// Announces APPENDLIMIT (RFC 7889) and refuses larger messages.
    #[must_use]
    pub fn append_limit_bytes(mut self, limit_bytes: u64) -> Self {
        self.config.append_limit_bytes = Some(limit_bytes);
        self
    }

    /// Offers STARTTLS with this certificate.
    #[must_use]
    pub fn start_tls(mut self, certificate: Certificate) -> Self {
        self.config.certificate = Some(certificate);
        self.config.security = Security::Plain;
        self
    }

    /// Begins every connection with a TLS handshake with this certificate.
    #[must_use]
    pub fn implicit_tls(mut self, certificate: Certificate) -> Self {
        self.config.certificate = Some(certificate);
        self.config.security = Security::ImplicitTls;
        self
    }

    /// Starts the server on a free loopback port.
    ///
    /// # Errors
    ///
    /// The loopback interface has no free port, or no thread can be started.
    pub fn start(self) -> io::Result<ImapServer> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config: self.config,
            mail: self.mail,
            log: CommandLog::default(),
            faults: FaultPlan::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&shared), stop.clone());
        let thread = std::thread::Builder::new()
            .name("embedded IMAP server".to_owned())
            .spawn(move || runtime.block_on(serving))?;
        Ok(ImapServer { address, shared, stop, thread: Some(thread) })
    }
}

impl Config {
    fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// Accepts connections until told to stop; dropping the sessions ends them.
async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut sessions = JoinSet::new();
    let mut connection = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connection += 1;
                sessions.spawn(session::run(stream, Arc::clone(&shared), connection));
            }
        }
    }
}
