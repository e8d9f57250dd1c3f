//! Whole runs against the embedded server.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use insta::assert_snapshot;
use offlineimap_testkit::message;
use offlineimap_testkit::server::{Fault, ImapServer, NewMessage};

use crate::sandbox::Sandbox;

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    let mail = server.mail();
    mail.add("INBOX", message::simple("first")).unwrap();
    mail.add("INBOX", NewMessage::new(message::simple("second")).with_flags(&["\\Seen"])).unwrap();
    mail.create("Work");
    mail.add("Work", message::simple("report")).unwrap();
    server
}

#[test]
fn a_first_sync_with_the_basic_interface() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_snapshot!(sandbox.run(&["-o", "-u", "basic"]));
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
    assert_eq!(sandbox.subjects("Work"), ["report"]);
}

#[test]
fn a_first_sync_with_the_terminal_interface() {
    let server = server();
    assert_snapshot!(Sandbox::with_account(&server).run(&["-o"]));
}

#[test]
fn a_sync_without_trouble_is_silent_with_the_quiet_interface() {
    let server = server();
    let ran = Sandbox::with_account(&server).run(&["-o", "-u", "quiet"]);
    assert_eq!(ran.to_string(), "status: 0\n--- stdout\n--- stderr\n");
}

#[test]
fn a_sync_without_work_changes_nothing() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    let files = sandbox.files("INBOX");
    let before = server.log().changing().len();
    assert_snapshot!(sandbox.run(&["-o", "-u", "basic"]));
    assert_eq!(server.log().changing().len(), before);
    assert_eq!(sandbox.files("INBOX"), files);
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let before = sandbox.path("").read_dir().unwrap().count();
    assert_snapshot!(sandbox.run(&["-o", "-u", "basic", "--dry-run"]));
    assert_eq!(sandbox.path("").read_dir().unwrap().count(), before);
    assert!(server.log().changing().is_empty());
}

#[test]
fn a_dry_run_of_changes_on_both_sides_gives_the_reasons() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    server.mail().set_flags("INBOX", 1, &["\\Flagged"]).unwrap();
    server.mail().expunge("INBOX", 2).unwrap();
    let new = sandbox.path("Mail/Work/new");
    fs::write(new.join("1.laptop"), "Subject: answer\n\nyes\n").unwrap();
    fs::remove_file(sandbox.files("Work").iter().find(|it| !it.ends_with("1.laptop")).unwrap())
        .unwrap();
    assert_snapshot!(sandbox.run(&["-o", "-u", "basic", "--dry-run"]));
    assert_eq!(sandbox.subjects("Work"), ["answer"], "nothing is done");
    assert_eq!(server.mail().uids("Work").unwrap(), [1]);
}

#[test]
fn only_the_named_folders_are_synced() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet", "-f", "Work"]).status, Some(0));
    assert_eq!(sandbox.subjects("Work"), ["report"]);
    assert!(!sandbox.path("Mail/INBOX").exists());
    assert_snapshot!(sandbox.run(&["-o", "-u", "quiet", "-f", "INBOX2, Work"]));
}

#[test]
fn info_lists_the_folders_and_creates_nothing() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let ran = sandbox.run(&["--info", "-u", "quiet"]).to_string();
    assert_snapshot!(ran.replace(&server.port().to_string(), "[PORT]"));
    assert!(!sandbox.path("Mail").exists());
}

#[test]
fn the_log_file_has_everything_with_its_time_beside_the_console() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let ran = sandbox.run(&["-o", "-u", "basic", "-l", "sync.log"]);
    let log = fs::read_to_string(sandbox.path("sync.log")).unwrap();
    let mut records = log.lines();
    assert!(records.next().unwrap().contains(" INFO: offlineimap 0.1.0 starting..."), "{log}");
    let program = env!("CARGO_BIN_EXE_offlineimap");
    let arguments = format!("  Args: {program} -o -u basic -l sync.log");
    assert_eq!(records.nth(1), Some(arguments.as_str()));
    assert!(ran.stdout.contains("*** Processing account Test"));
    assert!(log.contains(" INFO: *** Processing account Test\n"), "{log}");
    assert!(log.contains(" INFO: Copy message UID 1 (1/2) Remote:INBOX -> Local:INBOX\n"), "{log}");
}

#[test]
fn a_changed_uidvalidity_is_status_2_and_leaves_the_folder_alone() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    let saved = server.mail().uid_validity("INBOX").unwrap();
    server.mail().set_uid_validity("INBOX", saved + 77).unwrap();
    let ran = sandbox.run(&["-o", "-u", "quiet"]).to_string();
    let ran = ran.replace(&(saved + 77).to_string(), "[NEW]").replace(&saved.to_string(), "[OLD]");
    assert_snapshot!(ran);
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
}

