//! How messages come over the connection, and what is said when they cannot go.

use std::collections::BTreeSet;
use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::{random, simple};
use offlineimap_testkit::server::{Breakage, Capability, ImapServer};

use crate::rig::{Rig, lf};

#[test]
fn a_compressed_connection_carries_everything_both_ways() {
    let server = Dovecot::builder()
        .configuration("protocol imap {\n mail_plugins = imap_zlib\n}")
        .start()
        .unwrap();
    let rig = Rig::of(server.endpoint()).remote("usecompression = yes");
    for seed in 0..20 {
        rig.imap().append("INBOX", "S", &random(seed, 20_000).to_bytes());
    }
    rig.sync();
    rig.same_mail("after the first sync");
    assert!(rig.overheard().iter().any(|line| line.ends_with("COMPRESS DEFLATE")));
    for seed in 20..40 {
        rig.maildir().deliver("INBOX", "", &lf(&random(seed, 50_000).to_bytes()));
    }
    rig.sync();
    assert_eq!(rig.same_mail("after uploads")["INBOX"].len(), 40);
}

#[test]
fn a_server_without_compression_is_synced_without() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("one")).unwrap();
    let rig = Rig::new(server.address(), "tester", "secret").remote("usecompression = yes");
    let ended = rig.run(&["-d", "imap"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("does not offer COMPRESS=DEFLATE"), "{}", ended.output);
    rig.same_mail("after the sync");
    assert_eq!(server.log().count("COMPRESS"), 0);
}

#[test]
fn a_compressed_connection_survives_a_sync_between_two_runs_of_changes() {
    let server = ImapServer::builder().with(Capability::CompressDeflate).start().unwrap();
    let rig = Rig::new(server.address(), "tester", "secret").remote("usecompression = yes");
    server.mail().add("INBOX", simple("one")).unwrap();
    server.mail().add("INBOX", simple("two")).unwrap();
    rig.sync();
    rig.maildir().set_flags("INBOX", "one", "F");
    rig.maildir().remove("INBOX", "two");
    rig.maildir().deliver("INBOX", "", &lf(&simple("three").to_bytes()));
    rig.sync();
    assert_eq!(rig.same_mail("after changes")["INBOX"].len(), 2);
}

/// The UIDs of the messages that were copied, in the order in which that was announced.
fn copied(output: &str) -> Vec<u32> {
    let copies = output.lines().filter_map(|line| line.split_once("Copy message UID "));
    copies.map(|(_, rest)| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_messages_of_a_folder_are_copied_one_after_another_when_that_is_asked_for() {
    let server = ImapServer::start().unwrap();
    for number in 0..700 {
        server.mail().add("INBOX", simple(&format!("message {number}"))).unwrap();
    }
    for (lines, in_order) in
        [("maxconnections = 3", false), ("maxconnections = 3\nsinglethreadperfolder = yes", true)]
    {
        server.log().clear();
        let rig = Rig::new(server.address(), "tester", "secret").remote(lines);
        let ended = rig.sync();
        let all = server.log().all();
        let fetching = all.iter().filter(|observed| observed.line.contains("BODY"));
        let used: BTreeSet<u64> = fetching.map(|observed| observed.connection).collect();
        assert_eq!(used.len() == 1, in_order, "{lines}: {used:?}");
        let order = copied(&ended.output);
        assert_eq!(order.len(), 700);
        assert!(order.is_sorted() || !in_order, "{order:?}");
    }
}

#[test]
fn a_message_at_which_the_server_fails_is_tried_as_often_as_configured() {
    for (count, attempts) in [("0", 1), ("1", 1), ("2", 2), ("4", 4)] {
        let server = ImapServer::start().unwrap();
        for subject in ["one", "two", "three"] {
            server.mail().add("INBOX", simple(subject)).unwrap();
        }
        server.mail().break_message("INBOX", 2, Breakage::EndsConnection).unwrap();
        let rig = Rig::new(server.address(), "tester", "secret");
        let rig = rig.remote(&format!("retrycount = {count}"));
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        let why = format!("each of {attempts} attempts failed");
        assert!(ended.output.contains(&why), "{}", ended.output);
        let there = |subject| {
            rig.maildir()
                .messages("INBOX")
                .iter()
                .any(|mail| String::from_utf8_lossy(&mail.content).contains(subject))
        };
        assert_eq!(["one", "two", "three"].map(there), [true, false, true]);
    }
}

#[test]
fn what_a_read_only_folder_does_not_take_is_told_unless_that_is_switched_off() {
    let server = Dovecot::builder()
        .configuration("mail_plugins = acl\nplugin {\n acl = vfile\n}")
        .start()
        .unwrap();
    let rig = Rig::of(server.endpoint());
    rig.imap().create("Shared");
    for subject in ["one", "two"] {
        rig.imap().append("Shared", "", &simple(subject).to_bytes());
    }
    fs::write(server.mail_directory().join(".Shared/dovecot-acl"), "owner lr\n").unwrap();
    rig.sync();
    rig.maildir().deliver("Shared", "", &lf(&simple("new").to_bytes()));
    rig.maildir().set_flags("Shared", "one", "F");
    rig.maildir().remove("Shared", "two");
    let attempts = ["Attempted to synchronize", "Attempted to modify", "Attempted to delete"];
    let told = |output: &str| attempts.map(|attempt| output.contains(attempt));
    assert_eq!(told(&rig.sync().output), [true; 3]);
    let rig = rig.general("ignore-readonly = yes");
    assert_eq!(told(&rig.sync().output), [false; 3]);
}
