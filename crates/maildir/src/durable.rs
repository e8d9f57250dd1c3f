//! Changes of directories that neither replace anything nor get lost.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use offlineimap_core::Steps;
use rustix::io::Errno;

use crate::config::Fsync;
use crate::error::MaildirError;

/// Folders are for their owner alone.
const DIRECTORY_MODE: u32 = 0o700;

/// Renames a file, never onto an existing one.
///
/// Where the file system has no such rename, the file gets its new name before it loses the old
/// one; where it has no links either, the target is looked for first.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_exclusively(from, to) {
        Err(error) if is_unsupported(&error) => link_then_unlink(from, to),
        done => done,
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_exclusively(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(Errno::NOSYS.into())
}

fn link_then_unlink(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(error)
            if is_unsupported(&error) || Errno::from_io_error(&error) == Some(Errno::PERM) =>
        {
            return look_then_rename(from, to);
        }
        Err(error) => return Err(error),
    }
    fs::remove_file(from).inspect_err(|_| {
        // Somebody else renamed it meanwhile. It must not end up with two names.
        if let Err(error) = fs::remove_file(to) {
            tracing::warn!(path = %to.display(), %error, "a second name of a message is left");
        }
    })
}

fn look_then_rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(Errno::EXIST.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_directory(path: &Path, fsync: Fsync) -> Result<(), MaildirError> {
    if fsync == Fsync::NoSync {
        return Ok(());
    }
    match File::open(path).and_then(|directory| directory.sync_all()) {
        // Some network file systems cannot synchronise directories, and need not.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
        done => done.map_err(|source| MaildirError::SyncDirectory {
            path: path.into(),
            source: source.into(),
        }),
    }
}

/// Creates a directory and what is missing above it, durably.
pub(crate) fn create_directories(
    path: &Path,
    fsync: Fsync,
    steps: &Steps,
) -> Result<(), MaildirError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    };
    if parent != path {
        create_directories(parent, fsync, steps)?;
    }
    steps.step(&format!("maildir mkdir {}", path.display()));
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(source) => {
            Err(MaildirError::CreateDirectory { path: path.into(), source: source.into() })
        }
        Ok(()) => sync_directory(parent, fsync),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    type Rename = fn(&Path, &Path) -> io::Result<()>;

    const ALL: [Rename; 3] = [rename_new, link_then_unlink, look_then_rename];

    #[test]
    fn a_rename_moves_the_file() {
        for rename in ALL {
            let dir = tempfile::tempdir().unwrap();
            let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
            fs::write(&from, "mail").unwrap();
            rename(&from, &to).unwrap();
            assert!(!from.exists());
            assert_eq!(fs::read(&to).unwrap(), b"mail");
        }
    }

    #[test]
    fn a_rename_never_replaces_a_file() {
        for rename in ALL {
            let dir = tempfile::tempdir().unwrap();
            let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
            fs::write(&from, "new").unwrap();
            fs::write(&to, "old").unwrap();
            assert_eq!(rename(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&to).unwrap(), b"old");
            assert_eq!(fs::read(&from).unwrap(), b"new");
        }
    }

    #[test]
    fn a_rename_of_a_file_that_is_gone_says_so() {
        for rename in ALL {
            let dir = tempfile::tempdir().unwrap();
            let error = rename(&dir.path().join("from"), &dir.path().join("to")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(!dir.path().join("to").exists());
        }
    }

    #[test]
    fn directories_are_created_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        for _ in 0..2 {
            create_directories(&deep, Fsync::Sync, &Steps::default()).unwrap();
        }
        for path in [dir.path().join("a"), deep] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, DIRECTORY_MODE);
        }
    }
}
