//! `newmail_hook`: when it is called, and what happens when it fails.

use std::fs;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{ImapServer, NewMessage};

use crate::rig::Rig;

const HOOK: &str = r#"newmail_hook = lambda: os.system("echo called >> calls")"#;

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().create("Lists");
    server
}

fn rig(server: &ImapServer, hook: &str) -> Rig {
    Rig::new(server.address(), server.user(), server.password()).remote(hook)
}

fn add(server: &ImapServer, folder: &str, subject: &str, flags: &[&str]) {
    let message = NewMessage::new(simple(subject)).with_flags(flags);
    server.mail().add(folder, message).unwrap();
}

fn calls(rig: &Rig) -> usize {
    fs::read_to_string(rig.home().join("calls")).unwrap_or_default().lines().count()
}

#[test]
fn it_is_called_once_in_a_sync_that_brings_unread_mail_to_the_inbox() {
    let server = server();
    let rig = rig(&server, HOOK);
    rig.sync();
    assert_eq!(calls(&rig), 0, "nothing came");
    add(&server, "INBOX", "read", &["\\Seen"]);
    add(&server, "Lists", "unread elsewhere", &[]);
    rig.sync();
    assert_eq!(calls(&rig), 0, "what came to the inbox was read");
    for subject in ["one", "two"] {
        add(&server, "INBOX", subject, &[]);
    }
    add(&server, "INBOX", "three", &["\\Flagged", "\\Seen"]);
    let ended = rig.sync();
    assert_eq!(calls(&rig), 1);
    assert_eq!(ended.output.matches("Calling hook: newmail_hook\n").count(), 1);
    rig.sync();
    assert_eq!(calls(&rig), 1, "nothing came");
    // From here to there is no new mail.
    rig.maildir().deliver("INBOX", "", b"From: a@b\nSubject: draft\nMessage-ID: <d@b>\n\nx\n");
    rig.sync();
    assert_eq!(calls(&rig), 1, "an upload");
}

#[test]
fn a_module_can_be_imported_and_a_function_of_the_pythonfile_used() {
    let server = server();
    add(&server, "INBOX", "one", &[]);
    let import =
        r#"newmail_hook = lambda: __import__("os").system("echo called >> calls; exit 3")"#;
    let imported = rig(&server, import);
    imported.sync();
    assert_eq!(calls(&imported), 1);

    let function = rig(&server, "newmail_hook = notify").general("pythonfile = ~/functions.py");
    let functions = "def notify():\n    open('calls', 'a').write('called\\n')\n";
    fs::write(function.home().join("functions.py"), functions).unwrap();
    function.sync();
    assert_eq!(calls(&function), 1);
}

#[test]
fn a_hook_that_raises_is_an_error_and_hurts_nothing_else() {
    for (hook, complaint) in
        [("lambda: 1 / 0", "ZeroDivisionError"), ("'not callable'", "TypeError: 'str' object")]
    {
        let server = server();
        add(&server, "INBOX", "one", &[]);
        add(&server, "Lists", "two", &[]);
        let rig = rig(&server, &format!("newmail_hook = {hook}"));
        let rig = rig.account("postsynchook = touch after");
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        let told = format!("account 'Test'\n  'newmail_hook' of repository 'Remote': {complaint}");
        assert!(ended.output.contains(&told), "{}", ended.output);
        assert!(rig.home().join("after").exists(), "{}", ended.output);
        assert_eq!(rig.same_mail("after the hook failed").values().flatten().count(), 2);
        rig.does_nothing("after the hook failed");
    }
}

#[test]
fn a_dry_run_announces_the_hook() {
    let server = server();
    add(&server, "INBOX", "one", &[]);
    let rig = rig(&server, HOOK);
    let ended = rig.run(&["--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(ended.output.matches("[DRYRUN] Calling hook: newmail_hook\n").count(), 1);
    assert_eq!(calls(&rig), 0);
}
