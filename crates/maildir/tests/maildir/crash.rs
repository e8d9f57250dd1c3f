//! A process that ends at any step leaves messages whole or not visible, and the next run cleans up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use offlineimap_core::{
    Access, Applied, Binding, FlagChange, Flags, Mailbox, MailboxName, Removal, Steps, Store as _,
};
use offlineimap_maildir::{MaildirConfig, MaildirStore};

use crate::fixture::{WireBody, config, files, key, new_message, uid};

const ROOT: &str = "MAILDIR_TEST_CRASH_ROOT";
const STEP: &str = "MAILDIR_TEST_CRASH_STEP";
const WORK: &str = "MAILDIR_TEST_CRASH_WORK";

fn content(uid: u32) -> Vec<u8> {
    format!("Subject: {uid}\r\n\r\nbody\r\n").into_bytes().repeat(1 + 9000 * (uid as usize % 2))
}

/// The part of the tests that runs in a process of its own and ends at a step.
#[tokio::test]
async fn in_a_process_that_ends_at_a_step() {
    let Ok(root) = std::env::var(ROOT) else { return };
    let last: u32 = std::env::var(STEP).unwrap().parse().unwrap();
    let count = AtomicU32::new(0);
    let steps = Steps::witnessed_by(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == last {
            std::process::abort();
        }
    });
    let store = MaildirStore::new(MaildirConfig { steps, ..config(Path::new(&root)) });
    let name = MailboxName::new("INBOX");
    store.create(&name).await.unwrap();
    let mailbox = store.open(&name, Access::ReadWrite).await.unwrap();
    match std::env::var(WORK).unwrap().as_str() {
        "deliver" => deliver(&*mailbox).await,
        "change" => change(&*mailbox).await,
        work => panic!("{work}?"),
    }
}

async fn deliver(mailbox: &dyn Mailbox) {
    let mut staged = Vec::new();
    for (uid, flags) in [(1, ""), (2, "S"), (3, "F")] {
        let mut body = WireBody::new(&content(uid));
        staged.push(mailbox.stage(new_message(uid, flags), &mut body).await.unwrap());
    }
    assert!(mailbox.commit(staged).await.iter().all(Result::is_ok));
}

async fn change(mailbox: &dyn Mailbox) {
    let seen = FlagChange { add: Flags::from_letters("S"), remove: Flags::from_letters("F") };
    let changes = [key("1.h"), key("2.h")].map(|key| (key, seen.clone())).to_vec();
    assert!(mailbox.change_flags(changes).await.iter().all(Result::is_ok));
    let binding = Binding { key: key("2.h"), counterpart: uid(2) };
    let bound = mailbox.bind(vec![binding]).await.remove(0).unwrap();
    assert!(matches!(bound, Applied::Done(_)));
    assert!(mailbox.remove(&[key("3.h")], Removal::Expunge).await[0].is_ok());
}

/// Runs the work in a process that ends at a step; tells whether it came to its end before.
fn run_until(step: u32, root: &Path, work: &str) -> Run {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::in_a_process_that_ends_at_a_step"])
        .env(ROOT, root)
        .env(STEP, step.to_string())
        .env(WORK, work)
        .output()
        .unwrap();
    if child.status.success() {
        assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
        return Run::Completed;
    }
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(!told.contains("panicked") && !told.contains("FAILED"), "{told}");
    Run::Ended
}

#[derive(Debug, PartialEq, Eq)]
enum Run {
    Completed,
    Ended,
}

/// Returns the contents of the visible messages by UID.
fn visible(folder: &Path) -> BTreeMap<u32, Vec<u8>> {
    let uid = |file: &str| {
        let (_, rest) = file.split_once(",U=").unwrap();
        rest.split_once(',').unwrap().0.parse().unwrap()
    };
    files(folder)
        .into_iter()
        .filter(|file| !file.starts_with("tmp/"))
        .map(|file| (uid(&file), fs::read(folder.join(&file)).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_delivery_that_ends_at_any_step_leaves_whole_messages_only() {
    let mut most = 0;
    for step in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("INBOX");
        let run = run_until(step, dir.path(), "deliver");
        let store = MaildirStore::new(config(dir.path()));
        let name = MailboxName::new("INBOX");
        store.create(&name).await.unwrap();
        for (uid, file) in visible(&folder) {
            let expected = String::from_utf8(content(uid)).unwrap().replace("\r\n", "\n");
            assert!(file == expected.as_bytes(), "message {uid} after step {step}");
        }
        let delivered = visible(&folder).len();
        assert!(delivered >= most, "more steps, not fewer messages");
        most = delivered;
        let mailbox = store.open(&name, Access::ReadWrite).await.unwrap();
        assert_eq!(mailbox.observe().await.unwrap().items().len(), delivered);
        assert_eq!(files(&folder).len(), delivered, "tmp is clean after step {step}");
        if run == Run::Completed {
            // Making the root, the folder and both identities; staging and renaming each message.
            assert_eq!((step, most), (12, 3));
            return;
        }
    }
}

#[tokio::test]
async fn changes_that_end_at_any_step_lose_no_message() {
    for step in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("INBOX");
        let store = MaildirStore::new(config(dir.path()));
        let name = MailboxName::new("INBOX");
        store.create(&name).await.unwrap();
        for file in ["new/1.h:2,Fa", "cur/2.h:2,b", "cur/3.h:2,S"] {
            fs::write(folder.join(file), file).unwrap();
        }
        let run = run_until(step, dir.path(), "change");
        let mut contents: Vec<String> = files(&folder)
            .iter()
            .map(|file| fs::read_to_string(folder.join(file)).unwrap())
            .collect();
        contents.sort();
        assert_eq!(contents.len(), if run == Run::Completed { 2 } else { 3 }, "step {step}");
        assert!(contents.contains(&"new/1.h:2,Fa".to_owned()), "step {step}");
        assert!(contents.contains(&"cur/2.h:2,b".to_owned()), "step {step}");
        if run == Run::Completed {
            assert_eq!(step, 4);
            assert!(files(&folder).contains(&"cur/1.h:2,Sa".to_owned()));
            return;
        }
    }
}
