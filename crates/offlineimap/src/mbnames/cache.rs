//! The directory with the mailboxes of each account (`spec/ondisk.md` §9).

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use offlineimap_config::ListedMailbox;
use offlineimap_core::Steps;

use super::json;
use super::replacement::{Durability, replace};
use crate::wiring::Run;

/// The files of all accounts, those included that are not configured any more.
#[derive(Debug)]
pub(super) struct Cache {
    directory: PathBuf,
    durability: Durability,
    steps: Steps,
}

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The mailboxes, in no particular order of accounts.
    pub(super) mailboxes: Vec<ListedMailbox>,
    /// What is wrong with the files that cannot be read.
    pub(super) unreadable: Vec<anyhow::Error>,
}

impl Cache {
    /// That of a run. Nothing is read or made yet.
    pub(super) fn of(run: &Run) -> Self {
        Self {
            directory: run.general.metadata.join("mbnames"),
            durability: if run.general.fsync { Durability::Synced } else { Durability::Relaxed },
            steps: run.steps.clone(),
        }
    }

    /// The file of an account.
    pub(super) fn file_of(&self, account: &str) -> PathBuf {
        self.directory.join(format!("{account}.json"))
    }

    /// The files that there are, by name.
    pub(super) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let context = || format!("cannot list '{}'", self.directory.display());
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(context),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.with_context(context)?.path();
            // Of a hidden file, the name is no account.
            let is_hidden =
                path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
            if !is_hidden && path.extension() == Some(OsStr::new("json")) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Keeps the mailboxes of an account in place of those that were kept before.
    pub(super) fn store(&self, account: &str, mailboxes: &[ListedMailbox]) -> anyhow::Result<()> {
        match fs::create_dir(&self.directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                let directory = self.directory.display();
                return Err(error).with_context(|| format!("cannot create '{directory}'"));
            }
            Ok(()) | Err(_) => {}
        }
        self.replace(&self.file_of(account), json::encode(mailboxes).as_bytes())
    }

    /// The mailboxes of all accounts.
    pub(super) fn load(&self) -> anyhow::Result<Kept> {
        let mut kept = Kept::default();
        for path in self.files()? {
            let read = fs::read(&path).context("it cannot be read");
            match read.and_then(|text| json::decode(&text)) {
                Ok(mailboxes) => kept.mailboxes.extend(mailboxes),
                Err(error) => kept.unreadable.push(error.context(format!(
                    "the mailboxes in '{}' are left out of the list until that account is synced \
                     again",
                    path.display()
                ))),
            }
        }
        Ok(kept)
    }

    /// Removes a file that is listed.
    pub(super) fn remove(&self, path: &Path) -> anyhow::Result<()> {
        self.steps.step(&format!("mbnames remove {}", path.display()));
        fs::remove_file(path).with_context(|| format!("cannot remove '{}'", path.display()))
    }

    /// Gives a file other content, as a whole.
    pub(super) fn replace(&self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        let replaced = replace(path, content, self.durability, &self.steps);
        replaced.with_context(|| format!("cannot write '{}'", path.display()))
    }
}
