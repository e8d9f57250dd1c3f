//! Flags, hints and removals, and that nothing else is touched.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use offlineimap_core::{
    Access, Applied, Binding, FlagChange, FlagSupport, Flags, Hints, Key, Mailbox, MailboxName,
    NewMessage, Removal, Removed, SystemFlag,
};

use super::desk::{Desk, Wire, flagged, must};
use crate::message;

pub(super) async fn check(desk: &Desk<'_>) {
    messages_are_stored_with_their_flags(desk).await;
    flag_changes_are_relative(desk).await;
    keywords_are_flags_too(desk).await;
    presence_is_told_exactly(desk).await;
    removing_touches_no_other_message(desk).await;
    marking_leaves_the_message(desk).await;
    hints_are_kept(desk).await;
    read_only_access_changes_nothing(desk).await;
}

/// A mailbox with some messages, for changing them.
struct Stocked {
    name: MailboxName,
    mailbox: Arc<dyn Mailbox>,
    keys: Vec<Key>,
}

impl Stocked {
    /// One message for each string of flags.
    async fn with<const N: usize>(
        desk: &Desk<'_>,
        leaf: &str,
        letters: [&str; N],
    ) -> (Self, [Key; N]) {
        let (name, mailbox) = desk.mailbox(leaf).await;
        let mut keys = Vec::new();
        for (number, letters) in letters.iter().enumerate() {
            let wire = message::simple(&format!("{leaf} {number}")).to_bytes();
            keys.push(desk.put(&name, &*mailbox, &wire, flagged(letters)).await);
        }
        let Ok(array) = <[Key; N]>::try_from(keys.clone()) else {
            panic!("one key for each message");
        };
        (Self { name, mailbox, keys }, array)
    }

    async fn letters(&self, desk: &Desk<'_>, key: &Key) -> Option<String> {
        desk.item(&self.name, key).await.map(|item| item.flags.letters())
    }

