//! What a directory looked like: enough to tell whether anything in it was touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};

/// Every file and directory with its inode, size and times.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Snapshot {
    pub(crate) fn of(directory: &Path) -> Self {
        let mut entries = BTreeMap::new();
        look(directory, &mut entries);
        Self(entries)
    }

    /// Fails with the names of what differs.
    pub(crate) fn assert_same(&self, later: &Self, when: &str) {
        let gone: Vec<_> = self.0.keys().filter(|path| !later.0.contains_key(*path)).collect();
        let new: Vec<_> = later.0.keys().filter(|path| !self.0.contains_key(*path)).collect();
        let touched: Vec<_> = self
            .0
            .iter()
            .filter(|(path, entry)| later.0.get(*path).is_some_and(|later| later != *entry))
            .map(|(path, _)| path)
            .collect();
        assert!(
            gone.is_empty() && new.is_empty() && touched.is_empty(),
            "{when}: gone {gone:#?}, new {new:#?}, touched {touched:#?}"
        );
    }

    /// Without what is at or below this path.
    pub(crate) fn without(mut self, path: &Path) -> Self {
        self.0.retain(|it, _| !it.starts_with(path));
        self
    }
}

fn look(path: &Path, entries: &mut BTreeMap<PathBuf, Entry>) {
    let Ok(about) = fs::symlink_metadata(path) else { return };
    let entry = Entry {
        inode: about.ino(),
        size: about.size(),
        modified: (about.mtime(), about.mtime_nsec()),
        changed: (about.ctime(), about.ctime_nsec()),
    };
    entries.insert(path.to_owned(), entry);
    if about.is_dir() {
        for below in fs::read_dir(path).unwrap() {
            look(&below.unwrap().path(), entries);
        }
    }
}

/// Copies a directory with everything in it, owners and times included. What was at the target is
/// removed before.
pub(crate) fn copy_tree(source: &Path, target: &Path) {
    drop(fs::remove_dir_all(target));
    copy(source, target);
}

fn copy(source: &Path, target: &Path) {
    let about = fs::symlink_metadata(source).unwrap();
    if about.is_dir() {
        fs::create_dir_all(target).unwrap();
        fs::set_permissions(target, about.permissions()).unwrap();
        for below in fs::read_dir(source).unwrap() {
            let below = below.unwrap();
            copy(&below.path(), &target.join(below.file_name()));
        }
    } else if about.is_symlink() {
        symlink(fs::read_link(source).unwrap(), target).unwrap();
    } else if about.is_file() {
        fs::copy(source, target).unwrap();
        let file = fs::File::options().append(true).open(target).unwrap();
        file.set_modified(about.modified().unwrap()).unwrap();
    }
    // A server runs as somebody else when the tests run as root.
    let copied = fs::symlink_metadata(target).map(|it| (it.uid(), it.gid()));
    if about.is_dir() || about.is_file() {
        let owner = (about.uid(), about.gid());
        if copied.unwrap() != owner {
            chown(target, Some(owner.0), Some(owner.1)).unwrap();
        }
    }
}
