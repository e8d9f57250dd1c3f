//! Storing messages and getting them back, octet by octet.

use bytes::Bytes;
use offlineimap_core::{
    Delivery, InternalDate, Key, Mailbox, MailboxName, NewMessage, Removal, Scope, StoreErrorKind,
};

use super::Dates;
use super::desk::{Basket, Desk, Ending, Wire, fingerprint, flagged, must};
use crate::message::{self, Odd};

pub(super) async fn check(desk: &Desk<'_>) {
    messages_come_back_octet_by_octet(desk).await;
    a_batch_is_stored_in_order(desk).await;
    a_message_that_is_gone_fails_alone(desk).await;
    a_body_may_be_left_unread(desk).await;
    fingerprints_agree_with_the_octets(desk).await;
    messages_are_found_from_the_frontier_on(desk).await;
    dates_come_back(desk).await;
    a_source_that_fails_stores_nothing(desk).await;
    what_is_staged_and_dropped_is_not_there(desk).await;
}

async fn messages_come_back_octet_by_octet(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("contents").await;
    let mut expected: Vec<(String, Key, Bytes)> = Vec::new();
    for (what, wire) in [
        ("a simple message", message::simple("simple").to_bytes()),
        ("a message of 300 KB", message::random(7, 300_000).to_bytes()),
    ] {
        let key = desk.put(&name, &*mailbox, &wire, flagged("")).await;
        expected.push((what.to_owned(), key, wire));
    }
    for odd in Odd::ALL {
        let wire = odd.body().to_bytes();
        match desk.fixture.comes_back(odd) {
            Some(back) => {
                let key = desk.put(&name, &*mailbox, &wire, flagged("")).await;
                expected.push((format!("{odd:?}"), key, back));
            }
            None => refuses(desk, &name, &*mailbox, odd).await,
        }
    }
    let keys: Vec<Key> = expected.iter().map(|(_, key, _)| key.clone()).collect();
    let basket = desk.fetch(&*mailbox, &keys).await;
    assert_eq!(basket.messages.len(), keys.len(), "all are fetched");
    assert!(basket.failed.is_empty(), "none fails: {:?}", basket.failed);
    for (what, key, wire) in expected {
        assert!(basket.wire(&key) == wire, "{what} comes back as it was stored");
    }
}

/// A message that cannot be stored is the concern of that message alone.
async fn refuses(desk: &Desk<'_>, name: &MailboxName, mailbox: &dyn Mailbox, odd: Odd) {
    let before = desk.look(name).await;
    let body = &mut Wire::whole(&odd.body().to_bytes());
    let error = match mailbox.stage(flagged(""), body).await {
        Ok(staged) => mailbox.commit(vec![staged]).await.pop().and_then(Result::err),
        Err(error) => Some(error),
    };
    let kind = error.map(|error| error.kind());
    assert_eq!(kind, Some(StoreErrorKind::Message), "{odd:?} is refused");
    assert_eq!(before.items(), desk.look(name).await.items(), "{odd:?} is not stored");
}

async fn a_batch_is_stored_in_order(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("batch").await;
    let mut staged = Vec::new();
    let mut wires = Vec::new();
    for number in 0..20 {
        let wire = message::simple(&format!("batch {number}")).to_bytes();
        let body = &mut Wire::whole(&wire);
        staged.push(must(mailbox.stage(flagged("S"), body).await, "staging one of many"));
        wires.push(wire);
    }
    let stored = mailbox.commit(staged).await;
    assert_eq!(stored.len(), wires.len(), "commit answers once for each message");
    let seen = desk.look(&name).await;
    assert_eq!(seen.items().len(), wires.len(), "all of the batch are there, once");
    let keys: Vec<Key> = seen.items().iter().map(|item| item.key.clone()).collect();
    let basket = desk.fetch(&*mailbox, &keys).await;
    for (stored, wire) in stored.into_iter().zip(&wires) {
        match must(stored, "committing one of many") {
            offlineimap_core::Stored::At(key) => {
                assert!(basket.wire(&key) == wire, "results are in the order of the requests");
            }
            offlineimap_core::Stored::Unknown => {
                let found = basket.messages.values().any(|(_, found)| found == wire);
                assert!(found, "a message stored somewhere is there");
            }
        }
    }
}

