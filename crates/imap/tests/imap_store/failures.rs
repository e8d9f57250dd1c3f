//! What happens when the server refuses, goes away, or falls silent.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Applied, Body, Fetched, FlagChange, Flags, Key, Mailbox, Receiver, Removal, Removed,
    Scope, Store as _, StoreError, StoreErrorKind, Stored,
};
use offlineimap_imap::ImapStore;
use offlineimap_testkit::message;
use offlineimap_testkit::server::{Breakage, Cut, Fault, ImapServer, Misbehaviour};

use crate::desk::{self, Basket, config, inbox, key, keys, name, narrow, put};

fn stocked() -> ImapServer {
    let server = ImapServer::start().unwrap();
    for number in 0..5 {
        server.mail().add("INBOX", message::random(number, 30_000)).unwrap();
    }
    server
}

async fn fetch_all(mailbox: &dyn Mailbox) -> Result<Basket, StoreError> {
    let mut basket = Basket::default();
    mailbox.fetch(&keys(1..=5), &mut basket).await?;
    Ok(basket)
}

#[tokio::test]
async fn reads_are_repeated_on_a_fresh_connection() {
    for misbehaviour in [
        Misbehaviour::Cut(Cut::Close),
        Misbehaviour::Cut(Cut::Reset),
        Misbehaviour::Bye("maintenance".to_owned()),
        Misbehaviour::ExecuteThenCut(Cut::Close),
        Misbehaviour::CutAfterBytes(40, Cut::Close),
        Misbehaviour::Raw("?? {tag} what\r\n* 1 FETCH (\r\n".to_owned()),
    ] {
        let server = stocked();
        let mailbox = inbox(&narrow(&server)).await;
        server.fail(Fault::on("UID FETCH").then(misbehaviour.clone()));
        let seen = mailbox.observe().await;
        assert_eq!(seen.unwrap().items().len(), 5, "{misbehaviour:?}");
        for verb in ["UID FETCH", "NOOP"] {
            server.clear_faults();
            server.fail(Fault::on(verb).then(misbehaviour.clone()));
            assert_eq!(mailbox.present(&keys(1..=9)).await.unwrap().len(), 5);
            server.clear_faults();
            server.fail(Fault::on(verb).then(misbehaviour.clone()));
            assert_eq!(mailbox.fingerprints(Scope::Since(None)).await.unwrap().len(), 5);
        }
    }
}

#[tokio::test]
async fn reads_are_not_repeated_for_ever() {
    let server = stocked();
    let mailbox = inbox(&narrow(&server)).await;
    server.fail(Fault::on("UID FETCH").every_time().then_bye("no more"));
    let error = mailbox.observe().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
    assert!(error.to_string().contains("no more"), "{error}");
    assert_eq!(server.log().count("UID FETCH"), 3);
}

#[tokio::test]
async fn a_fetch_goes_on_with_what_is_left_wherever_it_is_cut() {
    let whole = {
        let server = stocked();
        fetch_all(&*inbox(&narrow(&server)).await).await.unwrap().received
    };
    // Every early octet, and then steps that do not divide anything.
    for cut in (0..120).chain((120..155_000).step_by(3_371)) {
        for how in [Cut::Close, Cut::Reset] {
            let server = stocked();
            let mailbox = inbox(&narrow(&server)).await;
            server.fail(Fault::on("UID FETCH").then(Misbehaviour::CutAfterBytes(cut, how)));
            let basket = fetch_all(&*mailbox).await.unwrap();
            assert!(basket.received == whole, "cut after {cut} octets by {how:?}");
            assert!(basket.failed.is_empty());
        }
    }
}

/// A server whose connection breaks whenever this message is due.
async fn fetch_with_a_poisoned(uid: u32, attempts: u32) -> (Basket, usize) {
    let server = stocked();
    let mut config = config(&server);
    config.max_connections = std::num::NonZeroUsize::MIN;
    config.fetch_attempts = attempts.try_into().unwrap();
    let store = ImapStore::new(config);
    let mailbox = inbox(&store).await;
    server.mail().break_message("INBOX", uid, Breakage::EndsConnection).unwrap();
    let mut basket = Basket::default();
    mailbox.fetch(&keys(1..=5), &mut basket).await.unwrap();
    (basket, server.log().count("UID FETCH"))
}

#[tokio::test]
async fn a_message_at_which_the_connection_always_breaks_does_not_stop_the_others() {
    for attempts in [1, 2, 4] {
        let (basket, fetches) = fetch_with_a_poisoned(3, attempts).await;
        assert_eq!(basket.uids(), [1, 2, 4, 5]);
        let [(uid, why)] = &basket.failures()[..] else { panic!("{:?}", basket.failures()) };
        assert_eq!(*uid, 3);
        assert!(why.contains(&format!("each of {attempts} attempts failed")), "{why}");
        assert_eq!(fetches, attempts as usize + 1);
    }
}

