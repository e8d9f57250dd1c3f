//! Where user and password come from, up to the server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use insta::assert_snapshot;
use offlineimap_testkit::server::{Fault, ImapServer};

use crate::sandbox::{Sandbox, account};

/// A home whose account has these lines instead of user and password.
fn signing_in_by(server: &ImapServer, lines: &str) -> Sandbox {
    let account = account("Test", server);
    let account: Vec<&str> = account
        .lines()
        .filter(|line| !line.starts_with("remoteuser") && !line.starts_with("remotepass"))
        .collect();
    let account = account.join("\n");
    Sandbox::configured(&format!("[general]\naccounts = Test\nui = quiet\n\n{account}\n{lines}\n"))
}

fn put(path: &Path, mode: u32, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_command_gives_the_password() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(
        &server,
        "remoteuser = tester\nremotepasscmd = echo ' secret'; echo more; echo noise >&2",
    );
    let ran = sandbox.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_command_that_fails_is_told_with_its_complaint_and_no_server_is_bothered() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(
        &server,
        "remoteuser = tester\nremotepasscmd = echo secret; echo 'no secret key' >&2; exit 2",
    );
    let ran = sandbox.run(&[]);
    assert_snapshot!(ran);
    assert!(!ran.stdout.contains("tester secret"));
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
}

#[test]
fn a_credential_of_systemd_gives_the_password() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester\nremotepasscredential = imap");
    fs::create_dir(sandbox.path("credentials")).unwrap();
    put(&sandbox.path("credentials/imap"), 0o400, "secret\n");
    let mut command = sandbox.command(&[]);
    let status = command.env("CREDENTIALS_DIRECTORY", sandbox.path("credentials")).status();
    assert_eq!(status.unwrap().code(), Some(0));
    let without = sandbox.run(&[]);
    assert_eq!(without.status, Some(1));
    assert!(without.stdout.contains("no credential 'imap'"), "{without}");
}

#[test]
fn an_environment_variable_gives_the_password() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester\nremotepassenv = IMAP_PASSWORD");
    let status = sandbox.command(&[]).env("IMAP_PASSWORD", "secret").status();
    assert_eq!(status.unwrap().code(), Some(0));
    let without = sandbox.run(&[]);
    assert_eq!(without.status, Some(1));
    assert!(without.stdout.contains("'IMAP_PASSWORD' is not set"), "{without}");
}

#[test]
fn two_sources_of_a_password_are_refused_with_both_lines() {
    let server = ImapServer::start().unwrap();
    let lines = "remoteuser = tester\nremotepass = secret\nremotepasscmd = cat pass";
    assert_snapshot!(signing_in_by(&server, lines).run(&[]));
}

#[test]
fn a_netrc_file_gives_user_and_password() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "");
    let netrc = sandbox.path(".netrc");
    put(
        &netrc,
        0o600,
        "machine other login me password wrong\n\n# here\nmachine 127.0.0.1\n  login tester\n  password secret\n",
    );
    let ran = sandbox.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran}");
}

#[test]
fn of_several_logins_that_of_the_configured_user_is_taken() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    let logins = "machine 127.0.0.1 login tester password secret\n\
                  machine 127.0.0.1 login other password wrong\n";
    put(&sandbox.path(".netrc"), 0o600, logins);
    assert_eq!(sandbox.run(&[]).status, Some(0));
    let other = sandbox.run(&["-k", "Repository_Remote:remoteuser=nobody"]);
    assert!(other.stdout.contains("Prompting for a password is not supported"), "{other}");
}

#[test]
fn a_netrc_file_that_others_can_read_is_refused_and_one_that_is_not_needed_is_not_looked_at() {
    let server = ImapServer::start().unwrap();
    let login = "machine 127.0.0.1 login tester password secret\n";
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    put(&sandbox.path(".netrc"), 0o644, login);
    assert_snapshot!(sandbox.run(&[]));
    let nameless = signing_in_by(&server, "");
    put(&nameless.path(".netrc"), 0o644, login);
    assert_snapshot!(nameless.run(&[]));
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
    let sandbox = signing_in_by(&server, "remoteuser = tester\nremotepass = secret");
    put(&sandbox.path(".netrc"), 0o644, login);
    assert_eq!(sandbox.run(&[]).status, Some(0));
}

/// How often a password was tried.
fn tries(server: &ImapServer) -> usize {
    server.log().count("LOGIN") + server.log().count("AUTHENTICATE")
}

const QUESTION: &str = "Enter password for user 'tester': ";

#[test]
fn a_mistyped_password_is_asked_for_again_with_the_words_of_the_server() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    let ran = sandbox.run_answering(&["-u", "ttyui"], "tset\nsecret\n");
    assert_eq!(ran.status, Some(0), "{ran}");
    assert!(ran.stderr.contains("tester: wrong user or password"), "{ran}");
    assert_eq!((ran.stderr.matches(QUESTION).count(), tries(&server)), (2, 2), "{ran}");
    assert!(!ran.stderr.contains("tset") && !ran.stderr.contains("secret"), "{ran}");
}

