//! `--migrate-fmd5-using-nametrans`: from the hash of a folder's own name in the names of its
//! files to that of its visible name (`spec/cli.md` §9).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use offlineimap_core::Steps;

use crate::config::Fsync;
use crate::durable::{rename_new, sync_directory};
use crate::error::MaildirError;
use crate::message_name::FolderHash;

/// What a hash begins with in a file name.
const MARK: &[u8] = b",FMD5=";

/// Whether a migration renames files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renaming {
    /// It does.
    Real,
    /// It only tells which ones.
    Pretended,
}

/// A file whose name is not as it would be written today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migration {
    /// It had the hash of the folder's own name, and got (or would get) that of the visible name.
    Migrated {
        /// Its path before.
        path: PathBuf,
        /// The hexadecimal digits of the new hash.
        hash: String,
    },
    /// It has a hash that belongs to neither name, and is left alone.
    Inconsistent {
        /// Its path.
        path: PathBuf,
        /// The digits of both hashes that it could have.
        expected: [String; 2],
    },
    /// It has no hash: another program wrote it.
    Unmarked {
        /// Its path.
        path: PathBuf,
    },
}

/// One folder, and the hashes of its two names.
pub(crate) struct MigratingFolder {
    pub(crate) directory: PathBuf,
    pub(crate) own: FolderHash,
    pub(crate) visible: FolderHash,
}

impl MigratingFolder {
    /// Looks at every file in `cur` and `new`. What was renamed is durable on return.
    pub(crate) fn migrate(
        &self,
        renaming: Renaming,
        fsync: Fsync,
        steps: &Steps,
    ) -> Result<Vec<Migration>, MaildirError> {
        let mut migrations = Vec::new();
        let mut touched = BTreeSet::new();
        for subdir in ["cur", "new"] {
            let subdir = self.directory.join(subdir);
            // All names first: a directory that changes may list a file twice.
            for name in names(&subdir)? {
                let path = subdir.join(&name);
                let Some(target) = self.target(name.as_bytes()) else {
                    migrations.extend(self.remark(name.as_bytes(), path));
                    continue;
                };
                if renaming == Renaming::Real {
                    let new = subdir.join(target);
                    steps.step(&format!("maildir rename {} to {}", path.display(), new.display()));
                    match rename_new(&path, &new) {
                        // Somebody read or removed it meanwhile.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        done => done.map_err(MaildirError::rename(&path, &new))?,
                    }
                    touched.insert(subdir.clone());
                }
                migrations.push(Migration::Migrated { path, hash: digits(&self.visible) });
            }
        }
        touched.iter().try_for_each(|subdir| sync_directory(subdir, fsync))?;
        Ok(migrations)
    }

    /// The name that a file should have; `None` if it has it, or another hash than the folder's.
    fn target(&self, name: &[u8]) -> Option<OsString> {
        if self.own == self.visible {
            return None;
        }
        let own = self.own.suffix().as_bytes();
        let at =
            mark(name).filter(|at| name.get(*at..).is_some_and(|rest| rest.starts_with(own)))?;
        let (before, rest) = name.split_at(at);
        let after = rest.strip_prefix(own)?;
        Some(OsString::from_vec([before, self.visible.suffix().as_bytes(), after].concat()))
    }

    fn remark(&self, name: &[u8], path: PathBuf) -> Option<Migration> {
        let Some(rest) = mark(name).and_then(|at| name.get(at..)) else {
            return Some(Migration::Unmarked { path });
        };
        if rest.starts_with(self.visible.suffix().as_bytes()) {
            return None;
        }
        let expected = [digits(&self.own), digits(&self.visible)];
        Some(Migration::Inconsistent { path, expected })
    }
}

fn mark(name: &[u8]) -> Option<usize> {
    name.windows(MARK.len()).position(|window| window == MARK)
}

fn digits(hash: &FolderHash) -> String {
    hash.suffix().chars().skip(MARK.len()).collect()
}

