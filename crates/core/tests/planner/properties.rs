//! What holds for every mailbox, however it came to be.

use offlineimap_core::{
    Base, Flags, Observation, PerSide, Policy, Presence, Reason, Removal, Side, SidePolicy,
    SystemFlag, plan,
};
use proptest::prelude::*;

use crate::language::{Line, epochs, lines, name, number};
use crate::world::{Effect, Letter, World, effects};

/// What became of one message since both sides last agreed on it.
#[derive(Debug, Clone)]
struct History {
    remote: Option<Flags>,
    base: Option<Flags>,
    local: Option<Flags>,
    name: LocalName,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum LocalName {
    Hinting,
    Bare,
    RenamedHinting,
}

fn any_flags() -> impl Strategy<Value = Flags> {
    proptest::sample::subsequence(
        vec![SystemFlag::Flagged, SystemFlag::Seen, SystemFlag::Answered],
        0..=3,
    )
    .prop_map(|flags| flags.into_iter().fold(Flags::default(), Flags::with))
}

fn any_history() -> impl Strategy<Value = History> {
    let side = || proptest::option::weighted(0.7, any_flags());
    let names = prop_oneof![
        Just(LocalName::Hinting),
        Just(LocalName::Bare),
        Just(LocalName::RenamedHinting)
    ];
    (side(), side(), side(), names).prop_map(|(remote, base, local, name)| History {
        remote,
        base,
        local,
        name,
    })
}

fn any_removal() -> impl Strategy<Value = Removal> {
    prop_oneof![Just(Removal::Expunge), Just(Removal::MarkDeleted)]
}

/// Policies under which nothing is withheld.
fn any_open_policy() -> impl Strategy<Value = Policy> {
    (any_removal(), any_removal()).prop_map(|(remote, local)| Policy {
        sides: PerSide { remote, local }
            .map(|removal| SidePolicy { removal, ..SidePolicy::default() }),
    })
}

fn world_of(histories: &[History], policy: Policy) -> World {
    let mut world = World::new(policy);
    for (content, history) in (1..).zip(histories) {
        let (remote, old) = (number(content), name(&format!("m{content}")));
        if let Some(flags) = &history.remote {
            let letter = Letter { content, flags: flags.clone(), hint: None };
            world.sides.remote.insert(remote.clone(), letter);
        }
        if let Some(flags) = &history.base {
            let pair = offlineimap_core::Pair::new(remote.clone(), old.clone(), flags.clone());
            world.base.insert(remote.clone(), pair);
        }
        if let Some(flags) = &history.local {
            let hint = (history.name != LocalName::Bare).then_some(remote);
            let key = match history.name {
                LocalName::Hinting | LocalName::Bare => old,
                LocalName::RenamedHinting => name(&format!("r{content}")),
            };
            let letter = Letter { content, flags: flags.clone(), hint };
            world.sides.local.insert(key, letter);
        }
    }
    world
}

/// What both sides must hold in the end of one message: its flags, once for each copy.
fn expected(history: &History) -> Vec<Flags> {
    let History { remote, base, local, name } = history;
    match (remote, base, local) {
        (Some(remote), Some(base), Some(local)) => {
            let added = remote.union(local).difference(base);
            let kept = base.intersection(remote).intersection(local);
            vec![added.union(&kept)]
        }
        (Some(_), Some(_), None) | (None, Some(_), Some(_)) | (None, _, None) => vec![],
        (Some(flags), None, None) | (None, None, Some(flags)) => vec![flags.clone()],
        (Some(_), None, Some(local)) if *name != LocalName::Bare => vec![local.clone()],
        (Some(remote), None, Some(local)) => vec![remote.clone(), local.clone()],
    }
}

fn mail_expected(histories: &[History]) -> Vec<(u32, String)> {
    let mut mail: Vec<(u32, String)> = (1..)
        .zip(histories)
        .flat_map(|(content, history)| {
            expected(history).into_iter().map(move |flags| (content, flags.to_string()))
        })
        .collect();
    mail.sort();
    mail
}

/// What a side shows of living messages: those marked as deleted are gone in the user's eyes.
fn living(world: &World, side: Side) -> Vec<(u32, String)> {
    let marked = |flags: &str| flags.contains('T');
    world.mail(side).into_iter().filter(|(_, flags)| !marked(flags)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_sync_both_sides_hold_what_the_rules_say(
        histories in prop::collection::vec(any_history(), 0..8),
        policy in any_open_policy(),
    ) {
        let mut world = world_of(&histories, policy);
        let rounds = world.converge();
        prop_assert!(rounds <= 1, "one plan is enough, and took {rounds}");
        let expected = mail_expected(&histories);
        prop_assert_eq!(living(&world, Side::Remote), expected.clone(), "remote");
        prop_assert_eq!(living(&world, Side::Local), expected, "local");
        let live = world.base.values().filter(|pair| pair.deleted_on.is_none()).count();
        prop_assert_eq!(live, living(&world, Side::Local).len(), "each has its pair");
    }

    #[test]
    fn interrupted_after_any_operation_it_comes_to_the_same(
        histories in prop::collection::vec(any_history(), 0..6),
        policy in any_open_policy(),
    ) {
        let start = world_of(&histories, policy);
        let mut whole = start.clone();
        whole.converge();
        let operations = effects(&start.plan());
        for cut in 0..operations.len() {
            let mut world = start.clone();
            for effect in &operations[..cut] {
                world.apply(effect);
            }
            // Either the next operation did not happen, or it did and nobody confirmed it.
            let mut unconfirmed = world.clone();
            let key = unconfirmed.happen(&operations[cut]);
            unconfirmed.recover(&operations[cut], key.as_ref());
            for (what, mut world) in [("not made", world), ("not confirmed", unconfirmed)] {
                world.converge();
                for side in Side::BOTH {
                    prop_assert_eq!(
                        world.mail(side), whole.mail(side),
                        "{} after {} operations, {:?} {}", side, cut, operations[cut], what
                    );
                }
            }
        }
    }

    #[test]
    fn the_order_inside_a_batch_does_not_matter(
        histories in prop::collection::vec(any_history(), 0..8),
        policy in any_open_policy(),
    ) {
        let start = world_of(&histories, policy);
        let mut forward = start.clone();
        forward.converge();
        let mut backward = start.clone();
        let plan = start.plan();
        let mut operations = effects(&plan);
        // Copies, flags, deletes and names keep their turn; inside it the order is reversed.
        operations.reverse();
        operations.sort_by_key(turn);
        for effect in &operations {
            backward.apply(effect);
        }
        prop_assert!(backward.plan().is_empty());
        for side in Side::BOTH {
            prop_assert_eq!(backward.mail(side), forward.mail(side));
        }
    }

    #[test]
    fn the_order_of_what_was_seen_changes_nothing(
        histories in prop::collection::vec(any_history(), 0..8),
    ) {
        let world = world_of(&histories, Policy::default());
        let seen = world.observe();
        let backward = PerSide::from_fn(|side| {
            let items = seen.get(side).items().iter().rev().cloned().collect();
            let mut observation = Observation::complete(epochs().get(side).clone(), items);
            observation.hints = seen.get(side).hints;
            observation
        });
        let base = Base::new(epochs(), world.base.values().rev().cloned().collect());
        let other = plan(backward.as_ref(), &base, Policy::default()).unwrap();
        prop_assert_eq!(other, world.plan());
    }

    #[test]
    fn nothing_is_deleted_that_is_not_proven_gone(
        histories in prop::collection::vec(any_history(), 0..8),
        hidden in prop::collection::vec((any::<bool>(), any::<bool>()), 8),
    ) {
        let mut world = world_of(&histories, Policy::default());
        for (side, pick) in [(Side::Remote, 0), (Side::Local, 1)] {
            let keys: Vec<_> = world.sides.get(side).keys().cloned().collect();
            let chosen = keys.into_iter().zip(&hidden);
            let chosen = chosen.filter(|(_, it)| if pick == 0 { it.0 } else { it.1 });
            *world.hidden.get_mut(side) = chosen.map(|(key, _)| key).collect();
        }
        let (seen, base, plan) = (world.observe(), world.base(), world.plan());
        for side in Side::BOTH {
            for delete in plan.deletes.get(side) {
                let absent = seen.get(side.other()).presence(&delete.gone) == Presence::Absent;
                prop_assert!(absent, "{:?}", delete);
                let there = matches!(seen.get(side).presence(&delete.target), Presence::Present(_));
                prop_assert!(there, "{:?}", delete);
                prop_assert!(base.pairs().iter().any(|pair| pair.remote == delete.pair));
                let (deleted, gone) = (&delete.target, side.other());
                let content = world.sides.get(side)[deleted].content;
                let left = world.sides.get(gone).values().any(|it| it.content == content);
                let history = &histories[content as usize - 1];
                // A file renamed without its hint, or one whose listing hid its new name, is the
                // one way to be there and proven gone.
                let explained = history.name == LocalName::RenamedHinting
                    && world.hidden.local.contains(&name(&format!("r{content}")));
                prop_assert!(!left || explained, "{:?} of {:?}", delete, history);
            }
        }
    }

    #[test]
    fn a_message_hidden_on_its_side_is_neither_copied_twice_nor_deleted(
        histories in prop::collection::vec(any_history(), 0..8),
    ) {
        // All that is known is hidden; only what is new can be planned.
        let mut world = world_of(&histories, Policy::default());
        for side in Side::BOTH {
            let known: Vec<_> = world.base.values().map(|pair| pair.key(side).clone()).collect();
            let there = known.into_iter().filter(|key| world.sides.get(side).contains_key(key));
            *world.hidden.get_mut(side) = there.collect();
        }
        let plan = world.plan();
        for side in Side::BOTH {
            for copy in plan.copies.get(side) {
                let content = world.sides.get(side.other())[&copy.source].content;
                let history = &histories[content as usize - 1];
                prop_assert!(
                    history.base.is_none() || history.remote.is_none(),
                    "{:?} of {:?}", copy, history
                );
            }
        }
    }

    #[test]
    fn every_operation_has_its_reason(
        histories in prop::collection::vec(any_history(), 0..8),
        policy in any_open_policy(),
    ) {
        let world = world_of(&histories, policy);
        let (seen, base, plan) = (world.observe(), world.base(), world.plan());
        let known = |side: Side, key| base.pairs().iter().any(|pair| pair.key(side) == key);
        for side in Side::BOTH {
            for copy in plan.copies.get(side) {
                prop_assert_eq!(copy.reason, Reason::NewOn(side.other()));
                prop_assert!(!known(side.other(), &copy.source), "{:?} is new", copy);
            }
            for delete in plan.deletes.get(side) {
                prop_assert_eq!(delete.reason, Reason::DeletedOn(side.other()));
            }
            for op in plan.flags.get(side) {
                prop_assert!(!op.change.is_empty(), "{:?} changes something", op);
                let Presence::Present(item) = seen.get(side).presence(&op.target) else {
                    return Err(TestCaseError::fail(format!("{op:?} of nobody")));
                };
                prop_assert_eq!(&op.expect, &item.flags);
                prop_assert!(op.change.apply(&item.flags) != item.flags, "{:?}", op);
                let in_base = base.pairs().iter().any(|pair| pair.remote == op.pair);
                let expected = if in_base {
                    Reason::FlagsChangedOn(side.other())
                } else {
                    Reason::LocalFlagsWin
                };
                prop_assert_eq!(op.reason, expected);
            }
        }
        // Nobody is dealt with twice.
        let lines: Vec<_> = lines(&plan).iter().map(Line::with_keys).collect();
        let mut once = lines.clone();
        once.dedup();
        prop_assert_eq!(lines, once);
    }
}

fn turn(effect: &Effect) -> u8 {
    match effect {
        Effect::Forget(_) => 0,
        Effect::Adopt(_) => 1,
        Effect::Rekey(_) | Effect::Agree(..) | Effect::Move(..) => 2,
        Effect::Copy { .. } => 3,
        Effect::Flags { .. } => 4,
        Effect::Delete { .. } => 5,
        Effect::Bind(_) => 6,
    }
}
