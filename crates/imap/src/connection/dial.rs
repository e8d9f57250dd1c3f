//! From nothing to a connection that is signed in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::BytesMut;
use offlineimap_core::StoreError;
use offlineimap_imap_proto::opening::{
    Compression, Credentials, LoginMethod, LoginRefusal, Opening, OpeningError, OpeningPolicy,
    StartTls, Step,
};
use offlineimap_imap_proto::response::Code;
use offlineimap_imap_proto::session::{
    Deadlines, Event, Outcome, Output, Session, SessionError, Settings,
};
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{ImapConfig, Security, StartTlsWish};
use crate::connection::driver::Driver;
use crate::connection::{Connection, Shared};
use crate::transport::{ConnectError, Deflate, Endpoint, TlsConfigError, Transport};

/// Why there is no connection that is signed in.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// TLS cannot be used as configured.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// The server cannot be reached, or is not trusted.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The password could not be had.
    #[error("no password for {user} at {server}: {source}")]
    Secret {
        /// Who wanted to sign in.
        user: String,
        /// Host and port.
        server: String,
        /// Why.
        source: StoreError,
    },
    /// The sign-in failed.
    #[error("cannot sign in to {server} as {user} by {methods}: {source}")]
    SignIn {
        /// Host and port.
        server: String,
        /// Who wanted to sign in.
        user: String,
        /// The ways that were allowed.
        methods: String,
        /// What went wrong, with the server's words.
        source: OpeningError,
    },
    /// The dialogue before the sign-in failed.
    #[error("no session with {server}: {source}")]
    Session {
        /// Host and port.
        server: String,
        /// What went wrong.
        source: SessionError,
    },
    /// The connection broke before the sign-in was done.
    #[error("connection to {server} broke before the sign-in was done")]
    Broken {
        /// Host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a failed attempt means for further ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// The credentials were refused: another attempt may lock the account.
    Never,
    /// The server has enough connections.
    FewerConnections,
    /// It may work another time.
    Later,
    /// It will fail again in the same way.
    Hopeless,
}

impl DialError {
    pub(crate) fn prospect(&self) -> Prospect {
        match self {
            Self::SignIn { source: OpeningError::LoginRefused { text, reason }, .. } => {
                match reason {
                    _ if speaks_of_too_many(text) => Prospect::FewerConnections,
                    LoginRefusal::Temporary => Prospect::FewerConnections,
                    LoginRefusal::Credentials => Prospect::Never,
                }
            }
            Self::SignIn { source: OpeningError::Closed { bye }, .. } => match bye {
                Some(text) if speaks_of_too_many(text) => Prospect::FewerConnections,
                _ => Prospect::Later,
            },
            Self::SignIn { .. } | Self::Tls(_) | Self::Secret { .. } => Prospect::Hopeless,
            Self::Connect(ConnectError::Handshake { .. } | ConnectError::HostName { .. }) => {
                Prospect::Hopeless
            }
            Self::Connect(_) | Self::Session { .. } | Self::Broken { .. } => Prospect::Later,
        }
    }
}

/// Recognises the many ways in which servers say that one user has too many connections.
fn speaks_of_too_many(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("too many") || text.contains("maximum number of connections")
}

/// Opens connections, all in the same way.
#[derive(Debug)]
pub(crate) struct Dialer {
    config: Arc<ImapConfig>,
    tls: OnceCell<Arc<ClientConfig>>,
    /// The password in use, once it is known.
    secret: tokio::sync::Mutex<Option<SecretString>>,
    /// Whether a server has accepted it.
    accepted: AtomicBool,
    tasks: TaskTracker,
    close_all: CancellationToken,
}

impl Dialer {
    pub(crate) fn new(config: Arc<ImapConfig>) -> Self {
        Self {
            config,
            tls: OnceCell::new(),
            secret: tokio::sync::Mutex::default(),
            accepted: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            close_all: CancellationToken::new(),
        }
    }

    /// Connects, verifies the server, and signs in. Asks for another password while the first one
    /// was not right and there is another.
    pub(crate) async fn dial(&self) -> Result<Connection, DialError> {
        let mut secret = self.secret().await?;
        loop {
            // Only now: how long a person takes to type a password says nothing about the server.
            let began = Instant::now();
            match self.dial_with(secret).await {
                Ok(connection) => {
                    (self.config.connected)(began.elapsed());
                    if !self.accepted.swap(true, Ordering::AcqRel) {
                        self.config.secret.accepted().await;
                    }
                    return Ok(connection);
                }
                Err(error) => match self.other_secret(&error).await? {
                    Some(other) => secret = other,
                    None => return Err(error),
                },
            }
        }
    }

