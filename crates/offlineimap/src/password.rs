//! Where a repository's password comes from (`spec/cli.md` §14).

mod command;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use offlineimap_config::{Computed, KeyringUse, PasswordSource};
use offlineimap_core::{StoreError, StoreErrorKind};
use offlineimap_imap::SecretProvider;
use secrecy::SecretString;
use tokio::task::spawn_blocking;

use crate::environment;
use crate::evaluator::Evaluator;
use crate::keyring::{Keyring, KeyringError, Login};
use crate::netrc::NetrcFiles;
use crate::pythonfile::{PythonFileError, text_of};
use crate::ui::{Level, Message, Moment, Question, Thread, Ui};

/// One question at a time.
static ASKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How often somebody is asked for the same password, if the server refuses what is typed.
const QUESTIONS: u32 = 3;

/// Where the password of one repository may be found, and what is said about it.
pub(crate) struct Sources {
    /// As configured.
    pub(crate) configured: PasswordSource,
    /// Where it is good for, and whose it is.
    pub(crate) login: Login,
    /// The port there.
    pub(crate) port: u16,
    /// The repository.
    pub(crate) repository: String,
    pub(crate) netrc: NetrcFiles,
    pub(crate) keyring: Arc<dyn Keyring>,
    pub(crate) keyring_use: KeyringUse,
    /// In whose name it is said.
    pub(crate) thread: Thread,
    pub(crate) ui: Arc<Ui>,
    pub(crate) evaluator: Arc<Evaluator>,
}

/// Gives the password of one repository to its store, which asks for it just before it connects
/// for the first time.
///
/// What a person typed can be mistyped, and what a keyring has can be old: the person is asked then.
/// A password of any other source that the server refuses is not tried again.
pub(crate) struct Password {
    sources: Sources,
    given: Mutex<Given>,
}

/// What the store was given last.
struct Given {
    origin: Origin,
    questions: u32,
    /// Kept for the keyring only, until the server has accepted it.
    secret: Option<SecretString>,
}

/// Where a password came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// An option or a file.
    Configured,
    Keyring,
    Person,
}

#[async_trait]
impl SecretProvider for Password {
    async fn secret(&self) -> Result<SecretString, StoreError> {
        let configured = match &self.sources.configured {
            PasswordSource::Given(secret) => Some(secret.clone()),
            PasswordSource::File(path) => first_line(path.clone()).await?,
            PasswordSource::Command(command) => Some(self.of_command(command).await?),
            PasswordSource::Credential(name) => Some(credential(name).await?),
            PasswordSource::Variable(name) => Some(variable(name)?),
            PasswordSource::Computed(expression) => {
                Some(self.of_expression(expression.clone()).await?)
            }
            PasswordSource::Ask => None,
        };
        let secret = match configured {
            Some(secret) => self.give(Origin::Configured, secret),
            None => self.elsewhere().await?,
        };
        self.announce();
        Ok(secret)
    }

    async fn other_secret(&self, refusal: &str) -> Result<Option<SecretString>, StoreError> {
        let (origin, questions) = {
            let given = self.given();
            (given.origin, given.questions)
        };
        let refusal = match origin {
            Origin::Configured => return Ok(None),
            Origin::Person if questions >= QUESTIONS => return Ok(None),
            Origin::Person => refusal.to_owned(),
            Origin::Keyring => format!("{refusal} (the password is that of the system keyring)"),
        };
        if self.sources.ui.prompter().is_none() {
            self.warn(format!("{}: {refusal}", self.sources.login.user));
            return Ok(None);
        }
        self.ask(Some(refusal)).await.map(Some)
    }

    async fn accepted(&self) {
        let secret = {
            let mut given = self.given();
            given.secret.take().filter(|_| given.origin != Origin::Keyring)
        };
        let Some(secret) = secret else { return };
        let Sources { keyring, login, .. } = &self.sources;
        match keyring.store(login, &secret).await {
            Ok(()) => tracing::debug!("stored the password of {login} in the system keyring"),
            Err(error) => {
                self.warn(format!("The password of {login} was not stored: {error}"));
            }
        }
    }
}

impl Password {
    /// Nothing is read or asked yet.
    pub(crate) fn new(sources: Sources) -> Self {
        let given = Given { origin: Origin::Configured, questions: 0, secret: None };
        Self { sources, given: Mutex::new(given) }
    }

