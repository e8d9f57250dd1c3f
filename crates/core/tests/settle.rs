//! After a crash: what the base learns from intents that nobody confirmed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;

use offlineimap_core::{
    Base, Coverage, Epoch, Fingerprint, FlagChange, Flags, Intent, IntentKind, Item, Key,
    Observation, Pair, PerSide, Settlement, Side, settle,
};

fn number(number: u32) -> Key {
    Key::number(NonZeroU32::new(number).unwrap())
}

fn name(name: &str) -> Key {
    Key::name(name.as_bytes())
}

fn flags(letters: &str) -> Flags {
    Flags::from_letters(letters)
}

fn remote(items: Vec<Item>) -> Observation {
    Observation::complete(Epoch::new("77"), items)
}

fn local(items: Vec<Item>) -> Observation {
    Observation::complete(Epoch::new("42"), items)
}

fn settled(kind: IntentKind, seen: &PerSide<Observation>, found: Option<&Key>) -> Settlement {
    let intents = [Intent { id: 7, kind }];
    let mut settled = settle(&intents, seen.as_ref(), |id| {
        assert_eq!(id, 7, "only open intents are asked for");
        found.cloned()
    });
    assert_eq!(settled.len(), 1);
    let settled = settled.pop().unwrap();
    assert_eq!(settled.id, 7);
    settled.settlement
}

fn delivery(side: Side) -> IntentKind {
    let (source, planned) = match side {
        Side::Local => (number(1), name("a")),
        Side::Remote => (name("a"), number(1)),
    };
    IntentKind::Deliver { side, source, planned, flags: flags("S") }
}

fn append() -> IntentKind {
    IntentKind::Append {
        side: Side::Remote,
        source: name("a"),
        frontier: None,
        fingerprint: Fingerprint { wire_octets: 3, message_id: None, digest: None },
        flags: flags("S"),
    }
}

fn flag_change(side: Side) -> IntentKind {
    IntentKind::Flags {
        pair: number(1),
        side,
        target: if side == Side::Local { name("a") } else { number(1) },
        change: FlagChange { add: flags("F"), remove: flags("S") },
        settles: FlagChange { add: flags("F"), remove: Flags::default() },
    }
}

#[test]
fn a_delivery_that_is_there_is_a_pair_with_the_flags_it_was_delivered_with() {
    // The user may have changed the flags since; the next plan finds that out.
    let there = PerSide {
        remote: remote(vec![Item::new(number(1), flags("S"))]),
        local: local(vec![Item::new(name("a"), flags("FT"))]),
    };
    let pair = Pair::new(number(1), name("a"), flags("S"));
    for side in Side::BOTH {
        let settlement = settled(delivery(side), &there, None);
        assert_eq!(settlement, Settlement::Paired(pair.clone()));
    }
}

#[test]
fn a_delivery_whose_source_is_gone_meanwhile_is_still_a_pair() {
    // Otherwise the message would come back from where it was copied to.
    let seen =
        PerSide { remote: remote(vec![]), local: local(vec![Item::new(name("a"), flags("S"))]) };
    let settlement = settled(delivery(Side::Local), &seen, None);
    assert_eq!(settlement, Settlement::Paired(Pair::new(number(1), name("a"), flags("S"))));
}

#[test]
fn a_delivery_that_is_not_there_did_not_happen() {
    let empty = PerSide { remote: remote(vec![]), local: local(vec![]) };
    assert_eq!(settled(delivery(Side::Local), &empty, None), Settlement::Nothing);
    let unknown =
        PerSide { local: local(vec![]).covering(Coverage::Listed { gone: [].into() }), ..empty };
    assert_eq!(settled(delivery(Side::Local), &unknown, None), Settlement::Nothing);
}

#[test]
fn an_append_that_was_found_is_a_pair() {
    let seen = PerSide {
        remote: remote(vec![Item::new(number(9), flags("S"))]),
        local: local(vec![Item::new(name("a"), flags("S"))]),
    };
    let settlement = settled(append(), &seen, Some(&number(9)));
    assert_eq!(settlement, Settlement::Paired(Pair::new(number(9), name("a"), flags("S"))));
    assert_eq!(settled(append(), &seen, None), Settlement::Nothing, "it was not stored");
}

#[test]
fn an_append_is_paired_with_its_source_even_if_that_was_renamed_already() {
    let renamed = Item::new(name("b"), flags("S")).hinting(number(9));
    let seen = |items| PerSide { remote: remote(vec![]), local: local(items) };
    let settlement = settled(append(), &seen(vec![renamed.clone()]), Some(&number(9)));
    assert_eq!(settlement, Settlement::Paired(Pair::new(number(9), name("b"), flags("S"))));
    // A file that was there under its old name is the source, whoever else claims to be.
    let old = Item::new(name("a"), flags("S"));
    let settlement = settled(append(), &seen(vec![renamed, old]), Some(&number(9)));
    assert_eq!(settlement, Settlement::Paired(Pair::new(number(9), name("a"), flags("S"))));
    // The source was deleted meanwhile: the pair lets the next plan delete the copy.
    let settlement = settled(append(), &seen(vec![]), Some(&number(9)));
    assert_eq!(settlement, Settlement::Paired(Pair::new(number(9), name("a"), flags("S"))));
}

