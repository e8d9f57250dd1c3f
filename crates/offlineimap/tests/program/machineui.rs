//! The user interface for programs: whole conversations.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use offlineimap_testkit::message;
use offlineimap_testkit::server::ImapServer;

use crate::sandbox::{Ran, Sandbox};

const INBOX: &str = "Folder+INBOX+%5Bacc%3A+Test%5D";

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", message::simple("first")).unwrap();
    server.mail().add("INBOX", message::simple("second")).unwrap();
    server
}

fn lines(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().skip(2).collect()
}

/// The lines of these, in the order in which they came.
fn among<'a>(ran: &'a Ran, wanted: &[&str]) -> Vec<&'a str> {
    let command = |line: &str| line.split(':').nth(1).unwrap().to_owned();
    let mut lines = lines(ran);
    lines.retain(|line| wanted.contains(&command(line).as_str()));
    lines
}

#[test]
fn a_first_sync_is_told_line_by_line() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let ran = sandbox.run(&["-o", "-u", "machineui", "-l", "sync.log"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let banner: Vec<&str> = ran.stdout.lines().take(2).collect();
    assert!(banner[0].starts_with("offlineimap ") && banner[1].starts_with("  Licensed"), "{ran}");
    assert_eq!(lines(&ran)[0], "msg:protocol:MainThread:7.2.0");
    assert!(lines(&ran)[1].starts_with("msg:initbanner:MainThread:offlineimap+0.1.0%0A++Licensed"));

    let port = server.port();
    let connecting = format!("msg:connecting:Account+sync+Test:127.0.0.1%0A{port}%0ARemote");
    // Both sides are listed at once, and two messages arrive in any order.
    let account: Vec<&str> =
        lines(&ran).into_iter().skip(2).filter(|line| !line.contains("message")).collect();
    assert_eq!(
        account,
        [
            "msg:registerthread:Account+sync+Test:Test",
            "msg:acct:Account+sync+Test:Test",
            connecting.as_str(),
            "msg::Account+sync+Test:Creating+folder+INBOX%5BLocal%5D",
            "msg:syncfolders:Account+sync+Test:IMAP%0AMaildir",
            &format!("msg:registerthread:{INBOX}:Test"),
            &format!("msg:syncingfolder:{INBOX}:IMAP%0AINBOX%0AMaildir%0AINBOX%0A"),
            &format!("msg:threadExited:MainThread:{INBOX}"),
            &format!("msg:unregisterthread:MainThread:{INBOX}"),
            "msg:acctdone:Account+sync+Test:Test",
            "msg:threadExited:MainThread:Account+sync+Test",
            "msg:unregisterthread:MainThread:Account+sync+Test",
            "msg:terminate:MainThread:0%0A%0A",
        ],
        "{ran}"
    );
    let mut listed = among(&ran, &["loadmessagelist", "messagelistloaded"]);
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            format!("msg:loadmessagelist:{INBOX}:IMAP%0AINBOX"),
            format!("msg:loadmessagelist:{INBOX}:Maildir%0AINBOX"),
            format!("msg:messagelistloaded:{INBOX}:IMAP%0AINBOX%0A2"),
            format!("msg:messagelistloaded:{INBOX}:Maildir%0AINBOX%0A0"),
        ]
    );
    assert_eq!(
        among(&ran, &["syncingmessages", "copyingmessage"]),
        [
            format!("msg:syncingmessages:{INBOX}:IMAP%0AINBOX%0AMaildir%0AINBOX%0A"),
            format!("msg:copyingmessage:{INBOX}:1%0AIMAP%0AINBOX%0AMaildir%5BINBOX%5D"),
            format!("msg:copyingmessage:{INBOX}:2%0AIMAP%0AINBOX%0AMaildir%5BINBOX%5D"),
        ]
    );

    let log = fs::read_to_string(sandbox.path("sync.log")).unwrap();
    assert!(log.contains(&format!(" INFO: 127.0.0.1\n{port}\nRemote\n")), "{log}");
    assert!(log.contains(" INFO: 1\nIMAP\nINBOX\nMaildir[INBOX]\n"), "{log}");
    assert!(log.contains(" INFO: Creating folder INBOX[Local]\n"), "{log}");
}

