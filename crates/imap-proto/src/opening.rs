//! The dialogue that opens a session: greeting, capabilities, STARTTLS, login, COMPRESS, ID.

use secrecy::SecretString;

use crate::command::Command;
use crate::quirks;
use crate::response::{Capabilities, Code};
use crate::sasl::{CramMd5, Plain, SaslError};
use crate::session::{CommandHandle, Event, Greeting, Outcome, Session};

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

/// What to do about COMPRESS (RFC 4978).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compress {
    /// Nothing.
    No,
    /// It is used if the server announces and accepts it.
    IfOffered,
}

/// What came of compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compression {
    /// It was not asked for.
    Off,
    /// The server does not announce it.
    NotOffered,
    /// The server refused it; the session goes on without.
    Refused {
        /// What the server said.
        text: String,
    },
    /// It is on.
    On,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// Whom to act for, if someone else. Methods that cannot say so are passed over then: they
    /// would open another mailbox.
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
    /// What to do about COMPRESS.
    pub compress: Compress,
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
    /// Call [`Session::compression_established`], inflate what it gives and all that comes behind,
    /// deflate all that is sent from now on, then call [`Opening::compression_established`], which
    /// completes the opening.
    Compress,
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
    #[error(
        "server closed the connection before the login was done{}",
        bye.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
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
    stage: Stage,
    pre_authenticated: bool,
    has_tls: bool,
    /// How many of the policy's methods were tried or passed over.
    methods_done: usize,
    last_refusal: Option<OpeningError>,
    compression: Compression,
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    CapabilityBeforeLogin(CommandHandle),
    StartTls(CommandHandle),
    Handshake,
    Login(CommandHandle),
    CapabilityAfterLogin(CommandHandle),
    Compress(CommandHandle),
    Deflate,
    Ready,
}

impl Opening {
    /// Begins before the greeting.
    pub fn new(policy: OpeningPolicy) -> Self {
        Self {
            policy,
            stage: Stage::Greeting,
            pre_authenticated: false,
            has_tls: false,
            methods_done: 0,
            last_refusal: None,
            compression: Compression::Off,
        }
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
        match event {
            Event::Greeting(greeting) => {
                // Courier may say `* OK [ALERT]` first and `* PREAUTH` then: the later one counts.
                self.pre_authenticated |= *greeting == Greeting::PreAuthenticated;
                if self.stage == Stage::Greeting {
                    return self.ask_before_login(session);
                }
                Ok(Step::Continue)
            }
            Event::Completed { handle, outcome } => {
                self.handle_completed(session, *handle, outcome)
            }
            Event::Closed { bye } => {
                // A refusal that was followed by the end says more than the end.
                let text = bye.as_ref().map(|text| text.text.clone());
                Err(self.last_refusal.take().unwrap_or(OpeningError::Closed { bye: text }))
            }
            Event::Untagged { .. }
            | Event::BodyStart { .. }
            | Event::BodyChunk(_)
            | Event::BodyEnd => Ok(Step::Continue),
        }
    }

    /// Goes on after [`Step::StartTls`] and [`Session::tls_established`].
    pub fn tls_established(&mut self, session: &mut Session) {
        if self.stage == Stage::Handshake {
            self.has_tls = true;
            // What was said in the open may come from anyone.
            self.pre_authenticated = false;
            self.stage = Stage::CapabilityBeforeLogin(session.submit(Command::capability()));
        }
    }

    /// Goes on after [`Step::Compress`] and [`Session::compression_established`]. The session is the
    /// driver's then.
    pub fn compression_established(&mut self, session: &mut Session) {
        if self.stage == Stage::Deflate {
            self.compression = Compression::On;
            self.identify(session);
        }
    }

    /// Tells what came of compression.
    pub fn compression(&self) -> &Compression {
        &self.compression
    }

    fn handle_completed(
        &mut self,
        session: &mut Session,
        handle: CommandHandle,
        outcome: &Outcome,
    ) -> Result<Step, OpeningError> {
        let is_ok = matches!(outcome, Outcome::Ok(_));
        if matches!(outcome, Outcome::Lost(_)) {
            // The event that tells the end follows.
            return Ok(Step::Continue);
        }
        match self.stage {
            Stage::CapabilityBeforeLogin(own) if own == handle => {
                if !is_ok || session.capabilities().is_none() {
                    return Err(OpeningError::CapabilityRefused { text: text_of(outcome) });
                }
                self.secure_or_login(session)
            }
            Stage::StartTls(own) if own == handle => {
                if !is_ok {
                    return Err(OpeningError::StartTlsRefused { text: text_of(outcome) });
                }
                self.stage = Stage::Handshake;
                Ok(Step::StartTls)
            }
            Stage::Login(own) if own == handle => {
                if is_ok {
                    return Ok(self.ask_after_login(session));
                }
                self.note_refusal(outcome)?;
                self.login(session)
            }
            Stage::CapabilityAfterLogin(own) if own == handle => {
                if !is_ok || session.capabilities().is_none() {
                    return Err(OpeningError::CapabilityRefused { text: text_of(outcome) });
                }
                Ok(self.compress(session))
            }
            Stage::Compress(own) if own == handle => {
                if is_ok {
                    self.stage = Stage::Deflate;
                    return Ok(Step::Compress);
                }
                self.compression = Compression::Refused { text: text_of(outcome) };
                Ok(self.identify(session))
            }
            Stage::Ready
            | Stage::Greeting
            | Stage::Handshake
            | Stage::Deflate
            | Stage::Compress(_)
            | Stage::CapabilityBeforeLogin(_)
            | Stage::StartTls(_)
            | Stage::Login(_)
            | Stage::CapabilityAfterLogin(_) => Ok(Step::Continue),
        }
    }

