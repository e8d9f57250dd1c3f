//! A repository of Maildir folders.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_core::{
    Access, Epoch, Listing, Mailbox, MailboxEntry, MailboxName, Store, StoreError, StoreErrorKind,
    Token,
};

use crate::blocking::Blocking;
use crate::cleaning::remove_leftovers;
use crate::config::{MaildirConfig, MissingRoot};
use crate::discovery::{Found, discover};
use crate::durable::create_directories;
use crate::error::MaildirError;
use crate::folder::{Folder, is_directory, is_folder};
use crate::folder_name::{check_name, directory};
use crate::identity;
use crate::mailbox::{MaildirMailbox, OpenFolder};
use crate::mbsync::MbsyncMarks;
use crate::message_name::FolderHash;
use crate::migration::{MigratingFolder, Migration, Renaming};

/// Folders are independent of each other; more at once only compete for the disk.
const USEFUL_OPEN_MAILBOXES: usize = 8;

/// A directory with Maildir folders.
///
/// Making one touches nothing on the disk. The caller holds the lock of the account: of two
/// processes that sync the same folders, one would take the other's deliveries for leftovers.
#[derive(Debug)]
pub struct MaildirStore(Arc<Environment>);

/// What all mailboxes of a store share.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) config: MaildirConfig,
    pub(crate) blocking: Blocking,
}

/// What is at the place of the root directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootState {
    /// Nothing.
    Missing,
    /// A directory that never had an identity, or lost it: a new one, or another one (a disk that
    /// is not mounted leaves an empty directory).
    Unmarked,
    /// A directory with this identity.
    Marked(Epoch),
}

impl MaildirStore {
    /// Makes a store; nothing is created yet.
    pub fn new(config: MaildirConfig) -> Self {
        Self(Arc::new(Environment { config, blocking: Blocking::new() }))
    }

    /// Looks at the root directory, and changes nothing. A caller that knows the identity of the
    /// root compares it with this before anything else, [`MaildirStore::prepare`] included.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub async fn root_state(&self) -> Result<RootState, StoreError> {
        self.blocking(|env| {
            let root = &env.config.root;
            if !is_directory(root).map_err(MaildirError::list(root))? {
                return Ok(RootState::Missing);
            }
            Ok(identity::read(root)?.map_or(RootState::Unmarked, RootState::Marked))
        })
        .await
    }

    /// Creates the root directory (mode 0700, with its parents) if it is missing, gives it an
    /// identity if it has none, and returns the identity. Both are durable on return.
    ///
    /// # Errors
    ///
    /// If the directory or the file in it cannot be written.
    pub async fn prepare(&self) -> Result<Epoch, StoreError> {
        let env = Arc::clone(&self.0);
        let prepared = self.0.blocking.run(move || prepare(&env)).await?;
        prepared.map_err(|error| error.told_as(StoreErrorKind::Store))
    }

    /// Replaces the hash of a folder's own name in the names of its files by that of its visible
    /// name, and tells of every file whose name is not as it would be written today. The keys of
    /// renamed messages change; the UIDs in their names tell the next sync which they are.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or a file cannot be renamed.
    pub async fn migrate_hashes(
        &self,
        folder: &MailboxName,
        renaming: Renaming,
    ) -> Result<Vec<Migration>, StoreError> {
        let name = folder.clone();
        self.blocking(move |env| {
            let MaildirConfig { separator, visible, fsync, steps, .. } = &env.config;
            let folder = MigratingFolder {
                directory: checked_directory(env, name.as_str())?,
                own: FolderHash::of(name.as_str(), *separator),
                visible: FolderHash::of(&visible(name.as_str())?, *separator),
            };
            folder.migrate(renaming, *fsync, steps)
        })
        .await
    }

    /// Tells what mbsync has written into a folder.
    ///
    /// # Errors
    ///
    /// If the name leads nowhere, or the files of mbsync cannot be read.
    pub async fn mbsync_marks(&self, folder: &MailboxName) -> Result<MbsyncMarks, StoreError> {
        let name = folder.clone();
        self.blocking(move |env| MbsyncMarks::of(checked_directory(env, name.as_str())?)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Environment) -> Result<T, MaildirError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let env = Arc::clone(&self.0);
        Ok(self.0.blocking.run(move || job(&env)).await??)
    }
}

#[async_trait]
impl Store for MaildirStore {
    fn kind(&self) -> &'static str {
        "Maildir"
    }

    fn name(&self) -> &str {
        &self.0.config.name
    }

    fn parallelism(&self) -> usize {
        USEFUL_OPEN_MAILBOXES
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let env = Arc::clone(&self.0);
        let listed = self.0.blocking.run(move || list(&env)).await?;
        listed.map_err(|error| error.told_as(StoreErrorKind::Store))
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        // A change of flags by hand can leave the times of both directories as they were.
        Ok(vec![None; names.len()])
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        let name = name.clone();
        self.blocking(move |env| create(env, name.as_str())).await
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        let name = name.clone();
        let folder = self.blocking(move |env| open(env, name.as_str(), access)).await?;
        Ok(Arc::new(MaildirMailbox::new(OpenFolder::new(folder, access, Arc::clone(&self.0)))))
    }

    async fn close(&self) {}
}

fn prepare(env: &Environment) -> Result<Epoch, MaildirError> {
    let MaildirConfig { root, fsync, steps, .. } = &env.config;
    create_directories(root, *fsync, steps)?;
    identity::ensure(root, *fsync, steps)
}

fn list(env: &Environment) -> Result<Listing, MaildirError> {
    let config = &env.config;
    let mut listing = Listing { separator: Some(config.separator), ..Listing::default() };
    if !is_directory(&config.root).map_err(MaildirError::list(&config.root))? {
        return match config.missing_root {
            MissingRoot::Refuse => Err(MaildirError::NoRoot { path: config.root.clone() }),
            MissingRoot::Empty => Ok(listing),
        };
    }
    for found in discover(&config.root, config.separator)? {
        match found {
            Found::Folder(name) => listing.mailboxes.push(MailboxEntry::named(&name)),
            Found::Unusable { name, why } => listing.unusable.push((name, why)),
        }
    }
    Ok(listing)
}

fn create(env: &Environment, name: &str) -> Result<(), MaildirError> {
    let MaildirConfig { fsync, steps, .. } = &env.config;
    let path = checked_directory(env, name)?;
    prepare(env)?;
    create_directories(&path, *fsync, steps)?;
    // A folder exists as soon as it has all three. Its identity is there before it exists.
    identity::ensure(&path, *fsync, steps)?;
    for subdir in ["cur", "new", "tmp"] {
        create_directories(&path.join(subdir), *fsync, steps)?;
    }
    Ok(())
}

fn open(env: &Environment, name: &str, access: Access) -> Result<Folder, MaildirError> {
    let MaildirConfig { fsync, steps, names, visible, separator, .. } = &env.config;
    let path = checked_directory(env, name)?;
    if !is_folder(&path)? {
        return Err(MaildirError::NotAFolder { path });
    }
    let folder = Folder { path, hash: FolderHash::of(&visible(name)?, *separator) };
    match access {
        Access::ReadWrite => {
            identity::ensure(&folder.path, *fsync, steps)?;
            remove_leftovers(&folder, names, steps);
        }
        Access::ReadOnly => {}
    }
    Ok(folder)
}

fn checked_directory(env: &Environment, name: &str) -> Result<PathBuf, MaildirError> {
    check_name(name, env.config.separator)
        .map_err(|why| MaildirError::BadName { name: name.into(), why })?;
    Ok(directory(&env.config.root, name))
}
