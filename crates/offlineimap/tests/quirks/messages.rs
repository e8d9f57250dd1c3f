//! What happens to messages and their files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{
    Capability, ImapServer, ImapServerBuilder, InternalDate, NewMessage, Quirk,
};

use crate::rig::{Mail, Rig, lf};
use crate::rig_for;

/// The names of the message files of INBOX, with their directory, sorted.
fn names(rig: &Rig) -> Vec<String> {
    let mut names = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(rig.maildir().folder("INBOX").join(part)).unwrap() {
            names.push(format!("{part}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    names.sort();
    names
}

/// The name of the file with this UID.
fn name_of(rig: &Rig, uid: u32) -> String {
    let part = format!(",U={uid},");
    let mut found = names(rig).into_iter().filter(|name| name.contains(&part));
    let name = found.next().unwrap_or_else(|| panic!("no {uid} in {:?}", names(rig)));
    assert_eq!(found.next(), None);
    name
}

/// What stands for the numbers of a moment, a process and this machine.
fn shape(name: &str) -> String {
    let (directory, name) = name.split_once('/').unwrap();
    let (unique, rest) = name.split_once(',').unwrap();
    let mut parts = unique.splitn(3, '.');
    let (time, sequence) = parts.next().unwrap().split_once('_').unwrap();
    for number in [time, sequence, parts.next().unwrap()] {
        number.parse::<u64>().unwrap();
    }
    assert!(!parts.next().unwrap().is_empty(), "{name}");
    format!("{directory}/N_N.N.HOST,{rest}")
}

#[test]
fn message_files_are_placed_and_named_as_ever() {
    let server = ImapServer::start().unwrap();
    for flags in [&[][..], &["\\Seen"], &["\\Flagged"], &["\\Flagged", "\\Seen", "\\Draft"]] {
        let message = NewMessage::new(simple("mail")).with_flags(flags);
        server.mail().add("INBOX", message).unwrap();
    }
    let rig = rig_for(&server);
    rig.sync();
    let hash = "FMD5=7e33429f656f1e6e9d79b29c3f82c57e";
    let shapes = |rig: &Rig| names(rig).iter().map(|name| shape(name)).collect::<BTreeSet<_>>();
    let downloaded = [
        format!("cur/N_N.N.HOST,U=2,{hash}:2,S"),
        format!("cur/N_N.N.HOST,U=4,{hash}:2,DFS"),
        format!("new/N_N.N.HOST,U=1,{hash}:2,"),
        format!("new/N_N.N.HOST,U=3,{hash}:2,F"),
    ];
    assert_eq!(shapes(&rig), BTreeSet::from(downloaded.clone()));

    // What another program puts there gets a name of ours when it has been stored on the server;
    // what is hidden is no message, and a directory that lacks a part is no folder.
    let maildir = rig.maildir();
    maildir.deliver("INBOX", "RS", &lf(&simple("from here").to_bytes()));
    fs::write(maildir.folder("INBOX").join("cur/.hidden:2,S"), "no message").unwrap();
    for part in ["cur", "new"] {
        fs::create_dir_all(maildir.folder("Half").join(part)).unwrap();
    }
    rig.sync();
    fs::remove_file(maildir.folder("INBOX").join("cur/.hidden:2,S")).unwrap();
    let uploaded = format!("cur/N_N.N.HOST,U=5,{hash}:2,RS");
    let all: BTreeSet<String> = downloaded.into_iter().chain([uploaded]).collect();
    assert_eq!(shapes(&rig), all);
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_message_whose_flags_change_in_cur_stays_there() {
    let server = ImapServer::start().unwrap();
    let message = NewMessage::new(simple("mail")).with_flags(&["\\Seen"]);
    let uid = server.mail().add("INBOX", message).unwrap();
    let rig = rig_for(&server);
    rig.sync();
    for (flags, ending) in [(&["\\Flagged"][..], ":2,F"), (&[], ":2,"), (&["\\Draft"], ":2,D")] {
        server.mail().set_flags("INBOX", uid, flags).unwrap();
        rig.sync();
        let name = name_of(&rig, uid);
        assert!(name.starts_with("cur/") && name.ends_with(ending), "{name}");
    }
}

/// The start of 2001.
const LONG_AGO: u64 = 978_307_200;

#[test]
fn the_date_of_a_file_goes_up_and_that_of_a_message_does_not_come_down() {
    let later = 1_009_843_200;
    let server = ImapServer::start().unwrap();
    let date = InternalDate::from_unix_seconds(later);
    server.mail().add("INBOX", NewMessage::new(simple("there")).with_date(date)).unwrap();
    let rig = rig_for(&server);
    rig.maildir().create("INBOX");
    let path = rig.maildir().deliver("INBOX", "S", &lf(&simple("here").to_bytes()));
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO);
    fs::File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    let begun = now();
    rig.sync();
    let stored = server.mail().messages("INBOX").unwrap().pop().unwrap();
    assert_eq!(u64::try_from(stored.unix_seconds()).unwrap(), LONG_AGO);
    let downloaded = rig.maildir().find("INBOX", "there").path;
    let modified = u64::try_from(fs::metadata(downloaded).unwrap().mtime()).unwrap();
    assert!(modified + 1 >= begun, "{modified} is not the time of its arrival");
}

#[test]
fn a_time_zone_of_half_an_hour_west_of_greenwich_is_written_as_it_is() {
    let server = ImapServer::start().unwrap();
    let rig = rig_for(&server);
    rig.maildir().create("INBOX");
    let path = rig.maildir().deliver("INBOX", "S", &lf(&simple("here").to_bytes()));
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO);
    fs::File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    let ended = rig.start(rig.command().env("TZ", "NST3:30")).wait();
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    rig.wait_for_hangup();
    let said = rig.overheard().join("\n");
    assert!(said.contains("\"31-Dec-2000 20:30:00 -0330\""), "{said}");
    let stored = server.mail().messages("INBOX").unwrap().pop().unwrap();
    assert_eq!(u64::try_from(stored.unix_seconds()).unwrap(), LONG_AGO);
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn copies_come_first_then_flags_then_deletions() {
    let server = ImapServer::start().unwrap();
    let mail = server.mail();
    for subject in ["1", "2", "3", "4"] {
        mail.add("INBOX", simple(subject)).unwrap();
    }
    let rig = rig_for(&server);
    rig.sync();
    let maildir = rig.maildir();
    mail.add("INBOX", simple("new there")).unwrap();
    maildir.deliver("INBOX", "", &lf(&simple("new here").to_bytes()));
    mail.set_flags("INBOX", 1, &["\\Seen"]).unwrap();
    maildir.set_flags("INBOX", "2", "F");
    mail.expunge("INBOX", 3).unwrap();
    maildir.remove("INBOX", "4");
    drop(rig.overheard());
    let steps = rig.steps();
    let at = |part: &str| -> usize {
        let found = steps.iter().position(|step| step.contains(part));
        found.unwrap_or_else(|| panic!("no {part} in {steps:#?}"))
    };
    let copies = [at("maildir stage"), at("APPEND")];
    let flags = [at("STORE 2 +(\\Flagged)"), at(":2,S")];
    let deletions = [at("EXPUNGE 4"), at("maildir unlink")];
    assert!(copies.iter().max() < flags.iter().min(), "{steps:#?}");
    assert!(flags.iter().max() < deletions.iter().min(), "{steps:#?}");

    // And nothing is said that servers need not hear.
    let said = rig.overheard().join("\n");
    assert!(!said.contains("CHECK") && !said.contains("STORE 2 +FLAGS ("), "{said}");
    assert!(said.contains("FLAGS.SILENT"), "{said}");
    rig.same_mail("after the sync");
}

#[test]
fn letters_of_other_programs_survive_whatever_is_synced() {
    let server = ImapServer::start().unwrap();
    let uid = server.mail().add("INBOX", simple("mail")).unwrap();
    let rig = rig_for(&server);
    rig.sync();
    rig.maildir().set_flags("INBOX", "mail", "Pab");
    drop(rig.overheard());
    for (flags, ending) in [
        (&[][..], ":2,Pab"),
        (&["\\Flagged"], ":2,FPab"),
        (&["\\Seen"], ":2,PSab"),
        (&[], ":2,Pab"),
    ] {
        server.mail().set_flags("INBOX", uid, flags).unwrap();
        rig.sync();
        let name = name_of(&rig, uid);
        assert!(name.starts_with("cur/") && name.ends_with(ending), "{name}");
    }
    let said = rig.overheard().join("\n");
    assert!(!said.contains("STORE"), "nothing was changed on the server: {said}");
    rig.does_nothing("with letters of other programs");
}

#[test]
fn what_is_no_file_does_not_keep_messages_from_being_stored() {
    let server = ImapServer::start().unwrap();
    let rig = rig_for(&server);
    rig.sync();
    let inbox = rig.maildir().folder("INBOX");
    for directory in ["cur/old:2,S", "new/sorted"] {
        fs::create_dir(inbox.join(directory)).unwrap();
    }
    rig.maildir().deliver("INBOX", "S", &lf(&simple("here").to_bytes()));
    let ended = rig.sync();
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1], "{}", ended.output);
    for directory in ["cur/old:2,S", "new/sorted"] {
        assert!(inbox.join(directory).is_dir());
    }
}

#[test]
fn of_two_files_with_one_number_none_is_lost() {
    let server = ImapServer::start().unwrap();
    let uid = server.mail().add("INBOX", simple("mail")).unwrap();
    let rig = rig_for(&server);
    rig.sync();
    // As when somebody copies a file and edits it.
    let inbox = rig.maildir().folder("INBOX");
    let name = name_of(&rig, uid);
    let (_, base) = name.split_once('/').unwrap();
    let (_, rest) = base.split_once('.').unwrap();
    let copy = inbox.join(format!("cur/1600000000_7.{rest}S"));
    fs::write(&copy, lf(&simple("another").to_bytes())).unwrap();
    rig.sync();
    let world = rig.same_mail("both are messages");
    let mut subjects: Vec<String> = world["INBOX"].iter().map(Mail::subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["another", "mail"]);
    rig.does_nothing("after that");
}

#[test]
fn a_second_file_of_one_name_is_told_and_nothing_is_concluded_from_it() {
    let server = ImapServer::start().unwrap();
    let message = NewMessage::new(simple("mail")).with_flags(&["\\Seen"]);
    let uid = server.mail().add("INBOX", message).unwrap();
    let rig = rig_for(&server);
    let ended = rig.sync();
    let told = "two files have the name of one message; one of them is ignored";
    assert!(!ended.output.contains(told), "{}", ended.output);
    // As when a backup is put back over a folder in which mail was read since.
    let inbox = rig.maildir().folder("INBOX");
    let read = name_of(&rig, uid);
    let unread = read.replace("cur/", "new/").replace(":2,S", ":2,");
    fs::copy(inbox.join(&read), inbox.join(&unread)).unwrap();
    for _ in 0..2 {
        let ended = rig.sync();
        assert!(ended.output.contains(told), "{}", ended.output);
        assert_eq!(server.mail().message("INBOX", uid).unwrap().flags.len(), 1);
        assert_eq!(names(&rig), [read.clone(), unread.clone()]);
    }
}

#[test]
fn no_header_is_added_and_none_is_taken_away() {
    for server in [
        ImapServer::builder(),
        ImapServer::builder().without(Capability::Uidplus),
        ImapServerBuilder::minimal(),
    ] {
        let server = server.start().unwrap();
        let with_header = |name: &str| {
            let mut octets =
                format!("X-OfflineIMAP: 12345-6789\r\nSubject: {name}\r\n").into_bytes();
            octets.extend(b"Message-ID: <1@example.org>\r\n\r\n-- \r\n");
            octets
        };
        server.mail().add("INBOX", with_header("there")).unwrap();
        let rig = rig_for(&server);
        rig.maildir().create("INBOX");
        rig.maildir().deliver("INBOX", "", &lf(&with_header("here")));
        rig.maildir().deliver("INBOX", "", &lf(&simple("plain").to_bytes()));
        rig.sync();
        let stored = server.mail().messages("INBOX").unwrap();
        let mut stored: Vec<_> = stored.iter().map(|it| it.body.to_bytes().to_vec()).collect();
        stored.sort();
        let mut expected =
            vec![with_header("there"), with_header("here"), simple("plain").to_bytes().to_vec()];
        expected.sort();
        assert!(stored == expected, "{stored:?}");
        let local = fs::read(rig.maildir().find("INBOX", "there").path).unwrap();
        assert_eq!(local, lf(&with_header("there")));
        rig.does_nothing("after the uploads");
    }
}

/// Servers that do not tell where they put a message, and whose search is of no help either.
fn silent_servers() -> [ImapServerBuilder; 2] {
    [
        ImapServer::builder().quirk(Quirk::NoAppendUid),
        ImapServerBuilder::minimal().quirk(Quirk::HeaderSearchFindsNothing),
    ]
}

#[test]
fn a_message_of_which_the_server_tells_no_uid_keeps_its_file() {
    for server in silent_servers() {
        let server = server.start().unwrap();
        let rig = rig_for(&server);
        rig.maildir().create("INBOX");
        // Two of one kind, without anything by which they could be told apart.
        for _ in 0..2 {
            rig.maildir().deliver("INBOX", "", b"Subject: nameless\n\nno Message-ID, no date\n");
        }
        let files = || -> BTreeSet<u64> {
            rig.maildir().messages("INBOX").iter().map(|mail| inode(&mail.path)).collect()
        };
        let before = files();
        for _ in 0..2 {
            rig.sync();
            assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2]);
            assert_eq!(files(), before, "a file was replaced by a download");
        }
    }
}

