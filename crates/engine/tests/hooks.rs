//! What the front end does around a sync: when it is called, and under which conditions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest of the rig")]
mod rig;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
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
        Self { metadata, calls: Arc::default(), before, stop: rig.stop.clone() }
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
async fn both_are_called_under_the_lock() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Nothing);
    let told = run(&rig, &notes, Mode::Sync).await;
    assert_eq!(told.errors, Vec::<String>::new());
    assert_eq!(notes.calls(), ["before, locked", "after, locked"]);
    assert_eq!(rig.same_mail().len(), 1);
    AccountLock::take(rig.metadata.path(), "Test").unwrap();
}

#[tokio::test]
async fn a_dry_run_calls_both_without_a_lock() {
    let rig = with_mail();
    let notes = Notes::of(&rig, Before::Nothing);
    run(&rig, &notes, Mode::DryRun).await;
    assert_eq!(notes.calls(), ["before, free", "after, free"]);
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