#[tokio::test]
async fn where_every_message_breaks_the_connection_it_is_not_the_messages() {
    let server = stocked();
    let mailbox = inbox(&narrow(&server)).await;
    server.fail(Fault::on("UID FETCH").every_time().then_bye("no more"));
    let mut basket = Basket::default();
    let error = mailbox.fetch(&keys(1..=5), &mut basket).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
    assert!(error.to_string().contains("no more"), "{error}");
    assert_eq!(basket.failed.len(), 3);
    assert_eq!(server.log().count("UID FETCH"), 8);
}

#[tokio::test]
async fn a_connection_cut_at_any_octet_is_an_error_or_no_matter() {
    let server = stocked();
    for cut in (0..900).step_by(7) {
        server.clear_faults();
        server.fail(Fault::on_connection().then(Misbehaviour::CutAfterBytes(cut, Cut::Close)));
        let store = narrow(&server);
        let result = async {
            let mailbox = store.open(&name("INBOX"), Access::ReadWrite).await?;
            mailbox.observe().await
        };
        // Before the sign-in the store cannot be used; after it another connection can.
        match result.await {
            Ok(seen) => assert_eq!(seen.items().len(), 5, "cut after {cut}"),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Store, "{cut}: {error}"),
        }
    }
}

async fn flag(mailbox: &dyn Mailbox, uid: u32) -> Result<Applied, StoreError> {
    let change = FlagChange { add: Flags::from_letters("S"), ..FlagChange::default() };
    mailbox.change_flags(vec![(key(uid), change)]).await.pop().unwrap()
}

async fn expunge(mailbox: &dyn Mailbox, uid: u32) -> Result<Removed, StoreError> {
    mailbox.remove(&[key(uid)], Removal::Expunge).await.pop().unwrap()
}

#[tokio::test]
async fn changes_are_never_repeated() {
    for misbehaviour in [
        Misbehaviour::Cut(Cut::Close),
        Misbehaviour::ExecuteThenCut(Cut::Close),
        Misbehaviour::Bye("maintenance".to_owned()),
    ] {
        let server = stocked();
        let mailbox = inbox(&narrow(&server)).await;
        for verb in ["APPEND", "UID STORE", "UID EXPUNGE"] {
            server.log().clear();
            server.fail(Fault::on(verb).then(misbehaviour.clone()));
            let kind = match verb {
                "APPEND" => put(&*mailbox, b"a: b\r\n\r\n", desk::message("")).await.map(drop),
                "UID STORE" => flag(&*mailbox, 1).await.map(|_| ()),
                _ => expunge(&*mailbox, 2).await.map(drop),
            };
            let error = kind.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::ConnectionLost, "{verb}: {error}");
            assert_eq!(server.log().count(verb), 1, "{verb}");
            server.clear_faults();
        }
        // And the store can be used on.
        assert_eq!(flag(&*mailbox, 3).await.unwrap(), Applied::Done(()));
    }
}

