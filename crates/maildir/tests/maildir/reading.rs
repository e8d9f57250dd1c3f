//! Messages leave as they are on disk, with CRLF line ends.

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use offlineimap_core::{
    Body, Fetched, Fingerprinter, Key, Receiver, Scope, StoreError, StoreErrorKind,
};

use crate::fixture::{Inbox, Kept, key, odd_messages};

#[tokio::test]
async fn what_arrived_leaves_the_same() {
    let inbox = Inbox::new().await;
    let mut delivered = Vec::new();
    for (uid, wire) in (1..).zip(odd_messages()) {
        delivered.push((inbox.deliver(uid, "", &wire).await, wire));
    }
    let keys: Vec<Key> = delivered.iter().map(|(key, _)| key.clone()).collect();
    let mut kept = Kept::default();
    inbox.mailbox.fetch(&keys, &mut kept).await.unwrap();
    for (key, wire) in delivered {
        assert!(kept.bodies[&key] == wire, "{key} differs");
    }
}

#[tokio::test]
async fn a_file_in_wire_form_leaves_as_it_is() {
    let inbox = Inbox::new().await;
    let large = b"a: b\r\n\r\nbody\r\n".repeat(10_000);
    inbox.put("new/1.h", &large);
    inbox.put("new/2.h", b"a: b\r\n\r\nbody");
    let mut kept = Kept::default();
    inbox.mailbox.fetch(&["1.h", "2.h"].map(key), &mut kept).await.unwrap();
    assert!(kept.bodies[&key("1.h")] == large);
    assert_eq!(kept.bodies[&key("2.h")], b"a: b\r\n\r\nbody");
}

#[tokio::test]
async fn the_date_is_that_of_the_file() {
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "x");
    let date = UNIX_EPOCH + Duration::from_millis(1_234_567_890_999);
    File::open(inbox.path("new/1.h")).unwrap().set_modified(date).unwrap();
    let mut kept = Kept::default();
    inbox.mailbox.fetch(&[key("1.h")], &mut kept).await.unwrap();
    assert_eq!(kept.dates[&key("1.h")], 1_234_567_890);
}

#[tokio::test]
async fn a_message_that_is_gone_fails_alone_and_a_renamed_one_is_found() {
    let inbox = Inbox::new().await;
    for n in 1..=3 {
        inbox.put(&format!("new/{n}.h"), format!("{n}\n"));
    }
    assert_eq!(inbox.observed().await.len(), 3);
    fs::remove_file(inbox.path("new/1.h")).unwrap();
    inbox.rename("new/2.h", "cur/2.h:2,RS");
    let mut kept = Kept::default();
    inbox.mailbox.fetch(&["1.h", "2.h", "3.h"].map(key), &mut kept).await.unwrap();
    assert_eq!(kept.bodies.keys().collect::<Vec<_>>(), [&key("2.h"), &key("3.h")]);
    let told =
        format!("the message 1.h is no longer in {}", inbox.root.path().join("INBOX").display());
    assert_eq!(kept.failed[&key("1.h")], told);
}

#[tokio::test]
async fn a_link_that_leads_nowhere_cannot_be_read_but_is_there() {
    let inbox = Inbox::new().await;
    std::os::unix::fs::symlink("nowhere", inbox.path("cur/1.h")).unwrap();
    assert_eq!(inbox.observed().await.len(), 1);
    let mut kept = Kept::default();
    inbox.mailbox.fetch(&[key("1.h")], &mut kept).await.unwrap();
    let told = format!("cannot read {}", inbox.path("cur/1.h").display());
    assert_eq!(kept.failed[&key("1.h")], told);
    assert!(inbox.mailbox.present(&[key("1.h")]).await.unwrap().contains(&key("1.h")));
}

/// Changes a file after its first chunk.
struct Changing<'a> {
    inbox: &'a Inbox,
    content: Vec<u8>,
    outcome: Option<Result<usize, StoreErrorKind>>,
}

#[async_trait]
impl Receiver for Changing<'_> {
    async fn receive(&mut self, _: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let mut octets = body.chunk().await?.map_or(0, |chunk| chunk.len());
        self.inbox.put("new/1.h", &self.content);
        self.outcome = loop {
            match body.chunk().await {
                Ok(Some(chunk)) => octets += chunk.len(),
                Ok(None) => break Some(Ok(octets)),
                Err(error) => break Some(Err(error.kind())),
            }
        };
        let announced = usize::try_from(body.wire_octets()).unwrap();
        assert!(octets <= announced, "never more than announced");
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        panic!("{key}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_an_error() {
    let content = b"0123456\n".repeat(20_000);
    let longer = [&*content, b"more"].concat();
    let other_lines = b"012345\n\n".repeat(20_000);
    for (later, outcome) in [
        (content.clone(), Ok(180_000)),
        (longer, Err(StoreErrorKind::Message)),
        (content[..100_000].to_vec(), Err(StoreErrorKind::Message)),
        (other_lines, Err(StoreErrorKind::Message)),
    ] {
        let inbox = Inbox::new().await;
        inbox.put("new/1.h", &content);
        let mut changing = Changing { inbox: &inbox, content: later, outcome: None };
        inbox.mailbox.fetch(&[key("1.h")], &mut changing).await.unwrap();
        assert_eq!(changing.outcome, Some(outcome));
    }
}

#[tokio::test]
async fn an_error_of_the_receiver_ends_the_fetch() {
    struct Refusing(usize);
    #[async_trait]
    impl Receiver for Refusing {
        async fn receive(&mut self, _: Fetched, _: &mut dyn Body) -> Result<(), StoreError> {
            self.0 += 1;
            Err(StoreError::new(StoreErrorKind::ConnectionLost, "enough"))
        }
        fn failed(&mut self, key: &Key, error: StoreError) {
            panic!("{key}: {error}");
        }
    }
    let inbox = Inbox::new().await;
    inbox.put("new/1.h", "x");
    inbox.put("new/2.h", "x");
    let mut refusing = Refusing(0);
    let error = inbox.mailbox.fetch(&["1.h", "2.h"].map(key), &mut refusing).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), refusing.0), ("enough", 1));
}

#[tokio::test]
async fn fingerprints_are_those_of_the_wire() {
    let inbox = Inbox::new().await;
    let mut expected = Vec::new();
    for (uid, mut wire) in (1..).zip(odd_messages()) {
        wire.splice(0..0, *b"Message-ID: <x@y>\r\n");
        let mut fingerprinter = Fingerprinter::default();
        fingerprinter.push(&wire);
        expected.push((inbox.deliver(uid, "", &wire).await, fingerprinter.finish()));
    }
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(inbox.mailbox.fingerprints(Scope::Since(None)).await.unwrap(), expected);
    let asked = [expected[0].0.clone(), key("gone")];
    assert_eq!(inbox.mailbox.fingerprints(Scope::Keys(&asked)).await.unwrap(), expected[..1]);
    assert!(inbox.mailbox.fingerprints(Scope::Keys(&[])).await.unwrap().is_empty());
}

#[tokio::test]
async fn fingerprints_of_many_messages_are_complete() {
    let inbox = Inbox::new().await;
    for n in 0..500 {
        inbox.put(&format!("cur/{n}.h:2,S"), format!("Message-ID: <{n}@x>\n\n"));
    }
    let all = inbox.mailbox.fingerprints(Scope::Since(None)).await.unwrap();
    assert_eq!(all.len(), 500);
    for (key, fingerprint) in all {
        let n = key.to_string().trim_end_matches(".h").to_owned();
        assert_eq!(fingerprint.message_id.unwrap().as_ref(), format!("<{n}@x>"));
    }
}