#[test]
fn a_password_is_asked_for_three_times_and_no_more() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    let ran = sandbox.run_answering(&["-u", "ttyui"], "one\ntwo\nthree\nsecret\n");
    assert_eq!(ran.status, Some(1), "{ran}");
    assert_eq!((ran.stderr.matches(QUESTION).count(), tries(&server)), (3, 3), "{ran}");
    let ended = signing_in_by(&server, "remoteuser = tester");
    let ran = ended.run_answering(&["-u", "ttyui"], "");
    assert!(ran.stderr.contains("no password for user 'tester'"), "{ran}");
    assert_eq!((ran.status, tries(&server)), (Some(1), 3), "{ran}");
}

#[test]
fn a_wrong_password_of_the_configuration_is_tried_once_and_nobody_is_asked() {
    for source in ["remotepass = wrong", "remotepasscmd = echo wrong", "remotepassfile = ~/pass"] {
        let server = ImapServer::start().unwrap();
        let sandbox = signing_in_by(&server, &format!("remoteuser = tester\n{source}"));
        put(&sandbox.path("pass"), 0o600, "wrong\n");
        let ran = sandbox.run_answering(&["-u", "ttyui"], "secret\n");
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(!ran.stderr.contains(QUESTION), "{ran}");
        assert_eq!(tries(&server), 1, "{source}");
    }
}

#[test]
fn a_server_that_is_busy_is_no_reason_to_ask_again() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("AUTHENTICATE").every_time().then_no("[UNAVAILABLE] later"));
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    let ran = sandbox.run_answering(&["-u", "ttyui"], "secret\nsecret\n");
    assert_eq!((ran.status, ran.stderr.matches(QUESTION).count()), (Some(1), 1), "{ran}");
}

#[test]
fn what_cannot_ask_says_so() {
    for ui in ["basic", "quiet", "syslog"] {
        let server = ImapServer::start().unwrap();
        let sandbox = signing_in_by(&server, "remoteuser = tester");
        let log = sandbox.path("log");
        let arguments = ["-u", ui, "-l", log.to_str().unwrap()];
        let ran = sandbox.run_answering(&arguments, "secret\n");
        assert_eq!((ran.status, tries(&server)), (Some(1), 0), "{ran}");
        let told = fs::read_to_string(&log).unwrap();
        let why = "Prompting for a password is not supported in this UI backend.";
        assert!(told.contains(why), "{ui}: {told}");
    }
}

#[test]
fn no_password_is_shown_however_much_is_told() {
    let server = ImapServer::builder().credentials("tester", "open-sesame").start().unwrap();
    for (lines, answers) in [
        ("remoteuser = tester\nremotepass = open-sesame", ""),
        ("remoteuser = tester", "closed-sesame\nopen-sesame\n"),
        ("remoteuser = tester\nremotepass = other-sesame", ""),
        ("remoteuser = tester\nauth_mechanisms = PLAIN\nremote_identity = tester", "open-sesame\n"),
    ] {
        let sandbox = signing_in_by(&server, lines);
        let log = sandbox.path("log");
        let arguments = ["-u", "ttyui", "-d", "all", "-l", log.to_str().unwrap()];
        let arguments = [&arguments[..], &["--update-keyring"]].concat();
        let ran = sandbox.run_answering(&arguments, answers);
        let told = format!("{ran}{}", fs::read_to_string(&log).unwrap());
        assert!(told.contains("Now debugging for imap"), "debugging is on: {told}");
        assert!(!told.contains("sesame"), "{told}");
        let encoded = ["b3Blbi1zZXNhbWU", "9wZW4tc2VzYW1l", "vcGVuLXNlc2FtZ"];
        assert!(encoded.iter().all(|part| !told.contains(part)), "{told}");
    }
}

#[test]
fn a_keyring_that_is_not_there_is_no_fault() {
    let server = ImapServer::start().unwrap();
    let sandbox = signing_in_by(&server, "remoteuser = tester");
    for arguments in [&["-u", "ttyui"][..], &["-u", "ttyui", "--ignore-keyring"]] {
        let ran = sandbox.run_answering(arguments, "secret\n");
        assert_eq!(ran.status, Some(0), "{ran}");
        assert!(!ran.stderr.contains("keyring"), "{ran}");
    }
    let ran = sandbox.run_answering(&["-u", "ttyui", "--update-keyring"], "secret\n");
    assert_eq!(ran.status, Some(0), "the mail was synced: {ran}");
    assert!(ran.stderr.contains("The password of 'tester' at '127.0.0.1' was not stored"), "{ran}");
}

#[test]
fn who_acts_for_somebody_else_signs_in_by_plain_alone() {
    let server = ImapServer::start().unwrap();
    let lines = "remoteuser = tester\nremotepass = secret\nremote_identity = tester";
    assert_eq!(signing_in_by(&server, lines).run(&[]).status, Some(0));
    assert!(server.log().lines().iter().any(|line| line.starts_with("AUTHENTICATE PLAIN")));
    assert!(server.log().lines().iter().all(|line| !line.contains("CRAM-MD5")));
    let lines = "remoteuser = tester\nremotepass = secret\nremote_identity = ann";
    let ran = signing_in_by(&server, lines).run(&[]);
    assert_eq!((ran.status, ran.stdout.contains("wrong user")), (Some(1), true), "{ran}");
}
