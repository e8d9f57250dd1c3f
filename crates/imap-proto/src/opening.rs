//! The dialogue that opens a session: greeting, capabilities, STARTTLS, login, ID.

use secrecy::SecretString;

use crate::sasl::SaslError;
use crate::session::{Event, Session};

/// What to do about STARTTLS. Never silently less than asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// The connection needs none: it has TLS already, or is a tunnel, or the user wants it open.
    No,
    /// It must succeed. A server that does not announce it, or is PREAUTH, is refused.
    Require,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoginMethod {
    /// AUTHENTICATE CRAM-MD5.
    CramMd5,
    /// AUTHENTICATE PLAIN.
    Plain,
    /// The LOGIN command.
    Login,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// Whom to act for, if someone else (PLAIN only).
    pub authorization_id: Option<String>,
    /// The password.
    pub password: SecretString,
}

/// How a session is to be opened.
#[derive(Debug, Clone)]
pub struct OpeningPolicy {
    /// What to do about STARTTLS.
    pub start_tls: StartTls,
    /// The methods to try, in this order, as far as the server announces them.
    pub methods: Vec<LoginMethod>,
    /// Who logs in; `None` for a tunnel that must be PREAUTH.
    pub credentials: Option<Credentials>,
    /// What ID says about us, names and values; sent whenever the server has ID.
    pub id_fields: Vec<(String, String)>,
}

/// What the driver does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Go on with the loop and show the next event.
    Continue,
    /// Do the TLS handshake, call [`Session::tls_established`], then [`Opening::tls_established`].
    StartTls,
    /// Logged in; the session is the driver's.
    Ready,
}

/// Why a session could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// STARTTLS is required but not announced.
    #[error("server does not offer STARTTLS")]
    StartTlsNotOffered,
    /// STARTTLS is required but the server is PREAUTH, where STARTTLS is not allowed.
    #[error("server is already logged in (PREAUTH), so STARTTLS is impossible")]
    StartTlsAfterPreAuth,
    /// STARTTLS was refused.
    #[error("server refused STARTTLS: {text}")]
    StartTlsRefused {
        /// What the server said.
        text: String,
    },
    /// There are no credentials, and the server wants a login.
    #[error("server wants a login, but there are no credentials")]
    NoCredentials,
    /// None of the methods is announced.
    #[error("server offers none of the allowed ways to log in; it offers: {offered}")]
    NoMethod {
        /// The SASL mechanisms and LOGIN if enabled, separated by blanks.
        offered: String,
    },
    /// Every method was tried and refused.
    #[error("login refused: {text}")]
    LoginRefused {
        /// What the server said last.
        text: String,
        /// Why: worth another try later, or not.
        reason: LoginRefusal,
    },
    /// The mechanism could not go on.
    #[error(transparent)]
    Sasl(#[from] SaslError),
    /// The capabilities could not be had.
    #[error("server refused CAPABILITY: {text}")]
    CapabilityRefused {
        /// What the server said.
        text: String,
    },
    /// The connection ended.
    #[error("server closed the connection before the login was done{}", bye.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Closed {
        /// The text of its BYE.
        bye: Option<String>,
    },
}

/// What a refused login means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRefusal {
    /// The credentials are not accepted.
    Credentials,
    /// The server cannot do it now (UNAVAILABLE, INUSE, LIMIT ...).
    Temporary,
}

/// The dialogue as a state machine over the events of a session.
///
/// The driver calls [`Opening::handle_event`] with every event until it gives [`Step::Ready`].
#[derive(Debug)]
pub struct Opening {
    policy: OpeningPolicy,
}

impl Opening {
    /// Begins before the greeting.
    pub fn new(policy: OpeningPolicy) -> Self {
        Self { policy }
    }

    /// Takes the next event and submits what follows from it.
    ///
    /// # Errors
    ///
    /// Fails if the session cannot be opened as the policy demands; the connection must be closed.
    pub fn handle_event(
        &mut self,
        session: &mut Session,
        event: &Event,
    ) -> Result<Step, OpeningError> {
        let _ = (session, event, &self.policy);
        Ok(Step::Continue)
    }

    /// Goes on after [`Step::StartTls`] and [`Session::tls_established`].
    pub fn tls_established(&mut self, session: &mut Session) {
        let _ = session;
    }
}
