//! The files of OfflineIMAP: where they are, and what is in them.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32 as Uid;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use offlineimap_core::{FolderPair, Listing, MailboxName, NameRules, PerSide, RuleError, Side};

use super::names::{file_name, status_file_name};
use super::text::{BadLine, StatusRow, UidMap, parse_status, parse_uid_map, parse_validity};
use crate::account::{Account, RunError};
use crate::state::StateError;
use crate::state::legacy::{MARKER, ReadStatusError, STATUS_DIRECTORIES, read_status};

/// Finds the directory in which OfflineIMAP has kept the status of an account that it has synced,
/// below the metadata directory. `None` as well if this program has had a state for the account.
///
/// # Errors
///
/// If a directory cannot be read.
pub fn old_status(metadata: &Path, account: &str) -> io::Result<Option<PathBuf>> {
    let directory = metadata.join(format!("Account-{account}"));
    if directory.join(MARKER).try_exists()? {
        return Ok(None);
    }
    for name in STATUS_DIRECTORIES {
        let path = directory.join(name);
        let files = match std::fs::read_dir(&path) {
            Ok(entries) => entries.count(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if files > 0 {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The files that OfflineIMAP left for an account.
pub(crate) struct OldFiles {
    places: Places,
    scratch: PathBuf,
    /// Those of the remote side, after whose names status files are called.
    rules: Arc<dyn NameRules + Send + Sync>,
    /// The remote folders that have each status file.
    owners: BTreeMap<String, Vec<Owner>>,
}

/// A remote folder that has a status file.
#[derive(Debug)]
struct Owner {
    name: MailboxName,
    visible: String,
    /// Whether this run syncs the folder; another one may have.
    included: bool,
}

/// The directories of an account and its repositories, and the separators in its names.
#[derive(Debug)]
pub(super) struct Places {
    account: PathBuf,
    repositories: PerSide<PathBuf>,
    separators: PerSide<Option<char>>,
}

/// The files of one folder. None of them need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderFiles {
    pub(super) database: PathBuf,
    pub(super) plain: PathBuf,
    pub(super) validity: PerSide<PathBuf>,
    pub(super) uid_map: PathBuf,
    /// Where a `startdate` began.
    pub(super) start_uid: PerSide<PathBuf>,
}

/// What OfflineIMAP knew of a folder.
#[derive(Debug)]
pub(super) struct OldFolder {
    /// The messages that both sides had; at least one.
    pub(super) rows: Vec<StatusRow>,
    pub(super) source: Source,
    /// UIDVALIDITY, where it is known.
    pub(super) validity: PerSide<Option<u32>>,
    /// Which local UID is which remote one, if the local side is a server.
    pub(super) uid_map: Option<UidMap>,
}

/// Which file the rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The one in use until the end.
    Database,
    /// The historical one, which nobody has kept up to date since there are databases.
    PlainText,
}

/// Why old files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OldFilesError {
    #[error(transparent)]
    Database(#[from] ReadStatusError),
    #[error("'{path}' is damaged: {source}", path = path.display())]
    Damaged { path: PathBuf, source: BadLine },
    #[error("cannot read '{path}': {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("it cannot be told apart from that of folder '{other}'")]
    Shared { other: MailboxName },
}

impl OldFilesError {
    /// Tells whether it will be the same at the next try.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Shared { .. } => true,
            Self::Database(error) => matches!(error, ReadStatusError::Damaged { .. }),
            Self::Io { .. } | Self::Rule(_) => false,
        }
    }
}

impl OldFiles {
    /// Looks whether OfflineIMAP has kept a status for this account.
    pub(crate) async fn find(
        account: &Account,
        listing: &PerSide<Listing>,
    ) -> Result<Option<Self>, RunError> {
        let separators = listing.as_ref().map(|it| it.separator);
        let places = Places::new(account, separators);
        let mut is_there = false;
        for name in STATUS_DIRECTORIES {
            let path = places.account.join(name);
            let found = path.try_exists().map_err(|source| StateError::Io { path, source })?;
            is_there = is_there || found;
        }
        if !is_there {
            return Ok(None);
        }
        let scratch = account.scratch.clone();
        let rules = Arc::clone(&account.rules.remote);
        let names: Vec<MailboxName> =
            listing.remote.mailboxes.iter().map(|entry| entry.name.clone()).collect();
        let found = tokio::task::spawn_blocking(move || {
            let mut old = Self { places, scratch, rules, owners: BTreeMap::new() };
            for name in names {
                let included = old.rules.includes(name.as_str())?;
                let (visible, file) = old.names_of(&name)?;
                old.owners.entry(file).or_default().push(Owner { name, visible, included });
            }
            Ok(Some(old))
        });
        found.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Returns the visible name of a remote folder, and the name of its status file.
    fn names_of(&self, remote: &MailboxName) -> Result<(String, String), RuleError> {
        let separator = self.places.separators.remote;
        let visible = self.rules.visible(remote.as_str(), separator)?;
        let file = status_file_name(&visible, separator);
        Ok((visible, file))
    }

    /// Reads what is known of a folder. `None` if that is nothing. Blocks.
    pub(super) fn read(&self, pair: &FolderPair) -> Result<Option<OldFolder>, OldFilesError> {
        let (visible, name) = self.names_of(&pair.remote)?;
        let files = self.places.files(pair, &name);
        let (rows, source) = match read_status(&files.database, &self.scratch)? {
            rows if rows.is_empty() => (read_plain(&files.plain)?, Source::PlainText),
            rows => (rows, Source::Database),
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let owners = self.owners.get(&name).map(Vec::as_slice).unwrap_or_default();
        // `nametrans` may give a folder that is left out the name of one that is not.
        let shares = |it: &&Owner| it.name != pair.remote && (it.included || it.visible != visible);
        if let Some(other) = owners.iter().find(shares) {
            return Err(OldFilesError::Shared { other: other.name.clone() });
        }
        let validity = PerSide {
            remote: read_validity(&files.validity.remote)?,
            local: read_validity(&files.validity.local)?,
        };
        Ok(Some(OldFolder { rows, source, validity, uid_map: read_uid_map(&files.uid_map)? }))
    }
}

impl OldFiles {
    /// Reads where a `startdate` of one repository began in a folder. Nothing if that cannot be
    /// read: then it is found out anew.
    pub(crate) fn start_uid(
        &self,
        pair: &FolderPair,
        side: Side,
    ) -> Result<Option<Uid>, StateError> {
        // The name of the status file has no part in it.
        let files = self.places.files(pair, "");
        let path = files.start_uid.get(side);
        match read(path) {
            Ok(bytes) => Ok(bytes.and_then(|bytes| parse_validity(&bytes)).and_then(Uid::new)),
            Err(OldFilesError::Io { path, source }) => Err(StateError::Io { path, source }),
            Err(
                OldFilesError::Database(_)
                | OldFilesError::Damaged { .. }
                | OldFilesError::Shared { .. }
                | OldFilesError::Rule(_),
            ) => Ok(None),
        }
    }
}

impl Places {
    pub(super) fn new(account: &Account, separators: PerSide<Option<char>>) -> Self {
        Self {
            account: account.directory(),
            repositories: account
                .stores
                .as_ref()
                .map(|it| account.metadata.join(format!("Repository-{}", it.name()))),
            separators,
        }
    }

    /// Returns the files of a folder whose status file has this name.
    pub(super) fn files(&self, pair: &FolderPair, status: &str) -> FolderFiles {
        let in_repository = |side: Side, kind: &str| {
            let separator = *self.separators.get(side);
            let file = file_name(pair.name(side).as_str(), separator);
            self.repositories.get(side).join(kind).join(file)
        };
        let [database, plain] = STATUS_DIRECTORIES;
        FolderFiles {
            database: self.account.join(database).join(status),
            plain: self.account.join(plain).join(status),
            validity: PerSide::from_fn(|side| in_repository(side, "FolderValidity")),
            uid_map: in_repository(Side::Local, "UIDMapping"),
            start_uid: PerSide::from_fn(|side| in_repository(side, "StartUID")),
        }
    }
}

fn read_plain(path: &Path) -> Result<Vec<StatusRow>, OldFilesError> {
    match read(path)? {
        Some(bytes) => parse_status(&bytes).map_err(damaged(path)),
        None => Ok(Vec::new()),
    }
}

fn read_validity(path: &Path) -> Result<Option<u32>, OldFilesError> {
    Ok(read(path)?.and_then(|bytes| parse_validity(&bytes)))
}

/// Reads a UID map. A `.tmp` beside it is what a killed process had not finished, and nobody's.
fn read_uid_map(path: &Path) -> Result<Option<UidMap>, OldFilesError> {
    read(path)?.map(|bytes| parse_uid_map(&bytes).map_err(damaged(path))).transpose()
}

fn damaged(path: &Path) -> impl FnOnce(BadLine) -> OldFilesError {
    let path = path.to_owned();
    move |source| OldFilesError::Damaged { path, source }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, OldFilesError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OldFilesError::Io { path: path.to_owned(), source }),
    }
}
