//! What is carried from server to server.

use offlineimap_testkit::message;
use offlineimap_testkit::server::{ImapServer, NewMessage};

use crate::scene::{Home, Place, add, uid, world};

/// What a sync may take, whatever the size of a message.
const MEMORY_LIMIT_KILOBYTES: u64 = 40 * 1024;

#[test]
fn the_first_sync_goes_both_ways_and_the_second_changes_nothing() {
    let remote = ImapServer::builder().delimiter('.').start().unwrap();
    let local = ImapServer::start().unwrap();
    remote.mail().create("Lists.rust");
    local.mail().create("Drafts/old");
    add(remote.mail(), "INBOX", "one", &["\\Seen", "$Work"]);
    add(remote.mail(), "Lists.rust", "two", &[]);
    add(local.mail(), "INBOX", "three", &["\\Flagged", "$Forwarded"]);
    add(local.mail(), "Drafts/old", "four", &["\\Draft"]);
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    let output = home.sync();
    assert!(output.contains("Syncing INBOX: IMAP -> MappedIMAP\n"), "{output}");
    let both = world(remote.mail(), '.');
    assert_eq!(both, world(local.mail(), '/'));
    let lines: Vec<String> = both
        .iter()
        .flat_map(|(folder, lines)| lines.iter().map(move |line| format!("{folder}: {line}")))
        .map(|line| line.rsplit_once(", ").unwrap().0.to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "Drafts/old: four, \\Draft",
            "INBOX: one, $Work \\Seen",
            "INBOX: three, $Forwarded \\Flagged",
            "Lists/rust: two, ",
        ]
    );
    assert!(both.values().flatten().all(|line| line.contains(", 100000")), "{both:?}");

    for server in [&remote, &local] {
        server.log().clear();
    }
    home.sync();
    for server in [&remote, &local] {
        assert!(server.log().changing().is_empty(), "{:?}", server.log().changing());
    }
}

#[test]
fn changes_of_both_sides_meet() {
    let remote = ImapServer::start().unwrap();
    let local = ImapServer::start().unwrap();
    for subject in ["read", "work", "gone there", "gone here", "both"] {
        add(remote.mail(), "INBOX", subject, &["$Old"]);
    }
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    // The same messages have other UIDs here.
    add(local.mail(), "INBOX", "first here", &[]);
    home.sync();
    let (there, here) = (remote.mail(), local.mail());
    there.set_flags("INBOX", uid(there, "INBOX", "read"), &["\\Seen", "$Old"]).unwrap();
    here.set_flags("INBOX", uid(here, "INBOX", "work"), &["$Work"]).unwrap();
    there.set_flags("INBOX", uid(there, "INBOX", "both"), &["$Old", "\\Seen"]).unwrap();
    here.set_flags("INBOX", uid(here, "INBOX", "both"), &["$Old", "\\Flagged"]).unwrap();
    there.expunge("INBOX", uid(there, "INBOX", "gone there")).unwrap();
    here.expunge("INBOX", uid(here, "INBOX", "gone here")).unwrap();
    add(there, "INBOX", "new there", &[]);
    add(here, "INBOX", "new here", &[]);
    home.sync();
    assert_eq!(world(there, '/'), world(here, '/'));
    let lines: Vec<String> = world(there, '/')["INBOX"]
        .iter()
        .map(|line| line.rsplit_once(", ").unwrap().0.to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "both, $Old \\Flagged \\Seen",
            "first here, ",
            "new here, ",
            "new there, ",
            "read, $Old \\Seen",
            "work, $Work",
        ]
    );
    for server in [&remote, &local] {
        server.log().clear();
    }
    home.sync();
    assert!(remote.log().changing().is_empty() && local.log().changing().is_empty());
}

#[test]
fn a_look_before_the_first_sync_changes_neither_server() {
    let [remote, local] = [(); 2].map(|()| ImapServer::start().unwrap());
    remote.mail().create("there");
    add(remote.mail(), "there", "one", &[]);
    add(local.mail(), "INBOX", "two", &[]);
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    let planned = home.run(&["--dry-run"]);
    assert_eq!(planned.status, Some(0), "{}", planned.output);
    for line in [
        "[DRYRUN] Creating folder there[Local]",
        "[DRYRUN] Copy 1 messages from there[Remote] to Local",
        "[DRYRUN] Copy 1 messages from INBOX[Local] to Remote",
    ] {
        assert!(planned.output.contains(line), "{line}: {}", planned.output);
    }
    let told = home.run(&["--info"]);
    assert_eq!(told.status, Some(0), "{}", told.output);
    assert!(told.output.contains("Local repository 'Local': type 'MappedIMAP'"), "{}", told.output);
    assert!(remote.log().changing().is_empty() && local.log().changing().is_empty());
}

#[test]
fn a_huge_message_passes_through_in_little_memory() {
    let remote = ImapServer::start().unwrap();
    let local = ImapServer::start().unwrap();
    let huge = message::huge(7, 64 << 20);
    remote.mail().add("INBOX", NewMessage::new(huge.clone())).unwrap();
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    let ended = home.run(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let copies = local.mail().messages("INBOX").unwrap();
    assert_eq!(copies.len(), 1);
    assert!(copies.iter().all(|copy| copy.body.to_bytes() == huge.to_bytes()), "not the same");
    let peak = ended.peak_kilobytes;
    assert!((1024..MEMORY_LIMIT_KILOBYTES).contains(&peak), "{peak} kB");
}
