//! The Secret Service on D-Bus, which GNOME Keyring, `KWallet` and `KeePassXC` provide.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use secret_service::{EncryptionType, Error, Item, SecretService};
use tokio::time::timeout;

use super::{Keyring, KeyringError, Login};

/// How long a keyring that is there may take to say what it has.
const ANSWER: Duration = Duration::from_secs(5);

/// How long it may take to be unlocked: it may ask for a passphrase.
const UNLOCKING: Duration = Duration::from_mins(1);

/// The service of the session in which the program runs.
pub(super) struct SessionKeyring;

#[async_trait]
impl Keyring for SessionKeyring {
    async fn password(&self, login: &Login) -> Result<Option<SecretString>, KeyringError> {
        let service = connect().await?;
        let found = within(ANSWER, service.search_items(attributes(login))).await?;
        let item = match (found.unlocked.first(), found.locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => unlocked(item).await?,
            (None, None) => return Ok(None),
        };
        let secret = Zeroizing::new(within(ANSWER, item.get_secret()).await?);
        let text = std::str::from_utf8(&secret).map_err(|_| KeyringError::Encoding)?;
        Ok((!text.is_empty()).then(|| SecretString::from(text)))
    }

    async fn store(&self, login: &Login, password: &SecretString) -> Result<(), KeyringError> {
        let service = connect().await?;
        let secret = password.expose_secret().as_bytes();
        // In place of an entry that another program made, as that one would be found as well.
        let known = within(ANSWER, service.search_items(attributes(login))).await?;
        let known = match (known.unlocked.first(), known.locked.first()) {
            (Some(item), _) => Some(item),
            (None, Some(item)) => Some(unlocked(item).await?),
            (None, None) => None,
        };
        if let Some(item) = known {
            return within(ANSWER, item.set_secret(secret, CONTENT_TYPE)).await;
        }
        let collection = within(ANSWER, service.get_any_collection()).await?;
        if within(ANSWER, collection.is_locked()).await? {
            within(UNLOCKING, collection.unlock()).await.map_err(still_locked)?;
        }
        // As Python's keyring does it, so that each finds what the other stored.
        let label = format!("Password for '{}' on '{}'", login.user, login.host);
        let mut attributes = attributes(login);
        attributes.insert("application", "Python keyring library");
        let stored = collection.create_item(&label, attributes, secret, true, CONTENT_TYPE);
        // A store that is made anew may ask the user, too.
        within(UNLOCKING, stored).await.map(drop)
    }
}

const CONTENT_TYPE: &str = "text/plain";

/// By what Python's keyring finds an entry.
fn attributes(login: &Login) -> HashMap<&str, &str> {
    HashMap::from([("service", &*login.host), ("username", &*login.user)])
}

/// That there is no bus, or nobody on it, is the ordinary case on a server.
async fn connect() -> Result<SecretService<'static>, KeyringError> {
    match timeout(ANSWER, SecretService::connect(EncryptionType::Dh)).await {
        Ok(Ok(service)) => Ok(service),
        Ok(Err(error)) => Err(KeyringError::Absent(error.to_string())),
        Err(_) => Err(KeyringError::Absent(format!("no answer within {}s", ANSWER.as_secs()))),
    }
}

async fn unlocked<'a, 'b>(item: &'a Item<'b>) -> Result<&'a Item<'b>, KeyringError> {
    within(UNLOCKING, item.unlock()).await.map_err(still_locked)?;
    Ok(item)
}

fn still_locked(error: KeyringError) -> KeyringError {
    match error {
        KeyringError::TooSlow { .. } => KeyringError::Locked,
        other @ (KeyringError::Absent(_)
        | KeyringError::Locked
        | KeyringError::Encoding
        | KeyringError::Failed(_)) => other,
    }
}

async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, KeyringError> {
    match timeout(deadline, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::Locked | Error::Prompt)) => Err(KeyringError::Locked),
        Ok(Err(Error::Unavailable)) => Err(KeyringError::Absent(Error::Unavailable.to_string())),
        Ok(Err(error)) => Err(KeyringError::Failed(error.to_string())),
        Err(_) => Err(KeyringError::TooSlow { after: deadline }),
    }
}
