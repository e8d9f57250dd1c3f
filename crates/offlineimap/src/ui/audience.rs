//! Who listens to the events of one account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offlineimap_config::ReadOnlyWarnings;
use offlineimap_core::{MailboxName, PerSide, Refusal};
use offlineimap_engine::{Event, Events, FolderLabel, Mode};
use tokio_util::sync::CancellationToken;

use super::messages::{DRY_RUN, creating, infinite, texts};
use super::{Failure, Level, Message, Moment, Thread, Ui};
use crate::dry_run;

/// Turns the events of an account into messages, in the name of the account or of a folder.
#[derive(Debug)]
pub(crate) struct Audience {
    ui: Arc<Ui>,
    account: String,
    account_thread: Thread,
    mode: Mode,
    read_only_warnings: ReadOnlyWarnings,
    stop: CancellationToken,
    folders: Mutex<Folders>,
    /// The local names of the folders whose sync began, in order.
    started: Mutex<Vec<String>>,
    failed: AtomicBool,
}

/// The folders of an account that are being synced, or have been.
#[derive(Debug, Default)]
struct Folders {
    by_remote_name: BTreeMap<MailboxName, Thread>,
    /// By repository and name.
    by_label: BTreeMap<(String, MailboxName), Thread>,
    /// Whose end has not been told.
    open: BTreeSet<MailboxName>,
}

impl Audience {
    /// Listens to an account. `stop` tells why an account may end without having done anything.
    pub(crate) fn new(ui: Arc<Ui>, account: &str, mode: Mode, stop: CancellationToken) -> Self {
        Self {
            ui,
            account: account.to_owned(),
            account_thread: Thread::account(account),
            mode,
            read_only_warnings: ReadOnlyWarnings::Told,
            stop,
            folders: Mutex::default(),
            started: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Sets what is said about changes that a read-only folder does not take.
    #[must_use]
    pub(crate) fn with_read_only_warnings(mut self, warnings: ReadOnlyWarnings) -> Self {
        self.read_only_warnings = warnings;
        self
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
            Event::Listing { folder: label }
            | Event::Listed { folder: label, .. }
            | Event::CopiesStarted { from: label, .. }
            | Event::Copying { from: label, .. }
            | Event::Deleting { folder: label, .. }
            | Event::AddingFlags { folder: label, .. }
            | Event::RemovingFlags { folder: label, .. }
            | Event::EpochProblem { folder: label, .. }
            | Event::FolderSkipped { folder: label }
            | Event::LocalReplaced { folder: label } => self.folder(label),
            Event::FolderStarted { folder, .. }
            | Event::Planned { folder, .. }
            | Event::Withheld { folder, .. } => self.remote_folder(&folder.remote.folder),
            Event::Refused(Refusal { remote, .. }) => self.remote_folder(remote),
            Event::Adopted { folder, .. } | Event::Recovered { folder, .. } => {
                self.remote_folder(&folder.remote)
            }
            _ => self.account_thread.clone(),
        }
    }

    fn folder(&self, label: &FolderLabel) -> Thread {
        let key = (label.repository.clone(), label.folder.clone());
        let thread = self.folders().by_label.get(&key).cloned();
        thread.unwrap_or_else(|| self.account_thread.clone())
    }

    fn remote_folder(&self, name: &MailboxName) -> Thread {
        let thread = self.folders().by_remote_name.get(name).cloned();
        thread.unwrap_or_else(|| self.account_thread.clone())
    }

    fn register(&self, visible: &str, folder: &PerSide<FolderLabel>) {
        self.started().push(folder.local.folder.to_string());
        let name = &folder.remote.folder;
        let thread = if visible == name.as_str() {
            Thread::folder(visible, &self.account)
        } else {
            Thread::renamed_folder(visible, name.as_str(), &self.account)
        };
        let mut folders = self.folders();
        for label in [&folder.remote, &folder.local] {
            let key = (label.repository.clone(), label.folder.clone());
            folders.by_label.insert(key, thread.clone());
        }
        folders.by_remote_name.insert(name.clone(), thread.clone());
        folders.open.insert(name.clone());
        drop(folders);
        self.begin(thread);
    }

    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that a part of the work begins.
    fn begin(&self, thread: Thread) {
        let account = self.account.clone();
        let text =
            format!("[thread]: Register new thread '{}' (account '{account}')", thread.name());
        let message = Message::new(Level::Debug, thread, text);
        self.ui.tell(message.about(Moment::ThreadStarted { account }));
    }

    /// Tells that a part of the work has ended.
    fn end(&self, thread: &Thread) {
        let thread = thread.name().to_owned();
        let text = format!("[thread]: Unregister thread '{thread}'");
        let message = Message::main(Level::Debug, text);
        self.ui.tell(message.about(Moment::ThreadEnded { thread }));
    }

    fn end_folder(&self, name: &MailboxName) {
        if self.folders().open.remove(name) {
            self.end(&self.remote_folder(name));
        }
    }

    fn end_all_folders(&self) {
        let open = std::mem::take(&mut self.folders().open);
        for name in &open {
            self.end(&self.remote_folder(name));
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
        if let Event::FolderStarted { folder, visible, .. } = event {
            self.register(visible, folder);
        }
        let thread = self.thread_of(event);
        let info = |text| self.ui.tell(Message::new(Level::Info, thread.clone(), text));
        match event {
            Event::FolderFinished { folder } => return self.end_folder(&folder.remote.folder),
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
            Event::AccountStarted { .. } => self.begin(thread.clone()),
            Event::AccountFinished { .. } => {
                self.end_all_folders();
                self.complain_about_no_folder();
                if self.mode == Mode::DryRun {
                    info(dry_run::CLOSING.to_owned());
                }
            }
            _ => {}
        }
        let is_suppressed = matches!(event, Event::Withheld { .. })
            && self.read_only_warnings == ReadOnlyWarnings::Suppressed;
        let moment = Moment::of(event);
        for text in texts(event) {
            let level = if is_suppressed { Level::Debug } else { text.level };
            let mut message = Message::new(level, thread.clone(), text.text);
            message.moment.clone_from(&moment);
            self.ui.tell(message);
        }
        if let Event::AccountFinished { .. } = event {
            self.end(&self.account_thread);
        }
    }
}
