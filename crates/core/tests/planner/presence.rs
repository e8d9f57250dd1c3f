//! All cases of presence, partial listings and epochs.

use offlineimap_core::{
    Base, Coverage, Epoch, Item, Observation, Pair, PerSide, Policy, Side, plan,
};

use crate::language::{Line, check, check_both_ways, epochs, flags, lines, name, number};

#[test]
fn every_case_of_a_message_that_the_base_does_not_know() {
    check_both_ways(
        "
        - | - | - => nothing
        ? | - | - => nothing
        ? | - | ? => nothing
        S | - | - => copy local S (new on remote)
        S | - | ? => copy local S (new on remote)
        ",
    );
    // A local message may hint at its counterpart.
    check(
        "
        S | - | S@ => adopt S
        - | - | S@ => copy remote S (new on local)
        ? | - | S@ => nothing
        ? | - | S  => copy remote S (new on local)
        ",
    );
}

#[test]
fn every_case_of_a_message_that_the_base_knows() {
    check_both_ways(
        "
        - | S | - => forget
        ? | S | - => nothing
        ? | S | ? => nothing
        S | S | - => delete remote (deleted on local)
        S | S | ? => nothing
        F | S | ? => nothing
        F | S | F => agree +F-S
        ",
    );
}

#[test]
fn what_a_partial_listing_reports_as_gone_is_deleted_and_nothing_else() {
    let local: Vec<Item> = ["a", "b", "c"].map(|key| Item::new(name(key), flags("S"))).into();
    let pairs = (1..)
        .zip(&local)
        .map(|(remote, local)| Pair::new(number(remote), local.key.clone(), flags("S")));
    let base = Base::new(epochs(), pairs.collect());
    let seen = PerSide {
        remote: Observation::complete(epochs().remote, vec![Item::new(number(3), flags("FS"))])
            .covering(Coverage::Listed { gone: [number(2)].into() }),
        local: Observation::complete(epochs().local, local),
    };
    let plan = plan(seen.as_ref(), &base, Policy::default()).unwrap();
    let lines: Vec<String> = lines(&plan).iter().map(Line::with_keys).collect();
    assert_eq!(
        lines,
        ["delete local b (deleted on remote)", "flags local c +F (changed on remote)"]
    );
}

#[test]
fn a_renamed_file_whose_old_name_is_unknown_is_not_new() {
    let base = Base::new(epochs(), vec![Pair::new(number(1), name("a"), flags("S"))]);
    let seen = PerSide {
        remote: Observation::complete(epochs().remote, vec![Item::new(number(1), flags("S"))]),
        local: Observation::complete(
            epochs().local,
            vec![Item::new(name("b"), flags("S")).hinting(number(1))],
        )
        .covering(Coverage::Listed { gone: [].into() }),
    };
    let plan = plan(seen.as_ref(), &base, Policy::default()).unwrap();
    assert!(plan.is_empty(), "{:?}", lines(&plan));
}

#[test]
fn nothing_is_planned_across_a_change_of_epoch() {
    let pair = Pair::new(number(1), name("a"), flags("S"));
    let base = Base::new(epochs(), vec![pair]);
    for side in Side::BOTH {
        let mut current = epochs();
        *current.get_mut(side) = Epoch::new("another");
        let seen = current.clone().map(|epoch| Observation::complete(epoch, Vec::new()));
        let changed = plan(seen.as_ref(), &base, Policy::default()).unwrap_err();
        assert_eq!(changed.side, side);
        assert_eq!(changed.saved, *epochs().get(side));
        assert_eq!(changed.current, *current.get(side));
    }
}

#[test]
fn a_changed_epoch_is_told_with_both_values() {
    let base = Base::new(epochs(), Vec::new());
    let seen = PerSide {
        remote: Observation::complete(Epoch::new("78"), Vec::new()),
        local: Observation::complete(epochs().local, Vec::new()),
    };
    let changed = plan(seen.as_ref(), &base, Policy::default()).unwrap_err();
    assert_eq!(changed.to_string(), "the remote mailbox was replaced (saved 77, got 78)");
}

#[test]
fn the_first_sync_takes_any_epoch() {
    let seen = PerSide {
        remote: Observation::complete(Epoch::new("5"), vec![Item::new(number(9), flags("F"))]),
        local: Observation::complete(Epoch::new("6"), Vec::new()),
    };
    let plan = plan(seen.as_ref(), &Base::default(), Policy::default()).unwrap();
    assert_eq!(plan.copies.local.len(), 1);
    assert!(plan.changes_a_side());
}
