//! Which folders of a repository are synced, under which names, and in which order.

mod pattern;
mod rename_table;

pub use pattern::FolderPattern;
pub use rename_table::{RenameError, RenameTable};

use super::Computed;

/// What the section of a repository says about its folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderOptions {
    /// The names that folders have on the other side.
    pub names: FolderNames,
    /// The folders that are synced.
    pub selection: FolderSelection,
    /// `foldersort`: compares two visible names. That of the remote repository counts.
    pub sort: Option<Computed>,
}

/// The names that the folders of a repository have on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FolderNames {
    /// The same.
    #[default]
    Same,
    /// `nametrans`: a function of the name.
    Translated(Computed),
    /// `renamefolders`, in the remote repository.
    Renamed(RenameTable),
    /// The table of the remote repository, read backwards by the local one.
    Restored(RenameTable),
}

/// The folders of a repository that are synced, by their names there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderSelection {
    /// By functions of the user's.
    Computed {
        /// `folderfilter`: whether a folder is synced; all are without it.
        filter: Option<Computed>,
        /// `folderincludes`: a list of folders that are synced in any case.
        includes: Option<Computed>,
        /// How often the filter is asked.
        asking: FilterAsking,
    },
    /// By patterns.
    Patterns {
        /// `includefolders`; all folders if there are none.
        include: Vec<FolderPattern>,
        /// `excludefolders`, which goes first.
        exclude: Vec<FolderPattern>,
    },
}

impl Default for FolderSelection {
    fn default() -> Self {
        Self::Computed { filter: None, includes: None, asking: FilterAsking::default() }
    }
}

/// How often `folderfilter` is asked about a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterAsking {
    /// Once in a sync.
    #[default]
    Once,
    /// Whenever it matters (`dynamic_folderfilter`).
    EachTime,
}

/// How the names of folders on a server are spelt on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FolderEncoding {
    /// As on the server, mostly in modified UTF-7.
    #[default]
    AsOnServer,
    /// In UTF-8 everywhere, configuration included (`utf8foldernames`).
    Utf8,
    /// In UTF-8 on the local side; rules see the names as on the server (`decodefoldernames`).
    DecodedAfterRules,
}
