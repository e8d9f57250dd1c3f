//! Settings that Python code computes, up to the server: the real program, a real interpreter, and
//! the file of a user.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "program/sandbox.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sandbox;

use std::fs;
use std::path::Path;
use std::process::Command;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;
use sandbox::{Sandbox, account};

/// What the program did.
struct Ran {
    status: Option<i32>,
    shown: String,
}

/// A user whose file is `~/.offlineimap.py`, and whose `pass` is a stand-in.
fn user(server: &ImapServer, general: &str, remote: &str, pythonfile: &str) -> Sandbox {
    let account = account("Test", server);
    let without_password = account.lines().filter(|line| !line.starts_with("remotepass"));
    let account = without_password.collect::<Vec<_>>().join("\n");
    let sandbox = Sandbox::configured(&format!(
        "[general]\naccounts = Test\npythonfile = ~/.offlineimap.py\n{general}\n\n{account}\n{remote}\n"
    ));
    fs::write(sandbox.path(".offlineimap.py"), pythonfile).unwrap();
    fs::create_dir(sandbox.path("bin")).unwrap();
    // Written by another process, so that no other test inherits the open file.
    let pass = "printf '#!/bin/sh\\necho secret\\necho \"path: $1\"\\n' > pass && chmod 755 pass";
    let bin = sandbox.path("bin");
    let written = Command::new("/bin/sh").args(["-c", pass]).current_dir(bin).status();
    assert!(written.unwrap().success());
    sandbox
}

fn run(sandbox: &Sandbox) -> Ran {
    let tools = std::env::var_os("PATH").unwrap();
    let mut path = sandbox.path("bin").into_os_string();
    path.push(":");
    path.push(tools);
    let output = sandbox.command(&[]).env("PATH", path).output().unwrap();
    let shown = [output.stdout, output.stderr].concat();
    Ran { status: output.status.code(), shown: String::from_utf8_lossy(&shown).into_owned() }
}

fn with_message() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("hello").to_bytes()).unwrap();
    server
}

fn logins(server: &ImapServer) -> usize {
    server.log().count("LOGIN") + server.log().count("AUTHENTICATE")
}

const PASS: &str = "import subprocess\n\
     def get_pass(account):\n    \
         print('looking for ' + account)\n    \
         return subprocess.check_output(['pass', account]).splitlines()[0]\n";

#[test]
fn the_password_store_signs_in() {
    let server = with_message();
    let sandbox = user(&server, "", "remotepasseval = get_pass('Mail/%%work')", PASS);
    let ran = run(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.shown);
    assert_eq!(sandbox.subjects("INBOX"), ["hello"]);
    assert!(ran.shown.contains("Python: looking for Mail/%work"), "{}", ran.shown);
    assert!(!ran.shown.contains("secret"), "{}", ran.shown);
}

#[test]
fn a_computed_password_goes_before_a_given_one() {
    let server = with_message();
    let remote = "remotepass = wrong\nremotepasseval = get_pass('x')";
    let ran = run(&user(&server, "", remote, PASS));
    assert_eq!(ran.status, Some(0), "{}", ran.shown);
}

#[test]
fn host_port_user_and_password_are_computed_by_one_process() {
    let server = with_message();
    let remote = "remotehosteval = next('host')\nremoteporteval = port\n\
                  remoteusereval = next('user').encode()\nremotepasseval = next('password')";
    let pythonfile = format!(
        "port = {}\nasked = []\n\
         def next(what):\n    \
             asked.append(what)\n    \
             open('asked', 'w').write(' '.join(asked))\n    \
             return {{'host': '127.0.0.1', 'user': 'tester', 'password': 'secret'}}[what]\n",
        server.port()
    );
    let sandbox = user(&server, "", remote, &pythonfile);
    let rc = fs::read_to_string(sandbox.path(".offlineimaprc")).unwrap();
    let rc = rc.replace("remotehost = 127.0.0.1", "remotehost = host.invalid");
    let rc = rc.replace(&format!("remoteport = {}", server.port()), "remoteport = 1");
    let rc = rc.replace("remoteuser = tester", "remoteuser = nobody");
    fs::write(sandbox.path(".offlineimaprc"), rc).unwrap();
    let ran = run(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.shown);
    assert_eq!(sandbox.subjects("INBOX"), ["hello"]);
    assert_eq!(fs::read_to_string(sandbox.path("asked")).unwrap(), "host user password");
}

