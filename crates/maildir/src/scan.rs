//! Which messages are in a folder, from its directory entries alone.

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use offlineimap_core::Key;

use crate::error::MaildirError;
use crate::folder::{Folder, Subdir};
use crate::index::{self, Infos, Place};
use crate::message_name::{hint, key, split};
use crate::name_source::NameSource;

/// One message as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) place: Place,
    pub(crate) hint: Option<NonZeroU32>,
}

/// All messages of a folder, sorted by key, each once.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) entries: Vec<Entry>,
    pub(crate) infos: Infos,
}

/// How often a folder is read in the hope that it does not change meanwhile.
const TRIES: u32 = 10;

/// Two changes within this time may leave the same stamp on a directory.
const CLOCK_GRAIN: Duration = Duration::from_millis(50);

/// Lists the messages of a folder.
///
/// A file that is renamed while a directory is read may be missed. A listing therefore counts only
/// if the directories did not change meanwhile, or if two in a row are equal. In a folder that
/// never rests, a message counts as there if any of the listings had it: that is wrong at most
/// for a message that was just deleted, which the next sync sees.
pub(crate) fn scan(folder: &Folder, names: &NameSource) -> Result<Scan, MaildirError> {
    let mut infos = Infos::default();
    let mut seen: Vec<Entry> = Vec::new();
    let mut last_sum = None;
    for attempt in 0..TRIES {
        std::thread::sleep(Duration::from_millis(u64::from(attempt.saturating_sub(1) * 2)));
        let before = stamps(folder)?;
        let Reading { entries, doubled } = read_once(folder, &mut infos)?;
        let after = stamps(folder)?;
        let sum = Sum::of(&entries);
        let rested =
            before.iter().all(|stamp| names.age(*stamp).is_some_and(|age| age > CLOCK_GRAIN));
        if (rested && before == after) || last_sum == Some(sum) {
            warn_of_doubled(folder, &doubled);
            return Ok(Scan { entries, infos });
        }
        last_sum = Some(sum);
        seen = merged(entries, seen);
    }
    tracing::debug!(path = %folder.path.display(), "the folder changes all the time");
    Ok(Scan { entries: seen, infos })
}

fn stamps(folder: &Folder) -> Result<[SystemTime; 2], MaildirError> {
    let stamp = |subdir| {
        let path = folder.subdir(subdir);
        fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .map_err(MaildirError::list(&path))
    };
    Ok([stamp(Subdir::New)?, stamp(Subdir::Cur)?])
}

/// What one look at the directories showed.
struct Reading {
    entries: Vec<Entry>,
    /// Messages of which there was a second file. One that is being renamed may seem to have two.
    doubled: Vec<Key>,
}

fn warn_of_doubled(folder: &Folder, doubled: &[Key]) {
    for message in doubled {
        tracing::warn!(
            path = %folder.path.display(), %message,
            "two files have the name of one message; one of them is ignored"
        );
    }
}

/// Reads `new`, then `cur`: a message on its way between them is seen at least once.
fn read_once(folder: &Folder, infos: &mut Infos) -> Result<Reading, MaildirError> {
    let mut entries = Vec::new();
    for subdir in Subdir::ALL {
        read_directory(folder, subdir, infos, &mut entries)?;
    }
    // Of equal keys the one in cur comes first, then the one with the first info part.
    entries.sort_unstable_by(|a, b| {
        let by_info = |entry: &Entry| infos.text(entry.place.info).to_vec();
        a.key
            .cmp(&b.key)
            .then_with(|| b.place.subdir.cmp(&a.place.subdir))
            .then_with(|| by_info(a).cmp(&by_info(b)))
    });
    let mut doubled = Vec::new();
    entries.dedup_by(|dropped, kept| {
        let same = dropped.key == kept.key;
        if same {
            doubled.push(kept.key.clone());
        }
        same
    });
    Ok(Reading { entries, doubled })
}

fn read_directory(
    folder: &Folder,
    subdir: Subdir,
    infos: &mut Infos,
    entries: &mut Vec<Entry>,
) -> Result<(), MaildirError> {
    let path = folder.subdir(subdir);
    let failed = || MaildirError::list(&path);
    for entry in fs::read_dir(&path).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name();
        let name = name.as_bytes();
        if name.first() == Some(&b'.') {
            continue;
        }
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            // Gone since; the stamps make it be read again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed()(error)),
        };
        let (base, info) = split(name);
        let is_message = kind.is_file() || (kind.is_symlink() && is_linked_message(&entry.path()));
        if base.is_empty() || !is_message {
            tracing::debug!(path = %entry.path().display(), "not a message");
            continue;
        }
        entries.push(Entry {
            key: key(base, &folder.hash),
            place: Place { subdir, info: infos.number(info) },
            hint: hint(name, &folder.hash),
        });
    }
    Ok(())
}