fn names(subdir: &Path) -> Result<Vec<OsString>, MaildirError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(subdir).map_err(MaildirError::list(subdir))? {
        let name = entry.map_err(MaildirError::list(subdir))?.file_name();
        if !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes of `INBOX.Sent` and of `Sent`, which is what its `nametrans` makes of it.
    fn folder(directory: &Path) -> MigratingFolder {
        MigratingFolder {
            directory: directory.into(),
            own: FolderHash::of("INBOX.Sent", '.'),
            visible: FolderHash::of("Sent", '.'),
        }
    }

    fn sent(directory: &Path) -> MigratingFolder {
        for subdir in ["cur", "new", "tmp"] {
            fs::create_dir(directory.join(subdir)).unwrap();
        }
        let folder = folder(directory);
        let [own, visible] = [&folder.own, &folder.visible].map(FolderHash::suffix);
        for name in [
            format!("cur/1_0.1.host,U=4{own}:2,FS"),
            format!("new/2_0.1.host,U=5{own}"),
            format!("cur/3_0.1.host,U=6{visible}:2,"),
            "cur/4_0.1.host,U=7,FMD5=d41d8cd98f00b204e9800998ecf8427e:2,".to_owned(),
            "cur/5.other:2,S".to_owned(),
            "cur/.hidden".to_owned(),
        ] {
            fs::write(directory.join(&name), &name).unwrap();
        }
        folder
    }

    fn tree(directory: &Path) -> Vec<String> {
        let mut tree: Vec<String> = ["cur", "new"]
            .iter()
            .flat_map(|subdir| names(&directory.join(subdir)).unwrap())
            .map(|name| name.into_string().unwrap())
            .collect();
        tree.sort();
        tree
    }

    #[test]
    fn only_files_with_the_hash_of_the_own_name_are_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = sent(dir.path());
        let told = folder.migrate(Renaming::Real, Fsync::Sync, &Steps::default()).unwrap();
        let visible = folder.visible.suffix();
        assert_eq!(
            tree(dir.path()),
            [
                format!("1_0.1.host,U=4{visible}:2,FS"),
                format!("2_0.1.host,U=5{visible}"),
                format!("3_0.1.host,U=6{visible}:2,"),
                "4_0.1.host,U=7,FMD5=d41d8cd98f00b204e9800998ecf8427e:2,".to_owned(),
                "5.other:2,S".to_owned(),
            ]
        );
        let kinds: Vec<&str> = told
            .iter()
            .map(|it| match it {
                Migration::Migrated { .. } => "migrated",
                Migration::Inconsistent { .. } => "inconsistent",
                Migration::Unmarked { .. } => "unmarked",
            })
            .collect();
        assert_eq!(kinds, ["migrated", "inconsistent", "unmarked", "migrated"]);
        let again = folder.migrate(Renaming::Real, Fsync::Sync, &Steps::default()).unwrap();
        assert!(!again.iter().any(|it| matches!(it, Migration::Migrated { .. })), "{again:?}");
    }

    #[test]
    fn a_pretended_migration_tells_the_same_and_renames_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = sent(dir.path());
        let before = tree(dir.path());
        let none = Steps::witnessed_by(|what| panic!("{what}"));
        let pretended = folder.migrate(Renaming::Pretended, Fsync::Sync, &none).unwrap();
        assert_eq!(tree(dir.path()), before);
        let real = folder.migrate(Renaming::Real, Fsync::Sync, &Steps::default()).unwrap();
        assert_eq!(pretended, real);
    }

    #[test]
    fn a_folder_with_one_name_needs_no_migration() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = sent(dir.path());
        folder.visible = folder.own.clone();
        let told = folder.migrate(Renaming::Real, Fsync::Sync, &Steps::default()).unwrap();
        assert!(!told.iter().any(|it| matches!(it, Migration::Migrated { .. })), "{told:?}");
    }
}
