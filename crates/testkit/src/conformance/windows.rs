//! What a restricted look shows.

use offlineimap_core::{Key, Limit, Presence, Removal, Start, Window};

use super::desk::{Desk, flagged, must};
use crate::message;

pub(super) async fn check(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("windows").await;
    let everything = must(mailbox.observe_within(&Window::default()).await, "an empty window");
    assert!(everything.items().is_empty());
    let mut keys: Vec<Key> = Vec::new();
    let bodies = [message::simple("one"), message::random(7, 4000), message::simple("three")];
    for body in &bodies {
        keys.push(desk.put(&name, &*mailbox, &body.to_bytes(), flagged("S")).await);
    }
    let [one, large, three] = &keys[..] else { panic!("three keys") };

    let limit = Limit::Octets(3999);
    let beyond = must(mailbox.beyond(&keys, limit).await, "asking for the size");
    assert_eq!(beyond, [large.clone()].into(), "the large one is beyond the limit");
    let beyond = must(mailbox.beyond(&keys, Limit::Octets(4000)).await, "asking for the size");
    assert!(beyond.is_empty(), "none is beyond its own size");

    if one.as_number().is_none() {
        // Names have no order: all of them are listed.
        let window = Window { start: Start::At(three.clone()), largest: Some(3999) };
        let seen = must(mailbox.observe_within(&window).await, "looking at names");
        assert_eq!(seen.items().len(), 3);
        return;
    }
    let window = Window { start: Start::At(large.clone()), largest: None };
    let seen = must(mailbox.observe_within(&window).await, "looking from a key on");
    let here = |key: &Key| matches!(seen.presence(key), Presence::Present(_));
    assert_eq!([here(large), here(three)], [true, true], "what is inside is seen");
    assert_eq!(seen.presence(one), Presence::Outside, "of what is outside nothing is known");

    let window = Window { start: Start::Beginning, largest: Some(3999) };
    let seen = must(mailbox.observe_within(&window).await, "looking at small messages");
    let here = |key: &Key| matches!(seen.presence(key), Presence::Present(_));
    assert_eq!([here(one), here(three)], [true, true], "small messages are inside");
    assert_eq!(seen.presence(large), Presence::Outside, "a large one is not");

    for removed in mailbox.remove(std::slice::from_ref(three), Removal::Expunge).await {
        must(removed, "removing");
    }
    let window = Window { start: Start::At(three.clone()), largest: Some(3999) };
    let seen = must(mailbox.observe_within(&window).await, "looking behind the last message");
    assert!(!seen.items().iter().any(|item| item.key == *large), "nothing else is inside");
    let gone = seen.presence(three);
    // A server that cannot expunge single messages has marked it.
    assert!(matches!(gone, Presence::Absent | Presence::Present(_)), "{gone:?}");
    assert_eq!(seen.presence(large), Presence::Outside);
}
