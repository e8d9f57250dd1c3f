//! Whole runs: where they print, how they end, and what one account does to the others.

use std::fs;
use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Fault, ImapServer, Misbehaviour};
use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Rig, lf};
use crate::rig_for;

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("hello")).unwrap();
    server
}

/// Runs the program with its two outputs apart.
fn apart(rig: &Rig, arguments: &[&str]) -> (Output, String, String) {
    let output = rig.command().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

const STARTED: &str = "*** Processing account Test";

#[test]
fn a_log_file_takes_nothing_from_the_terminal() {
    let server = server();
    let rig = rig_for(&server);
    let log = rig.home().join("log");
    let (output, stdout, stderr) = apart(&rig, &["-u", "ttyui", "-l", log.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.matches(STARTED).count(), 1, "{stderr}");
    assert_eq!(fs::read_to_string(log).unwrap().matches(STARTED).count(), 1);
}

#[test]
fn every_line_is_told_once_whatever_the_interface_is_called() {
    let server = server();
    for arguments in
        [&["-u", "TTY.TTYUI"][..], &["-u", "ttyui", "-P", "profiles"], &["-u", "ttyui", "-1"]]
    {
        let rig = rig_for(&server);
        let (output, stdout, stderr) = apart(&rig, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "{arguments:?}");
        assert_eq!(stderr.matches(STARTED).count(), 1, "{arguments:?}: {stderr}");
        assert_eq!(stderr.matches("Copy message UID 1").count(), 1, "{arguments:?}: {stderr}");
    }
}

/// The sections of one more account, which is synced to `<name>` in the home directory.
fn another(name: &str, server: &ImapServer, rig: &Rig) -> String {
    format!(
        "[Account {name}]\nlocalrepository = L{name}\nremoterepository = R{name}\n\
         [Repository L{name}]\ntype = Maildir\nlocalfolders = {}\n\
         [Repository R{name}]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {}\n\
         remoteuser = {}\nremotepass = {}\nssl = no\nstarttls = no",
        rig.home().join(name).display(),
        server.port(),
        server.user(),
        server.password(),
    )
}

#[test]
fn an_account_over_its_quota_ends_neither_itself_nor_the_others() {
    let (full, other) = (server(), server());
    full.mail().create("News");
    full.mail().add("News", simple("news")).unwrap();
    full.fail(Fault::on("APPEND").every_time().then_no("[OVERQUOTA] mailbox is full"));
    let rig = rig_for(&full).general("maxsyncaccounts = 2").remote("maxconnections = 3");
    let sections = another("Two", &other, &rig);
    let rig = rig.remote(&sections);
    rig.maildir().create("INBOX");
    rig.maildir().deliver("INBOX", "", &lf(&simple("too much").to_bytes()));
    let ended = rig.run(&["-a", "Test,Two"]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("mailbox is full"), "{}", ended.output);
    for finished in ["*** Finished account 'Test'", "*** Finished account 'Two'"] {
        assert!(ended.output.contains(finished), "{}", ended.output);
    }
    assert_eq!(rig.maildir().messages("News").len(), 1, "the other folder");
    assert_eq!(rig.maildir().messages("INBOX").len(), 2, "the other direction");
    assert!(rig.home().join("Two/INBOX/new").read_dir().unwrap().count() == 1, "the other account");
}

#[test]
fn a_stop_before_the_first_folder_is_no_failure() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let server = server();
        server.fail(Fault::on("LIST").every_time().then(Misbehaviour::Hang));
        let rig = rig_for(&server);
        let running = rig.start(&mut rig.command());
        let begun = Instant::now();
        while server.log().count("LIST") == 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "it does not ask for the folders");
            sleep(Duration::from_millis(5));
        }
        let pid = Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let ended = running.wait();
        assert_eq!(ended.status, Some(0), "{signal:?}: {}", ended.output);
        assert!(!ended.output.contains("no folder to sync"), "{}", ended.output);
        assert!(ended.output.contains("Preparing to shutdown"), "{}", ended.output);
    }
}

#[test]
fn connections_are_ended_with_logout() {
    let server = server();
    for folder in ["a", "b", "c"] {
        server.mail().create(folder);
    }
    let rig = rig_for(&server).remote("maxconnections = 3").remote("holdconnectionopen = yes");
    rig.sync();
    assert_eq!(server.log().count("LOGOUT"), server.log().connections());
}

