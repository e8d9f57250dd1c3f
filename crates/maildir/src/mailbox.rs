//! One open folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use offlineimap_core::{
    Access, Applied, Binding, Body, Delivery, Epoch, Fingerprint, FlagChange, Flags, Hints, Item,
    Key, Limit, Mailbox, NewMessage, Observation, Receiver, Removal, Removed, Scope, Staged,
    StoreError, Stored, Window,
};
use rustix::fs::Access as Permission;

use crate::access_times::AccessTimes;
use crate::config::DirectoryTimes;
use crate::durable::sync_directory;
use crate::error::MaildirError;
use crate::folder::{Folder, Subdir};
use crate::identity;
use crate::index::{Index, InfoId};
use crate::message_name::{Info, base};
use crate::scan::{Entry, Scan, scan};
use crate::store::Environment;

/// An open folder: a handle on what blocking work shares.
#[derive(Debug, Clone)]
pub(crate) struct MaildirMailbox(pub(crate) Arc<OpenFolder>);

/// What blocking work on a folder needs.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    pub(crate) folder: Folder,
    pub(crate) env: Arc<Environment>,
    access: Access,
    index: Mutex<Index>,
    /// Put back when the folder is no longer open.
    _access_times: Option<AccessTimes>,
}

/// A message where it was last seen. Its file may have been renamed or removed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) subdir: Subdir,
    pub(crate) base: Vec<u8>,
    pub(crate) info: Vec<u8>,
}

impl Seen {
    pub(crate) fn path(&self, folder: &Folder) -> PathBuf {
        folder.message(self.subdir, &self.base, &self.info)
    }
}

/// What came of working on a file.
#[derive(Debug)]
pub(crate) enum Attempt<T> {
    /// It worked.
    Made(T),
    /// There is no such file any more.
    Missing,
}

impl<T> Attempt<T> {
    /// Takes a missing file out of the errors.
    pub(crate) fn of(
        done: io::Result<T>,
        failed: impl FnOnce(io::Error) -> MaildirError,
    ) -> Result<Self, MaildirError> {
        match done {
            Ok(made) => Ok(Self::Made(made)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) => Err(failed(error)),
        }
    }
}

/// By then every system has written a change to the disk by itself, even one that saves power.
const WRITTEN_BACK: Duration = Duration::from_hours(1);

/// How often a message is looked for that somebody else keeps renaming.
const ROUNDS: u32 = 4;

