//! Signing in, and what is never shown or sent.

use std::process::Command;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Capability, ImapServer};

use crate::rig::Rig;

const USER: &str = "tester";
const PASSWORD: &str = "hunter2-hunter2";

/// The password and the forms in which it travels, as base64.
const FORMS: [&str; 4] = [
    PASSWORD,
    "aHVudGVyMi1odW50ZXIy",
    // NUL, user, NUL, password.
    "AHRlc3RlcgBodW50ZXIyLWh1bnRlcjI",
    // The same without the first octet, and the password one octet further on.
    "dGVzdGVyAGh1bnRlcjItaHVudGVyM",
];

fn server() -> ImapServer {
    let server = ImapServer::builder().credentials(USER, PASSWORD).start().unwrap();
    server.mail().add("INBOX", simple("hello")).unwrap();
    server
}

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), USER, PASSWORD)
}

#[test]
fn debugging_shows_the_password_in_none_of_its_forms() {
    for mechanism in ["LOGIN", "PLAIN", "CRAM-MD5"] {
        let server = server();
        let rig = rig(&server).remote(&format!("auth_mechanisms = {mechanism}"));
        let log = rig.home().join("log");
        let ended = rig.run(&["-d", "all", "-l", log.to_str().unwrap()]);
        assert_eq!(ended.status, Some(0), "{mechanism}: {}", ended.output);
        assert!(ended.output.contains("Now debugging for imap"), "{}", ended.output);
        let log = std::fs::read_to_string(log).unwrap();
        for shown in [&ended.output, &log] {
            let form = FORMS.iter().find(|form| shown.contains(**form));
            assert_eq!(form, None, "{mechanism}: {shown}");
        }
        // They were looked for as they are sent.
        let said = rig.overheard().join("\n");
        let sent = FORMS.iter().any(|form| said.contains(form));
        assert_eq!(sent, mechanism != "CRAM-MD5", "{mechanism}: {said}");
    }
}

#[test]
fn what_hides_the_password_is_tried_first() {
    let server = server();
    let rig = rig(&server);
    rig.sync();
    let said = server.log().lines();
    assert!(said.iter().any(|line| line == "AUTHENTICATE CRAM-MD5"), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("PLAIN") || line.starts_with("LOGIN")));
}

#[test]
fn a_password_is_refused_once_and_not_tried_again_in_other_ways() {
    let server = server();
    let rig = Rig::new(server.address(), USER, "wrong").remote("maxconnections = 4");
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    let attempts = server.log().count("AUTHENTICATE") + server.log().count("LOGIN");
    assert_eq!(attempts, 1, "{:?}", server.log().lines());
}

/// Runs a program at a terminal, and answers its first question for a password.
const PERSON: &str = "\
import os, pty, sys
seen = b''
def read(terminal):
    global seen
    data = os.read(terminal, 4096)
    asked = b'password' in seen
    seen += data
    if not asked and b'password' in seen:
        os.write(terminal, sys.argv[1].encode() + b'\\n')
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read)))
";

#[test]
fn a_password_that_nobody_has_is_asked_for_at_the_terminal() {
    let server = server();
    let rig = rig(&server);
    let program = rig.command();
    let mut person = Command::new("python3");
    person.args(["-c", PERSON, PASSWORD]).arg(program.get_program()).args(program.get_args());
    person.args(["-u", "ttyui", "-k", "Repository_Remote:remotepass="]);
    person.env_clear().env("PATH", "/usr/bin:/bin").current_dir(rig.home());
    person.env("HOME", rig.home()).env("TMPDIR", rig.scratch()).env("TZ", "UTC");
    let ended = rig.start(&mut person).wait();
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Enter password for user 'tester'"), "{}", ended.output);
    assert!(!ended.output.contains(PASSWORD), "it is not echoed: {}", ended.output);
    assert_eq!(rig.maildir().messages("INBOX").len(), 1);
}

#[test]
fn names_and_passwords_beyond_ascii_sign_in() {
    let (user, password) = ("jürgen", "pässwörd \"\\ 雪");
    for mechanism in ["LOGIN", "PLAIN", "CRAM-MD5"] {
        for literals in [Capability::LiteralPlus, Capability::LiteralMinus] {
            let server = ImapServer::builder()
                .without(Capability::LiteralPlus)
                .with(literals)
                .credentials(user, password)
                .start()
                .unwrap();
            server.mail().add("INBOX", simple("hello")).unwrap();
            let rig = Rig::new(server.address(), user, password);
            let rig = rig.remote(&format!("auth_mechanisms = {mechanism}"));
            let ended = rig.run(&[]);
            assert_eq!(ended.status, Some(0), "{mechanism}: {}", ended.output);
            assert_eq!(rig.maildir().messages("INBOX").len(), 1, "{mechanism}");
        }
    }
}

#[test]
fn a_proxy_is_never_passed_by() {
    let server = server();
    for ipv6 in ["", "ipv6 = no"] {
        let rig = rig(&server).account("proxy = SOCKS5:127.0.0.1:9").remote(ipv6);
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains("proxy"), "{}", ended.output);
        assert_eq!(server.log().lines(), Vec::<String>::new(), "{}", ended.output);
        assert!(rig.overheard().is_empty());
    }
}

#[test]
fn gssapi_is_passed_over_with_a_warning_and_never_begun_in_the_clear() {
    let server =
        ImapServer::builder().credentials(USER, PASSWORD).announce("AUTH=GSSAPI").start().unwrap();
    server.mail().add("INBOX", simple("hello")).unwrap();
    let mixed = rig(&server).remote("auth_mechanisms = GSSAPI, CRAM-MD5");
    let ended = mixed.sync();
    let warning = "authentication mechanism 'GSSAPI' is not supported yet and is passed over";
    assert!(ended.output.contains(warning), "{}", ended.output);
    assert!(!server.log().lines().iter().any(|line| line.contains("GSSAPI")));

    server.log().clear();
    let alone = rig(&server).remote("auth_mechanisms = GSSAPI");
    let ended = alone.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    let refusal = "repository 'Remote' has no authentication mechanism that works yet";
    assert!(ended.output.contains(refusal), "{}", ended.output);
    assert_eq!(server.log().lines(), Vec::<String>::new());
}
