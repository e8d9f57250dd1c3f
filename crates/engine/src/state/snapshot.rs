//! A private copy of a database, for a dry run, and to look into databases of others.

use std::path::{Path, PathBuf};

use super::StateError;

/// The copied files, removed when dropped.
#[derive(Debug)]
pub(super) struct Snapshot {
    directory: PathBuf,
    file: PathBuf,
}

impl Snapshot {
    /// Copies the database at `path` and its write-ahead log or journal, if they exist.
    pub(super) fn of(path: &Path, scratch: &Path) -> Result<Self, StateError> {
        let directory = private_directory(scratch)?;
        let copy = Self { file: directory.join("state.sqlite"), directory };
        for suffix in ["", "-wal", "-journal"] {
            let mut from = path.as_os_str().to_owned();
            from.push(suffix);
            let mut to = copy.file.as_os_str().to_owned();
            to.push(suffix);
            match std::fs::copy(&from, &to) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(StateError::Io { path: from.into(), source }),
            }
        }
        Ok(copy)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            tracing::warn!(path = %self.directory.display(), %error, "copy of the state not removed");
        }
    }
}

fn private_directory(parent: &Path) -> Result<PathBuf, StateError> {
    use std::os::unix::fs::DirBuilderExt;
    for attempt in 0..1000_u32 {
        let path = parent.join(format!("offlineimap-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(StateError::Io { path, source }),
        }
    }
    let source = std::io::ErrorKind::AlreadyExists.into();
    Err(StateError::Io { path: parent.to_owned(), source })
}
