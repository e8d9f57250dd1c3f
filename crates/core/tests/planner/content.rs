//! Pairing by content, when the base was lost and files bear no hints.

use offlineimap_core::{
    Base, Direction, Fingerprint, FlagSupport, Hints, Item, Key, MailboxPlan, Observation, PerSide,
    Policy, Side, plan,
};

use crate::language::{Line, epochs, flags, lines, name, number};

#[test]
fn the_same_message_on_both_sides_is_adopted() {
    let (seen, mut plan) = planned(&[(1, "S"), (2, "F")], &[("a", "FS"), ("b", "S")]);
    let paired = plan.adopt_by_content(
        seen.as_ref(),
        Policy::default(),
        &[(number(1), content("x")), (number(2), content("y"))],
        &[(name("a"), content("x")), (name("b"), content("z"))],
    );
    assert_eq!(paired, 1);
    assert_eq!(
        words(&plan),
        [
            "adopt 1=a S",
            "copy local 2 F (new on remote)",
            "copy remote b S (new on local)",
            "flags remote 1 +F (local wins)",
            "rebind 1 a",
        ]
    );
}

#[test]
fn of_equal_messages_each_is_paired_once() {
    let (seen, mut plan) = planned(&[(1, ""), (2, "")], &[("a", ""), ("b", ""), ("c", "")]);
    let paired = plan.adopt_by_content(
        seen.as_ref(),
        Policy::default(),
        &[(number(1), content("x")), (number(2), content("x"))],
        &[(name("a"), content("x")), (name("b"), content("x")), (name("c"), content("x"))],
    );
    assert_eq!(paired, 2);
    assert_eq!(plan.copies.local, []);
    assert_eq!(plan.copies.remote.len(), 1, "the third is a message of its own");
}

#[test]
fn messages_without_message_id_are_not_guessed() {
    let bare = Fingerprint { message_id: None, ..content("x") };
    let (seen, mut plan) = planned(&[(1, "")], &[("a", "")]);
    let (remote, local) = ([(number(1), bare.clone())], [(name("a"), bare)]);
    assert_eq!(plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local), 0);
    assert_eq!((plan.copies.local.len(), plan.copies.remote.len()), (1, 1));
}

#[test]
fn a_copy_that_mbsync_has_marked_is_the_same_message() {
    let longer = |id: &str, octets: u64| {
        let plain = content(id);
        Fingerprint { wire_octets: plain.wire_octets + octets, ..plain }
    };
    for (there, here, paired) in [(0, 22, 1), (22, 0, 1), (0, 21, 0), (0, 44, 0), (23, 0, 0)] {
        let (seen, mut plan) = planned(&[(1, "S")], &[("a", "S")]);
        let remote = [(number(1), longer("x", there))];
        let local = [(name("a"), longer("x", here))];
        let found = plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local);
        assert_eq!(found, paired, "{there} {here}");
    }
    // An exact counterpart comes first, and another Message-ID is another message.
    let (seen, mut plan) = planned(&[(1, ""), (2, "")], &[("a", ""), ("b", ""), ("c", "")]);
    let remote = [(number(1), content("x")), (number(2), longer("x", 22))];
    let local =
        [(name("a"), longer("x", 22)), (name("b"), content("x")), (name("c"), content("y"))];
    plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local);
    let pairs: Vec<_> = plan.adopt.iter().map(|it| format!("{}={}", it.remote, it.local)).collect();
    assert_eq!(pairs, ["1=b", "2=a"]);
}

#[test]
fn a_message_that_is_not_to_be_copied_pairs_with_nobody() {
    let (seen, mut plan) = planned(&[], &[("a", "S")]);
    let fingerprint = content("x");
    let remote = [(number(9), fingerprint.clone())];
    let local = [(name("a"), fingerprint)];
    assert_eq!(plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local), 0);
    assert_eq!(words(&plan), ["copy remote a S (new on local)"]);
}

#[test]
fn messages_that_are_never_copied_are_withheld_and_recognised_all_the_same() {
    let (seen, mut plan) = planned(&[(1, "S"), (2, ""), (3, "")], &[("a", "S"), ("b", "")]);
    let (remote, local) = ([(number(1), content("x"))], [(name("a"), content("x"))]);
    plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local);
    plan.withhold_copies(Side::Local, &[1, 2, 9].map(number).into());
    plan.withhold_copies(Side::Remote, &[2].map(number).into());
    assert_eq!(
        words(&plan),
        [
            "adopt 1=a S",
            "copy local 3 . (new on remote)",
            "copy remote b . (new on local)",
            "rebind 1 a",
            "withheld copy local 2: NeverCopied",
        ]
    );
}

#[test]
fn keywords_that_the_files_cannot_store_stay_on_the_server() {
    let mut seen = seen(&[(1, "S{work}")], &[("a", "S")]);
    seen.remote.support = FlagSupport::any();
    let mut plan = plan(seen.as_ref(), &Base::default(), Policy::default()).unwrap();
    let fingerprint = content("x");
    let (remote, local) = ([(number(1), fingerprint.clone())], [(name("a"), fingerprint)]);
    plan.adopt_by_content(seen.as_ref(), Policy::default(), &remote, &local);
    assert_eq!(words(&plan), ["adopt 1=a S", "rebind 1 a"]);
}

#[test]
fn messages_are_paired_too_where_they_may_not_be_copied() {
    let closed = |side| {
        let mut policy = Policy::default();
        policy.sides.get_mut(side).changes = Direction::Closed;
        policy
    };
    for (side, expected) in [
        (
            Side::Remote,
            vec!["adopt 1=a S", "rebind 1 a", "withheld flags remote 1: RepositoryReadOnly"],
        ),
        (Side::Local, vec!["adopt 1=a S", "flags remote 1 +F (local wins)"]),
    ] {
        let policy = closed(side);
        let seen = seen(&[(1, "S")], &[("a", "FS")]);
        let mut plan = plan(seen.as_ref(), &Base::default(), policy).unwrap();
        let fingerprint = content("x");
        assert_eq!(plan.unpaired(Side::Remote), [number(1)]);
        assert_eq!(plan.unpaired(Side::Local), [name("a")]);
        let (remote, local) = ([(number(1), fingerprint.clone())], [(name("a"), fingerprint)]);
        assert_eq!(plan.adopt_by_content(seen.as_ref(), policy, &remote, &local), 1);
        assert_eq!(words(&plan), expected, "{side} may not be changed");
    }
}

fn content(id: &str) -> Fingerprint {
    Fingerprint { wire_octets: 100, message_id: Some(format!("<{id}@x>").into()), digest: None }
}

fn planned(remote: &[(u32, &str)], local: &[(&str, &str)]) -> (PerSide<Observation>, MailboxPlan) {
    let seen = seen(remote, local);
    let plan = plan(seen.as_ref(), &Base::default(), Policy::default()).unwrap();
    (seen, plan)
}

fn seen(remote: &[(u32, &str)], local: &[(&str, &str)]) -> PerSide<Observation> {
    let item = |key: Key, letters: &str| Item::new(key, flags(letters));
    let remote = remote.iter().map(|(key, letters)| item(number(*key), letters)).collect();
    let local = local.iter().map(|(key, letters)| item(name(key), letters)).collect();
    let mut local = Observation::complete(epochs().local, local);
    local.hints = Hints::Kept;
    PerSide { remote: Observation::complete(epochs().remote, remote), local }
}

fn words(plan: &MailboxPlan) -> Vec<String> {
    lines(plan).iter().map(Line::with_keys).collect()
}
