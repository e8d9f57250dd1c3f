//! Taking over and giving back the files of OfflineIMAP, where it takes two servers or an odd state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with other test files")]
mod rig;

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;

use offlineimap_core::{Flags, FolderPair, IntentKind, Key, MailboxName, PerSide, Side, Steps};
use offlineimap_engine::{
    AccountLock, Durability, Era, ExportError, Exported, LeftOut, LeftOutWhy, Mode, State, export,
};
use offlineimap_testkit::memory_store::MemoryStore;

use rig::{Rig, delete, deliver, set_flags};

fn two_servers() -> Rig {
    Rig::over(MemoryStore::numbering("Remote"), MemoryStore::numbering("Local"))
}

async fn exported(rig: &Rig) -> Result<Exported, ExportError> {
    export(&rig.account(Mode::Sync, &std::sync::Arc::default())).await
}

/// A file of OfflineIMAP's below the metadata directory.
fn file(rig: &Rig, path: &str) -> PathBuf {
    rig.metadata.path().join(path)
}

/// Five messages on both sides, in another order on each, exported to OfflineIMAP's files.
async fn with_two_servers() -> Rig {
    let rig = two_servers();
    for subject in ["1", "2", "3"] {
        deliver(&rig.remote, "INBOX", subject, "S");
    }
    for subject in ["4", "5"] {
        deliver(&rig.local, "INBOX", subject, "");
    }
    rig.sync_well().await;
    let exported = exported(&rig).await.unwrap();
    assert_eq!((exported.folders, exported.messages), (1, 5));
    assert!(!rig.state_file().exists(), "the state is still in use");
    rig
}

#[tokio::test]
async fn two_servers_are_taken_over_with_the_map_of_their_uids() {
    let rig = with_two_servers().await;
    let map = file(&rig, "Repository-Local/UIDMapping/INBOX");
    let text = fs::read_to_string(&map).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["1:4", "2:5", "3:1", "4:2", "5:3"]);
    // What a killed process had not finished is nobody's.
    fs::write(map.with_extension("tmp"), "1:1\n2:").unwrap();

    delete(&rig.local, "INBOX", "4");
    delete(&rig.remote, "INBOX", "1");
    set_flags(&rig.remote, "INBOX", "5", "F");
    set_flags(&rig.local, "INBOX", "2", "");
    deliver(&rig.remote, "INBOX", "6", "");
    let told = rig.sync_well().await;
    assert_eq!((told.adopted, told.copied), (5, 1), "{told:?}");
    assert_eq!(told.warnings, Vec::<String>::new());
    let expected = ["2 []", "3 [S]", "5 [F]", "6 []"].map(|it| format!("INBOX: Subject: {it}"));
    assert_eq!(rig.same_mail(), expected);
}

#[tokio::test]
async fn without_the_map_messages_are_recognised_by_content_and_none_is_deleted() {
    for damage in [None, Some("1:4\nhalf a li"), Some("")] {
        let rig = with_two_servers().await;
        let map = file(&rig, "Repository-Local/UIDMapping/INBOX");
        match damage {
            None => fs::remove_file(map).unwrap(),
            Some(text) => fs::write(map, text).unwrap(),
        }
        let told = rig.sync_well().await;
        assert_eq!((told.adopted, told.copied), (0, 0), "{damage:?}: {told:?}");
        assert_eq!(told.warnings.len(), 1, "{damage:?}: {told:?}");
        assert_eq!(rig.same_mail().len(), 5);
    }
}

/// The whole map is `1:4 2:5 3:1 4:2 5:3`, local before remote.
#[tokio::test]
async fn what_the_map_does_not_say_for_sure_is_no_deletion() {
    for (what, map) in [
        ("lines are missing", "1:4\n5:3\n"),
        ("one local message stands for two", "1:4\n1:5\n3:1\n4:2\n5:3\n"),
        ("two local messages stand for one", "1:4\n2:5\n3:1\n4:1\n4:2\n5:3\n"),
        ("one stands for two that are not there", "9:4\n9:5\n3:1\n4:2\n5:3\n"),
    ] {
        let rig = with_two_servers().await;
        fs::write(file(&rig, "Repository-Local/UIDMapping/INBOX"), map).unwrap();
        // What is sure counts.
        delete(&rig.remote, "INBOX", "3");
        let told = rig.sync_well().await;
        assert_eq!(told.copied, 0, "{what}: {told:?}");
        let left = ["1 [S]", "2 [S]", "4 []", "5 []"].map(|it| format!("INBOX: Subject: {it}"));
        assert_eq!(rig.same_mail(), left, "{what}");
    }
}

