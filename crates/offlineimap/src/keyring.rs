//! The keyring of the system: passwords that the user's session keeps (`spec/cli.md` §14).

#[cfg(feature = "keyring")]
mod secret_service;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

/// What a password in a keyring is for: the entry that Python's `keyring` makes for a host as the
/// service and a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) host: String,
    pub(crate) user: String,
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' at '{}'", self.user, self.host)
    }
}

/// Something that keeps passwords. Every call ends in a minute or so, whatever happens.
#[async_trait]
pub(crate) trait Keyring: Send + Sync {
    /// Returns the password of a login, if there is one.
    async fn password(&self, login: &Login) -> Result<Option<SecretString>, KeyringError>;

    /// Stores the password of a login, in place of one that is there.
    async fn store(&self, login: &Login, password: &SecretString) -> Result<(), KeyringError>;
}

/// Why a keyring was of no use.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    not(feature = "keyring"),
    expect(dead_code, reason = "a keyring that is not there fails in one way only")
)]
pub(crate) enum KeyringError {
    /// There is none, which is no fault.
    #[error("there is no system keyring: {0}")]
    Absent(String),
    /// It is locked, and was not unlocked.
    #[error("the system keyring is locked")]
    Locked,
    /// It does not answer.
    #[error("the system keyring did not answer within {}s", after.as_secs())]
    TooSlow { after: Duration },
    /// It has a password that is no text.
    #[error("the password in the system keyring is not UTF-8")]
    Encoding,
    /// Something else.
    #[error("the system keyring failed: {0}")]
    Failed(String),
}

/// The keyring of the user's session. Nothing is connected yet.
pub(crate) fn of_the_system() -> Arc<dyn Keyring> {
    #[cfg(feature = "keyring")]
    return Arc::new(secret_service::SessionKeyring);
    #[cfg(not(feature = "keyring"))]
    return Arc::new(NoKeyring);
}

/// What a program that was built without keyrings has instead.
#[cfg(not(feature = "keyring"))]
struct NoKeyring;

#[cfg(not(feature = "keyring"))]
#[async_trait]
impl Keyring for NoKeyring {
    async fn password(&self, _login: &Login) -> Result<Option<SecretString>, KeyringError> {
        Ok(None)
    }

    async fn store(&self, _login: &Login, _password: &SecretString) -> Result<(), KeyringError> {
        Err(KeyringError::Absent("this program was built without the feature 'keyring'".into()))
    }
}
