//! The account lock (`spec/cli.md` §13).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};

/// Why an account could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds the lock.
    #[error("Could not lock account {account}. Is another instance using this account?")]
    Held {
        /// The account.
        account: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock account {account} with '{path}': {source}", path = path.display())]
    Io {
        /// The account.
        account: String,
        /// The lock file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The right to sync an account, held until dropped.
///
/// Both kinds of kernel lock are taken, because OfflineIMAP takes one or the other. They end with
/// the process, however it ends. The file is removed on release, and only by the holder.
#[derive(Debug)]
pub struct AccountLock {
    path: PathBuf,
    _file: File,
}

/// Somebody may remove the file between its opening and its locking; then a new one is tried.
const TRIES: usize = 20;

impl AccountLock {
    /// Takes the lock `<metadata>/<account>.lock`, without waiting.
    pub fn take(metadata: &Path, account: &str) -> Result<Self, LockError> {
        let path = metadata.join(format!("{account}.lock"));
        let failed =
            |source| LockError::Io { account: account.to_owned(), path: path.clone(), source };
        let held = || LockError::Held { account: account.to_owned() };
        for _ in 0..TRIES {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o666)
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => return Err(held()),
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Err(held()),
                Err(error) => return Err(failed(error.into())),
            }
            let locked = file.metadata().map_err(failed)?;
            match std::fs::metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (locked.dev(), locked.ino()) => {
                    return Ok(Self { path, _file: file });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(held())
    }
}

impl Drop for AccountLock {
    fn drop(&mut self) {
        // Removed while still locked, so that nobody can be holding another lock on this name.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "lock file not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_does_not_remove_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let first = AccountLock::take(dir.path(), "Test").unwrap();
        assert!(matches!(
            AccountLock::take(dir.path(), "Test").unwrap_err(),
            LockError::Held { .. }
        ));
        assert!(dir.path().join("Test.lock").exists());
        drop(first);
        assert!(!dir.path().join("Test.lock").exists());
        drop(AccountLock::take(dir.path(), "Test").unwrap());
    }
}
