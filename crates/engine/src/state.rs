//! The state of an account: one sqlite database, the authority on which message is which.
//!
//! Only this module and those below it see SQL. Every method that writes is one transaction,
//! durable on return (WAL with `synchronous = FULL`). Creating and migrating are transactions as well: a process that
//! is killed at any moment leaves the old state or the new one.

mod intents;
pub(crate) mod legacy;
mod rows;
mod schema;
mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use offlineimap_core::{
    Base, Bounds, Fingerprint, FlagChange, FolderPair, Intent, IntentKind, Key, Pair, PerSide,
    Side, Steps, Token,
};
use rusqlite::Connection;

use crate::account::Durability;

/// An error of the state database.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database cannot be read or written.
    #[error("the state '{path}' cannot be used: {source}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The directory of the database cannot be used.
    #[error("'{path}' cannot be used for the state: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The database was written by a later version of this program.
    #[error(
        "the state '{path}' has version {found}, this program knows versions up to {known}; \
         use the newer program", path = path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A thread that used the database has panicked or was stopped.
    #[error("the state '{path}' is not available any more", path = path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
}

/// Identifies a mailbox within the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId(pub(crate) i64);

/// A mailbox that the state knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxRow {
    /// Its identity.
    pub id: MailboxId,
    /// Its names.
    pub folder: FolderPair,
}

/// The repositories and epochs in which the keys of a mailbox mean something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// The identities of the repositories; empty where the epoch alone tells.
    pub identities: PerSide<String>,
    /// The epochs of the mailbox.
    pub epochs: PerSide<offlineimap_core::Epoch>,
}

/// What the state knows of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its identity, once it was entered.
    pub id: Option<MailboxId>,
    /// The identities of the repositories with which it was last synced.
    pub identities: PerSide<String>,
    /// Whether the base can be relied on.
    pub standing: Standing,
    /// Where a `startdate` was found to begin.
    pub started_at: Option<StartedAt>,
    /// How the sides looked when nothing was left to do.
    pub settled: Option<Settled>,
    /// What both sides last agreed on.
    pub base: Base,
}

/// Where a window begins for good, once it was found out (`StartUID`, `spec/sync.md` §8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedAt {
    /// The key of the first message inside.
    pub key: Key,
    /// The restriction of which this is the beginning; another one has another.
    pub rule: String,
}

/// What is remembered at the end of a sync that did everything that it had planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The stamps of the sides, from before they were listed; `None` for a side without.
    pub tokens: PerSide<Option<Token>>,
    /// The restrictions that held; under others there may be something to do.
    pub rule: String,
}

/// Whether the base of a mailbox knows all messages that both sides have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// It does.
    Whole,
    /// It is new, or was lost: messages have to be recognised by hint and content first.
    #[default]
    Rebuilding,
}

/// What is kept of a message's content, to recognise it elsewhere.
pub type Content = Option<Fingerprint>;

/// A change of the base, caused by a confirmed effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The two messages are a pair; replaces an older pair with the same remote key.
    Insert(Pair, Content),
    /// The local message of the pair has another key now.
    SetLocal {
        /// The pair, by its remote key.
        pair: Key,
        /// The new key.
        local: Key,
    },
    /// Both sides agree on changed flags.
    Learn {
        /// The pair, by its remote key.
        pair: Key,
        /// What changed.
        change: FlagChange,
    },
    /// The message was deleted on one side and marked on the other.
    MarkDeleted {
        /// The pair, by its remote key.
        pair: Key,
        /// The side where it was deleted.
        on: Side,
    },
    /// The pair left the user's restrictions, or came back inside.
    SetBounds {
        /// The pair, by its remote key.
        pair: Key,
        /// Where it is now.
        bounds: Bounds,
    },
    /// The beginning of a window was found out.
    StartAt(StartedAt),
    /// Everything that was planned is done.
    Settled(Settled),
    /// What was [settled](Self::Settled) before counts no more.
    Unsettled,
    /// The pair is gone from both sides.
    Forget {
        /// The pair, by its remote key.
        pair: Key,
    },
    /// The intent has its outcome.
    Close(i64),
    /// The messages that both sides have are paired: the mailbox is whole.
    Rebuilt,
}

/// The state of one account.
#[derive(Clone)]
pub struct State {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    steps: Steps,
    _snapshot: Option<Arc<snapshot::Snapshot>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("path", &self.path).finish_non_exhaustive()
    }
}