    fn ask_before_login(&mut self, session: &mut Session) -> Result<Step, OpeningError> {
        if session.capabilities().is_some() {
            return self.secure_or_login(session);
        }
        self.stage = Stage::CapabilityBeforeLogin(session.submit(Command::capability()));
        Ok(Step::Continue)
    }

    fn secure_or_login(&mut self, session: &mut Session) -> Result<Step, OpeningError> {
        if self.policy.start_tls == StartTls::Require && !self.has_tls {
            if self.pre_authenticated {
                return Err(OpeningError::StartTlsAfterPreAuth);
            }
            if !session.capabilities().is_some_and(|own| own.has("STARTTLS")) {
                return Err(OpeningError::StartTlsNotOffered);
            }
            self.stage = Stage::StartTls(session.submit(Command::start_tls()));
            return Ok(Step::Continue);
        }
        if self.pre_authenticated {
            return Ok(self.compress(session));
        }
        self.login(session)
    }

    /// Tries the next method that the server announces.
    fn login(&mut self, session: &mut Session) -> Result<Step, OpeningError> {
        let Some(credentials) = &self.policy.credentials else {
            return Err(OpeningError::NoCredentials);
        };
        let none = Capabilities::default();
        let capabilities = session.capabilities().unwrap_or(&none);
        while let Some(method) = self.policy.methods.get(self.methods_done) {
            self.methods_done += 1;
            if method.is_offered(capabilities) && method.can_carry(credentials) {
                let command = method.command(credentials)?;
                self.stage = Stage::Login(session.submit(command));
                return Ok(Step::Continue);
            }
        }
        Err(self.last_refusal.take().unwrap_or_else(|| {
            let mut offered: Vec<&str> = capabilities.auth_mechanisms().collect();
            if LoginMethod::Login.is_offered(capabilities) {
                offered.push("LOGIN");
            }
            OpeningError::NoMethod { offered: offered.join(" ") }
        }))
    }

    /// Keeps the refusal for the case that no other method works; fails at once if another method
    /// would fare no better.
    fn note_refusal(&mut self, outcome: &Outcome) -> Result<(), OpeningError> {
        if let Outcome::Cancelled(error) = outcome {
            self.last_refusal = Some(error.clone().into());
            return Ok(());
        }
        let temporary = matches!(
            code_of(outcome),
            Some(Code::Unavailable | Code::InUse | Code::Limit | Code::ServerBug)
        );
        let reason = if temporary { LoginRefusal::Temporary } else { LoginRefusal::Credentials };
        let refusal = OpeningError::LoginRefused { text: text_of(outcome), reason };
        if temporary {
            return Err(refusal);
        }
        self.last_refusal = Some(refusal);
        Ok(())
    }

    fn ask_after_login(&mut self, session: &mut Session) -> Step {
        self.last_refusal = None;
        let known = session.capabilities();
        if known.is_some_and(|known| !quirks::must_ask_capability_again(known)) {
            return self.compress(session);
        }
        self.stage = Stage::CapabilityAfterLogin(session.submit(Command::capability()));
        Step::Continue
    }

    /// Asks for compression if that is wanted and offered: behind the login, as the password need
    /// not be in what is compressed, and before anything of size.
    fn compress(&mut self, session: &mut Session) -> Step {
        if self.policy.compress == Compress::No {
            return self.identify(session);
        }
        if !session.capabilities().is_some_and(|own| own.has("COMPRESS=DEFLATE")) {
            self.compression = Compression::NotOffered;
            return self.identify(session);
        }
        self.stage = Stage::Compress(session.submit(Command::compress()));
        Step::Continue
    }

    /// Sends ID, without which 163.com refuses to open any mailbox.
    /// Says who we are. Whatever the server thinks of our name, the session is open: the answer is
    /// not waited for, and servers that want to know it first (163.com) hear it first.
    fn identify(&mut self, session: &mut Session) -> Step {
        if session.capabilities().is_some_and(|own| own.has("ID")) {
            let fields: Vec<(&str, &str)> =
                self.policy.id_fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            session.submit(Command::id(&fields));
        }
        self.stage = Stage::Ready;
        Step::Ready
    }
}

impl LoginMethod {
    fn is_offered(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::CramMd5 => capabilities.has_auth("CRAM-MD5"),
            Self::Plain => capabilities.has_auth("PLAIN"),
            Self::Login => !capabilities.has("LOGINDISABLED"),
        }
    }

    /// Tells whether it can say for whom somebody acts.
    fn can_carry(self, credentials: &Credentials) -> bool {
        match self {
            Self::Plain => true,
            Self::CramMd5 | Self::Login => credentials.authorization_id.is_none(),
        }
    }

    fn command(self, credentials: &Credentials) -> Result<Command, SaslError> {
        let Credentials { user, authorization_id, password } = credentials;
        Ok(match self {
            Self::CramMd5 => Command::authenticate(Box::new(CramMd5::new(user, password.clone()))),
            Self::Plain => {
                let acting_for = authorization_id.as_deref().unwrap_or_default();
                Command::authenticate(Box::new(Plain::new(acting_for, user, password.clone())?))
            }
            Self::Login => Command::login(user, password),
        })
    }
}

fn code_of(outcome: &Outcome) -> Option<&Code> {
    match outcome {
        Outcome::Ok(text) | Outcome::No(text) | Outcome::Bad(text) => text.code.as_ref(),
        Outcome::Cancelled(_) | Outcome::Lost(_) => None,
    }
}

fn text_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(text) | Outcome::No(text) | Outcome::Bad(text) => text.text.clone(),
        Outcome::Cancelled(error) => error.to_string(),
        Outcome::Lost(_) => String::new(),
    }
}
