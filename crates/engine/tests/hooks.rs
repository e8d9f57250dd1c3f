//! What the front end does around a sync: when it is called, and under which conditions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest of the rig")]
mod rig;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use offlineimap_core::{Key, MailboxName, Side};
use offlineimap_engine::{AccountLock, Hooks, Mode, NotPrepared, sync_account};
use tokio_util::sync::CancellationToken;

use rig::{Rig, Told, deliver};

/// Notes what is called, and whether the account was locked then.
#[derive(Clone)]
struct Notes {
    metadata: PathBuf,
    calls: Arc<Mutex<Vec<String>>>,
    before: Before,
    stop: CancellationToken,
    /// What is never copied from the remote side.
    never: BTreeSet<Key>,
}

/// What happens before the sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Failure,
    /// Somebody asks the run to stop, and the call does not end.
    Stop,
}

impl Notes {
    fn of(rig: &Rig, before: Before) -> Self {
        let metadata = rig.metadata.path().to_owned();
        let (stop, never) = (rig.stop.clone(), BTreeSet::new());
        Self { metadata, calls: Arc::default(), before, stop, never }
    }

    fn note(&self, call: &str) {
        let free = AccountLock::take(&self.metadata, "Test").is_ok();
        let lock = if free { "free" } else { "locked" };
        self.calls.lock().unwrap().push(format!("{call}, {lock}"));
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl Hooks for Notes {
    async fn before(&self) -> Result<(), NotPrepared> {
        self.note("before");
        match self.before {
            Before::Nothing => Ok(()),
            Before::Failure => Err(NotPrepared { reason: "the disk is not mounted".into() }),
            Before::Stop => {
                self.stop.cancel();
                std::future::pending().await
            }
        }
    }

    async fn never_copied(&self, from: Side, visible: &str) -> Result<BTreeSet<Key>, NotPrepared> {
        if visible == "Unknown" {
            return Err(NotPrepared { reason: "nobody knows".into() });
        }
        Ok(if from == Side::Remote { self.never.clone() } else { BTreeSet::new() })
    }

    async fn new_mail(&self, from: Side, folder: &MailboxName) {
        self.note(&format!("new mail in {from} {folder}"));
    }

    async fn after(&self) {
        self.note("after");
    }
}

/// A rig with a message to be copied.
fn with_mail() -> Rig {
    let rig = Rig::new();
    deliver(&rig.remote, "INBOX", "new", "");
    rig
}

async fn run(rig: &Rig, notes: &Notes, mode: Mode) -> Told {
    let told = Arc::default();
    let mut account = rig.account(mode, &told);
    account.hooks = Arc::new(notes.clone());
    sync_account(&account).await;
    std::mem::take(&mut *told.lock().unwrap())
}

#[tokio::test]
async fn all_are_called_under_the_lock() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Nothing);
    let told = run(&rig, &notes, Mode::Sync).await;
    assert_eq!(told.errors, Vec::<String>::new());
    let calls = ["before, locked", "new mail in remote INBOX, locked", "after, locked"];
    assert_eq!(notes.calls(), calls);
    assert_eq!(rig.same_mail().len(), 1);
    AccountLock::take(rig.metadata.path(), "Test").unwrap();
}

#[tokio::test]
async fn a_dry_run_calls_all_without_a_lock() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Nothing);
    run(&rig, &notes, Mode::DryRun).await;
    let calls = ["before, free", "new mail in remote INBOX, free", "after, free"];
    assert_eq!(notes.calls(), calls);
}

#[tokio::test]
async fn new_mail_is_told_once_for_a_folder_of_a_side_and_only_if_it_is_unread() {
    let rig = Rig::new();
    rig.local.user().create("Read");
    for (store, mailbox, subject, letters) in [
        (&rig.remote, "INBOX", "one", ""),
        (&rig.remote, "INBOX", "two", "F"),
        (&rig.local, "INBOX", "three", ""),
        (&rig.local, "Read", "four", "S"),
    ] {
        deliver(store, mailbox, subject, letters);
    }
    let notes = Notes::of(&rig, Before::Nothing);
    run(&rig, &notes, Mode::Sync).await;
    let mut calls = notes.calls();
    calls.retain(|call| call.starts_with("new mail"));
    calls.sort();
    assert_eq!(calls, ["new mail in local INBOX, locked", "new mail in remote INBOX, locked"]);
    assert_eq!(rig.same_mail().len(), 4);
    let again = Notes::of(&rig, Before::Nothing);
    run(&rig, &again, Mode::Sync).await;
    assert_eq!(again.calls(), ["before, locked", "after, locked"]);
}

#[tokio::test]
async fn what_is_never_copied_stays_and_a_folder_of_which_that_is_not_known_is_left_alone() {
    let rig = Rig::new();
    let never = deliver(&rig.remote, "INBOX", "never", "");
    deliver(&rig.remote, "INBOX", "copied", "S");
    rig.remote.user().create("Unknown");
    deliver(&rig.remote, "Unknown", "left alone", "");
    let notes = Notes { never: [never].into(), ..Notes::of(&rig, Before::Nothing) };
    for _ in 0..2 {
        let told = run(&rig, &notes, Mode::Sync).await;
        assert_eq!(told.errors, ["folder 'Unknown' [acc: 'Test']: nobody knows"]);
        assert_eq!(rig.mail().local.len(), 1, "{:?}", rig.mail());
        assert_eq!(rig.mail().remote.len(), 3, "{:?}", rig.mail());
    }
    assert!(!notes.calls().iter().any(|call| call.starts_with("new mail")), "it was read");
    let told = run(&rig, &Notes::of(&rig, Before::Nothing), Mode::Sync).await;
    assert_eq!(told.errors.len(), 1);
    assert_eq!(rig.mail().local.len(), 2, "the option is gone");
}

#[tokio::test]
async fn an_account_that_is_not_prepared_is_not_synced() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Failure);
    let told = run(&rig, &notes, Mode::Sync).await;
    assert_eq!(told.errors, ["account 'Test': the disk is not mounted"]);
    assert_eq!(notes.calls(), ["before, locked"]);
    assert!(!rig.state_file().exists());
    assert_eq!(rig.mail().local, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_is_stopped_does_not_wait_and_does_not_go_on() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Stop);
    let told = run(&rig, &notes, Mode::Sync).await;
    assert_eq!(told.errors, Vec::<String>::new());
    assert_eq!(notes.calls(), ["before, locked"]);
    assert_eq!(rig.mail().local, Vec::<String>::new());
    AccountLock::take(rig.metadata.path(), "Test").unwrap();
}
