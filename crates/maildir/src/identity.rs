//! The identity of a directory: a small file that says whether it is still the same one.
//!
//! A directory that was replaced, restored from elsewhere or not mounted lacks the file or has
//! another one, and so its messages are not taken for deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use offlineimap_core::{Epoch, Steps};

use crate::config::Fsync;
use crate::durable::{rename_new, sync_directory};
use crate::error::MaildirError;

/// The file in the root and in each folder directory, beside `cur`, `new` and `tmp`.
pub const IDENTITY_FILE: &str = ".offlineimap-id";

/// The epoch of a directory that was never marked.
const UNMARKED: &str = "unmarked";

/// 128 random bits make two directories differ.
const ID_OCTETS: usize = 16;

/// Returns the epoch of a directory without an identity.
pub(crate) fn unmarked() -> Epoch {
    Epoch::new(UNMARKED)
}

/// Reads the identity of a directory; `None` if it has none, or none that can be understood.
pub(crate) fn read(directory: &Path) -> Result<Option<Epoch>, MaildirError> {
    let path = directory.join(IDENTITY_FILE);
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(256).read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // Unreadable is not missing: the folder itself cannot be used then.
        Err(error) => return Err(MaildirError::list(directory)(error)),
    }
    let id = text.trim_ascii();
    let well_formed = id.len() == 2 * ID_OCTETS && id.iter().all(u8::is_ascii_hexdigit);
    if !well_formed {
        tracing::warn!(path = %path.display(), "the identity file of the folder is damaged");
        return Ok(None);
    }
    Ok(Some(Epoch::new(String::from_utf8_lossy(id).into_owned())))
}

/// Returns the identity of a directory, and gives it one if it has none. On return it is durable.
pub(crate) fn ensure(directory: &Path, fsync: Fsync, steps: &Steps) -> Result<Epoch, MaildirError> {
    if let Some(epoch) = read(directory)? {
        return Ok(epoch);
    }
    let path = directory.join(IDENTITY_FILE);
    let id = random_id().map_err(MaildirError::write(&path))?;
    let draft = directory.join(format!("{IDENTITY_FILE}.{id}"));
    steps.step(&format!("maildir mark {}", path.display()));
    let written = write(&draft, &id, fsync)
        .map_err(MaildirError::write(&draft))
        .and_then(|()| put_in_place(&draft, &path));
    if written.is_err() {
        // The error that is returned matters more than that of cleaning up.
        drop(fs::remove_file(&draft));
    }
    written?;
    sync_directory(directory, fsync)?;
    // Somebody else may have been faster; then theirs counts.
    read(directory)?.ok_or_else(|| MaildirError::Replaced { path: directory.into() })
}

fn write(draft: &Path, id: &str, fsync: Fsync) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(draft)?;
    writeln!(file, "{id}")?;
    if fsync == Fsync::Sync {
        file.sync_all()?;
    }
    Ok(())
}

fn put_in_place(draft: &Path, path: &Path) -> Result<(), MaildirError> {
    let failed = MaildirError::rename(draft, path);
    match rename_new(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        done => return done.map_err(failed),
    }
    // A whole marker came from somebody else and stays; a damaged one is replaced.
    if path.parent().map(read).transpose()?.flatten().is_some() {
        fs::remove_file(draft).map_err(MaildirError::remove(draft))
    } else {
        fs::rename(draft, path).map_err(failed)
    }
}

fn random_id() -> io::Result<String> {
    let mut random = [0; ID_OCTETS];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ensured(directory: &Path) -> Epoch {
        ensure(directory, Fsync::Sync, &Steps::default()).unwrap()
    }

    #[test]
    fn a_directory_keeps_the_identity_it_was_given() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let epoch = ensured(dir.path());
        assert_eq!(ensured(dir.path()), epoch);
        assert_eq!(read(dir.path()).unwrap(), Some(epoch));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn two_directories_differ() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        assert_ne!(ensured(a.path()), ensured(b.path()));
    }

    #[test]
    fn a_damaged_identity_counts_as_none_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for damage in ["", "zz", "unmarked", "0123456789abcdef0123456789abcdeg\n"] {
            fs::write(dir.path().join(IDENTITY_FILE), damage).unwrap();
            assert_eq!(read(dir.path()).unwrap(), None, "{damage:?}");
            let epoch = ensured(dir.path());
            assert_eq!(read(dir.path()).unwrap(), Some(epoch));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn an_identity_written_at_the_same_time_by_somebody_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = ensured(dir.path());
        let draft = dir.path().join("draft");
        write(&draft, &random_id().unwrap(), Fsync::Sync).unwrap();
        put_in_place(&draft, &dir.path().join(IDENTITY_FILE)).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(theirs));
        assert!(!draft.exists());
    }
}
