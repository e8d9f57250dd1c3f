//! What `maxage`, `startdate` and `maxsize` leave out: it is left alone, and nothing is concluded
//! from its absence (`spec/quirks.md` B2).

use std::collections::BTreeSet;

use offlineimap_core::{
    Bounds, Coverage, Hints, Item, Key, Observation, Pair, PerSide, Policy, Presence, Reach, Side,
    is_unchanged, plan,
};
use proptest::prelude::*;

use crate::language::{
    Line, Setting, check, check_both_ways, check_in, epochs, flags, lines, name, number,
};
use crate::world::{Letter, World};

#[test]
fn every_case_of_an_unknown_message_that_is_outside() {
    check_both_ways(
        "
        !   | - | -  => nothing
        !   | - | !  => nothing
        !S  | - | -  => outside remote
        !S  | - | !  => outside remote
        !S  | - | !F => outside local, outside remote
        !   | - | S  => copy remote S (new on local)
        !S  | - | F  => copy remote F (new on local), outside remote
        ",
    );
    // A local message that hints at one outside is its counterpart, not a new one.
    check(
        "
        !  | - | S@  => nothing
        !S | - | F@  => adopt outside S
        S  | - | !F@ => adopt outside S
        !S | - | !F@ => adopt outside S
        ",
    );
}

#[test]
fn every_case_of_a_pair_that_leaves_the_restrictions() {
    check_both_ways(
        "
        !   | S | -  => leave
        !   | S | S  => leave
        !   | S | FS => leave
        !   | S | !  => leave
        !S  | S | -  => leave
        !S  | S | S  => leave
        !F  | S | FS => leave
        !S  | S | !  => leave
        !S  | S | !F => leave
        ",
    );
}

#[test]
fn every_case_of_a_pair_that_is_still_outside() {
    check_both_ways(
        "
        !   | S! | -  => nothing
        !   | S! | S  => nothing
        !   | S! | FS => nothing
        !   | S! | !  => nothing
        !F  | S! | -  => nothing
        !F  | S! | S  => nothing
        !F  | S! | !R => nothing
        ?   | S! | -  => nothing
        ?   | S! | S  => nothing
        ",
    );
}

#[test]
fn every_case_of_a_pair_that_comes_back_inside() {
    check_both_ways(
        "
        S  | S! | S  => return
        FS | S! | S  => flags local +F (changed on remote), return
        -  | S! | -  => forget
        ",
    );
    // What is missing was deleted while nobody looked: it is copied again, and not deleted.
    check(
        "
        S  | S! | -    => copy local S (new on remote), forget
        FS | S! | -    => copy local FS (new on remote), forget
        -  | S! | S    => copy remote S (new on local), forget
        -  | S! | S@   => copy remote S (new on local), forget
        S  | S! | b:S@ => rekey b, return
        ",
    );
}

#[test]
fn a_pair_that_is_only_marked_as_deleted_is_left_alone_outside() {
    check_both_ways(
        "
        !T | S~L | -  => nothing
        !S | S~L | -  => nothing
        !  | S~L | -  => nothing
        !  | S~L | S  => nothing
        ",
    );
}

#[test]
fn a_file_outside_is_not_renamed_to_bear_its_hint() {
    let setting = Setting { hints: Hints::Kept, ..Setting::default() };
    check_in(
        &setting,
        "
        !S | S  | S => leave
        !S | S! | S => nothing
        S  | S! | S => rebind a, return
        ",
    );
}

#[test]
fn a_window_reaches_its_first_key_and_all_beyond() {
    let items = [2, 4, 6].map(|uid| Item::new(number(uid), flags("S")));
    let seen = Observation::complete(epochs().remote, items.into())
        .restricted(Reach::From(number(4)), [number(6)].into());
    let known: Vec<String> = (1..=7)
        .map(|uid| match seen.presence(&number(uid)) {
            Presence::Present(_) => "present".to_owned(),
            Presence::Absent => "absent".to_owned(),
            Presence::Outside => "outside".to_owned(),
            Presence::Unknown => "unknown".to_owned(),
        })
        .collect();
    assert_eq!(known, ["outside", "outside", "outside", "present", "absent", "outside", "absent"]);
    assert_eq!(seen.items().len(), 2);
}

#[test]
fn new_messages_that_are_too_large_are_left_out_of_the_plan() {
    let local = ["a", "b"].map(|key| Item::new(name(key), flags("S")));
    let seen = PerSide {
        remote: Observation::complete(epochs().remote, Vec::new()),
        local: Observation::complete(epochs().local, local.into()),
    };
    let base = offlineimap_core::Base::default();
    let mut plan = plan(seen.as_ref(), &base, Policy::default()).unwrap();
    plan.leave_out(Side::Local, &[name("b")].into());
    let lines: Vec<String> = lines(&plan).iter().map(Line::with_keys).collect();
    assert_eq!(lines, ["copy remote a S (new on local)", "outside local b"]);
    assert_eq!(plan.unpaired(Side::Local), [name("a"), name("b")]);
    assert_eq!(plan.operations(), 1);
}

