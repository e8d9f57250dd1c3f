//! Hints in local messages: adoption, renamed files, two files of one message, rebinding.

use offlineimap_core::{Base, Hints, Item, MailboxPlan, Observation, Pair, PerSide, Policy, plan};

use crate::language::{Line, Setting, check, check_in, epochs, flags, lines, name, number};

#[test]
fn a_renamed_file_is_recognised_by_its_hint() {
    check(
        "
        S | S | b:S@  => rekey b
        S | S | b:FS@ => flags remote +F (changed on local), rekey b
        F | S | b:S@  => flags local +F-S (changed on remote), rekey b
        - | S | b:S@  => delete local (deleted on remote), rekey b
        S | S | b:S   => copy remote S (new on local), delete remote (deleted on local)
        ",
    );
}

#[test]
fn a_renamed_file_is_changed_under_its_new_name() {
    let plan = planned(&[(1, "F")], &[(1, "a", "S")], &[("b", "S", Some(1))]);
    assert_eq!(plan.flags.local[0].target, name("b"));
    let plan = planned(&[], &[(1, "a", "S")], &[("b", "S", Some(1))]);
    let delete = &plan.deletes.local[0];
    assert_eq!((&delete.target, &delete.gone, &delete.pair), (&name("b"), &number(1), &number(1)));
}

#[test]
fn files_without_their_hint_get_it_where_hints_are_kept() {
    let setting = Setting { hints: Hints::Kept, ..Setting::default() };
    check_in(
        &setting,
        "
        S | S | S    => rebind a
        S | S | S@   => nothing
        S | S | b:S@ => rekey b
        S | - | S@   => adopt S
        S | - | -    => copy local S (new on remote)
        - | S | S    => delete local (deleted on remote), rebind a
        ",
    );
}

#[test]
fn a_file_that_hints_at_another_message_is_bound_to_its_own() {
    let mut seen = seen(&[(1, "S"), (2, "S")], &[("a", "S", Some(2)), ("b", "S", Some(2))]);
    seen.local.hints = Hints::Kept;
    let base = base(&[(1, "a", "S"), (2, "b", "S")]);
    let plan = plan(seen.as_ref(), &base, Policy::default()).unwrap();
    assert_eq!(words(&plan), ["rebind 1 a"], "the base is the authority");
}

#[test]
fn of_two_files_with_one_hint_the_second_is_a_new_message() {
    // B17. While the base is lost ..
    let plan = planned(&[(1, "S")], &[], &[("a", "S", Some(1)), ("b", "F", Some(1))]);
    assert_eq!(words(&plan), ["adopt 1=a S", "copy remote b F (new on local)"]);
    // .. while it is there ..
    let plan = planned(&[(1, "S")], &[(1, "a", "S")], &[("a", "S", Some(1)), ("b", "F", Some(1))]);
    assert_eq!(words(&plan), ["copy remote b F (new on local)"]);
    // .. and after the first was renamed.
    let plan = planned(&[(1, "S")], &[(1, "a", "S")], &[("b", "S", Some(1)), ("c", "S", Some(1))]);
    assert_eq!(words(&plan), ["copy remote c S (new on local)", "rekey 1 b"]);
}

#[test]
fn a_second_file_does_not_keep_a_message_that_was_deleted_remotely() {
    let plan = planned(&[], &[(1, "a", "S")], &[("a", "S", Some(1)), ("b", "S", Some(1))]);
    assert_eq!(
        words(&plan),
        ["copy remote b S (new on local)", "delete local a (deleted on remote)"]
    );
}

#[test]
fn a_hint_never_outweighs_the_base() {
    // The file of message 1 claims to be message 2, whose own file is gone.
    let plan =
        planned(&[(1, "S"), (2, "S")], &[(1, "a", "S"), (2, "b", "S")], &[("a", "S", Some(2))]);
    assert_eq!(words(&plan), ["delete remote 2 (deleted on local)"]);
}

#[test]
fn a_lost_base_is_rebuilt_without_a_transfer() {
    let plan = planned(
        &[(1, "S"), (2, "."), (3, "F"), (4, "S")],
        &[],
        &[("a", "S", Some(1)), ("b", ".", Some(2)), ("c", "FS", Some(3)), ("d", ".", Some(9))],
    );
    assert_eq!(
        words(&plan),
        [
            "adopt 1=a S",
            "adopt 2=b .",
            "adopt 3=c F",
            "copy local 4 S (new on remote)",
            "copy remote d . (new on local)",
            "flags remote 3 +S (local wins)",
        ]
    );
}

/// Messages as `(remote number, flags)`.
type Remote<'a> = &'a [(u32, &'a str)];
/// Pairs as `(remote number, local name, flags)`.
type Pairs<'a> = &'a [(u32, &'a str, &'a str)];
/// Messages as `(local name, flags, remote number hinted at)`.
type Local<'a> = &'a [(&'a str, &'a str, Option<u32>)];

fn planned(remote: Remote<'_>, pairs: Pairs<'_>, local: Local<'_>) -> MailboxPlan {
    plan(seen(remote, local).as_ref(), &base(pairs), Policy::default()).unwrap()
}

fn seen(remote: Remote<'_>, local: Local<'_>) -> PerSide<Observation> {
    let remote = remote.iter().map(|(key, letters)| Item::new(number(*key), flags(letters)));
    let local = local.iter().map(|(key, letters, hint)| Item {
        hint: hint.map(number),
        ..Item::new(name(key), flags(letters))
    });
    PerSide {
        remote: Observation::complete(epochs().remote, remote.collect()),
        local: Observation::complete(epochs().local, local.collect()),
    }
}

fn base(pairs: Pairs<'_>) -> Base {
    let pairs = pairs
        .iter()
        .map(|(remote, local, letters)| Pair::new(number(*remote), name(local), flags(letters)));
    Base::new(epochs(), pairs.collect())
}

fn words(plan: &MailboxPlan) -> Vec<String> {
    lines(plan).iter().map(Line::with_keys).collect()
}
