//! Messages arrive whole, under the names that OfflineIMAP gives them, and replace nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Body, MailboxName, Steps, Store as _, StoreError, StoreErrorKind, Stored,
};
use offlineimap_maildir::{Fsync, MaildirConfig, MaildirStore};
use tokio::sync::Notify;

use crate::fixture::{HASH, Inbox, WireBody, config, files, new_message, odd_messages};

#[tokio::test]
async fn unseen_mail_goes_to_new_and_seen_mail_to_cur() {
    for (flags, subdir) in [("", "new"), ("F", "new"), ("S", "cur"), ("TSR", "cur")] {
        let inbox = Inbox::new().await;
        inbox.deliver(17, flags, b"a: b\r\n\r\n").await;
        let files = inbox.files();
        assert_eq!(files.len(), 1);
        let sorted: String = {
            let mut letters: Vec<char> = flags.chars().collect();
            letters.sort_unstable();
            letters.into_iter().collect()
        };
        assert!(files[0].starts_with(&format!("{subdir}/")), "{files:?}");
        assert!(files[0].ends_with(&format!(",U=17,FMD5={HASH}:2,{sorted}")), "{files:?}");
        let mode = fs::metadata(inbox.path(&files[0])).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600);
    }
}

#[tokio::test]
async fn a_message_is_invisible_until_its_commit() {
    let inbox = Inbox::new().await;
    let staged = inbox.stage(1, "", b"a: b\r\n\r\n").await;
    assert!(inbox.observed().await.is_empty());
    assert!(inbox.files()[0].starts_with("tmp/"));
    let planned = staged.planned().cloned().unwrap();
    let outcomes = inbox.mailbox.commit(vec![staged]).await;
    assert_eq!(outcomes.into_iter().next().unwrap().unwrap(), Stored::At(planned.clone()));
    assert_eq!(inbox.observed().await, [(planned, String::new())]);
}

#[tokio::test]
async fn what_arrives_has_lf_line_ends_and_is_otherwise_the_same() {
    for wire in odd_messages() {
        let inbox = Inbox::new().await;
        inbox.deliver(1, "S", &wire).await;
        let file = fs::read(inbox.path(&inbox.files()[0])).unwrap();
        let expected = String::from_utf8_lossy(&wire).replace("\r\n", "\n");
        assert_eq!(String::from_utf8_lossy(&file), expected);
    }
}

#[tokio::test]
async fn the_uid_is_a_hint_and_a_message_without_counterpart_has_none() {
    let inbox = Inbox::new().await;
    inbox.deliver(17, "", b"").await;
    let seen = inbox.mailbox.observe().await.unwrap();
    assert_eq!(seen.items()[0].hint, Some(crate::fixture::uid(17)));
    let inbox = Inbox::new().await;
    inbox.deliver(0, "", b"").await;
    let seen = inbox.mailbox.observe().await.unwrap();
    assert_eq!(seen.items()[0].hint, None);
}

#[tokio::test]
async fn a_staged_message_that_is_dropped_leaves_nothing() {
    let inbox = Inbox::new().await;
    drop(inbox.stage(1, "", &b"x".repeat(300_000)).await);
    assert!(inbox.files().is_empty());
}

#[tokio::test]
async fn a_message_that_breaks_off_leaves_nothing() {
    let inbox = Inbox::new().await;
    for size in [10, 300_000] {
        let lost = StoreError::new(StoreErrorKind::ConnectionLost, "the line is cut");
        let mut body = WireBody::breaking_off(&b"x".repeat(size), lost);
        let error = inbox.mailbox.stage(new_message(1, ""), &mut body).await.unwrap_err();
        assert_eq!(error.to_string(), "the line is cut");
        assert!(inbox.files().is_empty());
    }
}

#[tokio::test]
async fn a_delivery_that_is_cancelled_leaves_nothing() {
    struct Stalling(Option<Bytes>, Arc<Notify>);
    #[async_trait]
    impl Body for Stalling {
        fn wire_octets(&self) -> u64 {
            1_000_000
        }
        async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
            if let Some(chunk) = self.0.take() {
                return Ok(Some(chunk));
            }
            self.1.notify_one();
            std::future::pending().await
        }
    }
    let inbox = Inbox::new().await;
    let stalled = Arc::new(Notify::new());
    let first = Bytes::from(b"x".repeat(200_000));
    let mut body = Stalling(Some(first), Arc::clone(&stalled));
    let mut delivery = inbox.mailbox.stage(new_message(1, ""), &mut body);
    tokio::select! {
        _ = &mut delivery => panic!("it has no end"),
        () = stalled.notified() => {}
    }
    assert_eq!(inbox.files().len(), 1, "a part is written");
    drop(delivery);
    assert!(inbox.files().is_empty());
}

#[tokio::test]
async fn a_message_of_the_wrong_length_is_not_stored() {
    let inbox = Inbox::new().await;
    for announced in [9, 11] {
        let mut body = WireBody::announcing(b"0123456789", announced);
        let error = inbox.mailbox.stage(new_message(1, ""), &mut body).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Message);
        assert!(inbox.files().is_empty());
    }
}

#[tokio::test]
async fn a_thousand_messages_keep_few_files_open() {
    let inbox = Inbox::new().await;
    let before = open_files();
    let mut staged = Vec::new();
    let mut most = 0;
    for uid in 1..=1000 {
        staged.push(inbox.stage(uid, "S", b"a: b\r\n\r\nbody\r\n").await);
        most = most.max(open_files());
    }
    assert!(most < before + 100, "{most} files are open");
    let outcomes = inbox.mailbox.commit(staged).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(inbox.observed().await.len(), 1000);
}