    async fn change(&self, changes: Vec<(Key, FlagChange)>) -> Vec<Applied> {
        let count = changes.len();
        let results = self.mailbox.change_flags(changes).await;
        assert_eq!(results.len(), count, "one answer for each change");
        results.into_iter().map(|result| must(result, "changing flags")).collect()
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Removed> {
        let results = self.mailbox.remove(keys, removal).await;
        assert_eq!(results.len(), keys.len(), "one answer for each message");
        results.into_iter().map(|result| must(result, "removing")).collect()
    }
}

fn change(add: &str, remove: &str) -> FlagChange {
    FlagChange { add: Flags::from_letters(add), remove: Flags::from_letters(remove) }
}

async fn messages_are_stored_with_their_flags(desk: &Desk<'_>) {
    let letters = ["", "S", "F", "RS", "DFRST"];
    let (stocked, keys) = Stocked::with(desk, "stored flags", letters).await;
    for (key, expected) in keys.iter().zip(letters) {
        let found = stocked.letters(desk, key).await;
        assert_eq!(found.as_deref(), Some(expected), "flags are stored with the message");
    }
}

async fn flag_changes_are_relative(desk: &Desk<'_>) {
    let (stocked, [one, two, three]) = Stocked::with(desk, "flags", ["F", "RS", ""]).await;
    let applied =
        stocked.change(vec![(one.clone(), change("S", "")), (two.clone(), change("D", "R"))]).await;
    assert_eq!(applied, [Applied::Done(()), Applied::Done(())]);
    assert_eq!(stocked.letters(desk, &one).await.as_deref(), Some("FS"), "F stays");
    assert_eq!(stocked.letters(desk, &two).await.as_deref(), Some("DS"), "S stays");
    assert_eq!(stocked.letters(desk, &three).await.as_deref(), Some(""), "nobody asked");
    let again = stocked.change(vec![(one.clone(), change("S", "T"))]).await;
    assert_eq!(again, [Applied::Done(())], "a change that is there already is done");
    assert_eq!(stocked.letters(desk, &one).await.as_deref(), Some("FS"));
    if stocked.remove(std::slice::from_ref(&one), Removal::Expunge).await == [Removed::Expunged] {
        let changes = vec![(one.clone(), change("D", "")), (three.clone(), change("F", ""))];
        let applied = stocked.change(changes).await;
        assert_eq!(applied, [Applied::Stale, Applied::Done(())], "in order, gone is stale");
        assert_eq!(stocked.letters(desk, &one).await, None, "a change brings nothing back");
        assert_eq!(stocked.letters(desk, &three).await.as_deref(), Some("F"));
    }
    let wires = desk.fetch(&*stocked.mailbox, std::slice::from_ref(&two)).await;
    let stored = message::simple("flags 1").to_bytes();
    assert!(wires.wire(&two) == stored, "flags do not change the message");
}

async fn keywords_are_flags_too(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("keywords").await;
    let keyword = Flags::default().with_keyword("$Forwarded");
    let support: FlagSupport = desk.look(&name).await.support;
    if keyword.supported_by(&support).is_empty() {
        return;
    }
    let wire = message::simple("keywords").to_bytes();
    let key = desk.put(&name, &*mailbox, &wire, flagged("S")).await;
    for (change, expected) in [
        (FlagChange { add: keyword.clone(), ..FlagChange::default() }, "S{$Forwarded}"),
        (change("F", "S"), "F{$Forwarded}"),
        (FlagChange { remove: keyword.clone(), ..FlagChange::default() }, "F"),
    ] {
        for applied in mailbox.change_flags(vec![(key.clone(), change)]).await {
            assert_eq!(must(applied, "changing keywords"), Applied::Done(()));
        }
        let found = desk.item(&name, &key).await.map(|item| item.flags.to_string());
        assert_eq!(found.as_deref(), Some(expected));
    }
}

async fn presence_is_told_exactly(desk: &Desk<'_>) {
    let (stocked, [one, two, three]) = Stocked::with(desk, "presence", ["", "S", "F"]).await;
    let removed = stocked.remove(std::slice::from_ref(&two), Removal::Expunge).await;
    let present = must(stocked.mailbox.present(&stocked.keys).await, "asking for presence");
    let expected: BTreeSet<Key> = match removed.as_slice() {
        [Removed::Expunged] => [one.clone(), three].into(),
        _ => stocked.keys.iter().cloned().collect(),
    };
    assert_eq!(present, expected);
    let present = must(stocked.mailbox.present(std::slice::from_ref(&one)).await, "asking for one");
    assert_eq!(present, [one].into(), "only who was asked for is told");
}

async fn removing_touches_no_other_message(desk: &Desk<'_>) {
    // The third is marked by somebody else, and it is not ours to expunge it.
    let letters = ["", "S", "T", "F", "ST"];
    let (stocked, keys) = Stocked::with(desk, "removal", letters).await;
    let [first, _, _, fourth, _] = &keys;
    let chosen = [fourth.clone(), first.clone()];
    let removed = stocked.remove(&chosen, Removal::Expunge).await;
    let seen = desk.look(&stocked.name).await;
    for (key, removed) in chosen.iter().zip(&removed) {
        let item = seen.items().iter().find(|item| item.key == *key);
        match (removed, item) {
            (Removed::Expunged, None) => {}
            (Removed::MarkedOnly, Some(item)) if item.flags.contains(SystemFlag::Deleted) => {}
            (Removed::Expunged | Removed::MarkedOnly, item) => {
                panic!("the answer was {removed:?}, and what is there is {item:?}");
            }
        }
    }
    for (key, letters) in keys.iter().zip(letters).filter(|(key, _)| !chosen.contains(key)) {
        let item = seen.items().iter().find(|item| item.key == *key);
        let found = item.map(|item| item.flags.letters());
        assert_eq!(found.as_deref(), Some(letters), "other messages are not touched");
    }
    if removed == [Removed::Expunged, Removed::Expunged] {
        let again = stocked.remove(&chosen, Removal::Expunge).await;
        assert_eq!(again, removed, "what had been gone already counts as expunged");
    }
}

async fn marking_leaves_the_message(desk: &Desk<'_>) {
    let (stocked, [one, two]) = Stocked::with(desk, "marking", ["S", "F"]).await;
    let removed = stocked.remove(std::slice::from_ref(&one), Removal::MarkDeleted).await;
    assert_eq!(removed, [Removed::MarkedOnly]);
    assert_eq!(stocked.letters(desk, &one).await.as_deref(), Some("ST"), "it is marked");
    assert_eq!(stocked.letters(desk, &two).await.as_deref(), Some("F"), "the other is not");
}

async fn hints_are_kept(desk: &Desk<'_>) {
    let (stocked, [one, two]) = Stocked::with(desk, "hints", ["FS", ""]).await;
    let counterpart = |number| Key::number(NonZeroU32::MIN.saturating_add(number));
    let binding = Binding { key: one.clone(), counterpart: counterpart(76) };
    let bind = async |binding: Binding| {
        let mut bound = stocked.mailbox.bind(vec![binding]).await;
        assert_eq!(bound.len(), 1, "one answer for each binding");
        bound.pop().map(|bound| must(bound, "binding"))
    };
    let Some(Applied::Done(key)) = bind(binding.clone()).await else {
        panic!("a message that is there can be bound");
    };
    if desk.look(&stocked.name).await.hints == Hints::None {
        assert_eq!(key, one, "a store without hints leaves the keys unchanged");
        return;
    }
    let Some(item) = desk.item(&stocked.name, &key).await else {
        panic!("a bound message is where bind says");
    };
    assert_eq!(item.hint, Some(counterpart(76)), "the hint is there");
    assert_eq!(item.flags.letters(), "FS", "the flags stay");
    assert!(desk.item(&stocked.name, &two).await.is_some(), "the other stays");
    assert_eq!(desk.look(&stocked.name).await.items().len(), 2, "nothing is there twice");
    let stored = message::simple("hints 0").to_bytes();
    let fetched = desk.fetch(&*stocked.mailbox, std::slice::from_ref(&key)).await;
    assert!(fetched.wire(&key) == stored, "a hint does not change the message");
    let again = bind(Binding { key: key.clone(), counterpart: counterpart(76) }).await;
    assert_eq!(again, Some(Applied::Done(key.clone())), "binding again changes nothing");
    let Some(Applied::Done(other)) = bind(Binding { key, counterpart: counterpart(77) }).await
    else {
        panic!("a message can be bound again");
    };
    let hint = desk.item(&stocked.name, &other).await.and_then(|item| item.hint);
    assert_eq!(hint, Some(counterpart(77)), "the last hint counts");
    let message = NewMessage { counterpart: Some(counterpart(90)), ..flagged("S") };
    let key = desk.put(&stocked.name, &*stocked.mailbox, &stored, message).await;
    let hint = desk.item(&stocked.name, &key).await.and_then(|item| item.hint);
    assert_eq!(hint, Some(counterpart(90)), "a message is stored with its hint");
    if stocked.remove(std::slice::from_ref(&two), Removal::Expunge).await == [Removed::Expunged] {
        let gone = bind(Binding { key: two, counterpart: counterpart(78) }).await;
        assert_eq!(gone, Some(Applied::Stale), "what is gone cannot be bound");
    }
}

async fn read_only_access_changes_nothing(desk: &Desk<'_>) {
    let (stocked, [one, two]) = Stocked::with(desk, "look", ["", "S"]).await;
    let before = desk.look(&stocked.name).await;
    let mailbox = desk.open(&stocked.name, Access::ReadOnly).await;
    let seen = must(mailbox.observe().await, "observing without touching");
    assert_eq!(seen.items(), before.items(), "read-only access sees the same");
    let basket = desk.fetch(&*mailbox, &stocked.keys).await;
    assert_eq!(basket.messages.len(), 2, "read-only access can fetch");
    let changed = mailbox.change_flags(vec![(one.clone(), change("F", ""))]).await;
    assert!(
        changed.iter().all(|result| !matches!(result, Ok(Applied::Done(())))),
        "flags are not changed through read-only access"
    );
    for removal in [Removal::Expunge, Removal::MarkDeleted] {
        let removed = mailbox.remove(std::slice::from_ref(&two), removal).await;
        assert!(removed.iter().all(Result::is_err), "nothing is removed through it");
    }
    let wire = message::simple("read-only").to_bytes();
    if let Ok(staged) = mailbox.stage(flagged(""), &mut Wire::whole(&wire)).await {
        let stored = mailbox.commit(vec![staged]).await;
        assert!(stored.iter().all(Result::is_err), "nothing is stored through it");
    }
    let counterpart = Key::number(NonZeroU32::MIN);
    drop(mailbox.bind(vec![Binding { key: one, counterpart }]).await);
    let after = desk.look(&stocked.name).await;
    assert_eq!(before.items(), after.items(), "read-only access changes nothing");
    if before.token.is_some() && after.token.is_some() {
        assert_eq!(before.token, after.token, "not even the stamp");
    }
}
