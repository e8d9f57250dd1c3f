//! One account over two stores in memory, synced as often as a test likes.

use std::path::Path;
use std::sync::{Arc, Mutex};

use offlineimap_core::{
    Allowed, DeleteLimit, Flags, Key, NameRules, PerSide, Policy, RuleError, Store,
};
use offlineimap_engine::{Account, Durability, Event, Mode, Pace, Restrictions, sync_account};
use offlineimap_testkit::memory_store::{MemoryStore, PowerSwitch, Unsynced};
use offlineimap_testkit::message::Body;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Two stores, a metadata directory, and what was told.
pub(crate) struct Rig {
    pub(crate) remote: MemoryStore,
    pub(crate) local: MemoryStore,
    /// What the engine is given; usually the two above, perhaps decorated.
    pub(crate) stores: PerSide<Arc<dyn Store>>,
    pub(crate) power: PowerSwitch,
    pub(crate) policy: Policy,
    pub(crate) restrictions: Restrictions,
    pub(crate) pace: Pace,
    pub(crate) delete_limit: DeleteLimit,
    pub(crate) allowed: Allowed,
    pub(crate) metadata: TempDir,
    pub(crate) stop: CancellationToken,
}

/// What one run told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) errors: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) epoch_problems: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) ignored: Vec<String>,
    pub(crate) copied: usize,
    pub(crate) skipped: Vec<String>,
    /// The number of messages taken over.
    pub(crate) adopted: usize,
    pub(crate) planned: Vec<String>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::over(MemoryStore::numbering("Remote"), MemoryStore::naming("Local"))
    }

    pub(crate) fn over(remote: MemoryStore, local: MemoryStore) -> Self {
        let power = PowerSwitch::default();
        let remote = remote.powered_by(&power);
        let local = local.powered_by(&power);
        Self {
            stores: PerSide { remote: Arc::new(remote.clone()), local: Arc::new(local.clone()) },
            remote,
            local,
            power,
            policy: Policy::default(),
            restrictions: Restrictions::default(),
            pace: Pace::Full,
            delete_limit: DeleteLimit::Default,
            allowed: Allowed::Nowhere,
            metadata: tempfile::tempdir().unwrap(),
            stop: CancellationToken::new(),
        }
    }

    /// Wires the same stores to another switch.
    pub(crate) fn repower(&mut self, power: &PowerSwitch) {
        self.power = power.clone();
        self.remote = self.remote.clone().powered_by(power);
        self.local = self.local.clone().powered_by(power);
        self.stores =
            PerSide { remote: Arc::new(self.remote.clone()), local: Arc::new(self.local.clone()) };
    }

    pub(crate) async fn sync(&self) -> Told {
        self.run(Mode::Sync).await
    }

    /// Syncs, and insists that nothing went wrong.
    pub(crate) async fn sync_well(&self) -> Told {
        let told = self.sync().await;
        assert_eq!(told.errors, Vec::<String>::new());
        assert_eq!(told.refused, Vec::<String>::new());
        told
    }

    pub(crate) async fn run(&self, mode: Mode) -> Told {
        let told = Arc::new(Mutex::new(Told::default()));
        let account = self.account(mode, &told);
        // In a task of its own, so that a power cut ends it like the end of a process.
        let ended = tokio::spawn(async move { sync_account(&account).await }).await;
        if let Err(error) = ended {
            assert!(self.power.is_off(), "the run panicked: {error}");
        }
        std::mem::take(&mut *told.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The account, whose events are added to what was told.
    pub(crate) fn account(&self, mode: Mode, told: &Arc<Mutex<Told>>) -> Account {
        let told = Arc::clone(told);
        Account {
            name: "Test".into(),
            metadata: self.metadata.path().to_owned(),
            scratch: std::env::temp_dir(),
            stores: self.stores.clone(),
            rules: PerSide { remote: Arc::new(AnyName), local: Arc::new(AnyName) },
            policy: self.policy,
            restrictions: self.restrictions,
            pace: self.pace,
            copy_order: PerSide::default(),
            delete_limit: self.delete_limit,
            allowed: self.allowed.clone(),
            mode,
            durability: Durability::Relaxed,
            steps: self.power.steps(),
            stop: self.stop.clone(),
            events: Arc::new(move |event: &Event| {
                let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                told.hear(event);
            }),
            hooks: Arc::new(()),
        }
    }

    pub(crate) fn power_cut(&self, unsynced: Unsynced) {
        self.remote.power_cut(unsynced);
        self.local.power_cut(unsynced);
    }

    /// The mail of both sides as a person would compare it: folder, text and flags, without keys.
    pub(crate) fn mail(&self) -> PerSide<Vec<String>> {
        PerSide { remote: mail(&self.remote, '/'), local: mail(&self.local, '.') }
    }

    /// Insists that both sides hold the same mail, and returns it.
    pub(crate) fn same_mail(&self) -> Vec<String> {
        let mail = self.mail();
        assert_eq!(mail.remote, mail.local, "remote (left) and local (right) differ");
        mail.remote
    }

    pub(crate) fn state_file(&self) -> std::path::PathBuf {
        self.metadata.path().join("Account-Test/state.sqlite")
    }
}

fn mail(store: &MemoryStore, separator: char) -> Vec<String> {
    let user = store.user();
    let mut lines = Vec::new();
    for mailbox in user.mailboxes() {
        let name = mailbox.replace(separator, "/");
        for letter in user.letters(&mailbox) {
            let text = String::from_utf8_lossy(&letter.wire).replace("\r\n", "\n");
            let first = text.lines().next().unwrap_or_default().to_owned();
            lines.push(format!("{name}: {first} [{}]", letter.flags));
        }
    }
    lines.sort();
    lines
}

impl Told {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Error { context, message } => self.errors.push(format!("{context}: {message}")),
            Event::Refused(refusal) => self.refused.push(refusal.to_string()),
            Event::EpochProblem { folder, .. } => self.epoch_problems.push(folder.to_string()),
            Event::Warning { message } => self.warnings.push(message.clone()),
            Event::FolderIgnored { ignored, .. } => self.ignored.push(format!("{ignored:?}")),
            Event::FolderCreationInfinite { names, .. } => self.errors.push(format!("{names:?}")),
            Event::Copying { .. } => self.copied += 1,
            Event::FolderSkipped { folder } => self.skipped.push(folder.folder.to_string()),
            Event::Adopted { messages, .. } => self.adopted += messages,
            Event::Planned { plan, .. } => self.planned.push(format!("{plan:?}")),
            Event::AccountStarted { .. }
            | Event::AccountFinished { .. }
            | Event::FolderCreating { .. }
            | Event::FolderUnusable { .. }
            | Event::FoldersStarted { .. }
            | Event::FolderStarted { .. }
            | Event::Listing { .. }
            | Event::Listed { .. }
            | Event::FolderFinished { .. }
            | Event::Recovered { .. }
            | Event::CopiesStarted { .. }
            | Event::Deleting { .. }
            | Event::AddingFlags { .. }
            | Event::RemovingFlags { .. }
            | Event::Withheld { .. }
            | Event::LocalReplaced { .. }
            | Event::Stopping
            | _ => {}
        }
    }
}