#[test]
fn a_message_that_is_too_large_is_not_deleted_with_its_other_half() {
    let local = ["a", "b"].map(|key| Item::new(name(key), flags("S")));
    let seen = PerSide {
        remote: Observation::complete(epochs().remote, Vec::new())
            .restricted(Reach::All, BTreeSet::new()),
        local: Observation::complete(epochs().local, local.into()),
    };
    let pair = |uid, key| Pair::new(number(uid), name(key), flags("S"));
    let base = offlineimap_core::Base::new(epochs(), vec![pair(1, "a"), pair(2, "b")]);
    let mut plan = plan(seen.as_ref(), &base, Policy::default()).unwrap();
    plan.leave_out(Side::Local, &[name("b")].into());
    let lines: Vec<String> = lines(&plan).iter().map(Line::with_keys).collect();
    assert_eq!(lines, ["delete local a (deleted on remote)", "forget 2", "outside local b"]);
}

#[test]
fn a_side_is_unchanged_if_it_shows_just_what_the_base_knows() {
    let pair = |uid, key, letters| Pair::new(number(uid), name(key), flags(letters));
    let marked = Pair { deleted_on: Some(Side::Local), ..pair(2, "b", "S") };
    let outside = Pair { bounds: Bounds::Outside, ..pair(3, "c", "S") };
    let base = offlineimap_core::Base::new(epochs(), vec![pair(1, "a", "FS"), marked, outside]);
    let unchanged = |items: &[(&str, &str)]| {
        let items = items.iter().map(|(key, letters)| Item::new(name(key), flags(letters)));
        let seen = Observation::complete(epochs().local, items.collect());
        is_unchanged(Side::Local, &seen, &base)
    };
    assert!(unchanged(&[("a", "FS")]));
    assert!(unchanged(&[("a", "FS"), ("c", "S")]));
    assert!(unchanged(&[("a", "FS"), ("c", "")]), "nobody asks about flags outside");
    assert!(!unchanged(&[]), "deleted");
    assert!(!unchanged(&[("a", "S")]), "a flag removed");
    assert!(!unchanged(&[("a", "FRS")]), "a flag added");
    assert!(!unchanged(&[("a", "FS"), ("b", "S")]), "put back");
    assert!(!unchanged(&[("a", "FS"), ("d", "S")]), "new");
    let elsewhere = Observation::complete(epochs().remote, Vec::new());
    assert!(!is_unchanged(Side::Local, &elsewhere, &base), "another directory");
}

/// Something that happens to a mailbox under restrictions that come and go.
#[derive(Debug, Clone)]
enum Step {
    /// The messages from this UID on are inside, except those of these contents.
    Restrict {
        from: u32,
        large: BTreeSet<u32>,
    },
    /// Nothing is left out any more.
    Lift,
    Arrive(Side),
    /// A message is deleted, if it is outside: to make room, say.
    Prune(Side, usize),
    Flag(Side, usize),
    Sync,
}

fn any_step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Side::Remote), Just(Side::Local)];
    prop_oneof![
        2 => (1001..1010_u32, prop::collection::btree_set(0..12_u32, 0..4))
            .prop_map(|(from, large)| Step::Restrict { from, large }),
        1 => Just(Step::Lift),
        3 => side().prop_map(Step::Arrive),
        3 => (side(), 0..12_usize).prop_map(|(side, at)| Step::Prune(side, at)),
        2 => (side(), 0..12_usize).prop_map(|(side, at)| Step::Flag(side, at)),
        4 => Just(Step::Sync),
    ]
}

/// A mailbox with a window on its remote side.
struct Restricted {
    world: World,
    from: Option<u32>,
    large: BTreeSet<u32>,
    contents: u32,
}

impl Restricted {
    fn is_outside(&self, remote: &Key, content: u32) -> bool {
        self.from.is_some_and(|from| *remote < number(from)) || self.large.contains(&content)
    }

    /// The remote keys of the message of this content, or of the one that it once had.
    fn remote_keys(&self, content: u32) -> Vec<Key> {
        let mut remotes: Vec<Key> = self
            .world
            .sides
            .remote
            .iter()
            .filter(|(_, letter)| letter.content == content)
            .map(|(key, _)| key.clone())
            .collect();
        let locals = self.world.sides.local.iter().filter(|(_, it)| it.content == content);
        remotes.extend(locals.filter_map(|(_, letter)| letter.hint.clone()));
        remotes
    }

    /// Whether the message of this content is outside wherever it is.
    fn is_left_out(&self, content: u32) -> bool {
        let remotes = self.remote_keys(content);
        !remotes.is_empty() && remotes.iter().all(|key| self.is_outside(key, content))
    }

