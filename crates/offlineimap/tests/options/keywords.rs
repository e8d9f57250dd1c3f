//! Keywords of the server as letters in file names.

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{ImapServer, Quirk};

use crate::rig::{LocalMail, Rig, lf};

fn with_letters(rig: Rig) -> Rig {
    rig.local("customflag_a = Work").local("customflag_b = $forwarded")
}

/// The keywords and other flags of a message on the server, in lower case and sorted.
fn flags(rig: &Rig, subject: &str) -> String {
    let mut imap = rig.imap();
    let uid = imap.uid("INBOX", subject);
    imap.command("EXAMINE INBOX");
    let answer = imap.command(&format!("UID FETCH {uid} (FLAGS)")).join(" ");
    let list = answer.split_once("FLAGS (").unwrap().1.split_once(')').unwrap().0;
    let mut flags: Vec<String> = list.split_whitespace().map(str::to_lowercase).collect();
    flags.retain(|flag| flag != "\\recent");
    flags.sort();
    flags.join(" ")
}

fn store(rig: &Rig, subject: &str, change: &str) {
    let mut imap = rig.imap();
    let uid = imap.uid("INBOX", subject);
    imap.command("SELECT INBOX");
    imap.command(&format!("UID STORE {uid} {change}"));
}

fn letters(rig: &Rig, subject: &str) -> String {
    let LocalMail { flags, .. } = rig.maildir().find("INBOX", subject);
    flags
}

/// Takes keywords through every change, in both directions.
fn there_and_back(rig: &Rig) {
    let maildir = rig.maildir();
    for subject in ["one", "two", "three"] {
        rig.imap().append("INBOX", "", &simple(subject).to_bytes());
    }
    store(rig, "one", "+FLAGS (\\Seen WORK Other)");
    store(rig, "two", "+FLAGS ($Forwarded Other)");
    let ended = rig.sync();
    assert_eq!(ended.output.matches("Unknown keywords skipped: ['Other']").count(), 1);
    assert!(ended.output.contains("You may want to change your configuration to include those"));
    let all = || ["one", "two", "three"].map(|subject| letters(rig, subject));
    assert_eq!(all(), ["Sa", "b", ""]);
    rig.does_nothing("after keywords came");

    // Letters that are nobody's stay, on either side of a change.
    maildir.set_flags("INBOX", "one", "Sbx");
    maildir.set_flags("INBOX", "three", "Fa");
    store(rig, "two", "+FLAGS (work)");
    rig.sync();
    assert_eq!(all(), ["Sbx", "ab", "Fa"]);
    assert_eq!(flags(rig, "one"), "$forwarded \\seen other");
    assert_eq!(flags(rig, "two"), "$forwarded other work");
    assert_eq!(flags(rig, "three"), "\\flagged work");
    rig.does_nothing("after changes on both sides");

    store(rig, "one", "-FLAGS ($forwarded)");
    store(rig, "one", "+FLAGS (Work)");
    maildir.deliver("INBOX", "RSbz", &lf(&simple("four").to_bytes()));
    rig.sync();
    assert_eq!(letters(rig, "one"), "Sax");
    assert_eq!(letters(rig, "four"), "RSbz");
    assert_eq!(flags(rig, "four"), "$forwarded \\answered \\seen");
    rig.does_nothing("after an upload");
}

#[test]
fn keywords_go_both_ways_with_the_embedded_server() {
    let server = ImapServer::start().unwrap();
    there_and_back(&with_letters(Rig::new(server.address(), server.user(), server.password())));
}

#[test]
fn keywords_go_both_ways_with_dovecot() {
    let server = Dovecot::start().unwrap();
    there_and_back(&with_letters(Rig::of(server.endpoint())));
}

#[test]
fn a_letter_stays_where_it_is_if_the_server_keeps_no_keyword() {
    let server = ImapServer::builder().quirk(Quirk::NoNewKeywords).start().unwrap();
    let rig = with_letters(Rig::new(server.address(), server.user(), server.password()));
    rig.imap().append("INBOX", "", &simple("one").to_bytes());
    rig.sync();
    rig.maildir().set_flags("INBOX", "one", "Sab");
    rig.maildir().deliver("INBOX", "Fa", &lf(&simple("two").to_bytes()));
    drop(rig.overheard());
    rig.sync();
    let said = rig.overheard().join(" ").to_lowercase();
    assert!(said.contains("append") && !said.contains("work"), "{said}");
    assert_eq!([letters(&rig, "one"), letters(&rig, "two")], ["Sab", "Fa"]);
    assert_eq!(flags(&rig, "one"), "\\seen");
    rig.does_nothing("with letters that have no keyword there");
}

#[test]
fn letters_that_are_there_already_become_keywords_and_none_is_lost() {
    let server = ImapServer::start().unwrap();
    let rig = Rig::new(server.address(), server.user(), server.password());
    for subject in ["one", "two"] {
        rig.imap().append("INBOX", "", &simple(subject).to_bytes());
    }
    store(&rig, "one", "+FLAGS (Work Other)");
    let ended = rig.sync();
    assert!(!ended.output.contains("Unknown keywords"), "{}", ended.output);
    rig.maildir().set_flags("INBOX", "two", "Sb");
    rig.sync();
    assert_eq!([letters(&rig, "one"), letters(&rig, "two")], ["", "Sb"]);

    let rig = with_letters(rig);
    rig.sync();
    assert_eq!([letters(&rig, "one"), letters(&rig, "two")], ["a", "Sb"]);
    assert_eq!(flags(&rig, "two"), "$forwarded \\seen");
    rig.does_nothing("after the options were set");

    // The state is lost: what both sides say is kept.
    fs::remove_dir_all(rig.metadata()).unwrap();
    rig.sync();
    assert_eq!([letters(&rig, "one"), letters(&rig, "two")], ["a", "Sb"]);
    rig.does_nothing("after the state was lost");
}
