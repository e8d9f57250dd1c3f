//! Where a repository's password comes from (`spec/cli.md` §14).

mod command;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_config::{Computed, PasswordSource};
use offlineimap_core::{StoreError, StoreErrorKind};
use offlineimap_imap::SecretProvider;
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::environment;
use crate::evaluator::Evaluator;
use crate::netrc::NetrcFiles;
use crate::pythonfile::{PythonFileError, text_of};
use crate::ui::{Level, Message, Moment, Question, Thread, Ui};

/// One question at a time.
static ASKING: Mutex<()> = Mutex::const_new(());

/// Gives the password of one repository to its store, which asks for it just before it connects
/// for the first time.
pub(crate) struct Password {
    /// As configured.
    pub(crate) source: PasswordSource,
    /// Where it is good for.
    pub(crate) host: String,
    /// Whose password it is.
    pub(crate) user: String,
    /// The port there.
    pub(crate) port: u16,
    /// The repository.
    pub(crate) repository: String,
    /// In whose name it is said.
    pub(crate) thread: Thread,
    pub(crate) ui: Arc<Ui>,
    pub(crate) evaluator: Arc<Evaluator>,
}

#[async_trait]
impl SecretProvider for Password {
    async fn secret(&self) -> Result<SecretString, StoreError> {
        let secret = match &self.source {
            PasswordSource::Given(secret) => secret.clone(),
            PasswordSource::File(path) => match first_line(path.clone()).await? {
                Some(secret) => secret,
                None => self.elsewhere().await?,
            },
            PasswordSource::Command(command) => self.of_command(command).await?,
            PasswordSource::Credential(name) => credential(name).await?,
            PasswordSource::Variable(name) => variable(name)?,
            PasswordSource::Computed(expression) => self.of_expression(expression.clone()).await?,
            PasswordSource::Ask => self.elsewhere().await?,
        };
        self.announce();
        Ok(secret)
    }
}

impl Password {
    /// Tells that the server is going to be asked for a connection.
    fn announce(&self) {
        let Self { host, port, repository, .. } = self;
        let text = format!("Establishing connection to {host}:{port} ({repository})");
        let moment =
            Moment::Connecting { host: host.clone(), port: *port, repository: repository.clone() };
        self.ui.tell(Message::new(Level::Info, self.thread.clone(), text).about(moment));
    }

    /// Of the command. What it asks on the terminal is not to be written over.
    async fn of_command(&self, command: &str) -> Result<SecretString, StoreError> {
        let _one_at_a_time = ASKING.lock().await;
        let _hold = self.ui.hold();
        let password = command::password_of(command, command::DEADLINE).await;
        password.map_err(|error| StoreError::new(StoreErrorKind::Store, error.to_string()))
    }

    /// Of Python code. What it asks on the terminal is not to be written over either.
    async fn of_expression(&self, expression: Computed) -> Result<SecretString, StoreError> {
        let _one_at_a_time = ASKING.lock().await;
        let _hold = self.ui.hold();
        let evaluator = Arc::clone(&self.evaluator);
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

    /// From a netrc file, or from the user.
    async fn elsewhere(&self) -> Result<SecretString, StoreError> {
        let (host, user) = (self.host.clone(), self.user.clone());
        let files = NetrcFiles::of_user(environment::home().as_deref());
        let found = run(move || files.password(&host, &user)).await?;
        match found.map_err(|error| StoreError::new(StoreErrorKind::Store, error.to_string()))? {
            Some(secret) => Ok(secret),
            None => self.ask().await,
        }
    }

    async fn ask(&self) -> Result<SecretString, StoreError> {
        let Some(prompter) = self.ui.prompter() else {
            let text = "Prompting for a password is not supported in this UI backend.";
            return Err(StoreError::new(StoreErrorKind::Store, text));
        };
        let _one_at_a_time = ASKING.lock().await;
        let hold = self.ui.hold();
        let question =
            Question { thread: self.thread.clone(), user: self.user.clone(), refusal: None };
        let answer = run(move || prompter.ask(&question)).await?;
        drop(hold);
        answer.map_err(|error| {
            let text = format!("no password for user '{}'", self.user);
            StoreError::new(StoreErrorKind::Store, text).caused_by(error)
        })
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
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn first_line_of(content: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let secret = runtime.block_on(first_line(file.path().to_owned())).unwrap();
        secret.map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        assert_eq!(first_line_of(" open sesame \r\nsecond\n").as_deref(), Some("open sesame"));
        assert_eq!(first_line_of("no line break").as_deref(), Some("no line break"));
    }

    #[test]
    fn an_empty_first_line_counts_as_no_password() {
        assert_eq!(first_line_of("\nsecond\n"), None);
        assert_eq!(first_line_of(""), None);
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = runtime.block_on(first_line("/nonexistent/pass".into())).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the password in '/nonexistent/pass'");
    }
}