    /// Whether the last sync saw it outside. What it saw inside is a deletion once it comes back.
    fn is_asleep(&self, content: u32) -> bool {
        let pairs = self.remote_keys(content);
        let mut pairs = pairs.iter().filter_map(|key| self.world.base.get(key));
        pairs.all(|pair| pair.bounds == Bounds::Outside)
    }

    fn seen(&self) -> PerSide<Observation> {
        let mut seen = self.world.observe();
        if self.from.is_some() || !self.large.is_empty() {
            let letters = &self.world.sides.remote;
            let large = letters.iter().filter(|(_, it)| self.large.contains(&it.content));
            let outside = large.map(|(key, _)| key.clone()).collect();
            let reach = self.from.map_or(Reach::All, |from| Reach::From(number(from)));
            seen.remote = seen.remote.restricted(reach, outside);
            assert_ne!(*seen.remote.coverage(), Coverage::Complete);
        }
        seen
    }

    fn sync(&mut self) {
        for _ in 0..8 {
            let seen = self.seen();
            let mut plan = plan(seen.as_ref(), &self.world.base(), self.world.policy).unwrap();
            let large = self.world.sides.local.iter();
            let large = large.filter(|(_, it)| self.large.contains(&it.content));
            plan.leave_out(Side::Local, &large.map(|(key, _)| key.clone()).collect());
            for side in Side::BOTH {
                let touched = plan.deletes.get(side).iter().map(|op| &op.pair);
                for pair in touched.chain(plan.flags.get(side).iter().map(|op| &op.pair)) {
                    let letter = self.world.sides.remote.get(pair);
                    let outside = letter.is_some_and(|it| self.is_outside(pair, it.content));
                    assert!(!outside, "{pair} is outside: {:?}", lines(&plan));
                }
            }
            if plan.is_empty() {
                return;
            }
            for effect in crate::world::effects(&plan) {
                self.world.apply(&effect);
            }
        }
        panic!("never comes to rest");
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Restrict { from, large } => {
                self.from = Some(*from);
                self.large.clone_from(large);
            }
            Step::Lift => {
                self.from = None;
                self.large.clear();
            }
            Step::Arrive(side) => {
                let key = match side {
                    Side::Remote => self.world.next_number(),
                    Side::Local => name(&format!("user{}", self.contents)),
                };
                let letter = Letter { content: self.contents, flags: flags(""), hint: None };
                self.world.sides.get_mut(*side).insert(key, letter);
                self.contents += 1;
            }
            Step::Prune(side, at) => {
                let letters = self.world.sides.get(*side);
                let chosen = letters.iter().nth(*at).map(|(key, it)| (key.clone(), it.content));
                if let Some((key, content)) = chosen
                    && self.is_left_out(content)
                {
                    let was_asleep = self.is_asleep(content);
                    self.world.sides.get_mut(*side).remove(&key);
                    if !was_asleep {
                        let there = self.contents(side.other());
                        self.sync();
                        let kept = self.contents(side.other());
                        assert!(there.iter().all(|it| kept.contains(it)), "{there:?} {kept:?}");
                    }
                }
            }
            Step::Flag(side, at) => {
                if let Some(letter) = self.world.sides.get_mut(*side).values_mut().nth(*at) {
                    letter.flags = flags("F");
                }
            }
            Step::Sync => self.sync(),
        }
    }

    fn contents(&self, side: Side) -> Vec<u32> {
        let mut contents: Vec<u32> =
            self.world.sides.get(side).values().map(|letter| letter.content).collect();
        contents.sort_unstable();
        contents
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restrictions_that_come_and_go_lose_nothing_and_double_nothing(
        steps in prop::collection::vec(any_step(), 0..40),
    ) {
        let mut mailbox = Restricted {
            world: World::new(Policy::default()),
            from: None,
            large: BTreeSet::new(),
            contents: 0,
        };
        for step in &steps {
            let before = PerSide::from_fn(|side| mailbox.contents(side));
            mailbox.take(step);
            if matches!(step, Step::Sync) {
                for side in Side::BOTH {
                    let after: BTreeSet<u32> = mailbox.contents(side).into_iter().collect();
                    for content in before.get(side) {
                        prop_assert!(after.contains(content), "{content} deleted on the {side} side");
                    }
                }
            }
        }
        let all: BTreeSet<u32> =
            Side::BOTH.into_iter().flat_map(|side| mailbox.contents(side)).collect();
        mailbox.take(&Step::Lift);
        mailbox.sync();
        let all: Vec<u32> = all.into_iter().collect();
        prop_assert_eq!(mailbox.contents(Side::Remote), all.clone());
        prop_assert_eq!(mailbox.contents(Side::Local), all);
        prop_assert_eq!(mailbox.world.mail(Side::Remote), mailbox.world.mail(Side::Local));
    }
}
