//! Where the old files cannot be believed, nothing is deleted because of them.

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;

use crate::elder::{FOLDERS, Inheritance, ORDINARY, message, subject, sync_by_elder};
use crate::rig::{LocalMail, Moved, Rig};

/// The number of messages in INBOX, which must be the same on both sides.
fn messages_in_inbox(account: &Inheritance, when: &str) -> usize {
    account.same_mail(when).get("INBOX").unwrap().len()
}

#[test]
fn a_damaged_status_is_reported_and_costs_no_transfer() {
    let account = Inheritance::new(ORDINARY);
    let file = account.status().join("INBOX");
    fs::write(&file, "no database at all, however long it may be".repeat(500)).unwrap();
    let before = account.message_files();
    drop(account.rig.overheard());
    let ended = account.rig.sync();
    assert!(ended.output.contains("INBOX' is damaged"), "{}", ended.output);
    assert_eq!(account.rig.moved(), Moved::default(), "{}", ended.output);
    assert_eq!(before, account.message_files());
    account.rig.does_nothing("after the takeover");
}

#[test]
fn a_deletion_that_only_a_damaged_status_knows_of_is_undone() {
    let account = Inheritance::new(ORDINARY);
    let file = account.status().join("INBOX");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    account.maildir().remove("INBOX", &subject("INBOX", 3));
    account.rig.sync();
    assert_eq!(messages_in_inbox(&account, "after the takeover"), 6);
}

#[test]
fn a_folder_that_the_server_numbers_anew_is_left_alone() {
    let account = Inheritance::new(ORDINARY);
    fs::write(account.validity().join("INBOX"), "17\n").unwrap();
    account.maildir().remove("INBOX", &subject("INBOX", 3));
    let before = account.message_files();
    for _ in 0..2 {
        drop(account.rig.overheard());
        let ended = account.rig.run(&[]);
        assert_eq!(ended.status, Some(2), "{}", ended.output);
        assert!(ended.output.contains("(saved 17; got "), "{}", ended.output);
        assert_eq!(account.rig.moved(), Moved::default(), "{}", ended.output);
        assert_eq!(before, account.message_files());
    }
    // As its manual says: whoever removes the file believes the server.
    fs::remove_file(account.validity().join("INBOX")).unwrap();
    account.rig.sync();
    assert_eq!(messages_in_inbox(&account, "the deletion was carried over"), 5);
}

#[test]
fn an_unknown_uidvalidity_is_accepted_if_the_messages_agree() {
    let account = Inheritance::new(ORDINARY);
    fs::remove_dir_all(account.validity()).unwrap();
    account.change_both_sides();
    drop(account.rig.overheard());
    account.rig.sync();
    let moved = account.rig.moved();
    assert_eq!((moved.downloads.len(), moved.uploads), (FOLDERS.len(), FOLDERS.len()));
    account.assert_changes_are_everywhere("after the takeover");
}

#[test]
fn an_unknown_uidvalidity_is_not_accepted_if_the_messages_differ() {
    let account = Inheritance::new(ORDINARY);
    fs::remove_dir_all(account.validity()).unwrap();
    // The server restores the folder in another order, under the same numbers.
    let folder = "Sent Mail";
    let mut imap = account.imap();
    imap.command(&format!("DELETE \"{folder}\""));
    imap.create(folder);
    for (uid, number) in (1..).zip([5, 4, 3, 2, 1, 0]) {
        assert_eq!(imap.append(folder, "", &message(&subject(folder, number))), uid);
    }
    drop(imap);
    // A message that is only pending to be deleted comes back; its old number is another message.
    account.maildir().remove(folder, &subject(folder, 0));
    drop(account.rig.overheard());
    let ended = account.rig.run(&["-f", folder]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("its UIDVALIDITY is not known"), "{}", ended.output);
    let Moved { downloads, uploads, .. } = account.rig.moved();
    assert_eq!((downloads.len(), uploads), (1, 0), "{downloads:?}");
    assert_eq!(account.same_mail(&ended.output).get(folder).unwrap().len(), 6);
}

#[test]
fn a_folder_that_has_to_be_created_deletes_nothing() {
    let account = Inheritance::new(ORDINARY);
    fs::remove_dir_all(account.maildir().folder("Lists.rust")).unwrap();
    account.rig.sync();
    let world = account.same_mail("downloaded again");
    assert_eq!(world.get("Lists.rust").unwrap().len(), 6);
}

