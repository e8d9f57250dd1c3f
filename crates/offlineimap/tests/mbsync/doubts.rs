//! Where mbsync's state cannot be believed, a folder is left out, and no message is lost.

use std::fs;

use crate::peer::{Adoptee, Channel, FOLDERS, USUAL, subject};

/// Imports; all folders but INBOX must be, and INBOX must not, for this reason.
fn leaves_inbox_out(account: &Adoptee, why: &str) {
    let before = account.files();
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("folder 'INBOX' was not imported"), "{}", ended.output);
    assert!(ended.output.contains(why), "{}", ended.output);
    let imported = format!("in {} folders", FOLDERS.len() - 1);
    assert!(ended.output.contains(&imported), "{}", ended.output);
    assert_eq!(before, account.files());
}

#[test]
fn an_interrupted_run_is_to_be_finished_by_mbsync() {
    let account = Adoptee::new(USUAL);
    let journal = account.state_of("INBOX").with_file_name(".mbsyncstate.journal");
    fs::write(&journal, "4\n+ 9 0\n").unwrap();
    leaves_inbox_out(&account, "of an interrupted run is there; run mbsync once more");
    fs::remove_file(&journal).unwrap();
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Imported folder 'INBOX': 6 messages"), "{}", ended.output);
    account.sync_moves_nothing("after the import");
}

#[test]
fn a_damaged_state_is_not_believed() {
    let account = Adoptee::new(USUAL);
    let path = account.state_of("INBOX");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.get(..text.len() - 2).unwrap()).unwrap();
    leaves_inbox_out(&account, "is damaged: it ends within line 11");
    nothing_is_lost(&account);
}

#[test]
fn a_state_of_other_mailboxes_deletes_nothing() {
    for (end, why) in [("Far", "remote UIDVALIDITY is"), ("Near", "local UIDVALIDITY is")] {
        let account = Adoptee::new(USUAL);
        let path = account.state_of("INBOX");
        let header = format!("{end}UidValidity ");
        let text = fs::read_to_string(&path).unwrap();
        let other = text.lines().map(|line| match line.strip_prefix(&header) {
            Some(_) => format!("{header}17\n"),
            None => format!("{line}\n"),
        });
        fs::write(&path, other.collect::<String>()).unwrap();
        account.maildir().remove("INBOX", &subject("INBOX", 3));
        leaves_inbox_out(&account, why);
        nothing_is_lost(&account);
    }
}

/// Syncs. Everything that was on the server is there still, and here too.
fn nothing_is_lost(account: &Adoptee) {
    let before = account.mails_there();
    let ended = account.rig.sync();
    let (there, here) = (account.mails_there(), account.mails_here());
    assert_eq!(there, here, "{}", ended.output);
    for (folder, mails) in before {
        for mail in mails {
            let is_there = there.get(folder).unwrap().contains(&mail);
            assert!(is_there, "{mail} is lost from {folder}: {there:?} {}", ended.output);
        }
    }
}

#[test]
fn a_folder_that_is_not_imported_is_recognised_by_content() {
    let account = Adoptee::new(USUAL);
    fs::remove_file(account.state_of("INBOX")).unwrap();
    leaves_inbox_out(&account, "there is no sync state of mbsync for it");
    drop(account.rig.overheard());
    let ended = account.rig.sync();
    let moved = account.rig.moved();
    // Two messages have no Message-ID, and so nothing to be recognised by.
    assert_eq!((moved.downloads.len(), moved.uploads), (1, 2), "{moved:#?} {}", ended.output);
    assert_eq!(account.mails_there().get("INBOX").unwrap().len(), 8);
}

