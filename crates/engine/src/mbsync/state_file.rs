//! Where mbsync keeps its sync state, and whether it can be used right now.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};

use super::NotImported;
use super::sync_state::{Ends, SyncState};

/// Where sync states are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    /// In the folder itself (`SyncState *`), else below this directory (the default of mbsync).
    InFolders {
        /// `~/.mbsync`.
        otherwise: PathBuf,
    },
    /// A value of `SyncState`: a directory, or what stands before the names of files.
    At(PathBuf),
}

/// The names that a mailbox may have for mbsync, with `/` for a separator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoxNames(BTreeSet<String>);

/// The sync state of one folder. mbsync is kept from changing it while this is held.
#[derive(Debug)]
pub(super) struct StateFile {
    pub(super) path: PathBuf,
    pub(super) state: SyncState,
    _lock: Option<File>,
}

/// In which file of a folder mbsync keeps its state with `SyncState *`.
const IN_FOLDER: &str = ".mbsyncstate";

impl BoxNames {
    /// Collects what mbsync may call a folder that has these names on the server and locally, each
    /// with its separator.
    pub(super) fn of(remote: (&str, Option<char>), local: (&str, Option<char>)) -> Self {
        let mut names = BTreeSet::new();
        for (name, separator) in [remote, local] {
            let name = match separator {
                Some(separator) => name.replace(separator, "/"),
                None => name.to_owned(),
            };
            // The dots of Maildir++ and of the style `Legacy` are no part of mbsync's names.
            let parts: Vec<&str> =
                name.split('/').map(|part| part.strip_prefix('.').unwrap_or(part)).collect();
            let parts: Vec<&str> = parts.into_iter().skip_while(|part| part.is_empty()).collect();
            names.insert(parts.join("/"));
            // The server's namespace is none either (`UseNamespace`).
            if let Some(rest) = name.strip_prefix("INBOX/") {
                names.insert(rest.to_owned());
            }
            names.insert(name);
        }
        if local.0.is_empty() {
            names.insert("INBOX".to_owned());
        }
        names.remove("");
        // mbsync names files so, since a slash would be a directory.
        Self(names.into_iter().map(|name| name.replace('/', "!")).collect())
    }

    /// Tells whether a file name is of the form `:far-store:far-box_:near-store:near-box` with
    /// these boxes. The colon may be any other character (`FieldDelimiter`).
    fn are_in(&self, file: &str) -> bool {
        let mut rest = file.chars();
        let Some(delimiter) = rest.next().filter(char::is_ascii_punctuation) else { return false };
        let Some((_, boxes)) = rest.as_str().split_once(delimiter) else { return false };
        let between = format!("_{delimiter}");
        boxes.match_indices(&between).any(|(at, _)| {
            let (far, near) = boxes.split_at(at);
            let near = near.strip_prefix(&between).and_then(|rest| rest.split_once(delimiter));
            self.0.contains(far) && near.is_some_and(|(_, near)| self.0.contains(near))
        })
    }
}

impl StateFile {
    /// Finds and reads the state of a folder in `directory`: the one that speaks of mailboxes with
    /// this UIDVALIDITY, if there are several. Blocks.
    pub(super) fn find(
        location: &StateLocation,
        directory: &Path,
        names: &BoxNames,
        validity: Ends<u32>,
    ) -> Result<Self, NotImported> {
        let mut candidates = candidates(location, directory, names)?;
        if candidates.len() > 1 {
            let fits = |path: &PathBuf| {
                let state = fs::read(path).ok().and_then(|text| SyncState::parse(&text).ok());
                state.is_some_and(|state| state.validity == validity)
            };
            let fitting: Vec<PathBuf> = candidates.iter().filter(|it| fits(it)).cloned().collect();
            if fitting.len() != 1 {
                return Err(NotImported::Ambiguous { paths: candidates });
            }
            candidates = fitting;
        }
        match candidates.pop() {
            Some(path) => Self::read(path),
            None => Err(NotImported::NoState),
        }
    }

    fn read(path: PathBuf) -> Result<Self, NotImported> {
        let lock = lock(&path)?;
        let journal = beside(&path, ".journal");
        if exists(&journal)? {
            return Err(NotImported::Interrupted { path: journal });
        }
        let text = fs::read(&path).map_err(failed(&path))?;
        match SyncState::parse(&text) {
            Ok(state) => Ok(Self { path, state, _lock: lock }),
            Err(source) => Err(NotImported::Damaged { path, source }),
        }
    }
}

