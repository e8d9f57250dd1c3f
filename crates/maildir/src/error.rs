//! What can go wrong with a Maildir, told with the path it concerns.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use offlineimap_core::{RuleError, StoreError, StoreErrorKind};
use rustix::io::Errno;

/// The cause of an error, shared because one failed scan can fail a whole batch.
pub(crate) type Cause = Arc<io::Error>;

/// An error of a Maildir. It becomes a [`StoreError`] at the [`Store`](offlineimap_core::Store)
/// boundary.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MaildirError {
    /// No folder of this name can exist.
    #[error("the folder name {name:?} cannot be used: {why}")]
    BadName {
        /// The name.
        name: String,
        /// The reason in words.
        why: String,
    },
    /// The user's rule gives no visible name.
    #[error(transparent)]
    NoVisibleName(#[from] RuleError),
    /// The directory of the repository does not exist.
    #[error("the Maildir directory {} does not exist", path.display())]
    NoRoot {
        /// The directory.
        path: PathBuf,
    },
    /// There is no directory, or it lacks `cur`, `new` or `tmp`.
    #[error("{} is not a Maildir folder with cur, new and tmp", path.display())]
    NotAFolder {
        /// The directory.
        path: PathBuf,
    },
    /// A directory could not be read to its end.
    #[error("cannot list {}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A file could not be written, or its content could not be made durable.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// The entries of a directory could not be made durable.
    #[error("cannot synchronise the directory {}", path.display())]
    SyncDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A file could not be renamed.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// Its path before.
        from: PathBuf,
        /// Its path after.
        to: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A file could not be removed.
    #[error("cannot remove {}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A directory could not be created.
    #[error("cannot create the directory {}", path.display())]
    CreateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// Deliveries became visible, could not be made durable, and could not be taken back either.
    #[error("it is not known whether messages were stored in {}", path.display())]
    Uncertain {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A message file changed between two looks at it.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The folder's directory was replaced by another one while it was read.
    #[error("the folder {} was replaced while it was read", path.display())]
    Replaced {
        /// The directory.
        path: PathBuf,
    },
    /// The message is no longer in the folder.
    #[error("the message {name} is no longer in {}", path.display())]
    Vanished {
        /// The folder.
        path: PathBuf,
        /// The key of the message.
        name: String,
    },
    /// Somebody else renames a message faster than it can be found.
    #[error("the message {name} in {} keeps being renamed", path.display())]
    Restless {
        /// The folder.
        path: PathBuf,
        /// The key of the message.
        name: String,
    },
    /// A change was asked of a folder that was opened for reading.
    #[error("the folder {} was opened for reading only", path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
    },
    /// A key that this store did not make.
    #[error("{key:?} does not name a message in {}", path.display())]
    ForeignKey {
        /// The folder.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A staged message that another mailbox staged.
    #[error("a message for another folder was to be stored in {}", path.display())]
    ForeignStaged {
        /// The folder.
        path: PathBuf,
    },
    /// A message ended before or after its announced length.
    #[error(
        "a message for {} has {received} octets instead of the announced {announced}",
        path.display()
    )]
    WrongLength {
        /// The folder.
        path: PathBuf,
        /// Octets in wire form that came.
        received: u64,
        /// Octets in wire form that had been announced.
        announced: u64,
    },
    /// The program is ending; the work was not begun.
    #[error("stopped before the work on the Maildir was done")]
    Stopped,
}

impl MaildirError {
    /// Returns what the caller can do.
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::NoRoot { .. } | Self::NoVisibleName(_) => StoreErrorKind::Store,
            Self::BadName { .. }
            | Self::NotAFolder { .. }
            | Self::List { .. }
            | Self::SyncDirectory { .. }
            | Self::CreateDirectory { .. }
            | Self::Replaced { .. }
            | Self::ReadOnly { .. } => StoreErrorKind::Mailbox,
            Self::Write { source, .. }
            | Self::Rename { source, .. }
            | Self::Remove { source, .. } => kind_of_failed_write(source),
            Self::Read { .. }
            | Self::Changed { .. }
            | Self::Vanished { .. }
            | Self::Restless { .. }
            | Self::ForeignKey { .. }
            | Self::ForeignStaged { .. }
            | Self::WrongLength { .. } => StoreErrorKind::Message,
            Self::Uncertain { .. } => StoreErrorKind::ConnectionLost,
            Self::Stopped => StoreErrorKind::Cancelled,
        }
    }

    /// Tells the error to a caller for whom it concerns more than usual.
    pub(crate) fn told_as(self, kind: StoreErrorKind) -> StoreError {
        let told = StoreError::new(kind, self.to_string());
        match self.into_cause() {
            Some(cause) => told.caused_by(cause),
            None => told,
        }
    }

    fn into_cause(self) -> Option<Cause> {
        match self {
            Self::List { source, .. }
            | Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::SyncDirectory { source, .. }
            | Self::Rename { source, .. }
            | Self::Remove { source, .. }
            | Self::CreateDirectory { source, .. }
            | Self::Uncertain { source, .. } => Some(source),
            Self::BadName { .. }
            | Self::NoVisibleName(_)
            | Self::NoRoot { .. }
            | Self::NotAFolder { .. }
            | Self::Changed { .. }
            | Self::Replaced { .. }
            | Self::Vanished { .. }
            | Self::Restless { .. }
            | Self::ReadOnly { .. }
            | Self::ForeignKey { .. }
            | Self::ForeignStaged { .. }
            | Self::WrongLength { .. }
            | Self::Stopped => None,
        }
    }

    pub(crate) fn list(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::List { path: path.into(), source: source.into() }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.into(), source: source.into() }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.into(), source: source.into() }
    }

    pub(crate) fn remove(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Remove { path: path.into(), source: source.into() }
    }

    pub(crate) fn rename(from: &Path, to: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Rename { from: from.into(), to: to.into(), source: source.into() }
    }
}

/// A full or failing disk fails every message of the folder alike; anything else is about the one.
fn kind_of_failed_write(source: &io::Error) -> StoreErrorKind {
    const FOR_ALL: [Errno; 6] =
        [Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::IO, Errno::ACCESS, Errno::PERM];
    match Errno::from_io_error(source) {
        Some(errno) if FOR_ALL.contains(&errno) => StoreErrorKind::Mailbox,
        _ => StoreErrorKind::Message,
    }
}

impl From<MaildirError> for StoreError {
    fn from(error: MaildirError) -> Self {
        let kind = error.kind();
        error.told_as(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_ends_the_work_on_the_folder_and_a_long_file_does_not() {
        for (errno, kind) in [
            (Errno::NOSPC, StoreErrorKind::Mailbox),
            (Errno::IO, StoreErrorKind::Mailbox),
            (Errno::FBIG, StoreErrorKind::Message),
        ] {
            let error: StoreError = MaildirError::write(Path::new("/m/tmp/1"))(errno.into()).into();
            assert_eq!(error.kind(), kind, "{errno}");
            assert_eq!(error.to_string(), "cannot write /m/tmp/1");
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, io::Error::from(errno).to_string());
        }
    }
}