#[test]
fn a_file_with_a_number_that_the_server_does_not_know_is_kept_and_stored_when_it_can_be() {
    let server = ImapServer::start().unwrap();
    server.mail().create("Shared");
    server.mail().add("Shared", simple("there")).unwrap();
    server.mail().make_read_only("Shared").unwrap();
    let rig = rig_for(&server);
    rig.sync();
    let known = rig.maildir().find("Shared", "there").path;
    let name = known.file_name().unwrap().to_str().unwrap();
    let other = known.with_file_name(name.replace(",U=1,", ",U=99,").replace('_', "_9"));
    fs::write(&other, lf(&simple("here").to_bytes())).unwrap();
    for when in ["the first run", "the second run", "the third run"] {
        let ended = rig.sync();
        let warning = "to folder IMAP[Shared], but that folder is read-only";
        assert!(ended.output.contains(warning), "{when}: {}", ended.output);
        assert!(other.exists(), "{when}: {}", ended.output);
        assert_eq!(server.mail().uids("Shared").unwrap(), [1], "{when}");
    }
    // The same where it can be stored.
    let writable = rig.maildir().folder("INBOX").join("cur");
    let hash = "FMD5=7e33429f656f1e6e9d79b29c3f82c57e";
    let stray = writable.join(format!("1600000000_1.1.host,U=99,{hash}:2,S"));
    fs::write(&stray, lf(&simple("stray").to_bytes())).unwrap();
    rig.sync();
    let stored = server.mail().messages("INBOX").unwrap();
    assert_eq!(stored.len(), 1);
    assert!(name_of(&rig, stored[0].uid).ends_with(":2,S"));
    assert_eq!(rig.maildir().messages("INBOX").len(), 1);
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}
