//! There and back again, in every layout of folder names.

use crate::elder::{FOLDERS, Inheritance, Layout, Naming, contents};
use crate::rig::Moved;

/// OfflineIMAP, this program, OfflineIMAP, this program: nothing is transferred at any change.
fn there_and_back(layout: Layout) {
    let account = Inheritance::new(layout);
    let old = contents(&account.status());
    account.is_taken_over_untouched("taken over");
    assert_eq!(old, contents(&account.status()), "an old file was altered");
    account.export();
    account.elder_does_nothing("given back");
    account.is_taken_over_untouched("taken over again");
}

/// What OfflineIMAP had not got round to is done, and nothing else.
fn pending_changes_are_carried_over(layout: Layout) {
    let account = Inheritance::new(layout);
    let untouched = account.message_files();
    account.change_both_sides();
    drop(account.rig.overheard());
    let ended = account.rig.sync();
    let moved = account.rig.moved();
    account.assert_changes_are_everywhere(&ended.output);
    assert_eq!(moved.downloads.len(), FOLDERS.len(), "{moved:#?}");
    assert!(moved.downloads.iter().all(|it| it.contains("UID FETCH 7 ")), "{moved:#?}");
    assert_eq!(moved.uploads, FOLDERS.len(), "{moved:#?}");
    let now = account.message_files();
    let kept = untouched.keys().filter(|path| now.contains_key(*path)).count();
    assert_eq!(kept, 2 * FOLDERS.len(), "{:#?} became {:#?}", untouched.keys(), now.keys());
    account.rig.does_nothing("after the takeover");

    // The other way: changes that this program has not got round to are OfflineIMAP's.
    account.export();
    account.elder_does_nothing("given back");
    let mut imap = account.imap();
    for folder in FOLDERS {
        let remote = account.remote(folder);
        let subject = format!("{folder} new there");
        let uid = imap.uid(&remote, &subject);
        imap.remove(&remote, &uid.to_string());
        let local = account.local(folder);
        account.maildir().set_flags(&local, &format!("{folder} new here"), "FRS");
    }
    drop(imap);
    drop(account.rig.overheard());
    account.sync_by_elder();
    let Moved { downloads, uploads, .. } = account.rig.moved();
    assert_eq!((downloads, uploads), (Vec::new(), 0));
    let world = account.same_mail("OfflineIMAP went on");
    assert!(world.values().all(|mails| mails.len() == 5), "{world:#?}");
    account.is_taken_over_untouched("taken over again");
}

#[test]
fn slashes_on_the_server_and_dots_in_the_maildir() {
    let layout = Layout { server: '/', maildir: '.', naming: Naming::Same };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn dots_on_both_sides() {
    let layout = Layout { server: '.', maildir: '.', naming: Naming::Same };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn slashes_on_both_sides() {
    let layout = Layout { server: '/', maildir: '/', naming: Naming::Same };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn dots_on_the_server_and_nested_directories() {
    let layout = Layout { server: '.', maildir: '/', naming: Naming::Same };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn translated_names() {
    let layout = Layout { server: '/', maildir: '.', naming: Naming::Translated };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn translated_names_and_nested_directories() {
    let layout = Layout { server: '.', maildir: '/', naming: Naming::Translated };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn a_maildir_plus_plus() {
    let layout = Layout { server: '.', maildir: '.', naming: Naming::PlusPlus };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn file_names_without_colons() {
    let layout = Layout { server: '/', maildir: '.', naming: Naming::Windows };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}

#[test]
fn names_in_utf8() {
    let layout = Layout { server: '/', maildir: '.', naming: Naming::Utf8 };
    there_and_back(layout);
    pending_changes_are_carried_over(layout);
}
