//! One folder as directories.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::error::MaildirError;
use crate::message_name::FolderHash;

/// A directory in which messages are visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subdir {
    /// Messages that no mail program has seen.
    New,
    /// All others.
    Cur,
}

impl Subdir {
    pub(crate) const ALL: [Self; 2] = [Self::New, Self::Cur];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Cur => "cur",
        }
    }
}

/// A folder: its directory and the hash in its messages' names.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) hash: FolderHash,
}

impl Folder {
    /// Returns the path of a directory with messages.
    pub(crate) fn subdir(&self, subdir: Subdir) -> PathBuf {
        self.path.join(subdir.name())
    }

    /// Returns the path of the directory for deliveries under way.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Returns the path of a message.
    pub(crate) fn message(&self, subdir: Subdir, base: &[u8], info: &[u8]) -> PathBuf {
        let mut path = self.subdir(subdir);
        path.push(OsStr::from_bytes(&[base, info].concat()));
        path
    }
}

/// Tells whether a directory is a folder: it has directories `cur`, `new` and `tmp`, be it by
/// symbolic links.
///
/// # Errors
///
/// If that cannot be seen. Only what is really not there counts as not there.
pub(crate) fn is_folder(path: &Path) -> Result<bool, MaildirError> {
    for name in ["cur", "new", "tmp"] {
        if !is_directory(&path.join(name)).map_err(MaildirError::list(path))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells whether a path leads to a directory.
pub(crate) fn is_directory(path: &Path) -> io::Result<bool> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
