//! What the user forbids: `readonly`, `sync_deletes`, `expunge`, and folders that the server opens
//! read-only.

use offlineimap_core::{Access, Direction, Hints, PerSide, Removal, Side};

use crate::language::{Setting, check_both_ways_in, check_in};

#[test]
fn a_read_only_repository_is_never_changed() {
    let setting = Setting::default().with(Side::Remote, |side| side.changes = Direction::Closed);
    check_both_ways_in(
        &setting,
        "
        - | - | S => withheld copy remote: RepositoryReadOnly
        S | - | - => copy local S (new on remote)
        S | S | - => withheld delete remote: RepositoryReadOnly
        - | S | S => delete local (deleted on remote)
        - | S | - => forget
        S | S | F => withheld flags remote: RepositoryReadOnly
        F | S | S => flags local +F-S (changed on remote)
        F | . | S => flags local +F (changed on remote), withheld flags remote: RepositoryReadOnly
        F | S | F => agree +F-S
        ",
    );
}

#[test]
fn a_mailbox_opened_read_only_is_not_changed() {
    let access = PerSide { remote: Access::ReadOnly, local: Access::ReadWrite };
    let setting = Setting { access, ..Setting::default() };
    check_both_ways_in(
        &setting,
        "
        - | - | S => withheld copy remote: MailboxReadOnly
        S | - | - => copy local S (new on remote)
        S | S | - => withheld delete remote: MailboxReadOnly
        - | S | S => delete local (deleted on remote)
        S | S | F => withheld flags remote: MailboxReadOnly
        S | F | S => agree +S-F
        ",
    );
}

#[test]
fn adopting_changes_nothing_that_is_read_only() {
    let setting = Setting { hints: Hints::Kept, ..Setting::default() };
    let remote = setting.clone().with(Side::Remote, |side| side.changes = Direction::Closed);
    check_in(
        &remote,
        "
        F | - | S@ => adopt F, withheld flags remote: RepositoryReadOnly
        S | S | S  => rebind a
        ",
    );
    let local = setting.with(Side::Local, |side| side.changes = Direction::Closed);
    check_in(
        &local,
        "
        F | - | S@ => adopt F, flags remote +S-F (local wins)
        S | S | S  => nothing
        S | S | b:S@ => rekey b
        ",
    );
}

#[test]
fn deletions_made_where_sync_deletes_is_no_stay_there() {
    let setting = Setting::default().with(Side::Local, |side| side.deletions = Direction::Closed);
    check_both_ways_in(
        &setting,
        "
        S | S | - => withheld delete remote: DeletionsKept
        F | S | - => withheld delete remote: DeletionsKept
        - | S | S => delete local (deleted on remote)
        - | S | - => forget
        S | - | - => copy local S (new on remote)
        ",
    );
}

#[test]
fn where_expunge_is_no_a_message_is_only_marked() {
    let setting = Setting::default().with(Side::Remote, |side| side.removal = Removal::MarkDeleted);
    check_both_ways_in(
        &setting,
        "
        S  | S | - => mark remote (deleted on local)
        ST | S | - => mark remote (deleted on local)
        -  | S | S => delete local (deleted on remote)
        ",
    );
}

#[test]
fn what_is_withheld_is_no_change() {
    use offlineimap_core::{Base, Item, Observation, plan};

    use crate::language::{epochs, flags, name};

    let seen = PerSide {
        remote: Observation::complete(epochs().remote, Vec::new()),
        local: Observation::complete(epochs().local, vec![Item::new(name("a"), flags("S"))]),
    };
    let setting = Setting::default().with(Side::Remote, |side| side.changes = Direction::Closed);
    let plan = plan(seen.as_ref(), &Base::default(), setting.policy).unwrap();
    assert!(plan.is_empty() && !plan.changes_a_side());
    assert_eq!(plan.withheld.len(), 1);
}
