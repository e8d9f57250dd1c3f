//! `offlineimap check`.

use std::fs;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;

use crate::sandbox::{Sandbox, account};

fn sandbox(server: &ImapServer, remote: &str, local: &str) -> Sandbox {
    let account = account("Test", server);
    let local = format!("[Repository Local]\n{local}");
    let account = account.replace("[Repository Local]", &local);
    let account = account.replace("[Repository Remote]", &format!("[Repository Remote]\n{remote}"));
    Sandbox::configured(&format!("[general]\naccounts = Test\n\n{account}\n"))
}

#[test]
fn a_check_tells_the_folders_and_the_native_options_without_a_connection() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("hello").to_bytes()).unwrap();
    server.mail().create("Lists/rust");
    server.mail().create("Trash");
    let sandbox = sandbox(
        &server,
        "folderfilter = lambda f: f not in ['Trash']\nnametrans = lambda f: re.sub('^Lists/', 'l/', f)",
        "nametrans = lambda f: re.sub(r'^l\\.', 'Lists.', f)",
    );
    let synced = sandbox.run(&[]);
    assert_eq!(synced.status, Some(0), "{}", synced.stderr);
    let connections = server.log().count("LOGIN") + server.log().count("AUTHENTICATE");
    let ran = sandbox.run(&["check"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let told = &ran.stderr;
    for line in [
        "remote Remote: IMAP, tester at ",
        "    INBOX <-> INBOX\n",
        "    Lists/rust <-> l.rust\n",
        "'folderfilter' in [Repository Remote]\n      excludefolders = Trash\n",
        "'nametrans' in [Repository Remote]\n      renamefolders = Lists/* -> l/*\n",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    let after = server.log().count("LOGIN") + server.log().count("AUTHENTICATE");
    assert_eq!(after, connections, "the server was asked");
}

#[test]
fn a_check_finds_rules_that_do_not_undo_each_other() {
    let server = ImapServer::start().unwrap();
    let sandbox = sandbox(&server, "", "nametrans = lambda f: 'X.' + f");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sandbox.path("Mail/Work").join(part)).unwrap();
    }
    let ran = sandbox.run(&["check"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let complaint = "local folder 'Work' would become remote 'X/Work', which would come back as \
                     'X.Work': the rules of the two sides do not undo each other";
    assert!(ran.stderr.contains(complaint), "{}", ran.stderr);
}

#[test]
fn a_check_reports_every_mistake() {
    let server = ImapServer::start().unwrap();
    let sandbox = sandbox(&server, "folderfilter = lambda f: mine(f)\nretrycount = x", "sep = ab");
    let ran = sandbox.run(&["check"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    for mistake in ["uses the name 'mine', which is not defined", "'retrycount' is", "'sep' is"] {
        assert!(ran.stderr.contains(mistake), "{mistake} is missing in\n{}", ran.stderr);
    }
}
