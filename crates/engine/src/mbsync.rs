//! Coming from mbsync: what it knew becomes the base, so that no message is transferred.
//!
//! mbsync keeps a sync state for each pair of mailboxes, whose UIDs stand in the names of a
//! Maildir's files (`,U=<uid>`, and `.uidvalidity` beside them). [`import_from_mbsync`] reads both,
//! and enters the pairs into the state. A folder about which there is any doubt is left out: a
//! wrong row would delete mail.

mod import;
mod state_file;
mod sync_state;

use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_core::{FolderPair, Key, MailboxName, RuleError, Side, StoreError};

use crate::lock::LockError;
use crate::state::StateError;

pub use import::import_from_mbsync;
pub use state_file::StateLocation;
pub use sync_state::{BadState, Ends, Entry, Mark, SyncState};

/// How an account was synced by mbsync.
#[derive(Clone)]
pub struct MbsyncSetup {
    /// Where the sync states are.
    pub location: StateLocation,
    /// Which end of the channel the Maildir is.
    pub maildir_end: End,
    /// The local side, as mbsync sees it.
    pub maildir: Arc<dyn MbsyncMaildir>,
}

/// An end of a channel of mbsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `Far`
    Far,
    /// `Near`
    Near,
}

/// What mbsync has written into a Maildir.
#[async_trait]
pub trait MbsyncMaildir: Send + Sync {
    /// Looks at a folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    async fn folder(&self, name: &MailboxName) -> Result<MbsyncFolder, StoreError>;

    /// Returns what the name of a message says about it.
    fn numbered(&self, key: &Key) -> Numbered;
}

/// What mbsync has written into a folder of a Maildir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MbsyncFolder {
    /// The directory of the folder.
    pub directory: PathBuf,
    /// How its messages are numbered.
    pub numbering: Numbering,
}

/// How mbsync numbers the messages of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbering {
    /// In their names, under this UIDVALIDITY.
    InNames {
        /// `.uidvalidity`
        validity: u32,
    },
    /// In this database (`AltMap yes`).
    InDatabase {
        /// `.isyncuidmap.db`
        path: PathBuf,
    },
    /// Not at all, or in a file that cannot be understood.
    Unknown,
}

/// What a file name says about the number of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// mbsync gave it this UID.
    As(NonZeroU32),
    /// It has none.
    Not,
    /// OfflineIMAP or this program has renamed it: the UID in it would be one of the server's.
    ByOthers,
}

/// What came of one folder.
#[derive(Debug)]
pub struct ImportedFolder {
    /// The folder.
    pub folder: FolderPair,
    /// What was imported, or why nothing was.
    pub outcome: Result<Imported, NotImported>,
}

/// What was imported of a folder, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Messages that both sides had when mbsync last ran.
    pub messages: usize,
    /// Of these, messages that are gone from one side since: the next sync deletes them.
    pub deletions: usize,
    /// Messages that mbsync removed locally because of `MaxMessages`: the next sync downloads them.
    pub expired: usize,
    /// Entries that are not believed, because their messages differ or their file cannot be told.
    pub doubtful: usize,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The account is being synced.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A store cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A rule for the names of folders gave no answer.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The state is damaged; what is left of it was moved aside.
    #[error(
        "the state was damaged, and was moved to '{path}'; nothing is imported in its place: the \
         next sync finds out what it knew by comparing both sides",
        path = path.display()
    )]
    Damaged {
        /// Where it is now.
        path: PathBuf,
    },
    /// The metadata directory cannot be created.
    #[error("cannot create the metadata directory '{path}': {source}", path = path.display())]
    Metadata {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why a folder was not imported. The next sync recognises its messages by their contents.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// The state knows it: it was imported or synced before.
    #[error("it is known already")]
    Known,
    /// Only the Maildir has it, and mbsync has synced it.
    #[error(
        "the server has no folder that is called so, or it is left out. If it has another name \
         there, set sep or nametrans before anything is synced: a sync would create it on the server"
    )]
    NoCounterpart,
    /// mbsync has not synced it, as far as can be seen.
    #[error("there is no sync state of mbsync for it")]
    NoState,
    /// Several states could be meant.
    #[error(
        "more than one sync state could be meant ({}); name one place with --mbsync-state",
        shown(paths)
    )]
    Ambiguous {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// mbsync did not get to its end.
    #[error(
        "the journal '{path}' of an interrupted run is there; run mbsync once more",
        path = path.display()
    )]
    Interrupted {
        /// The journal.
        path: PathBuf,
    },
    /// mbsync is running.
    #[error("mbsync is syncing it right now ('{path}' is locked)", path = path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The sync state cannot be understood.
    #[error("the sync state '{path}' is damaged: {source}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BadState,
    },
    /// A file cannot be read.
    #[error("cannot read '{path}': {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The UIDs are in a database.
    #[error(
        "mbsync keeps its UIDs in '{path}' (AltMap yes), which cannot be read; convert the folder \
         with mdconvert -n first",
        path = path.display()
    )]
    AltMap {
        /// The database.
        path: PathBuf,
    },
    /// There is no usable `.uidvalidity`.
    #[error("its directory has no .uidvalidity of mbsync, or one that cannot be understood")]
    NoNumbering,
    /// A side numbers its messages anew since.
    #[error("the {side} UIDVALIDITY is {found}, mbsync knew {saved} ('{path}')",
            path = path.display())]
    OtherValidity {
        /// The side.
        side: Side,
        /// What mbsync knew.
        saved: u32,
        /// What is there.
        found: String,
        /// The sync state.
        path: PathBuf,
    },
    /// Files have names of OfflineIMAP's.
    #[error("{files} of its files were named by OfflineIMAP or by this program since")]
    Renamed {
        /// How many.
        files: usize,
    },
    /// Some messages are placeholders.
    #[error(
        "{count} of its messages are only placeholders (MaxSize), which would be taken for \
         messages; remove MaxSize, flag them and run mbsync to get them whole, or delete them"
    )]
    Placeholders {
        /// How many.
        count: usize,
    },
    /// The messages are others than mbsync knew.
    #[error("{contradicted} of {compared} messages are others than mbsync knew by their UIDs")]
    OtherMessages {
        /// Pairs of different messages.
        contradicted: usize,
        /// Pairs that could be compared.
        compared: usize,
    },
    /// No file has a UID that the state knows.
    #[error("none of its files has a UID that mbsync knew")]
    NothingInCommon,
    /// A store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

fn shown(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("'{}'", path.display())).collect();
    shown.join(", ")
}