struct AnyName;

impl NameRules for AnyName {
    fn visible(&self, name: &str, _separator: Option<char>) -> Result<String, RuleError> {
        Ok(name.to_owned())
    }

    fn includes(&self, _name: &str) -> Result<bool, RuleError> {
        Ok(true)
    }

    fn storable(&self, _name: &str) -> Result<(), String> {
        Ok(())
    }
}

/// Delivers a message that is told apart by its subject.
pub(crate) fn deliver(store: &MemoryStore, mailbox: &str, subject: &str, letters: &str) -> Key {
    let text = format!("Subject: {subject}\r\nMessage-ID: <{subject}@test>\r\n\r\nText.\r\n");
    store.user().deliver(mailbox, &body(&text), Flags::from_letters(letters))
}

/// Delivers a message without a Message-ID.
pub(crate) fn deliver_anonymous(store: &MemoryStore, mailbox: &str, subject: &str) -> Key {
    let text = format!("Subject: {subject}\r\n\r\nText.\r\n");
    store.user().deliver(mailbox, &body(&text), Flags::default())
}

fn body(text: &str) -> Body {
    Body::from(text.as_bytes().to_vec())
}

/// Finds the key of the message with this subject.
pub(crate) fn key(store: &MemoryStore, mailbox: &str, subject: &str) -> Key {
    let wanted = format!("Subject: {subject}");
    store
        .user()
        .letters(mailbox)
        .into_iter()
        .find(|letter| {
            String::from_utf8_lossy(&letter.wire).lines().next() == Some(wanted.as_str())
        })
        .unwrap_or_else(|| panic!("no message '{subject}' in '{mailbox}'"))
        .key
}

pub(crate) fn set_flags(store: &MemoryStore, mailbox: &str, subject: &str, letters: &str) {
    let key = key(store, mailbox, subject);
    store.user().set_flags(mailbox, &key, Flags::from_letters(letters));
}

pub(crate) fn delete(store: &MemoryStore, mailbox: &str, subject: &str) {
    store.user().delete(mailbox, &key(store, mailbox, subject));
}

/// All files below a directory with their contents, to see that nothing was written.
pub(crate) fn files(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}
