//! How message files are named.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;

use crate::rig::Rig;

/// The names of the message files of INBOX, with their directory, sorted.
fn names(rig: &Rig) -> Vec<String> {
    let folder = rig.maildir().folder("INBOX");
    let mut names = Vec::new();
    for subdir in ["cur", "new"] {
        for entry in fs::read_dir(folder.join(subdir)).unwrap() {
            names.push(format!("{subdir}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    names.sort();
    names
}

/// The name of the message with this UID.
fn name_of(rig: &Rig, uid: u32) -> String {
    let part = format!(",U={uid},");
    names(rig).into_iter().find(|name| name.contains(&part)).unwrap()
}

#[test]
fn maildir_windows_compatible_changes_names_as_messages_change_and_no_flag_is_lost() {
    let server = ImapServer::start().unwrap();
    let add = |subject: &str, flags: &[&str]| {
        let uid = server.mail().add("INBOX", simple(subject).to_bytes()).unwrap();
        server.mail().set_flags("INBOX", uid, flags).unwrap();
        uid
    };
    let flags = |uid| server.mail().message("INBOX", uid).unwrap().flags;
    let rig = Rig::new(server.address(), server.user(), server.password());
    let [changed, kept] = ["changed", "kept"].map(|subject| add(subject, &["\\Seen"]));
    rig.sync();
    let before = name_of(&rig, kept);
    assert!(before.ends_with(":2,S"), "{before}");

    let rig = rig.account("maildir-windows-compatible = yes");
    rig.does_nothing("after the option was set");
    server.mail().set_flags("INBOX", changed, &["\\Seen", "\\Flagged"]).unwrap();
    let new = add("new", &["\\Answered"]);
    rig.sync();
    assert_eq!(name_of(&rig, kept), before);
    let after = name_of(&rig, changed);
    assert!(after.starts_with("cur/") && after.ends_with("!2,FS"), "{after}");
    let arrived = name_of(&rig, new);
    assert!(arrived.starts_with("new/") && arrived.ends_with("!2,R"), "{arrived}");
    rig.does_nothing("with both forms in the folder");

    // Another mail program on this machine changes flags in either form.
    let folder = rig.maildir().folder("INBOX");
    fs::rename(folder.join(&after), folder.join(after.replace("!2,FS", "!2,S"))).unwrap();
    fs::rename(folder.join(&before), folder.join(before.replace(":2,S", ":2,RS"))).unwrap();
    rig.sync();
    assert_eq!(flags(changed), BTreeSet::from(["\\Seen".to_owned()]));
    assert_eq!(flags(kept).len(), 2);
    assert_eq!(names(&rig).len(), 3);
    rig.does_nothing("after changes of other programs");
}

#[test]
fn names_and_times_come_from_the_date_of_the_message() {
    let server = ImapServer::start().unwrap();
    let add = |header: &str| {
        let wire = format!("Subject: x\r\n{header}Message-ID: <{}@x>\r\n\r\nx\r\n", header.len());
        server.mail().add("INBOX", wire.into_bytes()).unwrap()
    };
    let rig = Rig::new(server.address(), server.user(), server.password());
    // The general option is the default of the repository's.
    let rig = rig.general("filename_use_mail_timestamp = yes").general("utime_from_header = no");
    let rig = rig.local("utime_from_header = yes");
    let before_1970 = add("Date: Sat, 02 Jan 1960 00:00:45 +0000\r\n");
    let delivered = add("Delivery-date: Thu, 01 Jan 1970 01:00:00 +0100 (CET)\r\n");
    let invalid = add("Date: the other day\r\n");
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(ended.output.matches("invalid date").count(), 1, "{}", ended.output);
    assert!(!ended.output.contains("the other day"), "{}", ended.output);
    for (uid, name_begins, seconds) in [
        (before_1970, "-315532755_", Some(-315_532_755)),
        (delivered, "0_", None),
        (invalid, "1", None),
    ] {
        let name = name_of(&rig, uid);
        assert!(name.starts_with(&format!("new/{name_begins}")), "{name}");
        let about = fs::metadata(rig.maildir().folder("INBOX").join(&name)).unwrap();
        match seconds {
            Some(seconds) => assert_eq!(about.mtime(), seconds, "{name}"),
            None => assert!(about.mtime() > 1_700_000_000, "{name}: {}", about.mtime()),
        }
    }
    rig.does_nothing("after messages with dates came");
}

/// The start of 2001.
const LONG_AGO: u64 = 978_307_200;

#[test]
fn restoreatime_hides_that_a_sync_read_the_directories() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("first").to_bytes()).unwrap();
    let rig = Rig::new(server.address(), server.user(), server.password());
    rig.sync();
    let directories = ["new", "cur"].map(|part| rig.maildir().folder("INBOX").join(part));
    let accessed = || directories.each_ref().map(|it| fs::metadata(it).unwrap().atime());
    let read_long_ago = || {
        for directory in &directories {
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO);
            let times = fs::FileTimes::new().set_accessed(long_ago);
            fs::File::open(directory).unwrap().set_times(times).unwrap();
        }
    };
    read_long_ago();
    rig.sync();
    // Some file systems tell nobody when they were read.
    let shown = accessed() != [i64::try_from(LONG_AGO).unwrap(); 2];

    let rig = rig.local("restoreatime = yes");
    read_long_ago();
    server.mail().add("INBOX", simple("second").to_bytes()).unwrap();
    rig.sync();
    assert_eq!(names(&rig).len(), 2);
    read_long_ago();
    rig.sync();
    assert_eq!(
        accessed(),
        [i64::try_from(LONG_AGO).unwrap(); 2],
        "without the option they changed: {shown}"
    );
}
