//! What a Maildir repository is told.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use offlineimap_core::{RuleError, Steps};

use crate::keyword_letters::KeywordLetters;
use crate::message_name::InfoMark;
use crate::name_source::NameSource;

/// Whether changes are forced to the disk before they count as made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Files and directories are synchronised: what was reported as stored survives a power cut.
    Sync,
    /// Nothing is synchronised (`fsync = no`): a power cut can lose what was reported as stored.
    NoSync,
}

/// What a missing root directory means for [`Store::list`](offlineimap_core::Store::list).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRoot {
    /// An error: the disk may not be mounted.
    Refuse,
    /// A Maildir without folders. For a dry run before the first sync, when nothing may be created
    /// and the state knows no identity of the root yet.
    Empty,
}

/// The name under which the other side sees a local folder (the local `nametrans`). It may take its
/// time, and is asked where that does no harm.
pub type VisibleName = Arc<dyn Fn(&str) -> Result<String, RuleError> + Send + Sync>;

/// Which date a new message file bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dating {
    /// When the message came.
    #[default]
    Arrival,
    /// When the message was sent, by its header; when it came, if the header has no valid date.
    Header,
}

/// What becomes of the access times of the directories that a sync reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DirectoryTimes {
    /// They tell of the sync.
    #[default]
    Left,
    /// Those of `new` and `cur` are put back after the sync of a folder (`restoreatime`).
    PutBack,
}

/// How message files are written, where users differ. The default is what OfflineIMAP does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conventions {
    /// What stands before the flags in new names (`maildir-windows-compatible`).
    pub info_mark: InfoMark,
    /// With which date names begin (`filename_use_mail_timestamp`): by `Date`, else by
    /// `Delivery-date`.
    pub name_dating: Dating,
    /// Which access and modification time files get (`utime_from_header`): by `Date`.
    pub file_dating: Dating,
    /// What becomes of the access times of directories.
    pub directory_times: DirectoryTimes,
    /// Which keywords letters stand for (`customflag_a` to `customflag_z`).
    pub keywords: KeywordLetters,
}

/// The configuration of a [`MaildirStore`](crate::MaildirStore).
#[derive(Clone)]
pub struct MaildirConfig {
    /// The name of the repository.
    pub name: String,
    /// The directory below which the folders are (`localfolders`).
    pub root: PathBuf,
    /// What separates the parts of folder names (`sep`). With `/` folders are nested directories.
    pub separator: char,
    /// Whether changes are forced to the disk.
    pub fsync: Fsync,
    /// What a missing root directory means.
    pub missing_root: MissingRoot,
    /// What is hashed into file names (`spec/ondisk.md` §8.4).
    pub visible: VisibleName,
    /// How message files are written.
    pub conventions: Conventions,
    /// Where unique names come from: one for the whole process.
    pub names: Arc<NameSource>,
    /// Who is told of each change just before it is made.
    pub steps: Steps,
}

impl fmt::Debug for MaildirConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaildirConfig")
            .field("name", &self.name)
            .field("root", &self.root)
            .field("separator", &self.separator)
            .field("fsync", &self.fsync)
            .field("missing_root", &self.missing_root)
            .field("conventions", &self.conventions)
            .finish_non_exhaustive()
    }
}