async fn a_message_that_is_gone_fails_alone(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("gone").await;
    let (mut keys, wire) = (Vec::new(), message::simple("gone").to_bytes());
    for _ in 0..3 {
        keys.push(desk.put(&name, &*mailbox, &wire, flagged("")).await);
    }
    let gone: Vec<Key> = keys.get(1).cloned().into_iter().collect();
    for removed in mailbox.remove(&gone, Removal::Expunge).await {
        if must(removed, "removing") == offlineimap_core::Removed::MarkedOnly {
            return;
        }
    }
    let basket = desk.fetch(&*mailbox, &keys).await;
    assert_eq!(basket.messages.len(), 2, "the others are fetched");
    let failed: Vec<_> = basket.failed.into_iter().collect();
    let expected: Vec<_> = gone.into_iter().map(|key| (key, StoreErrorKind::Message)).collect();
    assert_eq!(failed, expected, "only the one that is gone fails");
}

async fn a_body_may_be_left_unread(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("unread").await;
    let mut keys = Vec::new();
    let mut wires = Vec::new();
    for seed in 0..3 {
        let wire = message::random(seed, 200_000).to_bytes();
        keys.push(desk.put(&name, &*mailbox, &wire, flagged("")).await);
        wires.push(wire);
    }
    let mut basket =
        Basket { leaving: keys.get(..2).unwrap_or_default().to_vec(), ..Basket::default() };
    must(mailbox.fetch(&keys, &mut basket).await, "fetching and leaving");
    assert_eq!(basket.messages.len(), 3, "a body left unread does not stop the fetch");
    for (key, wire) in keys.iter().zip(&wires).skip(2) {
        assert!(basket.wire(key) == wire, "the message behind those left unread is whole");
    }
}

async fn fingerprints_agree_with_the_octets(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("fingerprints").await;
    let mut wires = vec![
        message::simple("fingerprint").to_bytes(),
        message::random(11, 100_000).to_bytes(),
        Bytes::from_static(b"Subject: no id\r\n\r\ntext\r\n"),
        Bytes::from_static(b"From: a@b\r\nMessage-Id:\r\n <folded@example.org>\r\n\r\ntext\r\n"),
    ];
    let odd = [Odd::LongLine, Odd::NoFinalNewline, Odd::StrayLineFeed, Odd::UnclosedMultipart];
    wires.extend(odd.into_iter().filter_map(|odd| desk.fixture.comes_back(odd)));
    let mut keys = Vec::new();
    for wire in &wires {
        keys.push(desk.put(&name, &*mailbox, wire, flagged("")).await);
    }
    let told = must(mailbox.fingerprints(Scope::Keys(&keys)).await, "fingerprints by key");
    assert_eq!(told.len(), keys.len(), "each message has a fingerprint");
    for (key, wire) in keys.iter().zip(&wires) {
        let Some((_, told)) = told.iter().find(|(told, _)| told == key) else {
            panic!("no fingerprint of message {key}");
        };
        let computed = fingerprint(wire);
        assert_eq!(told.wire_octets, computed.wire_octets, "the size is that on the wire");
        assert_eq!(told.message_id, computed.message_id, "the Message-ID agrees");
        if told.digest.is_some() {
            assert_eq!(told.digest, computed.digest, "the digest agrees");
        }
    }
    let all = must(mailbox.fingerprints(Scope::Since(None)).await, "fingerprints of all");
    assert_eq!(all.len(), keys.len(), "without a frontier the whole mailbox is told");
    let one = must(
        mailbox.fingerprints(Scope::Keys(keys.get(..1).unwrap_or_default())).await,
        "fingerprint of one",
    );
    let told: Vec<&Key> = one.iter().map(|(key, _)| key).collect();
    assert_eq!(told, keys.iter().take(1).collect::<Vec<_>>(), "only what was asked for is told");
}

