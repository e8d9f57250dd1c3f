//! What mbsync has synced is not transferred again, and what was pending is carried over.

use std::fs;

use crate::peer::{Adoptee, Channel, FOLDERS, USUAL, subject};
use crate::rig::Moved;

#[test]
fn what_was_pending_on_both_sides_is_carried_over_and_nothing_else() {
    let account = Adoptee::new(USUAL);
    account.change_both_sides();
    let ended = account.import_well(&[]);
    assert!(ended.output.contains("6 messages, 2 of them deleted on one side"), "{}", ended.output);
    account.only_the_changes_happen();
}

#[test]
fn an_account_without_changes_is_only_renamed() {
    let account = Adoptee::new(USUAL);
    account.import_well(&[]);
    account.sync_moves_nothing("after the import");
}

#[test]
fn states_in_the_usual_directory_are_found() {
    let account = Adoptee::new(Channel { sync_state: "", ..USUAL });
    account.change_both_sides();
    account.import_well(&[]);
    account.only_the_changes_happen();
}

#[test]
fn states_behind_a_prefix_are_found_where_the_option_says() {
    let account = Adoptee::new(Channel { sync_state: "~/states/home-", ..USUAL });
    assert_eq!(account.import(&[]).status, Some(1), "nobody said where they are");
    account.change_both_sides();
    let prefix = account.rig.home().join("states/home-");
    account.import_well(&["--mbsync-state", prefix.to_str().unwrap()]);
    account.only_the_changes_happen();
}

#[test]
fn the_maildir_may_be_the_far_end() {
    let channel = Channel { sync_state: "~/states/", maildir_end: "Far", ..USUAL };
    let account = Adoptee::new(channel);
    account.change_both_sides();
    let directory = account.rig.home().join("states");
    let place = ["--mbsync-state", directory.to_str().unwrap()];
    let ended = account.import(&place);
    assert_eq!(ended.status, Some(1), "the ends are not the usual ones: {}", ended.output);
    let ended = account.import_well(&[&place[..], &["--mbsync-maildir", "far"]].concat());
    assert!(ended.output.contains("6 messages, 2 of them deleted"), "{}", ended.output);
    account.only_the_changes_happen();
}

#[test]
fn flattened_folders_are_ours_with_the_default_separator() {
    let account = Adoptee::new(Channel { maildir: "Flatten .", separator: '.', ..USUAL });
    account.change_both_sides();
    account.import_well(&[]);
    account.only_the_changes_happen();
}

#[test]
fn a_dry_run_says_what_it_would_import_and_writes_nothing() {
    let account = Adoptee::new(USUAL);
    let before = account.files();
    let ended = account.import(&["--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Would import folder 'INBOX': 6 messages"), "{}", ended.output);
    assert_eq!(account.rig.moved(), Moved::default());
    assert_eq!(before, account.files());
    assert!(!account.rig.metadata().exists());
    let marker = account.maildir().folder("INBOX").join(".offlineimap-id");
    assert!(!marker.exists());
}

#[test]
fn an_import_is_not_repeated() {
    let account = Adoptee::new(USUAL);
    account.import_well(&[]);
    account.change_both_sides();
    account.rig.sync();
    // What mbsync knew is old by now: it says that messages exist that were deleted since.
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let known = ended.output.matches("is known already").count();
    assert_eq!(known, FOLDERS.len(), "{}", ended.output);
    account.rig.does_nothing("after the second import");
}

#[test]
fn a_deletion_that_mbsync_only_marked_stays_as_it_is() {
    let account = Adoptee::new(Channel { lines: "Expunge None", ..USUAL });
    let (deleted_here, deleted_there) = (subject("INBOX", 0), subject("INBOX", 1));
    account.maildir().remove("INBOX", &deleted_here);
    let uid = account.imap().uid("INBOX", &deleted_there);
    account.imap().remove("INBOX", &uid.to_string());
    account.mbsync();
    let (there, here) = (account.mails_there(), account.mails_here());
    assert!(there.get("INBOX").unwrap().contains(&format!("{deleted_here} [T]")), "{there:?}");
    assert!(here.get("INBOX").unwrap().contains(&format!("{deleted_there} [ST]")), "{here:?}");
    account.import_well(&[]);
    drop(account.rig.overheard());
    let ended = account.rig.sync();
    assert_eq!(account.rig.moved(), Moved::default(), "{}", ended.output);
    assert_eq!((there, here), (account.mails_there(), account.mails_here()));
    account.rig.does_nothing("after the import");
    // Whoever takes the mark back wants the message.
    let uid = account.imap().uid("INBOX", &deleted_here);
    account.imap().set_flags("INBOX", uid, "S");
    account.rig.sync();
    let here = account.mails_here();
    assert!(here.get("INBOX").unwrap().contains(&format!("{deleted_here} [S]")), "{here:?}");
}

#[test]
fn what_mbsync_expired_is_downloaded_and_not_deleted() {
    let account = Adoptee::before_mbsync(USUAL);
    account.mbsync_with("MaxMessages 4\nExpireUnread yes\nExpunge Both");
    account.mbsync_with("MaxMessages 2\nExpireUnread yes\nExpunge Both");
    let there = account.mails_there();
    assert!(account.mails_here().get("INBOX").unwrap().len() < 6);
    account.import_well(&[]);
    account.rig.sync();
    assert_eq!(account.mails_there(), there);
    assert_eq!(account.mails_here(), there);
}

#[test]
fn what_mbsync_expired_and_only_marked_is_neither_marked_on_the_server_nor_lost() {
    let account = Adoptee::before_mbsync(USUAL);
    account.mbsync_with("MaxMessages 4\nExpireUnread yes\nExpunge None");
    account.mbsync_with("MaxMessages 2\nExpireUnread yes\nExpunge None");
    let state = fs::read_to_string(account.state_of("INBOX")).unwrap();
    let marked = account.mails_here().get("INBOX").unwrap().iter().any(|it| it.contains("T]"));
    assert!(state.contains('~') && marked, "{state}");
    // One of those that are marked here is deleted there.
    let deleted = state.lines().find(|line| line.contains('~')).unwrap();
    let uid = deleted.split(' ').next().unwrap();
    account.imap().remove("INBOX", uid);
    let there = account.mails_there();
    account.import_well(&[]);
    account.rig.sync();
    assert_eq!(account.mails_there(), there, "{state}");
    assert_eq!(account.mails_here(), there, "{state}");
    account.rig.does_nothing("after the import");
}
