//! Which folders are below the root (`spec/ondisk.md` §8.1).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::MaildirError;
use crate::folder::{is_directory, is_folder};
use crate::folder_name::{check_name, is_reserved};

/// What the root holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// A folder.
    Folder(String),
    /// A directory that cannot be used as a folder.
    Unusable { name: String, why: String },
}

/// Lists the folders: with the separator `/` all directories below the root, with any other just
/// its children; and the root itself, under the empty name.
///
/// # Errors
///
/// If any directory could not be read.
pub(crate) fn discover(root: &Path, separator: char) -> Result<Vec<Found>, MaildirError> {
    let mut search = Search { separator, found: Vec::new(), ancestors: Vec::new() };
    search.descend(root, &Name::Text(String::new()))?;
    if is_folder(root)? {
        search.found.push(Found::Folder(String::new()));
    }
    Ok(search.found)
}

struct Search {
    separator: char,
    found: Vec<Found>,
    /// The directories that lead to the present one, to notice links that lead back.
    ancestors: Vec<DirectoryId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DirectoryId {
    device: u64,
    inode: u64,
}

/// The name of a directory below the root; for messages only if it is not text.
enum Name {
    Text(String),
    NotText(String),
}

impl Name {
    fn shown(&self) -> &str {
        match self {
            Self::Text(name) | Self::NotText(name) => name,
        }
    }
}

impl Search {
    fn descend(&mut self, path: &Path, name: &Name) -> Result<(), MaildirError> {
        let failed = || MaildirError::list(path);
        let metadata = fs::metadata(path).map_err(failed())?;
        let id = DirectoryId { device: metadata.dev(), inode: metadata.ino() };
        if self.ancestors.contains(&id) {
            let why = "it is a link to a directory that contains it".into();
            self.found.push(Found::Unusable { name: name.shown().into(), why });
            return Ok(());
        }
        self.ancestors.push(id);
        for entry in fs::read_dir(path).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let kind = entry.file_type().map_err(failed())?;
            if kind.is_dir() || (kind.is_symlink() && leads_to_directory(&entry.path())?) {
                self.visit(&entry.path(), &child_of(name, &entry.file_name()))?;
            }
        }
        self.ancestors.pop();
        Ok(())
    }

    fn visit(&mut self, path: &Path, name: &Name) -> Result<(), MaildirError> {
        let leaf = path.file_name().unwrap_or_default().to_string_lossy();
        if is_reserved(&leaf) {
            return Ok(());
        }
        match is_folder(path) {
            // The file system's own directory in the root of a mounted disk is for root alone.
            Err(MaildirError::List { source, .. })
                if leaf == "lost+found" && source.kind() == io::ErrorKind::PermissionDenied =>
            {
                return Ok(());
            }
            is_folder => {
                if is_folder? {
                    self.found.push(self.judged(name));
                }
            }
        }
        if self.separator == '/' {
            self.descend(path, name)?;
        }
        Ok(())
    }

    fn judged(&self, name: &Name) -> Found {
        let usable = match name {
            Name::Text(name) => check_name(name, self.separator),
            Name::NotText(_) => Err("its name is not UTF-8".into()),
        };
        match usable {
            Ok(()) => Found::Folder(name.shown().into()),
            Err(why) => Found::Unusable { name: name.shown().into(), why },
        }
    }
}

fn leads_to_directory(path: &Path) -> Result<bool, MaildirError> {
    is_directory(path).map_err(MaildirError::list(path))
}

fn child_of(parent: &Name, leaf: &std::ffi::OsStr) -> Name {
    let join = |leaf: &str| match parent.shown() {
        "" => leaf.to_owned(),
        parent => format!("{parent}/{leaf}"),
    };
    match (parent, leaf.to_str()) {
        (Name::Text(_), Some(leaf)) => Name::Text(join(leaf)),
        (Name::Text(_) | Name::NotText(_), _) => Name::NotText(join(&leaf.to_string_lossy())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn tree(folders: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            for subdir in ["cur", "new", "tmp"] {
                fs::create_dir_all(root.path().join(folder).join(subdir)).unwrap();
            }
        }
        root
    }

    fn names(root: &TempDir, separator: char) -> Vec<String> {
        let mut names: Vec<String> = discover(root.path(), separator)
            .unwrap()
            .into_iter()
            .map(|found| match found {
                Found::Folder(name) => name,
                Found::Unusable { name, why } => format!("{name}: {why}"),
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_flat_maildir_has_its_children_and_itself() {
        let root = tree(&["", "INBOX", "Lists.rust", ".Sent", "INBOX/below", "cur/odd"]);
        assert_eq!(names(&root, '.'), ["", ".Sent", "INBOX", "Lists.rust"]);
    }

    #[test]
    fn a_nested_maildir_is_searched_below_folders_and_other_directories() {
        let root = tree(&["INBOX", "INBOX/Lists/rust", ".hidden/x", "INBOX/cur/odd"]);
        assert_eq!(names(&root, '/'), [".hidden/x", "INBOX", "INBOX/Lists/rust"]);
    }

    #[test]
    fn a_directory_that_lacks_one_of_three_is_no_folder() {
        for missing in ["cur", "new", "tmp"] {
            let root = tree(&["INBOX"]);
            fs::remove_dir(root.path().join("INBOX").join(missing)).unwrap();
            fs::write(root.path().join("INBOX").join(missing), "a file").unwrap();
            assert!(names(&root, '.').is_empty(), "without {missing}");
        }
    }

    #[test]
    fn links_are_followed_and_those_that_lead_back_are_not() {
        let (root, elsewhere) = (tree(&["a"]), tree(&["x"]));
        symlink(elsewhere.path().join("x"), root.path().join("linked")).unwrap();
        symlink("nowhere", root.path().join("dangling")).unwrap();
        assert_eq!(names(&root, '/'), ["a", "linked"]);
        symlink(root.path(), root.path().join("a/loop")).unwrap();
        let loop_found = "a/loop: it is a link to a directory that contains it";
        assert_eq!(names(&root, '/'), ["a", loop_found, "linked"]);
    }

    #[test]
    fn names_that_are_not_text_are_told_and_not_used() {
        let root = tree(&[]);
        let odd = root.path().join(OsStr::from_bytes(b"b\xff"));
        for subdir in ["cur", "new", "tmp", "below/cur", "below/new", "below/tmp"] {
            fs::create_dir_all(odd.join(subdir)).unwrap();
        }
        assert_eq!(names(&root, '.'), ["b\u{fffd}: its name is not UTF-8"]);
        let below = "b\u{fffd}/below: its name is not UTF-8";
        assert_eq!(names(&root, '/'), [below, "b\u{fffd}: its name is not UTF-8"]);
    }
}
