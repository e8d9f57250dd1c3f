//! Messages are opaque: odd ones go both ways and come back octet by octet.

use std::collections::BTreeMap;
use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::{Odd, random, simple};
use offlineimap_testkit::server::ImapServer;

use crate::rig::{Mail, Rig, World, lf, wire};

/// All messages that a test sends, in wire form, by a name for reports.
fn odd_messages() -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for odd in Odd::ALL {
        all.insert(format!("{odd:?}"), odd.body().to_bytes().to_vec());
    }
    for (number, len) in [(1, 320), (2, 4_095), (3, 4_096), (4, 65_537), (5, 1_000_003)] {
        all.insert(format!("{len} octets"), random(number, len).to_bytes().to_vec());
    }
    let plain = simple("plain").to_bytes().to_vec();
    let with = |text: &[u8]| [plain.as_slice(), text].concat();
    all.insert("ends in CR".into(), with(b"the end\r"));
    all.insert("ends in two CR".into(), with(b"the end\r\r"));
    all.insert("one CR".into(), b"\r".to_vec());
    all.insert("one line end".into(), b"\r\n".to_vec());
    all.insert("one octet".into(), b"x".to_vec());
    all.insert("every octet".into(), with(&(0..=255_u8).cycle().take(5_000).collect::<Vec<_>>()));
    let nul_free = (1..=255_u8).filter(|octet| *octet != b'\r' && *octet != b'\n');
    all.insert(
        "every octet of text".into(),
        with(&nul_free.cycle().take(5_000).collect::<Vec<_>>()),
    );
    all.insert("looks like IMAP".into(), with(b")\r\na1 OK done\r\n* BYE {5}\r\n+ go on {12}\r\n"));
    // A CR on the last octet of a buffer, whatever the size of the buffer is.
    let edges = [512, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072];
    for edge in edges {
        let mut octets = vec![b'x'; edge - 1];
        octets.extend_from_slice(b"\r\nnext\r");
        all.insert(format!("line end across {edge}"), octets);
    }
    all
}

/// Compares what a side holds with what it should hold, and names the messages that differ.
fn assert_content(world: &World, messages: &BTreeMap<String, Vec<u8>>, when: &str) {
    let mut mails: Vec<&Mail> = world.get("INBOX").unwrap().iter().collect();
    let mut lost = Vec::new();
    for (name, octets) in messages {
        let wanted = lf(octets);
        match mails.iter().position(|mail| mail.content == wanted) {
            Some(at) => drop(mails.swap_remove(at)),
            None => lost.push(name),
        }
    }
    assert!(lost.is_empty() && mails.is_empty(), "{when}: lost {lost:?}, instead {mails:?}");
}

/// Takes messages that are on one side through both directions: to the other side, and back after
/// the Maildir was wiped.
fn there_and_back(rig: &Rig, messages: &BTreeMap<String, Vec<u8>>, from: &str) {
    rig.sync();
    let world = rig.same_mail(from);
    assert_content(&world, messages, from);
    rig.does_nothing(from);
    wipe(rig);
    rig.sync();
    let when = format!("{from}, downloaded again");
    assert_content(&rig.same_mail(&when), messages, &when);
    rig.does_nothing(&when);
}

/// Removes the local mail and all memory of it.
fn wipe(rig: &Rig) {
    fs::remove_dir_all(rig.maildir().root()).unwrap();
    fs::remove_dir_all(rig.metadata()).unwrap();
}

#[test]
fn odd_messages_survive_the_embedded_server_in_both_directions() {
    let messages = odd_messages();
    let server = ImapServer::start().unwrap();
    let rig = Rig::new(server.address(), server.user(), server.password());
    for octets in messages.values() {
        server.mail().add("INBOX", octets.clone()).unwrap();
    }
    there_and_back(&rig, &messages, "from the embedded server");

    let server = ImapServer::start().unwrap();
    let rig = Rig::new(server.address(), server.user(), server.password());
    rig.maildir().create("INBOX");
    for octets in messages.values() {
        rig.maildir().deliver("INBOX", "", &lf(octets));
    }
    there_and_back(&rig, &messages, "to the embedded server");
    let stored = server.mail().messages("INBOX").unwrap();
    assert_eq!(stored.len(), messages.len());
}

/// Dovecot 2.3 itself refuses or changes some: it takes no empty message, shows NUL as another
/// octet, and stores every line end as one kind. A line end across the end of its buffer makes it
/// hang up, whatever client asks for the message.
fn dovecot_keeps(octets: &[u8]) -> bool {
    if octets.get(65_535..65_537) == Some(b"\r\n") {
        return false;
    }
    let stray_line_feed = wire(&lf(octets)) != octets;
    !octets.is_empty() && !octets.contains(&0) && !stray_line_feed
}

#[test]
fn odd_messages_survive_dovecot_in_both_directions() {
    let mut messages = odd_messages();
    messages.retain(|_, octets| dovecot_keeps(octets));
    let names: Vec<_> = messages.keys().collect();
    assert!(messages.len() > 20, "{names:?}");
    let server = || Dovecot::builder().configuration("mail_save_crlf = yes").start().unwrap();
    let dovecot = server();
    let rig = Rig::of(dovecot.endpoint());
    let mut imap = rig.imap();
    for octets in messages.values() {
        imap.append("INBOX", "", octets);
    }
    there_and_back(&rig, &messages, "from Dovecot");

    let dovecot = server();
    let rig = Rig::of(dovecot.endpoint());
    rig.maildir().create("INBOX");
    for octets in messages.values() {
        rig.maildir().deliver("INBOX", "", &lf(octets));
    }
    there_and_back(&rig, &messages, "to Dovecot");
}
