//! Writing the state in the files of OfflineIMAP, for the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use offlineimap_core::{Base, Bounds, FolderPair, PerSide, Side, StoreError};

use super::files::{FolderFiles, Places};
use super::names::status_file_name;
use super::text::{StatusRow, UidMap, render_uid_map};
use crate::account::Account;
use crate::lock::{AccountLock, LockError};
use crate::state::legacy::{retire, sync_directory_of, write_status};
use crate::state::{Standing, StartedAt, State, StateError};

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The number of folders.
    pub folders: usize,
    /// The number of messages in them.
    pub messages: usize,
    /// Folders whose messages OfflineIMAP will have to recognise by itself.
    pub left_out: Vec<LeftOut>,
}

/// A folder that was not exported. Nothing is said about its messages, so that none is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The folder.
    pub folder: FolderPair,
    /// Why.
    pub why: LeftOutWhy,
}

/// Why a folder was not exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOutWhy {
    /// It is new or was lost, and no sync has got to its end since.
    NotWhole,
    /// OfflineIMAP would keep it in the same file as this folder.
    SharesFile(FolderPair),
}

/// Why nothing, or not everything, was exported. The state stays in use.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The account is being synced.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The local store cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no state.
    #[error("there is no state '{path}': this account was never synced", path = path.display())]
    NoState {
        /// Where it would be.
        path: PathBuf,
    },
    /// The state is damaged; what is left of it was moved aside.
    #[error(
        "the state was damaged, and was moved to '{path}'; sync once, then export",
        path = path.display()
    )]
    Damaged {
        /// Where it is now.
        path: PathBuf,
    },
    /// Nobody knows yet what an interrupted run has done: OfflineIMAP would do it again.
    #[error("an interrupted sync of folder '{folder}' is not settled yet; sync once, then export",
            folder = folder.remote)]
    Unsettled {
        /// The folder.
        folder: FolderPair,
    },
    /// A file cannot be written.
    #[error("cannot write '{path}': {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Writes what is known about an account in the files of OfflineIMAP (`LocalStatus-sqlite`,
/// `FolderValidity`, `UIDMapping`), so that OfflineIMAP goes on from here without a transfer. The
/// network is not needed.
///
/// The state is taken out of use then: a later sync begins with taking these files over again,
/// with everything that OfflineIMAP has done in the meantime. A crash leaves the state in use, and
/// each file old or new.
///
/// # Errors
///
/// If the account is locked, if there is nothing to export, if an interrupted sync has to be
/// settled first, or if something cannot be read or written.
pub async fn export(account: &Account) -> Result<Exported, ExportError> {
    let path = account.state_path();
    if !path.is_file() {
        return Err(ExportError::NoState { path });
    }
    let _lock = AccountLock::take(&account.metadata, &account.name)?;
    let (state, damaged) = State::open(&path, account.durability, account.steps.clone()).await?;
    if let Some(path) = damaged {
        return Err(ExportError::Damaged { path });
    }
    let local = account.stores.local.list().await?.separator;
    let places = Places::new(account, PerSide { remote: None, local });
    let mut exported = Exported { folders: 0, messages: 0, left_out: Vec::new() };
    let mut by_file: BTreeMap<PathBuf, Vec<(FolderPair, FolderFiles)>> = BTreeMap::new();
    for row in state.mailboxes().await? {
        let folder = row.folder;
        if !state.open_intents(row.id).await?.is_empty() {
            return Err(ExportError::Unsettled { folder });
        }
        // The same name as on the remote side, which is not asked for its separator here.
        let status = status_file_name(folder.local.as_str(), local);
        let files = places.files(&folder, &status);
        by_file.entry(files.database.clone()).or_default().push((folder, files));
    }
    let mut work = Vec::new();
    for sharers in by_file.into_values() {
        let names: Vec<FolderPair> = sharers.iter().map(|(folder, _)| folder.clone()).collect();
        for (folder, files) in sharers {
            let known = state.base(&folder).await?;
            let other = names.iter().find(|it| **it != folder).cloned().map(LeftOutWhy::SharesFile);
            let unfit = (known.standing == Standing::Rebuilding).then_some(LeftOutWhy::NotWhole);
            let rows = match other.or(unfit) {
                None => {
                    exported.folders += 1;
                    exported.messages += known.base.pairs().len();
                    Rows::All
                }
                Some(why) => {
                    exported.left_out.push(LeftOut { folder, why });
                    Rows::None
                }
            };
            work.push((files, known.base, known.started_at, rows));
        }
    }
    drop(state);
    let steps = account.steps.clone();
    let written = tokio::task::spawn_blocking(move || {
        let mut directories = BTreeSet::new();
        for (files, base, started_at, rows) in &work {
            steps.step("export mailbox");
            write_folder(files, base, *rows, &mut directories)?;
            write_start(files, started_at.as_ref(), &mut directories)?;
        }
        for directory in &directories {
            sync_directory_of(&directory.join("file")).map_err(io_error(directory))?;
        }
        steps.step("retire state");
        Ok(retire(&path)?)
    });
    written
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
        .map(|()| exported)
}

