//! The core table that mail synchronisers share, with the results of OfflineIMAP, and its
//! conflict rules (`spec/sync.md` §6.7).

use crate::language::{check, check_both_ways};

#[test]
fn row_a_new_on_the_remote_side_is_copied() {
    check("F | - | - => copy local F (new on remote)");
}

#[test]
fn row_b_new_on_the_local_side_is_copied() {
    check("- | - | F => copy remote F (new on local)");
}

#[test]
fn row_c_flags_are_merged_flag_by_flag() {
    check(
        "
        FS | .  | F  => agree +F, flags local +S (changed on remote)
        FS | F  | F  => flags local +S (changed on remote)
        FS | S  | S  => flags local +F (changed on remote)
        ",
    );
}

#[test]
fn row_d_equal_on_both_sides_is_left_alone() {
    check(
        "
        .   | .   | .   => nothing
        FS  | FS  | FS  => nothing
        ",
    );
}

#[test]
fn rows_e_and_h_deleted_set_remotely_is_a_flag_like_any_other() {
    check(
        "
        T  | . | . => flags local +T (changed on remote)
        FT | . | . => flags local +FT (changed on remote)
        ",
    );
}

#[test]
fn row_f_deleted_set_locally_is_a_flag_like_any_other() {
    check(". | . | T => flags remote +T (changed on local)");
}

#[test]
fn row_o_deleted_set_on_both_sides_removes_nothing() {
    check("T | T | T => nothing");
}

#[test]
fn row_g_gone_locally_is_deleted_remotely_even_if_flags_changed_there() {
    check(
        "
        F  | . | - => delete remote (deleted on local)
        FT | . | - => delete remote (deleted on local)
        ",
    );
}

#[test]
fn rows_i_and_q_gone_remotely_is_deleted_locally() {
    check(
        "
        - | . | . => delete local (deleted on remote)
        - | T | T => delete local (deleted on remote)
        ",
    );
}

#[test]
fn row_p_gone_on_both_sides_is_forgotten() {
    check("- | . | - => forget");
}

#[test]
fn rows_j_k_and_l_new_messages_keep_their_flags() {
    check(
        "
        T          | - | - => copy local T (new on remote)
        {$Forwarded} | - | - => copy local {$Forwarded} (new on remote)
        -          | - | T => copy remote T (new on local)
        ",
    );
}

#[test]
fn row_m_a_plain_new_message_is_copied() {
    check_both_ways(". | - | - => copy local . (new on remote)");
}

#[test]
fn rows_r_and_s_there_is_no_high_water_mark() {
    // However low its number, what the base does not know is new: a failed copy is tried again.
    check_both_ways("S | - | - => copy local S (new on remote)");
}

#[test]
fn a_deletion_wins_over_changed_flags() {
    check_both_ways(
        "
        -  | .  | F   => delete local (deleted on remote)
        -  | FS | S   => delete local (deleted on remote)
        -  | S  | DFT => delete local (deleted on remote)
        ",
    );
}

#[test]
fn a_file_made_again_after_its_message_was_deleted_is_new() {
    check("- | - | S => copy remote S (new on local)");
}

#[test]
fn without_a_base_local_flags_win() {
    check(
        "
        FS | - | FS@ => adopt FS
        F  | - | S@  => adopt F, flags remote +S-F (local wins)
        FS | - | .@  => adopt FS, flags remote -FS (local wins)
        .  | - | FS@ => adopt ., flags remote +FS (local wins)
        ",
    );
}

#[test]
fn without_a_base_and_without_a_hint_two_messages_are_two_messages() {
    check("S | - | S => copy local S (new on remote), copy remote S (new on local)");
}