    /// Another password in place of one that was refused.
    async fn other_secret(&self, error: &DialError) -> Result<Option<SecretString>, DialError> {
        let DialError::SignIn { source: OpeningError::LoginRefused { text, .. }, .. } = error
        else {
            return Ok(None);
        };
        if error.prospect() != Prospect::Never || self.accepted.load(Ordering::Acquire) {
            return Ok(None);
        }
        let mut known = self.secret.lock().await;
        let other = self.config.secret.other_secret(text).await;
        let other = other.map_err(|source| self.no_secret(source))?;
        if other.is_some() {
            known.clone_from(&other);
        }
        Ok(other)
    }

    async fn dial_with(&self, secret: SecretString) -> Result<Connection, DialError> {
        let start_tls = match self.config.security {
            Security::StartTls(_) => StartTls::Require,
            Security::Implicit | Security::PlainAllowed => StartTls::No,
        };
        match self.attempt(start_tls, secret.clone()).await {
            Err(DialError::SignIn { source: OpeningError::StartTlsNotOffered, .. })
                if self.config.security == Security::StartTls(StartTlsWish::Default)
                    && self.config.is_loopback() =>
            {
                tracing::warn!(
                    "{} does not offer STARTTLS; as it is on this machine, the connection goes on \
                     in the clear (set starttls = no to accept this silently)",
                    self.server()
                );
                self.attempt(StartTls::No, secret).await
            }
            other => other,
        }
    }

    /// Ends all connections that are left and waits for their tasks.
    pub(crate) async fn close(&self) {
        self.close_all.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn server(&self) -> String {
        format!("{}:{}", self.config.host, self.config.port)
    }

    async fn secret(&self) -> Result<SecretString, DialError> {
        let mut known = self.secret.lock().await;
        if let Some(secret) = &*known {
            return Ok(secret.clone());
        }
        let secret = self.config.secret.secret().await;
        let secret = secret.map_err(|source| self.no_secret(source))?;
        Ok(known.insert(secret).clone())
    }

    fn no_secret(&self, source: StoreError) -> DialError {
        DialError::Secret { user: self.config.user.clone(), server: self.server(), source }
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, DialError> {
        let config = self.tls.get_or_try_init(|| async { self.config.tls.client_config() }).await?;
        Ok(Arc::clone(config))
    }

    async fn attempt(
        &self,
        start_tls: StartTls,
        password: SecretString,
    ) -> Result<Connection, DialError> {
        let config = &self.config;
        let endpoint = Endpoint {
            host: config.host.clone(),
            port: config.port,
            family: config.address_family,
            timeout: config.timeout,
        };
        // Without something to trust there is not even a connection.
        let tls = match (config.security, start_tls) {
            (Security::Implicit, _) | (_, StartTls::Require) => Some(self.tls().await?),
            (Security::StartTls(_) | Security::PlainAllowed, StartTls::No) => None,
        };
        let stream = endpoint.connect().await?;
        let transport = match (config.security, &tls) {
            (Security::Implicit, Some(tls)) => endpoint.handshake(stream, Arc::clone(tls)).await?,
            _ => Transport::Tcp(stream),
        };
        let policy = OpeningPolicy {
            start_tls,
            methods: config.login_methods.clone(),
            credentials: Some(Credentials {
                user: config.user.clone(),
                authorization_id: config.identity.clone(),
                password,
            }),
            compress: config.compress,
            id_fields: vec![
                ("name".to_owned(), config.client.name.clone()),
                ("version".to_owned(), config.client.version.clone()),
            ],
        };
        let settings = Settings {
            deadlines: Deadlines {
                greeting: config.timeout,
                command: config.timeout,
                stalled_literal: config.timeout,
            },
            ..Settings::default()
        };
        let attempt = Attempt {
            dialer: self,
            endpoint,
            tls,
            session: Session::new(settings, Instant::now()),
            transport,
        };
        let (session, transport) = attempt.sign_in(Opening::new(policy)).await?;
        Ok(self.serve(session, transport))
    }

    fn serve(&self, session: Session, transport: Transport) -> Connection {
        let capabilities = session.capabilities().cloned().unwrap_or_default();
        let shared = Arc::new(Shared {
            server: self.server(),
            close: self.close_all.child_token(),
            retired: AtomicBool::new(false),
            ended: Mutex::new(None),
        });
        let (requests, receiver) = mpsc::unbounded_channel();
        let driver = Driver::new(session, transport, receiver, Arc::clone(&shared));
        self.tasks.spawn(driver.run());
        Connection { requests, shared, capabilities, selected: None }
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.close_all.cancel();
    }
}

/// One connection on its way to being signed in.
struct Attempt<'a> {
    dialer: &'a Dialer,
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    session: Session,
    transport: Transport,
}

impl Attempt<'_> {
    async fn sign_in(mut self, mut opening: Opening) -> Result<(Session, Transport), DialError> {
        let mut input = BytesMut::new();
        loop {
            self.send().await?;
            let mut heard = Heard::Nothing;
            while let Some(event) = self.session.poll_event() {
                heard = Heard::Something;
                let step = opening
                    .handle_event(&mut self.session, &event)
                    .map_err(|source| self.refused(source))?;
                match step {
                    Step::Continue => self.stop_if_refused(&event)?,
                    Step::Ready => {
                        self.tell_compression(opening.compression());
                        return Ok((self.session, self.transport));
                    }
                    Step::Compress => {
                        self = self.deflate();
                        opening.compression_established(&mut self.session);
                        self.tell_compression(opening.compression());
                        return Ok((self.session, self.transport));
                    }
                    Step::StartTls => {
                        self = self.upgrade().await?;
                        opening.tls_established(&mut self.session);
                    }
                }
            }
            if heard == Heard::Something {
                continue;
            }
            input.reserve(4096);
            let deadline = self.session.poll_timeout();
            let read = self.transport.read_buf(&mut input);
            let read = match deadline {
                Some(deadline) => timeout_at(deadline.into(), read).await,
                None => timeout(self.endpoint.timeout, read).await,
            };
            let now = Instant::now();
            match read {
                Ok(Ok(0)) => self.session.handle_eof(),
                Ok(Ok(_)) => {
                    let bytes = input.split().freeze();
                    let taken = self.session.handle_input(&bytes, now);
                    taken.map_err(|source| self.failed(source))?;
                }
                Ok(Err(source)) => return Err(self.broken(source)),
                Err(_) => {
                    let checked = self.session.handle_timeout(now);
                    checked.map_err(|source| self.failed(source))?;
                }
            }
        }
    }

