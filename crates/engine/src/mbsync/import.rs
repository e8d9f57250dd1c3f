//! Entering what mbsync knew into the state.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::StreamExt as _;
use offlineimap_core::{
    Access, FolderPair, Key, Listing, Mailbox, MailboxName, Observation, Pair, PerSide, Presence,
    Side, SystemFlag, plan_mailboxes,
};

use super::ImportError;
use super::state_file::{BoxNames, StateFile};
use super::sync_state::{Ends, Entry, Mark, SyncState};
use super::{End, Imported, ImportedFolder, MbsyncSetup, NotImported, Numbered, Numbering};
use crate::account::{Account, Mode, create_private};
use crate::legacy::key_of_nobody;
use crate::lock::AccountLock;
use crate::state::{Era, State};
use crate::survey::fingerprints;

/// Enters what mbsync knew of the folders of an account into the state, each folder in one
/// transaction, so that the next sync transfers nothing that both sides have, and carries over what
/// was pending on either side. Returns what came of each folder that both sides have.
///
/// What the state knows already is never replaced. Neither the server nor a message nor a file of
/// mbsync is changed; folders of the Maildir get the identity that their first sync would give
/// them. In a dry run nothing at all is written. Both stores are closed on return.
///
/// # Errors
///
/// If the account is locked, if its state cannot be used, or if a store cannot be listed.
pub async fn import_from_mbsync(
    account: &Account,
    setup: &MbsyncSetup,
) -> Result<Vec<ImportedFolder>, ImportError> {
    let imported = import_all(account, setup).await;
    tokio::join!(account.stores.remote.close(), account.stores.local.close());
    imported
}

async fn import_all(
    account: &Account,
    setup: &MbsyncSetup,
) -> Result<Vec<ImportedFolder>, ImportError> {
    let (state, _lock) = open_state(account).await?;
    let (remote, local) = tokio::join!(account.stores.remote.list(), account.stores.local.list());
    let listing = PerSide { remote: remote?, local: local? };
    let structure = plan_mailboxes(
        listing.as_ref(),
        PerSide { remote: &*account.rules.remote, local: &*account.rules.local },
        account.policy,
    )?;
    let import = Import { account, setup, state: &state, listing: &listing };
    let width = account.stores.remote.parallelism().max(1);
    let mut folders = Vec::new();
    let mut outcomes = futures_util::stream::iter(structure.pairs)
        .map(async |folder| match import.folder(&folder).await {
            Ok(outcome) => Ok(ImportedFolder { folder, outcome }),
            Err(error) => Err(error),
        })
        .buffered(width);
    while let Some(outcome) = outcomes.next().await {
        folders.push(outcome?);
    }
    folders.extend(import.without_counterpart(&folders).await?);
    folders.sort_by(|a, b| a.folder.remote.cmp(&b.folder.remote));
    Ok(folders)
}

/// Opens the state, under the account's lock; a dry run needs neither.
async fn open_state(account: &Account) -> Result<(State, Option<AccountLock>), ImportError> {
    let path = account.state_path();
    if account.mode == Mode::DryRun {
        return Ok((State::open_copy(&path, &account.scratch).await?, None));
    }
    for directory in [&account.metadata, &account.directory()] {
        create_private(directory)
            .map_err(|source| ImportError::Metadata { path: directory.clone(), source })?;
    }
    let lock = AccountLock::take(&account.metadata, &account.name)?;
    let (state, damaged) = State::open(&path, account.durability, account.steps.clone()).await?;
    match damaged {
        // It knew more than mbsync, whose state is older.
        Some(path) => Err(ImportError::Damaged { path }),
        None => Ok((state, Some(lock))),
    }
}

struct Import<'a> {
    account: &'a Account,
    setup: &'a MbsyncSetup,
    state: &'a State,
    listing: &'a PerSide<Listing>,
}