/// A symbolic link that leads nowhere right now stands for a message that cannot be read, not for
/// one that was deleted.
fn is_linked_message(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |target| target.is_file())
}

/// What tells two listings apart, independent of their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum {
    count: usize,
    hashes: u64,
}

impl Sum {
    fn of(entries: &[Entry]) -> Self {
        let hashes = entries.iter().map(|entry| index::hash(&(&entry.key, entry.place)));
        Self { count: entries.len(), hashes: hashes.fold(0, u64::wrapping_add) }
    }
}

/// Adds the messages that only the older listing has.
fn merged(newer: Vec<Entry>, older: Vec<Entry>) -> Vec<Entry> {
    let mut all = newer;
    let known = all.len();
    for entry in older {
        let newer = all.get(..known).unwrap_or_default();
        if newer.binary_search_by(|have| have.key.cmp(&entry.key)).is_err() {
            all.push(entry);
        }
    }
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_name::FolderHash;

    struct Fixture {
        dir: tempfile::TempDir,
        folder: Folder,
    }

    fn fixture(files: &[&str]) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        for subdir in ["cur", "new", "tmp"] {
            fs::create_dir(dir.path().join(subdir)).unwrap();
        }
        for file in files {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let folder = Folder { path: dir.path().into(), hash: FolderHash::of("INBOX", '.') };
        Fixture { dir, folder }
    }

    fn seen(fixture: &Fixture) -> Vec<String> {
        let scan = scan(&fixture.folder, &NameSource::of_this_process()).unwrap();
        let show = |entry: &Entry| {
            let info = String::from_utf8_lossy(scan.infos.text(entry.place.info)).into_owned();
            format!("{}/{}{info}", entry.place.subdir.name(), entry.key)
        };
        scan.entries.iter().map(show).collect()
    }

    #[test]
    fn only_files_in_new_and_cur_are_messages() {
        let fixture = fixture(&["new/1.h", "cur/2.h:2,S", "tmp/3.h", "cur/.4.h", "cur/:2,S"]);
        fs::create_dir(fixture.dir.path().join("cur/5.h")).unwrap();
        assert_eq!(seen(&fixture), ["new/1.h", "cur/2.h:2,S"]);
    }

    #[test]
    fn links_to_files_are_messages_even_if_they_lead_nowhere() {
        let fixture = fixture(&["tmp/file"]);
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, fixture.dir.path().join("cur").join(name)).unwrap();
        };
        link("../tmp/file", "1.h");
        link("../tmp/nothing", "2.h");
        link("../tmp", "3.h");
        assert_eq!(seen(&fixture), ["cur/1.h", "cur/2.h"]);
    }

    #[test]
    fn a_message_on_its_way_to_cur_is_seen_once() {
        assert_eq!(seen(&fixture(&["new/1.h:2,", "cur/1.h:2,S"])), ["cur/1.h:2,S"]);
    }

    #[test]
    fn of_two_files_of_one_name_always_the_same_wins() {
        let fixture = fixture(&["cur/1.h:2,S", "cur/1.h:2,F", "cur/1.h:2,RS"]);
        assert_eq!(seen(&fixture), ["cur/1.h:2,F"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_and_not_an_empty_folder() {
        for missing in ["cur", "new"] {
            let fixture = fixture(&[]);
            fs::remove_dir(fixture.dir.path().join(missing)).unwrap();
            let error = scan(&fixture.folder, &NameSource::of_this_process()).unwrap_err();
            let path = fixture.dir.path().join(missing);
            assert_eq!(error.to_string(), format!("cannot list {}", path.display()));
        }
    }

    #[test]
    fn what_any_listing_had_is_there_in_a_folder_that_never_rests() {
        let mut infos = Infos::default();
        let mut entry = |name: &[u8], info: &[u8]| Entry {
            key: Key::name(name),
            place: Place { subdir: Subdir::Cur, info: infos.number(info) },
            hint: None,
        };
        let older = vec![entry(b"a", b""), entry(b"b", b"")];
        let newer = vec![entry(b"b", b":2,S"), entry(b"c", b"")];
        let all = merged(newer.clone(), older.clone());
        assert_eq!(all, [older[0].clone(), newer[0].clone(), newer[1].clone()]);
    }

    #[test]
    fn no_message_is_missed_while_another_program_renames_it() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let fixture = fixture(&[]);
        let path = |name: &str| fixture.dir.path().join(name);
        for n in 0..300 {
            fs::write(path(&format!("cur/{n}.h:2,")), "").unwrap();
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for n in 0..300 {
                        let [old, new] = ["", "S"].map(|f| path(&format!("cur/{n}.h:2,{f}")));
                        fs::rename(&old, &new).unwrap();
                        fs::rename(&new, &old).unwrap();
                    }
                }
            });
            let counts: Vec<usize> = (0..20).map(|_| seen(&fixture).len()).collect();
            stop.store(true, Ordering::Relaxed);
            assert_eq!(counts, [300; 20]);
        });
    }
}
