//! Quick syncs: folders in which nothing has happened are not opened.

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Capability, ImapServer, Observed, Quirk};

use crate::rig::{Rig, lf};

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}

/// A server with some folders of mail, synced once.
fn synced(server: &ImapServer) -> Rig {
    for folder in ["A", "B", "C"] {
        server.mail().create(folder);
    }
    for folder in ["INBOX", "A", "B"] {
        server.mail().add(folder, simple(&format!("first in {folder}"))).unwrap();
        server.mail().add(folder, simple(&format!("second in {folder}"))).unwrap();
    }
    let rig = rig(server);
    rig.sync();
    server.log().clear();
    rig
}

/// Runs a quick sync, and returns the folders that were not skipped.
fn looked_at(rig: &Rig) -> Vec<String> {
    let ended = rig.run(&["-q"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let of = |start: &str, end: &str| -> Vec<String> {
        let lines = ended.output.lines().filter_map(|line| line.trim().strip_prefix(start));
        lines.filter_map(|line| line.split_once(end)).map(|it| it.0.to_owned()).collect()
    };
    let skipped = of("Skipping ", " (not changed)");
    let all = of("Syncing ", ": IMAP");
    assert!(skipped.iter().all(|folder| all.contains(folder)), "{}", ended.output);
    all.into_iter().filter(|folder| !skipped.contains(folder)).collect()
}

fn none() -> Vec<String> {
    Vec::new()
}

fn verbs(server: &ImapServer) -> Vec<String> {
    let verbs: Vec<String> = server.log().all().iter().map(Observed::verb).collect();
    let signing_in = ["CAPABILITY", "ID", "AUTHENTICATE", "LOGIN", "LOGOUT", "ENABLE"];
    verbs.into_iter().filter(|verb| !signing_in.contains(&verb.as_str())).collect()
}

#[test]
fn with_list_status_one_round_trip_tells_that_nothing_has_happened() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server);
    assert_eq!(looked_at(&rig), none());
    assert_eq!(verbs(&server), ["LIST", "LIST"]);
    let asked = server.log().lines().join("\n");
    assert!(asked.contains("STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"), "{asked}");
}

#[test]
fn without_list_status_each_folder_is_asked_for_its_status() {
    let server = ImapServer::builder().without(Capability::ListStatus).start().unwrap();
    let rig = synced(&server);
    assert_eq!(looked_at(&rig), none());
    assert_eq!(verbs(&server), ["LIST", "STATUS", "STATUS", "STATUS", "STATUS"]);
    assert_eq!(server.log().connections(), 1);
}

#[test]
fn every_change_is_found_and_only_its_folder_is_looked_at() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server);
    let mail = server.mail();
    mail.add("A", simple("third in A")).unwrap();
    assert_eq!(looked_at(&rig), ["A"], "a message came");
    // One came and one went: the count is the same (D29).
    mail.add("A", simple("fourth in A")).unwrap();
    mail.expunge("A", 1).unwrap();
    assert_eq!(looked_at(&rig), ["A"], "one came and one went");
    mail.set_flags("B", 1, &["\\Seen"]).unwrap();
    assert_eq!(looked_at(&rig), ["B"], "flags changed on the server");
    assert_eq!(looked_at(&rig), none(), "nothing more");

    let maildir = rig.maildir();
    maildir.set_flags("INBOX", "first in INBOX", "FS");
    assert_eq!(looked_at(&rig), ["INBOX"], "flags changed locally");
    // Our own change is news on the server, once.
    assert_eq!(looked_at(&rig), ["INBOX"]);
    assert_eq!(looked_at(&rig), none());
    maildir.deliver("C", "S", &lf(&simple("ours").to_bytes()));
    fs::remove_file(maildir.find("B", "second in B").path).unwrap();
    assert_eq!(looked_at(&rig), ["B", "C"], "one new and one deleted locally");
    mail.recreate("A").unwrap();
    let ended = rig.run(&["-q"]);
    assert_eq!(ended.status, Some(2), "{}", ended.output);
    assert!(ended.output.contains("UID validity problem for folder A"), "{}", ended.output);
}

#[test]
fn without_mod_sequences_changed_flags_wait_for_a_full_sync() {
    let server = ImapServer::builder().without(Capability::Condstore).start().unwrap();
    let rig = synced(&server);
    server.mail().set_flags("B", 1, &["\\Seen"]).unwrap();
    assert_eq!(looked_at(&rig), none());
    assert_eq!(rig.maildir().find("B", "first in B").flags, "");
    rig.sync();
    assert_eq!(rig.maildir().find("B", "first in B").flags, "S");
    assert_eq!(looked_at(&rig), none());
}

#[test]
fn a_server_that_tells_too_little_is_looked_at_in_full() {
    let server = ImapServer::builder().quirk(Quirk::NoUidNext).start().unwrap();
    let rig = synced(&server);
    assert_eq!(looked_at(&rig), ["A", "B", "C", "INBOX"]);
    assert_eq!(looked_at(&rig), ["A", "B", "C", "INBOX"]);
}