impl OpenFolder {
    pub(crate) fn new(folder: Folder, access: Access, env: Arc<Environment>) -> Self {
        let access_times = match env.config.conventions.directory_times {
            DirectoryTimes::Left => None,
            DirectoryTimes::PutBack => Some(AccessTimes::of(&folder)),
        };
        Self { folder, env, access, index: Mutex::default(), _access_times: access_times }
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses changes of a folder that was opened for reading.
    pub(crate) fn require_writable(&self) -> Result<(), MaildirError> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(MaildirError::ReadOnly { path: self.folder.path.clone() }),
        }
    }

    /// Reads the folder, and remembers where everything is.
    pub(crate) fn rescan(&self) -> Result<Vec<Item>, MaildirError> {
        let Scan { entries, infos } = scan(&self.folder, &self.env.config.names)?;
        let conventions = &self.env.config.conventions;
        let flags: BTreeMap<InfoId, Flags> =
            infos.iter().map(|(id, info)| (id, Info::parse(info).flags(conventions))).collect();
        self.index().fill(entries.iter().map(|entry| (&entry.key, entry.place)), infos);
        let item = |entry: Entry| Item {
            flags: flags.get(&entry.place.info).cloned().unwrap_or_default(),
            key: entry.key,
            hint: entry.hint.map(Key::number),
        };
        Ok(entries.into_iter().map(item).collect())
    }

    /// Returns where a message was last seen.
    pub(crate) fn seen(&self, key: &Key) -> Result<Option<Seen>, MaildirError> {
        let base = base(key, &self.folder.hash).ok_or_else(|| MaildirError::ForeignKey {
            path: self.folder.path.clone(),
            key: key.to_string(),
        })?;
        let guess = self.index().guess(key);
        Ok(guess.map(|(subdir, info)| Seen { subdir, base, info }))
    }

    /// Does something to each of the files behind some keys, and looks for those that are no
    /// longer where they were seen. Returns, in the order of the requests, what came of it, or
    /// `None` for a message that is gone.
    pub(crate) fn for_each_file<R, T>(
        &self,
        requests: &[R],
        key: impl Fn(&R) -> &Key,
        mut act: impl FnMut(&R, &Seen) -> Result<Attempt<T>, MaildirError>,
    ) -> Vec<Result<Option<T>, MaildirError>> {
        let mut outcomes: Vec<(usize, Result<Option<T>, MaildirError>)> = Vec::new();
        let mut pending: Vec<(usize, &R)> = requests.iter().enumerate().collect();
        let mut just_scanned = false;
        for _ in 0..ROUNDS {
            if !just_scanned && !self.index().is_filled() {
                just_scanned = true;
                if let Err(error) = self.rescan() {
                    outcomes.extend(pending.drain(..).map(|(at, _)| (at, Err(error.clone()))));
                }
            }
            let mut missing = Vec::new();
            for (at, request) in pending {
                match self.seen(key(request)) {
                    Err(error) => outcomes.push((at, Err(error))),
                    Ok(None) if just_scanned => outcomes.push((at, Ok(None))),
                    Ok(None) => missing.push((at, request)),
                    Ok(Some(seen)) => match act(request, &seen) {
                        Ok(Attempt::Made(made)) => outcomes.push((at, Ok(Some(made)))),
                        Ok(Attempt::Missing) => missing.push((at, request)),
                        Err(error) => outcomes.push((at, Err(error))),
                    },
                }
            }
            pending = missing;
            if pending.is_empty() {
                break;
            }
            just_scanned = true;
            if let Err(error) = self.rescan() {
                outcomes.extend(pending.drain(..).map(|(at, _)| (at, Err(error.clone()))));
                break;
            }
        }
        outcomes.extend(pending.into_iter().map(|(at, request)| {
            let (path, name) = (self.folder.path.clone(), key(request).to_string());
            (at, Err(MaildirError::Restless { path, name }))
        }));
        outcomes.sort_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn observe(&self) -> Result<Observation, MaildirError> {
        let id = identity::read(&self.folder.path)?;
        let items = self.rescan()?;
        if identity::read(&self.folder.path)? != id {
            return Err(MaildirError::Replaced { path: self.folder.path.clone() });
        }
        self.sync_what_is_young()?;
        let mut seen = Observation::complete(self.epoch(id), items);
        seen.support = self.env.config.conventions.keywords.support();
        seen.hints = Hints::Kept;
        seen.access = self.possible_access();
        Ok(seen)
    }

    /// Makes durable what was changed lately: by another program, or by a run that was killed
    /// before it could. What is seen here becomes part of the state; if a loss of power then took
    /// it back, it would look deleted.
    fn sync_what_is_young(&self) -> Result<(), MaildirError> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        for subdir in Subdir::ALL {
            let path = self.folder.subdir(subdir);
            let looked = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let modified = looked.map_err(MaildirError::list(&path))?;
            let age = self.env.config.names.age(modified);
            if age.is_none_or(|age| age < WRITTEN_BACK) {
                sync_directory(&path, self.env.config.fsync)?;
            }
        }
        Ok(())
    }

    /// Keys are abbreviated by the folder's hash, and so mean something only together with it: a
    /// change of the hash (another `nametrans`) must not look like the loss of all messages.
    fn epoch(&self, id: Option<Epoch>) -> Epoch {
        match id {
            Some(id) => Epoch::new(format!("{id}{}", self.folder.hash.suffix())),
            None => identity::unmarked(),
        }
    }

    /// Tells whether the folder could be changed, however it was opened: a plan that is only to
    /// be looked at must be the one that would be carried out.
    fn possible_access(&self) -> Access {
        let directories =
            [self.folder.tmp(), self.folder.subdir(Subdir::New), self.folder.subdir(Subdir::Cur)];
        let writable =
            directories.iter().all(|path| rustix::fs::access(path, Permission::WRITE_OK).is_ok());
        if writable { Access::ReadWrite } else { Access::ReadOnly }
    }

    fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, MaildirError> {
        let is_there = |key: &Key| match self.seen(key) {
            Err(error) => Err(error),
            Ok(None) => Ok(false),
            Ok(Some(seen)) => {
                let path = seen.path(&self.folder);
                match fs::symlink_metadata(&path) {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                    Err(error) => Err(MaildirError::read(&path)(error)),
                }
            }
        };
        let mut present = BTreeSet::new();
        let mut doubtful = BTreeSet::new();
        for key in keys {
            let set = if is_there(key)? { &mut present } else { &mut doubtful };
            set.insert(key.clone());
        }
        if !doubtful.is_empty() {
            // Not where they were seen is not gone: only the whole folder can tell.
            let all = self.rescan()?.into_iter().map(|item| item.key);
            present.extend(all.filter(|key| doubtful.contains(key)));
        }
        Ok(present)
    }
}

impl MaildirMailbox {
    pub(crate) fn new(open: OpenFolder) -> Self {
        Self(Arc::new(open))
    }

    /// Runs file work on this folder.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&OpenFolder) -> T + Send + 'static,
    ) -> Result<T, MaildirError> {
        let open = Arc::clone(&self.0);
        self.0.env.blocking.run(move || job(&open)).await
    }

    /// Runs file work on a batch; if it cannot run, each request gets that error.
    async fn batch<R: Send + 'static, T: Send + 'static>(
        &self,
        requests: Vec<R>,
        job: impl FnOnce(&OpenFolder, Vec<R>) -> Vec<Result<T, MaildirError>> + Send + 'static,
    ) -> Vec<Result<T, StoreError>> {
        let count = requests.len();
        let refused = |error: MaildirError| (0..count).map(|_| Err(error.clone().into())).collect();
        if let Err(error) = self.0.require_writable() {
            return refused(error);
        }
        match self.blocking(move |open| job(open, requests)).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(StoreError::from)).collect()
            }
            Err(error) => refused(error),
        }
    }
}

#[async_trait]
impl Mailbox for MaildirMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        Ok(self.blocking(OpenFolder::observe).await??)
    }

    async fn observe_within(&self, _window: &Window) -> Result<Observation, StoreError> {
        // Names have no order: nothing can be left out before it was looked at.
        self.observe().await
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        self.beyond_limit(keys, limit).await
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        self.fetch_messages(keys, receiver).await
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        self.fingerprint_messages(scope).await
    }

    fn delivery(&self) -> Delivery {
        Delivery::Planned
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        self.stage_message(&message, body).await
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        self.commit_messages(staged).await
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        self.batch(bindings, |open, bindings| open.bind(&bindings)).await
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        self.batch(changes, |open, changes| open.change_flags(&changes)).await
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        let keys = keys.to_vec();
        Ok(self.blocking(move |open| open.present(&keys)).await??)
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        self.batch(keys.to_vec(), move |open, keys| open.remove(keys, removal)).await
    }
}
