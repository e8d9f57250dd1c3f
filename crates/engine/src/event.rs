//! What an account's sync tells its audience.

use std::fmt;
use std::time::Duration;

use offlineimap_core::{
    Flags, FolderPair, Ignored, InfiniteCreation, Key, MailboxName, MailboxPlan, PerSide, Refusal,
    Side, Withheld,
};

/// Takes events as they happen. Called from several tasks; must not block for long.
pub trait Events: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Events for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// How messages name one side of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderLabel {
    /// The name of the repository.
    pub repository: String,
    /// The kind of the repository (`IMAP`, `Maildir`).
    pub kind: &'static str,
    /// The folder's name there.
    pub folder: MailboxName,
}

impl fmt::Display for FolderLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.folder)
    }
}

/// How messages name a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryLabel {
    /// Its name.
    pub repository: String,
    /// Its kind (`IMAP`, `Maildir`).
    pub kind: &'static str,
}

/// Everything that can be told about a sync. Texts are the front end's business.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// An account's sync begins.
    AccountStarted {
        /// The account.
        account: String,
    },
    /// An account's sync has ended, well or not.
    AccountFinished {
        /// The account.
        account: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// A folder is about to be created, or would be in a dry run.
    FolderCreating {
        /// The folder, on the side that lacks it.
        folder: FolderLabel,
    },
    /// A folder is left alone.
    FolderIgnored {
        /// Which, where and why.
        ignored: Ignored,
        /// The repository in which it is.
        repository: String,
    },
    /// A folder is left alone, which is an error: its creation would never end.
    FolderCreationInfinite {
        /// The names involved.
        names: InfiniteCreation,
        /// The names of the repositories.
        repositories: PerSide<String>,
    },
    /// A name that the store listed cannot be used.
    FolderUnusable {
        /// The repository.
        repository: String,
        /// The name, made readable.
        name: String,
        /// Why.
        why: String,
    },
    /// Both sides have the same folders, as far as they are to have them; now the folders are synced.
    FoldersStarted {
        /// Both sides of the account.
        repositories: PerSide<RepositoryLabel>,
    },
    /// A folder's sync begins: it is compared.
    FolderStarted {
        /// The account.
        account: String,
        /// The name of the remote folder after its name translation.
        visible: String,
        /// Both sides of the folder.
        folder: PerSide<FolderLabel>,
    },
    /// The messages of a folder are being listed on one side.
    Listing {
        /// The folder on that side.
        folder: FolderLabel,
    },
    /// The messages of a folder have been listed on one side.
    Listed {
        /// The folder on that side.
        folder: FolderLabel,
        /// The number of messages that were listed.
        messages: usize,
    },
    /// A folder's sync has ended, well or not. Not told of folders in which an account was cut
    /// short: they end with it.
    FolderFinished {
        /// Both sides of the folder.
        folder: PerSide<FolderLabel>,
    },
    /// A folder is skipped, because nothing has happened in it.
    FolderSkipped {
        /// The folder on the remote side.
        folder: FolderLabel,
    },
    /// Work that an earlier, interrupted run had begun was settled.
    Recovered {
        /// The folder.
        folder: FolderPair,
        /// The number of operations.
        operations: usize,
    },
    /// A folder that OfflineIMAP has synced so far was taken over, without a transfer.
    Adopted {
        /// The folder.
        folder: FolderPair,
        /// The number of messages that both sides had when OfflineIMAP last ran.
        messages: usize,
    },
    /// What a dry run would do in a folder.
    Planned {
        /// Both sides of the folder.
        folder: PerSide<FolderLabel>,
        /// All of it.
        plan: Box<MailboxPlan>,
    },
    /// Messages are going to be copied in one direction.
    CopiesStarted {
        /// Where they come from.
        from: FolderLabel,
        /// Where they go.
        to: FolderLabel,
    },
    /// A message is being copied.
    Copying {
        /// Its key at the source; for a message without a number, the front end counts.
        key: Key,
        /// Its place among the messages to copy, from 1.
        index: usize,
        /// The number of messages to copy.
        total: usize,
        /// Where it comes from.
        from: FolderLabel,
        /// Where it goes.
        to: FolderLabel,
    },
    /// Messages are being deleted.
    Deleting {
        /// The pairs, by remote key.
        keys: Vec<Key>,
        /// Where.
        folder: FolderLabel,
    },
    /// A flag is being set.
    AddingFlags {
        /// The flags, usually one.
        flags: Flags,
        /// The pairs, by remote key.
        keys: Vec<Key>,
        /// Where.
        folder: FolderLabel,
    },
    /// A flag is being cleared.
    RemovingFlags {
        /// The flags, usually one.
        flags: Flags,
        /// The pairs, by remote key.
        keys: Vec<Key>,
        /// Where.
        folder: FolderLabel,
    },
    /// Differences that remain because the folder cannot be changed on a side.
    Withheld {
        /// Both sides of the folder.
        folder: PerSide<FolderLabel>,
        /// What remains.
        withheld: Vec<Withheld>,
    },
    /// A folder was left alone because its UIDVALIDITY changed. Makes the exit status 2.
    EpochProblem {
        /// The folder.
        folder: FolderLabel,
        /// The side on which it happened.
        side: Side,
        /// What was saved.
        saved: String,
        /// What was found.
        current: String,
    },
    /// A local folder was replaced or lost its marker: nothing is concluded from what is missing.
    LocalReplaced {
        /// The folder.
        folder: FolderLabel,
    },
    /// A folder was left alone because its plan deletes too much. Makes the exit status 1.
    Refused(Refusal),
    /// Something to know that is not an error.
    Warning {
        /// In words.
        message: String,
    },
    /// Something failed. Makes the exit status 1.
    Error {
        /// What was being done.
        context: String,
        /// What happened, causes included.
        message: String,
    },
    /// The sync stops early because it was asked to.
    Stopping,
}

impl Event {
    /// Builds an error event from an error and its causes.
    pub(crate) fn error(context: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = source.source();
        }
        Self::Error { context: context.into(), message }
    }
}