    async fn send(&mut self) -> Result<(), DialError> {
        while let Some(output) = self.session.poll_output(Instant::now()) {
            let Output::Bytes(bytes) = output else { continue };
            let write = async {
                self.transport.write_all(&bytes).await?;
                self.transport.flush().await
            };
            match timeout(self.endpoint.timeout, write).await {
                Ok(Ok(())) => {}
                Ok(Err(source)) => return Err(self.broken(source)),
                Err(_) => return Err(self.broken(std::io::ErrorKind::TimedOut.into())),
            }
        }
        Ok(())
    }

    /// Puts TLS under the session. That nothing was said in the open behind the answer to STARTTLS
    /// is the session's to check: all that was read has gone there.
    async fn upgrade(self) -> Result<Self, DialError> {
        let Self { dialer, endpoint, tls, mut session, transport } = self;
        let transport = match (transport, &tls) {
            (Transport::Tcp(stream), Some(tls)) => {
                endpoint.handshake(stream, Arc::clone(tls)).await?
            }
            (other, _) => other,
        };
        session.tls_established(Instant::now());
        Ok(Self { dialer, endpoint, tls, session, transport })
    }

    /// Puts compression under the session, which has read nothing of the compressed stream.
    fn deflate(self) -> Self {
        let Self { dialer, endpoint, tls, mut session, transport } = self;
        let received = session.compression_established(Instant::now());
        let transport = Transport::Deflated(Box::new(Deflate::new(transport, received)));
        Self { dialer, endpoint, tls, session, transport }
    }

    fn tell_compression(&self, compression: &Compression) {
        let server = self.dialer.server();
        match compression {
            Compression::Off => {}
            Compression::On => tracing::debug!("the connection to {server} is compressed"),
            Compression::NotOffered => {
                tracing::debug!("{server} does not offer COMPRESS=DEFLATE: going on without");
            }
            Compression::Refused { text } => {
                tracing::debug!("{server} refuses to compress, going on without: {text}");
            }
        }
    }

    /// Ends the attempt at the first NO to credentials: with the next method the server would be
    /// given the same wrong password again, and three of those may lock the account. The next
    /// method waits in the session, unsent.
    fn stop_if_refused(&self, event: &Event) -> Result<(), DialError> {
        let Event::Completed { outcome: Outcome::No(refusal), .. } = event else { return Ok(()) };
        if matches!(refusal.code, Some(Code::Cannot | Code::PrivacyRequired)) {
            // It is the method that is refused.
            return Ok(());
        }
        let (text, reason) = (refusal.text.clone(), LoginRefusal::Credentials);
        Err(self.refused(OpeningError::LoginRefused { text, reason }))
    }

    fn refused(&self, source: OpeningError) -> DialError {
        let config = &self.dialer.config;
        let methods: Vec<&str> = config.login_methods.iter().copied().map(method_name).collect();
        DialError::SignIn {
            server: self.dialer.server(),
            user: config.user.clone(),
            methods: methods.join(", "),
            source,
        }
    }

    fn failed(&self, source: SessionError) -> DialError {
        DialError::Session { server: self.dialer.server(), source }
    }

    fn broken(&self, source: std::io::Error) -> DialError {
        DialError::Broken { server: self.dialer.server(), source }
    }
}

fn method_name(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::CramMd5 => "CRAM-MD5",
        LoginMethod::Plain => "PLAIN",
        LoginMethod::Login => "LOGIN",
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Something,
    Nothing,
}