/// Counts those of all tests of this process, which run at the same time.
fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_delivery_never_replaces_a_file() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&taken);
    let steps = Steps::witnessed_by(move |what| {
        // Just before the rename somebody else takes the name.
        if let Some((_, to)) = what.split_once(" to ") {
            fs::write(to, "theirs").unwrap();
            noted.lock().unwrap().push(to.to_owned());
        }
    });
    let inbox = Inbox::with_steps(steps).await;
    let staged = inbox.stage(1, "", b"ours").await;
    let error = inbox.mailbox.commit(vec![staged]).await.remove(0).unwrap_err();
    let taken = taken.lock().unwrap().clone();
    assert!(error.to_string().contains(&taken[0]), "{error}");
    assert_eq!(fs::read(&taken[0]).unwrap(), b"theirs");
    assert_eq!(inbox.files().len(), 1, "our file is gone from tmp");
}

#[tokio::test]
async fn one_message_that_cannot_be_delivered_does_not_stop_the_others() {
    let inbox = Inbox::new().await;
    let mut staged = Vec::new();
    for uid in 1..=3 {
        staged.push(inbox.stage(uid, "", b"x").await);
    }
    let second = inbox.files().into_iter().find(|file| file.contains(",U=2,")).unwrap();
    fs::remove_file(inbox.path(&second)).unwrap();
    let outcomes = inbox.mailbox.commit(staged).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let error = outcomes[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Message);
    assert_eq!(inbox.observed().await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_made_durable_is_taken_back_or_unknown() {
    // Just before the second rename somebody takes the directory of the first away.
    let renames = Mutex::new(0);
    let steps = Steps::witnessed_by(move |what| {
        if let Some((_, to)) = what.split_once(" to ") {
            let mut renames = renames.lock().unwrap();
            *renames += 1;
            if *renames == 2 {
                let folder = Path::new(to).ancestors().nth(2).unwrap();
                fs::rename(folder.join("cur"), folder.join("gone")).unwrap();
            }
        }
    });
    let inbox = Inbox::with_steps(steps).await;
    let staged = vec![inbox.stage(1, "S", b"x").await, inbox.stage(2, "", b"x").await];
    let outcomes = inbox.mailbox.commit(staged).await;
    let kinds: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().unwrap_err().kind()).collect();
    assert_eq!(kinds, [StoreErrorKind::ConnectionLost, StoreErrorKind::Mailbox]);
    inbox.rename("gone", "cur");
    assert_eq!(inbox.files().len(), 1, "the second was taken back");
}

#[tokio::test]
async fn a_folder_of_which_tmp_is_gone_stores_nothing() {
    let inbox = Inbox::new().await;
    fs::remove_dir(inbox.path("tmp")).unwrap();
    let mut body = WireBody::new(b"x");
    let error = inbox.mailbox.stage(new_message(1, ""), &mut body).await.unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot write {}/", inbox.path("tmp").display())), "{told}");
}

#[tokio::test]
async fn mail_of_another_mailbox_is_not_stored() {
    let [here, there] = [Inbox::new().await, Inbox::new().await];
    let staged = here.stage(1, "", b"x").await;
    let error = there.mailbox.commit(vec![staged]).await.remove(0).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Message);
    assert!(here.files().is_empty() && there.files().is_empty());
}

#[tokio::test]
async fn without_fsync_mail_is_stored_the_same() {
    let root = tempfile::tempdir().unwrap();
    let store = MaildirStore::new(MaildirConfig { fsync: Fsync::NoSync, ..config(root.path()) });
    let name = MailboxName::new("INBOX");
    store.create(&name).await.unwrap();
    let mailbox = store.open(&name, Access::ReadWrite).await.unwrap();
    let inbox = Inbox { root, mailbox };
    inbox.deliver(1, "S", b"a: b\r\n\r\n").await;
    assert_eq!(inbox.observed().await.len(), 1);
}

const LIMITED: &str = "MAILDIR_TEST_LIMITED_ROOT";

/// The part of the next test that runs in a process whose files cannot grow beyond a limit.
#[tokio::test]
async fn in_a_process_with_a_file_size_limit() {
    let Ok(root) = std::env::var(LIMITED) else { return };
    let store = MaildirStore::new(config(Path::new(&root)));
    let name = MailboxName::new("INBOX");
    let mailbox = store.open(&name, Access::ReadWrite).await.unwrap();
    let mut small = WireBody::new(b"small");
    let small = mailbox.stage(new_message(1, ""), &mut small).await.unwrap();
    for size in [100_000, 1_000_000] {
        let mut large = WireBody::new(&b"x".repeat(size));
        let error = mailbox.stage(new_message(2, ""), &mut large).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Message);
        assert!(error.to_string().starts_with(&format!("cannot write {root}/INBOX/tmp/")));
    }
    assert!(mailbox.commit(vec![small]).await.remove(0).is_ok());
}

#[tokio::test]
async fn a_write_that_fails_leaves_no_partial_file() {
    let inbox = Inbox::new().await;
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 16; exec "$0" --exact "$1""#])
        .arg(std::env::current_exe().unwrap())
        .arg("delivery::in_a_process_with_a_file_size_limit")
        .env(LIMITED, inbox.root.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
    let files = files(&inbox.path(""));
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].starts_with("new/") && files[0].contains(",U=1,"));
}
