//! A real Dovecot on one side.

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::server::ImapServer;

use crate::scene::{Home, Place, add, uid, world};

#[test]
fn mail_goes_to_dovecot_and_back_with_flags_keywords_and_dates() {
    let dovecot = Dovecot::builder().separator('.').start().unwrap();
    let [first, second] = [(); 2].map(|()| ImapServer::start().unwrap());
    first.mail().create("Lists/rust");
    add(first.mail(), "INBOX", "one", &["\\Seen", "$Work"]);
    add(first.mail(), "INBOX", "two", &["\\Flagged"]);
    add(first.mail(), "Lists/rust", "three", &[]);
    let dovecot = Place::at(dovecot.endpoint());
    // From one server to Dovecot, and from there to another.
    let up = Home::new(&dovecot, &Place::of(&first), "");
    let down = Home::new(&dovecot, &Place::of(&second), "");
    up.sync();
    down.sync();
    assert_eq!(world(first.mail(), '/'), world(second.mail(), '/'));

    let mail = second.mail();
    mail.set_flags("INBOX", uid(mail, "INBOX", "one"), &["\\Answered", "$Done"]).unwrap();
    mail.expunge("INBOX", uid(mail, "INBOX", "two")).unwrap();
    add(mail, "Lists/rust", "four", &["\\Draft"]);
    let expected = world(mail, '/');
    down.sync();
    up.sync();
    assert_eq!(world(first.mail(), '/'), expected);

    for server in [&first, &second] {
        server.log().clear();
    }
    for home in [&up, &down] {
        let output = home.sync();
        assert!(!output.contains("Copy message") && !output.contains("flag"), "{output}");
    }
    for server in [&first, &second] {
        assert!(server.log().changing().is_empty(), "{:?}", server.log().changing());
    }
}
