//! Who listens to the events of one account.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offlineimap_core::{PerSide, Refusal};
use offlineimap_engine::{Event, Events, FolderLabel, Mode};
use tokio_util::sync::CancellationToken;

use super::messages::{DRY_RUN, creating, infinite, texts};
use super::{Failure, Level, Message, Thread, Ui};
use crate::dry_run;

/// Turns the events of an account into messages, in the name of the account or of a folder.
#[derive(Debug)]
pub(crate) struct Audience {
    ui: Arc<Ui>,
    account: String,
    account_thread: Thread,
    mode: Mode,
    stop: CancellationToken,
    /// The folders of the account by repository and name.
    folders: Mutex<BTreeMap<(String, String), Thread>>,
    /// The local names of the folders whose sync began, in order.
    started: Mutex<Vec<String>>,
    failed: AtomicBool,
}

impl Audience {
    /// Listens to an account. `stop` tells why an account may end without having done anything.
    pub(crate) fn new(ui: Arc<Ui>, account: &str, mode: Mode, stop: CancellationToken) -> Self {
        Self {
            ui,
            account: account.to_owned(),
            account_thread: Thread::account(account),
            mode,
            stop,
            folders: Mutex::default(),
            started: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Tells that something failed that concerns the account as a whole.
    pub(crate) fn fail_account(&self, text: impl Into<String>) {
        let context = format!("account '{}'", self.account);
        self.fail(self.account_thread.clone(), Some(context), text);
    }

    /// Whether there was a folder to sync so far.
    pub(crate) fn heard_of_a_folder(&self) -> bool {
        !self.started().is_empty()
    }

    /// The local names of the folders whose sync has begun so far, in order.
    pub(crate) fn local_folders(&self) -> Vec<String> {
        self.started().clone()
    }

    fn started(&self) -> MutexGuard<'_, Vec<String>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, thread: Thread, context: Option<String>, text: impl Into<String>) {
        self.failed.store(true, Ordering::Relaxed);
        self.ui.fail(thread, Failure { context, text: text.into() });
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what does not concern a folder concerns the account"
    )]
    fn thread_of(&self, event: &Event) -> Thread {
        match event {
            Event::Copying { from: label, .. }
            | Event::Deleting { folder: label, .. }
            | Event::AddingFlags { folder: label, .. }
            | Event::RemovingFlags { folder: label, .. }
            | Event::EpochProblem { folder: label, .. }
            | Event::LocalReplaced { folder: label } => self.folder(label),
            Event::FolderStarted { folder, .. }
            | Event::Planned { folder, .. }
            | Event::Withheld { folder, .. } => self.folder(&folder.remote),
            Event::Refused(Refusal { remote, .. }) => {
                Thread::folder(remote.as_str(), &self.account)
            }
            Event::Adopted { folder, .. } | Event::Recovered { folder, .. } => {
                Thread::folder(folder.remote.as_str(), &self.account)
            }
            _ => self.account_thread.clone(),
        }
    }

    fn folder(&self, label: &FolderLabel) -> Thread {
        let key = (label.repository.clone(), label.folder.to_string());
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.get(&key).cloned().unwrap_or_else(|| self.account_thread.clone())
    }

    fn register(&self, folder: &PerSide<FolderLabel>) {
        self.started().push(folder.local.folder.to_string());
        let thread = Thread::folder(folder.remote.folder.as_str(), &self.account);
        if let Thread::Named(name) = &thread {
            let text =
                format!("[thread]: Register new thread '{name}' (account '{}')", self.account);
            self.ui.tell(Message { level: Level::Debug, thread: thread.clone(), text });
        }
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for label in [&folder.remote, &folder.local] {
            let key = (label.repository.clone(), label.folder.to_string());
            folders.insert(key, thread.clone());
        }
    }

    /// An account that had nothing to do, although nothing failed and nobody stopped it, is most
    /// likely not what the user meant.
    fn complain_about_no_folder(&self) {
        if !self.heard_of_a_folder()
            && !self.failed.load(Ordering::Relaxed)
            && !self.stop.is_cancelled()
        {
            let text = format!("Account {}: no folder to sync (folderfilter issue?)", self.account);
            self.fail(self.account_thread.clone(), None, text);
        }
    }
}

impl Events for Audience {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an event without a way of its own is a message of the catalogue"
    )]
    fn event(&self, event: &Event) {
        if let Event::FolderStarted { folder, .. } = event {
            self.register(folder);
        }
        let thread = self.thread_of(event);
        let info =
            |text| self.ui.tell(Message { level: Level::Info, thread: thread.clone(), text });
        match event {
            Event::Error { context, message } => {
                return self.fail(thread, Some(context.clone()), message.as_str());
            }
            Event::Refused(refusal) => {
                let context = format!("Refused to sync folder '{}'", refusal.remote);
                return self.fail(thread, Some(context), refusal.to_string());
            }
            Event::FolderCreationInfinite { names, repositories } => {
                return self.fail(thread, None, infinite(names, repositories));
            }
            Event::Planned { folder, plan } if self.ui.wants(Level::Info) => {
                return dry_run::paragraphs(folder, plan).into_iter().for_each(info);
            }
            Event::FolderCreating { folder } if self.mode == Mode::DryRun => {
                return info(format!("{DRY_RUN}{}", creating(folder)));
            }
            Event::EpochProblem { .. } => self.ui.count_validity_problem(),
            Event::AccountFinished { .. } => {
                self.complain_about_no_folder();
                if self.mode == Mode::DryRun {
                    info(dry_run::CLOSING.to_owned());
                }
            }
            _ => {}
        }
        for text in texts(event) {
            self.ui.tell(Message { level: text.level, thread: thread.clone(), text: text.text });
        }
    }
}