fn candidates(
    location: &StateLocation,
    directory: &Path,
    names: &BoxNames,
) -> Result<Vec<PathBuf>, NotImported> {
    let given = match location {
        StateLocation::InFolders { otherwise } => {
            let path = directory.join(IN_FOLDER);
            if exists(&path)? {
                return Ok(vec![path]);
            }
            otherwise
        }
        StateLocation::At(given) => given,
    };
    if !given.is_dir() {
        return prefixed(given.as_os_str(), names);
    }
    // mbsync's own value ends with the slash; a user may leave it out.
    let mut found = prefixed(given.join("").as_os_str(), names)?;
    for entry in fs::read_dir(given).map_err(failed(given))? {
        let entry = entry.map_err(failed(given))?;
        if entry.file_name().to_str().is_some_and(|name| names.are_in(name)) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Finds the files whose names are a prefix and one of these names.
fn prefixed(prefix: &OsStr, names: &BoxNames) -> Result<Vec<PathBuf>, NotImported> {
    let mut found = Vec::new();
    for name in &names.0 {
        let mut path = prefix.to_owned();
        path.push(name);
        let path = PathBuf::from(path);
        if exists(&path)? && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Takes the lock that mbsync holds while it syncs, if its file is there: without a wait, and only
/// for reading, so that nothing is changed.
fn lock(path: &Path) -> Result<Option<File>, NotImported> {
    let path = beside(path, ".lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path)(error)),
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(NotImported::Busy { path })
        }
        Err(error) => Err(failed(&path)(error.into())),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn exists(path: &Path) -> Result<bool, NotImported> {
    path.try_exists().map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> NotImported {
    let path = path.to_owned();
    move |source| NotImported::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALIDITY: Ends<u32> = Ends { far: 17, near: 18 };

    fn names(remote: &str, local: &str, separator: char) -> BoxNames {
        BoxNames::of((remote, Some('/')), (local, Some(separator)))
    }

    fn text(validity: Ends<u32>) -> String {
        format!("FarUidValidity {}\nNearUidValidity {}\n\n", validity.far, validity.near)
    }

    fn found(
        directory: &Path,
        location: &StateLocation,
        names: &BoxNames,
    ) -> Result<PathBuf, NotImported> {
        StateFile::find(location, &directory.join("folder"), names, VALIDITY).map(|it| it.path)
    }

    #[test]
    fn a_box_is_known_by_the_names_of_every_layout() {
        for (remote, local, separator, file) in [
            ("INBOX", "INBOX", '/', ":far:INBOX_:near:INBOX"),
            ("INBOX", "", '.', ":far:INBOX_:near:INBOX"),
            ("Lists/rust", "Lists/rust", '/', ":far:Lists!rust_:near:Lists!rust"),
            ("Lists/rust", "Lists.rust", '.', ";far;Lists!rust_;near;Lists!rust"),
            ("Lists/rust", ".Lists.rust", '.', ":far:Lists!rust_:near:Lists!rust"),
            ("Lists/rust", "Lists/.rust", '/', ":far:Lists!rust_:near:Lists!rust"),
            ("INBOX/Sent", "INBOX.Sent", '.', ":far:Sent_:near:Sent"),
            ("a_:b", "a_:b", '/', ":f:a_:b_:n:a_:b"),
        ] {
            assert!(names(remote, local, separator).are_in(file), "{remote} {local}: {file}");
        }
        for file in ["", ":far:INBOX", ":far:INBOX_:near:Sent", ":f:Sent_:n:INBOX", "INBOX", ":"] {
            assert!(!names("INBOX", "INBOX", '/').are_in(file), "{file}");
        }
    }

    #[test]
    fn the_state_in_the_folder_comes_first_and_a_given_place_alone() {
        let dir = tempfile::tempdir().unwrap();
        let names = names("Lists/rust", "Lists.rust", '.');
        let [folder, common, given] = ["folder", "common", "given"].map(|it| dir.path().join(it));
        for directory in [&folder, &common, &given] {
            fs::create_dir(directory).unwrap();
        }
        let everywhere = StateLocation::InFolders { otherwise: common.clone() };
        let at = StateLocation::At(given.join("work-"));
        assert!(matches!(found(dir.path(), &everywhere, &names), Err(NotImported::NoState)));
        for (file, location) in [
            (common.join(":a:Lists!rust_:b:Lists!rust"), &everywhere),
            (folder.join(IN_FOLDER), &everywhere),
            (given.join("work-Lists!rust"), &at),
        ] {
            assert!(found(dir.path(), location, &names).ok().as_ref() != Some(&file));
            fs::write(&file, text(VALIDITY)).unwrap();
            assert_eq!(found(dir.path(), location, &names).unwrap(), file);
        }
    }

    #[test]
    fn of_several_states_the_one_of_these_mailboxes_counts() {
        let dir = tempfile::tempdir().unwrap();
        let names = names("INBOX", "INBOX", '/');
        let location = StateLocation::At(dir.path().to_owned());
        let write = |file: &str, validity| {
            fs::write(dir.path().join(file), text(validity)).unwrap();
        };
        write(":home:INBOX_:local:INBOX", Ends { far: 3, near: 18 });
        write(":work:INBOX_:worklocal:INBOX", VALIDITY);
        let expected = dir.path().join(":work:INBOX_:worklocal:INBOX");
        assert_eq!(found(dir.path(), &location, &names).unwrap(), expected);
        write("INBOX", VALIDITY);
        let ambiguous = found(dir.path(), &location, &names);
        assert!(matches!(ambiguous, Err(NotImported::Ambiguous { paths }) if paths.len() == 3));
    }

    #[test]
    fn what_a_run_left_half_done_or_broken_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let names = names("INBOX", "INBOX", '/');
        let location = StateLocation::At(dir.path().to_owned());
        let path = dir.path().join("INBOX");
        fs::write(&path, "FarUidValidity 17\n").unwrap();
        let damaged = found(dir.path(), &location, &names);
        assert!(matches!(damaged, Err(NotImported::Damaged { .. })), "{damaged:?}");
        fs::write(&path, text(VALIDITY)).unwrap();
        fs::write(dir.path().join("INBOX.journal"), "4\n").unwrap();
        let interrupted = found(dir.path(), &location, &names);
        assert!(matches!(interrupted, Err(NotImported::Interrupted { .. })), "{interrupted:?}");
    }
}