#[test]
fn changes_and_deletions_name_the_messages() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    server.mail().set_flags("INBOX", 1, &["\\Flagged"]).unwrap();
    server.mail().expunge("INBOX", 2).unwrap();
    let ran = sandbox.run(&["-o", "-u", "machineui"]);
    assert_eq!(
        among(&ran, &["addingflags", "deletingflags", "deletingmessages", "syncingmessages"]),
        [
            format!("msg:addingflags:{INBOX}:1%0AF%0AINBOX"),
            format!("msg:deletingmessages:{INBOX}:2%0AMaildir%09INBOX"),
        ],
        "{ran}"
    );
}

#[test]
fn the_password_is_a_line_of_the_standard_input() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let file = sandbox.path(".offlineimaprc");
    let configuration = fs::read_to_string(&file).unwrap();
    let without = configuration.lines().filter(|line| !line.starts_with("remotepass"));
    fs::write(&file, without.collect::<Vec<_>>().join("\n")).unwrap();

    let mut program = sandbox
        .command(&["-o", "-u", "machineui"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answer = format!("{}\n", server.password());
    program.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let asked = format!("msg:getpass:Account+sync+Test:{}\n", server.user());
    assert!(told.contains(&asked), "{told}");
    assert!(!told.contains(server.password()), "{told}");
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
}

#[test]
fn an_error_is_a_line_and_status_1_without_a_report() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let file = sandbox.path(".offlineimaprc");
    let configuration = fs::read_to_string(&file).unwrap();
    let wrong = configuration.replace(server.password(), "wrong");
    fs::write(&file, wrong).unwrap();
    let ran = sandbox.run(&["-o", "-u", "machineui"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{ran}");
    let errors = lines(&ran).iter().filter(|line| line.starts_with("error::")).count();
    assert_eq!(errors, 1, "{ran}");
    assert!(!ran.stdout.contains("Exceptions+occurred"), "{ran}");
    assert_eq!(lines(&ran).last(), Some(&"msg:terminate:MainThread:1%0A%0A"), "{ran}");
}

#[test]
fn a_changed_validity_is_a_line_and_status_2() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    let saved = server.mail().uid_validity("INBOX").unwrap();
    server.mail().set_uid_validity("INBOX", saved + 77).unwrap();
    let ran = sandbox.run(&["-o", "-u", "machineui"]);
    assert_eq!(
        among(&ran, &["validityproblem"]),
        [format!("warn:validityproblem:{INBOX}:INBOX%0ARemote%0A{saved}%0A{}", saved + 77)],
        "{ran}"
    );
    assert_eq!(lines(&ran).last(), Some(&"msg:terminate:MainThread:2%0A%0A"), "{ran}");
    assert_eq!(ran.status, Some(2));
}

#[test]
fn a_run_that_cannot_start_says_so_in_lines() {
    let sandbox = Sandbox::with_account(&server());
    let ran = sandbox.run(&["-o", "-u", "machineui", "-a", "Nope"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{ran}");
    let lines = lines(&ran);
    assert!(lines[2].starts_with("error::MainThread:error%3A+"), "{ran}");
    assert!(lines[2].contains("Nope"), "{ran}");
    assert_eq!(lines[3..], ["msg:terminate:MainThread:1%0A%0A"], "{ran}");
}

#[test]
fn a_hook_is_told_by_its_own_word() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let file = sandbox.path(".offlineimaprc");
    let configuration = fs::read_to_string(&file).unwrap();
    let hooked =
        configuration.replace("[Account Test]\n", "[Account Test]\npresynchook = echo hi\n");
    fs::write(&file, hooked).unwrap();
    assert_eq!(
        among(&sandbox.run(&["-o", "-u", "machineui"]), &["callhook"]),
        [
            "msg:callhook:Account+sync+Test:Calling+hook%3A+echo+hi",
            "msg:callhook:Account+sync+Test:Hook+stdout%3A+hi%0A%0AHook+stderr%3A%0A",
            "msg:callhook:Account+sync+Test:Hook+return+code%3A+0",
        ]
    );
}