async fn messages_are_found_from_the_frontier_on(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("frontier").await;
    let put = async |subject: &str| {
        let wire = message::simple(subject).to_bytes();
        desk.put(&name, &*mailbox, &wire, flagged("")).await
    };
    let old = [put("old 1").await, put("old 2").await];
    let frontier = desk.look(&name).await.frontier;
    let scope = Scope::Since(frontier.as_ref());
    let told = must(mailbox.fingerprints(scope).await, "fingerprints since the frontier");
    if frontier.is_some() {
        assert_eq!(told, [], "nothing was stored since the frontier was read");
    }
    let new = [put("new 1").await, put("new 2").await];
    let told = must(mailbox.fingerprints(scope).await, "fingerprints since the frontier");
    for (key, subject) in new.iter().zip(["new 1", "new 2"]) {
        let Some((_, found)) = told.iter().find(|(told, _)| told == key) else {
            panic!("a message stored after the frontier is not found from there");
        };
        let stored = fingerprint(&message::simple(subject).to_bytes());
        assert!(found.matches(&stored), "a stored message is recognised by its fingerprint");
    }
    let too_old = told.iter().filter(|(key, _)| old.contains(key)).count();
    assert!(frontier.is_none() || too_old == 0, "what is older is not told");
}

async fn dates_come_back(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("dates").await;
    let wire = message::simple("date").to_bytes();
    for unix_seconds in [946_684_799, 1_234_567_890, 1_710_054_000] {
        let date = InternalDate { unix_seconds };
        let message = NewMessage { date: Some(date), ..flagged("S") };
        let key = desk.put(&name, &*mailbox, &wire, message).await;
        let once = desk.fetch(&*mailbox, std::slice::from_ref(&key)).await;
        let again = desk.fetch(&*mailbox, std::slice::from_ref(&key)).await;
        let told = |basket: &Basket| basket.messages.get(&key).and_then(|(it, _)| it.date);
        assert_eq!(told(&once), told(&again), "a date does not change by itself");
        if desk.fixture.dates() == Dates::Kept {
            assert_eq!(told(&once), Some(date), "a date is kept");
        }
    }
    let key = desk.put(&name, &*mailbox, &wire, NewMessage { date: None, ..flagged("") }).await;
    assert!(desk.item(&name, &key).await.is_some(), "a message without a date is stored");
}

async fn a_source_that_fails_stores_nothing(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("sources").await;
    let wire = message::random(5, 50_000).to_bytes();
    for ending in [Ending::Early, Ending::Error] {
        let staged = mailbox.stage(flagged(""), &mut Wire::half(&wire, ending)).await;
        assert!(staged.is_err(), "half a message is not staged ({ending:?})");
        drop(staged);
        assert_eq!(desk.look(&name).await.items(), [], "half a message is not stored");
    }
    let mailbox = desk.open(&name, offlineimap_core::Access::ReadWrite).await;
    let key = desk.put(&name, &*mailbox, &wire, flagged("")).await;
    assert!(
        desk.fetch(&*mailbox, std::slice::from_ref(&key)).await.wire(&key) == wire,
        "the next is stored"
    );
}

async fn what_is_staged_and_dropped_is_not_there(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("dropped").await;
    let wire = message::simple("dropped").to_bytes();
    let staged = must(mailbox.stage(flagged("S"), &mut Wire::whole(&wire)).await, "staging");
    match mailbox.delivery() {
        Delivery::Planned => {
            assert!(staged.planned().is_some(), "the key is known when it is staged");
            assert_eq!(desk.look(&name).await.items(), [], "what is staged is not visible");
            drop(staged);
            assert_eq!(desk.look(&name).await.items(), [], "what was dropped is not there");
        }
        Delivery::Assigned => {
            assert_eq!(staged.planned(), None, "the key is not known yet");
            // It may be there or not; only the answer is not wanted any more.
            drop(staged);
        }
    }
    let key = desk.put(&name, &*mailbox, &wire, flagged("")).await;
    assert!(
        desk.fetch(&*mailbox, std::slice::from_ref(&key)).await.wire(&key) == wire,
        "the next is stored"
    );
}