#[tokio::test]
async fn a_local_server_that_numbers_anew_is_left_alone() {
    let rig = with_two_servers().await;
    fs::write(file(&rig, "Repository-Local/FolderValidity/INBOX"), "17\n").unwrap();
    let told = rig.sync().await;
    assert_eq!(told.epoch_problems, ["Local:INBOX"]);
    assert_eq!((told.adopted, told.copied), (0, 0), "{told:?}");
}

#[tokio::test]
async fn an_emptied_folder_does_not_empty_the_other_side_at_the_takeover() {
    let rig = Rig::new();
    let subjects: Vec<String> = (0..150).map(|number| number.to_string()).collect();
    for subject in &subjects {
        deliver(&rig.remote, "INBOX", subject, "");
    }
    rig.sync_well().await;
    exported(&rig).await.unwrap();
    for subject in &subjects {
        delete(&rig.local, "INBOX", subject);
    }
    let told = rig.sync().await;
    assert_eq!(told.adopted, 150);
    assert_eq!(told.refused.len(), 1, "{told:?}");
    assert_eq!(rig.mail().remote.len(), 150);
}

#[tokio::test]
async fn folders_that_share_a_file_are_not_confused() {
    let rig = two_servers();
    for subject in ["1", "2"] {
        deliver(&rig.remote, "a/b", subject, "");
        deliver(&rig.remote, "a.b", &format!("other {subject}"), "");
        deliver(&rig.remote, "c", &format!("third {subject}"), "");
    }
    rig.sync_well().await;
    let exported = exported(&rig).await.unwrap();
    let shared: Vec<&str> = exported
        .left_out
        .iter()
        .filter(|it| matches!(it.why, LeftOutWhy::SharesFile(_)))
        .map(|it| it.folder.remote.as_str())
        .collect();
    assert_eq!(
        (exported.folders, shared),
        (2, vec!["a.b", "a/b"]),
        "INBOX and c are not concerned"
    );

    // As OfflineIMAP keeps it: one status, in which the rows of both are mixed.
    let status = |name: &str| file(&rig, &format!("Account-Test/LocalStatus-sqlite/{name}"));
    fs::copy(status("c"), status("a.b")).unwrap();
    delete(&rig.local, "a/b", "1");
    let told = rig.sync_well().await;
    assert_eq!(told.adopted, 2, "{told:?}");
    assert_eq!(told.warnings.len(), 2, "{told:?}");
    assert_eq!(rig.remote.user().letters("a/b").len(), 2, "a message was taken for deleted");
}

#[tokio::test]
async fn nothing_is_exported_while_the_account_is_synced() {
    let rig = two_servers();
    deliver(&rig.remote, "INBOX", "1", "");
    rig.sync_well().await;
    let lock = AccountLock::take(rig.metadata.path(), "Test").unwrap();
    assert!(matches!(exported(&rig).await, Err(ExportError::Lock(_))));
    drop(lock);
    exported(&rig).await.unwrap();
}

#[tokio::test]
async fn what_is_not_known_for_sure_is_not_exported() {
    let rig = Rig::new();
    deliver(&rig.remote, "INBOX", "1", "");
    rig.sync_well().await;
    let inbox = FolderPair { remote: MailboxName::new("INBOX"), local: MailboxName::new("INBOX") };
    let path = rig.state_file();
    let open = || State::open(&path, Durability::Relaxed, Steps::default());
    let (state, _) = open().await.unwrap();
    let known = state.base(&inbox).await.unwrap();
    let era = Era {
        identities: PerSide { remote: String::new(), local: String::new() },
        epochs: known.base.epochs.clone().unwrap(),
    };
    let id = state.carry_over(&inbox, &era, known.base.pairs().to_vec()).await.unwrap();
    let uncertain = IntentKind::Deliver {
        side: Side::Local,
        source: Key::number(NonZeroU32::MIN),
        planned: Key::name(*b"planned"),
        flags: Flags::default(),
    };
    state.intend(id, vec![uncertain]).await.unwrap();
    drop(state);
    assert!(matches!(exported(&rig).await, Err(ExportError::Unsettled { .. })));
    assert!(rig.state_file().exists());

    rig.sync_well().await;
    let (state, _) = open().await.unwrap();
    state.carry_over(&inbox, &era, known.base.pairs().to_vec()).await.unwrap();
    drop(state);
    let exported = exported(&rig).await.unwrap();
    let not_whole = LeftOut { folder: inbox, why: LeftOutWhy::NotWhole };
    assert_eq!((exported.folders, exported.left_out), (0, vec![not_whole]));
    // OfflineIMAP is told nothing about the folder, and so is this program.
    delete(&rig.local, "INBOX", "1");
    let told = rig.sync_well().await;
    assert_eq!((told.adopted, told.copied), (0, 1), "{told:?}");
    assert_eq!(rig.same_mail().len(), 1);
}