#[test]
fn a_file_that_was_moved_with_its_name_stands_for_itself() {
    let account = Adoptee::new(USUAL);
    // The same UID in both folders: the message there was deleted, and this one took its place.
    let (moved, deleted) = (subject("Sent Mail", 3), subject("INBOX", 3));
    let here = account.maildir().find("Sent Mail", &moved).path;
    account.maildir().remove("INBOX", &deleted);
    let name = here.file_name().unwrap().to_owned();
    fs::rename(&here, account.maildir().folder("INBOX").join("cur").join(name)).unwrap();
    let ended = account.import_well(&[]);
    assert!(ended.output.contains("1 to be recognised by content"), "{}", ended.output);
    account.rig.sync();
    let there = account.mails_there();
    let inbox = there.get("INBOX").unwrap();
    assert!(inbox.contains(&format!("{moved} [RS]")), "the moved message is there: {inbox:?}");
    assert!(!there.get("Sent Mail").unwrap().contains(&format!("{moved} [RS]")), "{there:?}");
    assert_eq!(account.mails_here(), there);
}

#[test]
fn a_second_file_with_the_same_uid_deletes_neither() {
    let account = Adoptee::new(USUAL);
    let original = account.maildir().find("INBOX", &subject("INBOX", 3)).path;
    let name = original.file_name().unwrap().to_str().unwrap().replacen("17", "16", 1);
    fs::copy(&original, original.with_file_name(name)).unwrap();
    let ended = account.import_well(&[]);
    assert!(ended.output.contains("1 to be recognised by content"), "{}", ended.output);
    nothing_is_lost(&account);
}

#[test]
fn files_of_another_program_are_not_taken_for_those_of_mbsync() {
    let account = Adoptee::new(USUAL);
    account.import_well(&[]);
    account.rig.sync();
    // Without the state, the UIDs in the names are those of the server.
    fs::remove_file(account.rig.state()).unwrap();
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    let refused = ended.output.matches("6 of its files were named by OfflineIMAP").count();
    assert!(refused >= FOLDERS.len(), "{}", ended.output);
    account.sync_moves_nothing("rebuilt from the names");
}

#[test]
fn placeholders_are_not_taken_for_messages() {
    let account = Adoptee::before_mbsync(USUAL);
    let big = format!("Subject: big\r\nMessage-ID: <big@x>\r\n\r\n{}\r\n", "x".repeat(5000));
    account.imap().append("INBOX", "", big.as_bytes());
    account.mbsync_with("MaxSize 1k\nExpunge Both");
    leaves_inbox_out(&account, "1 of its messages are only placeholders (MaxSize)");
}

#[test]
fn uids_in_a_database_are_refused_by_name() {
    let account = Adoptee::new(Channel { maildir: "AltMap yes\nSubFolders Verbatim", ..USUAL });
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains(".isyncuidmap.db' (AltMap yes)"), "{}", ended.output);
    assert!(ended.output.contains("in 0 folders"), "{}", ended.output);
}

#[test]
fn a_maildir_that_is_not_there_is_not_imported() {
    let account = Adoptee::new(USUAL);
    let root = account.maildir().root();
    let away = root.with_file_name("unmounted");
    fs::rename(&root, &away).unwrap();
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("is not there: is the disk mounted?"), "{}", ended.output);
    assert!(!root.exists() && !account.rig.state().exists());
    fs::rename(&away, &root).unwrap();
    account.import_well(&[]);
    account.sync_moves_nothing("mounted again");
}

#[test]
fn files_that_lost_their_uids_are_not_taken_for_deleted() {
    let account = Adoptee::new(USUAL);
    for mail in account.maildir().messages("INBOX") {
        let name = mail.path.file_name().unwrap().to_str().unwrap();
        let (base, rest) = name.split_once(",U=").unwrap();
        let flags = rest.split_once(':').unwrap().1;
        fs::rename(&mail.path, mail.path.with_file_name(format!("{base}:{flags}"))).unwrap();
    }
    leaves_inbox_out(&account, "none of its files has a UID that mbsync knew");
    nothing_is_lost(&account);
}

#[test]
fn folders_that_the_server_calls_otherwise_are_named() {
    let account = Adoptee::before_mbsync(Channel { maildir: "SubFolders Legacy", ..USUAL });
    account.mbsync();
    let ended = account.import(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("folder 'Lists/.rust' was not imported"), "{}", ended.output);
    assert!(
        ended.output.contains("the server has no folder that is called so"),
        "{}",
        ended.output
    );
    let imported = format!("in {} folders", FOLDERS.len() - 1);
    assert!(ended.output.contains(&imported), "{}", ended.output);
}
