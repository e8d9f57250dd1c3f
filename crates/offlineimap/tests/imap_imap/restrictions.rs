//! `maxsize` between two servers: what is too large stays as it is on both.

use offlineimap_testkit::message;
use offlineimap_testkit::server::{ImapServer, MailStore, NewMessage};

use crate::scene::{Home, Place, add, uid, world};

/// Adds a message of more than a thousand octets.
fn add_large(mail: &MailStore, subject: &str, flags: &[&str]) {
    let mut text = message::simple(subject).to_bytes().to_vec();
    text.extend(b"and so on\r\n".repeat(100));
    mail.add("INBOX", NewMessage::new(message::Body::from(text)).with_flags(flags)).unwrap();
}

/// Subjects and flags in the INBOX, sorted.
fn inbox(server: &ImapServer) -> Vec<String> {
    let lines = world(server.mail(), '/').remove("INBOX").unwrap().into_iter();
    lines.map(|line| line.rsplit_once(", ").unwrap().0.to_owned()).collect()
}

fn expunge(server: &ImapServer, subject: &str) {
    let mail = server.mail();
    mail.expunge("INBOX", uid(mail, "INBOX", subject)).unwrap();
}

fn flag(server: &ImapServer, subject: &str) {
    let mail = server.mail();
    mail.set_flags("INBOX", uid(mail, "INBOX", subject), &["\\Flagged"]).unwrap();
}

fn assert_settled(home: &Home, servers: [&ImapServer; 2]) {
    for server in servers {
        server.log().clear();
    }
    home.sync();
    for server in servers {
        assert!(server.log().changing().is_empty(), "{:?}", server.log().changing());
    }
}

#[test]
fn what_is_too_large_is_left_alone_on_both_servers() {
    let [remote, local] = [(); 2].map(|()| ImapServer::start().unwrap());
    for subject in ["a", "b", "c"] {
        add(remote.mail(), "INBOX", subject, &[]);
        add_large(remote.mail(), &format!("large {subject}"), &[]);
    }
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    home.sync();
    assert_eq!(inbox(&remote), inbox(&local));

    home.also("[Account Test]\n", "maxsize = 1000\n");
    assert_settled(&home, [&remote, &local]);
    for prefix in ["", "large "] {
        expunge(&remote, &format!("{prefix}a"));
        expunge(&local, &format!("{prefix}b"));
        flag(&local, &format!("{prefix}c"));
    }
    add_large(remote.mail(), "large there", &[]);
    add_large(local.mail(), "large here", &[]);
    add(remote.mail(), "INBOX", "there", &[]);
    add(local.mail(), "INBOX", "here", &[]);
    home.sync();
    assert_eq!(
        inbox(&remote),
        ["c, \\Flagged", "here, ", "large b, ", "large c, ", "large there, ", "there, "]
    );
    assert_eq!(
        inbox(&local),
        ["c, \\Flagged", "here, ", "large a, ", "large c, \\Flagged", "large here, ", "there, "]
    );
    assert_settled(&home, [&remote, &local]);

    // With a higher limit everything is synced again; what is missing is copied, nothing deleted.
    let ended = home.run(&["-k", "Account_Test:maxsize=1000000"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let all = [
        "c, \\Flagged",
        "here, ",
        "large a, ",
        "large b, ",
        "large c, \\Flagged",
        "large here, ",
        "large there, ",
        "there, ",
    ];
    assert_eq!([inbox(&remote), inbox(&local)], [all, all]);
}
