//! `maxsize`: what is too large is left alone on both sides (`spec/quirks.md` B2).

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::{Body, random};
use offlineimap_testkit::server::{Capability, ImapServer};

use crate::rig::{LocalMail, Rig, ServerMail, lf};

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}

/// A message of exactly this length on the wire, with this many lines.
fn sized(subject: &str, wire_octets: usize) -> Vec<u8> {
    let mut message =
        format!("Subject: {subject}\r\nMessage-ID: <{subject}@test>\r\n\r\n").into_bytes();
    while message.len() + 8 <= wire_octets {
        message.extend_from_slice(b"line\r\n");
    }
    while message.len() + 2 < wire_octets {
        message.push(b'x');
    }
    message.extend_from_slice(b"\r\n");
    assert_eq!(message.len(), wire_octets);
    message
}

fn subjects(rig: &Rig) -> [Vec<String>; 2] {
    let remote: Vec<String> =
        rig.imap().messages("INBOX").iter().map(ServerMail::subject).collect();
    let local: Vec<String> =
        rig.maildir().messages("INBOX").iter().map(LocalMail::subject).collect();
    [remote, local].map(|mut all| {
        all.sort();
        all
    })
}

/// The number of messages in the folder, which both sides have.
fn inbox(rig: &Rig, when: &str) -> usize {
    rig.same_mail(when).remove("INBOX").unwrap().len()
}

/// In OfflineIMAP, messages whose size is over the limit on the server and under it in the file were
/// deleted locally when `maxsize` was introduced.
fn the_limit_comes_and_goes(rig: Rig) {
    let all = ["s128", "s129", "s130", "s131", "s140", "s400"];
    for subject in all {
        let octets = subject.trim_start_matches('s').parse().unwrap();
        rig.imap().append("INBOX", "S", &sized(subject, octets));
    }
    rig.sync();
    assert_eq!(subjects(&rig), [all, all]);

    let rig = rig.account("maxsize = 130");
    drop(rig.overheard());
    let ended = rig.run(&["--dry-run"]);
    let said = "From now on leave alone 3 messages that are too old or too large";
    assert!(ended.output.contains(said), "{}", ended.output);
    rig.sync();
    let said = rig.overheard().join("\n");
    assert!(!said.contains("STORE") && !said.contains("EXPUNGE"), "{said}");
    assert_eq!(subjects(&rig), [all, all]);
    rig.does_nothing("with large messages");

    // What happens to large ones on one side stays there, and what happens to others does not.
    let maildir = rig.maildir();
    fs::remove_file(maildir.find("INBOX", "s400").path).unwrap();
    fs::remove_file(maildir.find("INBOX", "s128").path).unwrap();
    maildir.set_flags("INBOX", "s140", "FS");
    maildir.set_flags("INBOX", "s129", "FS");
    let uid = rig.imap().uid("INBOX", "s131");
    rig.imap().remove("INBOX", &uid.to_string());
    rig.sync();
    assert_eq!(
        subjects(&rig),
        [["s129", "s130", "s140", "s400"], ["s129", "s130", "s131", "s140"]]
    );
    let flags = |subject: &str| {
        let all = rig.imap().messages("INBOX");
        all.into_iter().find(|it| it.subject() == subject).unwrap().flags
    };
    assert_eq!([flags("s129"), flags("s140")], ["FS", "S"]);
    rig.does_nothing("with large messages that differ");

    // Without the limit everything is synced again; what is missing is copied, nothing deleted.
    let rig = rig.without("maxsize");
    rig.sync();
    let mail = rig.same_mail("without a limit").remove("INBOX").unwrap();
    let mut mail: Vec<String> =
        mail.iter().map(|it| format!("{} {}", it.subject(), it.flags)).collect();
    mail.sort();
    assert_eq!(mail, ["s129 FS", "s130 S", "s131 S", "s140 FS", "s400 S"]);
    rig.does_nothing("after the limit was lifted");
}

#[test]
fn the_limit_comes_and_goes_with_dovecot() {
    let server = Dovecot::start().unwrap();
    the_limit_comes_and_goes(Rig::of(server.endpoint()));
}

#[test]
fn the_limit_comes_and_goes_with_the_embedded_server() {
    let server = ImapServer::start().unwrap();
    the_limit_comes_and_goes(rig(&server));
}

#[test]
fn the_limit_comes_and_goes_with_a_server_that_can_do_little() {
    let server = ImapServer::builder()
        .without(Capability::Esearch)
        .without(Capability::Condstore)
        .start()
        .unwrap();
    the_limit_comes_and_goes(rig(&server));
}

#[test]
fn new_messages_are_copied_up_to_the_limit_in_both_directions() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server).account("maxsize = 300");
    server.mail().add("INBOX", random(1, 5000)).unwrap();
    server.mail().add("INBOX", Body::from(sized("theirs", 300))).unwrap();
    server.mail().add("INBOX", Body::from(sized("toomuch", 301))).unwrap();
    rig.sync();
    // The file of this one is shorter than the limit, and the message is not.
    rig.maildir().deliver("INBOX", "S", &lf(&sized("over", 301)));
    rig.maildir().deliver("INBOX", "S", &lf(&sized("ours", 300)));
    rig.maildir().deliver("INBOX", "S", &lf(&sized("small", 100)));
    rig.sync();
    let [remote, local] = subjects(&rig);
    assert_eq!(local, ["ours", "over", "small", "theirs"]);
    assert_eq!(remote.len(), 5, "{remote:?}");
    assert!(!remote.contains(&"over".to_owned()), "{remote:?}");
    let ended = rig.run(&["--dry-run"]);
    for said in [
        "[DRYRUN] Do not copy 2 messages of INBOX[Remote]: too old or too large",
        "[DRYRUN] Do not copy 1 messages of INBOX[Local]: too old or too large",
    ] {
        assert!(ended.output.contains(said), "{said}: {}", ended.output);
    }
    rig.does_nothing("with large messages on both sides");
    let rig = rig.without("maxsize").account("maxsize = 5000");
    rig.sync();
    assert_eq!(inbox(&rig, "with a higher limit"), 6);
}

#[test]
fn a_lost_state_doubles_nothing_that_is_outside() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server);
    for octets in [200, 400] {
        server.mail().add("INBOX", Body::from(sized(&format!("s{octets}"), octets))).unwrap();
    }
    rig.sync();
    // Another program has renamed the files.
    for mail in rig.maildir().messages("INBOX") {
        let bare = rig.maildir().folder("INBOX").join(format!("cur/1.{}.x:2,", mail.subject()));
        fs::rename(mail.path, bare).unwrap();
    }
    fs::remove_dir_all(rig.metadata()).unwrap();
    let rig = rig.account("maxsize = 300");
    rig.sync();
    assert_eq!(inbox(&rig, "with a limit and without a state"), 2);
    let rig = rig.without("maxsize");
    rig.sync();
    assert_eq!(inbox(&rig, "without a limit"), 2);
}