#[test]
fn builtins_need_no_file() {
    let server = with_message();
    let sandbox = user(&server, "", "remotepasseval = open('password').read().strip()", "");
    let rc = fs::read_to_string(sandbox.path(".offlineimaprc")).unwrap();
    let rc = rc.replace("pythonfile = ~/.offlineimap.py\n", "");
    fs::write(sandbox.path(".offlineimaprc"), rc).unwrap();
    fs::write(sandbox.path("password"), "secret\n").unwrap();
    let ran = run(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.shown);
}

#[test]
fn no_interpreter_is_started_that_nothing_needs() {
    let server = with_message();
    let general = "pythoninterpreter = /nonexistent/python";
    let ran = run(&user(&server, general, "remotepass = secret", "raise SystemExit"));
    assert_eq!(ran.status, Some(0), "{}", ran.shown);
}

/// Runs what has to fail before anybody signs in, and returns what is shown.
fn refusal(general: &str, remote: &str, pythonfile: &str) -> String {
    let server = with_message();
    let ran = run(&user(&server, general, remote, pythonfile));
    assert_eq!(ran.status, Some(1), "{}", ran.shown);
    assert_eq!(logins(&server), 0, "{}", ran.shown);
    ran.shown
}

#[test]
fn what_is_wrong_is_told_with_a_traceback_and_without_the_expression() {
    let told = refusal(
        "",
        "remotepasseval = get_pass('hunter2')",
        "def get_pass(account):\n    raise KeyError('no such account')\n",
    );
    assert!(told.contains("no password from 'remotepasseval': Python raised KeyError"), "{told}");
    assert!(told.contains("line 2, in get_pass"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");

    let told = refusal("", "remotepasseval = get_pass('x')", "import gnomekeyring\n");
    assert!(told.contains(".offlineimap.py' cannot be loaded: Python raised ModuleNotFoundError"));
    let told = refusal("", "remotepasseval = hunter2", "");
    assert!(told.contains("NameError") && !told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_no_text_is_no_password() {
    for (expression, complaint) in [
        ("None", "the value is of type NoneType, and not str or bytes"),
        ("b'\\xff'", "the value is of type bytes, and is not UTF-8"),
        ("''", "the value is empty"),
    ] {
        let told = refusal("", &format!("remotepasseval = {expression}"), "");
        assert!(told.contains(complaint), "{told}");
    }
    let told = refusal("", "remotepass = secret\nremoteporteval = 70000", "");
    let complaint = "no value of 'remoteporteval': the value 70000 is not within 1 to 65535";
    assert!(told.contains(complaint), "{told}");
}

#[test]
fn a_missing_interpreter_is_told_with_the_option() {
    let general = "pythoninterpreter = /nonexistent/python";
    let told = refusal(general, "remotepasseval = get_pass('x')", PASS);
    assert!(told.contains("cannot start the Python interpreter '/nonexistent/python'"), "{told}");
    assert!(told.contains("'pythoninterpreter' in [general]"), "{told}");
}

#[test]
fn code_that_hangs_is_ended_and_so_is_its_process() {
    let pythonfile = "import os\nopen('pid', 'w').write(str(os.getpid()))\n\
                      def get_pass():\n    while True: pass\n";
    let server = with_message();
    let sandbox = user(&server, "pythontimeout = 1", "remotepasseval = get_pass()", pythonfile);
    let ran = run(&sandbox);
    assert_eq!(ran.status, Some(1), "{}", ran.shown);
    assert!(ran.shown.contains("the Python code did not finish within 1s"), "{}", ran.shown);
    assert_eq!(logins(&server), 0);
    // On a slow machine the deadline passes before the file is loaded.
    if let Ok(pid) = fs::read_to_string(sandbox.path("pid")) {
        assert!(!Path::new("/proc").join(pid).exists());
    }
}
