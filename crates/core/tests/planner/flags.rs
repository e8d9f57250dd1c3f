//! All cases of flags: who changed what, and who can store what.

use offlineimap_core::{FlagSupport, Flags, PerSide};

use crate::language::{Setting, check_both_ways, check_both_ways_in, flags};

#[test]
fn every_case_of_one_flag() {
    check_both_ways(
        "
        . | . | . => nothing
        F | . | . => flags local +F (changed on remote)
        F | . | F => agree +F
        F | F | F => nothing
        . | F | F => flags local -F (changed on remote)
        . | F | . => agree -F
        ",
    );
}

#[test]
fn changes_of_different_flags_are_all_made() {
    check_both_ways(
        "
        F   | .   | S  => flags local +F (changed on remote), flags remote +S (changed on local)
        S   | F   | .  => agree -F, flags local +S (changed on remote)
        F   | FS  | FRS => flags local -S (changed on remote), flags remote +R (changed on local)
        RS  | FS  | DFS => flags local +R-F (changed on remote), flags remote +D (changed on local)
        .   | FS  | S  => agree -F, flags local -S (changed on remote)
        DFR | ST  | FS => agree +F-T, flags local +DR-S (changed on remote)
        ",
    );
}

#[test]
fn keywords_are_synced_like_flags() {
    check_both_ways(
        "
        S{a}    | S    | S    => flags local +{a} (changed on remote)
        S       | S{a} | S{a} => flags local -{a} (changed on remote)
        {a}     | .    | {b}  => flags local +{a} (changed on remote), flags remote +{b} (changed on local)
        {A}     | {a}  | {a}  => nothing
        {a}{b}  | {a}  | {b}  => agree +{b}, flags remote -{a} (changed on local)
        {b}     | {a}  | {b}  => agree +{b}-{a}
        ",
    );
}

/// A setting in which one side cannot store everything.
fn remote_storing(letters: &str) -> Setting {
    let support = PerSide {
        remote: FlagSupport::listed(&Flags::from_letters(letters)),
        local: FlagSupport::any(),
    };
    Setting { support, ..Setting::default() }
}

#[test]
fn a_flag_that_one_side_cannot_store_is_nobodys_business() {
    check_both_ways_in(
        &remote_storing("RST"),
        "
        S  | S  | FS   => nothing
        S  | FS | FS   => nothing
        S  | FS | S    => nothing
        R  | .  | F    => flags local +R (changed on remote)
        .  | .  | FS   => flags remote +S (changed on local)
        S  | S  | S{a} => nothing
        S  | S{a} | S  => nothing
        ",
    );
}

#[test]
fn a_listed_keyword_is_synced_and_another_is_not() {
    let listed = flags("DFRST{work}");
    let support = PerSide { remote: FlagSupport::listed(&listed), local: FlagSupport::any() };
    let setting = Setting { support, ..Setting::default() };
    check_both_ways_in(
        &setting,
        "
        . | . | {work}{fun} => flags remote +{work} (changed on local)
        . | . | {WORK}      => flags remote +{work} (changed on local)
        . | {work}{fun} | . => agree -{work}
        ",
    );
}

#[test]
fn system_flags_may_be_limited_while_any_keyword_is_welcome() {
    let support = PerSide {
        remote: FlagSupport::listed_and_any_keyword(&flags("S")),
        local: FlagSupport::any(),
    };
    let setting = Setting { support, ..Setting::default() };
    check_both_ways_in(&setting, ". | . | FS{a} => flags remote +S{a} (changed on local)");
}

#[test]
fn a_copy_carries_all_flags_and_teaches_the_base_only_shared_ones() {
    use offlineimap_core::{Base, Item, Observation, Policy, plan};

    use crate::language::{epochs, number};

    let mut remote =
        Observation::complete(epochs().remote, vec![Item::new(number(1), flags("FS{work}"))]);
    remote.support = FlagSupport::any();
    let local = Observation::complete(epochs().local, Vec::new());
    let seen = PerSide { remote: &remote, local: &local };
    let plan = plan(seen, &Base::default(), Policy::default()).unwrap();
    let [copy] = &plan.copies.local[..] else { panic!("one copy") };
    assert_eq!(copy.flags, flags("FS{work}"));
    assert_eq!(copy.settles, flags("FS"), "what was never stored there must not be missed there");
}

#[test]
fn an_adoption_teaches_the_base_only_shared_flags() {
    let support = PerSide { remote: FlagSupport::any(), local: FlagSupport::system_flags() };
    let setting = Setting { support, ..Setting::default() };
    crate::language::check_in(
        &setting,
        "
        S{work} | - | S@  => adopt S
        S{work} | - | FS@ => adopt S, flags remote +F (local wins)
        ",
    );
}