#[test]
fn flags_that_were_changed_are_learnt() {
    for (found, expected) in [("F", true), ("FR", true), ("FS", false), ("S", false), ("", false)] {
        let seen = PerSide {
            remote: remote(vec![Item::new(number(1), flags(found))]),
            local: local(vec![Item::new(name("a"), flags(found))]),
        };
        for side in Side::BOTH {
            let settlement = settled(flag_change(side), &seen, None);
            let learnt = Settlement::Learnt {
                pair: number(1),
                settles: FlagChange { add: flags("F"), remove: Flags::default() },
            };
            let expected = if expected { learnt } else { Settlement::Nothing };
            assert_eq!(settlement, expected, "{found} on the {side} side");
        }
    }
}

#[test]
fn flags_of_a_message_that_is_gone_teach_nothing() {
    let empty = PerSide { remote: remote(vec![]), local: local(vec![]) };
    assert_eq!(settled(flag_change(Side::Remote), &empty, None), Settlement::Nothing);
}

#[test]
fn each_intent_is_settled_by_itself() {
    let seen =
        PerSide { remote: remote(vec![]), local: local(vec![Item::new(name("a"), flags("S"))]) };
    let intents = [
        Intent { id: 1, kind: delivery(Side::Local) },
        Intent { id: 2, kind: append() },
        Intent { id: 3, kind: flag_change(Side::Local) },
    ];
    let settled = settle(&intents, seen.as_ref(), |_| None);
    let happened: Vec<_> = settled
        .iter()
        .map(|settled| (settled.id, settled.settlement != Settlement::Nothing))
        .collect();
    assert_eq!(happened, [(1, true), (2, false), (3, false)]);
    assert!(settle(&[], seen.as_ref(), |_| None).is_empty());
}

#[test]
fn a_base_in_a_new_local_epoch_keeps_what_can_be_proven() {
    let marked =
        Pair { deleted_on: Some(Side::Local), ..Pair::new(number(3), name("c"), flags("S")) };
    let base = Base::new(
        PerSide { remote: Epoch::new("77"), local: Epoch::new("41") },
        vec![
            Pair::new(number(2), name("b"), flags("F")),
            marked.clone(),
            Pair::new(number(1), name("a"), flags("S")),
        ],
    );
    let restored = local(vec![
        Item::new(name("a"), flags("S")),
        Item::new(name("x"), flags("S")).hinting(number(2)),
    ]);
    let carried = base.clone().carried_over(&restored);
    assert_eq!(
        carried.pairs(),
        [Pair::new(number(1), name("a"), flags("S")), marked.clone()],
        "what is missing is forgotten, what was only marked is remembered"
    );
    let epochs = carried.epochs.clone().unwrap();
    assert_eq!((epochs.remote.as_str(), epochs.local.as_str()), ("77", "42"));

    let emptied = base.carried_over(&local(vec![]));
    assert_eq!(emptied.pairs(), [marked]);
    assert_eq!(emptied.live(), 0);
    let remote = remote(vec![
        Item::new(number(1), flags("S")),
        Item::new(number(2), flags("F")),
        Item::new(number(3), flags("ST")),
    ]);
    let seen = PerSide { remote: &remote, local: &local(vec![]) };
    let plan = offlineimap_core::plan(seen, &emptied, offlineimap_core::Policy::default()).unwrap();
    assert_eq!(plan.deletes, PerSide::default(), "nothing is deleted");
    let copied: Vec<&Key> = plan.copies.local.iter().map(|op| &op.source).collect();
    assert_eq!(copied, [&number(1), &number(2)]);
}

#[test]
fn a_base_is_sorted_and_has_each_remote_message_once() {
    let epochs = PerSide { remote: Epoch::new("77"), local: Epoch::new("42") };
    let pair = |remote, local| Pair::new(number(remote), name(local), flags(""));
    let base = Base::new(epochs, vec![pair(10, "b"), pair(9, "a"), pair(10, "c")]);
    assert_eq!(base.pairs(), [pair(9, "a"), pair(10, "b")]);
    assert_eq!(base.live(), 2);
    assert_eq!(base.pairs()[0].key(Side::Remote), &number(9));
    assert_eq!(base.pairs()[0].key(Side::Local), &name("a"));
    assert_eq!(Base::default().epochs, None);
}