impl Import<'_> {
    async fn folder(
        &self,
        folder: &FolderPair,
    ) -> Result<Result<Imported, NotImported>, ImportError> {
        if self.state.base(folder).await?.id.is_some() {
            return Ok(Err(NotImported::Known));
        }
        let found = match self.read(folder).await {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        if self.account.mode == Mode::Sync {
            self.state.import(folder, &found.era, found.pairs).await?;
        }
        Ok(Ok(found.imported))
    }

    /// Finds the local folders that mbsync has synced and that have no counterpart, under whatever
    /// name the rules give it.
    async fn without_counterpart(
        &self,
        paired: &[ImportedFolder],
    ) -> Result<Vec<ImportedFolder>, ImportError> {
        let known: BTreeSet<&MailboxName> = paired.iter().map(|it| &it.folder.local).collect();
        let mut lonely = Vec::new();
        for entry in &self.listing.local.mailboxes {
            let rules = &self.account.rules.local;
            if known.contains(&entry.name) || !rules.includes(entry.name.as_str())? {
                continue;
            }
            if self.setup.maildir.folder(&entry.name).await?.numbering != Numbering::Unknown {
                let (remote, local) = (entry.name.clone(), entry.name.clone());
                let folder = FolderPair { remote, local };
                lonely.push(ImportedFolder { folder, outcome: Err(NotImported::NoCounterpart) });
            }
        }
        Ok(lonely)
    }

    /// Finds out what mbsync knew of a folder that can be believed.
    async fn read(&self, folder: &FolderPair) -> Result<Found, NotImported> {
        let account = self.account;
        let marked = self.setup.maildir.folder(&folder.local).await?;
        let local_validity = match marked.numbering {
            Numbering::InNames { validity } => validity,
            Numbering::InDatabase { path } => return Err(NotImported::AltMap { path }),
            Numbering::Unknown => return Err(NotImported::NoNumbering),
        };
        // Nothing is going to be changed on the server.
        let remote = account.stores.remote.open(&folder.remote, Access::ReadOnly).await?;
        let seen_remote = remote.observe().await?;
        let (state, path) = {
            let remote_validity = seen_remote.epoch.as_str().parse::<u32>().unwrap_or_default();
            let validity = match self.setup.maildir_end {
                End::Near => Ends { far: remote_validity, near: local_validity },
                End::Far => Ends { far: local_validity, near: remote_validity },
            };
            let location = self.setup.location.clone();
            let separators = self.listing.as_ref().map(|it| it.separator);
            let names = BoxNames::of(
                (folder.remote.as_str(), separators.remote),
                (folder.local.as_str(), separators.local),
            );
            let find = move || StateFile::find(&location, &marked.directory, &names, validity);
            let file = tokio::task::spawn_blocking(find).await;
            let file = file.unwrap_or_else(|it| std::panic::resume_unwind(it.into_panic()))?;
            self.check_validity(&file, validity)?;
            // Held no longer than the file is read: whatever mbsync does from here on shows
            // itself as a difference between the state and the two sides.
            (file.state, file.path)
        };
        tracing::debug!(path = %path.display(), folder = %folder.remote, "sync state of mbsync");
        let state = match self.setup.maildir_end {
            End::Near => state,
            End::Far => state.swapped(),
        };
        let access = match account.mode {
            Mode::Sync if account.policy.may_change(Side::Local) => Access::ReadWrite,
            Mode::Sync | Mode::DryRun => Access::ReadOnly,
        };
        let local = account.stores.local.open(&folder.local, access).await?;
        let seen_local = local.observe().await?;
        let sides = PerSide { remote, local };
        let seen = PerSide { remote: seen_remote, local: seen_local };
        let era = Era {
            identities: account.stores.as_ref().map(|it| it.identity().unwrap_or_default()),
            epochs: seen.as_ref().map(|it| it.epoch.clone()),
        };
        let files = Files::of(&seen.local, |key| self.setup.maildir.numbered(key))?;
        let paired = pair_up(&state, &files, &seen)?;
        let (pairs, imported) = paired.proven(&sides, &seen).await?;
        Ok(Found { era, pairs, imported })
    }

    fn check_validity(&self, file: &StateFile, found: Ends<u32>) -> Result<(), NotImported> {
        let (far, near) = match self.setup.maildir_end {
            End::Near => (Side::Remote, Side::Local),
            End::Far => (Side::Local, Side::Remote),
        };
        let saved = file.state.validity;
        for (side, saved, found) in [(far, saved.far, found.far), (near, saved.near, found.near)] {
            if saved != found || saved == 0 {
                let (found, path) = (found.to_string(), file.path.clone());
                return Err(NotImported::OtherValidity { side, saved, found, path });
            }
        }
        Ok(())
    }
}