    /// Tells that the server is going to be asked for a connection.
    fn announce(&self) {
        let Sources { login: Login { host, .. }, port, repository, thread, ui, .. } = &self.sources;
        let text = format!("Establishing connection to {host}:{port} ({repository})");
        let moment =
            Moment::Connecting { host: host.clone(), port: *port, repository: repository.clone() };
        ui.tell(Message::new(Level::Info, thread.clone(), text).about(moment));
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what the store gets.
    fn give(&self, origin: Origin, secret: SecretString) -> SecretString {
        let mut given = self.given();
        given.origin = origin;
        given.secret = self.sources.keyring_use.is_updated.then(|| secret.clone());
        secret
    }

    fn warn(&self, text: String) {
        let Sources { ui, thread, .. } = &self.sources;
        ui.tell(Message::new(Level::Warning, thread.clone(), text));
    }

    /// Of the command. What it asks on the terminal is not to be written over.
    async fn of_command(&self, command: &str) -> Result<SecretString, StoreError> {
        let _one_at_a_time = ASKING.lock().await;
        let _hold = self.sources.ui.hold();
        let password = command::password_of(command, command::DEADLINE).await;
        password.map_err(|error| StoreError::new(StoreErrorKind::Store, error.to_string()))
    }

    /// Of Python code. What it asks on the terminal is not to be written over either.
    async fn of_expression(&self, expression: Computed) -> Result<SecretString, StoreError> {
        let _one_at_a_time = ASKING.lock().await;
        let _hold = self.sources.ui.hold();
        let evaluator = Arc::clone(&self.sources.evaluator);
        let evaluated = run(move || {
            let value = evaluator.value(&expression)?;
            let text = text_of(&value)?;
            if text.is_empty() { Err(PythonFileError::Empty) } else { Ok(SecretString::from(text)) }
        });
        evaluated.await?.map_err(|error| {
            let text = format!("no password from 'remotepasseval': {error}");
            StoreError::new(StoreErrorKind::Store, text)
        })
    }

    /// From a netrc file, from the keyring, or from the user.
    async fn elsewhere(&self) -> Result<SecretString, StoreError> {
        let Login { host, user } = self.sources.login.clone();
        let files = self.sources.netrc.clone();
        let found = run(move || files.password(&host, &user)).await?;
        let found =
            found.map_err(|error| StoreError::new(StoreErrorKind::Store, error.to_string()))?;
        if let Some(secret) = found {
            return Ok(self.give(Origin::Configured, secret));
        }
        match self.of_keyring().await {
            Some(secret) => Ok(self.give(Origin::Keyring, secret)),
            None => self.ask(None).await,
        }
    }

    /// Of the keyring, if it has one. A keyring that fails is told about, and is no reason not to
    /// ask.
    async fn of_keyring(&self) -> Option<SecretString> {
        let Sources { keyring, keyring_use, login, .. } = &self.sources;
        if !keyring_use.is_asked {
            return None;
        }
        let _one_at_a_time = ASKING.lock().await;
        match keyring.password(login).await {
            Ok(found) => found,
            Err(error @ KeyringError::Absent(_)) => {
                tracing::debug!("{error}");
                None
            }
            Err(error) => {
                self.warn(format!("No password of {login}: {error}"));
                None
            }
        }
    }

    /// From the user, who is told why the last answer was not good.
    async fn ask(&self, refusal: Option<String>) -> Result<SecretString, StoreError> {
        let Sources { ui, login, thread, .. } = &self.sources;
        let Some(prompter) = ui.prompter() else {
            let text = "Prompting for a password is not supported in this UI backend.";
            return Err(StoreError::new(StoreErrorKind::Store, text));
        };
        let _one_at_a_time = ASKING.lock().await;
        let hold = ui.hold();
        let question = Question { thread: thread.clone(), user: login.user.clone(), refusal };
        let answer = run(move || prompter.ask(&question)).await?;
        drop(hold);
        let secret = answer.map_err(|error| {
            let text = format!("no password for user '{}'", login.user);
            StoreError::new(StoreErrorKind::Store, text).caused_by(error)
        })?;
        self.given().questions += 1;
        Ok(self.give(Origin::Person, secret))
    }
}

/// From the directory that systemd makes for a service.
async fn credential(name: &str) -> Result<SecretString, StoreError> {
    let Some(directory) = environment::variable("CREDENTIALS_DIRECTORY") else {
        let text = format!("no credential '{name}': systemd passes none to this process");
        return Err(StoreError::new(StoreErrorKind::Store, text));
    };
    first_line(PathBuf::from(directory).join(name)).await?.ok_or_else(|| {
        StoreError::new(StoreErrorKind::Store, format!("the credential '{name}' is empty"))
    })
}

fn variable(name: &str) -> Result<SecretString, StoreError> {
    let value = environment::variable(name).unwrap_or_default();
    let text = match value.into_string() {
        Ok(value) if !value.is_empty() => return Ok(SecretString::from(value)),
        Ok(_) => format!("no password: the environment variable '{name}' is not set"),
        Err(_) => format!("the password in the environment variable '{name}' is not UTF-8"),
    };
    Err(StoreError::new(StoreErrorKind::Store, text))
}

/// The first line of a file without the blanks around it; `None` if that is nothing.
async fn first_line(path: PathBuf) -> Result<Option<SecretString>, StoreError> {
    let shown = path.display().to_string();
    let line = run(move || read_first_line(&path)).await?.map_err(|error| {
        let text = format!("cannot read the password in '{shown}'");
        StoreError::new(StoreErrorKind::Store, text).caused_by(error)
    })?;
    let secret = line.trim();
    Ok((!secret.is_empty()).then(|| SecretString::from(secret)))
}

fn read_first_line(path: &Path) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(File::open(path)?).read_line(&mut line)?;
    Ok(line)
}

/// Runs what may wait for a person or for another program.
async fn run<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    spawn_blocking(job).await.map_err(|_| {
        StoreError::new(StoreErrorKind::Cancelled, "the program ended before there was a password")
    })
}

#[cfg(test)]
mod tests;