#[test]
fn the_server_is_told_who_this_is() {
    let server = server();
    let rig = rig_for(&server);
    rig.sync();
    let said = rig.overheard();
    let id = said.iter().find(|line| line.contains(" ID (")).unwrap();
    assert!(id.contains("\"name\" \"offlineimap\""), "{id}");
    assert!(!id.contains("8.0.1"), "{id}");
}

#[test]
fn a_tagged_answer_without_text_is_an_answer() {
    let server = ImapServer::builder()
        .quirk(offlineimap_testkit::server::Quirk::NoTextAfterOk)
        .start()
        .unwrap();
    server.mail().add("INBOX", simple("hello")).unwrap();
    let rig = rig_for(&server);
    rig.maildir().create("INBOX");
    rig.maildir().deliver("INBOX", "", &lf(&simple("here").to_bytes()));
    rig.sync();
    rig.same_mail("after the sync");
}

#[test]
fn a_refused_connection_is_told_with_host_and_port() {
    let server = server();
    let rig = rig_for(&server);
    let port = {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        free.local_addr().unwrap().port()
    };
    let ended = rig.run(&["-k", &format!("Repository_Remote:remoteport={port}")]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains(&format!("127.0.0.1:{port}")), "{}", ended.output);
    assert!(ended.output.contains("refused"), "{}", ended.output);
}

/// What is known and does not work yet is told, and the sync goes on as if it were not set.
#[test]
fn what_watches_folders_is_not_there_yet_and_is_told() {
    let server = server();
    for line in ["keepalive = 60", "idlefolders = ['INBOX']", "holdconnectionopen = yes"] {
        let rig = rig_for(&server).remote(line);
        let ended = rig.sync();
        let (option, _) = line.split_once(' ').unwrap();
        let warning = format!("'{option}' is not supported yet and has no effect");
        assert!(ended.output.contains(&warning), "{}", ended.output);
        assert_eq!(rig.maildir().messages("INBOX").len(), 1);
    }
}

/// Without them mail would be changed differently: the account is left alone.
#[test]
fn labels_of_gmail_are_not_there_yet_and_the_account_is_refused() {
    let server = server();
    let rig = rig_for(&server).account("synclabels = yes").account("ignorelabels = a, b");
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("'synclabels' is not supported yet"), "{}", ended.output);
    assert_eq!(server.log().lines(), Vec::<String>::new());
    assert!(!rig.maildir().root().exists());
}

#[test]
fn status_backend_sqlite_is_accepted_with_a_warning_and_plain_is_refused() {
    let server = server();
    let rig = rig_for(&server).account("status_backend = sqlite");
    let ended = rig.sync();
    assert!(ended.output.contains("'status_backend' has no effect"), "{}", ended.output);
    assert_eq!(rig.maildir().messages("INBOX").len(), 1);

    let rig = rig_for(&server).account("status_backend = plain");
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("'status_backend' is not a state"), "{}", ended.output);
    assert!(!rig.maildir().root().exists());
}

#[test]
fn an_option_or_section_that_is_there_twice_is_told_with_both_places() {
    let server = server();
    for (line, told) in [
        ("remoteuser = somebody", "'remoteuser'"),
        ("[Repository Local]\ntype = Maildir", "[Repository Local]"),
    ] {
        let rig = rig_for(&server).remote(line);
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains(told), "{}", ended.output);
        assert!(ended.output.contains("offlineimaprc:"), "{}", ended.output);
        assert_eq!(server.log().lines(), Vec::<String>::new());
    }
}

#[test]
fn blanks_around_the_names_of_accounts_do_not_count() {
    let (server, other) = (server(), server());
    let rig = rig_for(&server);
    let sections = another("Two ", &other, &rig);
    let rig = rig.remote(&sections);
    let rc = rig.home().join("offlineimaprc");
    let text =
        fs::read_to_string(&rc).unwrap().replace("accounts = Test\n", "accounts = Test , Two\n");
    fs::write(&rc, text).unwrap();
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(ended.output.matches("*** Finished account").count(), 2, "{}", ended.output);
}

#[test]
fn an_unknown_version_of_tls_is_told_and_costs_the_others_nothing() {
    let (server, other) = (server(), server());
    let rig = rig_for(&server);
    let sections = another("Two", &other, &rig);
    let rig = rig.remote("ssl_version = nonsense").remote(&sections);
    let ended = rig.run(&["-a", "Test,Two"]);
    assert!(ended.output.contains("'ssl_version'"), "{}", ended.output);
    assert!(!ended.output.contains("panicked"), "{}", ended.output);
    assert!(rig.home().join("Two/INBOX/new").read_dir().unwrap().count() == 1);
}
