//! Where user and password come from, up to the server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use insta::assert_snapshot;
use offlineimap_testkit::server::ImapServer;

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
