//! What the configuration forbids is not done, and is not made up for behind anybody's back.

use offlineimap_testkit::dovecot::Dovecot;

use crate::rig::{Rig, lf, summary};
use crate::scenario::text;

/// A synced account with four messages, then changed on both sides.
fn changed(configure: fn(Rig) -> Rig) -> (Dovecot, Rig) {
    let server = Dovecot::start().unwrap();
    let rig = configure(Rig::of(server.endpoint()));
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    maildir.create("INBOX");
    for n in 1..=4 {
        // Both sides have them already, since either may not take any.
        imap.append("INBOX", "", &text(&format!("old {n}")));
        maildir.deliver("INBOX", "", &lf(&text(&format!("old {n}"))));
    }
    rig.sync();
    rig.same_mail("after the first sync");
    let uid = imap.uid("INBOX", "old 1");
    imap.set_flags("INBOX", uid, "F");
    let uid = imap.uid("INBOX", "old 2");
    imap.remove("INBOX", &uid.to_string());
    imap.append("INBOX", "", &text("new there"));
    maildir.set_flags("INBOX", "old 3", "S");
    maildir.remove("INBOX", "old 4");
    maildir.deliver("INBOX", "", &lf(&text("new here")));
    rig.sync();
    (server, rig)
}

fn assert_sides(rig: &Rig, remote: &[&str], local: &[&str]) {
    for when in ["after the sync", "after another one"] {
        assert_eq!(summary(&rig.remote_world()), remote, "{when}");
        assert_eq!(summary(&rig.local_world()), local, "{when}");
        rig.does_nothing(when);
    }
}

#[test]
fn a_read_only_server_gives_and_does_not_take() {
    let (_server, rig) = changed(|rig| rig.remote("readonly = yes"));
    assert_sides(
        &rig,
        &["INBOX: new there []", "INBOX: old 1 [F]", "INBOX: old 3 []", "INBOX: old 4 []"],
        &["INBOX: new here []", "INBOX: new there []", "INBOX: old 1 [F]", "INBOX: old 3 [S]"],
    );
}

#[test]
fn a_read_only_maildir_gives_and_does_not_take() {
    let (_server, rig) = changed(|rig| rig.local("readonly = yes"));
    assert_sides(
        &rig,
        &["INBOX: new here []", "INBOX: new there []", "INBOX: old 1 [F]", "INBOX: old 3 [S]"],
        &["INBOX: new here []", "INBOX: old 1 []", "INBOX: old 2 []", "INBOX: old 3 [S]"],
    );
}

#[test]
fn deletions_stay_where_they_were_made_if_they_are_not_to_be_synced() {
    let (_server, rig) = changed(|rig| rig.remote("sync_deletes = no").local("sync_deletes = no"));
    assert_sides(
        &rig,
        &[
            "INBOX: new here []",
            "INBOX: new there []",
            "INBOX: old 1 [F]",
            "INBOX: old 3 [S]",
            "INBOX: old 4 []",
        ],
        &[
            "INBOX: new here []",
            "INBOX: new there []",
            "INBOX: old 1 [F]",
            "INBOX: old 2 []",
            "INBOX: old 3 [S]",
        ],
    );
}

#[test]
fn without_expunge_a_message_is_marked_and_does_not_come_back() {
    let (_server, rig) = changed(|rig| rig.remote("expunge = no"));
    assert_sides(
        &rig,
        &[
            "INBOX: new here []",
            "INBOX: new there []",
            "INBOX: old 1 [F]",
            "INBOX: old 3 [S]",
            "INBOX: old 4 [T]",
        ],
        &["INBOX: new here []", "INBOX: new there []", "INBOX: old 1 [F]", "INBOX: old 3 [S]"],
    );
}