impl State {
    /// Opens the state at `path`, creating or migrating it. A damaged one is moved aside; the
    /// second value is the name it has then, to be told to the user.
    pub async fn open(
        path: &Path,
        durability: Durability,
        steps: Steps,
    ) -> Result<(Self, Option<PathBuf>), StateError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            steps.step("state open");
            let old = legacy::OldStatus::beside(&path)?;
            let (connection, damaged) = schema::open_or_replace(&path, durability, old)?;
            legacy::mark(&path)?;
            let connection = Arc::new(Mutex::new(connection));
            Ok((Self { path, connection, steps, _snapshot: None }, damaged))
        });
        opened.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Opens a private copy of the state at `path` (empty if there is none), for a dry run:
    /// `scratch` is a directory for temporary files.
    /// Nothing is written beside the original, and what is written to the copy is lost.
    pub async fn open_copy(path: &Path, scratch: &Path) -> Result<Self, StateError> {
        let (path, scratch) = (path.to_owned(), scratch.to_owned());
        let opened = tokio::task::spawn_blocking(move || {
            let snapshot = snapshot::Snapshot::of(&path, &scratch)?;
            let old = legacy::OldStatus::beside(&path)?;
            let (connection, _) =
                schema::open_or_replace(snapshot.path(), Durability::Relaxed, old)?;
            let connection = Arc::new(Mutex::new(connection));
            let steps = Steps::default();
            Ok(Self { path, connection, steps, _snapshot: Some(Arc::new(snapshot)) })
        });
        opened.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Returns the mailboxes that are known.
    pub async fn mailboxes(&self) -> Result<Vec<MailboxRow>, StateError> {
        self.read(rows::mailboxes).await
    }

    /// Returns what is known of a mailbox; an empty base if it is not known.
    pub async fn base(&self, folder: &FolderPair) -> Result<Known, StateError> {
        let folder = folder.clone();
        self.read(move |db| rows::base(db, &folder)).await
    }

    /// Forgets everything about the mailboxes of a folder, on whichever side it has this name.
    /// Called when the folder had to be created: what is missing there was never deleted, whatever
    /// the files of OfflineIMAP say.
    pub async fn purge(&self, folder: &FolderPair) -> Result<(), StateError> {
        let folder = folder.clone();
        self.write("purge mailbox", move |db| rows::purge(db, &folder)).await
    }

    /// Carries a mailbox over into a new era with just these pairs, in one transaction. It has to be
    /// rebuilt then, until [`Change::Rebuilt`].
    pub async fn carry_over(
        &self,
        folder: &FolderPair,
        era: &Era,
        pairs: Vec<Pair>,
    ) -> Result<MailboxId, StateError> {
        let (folder, era) = (folder.clone(), era.clone());
        self.write("carry mailbox over", move |db| {
            let id = rows::enter_mailbox(db, &folder, &era)?;
            rows::keep_pairs(db, id, &pairs)?;
            Ok(id)
        })
        .await
    }

    /// Enters a mailbox that OfflineIMAP has synced so far, with the pairs that it knew, in one
    /// transaction. It has to be rebuilt then, until [`Change::Rebuilt`].
    pub async fn take_over(
        &self,
        folder: &FolderPair,
        era: &Era,
        pairs: Vec<Pair>,
    ) -> Result<MailboxId, StateError> {
        let (folder, era) = (folder.clone(), era.clone());
        self.write("take mailbox over", move |db| enter_with(db, &folder, &era, pairs)).await
    }

    /// Enters a mailbox that mbsync has synced so far, with the pairs that it knew, in one
    /// transaction. It has to be rebuilt then, until [`Change::Rebuilt`]. What OfflineIMAP may have
    /// left of the account is older than that, and counts no more.
    pub async fn import(
        &self,
        folder: &FolderPair,
        era: &Era,
        pairs: Vec<Pair>,
    ) -> Result<MailboxId, StateError> {
        let (folder, era) = (folder.clone(), era.clone());
        self.write("import mailbox", move |db| {
            rows::outdate_all(db)?;
            enter_with(db, &folder, &era, pairs)
        })
        .await
    }

    /// Tells whether what OfflineIMAP knew of a folder counts no more.
    pub async fn is_outdated(&self, folder: &FolderPair) -> Result<bool, StateError> {
        let folder = folder.clone();
        self.read(move |db| rows::is_outdated(db, &folder)).await
    }

    /// Applies changes in one transaction.
    pub async fn apply(&self, id: MailboxId, changes: Vec<Change>) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write("apply changes", move |db| rows::apply(db, id, &changes)).await
    }

    /// Writes intents in one transaction, and returns their identities in order.
    pub async fn intend(
        &self,
        id: MailboxId,
        kinds: Vec<IntentKind>,
    ) -> Result<Vec<i64>, StateError> {
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        self.write("intend", move |db| intents::insert(db, id, &kinds)).await
    }

    /// Returns the intents of a mailbox that have no outcome yet.
    pub async fn open_intents(&self, id: MailboxId) -> Result<Vec<Intent>, StateError> {
        self.read(move |db| intents::open(db, id)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        self.blocking(move |db| f(db)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        what: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let steps = self.steps.clone();
        self.blocking(move |db| {
            steps.step(what);
            let transaction = db.transaction()?;
            let result = f(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            // A poisoned lock is safe to use: sqlite rolled the transaction back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            f(&mut connection)
        });
        match done.await {
            Ok(result) => {
                result.map_err(|source| StateError::Sqlite { path: self.path.clone(), source })
            }
            Err(_) => Err(StateError::Gone { path: self.path.clone() }),
        }
    }
}

/// Enters a mailbox with just these pairs.
fn enter_with(
    db: &Connection,
    folder: &FolderPair,
    era: &Era,
    pairs: Vec<Pair>,
) -> rusqlite::Result<MailboxId> {
    let id = rows::enter_mailbox(db, folder, era)?;
    let pairs: Vec<Change> = pairs.into_iter().map(|pair| Change::Insert(pair, None)).collect();
    rows::apply(db, id, &pairs)?;
    Ok(id)
}
