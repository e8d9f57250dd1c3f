//! What a message is about, for user interfaces that show more than its text.

use offlineimap_core::{Flags, Key, PerSide};
use offlineimap_engine::{Event, FolderLabel, RepositoryLabel};

use super::messages::shown_number;
use crate::debug::Type;

/// The moments of a run that `machineui` has words for, and `blinkenlights` colours.
///
/// A message without one is a text like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The program presents itself.
    Banner,
    /// A remark about how the run is done.
    Remark,
    /// `-d` looks at something.
    Debugging {
        /// What it looks at.
        what: &'static str,
    },
    /// A part of the work begins; the message is in its name.
    ThreadStarted {
        /// The account to which it belongs.
        account: String,
    },
    /// A part of the work has ended.
    ThreadEnded {
        /// Its name.
        thread: String,
    },
    /// A part of the work was last heard to do something.
    Activity,
    /// An account's sync begins.
    AccountStarted {
        /// The account.
        account: String,
    },
    /// An account's sync has ended.
    AccountFinished {
        /// The account.
        account: String,
    },
    /// A hook is called, or has said something.
    Hook {
        /// What is told about it, be it a dry run or not.
        text: String,
    },
    /// A server is going to be asked for a connection.
    Connecting {
        /// The server's name or address.
        host: String,
        /// Its port.
        port: u16,
        /// The repository.
        repository: String,
    },
    /// Both sides have the same folders.
    FoldersStarted(PerSide<RepositoryLabel>),
    /// A folder's sync begins.
    FolderStarted(PerSide<FolderLabel>),
    /// The messages of one side of a folder are being listed.
    Listing(FolderLabel),
    /// The messages of one side of a folder have been listed.
    Listed {
        /// The folder on that side.
        folder: FolderLabel,
        /// How many there are.
        messages: usize,
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
        /// The number that stands for it.
        number: String,
        /// Where it comes from.
        from: FolderLabel,
        /// Where it goes.
        to: FolderLabel,
    },
    /// Messages are being deleted.
    Deleting {
        /// Which.
        keys: Vec<Key>,
        /// Where.
        folder: FolderLabel,
    },
    /// Flags are being set or cleared.
    ChangingFlags {
        /// Whether they are set or cleared.
        change: FlagsAre,
        /// The flags, usually one.
        flags: Flags,
        /// Of which messages.
        keys: Vec<Key>,
        /// Where.
        folder: FolderLabel,
    },
    /// A folder is left alone because its UIDVALIDITY changed.
    ValidityProblem {
        /// The folder.
        folder: FolderLabel,
        /// What was saved.
        saved: String,
        /// What was found.
        current: String,
    },
}

/// What happens to flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagsAre {
    /// They are set.
    Added,
    /// They are cleared.
    Removed,
}

impl Moment {
    /// The type of `-d` to which its text belongs, where that is of interest to nobody else.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most moments are told to everybody")]
    pub(super) fn debug_type(&self) -> Option<Type> {
        match self {
            Self::ThreadStarted { .. } | Self::ThreadEnded { .. } | Self::Activity => {
                Some(Type::Thread)
            }
            _ => None,
        }
    }

    /// The moment of which an event tells, if it is more than a text.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most events are texts like any other")]
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::AccountStarted { account } => Self::AccountStarted { account: account.clone() },
            Event::AccountFinished { account, .. } => {
                Self::AccountFinished { account: account.clone() }
            }
            Event::FoldersStarted { repositories } => Self::FoldersStarted(repositories.clone()),
            Event::FolderStarted { folder, .. } => Self::FolderStarted(folder.clone()),
            Event::Listing { folder } => Self::Listing(folder.clone()),
            Event::Listed { folder, messages } => {
                Self::Listed { folder: folder.clone(), messages: *messages }
            }
            Event::CopiesStarted { from, to } => {
                Self::CopiesStarted { from: from.clone(), to: to.clone() }
            }
            Event::Copying { key, index, from, to, .. } => Self::Copying {
                number: shown_number(key, *index),
                from: from.clone(),
                to: to.clone(),
            },
            Event::Deleting { keys, folder } => {
                Self::Deleting { keys: keys.clone(), folder: folder.clone() }
            }
            Event::AddingFlags { flags, keys, folder } => Self::ChangingFlags {
                change: FlagsAre::Added,
                flags: flags.clone(),
                keys: keys.clone(),
                folder: folder.clone(),
            },
            Event::RemovingFlags { flags, keys, folder } => Self::ChangingFlags {
                change: FlagsAre::Removed,
                flags: flags.clone(),
                keys: keys.clone(),
                folder: folder.clone(),
            },
            Event::EpochProblem { folder, saved, current, .. } => Self::ValidityProblem {
                folder: folder.clone(),
                saved: saved.clone(),
                current: current.clone(),
            },
            _ => return None,
        })
    }
}