#[test]
fn dovecot_tells_what_has_happened() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    rig.imap().create("Other");
    for folder in ["INBOX", "Other"] {
        rig.imap().append(folder, "", &simple(&format!("in {folder}")).to_bytes());
    }
    rig.sync();
    // In the answer to SELECT it may leave out HIGHESTMODSEQ until somebody has asked for it.
    drop(looked_at(&rig));
    assert_eq!(looked_at(&rig), none());
    rig.imap().set_flags("Other", 1, "S");
    assert_eq!(looked_at(&rig), ["Other"]);
    assert_eq!(rig.maildir().find("Other", "in Other").flags, "S");
    drop(looked_at(&rig));
    assert_eq!(looked_at(&rig), none());
    rig.imap().append("INBOX", "", &simple("another").to_bytes());
    assert_eq!(looked_at(&rig), ["INBOX"]);
    rig.same_mail("after quick syncs");
}

#[test]
fn what_failed_is_tried_again_by_the_next_quick_sync() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server);
    let uid = server.mail().add("A", simple("broken")).unwrap();
    let refused = offlineimap_testkit::server::Breakage::RefuseContent;
    server.mail().break_message("A", uid, refused).unwrap();
    assert_eq!(rig.run(&["-q"]).status, Some(1));
    assert_eq!(rig.run(&["-q"]).status, Some(1), "it is still missing");
    server.mail().mend("A").unwrap();
    assert_eq!(looked_at(&rig), ["A"]);
    rig.same_mail("after it was mended");
    assert_eq!(looked_at(&rig), none());
}

#[test]
fn what_is_withheld_is_not_forgotten() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server).local("readonly = yes");
    server.mail().add("A", simple("third in A")).unwrap();
    assert_eq!(looked_at(&rig), ["A"]);
    let rig = rig.without("readonly");
    assert_eq!(looked_at(&rig), ["A"]);
    rig.same_mail("when it may be changed again");
}

#[test]
fn another_limit_of_size_is_looked_at_in_full() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server).account("maxsize = 10");
    assert_eq!(looked_at(&rig).len(), 4);
    assert_eq!(looked_at(&rig), none());
    let rig = rig.without("maxsize").account("maxsize = 10000");
    assert_eq!(looked_at(&rig).len(), 4);
    assert_eq!(looked_at(&rig), none());
}

#[test]
fn the_option_makes_every_sync_quick_or_those_behind_the_first() {
    let server = ImapServer::start().unwrap();
    let rig =
        synced(&server).account("quick = -1").account("presynchook = echo $OFFLINEIMAPSYNCMODE");
    let ended = rig.sync();
    assert_eq!(ended.output.matches("(not changed)").count(), 4, "{}", ended.output);
    assert!(ended.output.contains("Hook stdout: quick"), "{}", ended.output);
    let rig = rig.without("quick").account("quick = 3");
    let ended = rig.sync();
    assert!(!ended.output.contains("(not changed)"), "{}", ended.output);
    assert!(ended.output.contains("Hook stdout: full"), "{}", ended.output);
}

#[test]
fn with_a_limit_of_age_every_sync_is_full_and_says_so() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server).account("maxage = 30");
    let ended = rig.run(&["-q"]);
    let said =
        "Quick syncs (-q) not supported in conjunction with maxage or startdate; ignoring -q.";
    assert_eq!(ended.output.matches(said).count(), 4, "{}", ended.output);
    assert!(!ended.output.contains("(not changed)"), "{}", ended.output);
}

#[test]
fn what_was_left_out_comes_back_when_the_limit_of_age_is_lifted() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server);
    assert_eq!(looked_at(&rig), none());
    // All of it is from 2020.
    let rig = rig.account("maxage = 30");
    fs::remove_file(rig.maildir().find("A", "first in A").path).unwrap();
    let name = rig.maildir().find("A", "second in A").path;
    let old = name.file_name().unwrap().to_str().unwrap().split_once('_').unwrap().1.to_owned();
    fs::rename(&name, name.with_file_name(format!("1600000000_{old}"))).unwrap();
    rig.sync();
    assert_eq!(server.mail().uids("A").unwrap().len(), 2);
    let rig = rig.without("maxage");
    assert_eq!(looked_at(&rig), ["A"]);
    rig.same_mail("without a limit of age");
}

#[test]
fn a_dry_run_can_be_quick() {
    let server = ImapServer::start().unwrap();
    let rig = synced(&server);
    server.mail().add("A", simple("third in A")).unwrap();
    let ended = rig.run(&["-q", "--dry-run"]);
    assert!(ended.output.contains("[DRYRUN] Copy 1 messages from A[Remote]"), "{}", ended.output);
    assert_eq!(ended.output.matches("(not changed)").count(), 3, "{}", ended.output);
}
