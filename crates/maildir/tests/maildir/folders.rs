//! Listing, creating and opening folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use offlineimap_core::{Access, MailboxName, RuleError, Steps, Store as _, StoreErrorKind};
use offlineimap_maildir::{MaildirConfig, MaildirStore, MissingRoot, RootState};

use crate::fixture::{config, key, uid};

fn store(root: &Path, separator: char) -> MaildirStore {
    MaildirStore::new(MaildirConfig { separator, ..config(root) })
}

async fn names(store: &MaildirStore) -> Vec<String> {
    let listing = store.list().await.unwrap();
    assert!(listing.unusable.is_empty());
    let mut names: Vec<String> =
        listing.mailboxes.iter().map(|entry| entry.name.as_str().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_created_is_listed_in_every_layout() {
    for (separator, folders) in [
        ('.', vec!["", ".Lists", ".Lists.rust", "Sent Mail"]),
        ('/', vec!["INBOX", "INBOX/Lists/rust", "Gäste"]),
        ('_', vec!["INBOX", "INBOX_x"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/Mail");
        let store = store(&root, separator);
        for _ in 0..2 {
            for folder in &folders {
                store.create(&MailboxName::new(*folder)).await.unwrap();
            }
        }
        let mut expected = folders.clone();
        expected.sort_unstable();
        assert_eq!(names(&store).await, expected);
        assert_eq!(store.list().await.unwrap().separator, Some(separator));
        for path in [root.clone(), root.join(folders[1]), root.join(folders[1]).join("tmp")] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}

#[tokio::test]
async fn the_parent_of_a_created_folder_is_a_directory_and_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), '/');
    store.create(&MailboxName::new("[Gmail]/Sent")).await.unwrap();
    assert_eq!(names(&store).await, ["[Gmail]/Sent"]);
}

#[tokio::test]
async fn a_missing_part_of_a_folder_is_created() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), '.');
    fs::create_dir_all(dir.path().join("INBOX/cur")).unwrap();
    assert!(names(&store).await.is_empty());
    store.create(&MailboxName::new("INBOX")).await.unwrap();
    assert_eq!(names(&store).await, ["INBOX"]);
}

#[tokio::test]
async fn names_that_cannot_be_are_neither_created_nor_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("Mail");
    for (name, separator) in
        [("../x", '/'), ("/x", '/'), ("a/cur", '/'), ("a/b", '.'), ("..", '.'), ("a//b", '/')]
    {
        let store = store(&root, separator);
        let error = store.create(&MailboxName::new(name)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Mailbox);
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        assert!(store.open(&MailboxName::new(name), Access::ReadOnly).await.is_err());
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was created");
}

#[tokio::test]
async fn looking_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("Mail");
    let empty =
        MaildirStore::new(MaildirConfig { missing_root: MissingRoot::Empty, ..config(&root) });
    assert!(empty.list().await.unwrap().mailboxes.is_empty());
    assert_eq!(empty.root_state().await.unwrap(), RootState::Missing);
    assert!(empty.open(&MailboxName::new("INBOX"), Access::ReadWrite).await.is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_root_is_not_an_empty_listing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("Mail");
    let error = store(&root, '.').list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store);
    let told = format!("the Maildir directory {} does not exist", root.display());
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_an_error() {
    // A link that leads to itself is refused to everybody, the superuser included.
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
    let error = store(dir.path(), '.').list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store);
    assert!(error.to_string().contains("loop"), "{error}");
    let name = MailboxName::new("loop");
    let error = store(dir.path(), '.').open(&name, Access::ReadOnly).await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
}

#[tokio::test]
async fn the_visible_name_is_what_counts_in_names() {
    let dir = tempfile::tempdir().unwrap();
    let store = MaildirStore::new(MaildirConfig {
        visible: Arc::new(|name| Ok(format!("INBOX{name}"))),
        ..config(dir.path())
    });
    let name = MailboxName::new(".Lists.rust");
    store.create(&name).await.unwrap();
    let file = "1_0.2.vm,U=5,FMD5=bc595836021fa3a8725e1ef51a85844c:2,";
    fs::write(dir.path().join(".Lists.rust/new").join(file), "").unwrap();
    let mailbox = store.open(&name, Access::ReadOnly).await.unwrap();
    let seen = mailbox.observe().await.unwrap();
    assert_eq!(seen.items()[0].key, key("1_0.2.vm,U=5/"));
    assert_eq!(seen.items()[0].hint, Some(uid(5)));
}

#[tokio::test]
async fn a_folder_without_a_visible_name_is_not_opened_under_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let failing = MaildirConfig {
        visible: Arc::new(|name| Err(RuleError::new(format!("nothing for {name}")))),
        ..config(dir.path())
    };
    let store = MaildirStore::new(failing);
    let name = MailboxName::new("INBOX");
    store.create(&name).await.unwrap();
    let error = store.open(&name, Access::ReadWrite).await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Store);
    assert_eq!(error.to_string(), "nothing for INBOX");
}

#[tokio::test]
async fn every_change_is_announced_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("Mail");
    let announced = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&announced);
    let steps = Steps::witnessed_by(move |what| noted.lock().unwrap().push(what.to_owned()));
    let store = MaildirStore::new(MaildirConfig { steps, ..config(&root) });
    store.create(&MailboxName::new("INBOX")).await.unwrap();
    let root = root.display();
    let expected = [
        format!("maildir mkdir {root}"),
        format!("maildir mark {root}/.offlineimap-id"),
        format!("maildir mkdir {root}/INBOX"),
        format!("maildir mark {root}/INBOX/.offlineimap-id"),
        format!("maildir mkdir {root}/INBOX/cur"),
        format!("maildir mkdir {root}/INBOX/new"),
        format!("maildir mkdir {root}/INBOX/tmp"),
    ];
    assert_eq!(*announced.lock().unwrap(), expected);
}