/// The "UIDVALIDITY" of a Maildir (`spec/ondisk.md` §5).
const MAILDIR_VALIDITY: u32 = 42;

/// How much OfflineIMAP is told of the messages of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    All,
    /// Nothing: an older status could take for deleted what is only not known.
    None,
}

fn write_folder(
    files: &FolderFiles,
    base: &Base,
    which: Rows,
    directories: &mut BTreeSet<PathBuf>,
) -> Result<(), ExportError> {
    let mut rows = Vec::new();
    let mut map = UidMap::new();
    for pair in base.pairs() {
        let Some(uid) = pair.remote.as_number() else { continue };
        // What is outside of the restrictions may be missing on a side without having been deleted.
        if which == Rows::All && pair.bounds == Bounds::Inside {
            rows.push(StatusRow { uid, flags: pair.flags.clone() });
        }
        if let Some(local) = pair.local.as_number() {
            map.insert(uid, local);
        }
    }
    let Some(epochs) = &base.epochs else { return Ok(()) };
    let validity = PerSide::from_fn(|side| epochs.get(side).as_str().parse::<u32>().ok());
    // OfflineIMAP takes a message for deleted if the status knows it and the map does not.
    if validity.local.is_some() {
        replace(&files.uid_map, &render_uid_map(&map), directories)?;
    }
    create_directory_of(&files.database, directories)?;
    write_status(&files.database, &rows)?;
    // Last: rows from another time must not be given the current UIDVALIDITY.
    let local = validity.local.unwrap_or(MAILDIR_VALIDITY);
    replace(files.validity.get(Side::Local), &format!("{local}\n"), directories)?;
    match validity.remote {
        Some(remote) => {
            replace(files.validity.get(Side::Remote), &format!("{remote}\n"), directories)
        }
        None => Ok(()),
    }
}

/// Without this file, OfflineIMAP wants the other side to be empty before it begins with a
/// `startdate`.
fn write_start(
    files: &FolderFiles,
    started_at: Option<&StartedAt>,
    directories: &mut BTreeSet<PathBuf>,
) -> Result<(), ExportError> {
    let start = started_at.and_then(|it| Some((it.side()?, it.key.as_number()?)));
    let Some((side, uid)) = start else { return Ok(()) };
    replace(files.start_uid.get(side), &format!("{uid}\n"), directories)
}

/// Writes a file as a whole. A crash leaves the old one or the new one.
fn replace(
    path: &Path,
    text: &str,
    directories: &mut BTreeSet<PathBuf>,
) -> Result<(), ExportError> {
    create_directory_of(path, directories)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let draft = PathBuf::from(draft);
    let write = || {
        let mut file = fs::File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(io_error(path))
}

fn create_directory_of(
    path: &Path,
    directories: &mut BTreeSet<PathBuf>,
) -> Result<(), ExportError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    if directories.insert(directory.to_owned()) {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(io_error(directory))?;
    }
    Ok(())
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Io { path, source }
}