/// What is known of a folder.
struct Found {
    era: Era,
    pairs: Vec<Pair>,
    imported: Imported,
}

/// The files of a folder by the UIDs that mbsync gave them.
struct Files {
    by_uid: BTreeMap<NonZeroU32, Key>,
    /// UIDs that more than one file has: nobody knows which of them is meant.
    ambiguous: BTreeSet<NonZeroU32>,
    is_empty: bool,
}

impl Files {
    fn of(seen: &Observation, numbered: impl Fn(&Key) -> Numbered) -> Result<Self, NotImported> {
        let mut files =
            Self { by_uid: BTreeMap::new(), ambiguous: BTreeSet::new(), is_empty: true };
        let mut renamed = 0;
        for item in seen.items() {
            files.is_empty = false;
            match numbered(&item.key) {
                Numbered::As(uid) => {
                    if files.by_uid.insert(uid, item.key.clone()).is_some() {
                        files.ambiguous.insert(uid);
                    }
                }
                Numbered::Not => {}
                Numbered::ByOthers => renamed += 1,
            }
        }
        // One that was renamed looks like one that was deleted.
        if renamed > 0 { Err(NotImported::Renamed { files: renamed }) } else { Ok(files) }
    }
}

/// The pairs of a folder, as the UIDs have it.
#[derive(Debug, Default)]
struct PairedUp {
    pairs: Vec<Pair>,
    imported: Imported,
}

/// Makes a pair of each entry that can be one. A message that is gone from one side keeps its place
/// there under a key that no message has, so that its deletion is still carried to the other side.
fn pair_up(
    state: &SyncState,
    files: &Files,
    seen: &PerSide<Observation>,
) -> Result<PairedUp, NotImported> {
    let mut paired = PairedUp::default();
    let (mut placeholders, mut in_common, mut gone_here) = (0, 0, 0);
    for entry in &state.entries {
        let sighting = Sighting::of(entry, files, seen);
        let mut flags = entry.flags.clone();
        match entry.mark {
            Mark::None => {}
            Mark::Placeholder if sighting.local.is_some() || sighting.remote.is_some() => {
                placeholders += 1;
                continue;
            }
            // Gone here for want of room, and not because anybody deleted it.
            Mark::Expired if sighting.local.is_none() => {
                paired.imported.expired += usize::from(sighting.remote.is_some());
                continue;
            }
            // The mark that it bears for the same reason must not get to the server: as one that
            // was taken off there, it goes away here.
            Mark::Expired => flags = flags.with(SystemFlag::Deleted),
            Mark::Placeholder | Mark::Skipped => continue,
        }
        if sighting.local_is_ambiguous {
            paired.imported.doubtful += 1;
            continue;
        }
        match (entry.uids.far, entry.uids.near) {
            (Some(there), Some(here)) => {
                let local = match (&sighting.local, &sighting.remote) {
                    (None, None) => continue,
                    (Some(local), _) => {
                        in_common += 1;
                        local.clone()
                    }
                    (None, Some(_)) => {
                        gone_here += 1;
                        key_of_nobody(here, &seen.local)
                    }
                };
                let both = sighting.local.is_some() && sighting.remote.is_some();
                paired.imported.messages += 1;
                paired.imported.deletions += usize::from(!both);
                paired.pairs.push(Pair::new(Key::number(there), local, flags));
            }
            _ => paired.pairs.extend(half_gone(entry, &sighting, seen)),
        }
    }
    if placeholders > 0 {
        return Err(NotImported::Placeholders { count: placeholders });
    }
    // Files that lost their UIDs look the same as a folder that was emptied.
    if gone_here > 0 && in_common == 0 && !files.is_empty {
        return Err(NotImported::NothingInCommon);
    }
    Ok(paired)
}

