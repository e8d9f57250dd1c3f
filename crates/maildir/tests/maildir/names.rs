//! Binding a message to its counterpart, and removing messages.

use std::collections::BTreeSet;
use std::fs;

use offlineimap_core::{Applied, Binding, Key, Removal, Removed};

use crate::fixture::{HASH, Inbox, key, uid};

async fn bind(inbox: &Inbox, message: &Key, to: u32) -> Applied<Key> {
    let binding = Binding { key: message.clone(), counterpart: uid(to) };
    inbox.mailbox.bind(vec![binding]).await.remove(0).unwrap()
}

#[tokio::test]
async fn binding_gives_a_new_name_in_the_same_directory() {
    for (before, subdir, letters) in [
        ("new/18.host", "new", ""),
        ("cur/18.host:2,SbFa", "cur", "FSab"),
        ("cur/18.host", "cur", ""),
    ] {
        let inbox = Inbox::new().await;
        inbox.put(before, "mail");
        let modified = fs::metadata(inbox.path(before)).unwrap().modified().unwrap();
        let Applied::Done(bound) = bind(&inbox, &key("18.host"), 5).await else { panic!("stale") };
        let files = inbox.files();
        assert_eq!(files.len(), 1);
        assert!(files[0].starts_with(&format!("{subdir}/")), "{files:?}");
        assert!(files[0].ends_with(&format!(",U=5,FMD5={HASH}:2,{letters}")), "{files:?}");
        assert!(!files[0].contains("18.host"), "{files:?}");
        assert_eq!(fs::metadata(inbox.path(&files[0])).unwrap().modified().unwrap(), modified);
        let seen = inbox.mailbox.observe().await.unwrap();
        assert_eq!(seen.items()[0].key, bound);
        assert_eq!(seen.items()[0].hint, Some(uid(5)));
        assert_eq!(
            inbox.mailbox.present(std::slice::from_ref(&bound)).await.unwrap(),
            BTreeSet::from([bound])
        );
    }
}

#[tokio::test]
async fn a_name_of_another_folder_is_replaced() {
    let inbox = Inbox::new().await;
    let name = "1_0.2.vm,U=5,FMD5=d41d8cd98f00b204e9800998ecf8427e";
    inbox.put(&format!("cur/{name}:2,S"), "");
    assert!(matches!(bind(&inbox, &key(name), 5).await, Applied::Done(_)));
    assert!(inbox.files()[0].ends_with(&format!(",U=5,FMD5={HASH}:2,S")));
}

#[tokio::test]
async fn a_message_that_is_bound_already_keeps_its_name() {
    let inbox = Inbox::new().await;
    let bound = inbox.deliver(5, "S", b"").await;
    let before = inbox.files();
    assert_eq!(bind(&inbox, &bound, 5).await, Applied::Done(bound.clone()));
    assert_eq!(inbox.files(), before);
    assert!(matches!(bind(&inbox, &bound, 6).await, Applied::Done(other) if other != bound));
    assert!(inbox.files()[0].contains(",U=6,"));
}

#[tokio::test]
async fn binding_follows_a_rename_by_another_program_and_tells_a_loss() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "");
    inbox.put("new/2.h", "");
    assert_eq!(inbox.observed().await.len(), 2);
    inbox.rename("new/1.h", "cur/1.h:2,S");
    fs::remove_file(inbox.path("new/2.h")).unwrap();
    assert!(matches!(bind(&inbox, &key("1.h"), 1).await, Applied::Done(_)));
    assert_eq!(bind(&inbox, &key("2.h"), 2).await, Applied::Stale);
    assert!(inbox.files()[0].starts_with("cur/") && inbox.files()[0].ends_with(":2,S"));
}

#[tokio::test]
async fn removing_unlinks_just_the_message() {
    let inbox = Inbox::new().await;
    for file in ["cur/1.h:2,S", "cur/10.h:2,S", "new/2.h", "cur/3.h"] {
        inbox.put(file, "");
    }
    assert_eq!(inbox.observed().await.len(), 4);
    inbox.rename("cur/1.h:2,S", "cur/1.h:2,RS");
    fs::remove_file(inbox.path("cur/3.h")).unwrap();
    let keys = ["1.h", "2.h", "3.h"].map(key);
    let outcomes = inbox.mailbox.remove(&keys, Removal::Expunge).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(Removed::Expunged))));
    assert_eq!(inbox.files(), ["cur/10.h:2,S"]);
}

#[tokio::test]
async fn marking_sets_the_letter_and_keeps_the_file() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "");
    let outcomes = inbox.mailbox.remove(&["1.h", "2.h"].map(key), Removal::MarkDeleted).await;
    let outcomes: Vec<Removed> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes, [Removed::MarkedOnly, Removed::Expunged]);
    assert_eq!(inbox.files(), ["new/1.h:2,T"]);
}

#[tokio::test]
async fn presence_is_of_now() {
    let inbox = Inbox::new().await;
    for file in ["new/1.h", "cur/2.h", "cur/3.h"] {
        inbox.put(file, "");
    }
    assert_eq!(inbox.observed().await.len(), 3);
    inbox.rename("new/1.h", "cur/1.h:2,S");
    fs::remove_file(inbox.path("cur/2.h")).unwrap();
    inbox.put("new/4.h", "");
    let asked = ["1.h", "2.h", "3.h", "4.h", "5.h"].map(key);
    let present = inbox.mailbox.present(&asked).await.unwrap();
    assert_eq!(present, BTreeSet::from(["1.h", "3.h", "4.h"].map(key)));
}

#[tokio::test]
async fn a_missing_directory_does_not_make_messages_absent() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "");
    assert_eq!(inbox.observed().await.len(), 1);
    inbox.rename("new", "elsewhere");
    assert!(inbox.mailbox.present(&[key("1.h")]).await.is_err());
    assert!(inbox.mailbox.observe().await.is_err());
    assert!(inbox.mailbox.remove(&[key("1.h")], Removal::Expunge).await[0].is_err());
}