#[tokio::test]
async fn silence_has_an_end() {
    let server = stocked();
    let mut config = config(&server);
    config.timeout = Duration::from_secs(1);
    let store = ImapStore::new(config);
    let mailbox = inbox(&store).await;
    for (verb, misbehaviour) in
        [("UID FETCH", Misbehaviour::ExecuteThenHang), ("NOOP", Misbehaviour::Hang)]
    {
        server.fail(Fault::on(verb).every_time().then(misbehaviour));
        let error = mailbox.present(&keys(1..=5)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
        assert!(error.to_string().contains("timed out"), "{error}");
        server.clear_faults();
    }
    server.fail(Fault::on("APPEND").then(Misbehaviour::Hang));
    let error = put(&*mailbox, b"a: b\r\n\r\n", desk::message("")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
    server.fail(Fault::on_connection().then(Misbehaviour::Hang));
    let mut config = desk::config(&server);
    config.timeout = Duration::from_secs(1);
    let error = ImapStore::new(config).list().await.unwrap_err();
    assert!(error.to_string().contains("greeting"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_upload_open() {
    let server = stocked();
    let mailbox = inbox(&narrow(&server)).await;
    let frontier = mailbox.observe().await.unwrap().frontier;
    server.fail(Fault::on("APPEND").then(Misbehaviour::ExecuteThenCut(Cut::Close)));
    let letter = b"Message-ID: <lost@x>\r\n\r\n";
    let error = put(&*mailbox, letter, desk::message("")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
    let found = mailbox.fingerprints(Scope::Since(frontier.as_ref())).await.unwrap();
    let found: Vec<(Key, Option<&str>)> =
        found.iter().map(|(key, print)| (key.clone(), print.message_id.as_deref())).collect();
    assert_eq!(found, [(key(6), Some("<lost@x>"))]);
}

#[tokio::test]
async fn a_connection_cut_within_an_upload_is_lost_and_nothing_is_stored() {
    for cut in [0, 1, 70_000, 299_999] {
        let server = stocked();
        let mailbox = inbox(&narrow(&server)).await;
        let fault = Misbehaviour::CutInLiteral(cut, Cut::Reset);
        server.fail(Fault::on("APPEND").then(fault));
        let letter = message::random(1, 300_000).to_bytes();
        let error = put(&*mailbox, &letter, desk::message("")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::ConnectionLost, "{error}");
        let stored = put(&*mailbox, &letter, desk::message("")).await.unwrap();
        assert_eq!(stored, Stored::At(key(6)));
    }
}

#[tokio::test]
async fn a_mailbox_that_was_replaced_is_not_touched() {
    let server = stocked();
    let store = narrow(&server);
    let mailbox = inbox(&store).await;
    mailbox.observe().await.unwrap();
    server.mail().set_uid_validity("INBOX", 77).unwrap();
    // The next command falls on a new connection, which shows another UIDVALIDITY.
    server.fail(Fault::on("NOOP").then_bye("restart"));
    let error = mailbox.present(&keys([1])).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("UIDVALIDITY"), "{error}");
    server.log().clear();
    for error in [
        flag(&*mailbox, 1).await.map(|_| ()).unwrap_err(),
        expunge(&*mailbox, 1).await.map(drop).unwrap_err(),
        put(&*mailbox, b"a: b\r\n\r\n", desk::message("")).await.map(drop).unwrap_err(),
        mailbox.observe().await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    }
    assert!(server.log().changing().is_empty());
    // Opened anew, it is a new mailbox.
    assert_eq!(inbox(&store).await.observe().await.unwrap().epoch.as_str(), "77");
}

#[tokio::test]
async fn no_refusal_of_any_command_is_taken_for_success() {
    for misbehaviour in [
        Misbehaviour::No("no".to_owned()),
        Misbehaviour::Bad("no".to_owned()),
        Misbehaviour::Bye("no".to_owned()),
    ] {
        for verb in ["SELECT", "UID FETCH", "UID STORE", "UID EXPUNGE", "APPEND", "NOOP"] {
            let server = stocked();
            let store = narrow(&server);
            let mailbox = inbox(&store).await;
            server.fail(Fault::on(verb).every_time().then(misbehaviour.clone()));
            let before = server.mail().messages("INBOX").unwrap();
            if verb == "SELECT" {
                assert!(store.open(&name("INBOX"), Access::ReadWrite).await.is_err(), "{verb}");
                assert!(mailbox.observe().await.is_err(), "{verb} {misbehaviour:?}");
            }
            if verb == "UID FETCH" {
                assert!(mailbox.observe().await.is_err(), "{verb} {misbehaviour:?}");
                assert!(mailbox.present(&keys([1])).await.is_err());
                assert!(mailbox.fingerprints(Scope::Since(None)).await.is_err());
                let basket = fetch_all(&*mailbox).await;
                assert!(basket.is_err() || basket.unwrap().failed.len() == 5);
            }
            if verb == "APPEND" {
                let stored = put(&*mailbox, b"a: b\r\n\r\n", desk::message("")).await;
                assert!(stored.is_err(), "{misbehaviour:?}");
            }
            if verb == "UID STORE" {
                assert!(flag(&*mailbox, 1).await.is_err(), "{misbehaviour:?}");
            }
            if verb.starts_with("UID S") || verb == "UID EXPUNGE" {
                assert!(expunge(&*mailbox, 2).await.is_err(), "{verb} {misbehaviour:?}");
                assert_eq!(server.mail().uids("INBOX").unwrap().len(), before.len());
            }
        }
    }
}

#[tokio::test]
async fn a_fetch_that_is_given_up_leaves_a_store_that_works() {
    let server = stocked();
    let store = narrow(&server);
    let mailbox = inbox(&store).await;
    let mut stubborn = Stubborn;
    let error = mailbox.fetch(&keys(1..=5), &mut stubborn).await.unwrap_err();
    assert_eq!(error.to_string(), "disk full");
    assert_eq!(fetch_all(&*mailbox).await.unwrap().received.len(), 5);
    let mut stuck = Stuck;
    let upload = mailbox.stage(desk::message(""), &mut stuck);
    // Dropped while the server waits for the rest.
    assert!(tokio::time::timeout(Duration::from_millis(50), upload).await.is_err());
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 5);
    store.close().await;
}

/// Has no room for anything.
struct Stubborn;

#[async_trait]
impl Receiver for Stubborn {
    async fn receive(&mut self, _: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        body.chunk().await?;
        Err(StoreError::new(StoreErrorKind::Store, "disk full"))
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        panic!("{key}: {error}");
    }
}

/// Takes for ever.
struct Stuck;

#[async_trait]
impl Body for Stuck {
    fn wire_octets(&self) -> u64 {
        u64::from(u32::MAX)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Some(Bytes::from_static(b"more\r\n")))
    }
}
