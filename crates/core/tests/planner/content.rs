//! Pairing by content, when the base was lost and files bear no hints.

use offlineimap_core::{
    Base, Fingerprint, FlagSupport, Item, Key, MailboxPlan, Observation, PerSide, Policy, plan,
};

use crate::language::{Line, epochs, flags, lines, name, number};

#[test]
fn the_same_message_on_both_sides_is_adopted() {
    let mut plan = planned(&[(1, "S"), (2, "F")], &[("a", "FS"), ("b", "S")]);
    let paired = plan.adopt_by_content(
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
    let mut plan = planned(&[(1, ""), (2, "")], &[("a", ""), ("b", ""), ("c", "")]);
    let paired = plan.adopt_by_content(
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
    let mut plan = planned(&[(1, "")], &[("a", "")]);
    assert_eq!(plan.adopt_by_content(&[(number(1), bare.clone())], &[(name("a"), bare)]), 0);
    assert_eq!((plan.copies.local.len(), plan.copies.remote.len()), (1, 1));
}

#[test]
fn a_message_that_is_not_to_be_copied_pairs_with_nobody() {
    let mut plan = planned(&[], &[("a", "S")]);
    let fingerprint = content("x");
    let remote = [(number(9), fingerprint.clone())];
    assert_eq!(plan.adopt_by_content(&remote, &[(name("a"), fingerprint)]), 0);
    assert_eq!(words(&plan), ["copy remote a S (new on local)"]);
}

#[test]
fn keywords_that_the_files_cannot_store_stay_on_the_server() {
    let mut seen = seen(&[(1, "S{work}")], &[("a", "S")]);
    seen.remote.support = FlagSupport::any();
    let mut plan = plan(seen.as_ref(), &Base::default(), Policy::default()).unwrap();
    let fingerprint = content("x");
    plan.adopt_by_content(&[(number(1), fingerprint.clone())], &[(name("a"), fingerprint)]);
    assert_eq!(words(&plan), ["adopt 1=a S", "rebind 1 a"]);
}

fn content(id: &str) -> Fingerprint {
    Fingerprint { wire_octets: 100, message_id: Some(format!("<{id}@x>").into()), digest: None }
}

fn planned(remote: &[(u32, &str)], local: &[(&str, &str)]) -> MailboxPlan {
    plan(seen(remote, local).as_ref(), &Base::default(), Policy::default()).unwrap()
}

fn seen(remote: &[(u32, &str)], local: &[(&str, &str)]) -> PerSide<Observation> {
    let item = |key: Key, letters: &str| Item::new(key, flags(letters));
    let remote = remote.iter().map(|(key, letters)| item(number(*key), letters)).collect();
    let local = local.iter().map(|(key, letters)| item(name(key), letters)).collect();
    PerSide {
        remote: Observation::complete(epochs().remote, remote),
        local: Observation::complete(epochs().local, local),
    }
}

fn words(plan: &MailboxPlan) -> Vec<String> {
    lines(plan).iter().map(Line::with_keys).collect()
}