#[test]
fn a_mass_deletion_is_refused_until_it_is_allowed() {
    let server = ImapServer::start().unwrap();
    for number in 0..120 {
        server.mail().add("INBOX", message::simple(&format!("message {number}"))).unwrap();
    }
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    for uid in server.mail().uids("INBOX").unwrap() {
        server.mail().expunge("INBOX", uid).unwrap();
    }
    assert_snapshot!(sandbox.run(&["-o", "-u", "quiet"]));
    assert_eq!(sandbox.files("INBOX").len(), 120);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet", "--allow-deletes=Work"]).status, Some(1));
    assert_eq!(sandbox.run(&["-o", "-u", "quiet", "--allow-deletes=INBOX"]).status, Some(0));
    assert!(sandbox.files("INBOX").is_empty());
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let rc = sandbox.path(".offlineimaprc");
    let wrong = fs::read_to_string(&rc).unwrap().replace("= secret", "= hunter2");
    fs::write(&rc, wrong).unwrap();
    let ran = sandbox.run(&["-o", "-u", "quiet", "-d", "all"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.contains("ERROR: Exceptions occurred during the run!"), "{ran}");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    assert_snapshot!(sandbox.run(&["-o", "-u", "quiet"]));
}

#[test]
fn a_password_is_not_asked_for_where_nobody_can_answer() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let rc = sandbox.path(".offlineimaprc");
    let without = fs::read_to_string(&rc).unwrap().replace("remotepass = secret\n", "");
    fs::write(&rc, &without).unwrap();
    assert_snapshot!(sandbox.run(&["-o", "-u", "quiet"]));

    let from_file = without.replace("remoteuser", "remotepassfile = ~/pass\nremoteuser");
    fs::write(&rc, from_file).unwrap();
    fs::write(sandbox.path("pass"), "secret\nnot this\n").unwrap();
    assert_eq!(
        sandbox.run(&["-o", "-u", "quiet"]).to_string(),
        "status: 0\n--- stdout\n--- stderr\n"
    );
}

#[test]
fn a_message_that_cannot_be_fetched_is_reported_and_the_others_are_synced() {
    let server = server();
    let breakage = offlineimap_testkit::server::Breakage::RefuseContent;
    server.mail().break_message("INBOX", 1, breakage).unwrap();
    let sandbox = Sandbox::with_account(&server);
    let ran = sandbox.run(&["-o", "-u", "quiet"]);
    assert_eq!(ran.status, Some(1), "{ran}");
    assert_eq!(sandbox.subjects("INBOX"), ["second"]);
    assert_eq!(sandbox.subjects("Work"), ["report"]);
    server.mail().mend("INBOX").unwrap();
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
}

#[test]
fn a_refused_listing_is_an_error_and_nothing_is_concluded() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    server.fail(Fault::on("LIST").every_time().then_no("not today"));
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(1));
    server.clear_faults();
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
}

#[test]
fn a_maildir_that_vanished_is_not_filled_again() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(0));
    fs::remove_dir_all(sandbox.path("Mail")).unwrap();
    assert_snapshot!(sandbox.run(&["-o", "-u", "quiet"]));
    fs::create_dir(sandbox.path("Mail")).unwrap();
    assert_eq!(sandbox.run(&["-o", "-u", "quiet"]).status, Some(1), "an empty mount point");
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2]);
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_sync() {
    let server = server();
    let sandbox = Sandbox::with_account(&server);
    let mut child = sandbox.command(&["-o", "-u", "basic"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.subjects("INBOX"), ["first", "second"]);
}

#[test]
fn a_process_that_dies_at_any_step_is_continued_by_the_next() {
    let counting = server();
    let sandbox = Sandbox::with_account(&counting);
    let steps = sandbox.path("steps");
    let status =
        sandbox.command(&["-o", "-u", "quiet"]).env("OFFLINEIMAP_LOG_STEPS", &steps).status();
    assert_eq!(status.unwrap().code(), Some(0));
    let steps = fs::read_to_string(steps).unwrap().lines().count();
    assert!(steps > 10, "{steps} steps");

    let mut deaths = 0;
    for step in 1..=steps {
        let server = server();
        let sandbox = Sandbox::with_account(&server);
        let argument = format!("--crash-at-step={step}");
        let died = sandbox.command(&["-o", "-u", "quiet", &argument]).status().unwrap();
        // How many messages share a step depends on timing: a run may be done before its last one.
        assert!(died.signal() == Some(9) || died.code() == Some(0), "step {step}: {died}");
        deaths += usize::from(died.signal() == Some(9));
        let ran = sandbox.run(&["-o", "-u", "quiet"]);
        assert_eq!(ran.status, Some(0), "after step {step}: {ran}");
        assert_eq!(sandbox.subjects("INBOX"), ["first", "second"], "step {step}");
        assert_eq!(sandbox.subjects("Work"), ["report"], "step {step}");
        assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2], "step {step}");
    }
    assert!(deaths > steps / 2, "{deaths} deaths in {steps} runs");
}