#[test]
fn a_maildir_that_is_not_there_is_not_taken_over() {
    let account = Inheritance::new(ORDINARY);
    let root = account.maildir().root();
    let away = root.with_file_name("unmounted");
    fs::rename(&root, &away).unwrap();
    let ended = account.rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("is the disk mounted?"), "{}", ended.output);
    assert!(!root.exists());
    fs::rename(&away, &root).unwrap();
    account.is_taken_over_untouched("mounted again");
}

#[test]
fn an_old_status_counts_only_once() {
    let account = Inheritance::new(ORDINARY);
    account.rig.sync();
    let uid = account.imap().uid("INBOX", &subject("INBOX", 3));
    account.imap().remove("INBOX", &uid.to_string());
    account.rig.sync();
    // Without the state, a status of long ago must not say that anything was deleted.
    fs::remove_file(account.rig.state()).unwrap();
    let lost = account.maildir().find("INBOX", &subject("INBOX", 4)).path;
    fs::remove_file(lost).unwrap();
    let ended = account.rig.sync();
    assert!(!ended.output.contains("had synced"), "{}", ended.output);
    assert_eq!(messages_in_inbox(&account, "rebuilt"), 5);
}

#[test]
fn a_dry_run_takes_nothing_over_and_shows_what_is_pending() {
    let account = Inheritance::new(ORDINARY);
    account.change_both_sides();
    let before = account.message_files();
    drop(account.rig.overheard());
    let ended = account.rig.run(&["--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(account.rig.moved(), Moved::default(), "{}", ended.output);
    assert_eq!(before, account.message_files());
    assert!(!account.rig.state().exists());
    let deletions = ended.output.matches("Delet").count();
    assert!(deletions >= 2 * FOLDERS.len(), "{}", ended.output);
    account.rig.sync();
    account.assert_changes_are_everywhere("after the takeover");
}

#[test]
fn nothing_is_exported_without_a_state_or_in_a_dry_run() {
    let account = Inheritance::new(ORDINARY);
    let refused = |arguments: &[&str], why: &str| {
        let mut command = account.rig.command();
        let ended = account.rig.start(command.args(arguments)).wait();
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains(why), "{}", ended.output);
    };
    refused(&["state", "export"], "this account was never synced");
    account.rig.sync();
    refused(&["state", "export", "--dry-run"], "nothing is exported in a dry run");
    assert!(account.rig.state().exists());
    account.rig.does_nothing("after all that");
}

/// `X/b` is `a.b` locally, and its status would be in the same file as that of `a/b`
/// (`spec/quirks.md` B19).
#[test]
fn a_status_that_two_translated_folders_share_is_believed_for_neither() {
    let server = Dovecot::builder().separator('/').start().unwrap();
    let rig = Rig::of(server.endpoint())
        .remote("nametrans = lambda f: re.sub('^X/', 'a.', f)")
        .local(r"nametrans = lambda f: re.sub(r'^a\.', 'X/', f)")
        .local("sep = /");
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    imap.create("a/b");
    for subject in ["one", "two"] {
        imap.append("a/b", "", &message(subject));
    }
    sync_by_elder(&rig, &[]);
    imap.create("X/b");
    for subject in ["three", "four"] {
        imap.append("X/b", "", &message(subject));
    }
    maildir.remove("a/b", "one");
    drop(rig.overheard());
    let ended = rig.sync();
    let moved = rig.moved();
    assert!(moved.changes.is_empty() && moved.uploads == 0, "{moved:#?}\n{}", ended.output);
    let subjects = |folder: &str| {
        let mut subjects: Vec<String> =
            maildir.messages(folder).iter().map(LocalMail::subject).collect();
        subjects.sort();
        subjects
    };
    // Whether it was deleted nobody knows: it is there again.
    assert_eq!(subjects("a/b"), ["one", "two"], "{}", ended.output);
    assert_eq!(subjects("a.b"), ["four", "three"], "{}", ended.output);
    assert_eq!(imap.messages("a/b").len(), 2, "{}", ended.output);
    rig.does_nothing("taken over");
}
