//! Header fields that messages lose on their way to the server.

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::server::{Capability, ImapServer};

use crate::rig::{Rig, lf, wire};

const OPTION: &str = "filterheaders = X-Gone, BCC";

/// A message in LF form with fields that are to go; the body and a longer name stay.
fn with_fields(subject: &str) -> String {
    let long = "the text is so long that it does not fit into one buffer\n".repeat(3000);
    format!(
        "x-gone: 1\n folded\nFrom: ada@example.org\nSubject: {subject}\nBcc: bob@example.org\n\
         X-Gone-Not: 2\nMessage-ID: <{subject}@example.org>\nX-GONE:3\n\nX-Gone: body\n{long}"
    )
}

fn without_fields(subject: &str) -> String {
    with_fields(subject)
        .replace("x-gone: 1\n folded\n", "")
        .replace("Bcc: bob@example.org\n", "")
        .replace("X-GONE:3\n", "")
}

/// The contents on the server in LF form, sorted.
fn on_server(rig: &Rig) -> Vec<String> {
    let messages = rig.imap().messages("INBOX").into_iter();
    let mut texts: Vec<String> = messages
        .map(|message| String::from_utf8(lf(&message.into_mail().content)).unwrap())
        .collect();
    texts.sort();
    texts
}

fn on_disk(rig: &Rig) -> Vec<String> {
    let messages = rig.maildir().messages("INBOX").into_iter();
    let mut texts: Vec<String> =
        messages.map(|message| String::from_utf8(message.content).unwrap()).collect();
    texts.sort();
    texts
}

fn sorted<const N: usize>(mut texts: [String; N]) -> [String; N] {
    texts.sort();
    texts
}

/// Gives all files names as another program gives them, and takes away all memory.
fn forget_everything(rig: &Rig) {
    for (number, mail) in rig.maildir().messages("INBOX").into_iter().enumerate() {
        let target = rig.maildir().folder("INBOX").join(format!("cur/160000000{number}.x:2,S"));
        fs::rename(mail.path, target).unwrap();
    }
    fs::remove_dir_all(rig.metadata()).unwrap();
}

fn up_and_down(rig: &Rig) {
    rig.imap().append("INBOX", "S", &wire(with_fields("down").as_bytes()));
    rig.maildir().create("INBOX");
    rig.maildir().deliver("INBOX", "S", with_fields("up").as_bytes());
    rig.maildir().deliver("INBOX", "S", b"Bcc: x\nSubject: no identity\n\nbody\n");
    rig.sync();
    let bare = "Subject: no identity\n\nbody\n".to_owned();
    let there = sorted([with_fields("down"), without_fields("up"), bare.clone()]);
    let here = sorted([with_fields("down"), with_fields("up"), format!("Bcc: x\n{bare}")]);
    let check = |when: &str| {
        assert!(on_server(rig) == there, "{when}: {:#?}", on_server(rig));
        assert!(on_disk(rig) == here, "{when}: {:#?}", on_disk(rig));
        rig.does_nothing(when);
    };
    check("after the first sync");

    fs::remove_dir_all(rig.metadata()).unwrap();
    rig.sync();
    check("after the state was lost");
}

#[test]
fn filterheaders_removes_fields_from_uploads_alone_with_the_embedded_server() {
    let server = ImapServer::start().unwrap();
    up_and_down(&Rig::new(server.address(), server.user(), server.password()).account(OPTION));
}

#[test]
fn filterheaders_removes_fields_from_uploads_alone_with_dovecot() {
    let server = Dovecot::start().unwrap();
    up_and_down(&Rig::of(server.endpoint()).account(OPTION));
}

#[test]
fn messages_are_recognised_whichever_way_they_once_went() {
    let server = ImapServer::start().unwrap();
    let rig = Rig::new(server.address(), server.user(), server.password()).account(OPTION);
    rig.imap().append("INBOX", "S", &wire(with_fields("down").as_bytes()));
    rig.maildir().create("INBOX");
    rig.maildir().deliver("INBOX", "S", with_fields("up").as_bytes());
    rig.sync();
    let (there, here) = (on_server(&rig), on_disk(&rig));
    forget_everything(&rig);
    drop(rig.overheard());
    rig.sync();
    let said = rig.overheard().join("\n");
    assert!(!said.contains("APPEND") && !said.contains("BODY.PEEK[]"), "{said}");
    assert!(on_server(&rig) == there && on_disk(&rig) == here);
    rig.does_nothing("after everything was forgotten");
}

#[test]
fn an_upload_that_was_killed_anywhere_is_stored_once() {
    for (option, uid_plus) in
        [(OPTION, true), (OPTION, false), ("filterheaders = Message-ID, x-gone", false)]
    {
        for step in 1.. {
            let builder = ImapServer::builder();
            let builder = if uid_plus { builder } else { builder.without(Capability::Uidplus) };
            let server = builder.start().unwrap();
            let rig = Rig::new(server.address(), server.user(), server.password()).account(option);
            rig.maildir().create("INBOX");
            for subject in ["one", "two"] {
                rig.maildir().deliver("INBOX", "S", with_fields(subject).as_bytes());
            }
            let steps = rig.crash(step);
            let when = format!("{option}, killed at step {step}: {:?}", steps.last());
            rig.sync();
            let stored = on_server(&rig);
            assert_eq!(stored.len(), 2, "{when}");
            assert!(stored.iter().all(|text| !text.contains("x-gone")), "{when}");
            assert!(on_disk(&rig) == sorted(["one", "two"].map(with_fields)), "{when}");
            rig.does_nothing(&when);
            if steps.len() < step {
                assert!(step > 8, "only {step} steps");
                break;
            }
        }
    }
}

#[test]
fn between_two_servers_fields_go_in_both_directions() {
    let [remote, local] = [(); 2].map(|()| ImapServer::start().unwrap());
    let rig = Rig::new(remote.address(), remote.user(), remote.password()).account(OPTION);
    let rig = rig
        .local("remotehost = 127.0.0.1")
        .local(&format!("remoteport = {}", local.port()))
        .local(&format!("remoteuser = {}", local.user()))
        .local(&format!("remotepass = {}", local.password()))
        .local("ssl = no\nstarttls = no");
    remote.mail().add("INBOX", wire(with_fields("from remote").as_bytes())).unwrap();
    local.mail().add("INBOX", wire(with_fields("from local").as_bytes())).unwrap();
    let texts = |server: &ImapServer| {
        let messages = server.mail().messages("INBOX").unwrap().into_iter();
        messages.map(|it| String::from_utf8(lf(&it.body.to_bytes())).unwrap()).collect::<Vec<_>>()
    };
    for when in ["at first", "again", "after the state was lost"] {
        let ended = rig.run(&["-k", "Repository_Local:type=IMAP"]);
        assert_eq!(ended.status, Some(0), "{when}: {}", ended.output);
        assert!(texts(&remote) == [with_fields("from remote"), without_fields("from local")]);
        assert!(texts(&local) == [with_fields("from local"), without_fields("from remote")]);
        if when == "again" {
            fs::remove_dir_all(rig.metadata()).unwrap();
        }
    }
}