/// Where the messages of an entry are.
struct Sighting {
    local: Option<Key>,
    local_is_ambiguous: bool,
    remote: Option<Key>,
}

impl Sighting {
    fn of(entry: &Entry, files: &Files, seen: &PerSide<Observation>) -> Self {
        let remote = entry.uids.far.map(Key::number);
        Self {
            local: entry.uids.near.and_then(|uid| files.by_uid.get(&uid).cloned()),
            local_is_ambiguous: entry.uids.near.is_some_and(|uid| files.ambiguous.contains(&uid)),
            remote: remote.filter(|key| !matches!(seen.remote.presence(key), Presence::Absent)),
        }
    }
}

/// Makes a pair of an entry that mbsync knows to be gone from one side, if the other side has just
/// been marked (`Expunge None`): it is not to come back. Otherwise its message may never have got
/// to that side, and is copied.
fn half_gone(entry: &Entry, sighting: &Sighting, seen: &PerSide<Observation>) -> Option<Pair> {
    let is_marked = |side: Side, key: &Key| match seen.get(side).presence(key) {
        Presence::Present(item) => item.flags.contains(SystemFlag::Deleted),
        Presence::Absent | Presence::Unknown | Presence::Outside => false,
    };
    let (remote, local, deleted_on) = match (entry.uids.far, entry.uids.near) {
        (Some(uid), None) => {
            let remote = sighting.remote.clone().filter(|key| is_marked(Side::Remote, key))?;
            (remote, key_of_nobody(uid, &seen.local), Side::Local)
        }
        (None, Some(uid)) => {
            let local = sighting.local.clone().filter(|key| is_marked(Side::Local, key))?;
            (key_of_nobody(uid, &seen.remote), local, Side::Remote)
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let flags = entry.flags.clone().with(SystemFlag::Deleted);
    Some(Pair { deleted_on: Some(deleted_on), ..Pair::new(remote, local, flags) })
}

impl PairedUp {
    /// Leaves out pairs whose two messages are not the same one: a file that was moved from another
    /// folder with its name bears the UID of somebody else's.
    async fn proven(
        mut self,
        sides: &PerSide<Arc<dyn Mailbox>>,
        seen: &PerSide<Observation>,
    ) -> Result<(Vec<Pair>, Imported), NotImported> {
        let is_there = |pair: &&Pair| {
            Side::BOTH
                .into_iter()
                .all(|side| matches!(seen.get(side).presence(pair.key(side)), Presence::Present(_)))
        };
        let both: Vec<&Pair> = self.pairs.iter().filter(is_there).collect();
        let keys = |side| both.iter().map(|pair| pair.key(side).clone()).collect();
        let looks =
            fingerprints(&*sides.remote, keys(Side::Remote), &*sides.local, keys(Side::Local))
                .await?;
        let wrong: BTreeSet<Key> = both
            .iter()
            .filter(|pair| looks.contradict(&pair.remote, &pair.local))
            .map(|pair| pair.remote.clone())
            .collect();
        let (contradicted, compared) = (wrong.len(), both.len());
        if contradicted * 2 > compared {
            return Err(NotImported::OtherMessages { contradicted, compared });
        }
        self.pairs.retain(|pair| !wrong.contains(&pair.remote));
        self.imported.messages -= contradicted;
        self.imported.doubtful += contradicted;
        Ok((self.pairs, self.imported))
    }
}
