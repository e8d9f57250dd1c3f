//! A folder that was replaced is not the same folder with everything deleted.

use std::fs;
use std::sync::Arc;

use offlineimap_core::{
    Access, Binding, FlagChange, Flags, Hints, MailboxName, Removal, Store as _,
};
use offlineimap_maildir::{IDENTITY_FILE, MaildirConfig, MaildirStore, RootState};

use crate::fixture::{HASH, Inbox, WireBody, config, key, new_message, uid};

async fn epoch(inbox: &Inbox, access: Access) -> String {
    let store = MaildirStore::new(config(inbox.root.path()));
    let mailbox = store.open(&MailboxName::new("INBOX"), access).await.unwrap();
    mailbox.observe().await.unwrap().epoch.as_str().to_owned()
}

#[tokio::test]
async fn a_folder_keeps_its_epoch_and_another_directory_has_another() {
    let [one, two] = [Inbox::new().await, Inbox::new().await];
    let first = epoch(&one, Access::ReadWrite).await;
    assert_eq!(epoch(&one, Access::ReadWrite).await, first);
    assert_eq!(epoch(&one, Access::ReadOnly).await, first);
    assert_ne!(epoch(&two, Access::ReadOnly).await, first);
}

#[tokio::test]
async fn a_folder_that_lost_its_identity_gets_another_when_it_is_opened_for_writing() {
    let inbox = Inbox::new().await;
    let first = epoch(&inbox, Access::ReadOnly).await;
    fs::remove_file(inbox.path(IDENTITY_FILE)).unwrap();
    assert_eq!(epoch(&inbox, Access::ReadOnly).await, "unmarked");
    assert!(!inbox.path(IDENTITY_FILE).exists());
    let second = epoch(&inbox, Access::ReadWrite).await;
    assert!(second != first && second != "unmarked");
}

#[tokio::test]
async fn a_folder_replaced_after_it_was_opened_shows_another_epoch() {
    let inbox = Inbox::new().await;
    let first = inbox.mailbox.observe().await.unwrap().epoch;
    fs::rename(inbox.path(""), inbox.root.path().join("moved")).unwrap();
    for subdir in ["cur", "new", "tmp"] {
        fs::create_dir_all(inbox.path(subdir)).unwrap();
    }
    let second = inbox.mailbox.observe().await.unwrap().epoch;
    assert_eq!(second.as_str(), "unmarked");
    assert_ne!(first, second);
}

#[tokio::test]
async fn another_nametrans_is_another_epoch() {
    // The keys are abbreviated by the hash: under another one they would all be absent.
    let inbox = Inbox::new().await;
    inbox.deliver(1, "", b"x").await;
    let first = epoch(&inbox, Access::ReadOnly).await;
    let store = MaildirStore::new(MaildirConfig {
        visible: Arc::new(|name| Ok(name.to_lowercase())),
        ..config(inbox.root.path())
    });
    let mailbox = store.open(&MailboxName::new("INBOX"), Access::ReadOnly).await.unwrap();
    assert_ne!(mailbox.observe().await.unwrap().epoch.as_str(), first);
}

#[tokio::test]
async fn the_root_has_an_identity_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("Mail");
    let store = MaildirStore::new(config(&root));
    assert_eq!(store.root_state().await.unwrap(), RootState::Missing);
    fs::create_dir(&root).unwrap();
    assert_eq!(store.root_state().await.unwrap(), RootState::Unmarked);
    let identity = store.prepare().await.unwrap();
    assert_eq!(store.prepare().await.unwrap(), identity);
    store.create(&MailboxName::new("")).await.unwrap();
    assert_eq!(store.root_state().await.unwrap(), RootState::Marked(identity));
}

#[tokio::test]
async fn an_observation_tells_what_a_maildir_can_do() {
    let inbox = Inbox::new().await;
    let seen = inbox.mailbox.observe().await.unwrap();
    assert_eq!((seen.hints, seen.access), (Hints::Kept, Access::ReadWrite));
    assert_eq!((seen.frontier, seen.token), (None, None));
}

#[tokio::test]
async fn a_folder_opened_for_reading_refuses_every_change() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "x");
    inbox.put(&format!("tmp/5_0.99999999.h,U=1,FMD5={HASH}:2,"), "a leftover");
    fs::remove_file(inbox.path(IDENTITY_FILE)).unwrap();
    let before = inbox.files();
    let store = MaildirStore::new(config(inbox.root.path()));
    let mailbox = store.open(&MailboxName::new("INBOX"), Access::ReadOnly).await.unwrap();
    let refusal = format!(
        "the folder {} was opened for reading only",
        inbox.root.path().join("INBOX").display()
    );
    let one = key("1.h");
    let change = FlagChange { add: Flags::from_letters("S"), remove: Flags::default() };
    let flags = mailbox.change_flags(vec![(one.clone(), change)]).await.remove(0);
    let binding = Binding { key: one.clone(), counterpart: uid(1) };
    let bound = mailbox.bind(vec![binding]).await.remove(0).map(drop);
    let removed = mailbox.remove(&[one], Removal::Expunge).await.remove(0).map(drop);
    let staged = mailbox.stage(new_message(1, ""), &mut WireBody::new(b"x")).await.map(drop);
    for outcome in [flags.map(drop), bound, removed, staged] {
        assert_eq!(outcome.unwrap_err().to_string(), refusal);
    }
    let seen = mailbox.observe().await.unwrap();
    assert_eq!((seen.items().len(), seen.epoch.as_str()), (1, "unmarked"));
    assert_eq!(inbox.files(), before);
    assert!(!inbox.path(IDENTITY_FILE).exists());
}
