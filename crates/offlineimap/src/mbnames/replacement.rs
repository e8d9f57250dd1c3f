//! Files that are replaced as a whole, so that nobody ever reads a part of one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use offlineimap_core::Steps;

/// Whether a file survives a loss of power once it was replaced. It is whole in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Synced,
    Relaxed,
}

/// Gives a file this content, unless it has it already.
///
/// A link stays one, and its target keeps its permissions. The directory must exist.
pub(super) fn replace(
    path: &Path,
    content: &[u8],
    durability: Durability,
    steps: &Steps,
) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let permissions = match fs::metadata(&target) {
        Ok(there) if there.file_type().is_char_device() => return fs::write(&target, content),
        Ok(there) if !there.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
        }
        Ok(_) if fs::read(&target).is_ok_and(|there| there == content) => return Ok(()),
        Ok(there) => Some(there.permissions()),
        Err(_) => None,
    };
    let draft = draft_of(&target)?;
    steps.step(&format!("mbnames write {}", target.display()));
    let written = write(&draft, content, permissions, durability).and_then(|()| {
        steps.step(&format!("mbnames rename to {}", target.display()));
        fs::rename(&draft, &target)
    });
    if let Err(error) = written {
        // What was begun is of no use; that it could not be begun is the error to tell.
        drop(fs::remove_file(&draft));
        return Err(error);
    }
    sync_directory_of(&target, durability)
}

/// A name beside the file that no other process uses.
fn draft_of(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name();
    let name = name.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it has no name"))?;
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(draft))
}

fn write(
    draft: &Path,
    content: &[u8],
    permissions: Option<Permissions>,
    durability: Durability,
) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(draft)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(content)?;
    match durability {
        Durability::Synced => file.sync_all(),
        Durability::Relaxed => Ok(()),
    }
}

fn sync_directory_of(target: &Path, durability: Durability) -> io::Result<()> {
    let directory = target.parent().filter(|it| !it.as_os_str().is_empty());
    if durability == Durability::Relaxed {
        return Ok(());
    }
    match File::open(directory.unwrap_or(Path::new("."))).and_then(|it| it.sync_all()) {
        // Some network file systems cannot synchronise directories, and need not.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn put(path: &Path, content: &str) -> io::Result<()> {
        replace(path, content.as_bytes(), Durability::Synced, &Steps::default())
    }

    fn names(directory: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_and_the_permissions_of_its_target_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
        symlink("target", &link).unwrap();
        put(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(directory.path()), ["link", "target"]);
    }

    #[test]
    fn a_file_that_has_the_content_already_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        put(&path, "same").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        put(&path, "same").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn nothing_is_left_of_what_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let occupied = directory.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        let error = put(&occupied, "new").unwrap_err();
        assert_eq!(error.to_string(), "it is no regular file");
        let error = put(&directory.path().join("missing/list"), "new").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(names(directory.path()), ["occupied"]);
    }
}
