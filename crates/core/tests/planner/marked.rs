//! Messages deleted on one side and only marked on the other (`expunge = no`): the base remembers
//! them, and they do not come back (`spec/quirks.md` B8).

use offlineimap_core::{Direction, Removal, Side};

use crate::language::{Setting, check, check_both_ways, check_in};

#[test]
fn a_marked_message_is_not_copied_again() {
    check_both_ways(
        "
        ST | S~L | - => nothing
        T  | .~L | - => nothing
        FT | S~L | - => nothing
        ",
    );
}

#[test]
fn a_marked_message_that_is_expunged_at_last_is_forgotten() {
    check_both_ways("- | S~L | - => forget");
}

#[test]
fn a_message_that_is_unmarked_is_copied_again() {
    check_both_ways("S | S~L | - => copy local S (undeleted on remote), forget");
}

#[test]
fn what_is_not_listed_proves_nothing_about_marked_messages() {
    check_both_ways(
        "
        ST | S~L | ? => nothing
        ?  | S~L | - => nothing
        ?  | S~L | S => nothing
        S  | S~L | ? => nothing
        ",
    );
}

#[test]
fn a_deleted_file_that_is_put_back_is_paired_again_and_unmarked() {
    check(
        "
        ST | S~L | S    => adopt ST, flags remote -T (local wins)
        ST | S~L | b:S@ => adopt ST, flags remote -T (local wins)
        S  | S~L | S    => adopt S
        ",
    );
}

#[test]
fn a_deleted_file_put_back_after_the_marked_message_was_expunged_is_new() {
    check("- | S~L | S => copy remote S (new on local), forget");
}

#[test]
fn an_unmarked_message_is_not_copied_into_a_read_only_repository() {
    let setting = Setting::default().with(Side::Local, |side| side.changes = Direction::Closed);
    check_in(&setting, "S | S~L | - => forget, withheld copy local: RepositoryReadOnly");
}

#[test]
fn marking_again_after_a_crash_is_planned_again() {
    // The mark was made and the base does not know: making it again changes nothing there.
    let setting = Setting::default().with(Side::Remote, |side| side.removal = Removal::MarkDeleted);
    check_in(&setting, "ST | S | - => mark remote (deleted on local)");
}
