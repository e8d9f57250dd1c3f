//! Flags are letters in names; changing them renames, and touches nothing else.

use offlineimap_core::{Applied, FlagChange, Flags, Key};

use crate::fixture::{HASH, Inbox, key};

fn change(add: &str, remove: &str) -> FlagChange {
    FlagChange { add: Flags::from_letters(add), remove: Flags::from_letters(remove) }
}

async fn apply(inbox: &Inbox, message: &str, add: &str, remove: &str) -> Applied {
    let changes = vec![(key(message), change(add, remove))];
    inbox.mailbox.change_flags(changes).await.remove(0).unwrap()
}

#[tokio::test]
async fn a_flag_change_renames() {
    for (before, add, remove, after) in [
        ("new/1.h", "F", "", "new/1.h:2,F"),
        ("new/1.h", "S", "", "cur/1.h:2,S"),
        ("new/1.h:2,F", "SR", "F", "cur/1.h:2,RS"),
        ("new/1.h:2,S", "F", "", "cur/1.h:2,FS"),
        ("new/1.h:2,SF", "", "SF", "new/1.h:2,"),
        ("cur/1.h:2,S", "", "S", "cur/1.h:2,"),
        ("cur/1.h:2,", "F", "", "cur/1.h:2,F"),
        ("cur/1.h", "F", "", "cur/1.h:2,F"),
        ("cur/1.h:2,SaPb", "FT", "S", "cur/1.h:2,FPTab"),
        ("cur/1.h:2,S,W=12", "F", "", "cur/1.h:2,FS,W=12"),
        ("cur/1.h:2,FS", "F", "T", "cur/1.h:2,FS"),
    ] {
        let inbox = Inbox::new().await;
        inbox.put(before, "mail");
        inbox.put("cur/other.h:2,", "other");
        assert_eq!(apply(&inbox, "1.h", add, remove).await, Applied::Done(()));
        let mut expected = [after, "cur/other.h:2,"];
        expected.sort_unstable();
        assert_eq!(inbox.files(), expected, "{before} +{add} -{remove}");
    }
}

#[tokio::test]
async fn letters_that_are_not_flags_are_not_reported() {
    let inbox = Inbox::new().await;
    inbox.put("cur/1.h:2,FPSa", "");
    assert_eq!(inbox.observed().await, [(key("1.h"), "FS".to_owned())]);
}

#[tokio::test]
async fn a_change_adds_to_what_another_program_changed_meanwhile() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "");
    assert_eq!(inbox.observed().await.len(), 1);
    inbox.rename("new/1.h", "cur/1.h:2,RS");
    assert_eq!(apply(&inbox, "1.h", "F", "S").await, Applied::Done(()));
    assert_eq!(inbox.files(), ["cur/1.h:2,FR"]);
}

#[tokio::test]
async fn a_flag_that_was_there_and_that_another_program_removed_is_set_again() {
    let inbox = Inbox::new().await;
    inbox.put("cur/1.h:2,S", "");
    assert_eq!(inbox.observed().await.len(), 1);
    inbox.rename("cur/1.h:2,S", "cur/1.h:2,");
    assert_eq!(apply(&inbox, "1.h", "S", "").await, Applied::Done(()));
    assert_eq!(inbox.files(), ["cur/1.h:2,S"]);
}

#[tokio::test]
async fn a_message_that_is_gone_is_stale() {
    let inbox = Inbox::new().await;
    inbox.put("cur/1.h:2,S", "");
    assert_eq!(inbox.observed().await.len(), 1);
    std::fs::remove_file(inbox.path("cur/1.h:2,S")).unwrap();
    assert_eq!(apply(&inbox, "1.h", "F", "").await, Applied::Stale);
    assert_eq!(apply(&inbox, "2.h", "F", "").await, Applied::Stale);
    assert_eq!(apply(&inbox, "1.h", "S", "").await, Applied::Stale);
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order() {
    let inbox = Inbox::new().await;
    for file in ["cur/1.h", "new/2.h", "cur/4.h:2,S"] {
        inbox.put(file, "");
    }
    assert_eq!(inbox.observed().await.len(), 3);
    inbox.rename("new/2.h", "cur/2.h:2,");
    let changes = ["4.h", "3.h", "2.h", "../evil", "1.h"].map(|name| (key(name), change("F", "")));
    let outcomes = inbox.mailbox.change_flags(changes.to_vec()).await;
    let shown: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(Applied::Done(())) => "done".into(),
            Ok(Applied::Stale) => "stale".into(),
            Err(error) => error.to_string(),
        })
        .collect();
    let foreign = format!("\"../evil\" does not name a message in {}", inbox.path("").display());
    assert_eq!(shown, ["done", "stale", "done", foreign.trim_end_matches('/'), "done"]);
    assert_eq!(inbox.files(), ["cur/1.h:2,F", "cur/2.h:2,F", "cur/4.h:2,FS"]);
}

#[tokio::test]
async fn own_and_foreign_names_have_keys_of_their_own() {
    let inbox = Inbox::new().await;
    let own = format!("cur/1_0.2.vm,U=5,FMD5={HASH}:2,S");
    inbox.put(&own, "");
    inbox.put("cur/1_0.2.vm,U=5,FMD5=d41d8cd98f00b204e9800998ecf8427e:2,", "");
    let keys: Vec<Key> = inbox.observed().await.into_iter().map(|(key, _)| key).collect();
    let foreign = key("1_0.2.vm,U=5,FMD5=d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(keys, [foreign, key("1_0.2.vm,U=5/")]);
    assert_eq!(apply(&inbox, "1_0.2.vm,U=5/", "", "S").await, Applied::Done(()));
    assert!(inbox.files().contains(&format!("cur/1_0.2.vm,U=5,FMD5={HASH}:2,")));
}
