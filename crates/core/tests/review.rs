//! The brake: which deletions are work, and which look like an accident.

use std::collections::BTreeSet;

use offlineimap_core::{
    Allowed, DeleteLimit, Deletions, Fingerprint, MailboxName, MailboxPlan, MailboxTally, PerSide,
    RefusalScope, Side, review, trips, unexplained,
};

fn folder(name: &str, messages: usize, deletes: PerSide<usize>) -> MailboxTally {
    MailboxTally {
        remote: MailboxName::new(name),
        local: MailboxName::new(name.to_lowercase()),
        messages,
        deletes,
        deletions: Deletions::Counted,
    }
}

fn remotely(deletes: usize) -> PerSide<usize> {
    PerSide { remote: deletes, local: 0 }
}

fn locally(deletes: usize) -> PerSide<usize> {
    PerSide { remote: 0, local: deletes }
}

/// The scopes in which each folder was refused, in order; `None` passed.
fn verdicts(
    folders: &[MailboxTally],
    limit: DeleteLimit,
    allowed: &Allowed,
) -> Vec<Option<RefusalScope>> {
    let plans = folders.iter().map(|tally| (tally.clone(), MailboxPlan::default())).collect();
    let verdicts: Vec<_> = review(plans, limit, allowed)
        .verdicts
        .into_iter()
        .map(|verdict| verdict.err().map(|refusal| refusal.scope))
        .collect();
    let refused = verdicts.iter().any(Option::is_some);
    assert_eq!(trips(folders, limit, allowed), refused, "both say the same");
    verdicts
}

fn verdict(tally: &MailboxTally, limit: DeleteLimit) -> Option<RefusalScope> {
    verdicts(std::slice::from_ref(tally), limit, &Allowed::Nowhere).pop().flatten()
}

const FOLDER: Option<RefusalScope> = Some(RefusalScope::Folder);
const ACCOUNT: Option<RefusalScope> = Some(RefusalScope::Account);

#[test]
fn by_default_half_of_a_large_folder_may_go() {
    for (messages, deletes, expected) in [
        (100, 100, None),
        (101, 50, None),
        (101, 51, FOLDER),
        (101, 101, FOLDER),
        (102, 51, None),
        (102, 52, FOLDER),
        (200, 100, None),
        (200, 101, FOLDER),
        (101, 0, None),
    ] {
        for deletes in [remotely(deletes), locally(deletes)] {
            let tally = folder("A", messages, deletes);
            assert_eq!(verdict(&tally, DeleteLimit::Default), expected, "{tally:?}");
        }
    }
}

#[test]
fn by_default_a_quarter_of_a_large_account_may_go() {
    // Neither folder is over its own limit, and a third one is at rest.
    for (rest, deletes, expected) in [
        (100, 150, None),
        (101, 100, None),
        (101, 101, ACCOUNT),
        (300, 150, None),
        (300, 151, ACCOUNT),
    ] {
        let account = [
            folder("A", 200, remotely(deletes - deletes / 2)),
            folder("B", 100, remotely(deletes / 2)),
            folder("Rest", rest, remotely(0)),
        ];
        let found = verdicts(&account, DeleteLimit::Default, &Allowed::Nowhere);
        assert_eq!(found, [expected, expected, None], "{deletes} of {}", 300 + rest);
    }
}

#[test]
fn the_account_is_counted_side_by_side() {
    let account = [
        folder("A", 200, remotely(60)),
        folder("B", 200, locally(60)),
        folder("C", 10, remotely(0)),
    ];
    let found = verdicts(&account, DeleteLimit::Default, &Allowed::Nowhere);
    assert_eq!(found, [None, None, None], "60 on each side are no 120 on one");
    let account = [
        folder("A", 200, remotely(60)),
        folder("B", 200, remotely(60)),
        folder("C", 10, locally(1)),
    ];
    let found = verdicts(&account, DeleteLimit::Default, &Allowed::Nowhere);
    assert_eq!(found, [ACCOUNT, ACCOUNT, None], "only the side that loses too much is braked");
}

#[test]
fn a_small_account_is_never_braked_as_a_whole() {
    let account = [folder("A", 100, remotely(100)), folder("B", 300, remotely(150))];
    assert_eq!(verdicts(&account, DeleteLimit::Default, &Allowed::Nowhere), [None, None]);
}

#[test]
fn a_count_is_a_count_however_small_the_folder() {
    for (deletes, expected) in [(0, None), (5, None), (6, FOLDER)] {
        assert_eq!(verdict(&folder("A", 6, locally(deletes)), DeleteLimit::Count(5)), expected);
    }
    assert_eq!(verdict(&folder("A", 6, locally(1)), DeleteLimit::Count(0)), FOLDER);
    let account = [folder("A", 6, locally(3)), folder("B", 6, locally(3))];
    let found = verdicts(&account, DeleteLimit::Count(5), &Allowed::Nowhere);
    assert_eq!(found, [ACCOUNT, ACCOUNT]);
}

