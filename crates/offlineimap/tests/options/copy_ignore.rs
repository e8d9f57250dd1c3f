//! `copy_ignore_eval`: messages that stay where they are.

use std::fs;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;

use crate::rig::{Ended, Rig};

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    for subject in ["one", "two", "three"] {
        server.mail().add("INBOX", simple(subject)).unwrap();
    }
    server.mail().create("Lists");
    server.mail().add("Lists", simple("list one")).unwrap();
    server
}

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}

fn subjects(rig: &Rig, folder: &str) -> Vec<String> {
    let mut subjects: Vec<String> =
        rig.maildir().messages(folder).iter().map(crate::rig::LocalMail::subject).collect();
    subjects.sort();
    subjects
}

fn on_server(rig: &Rig, folder: &str) -> Vec<String> {
    let messages = rig.imap().messages(folder);
    let mut subjects: Vec<String> = messages.iter().map(crate::rig::ServerMail::subject).collect();
    subjects.sort();
    subjects
}

/// The lines about messages that were ignored.
fn ignored(ended: &Ended) -> Vec<&str> {
    ended.output.lines().filter(|line| line.contains("IGNORED")).collect()
}

#[test]
fn the_messages_that_are_named_are_not_copied_and_nothing_is_deleted() {
    let server = server();
    let rig = rig(&server)
        .remote("copy_ignore_eval = lambda foldername: {'INBOX': [2, 3, 99]}.get(foldername)");
    let ended = rig.sync();
    assert_eq!(
        ignored(&ended),
        [
            "IGNORED: Copy message UID 2 Remote:INBOX -> Local",
            "IGNORED: Copy message UID 3 Remote:INBOX -> Local",
        ]
    );
    assert_eq!(subjects(&rig, "INBOX"), ["one"]);
    assert_eq!(subjects(&rig, "Lists"), ["list one"]);
    rig.does_nothing("with messages that are ignored");
    assert_eq!(on_server(&rig, "INBOX"), ["one", "three", "two"]);
    // The option is gone, and so is its effect.
    let path = rig.home().join("offlineimaprc");
    let rc = fs::read_to_string(&path).unwrap();
    let without: Vec<&str> = rc.lines().filter(|line| !line.contains("copy_ignore_eval")).collect();
    fs::write(&path, without.join("\n")).unwrap();
    let ended = rig.sync();
    assert_eq!(ignored(&ended), Vec::<&str>::new());
    assert_eq!(subjects(&rig, "INBOX"), ["one", "three", "two"]);
}

#[test]
fn what_was_copied_before_stays_and_is_synced() {
    let server = server();
    let rig = rig(&server);
    rig.sync();
    let rig = rig.remote("copy_ignore_eval = lambda foldername: range(1, 100)");
    let ended = rig.sync();
    assert_eq!(ignored(&ended), Vec::<&str>::new(), "{}", ended.output);
    assert_eq!(subjects(&rig, "INBOX"), ["one", "three", "two"]);
    rig.does_nothing("after the option was set");
    let uid = rig.imap().uid("INBOX", "one");
    rig.imap().set_flags("INBOX", uid, "F");
    rig.maildir().remove("INBOX", "two");
    rig.sync();
    assert_eq!(rig.maildir().find("INBOX", "one").flags, "F");
    assert_eq!(on_server(&rig, "INBOX"), ["one", "three"]);
    // Lost state: each is recognised, although it would not be copied.
    fs::remove_dir_all(rig.metadata()).unwrap();
    let ended = rig.sync();
    assert_eq!(ignored(&ended), Vec::<&str>::new(), "{}", ended.output);
    assert_eq!(subjects(&rig, "INBOX"), ["one", "three"]);
    assert_eq!(on_server(&rig, "INBOX"), ["one", "three"]);
}

#[test]
fn a_dry_run_leaves_them_out_of_the_plan() {
    let server = server();
    let rig = rig(&server).remote("copy_ignore_eval = lambda foldername: [1]");
    let ended = rig.run(&["--dry-run", "-f", "INBOX"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(
        ended.output.contains("[DRYRUN] Copy 2 messages from INBOX[Remote]"),
        "{}",
        ended.output
    );
    assert_eq!(ignored(&ended), ["IGNORED: Copy message UID 1 Remote:INBOX -> Local"]);
}

#[test]
fn a_folder_for_which_the_function_fails_is_left_alone() {
    for (function, complaint) in [
        ("{'Lists': []}[f]", "KeyError: 'INBOX'"),
        ("None if f == 'Lists' else ['2']", "the value is of type str, and not int"),
        ("None if f == 'Lists' else 2", "TypeError: 'int' object is not iterable"),
    ] {
        let server = server();
        let rig = rig(&server).remote(&format!("copy_ignore_eval = lambda f: {function}"));
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{function}: {}", ended.output);
        let told = "'copy_ignore_eval' of repository 'Remote', called for 'INBOX'";
        assert!(ended.output.contains(told), "{function}: {}", ended.output);
        assert!(ended.output.contains(complaint), "{function}: {}", ended.output);
        assert_eq!(subjects(&rig, "INBOX"), Vec::<String>::new(), "{function}");
        assert_eq!(subjects(&rig, "Lists"), ["list one"], "{function}");
    }
}

#[test]
fn functions_of_the_pythonfile_are_called_and_one_that_cannot_be_had_ends_the_account() {
    let server = server();
    let rig = rig(&server)
        .general("pythonfile = ~/functions.py")
        .remote("copy_ignore_eval = ignored_of()");
    let functions = "def ignored_of():\n    open('asked', 'a').write('x')\n    \
                     return lambda name: {1, 3} if name == 'INBOX' else None\n";
    fs::write(rig.home().join("functions.py"), functions).unwrap();
    rig.sync();
    assert_eq!(subjects(&rig, "INBOX"), ["two"]);
    assert_eq!(fs::read_to_string(rig.home().join("asked")).unwrap(), "x");

    fs::write(rig.home().join("functions.py"), "").unwrap();
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    let told = "account 'Test'\n  no value of 'copy_ignore_eval' of repository 'Remote'";
    // At once, and in the report at the end.
    assert_eq!(ended.output.matches(told).count(), 2, "{}", ended.output);
}