#[test]
fn a_percentage_holds_for_folder_and_account() {
    for (messages, deletes, expected) in
        [(100, 100, None), (200, 20, None), (200, 21, FOLDER), (1000, 100, None)]
    {
        let tally = folder("A", messages, remotely(deletes));
        assert_eq!(verdict(&tally, DeleteLimit::Percent(10)), expected, "{tally:?}");
    }
    let account = [folder("A", 100, remotely(41)), folder("B", 301, remotely(0))];
    let found = verdicts(&account, DeleteLimit::Percent(10), &Allowed::Nowhere);
    assert_eq!(found, [ACCOUNT, None]);
    assert_eq!(verdict(&folder("A", 500, remotely(500)), DeleteLimit::Percent(100)), None);
}

#[test]
fn without_a_limit_everything_may_go() {
    assert_eq!(verdict(&folder("A", 100_000, remotely(100_000)), DeleteLimit::None), None);
}

#[test]
fn emptying_trash_does_not_count() {
    let trash =
        MailboxTally { deletions: Deletions::Exempt, ..folder("Trash", 1000, remotely(1000)) };
    let account = [trash, folder("A", 200, remotely(10))];
    assert_eq!(verdicts(&account, DeleteLimit::Default, &Allowed::Nowhere), [None, None]);
}

#[test]
fn what_the_user_allowed_passes_and_does_not_burden_the_rest() {
    let account = [folder("A", 500, remotely(500)), folder("B", 200, remotely(150))];
    let allowed = |names: &[&str]| {
        Allowed::In(names.iter().map(ToString::to_string).collect::<BTreeSet<_>>())
    };
    let verdicts = |allowed: &Allowed| verdicts(&account, DeleteLimit::Default, allowed);
    assert_eq!(verdicts(&Allowed::Nowhere), [FOLDER, FOLDER]);
    assert_eq!(verdicts(&allowed(&["A"])), [None, FOLDER], "by its remote name");
    assert_eq!(verdicts(&allowed(&["a"])), [None, FOLDER], "by its local name");
    assert_eq!(verdicts(&allowed(&["A", "b"])), [None, None]);
    assert_eq!(verdicts(&allowed(&["C"])), [FOLDER, FOLDER]);
    assert_eq!(verdicts(&Allowed::Everywhere), [None, None]);
}

#[test]
fn a_refusal_says_what_to_do() {
    let plans = vec![(folder("Lists", 300, locally(299)), MailboxPlan::default())];
    let mut review = review(plans, DeleteLimit::Default, &Allowed::Nowhere);
    let refusal = review.verdicts.pop().unwrap().unwrap_err();
    assert_eq!((refusal.side, refusal.deletes, refusal.messages), (Side::Local, 299, 300));
    assert_eq!(
        refusal.to_string(),
        "folder 'Lists' is left alone: this run would delete 299 of the 300 messages of the \
         folder on the local side, more than deletelimit (half of a folder, a quarter of an \
         account) allows; if that is intended, run once with --allow-deletes=Lists"
    );
}

#[test]
fn what_passes_is_the_plan_as_it_was() {
    let plan =
        MailboxPlan { forget: vec![offlineimap_core::Key::name(*b"x")], ..MailboxPlan::default() };
    let tally = folder("A", 5, remotely(0));
    let review = review(vec![(tally, plan.clone())], DeleteLimit::Default, &Allowed::Nowhere);
    let [Ok(reviewed)] = &review.verdicts[..] else { panic!("it passes") };
    assert_eq!(*reviewed.plan(), plan);
    assert_eq!(reviewed.clone().into_plan(), plan);
}

#[test]
fn messages_that_show_up_elsewhere_were_moved() {
    let message = |octets, id: &str| Fingerprint {
        wire_octets: octets,
        message_id: (!id.is_empty()).then(|| id.into()),
        digest: None,
    };
    let (a, b) = (message(10, "<a>"), message(10, "<b>"));
    let bare = |octets| message(octets, "");
    for (disappeared, appeared, expected) in [
        (vec![], vec![], 0),
        (vec![a.clone(), b.clone()], vec![], 2),
        (vec![a.clone(), b.clone()], vec![b.clone(), a.clone()], 0),
        (vec![a.clone(), b.clone()], vec![b.clone()], 1),
        // Each appearance excuses one deletion.
        (vec![a.clone(), a.clone()], vec![a.clone()], 1),
        (vec![a.clone()], vec![a.clone(), a.clone()], 0),
        // A server may count other octets than a file has.
        (vec![a.clone()], vec![message(11, "<a>")], 0),
        // Without a Message-ID the size has to do; with one it does not.
        (vec![bare(10)], vec![bare(10)], 0),
        (vec![bare(10)], vec![bare(11)], 1),
        (vec![a.clone()], vec![bare(10)], 1),
        (vec![bare(10)], vec![a.clone()], 1),
    ] {
        assert_eq!(unexplained(&disappeared, &appeared), expected, "{disappeared:?} {appeared:?}");
    }
}
