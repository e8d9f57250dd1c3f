//! The program and the keyring of a session: a real Secret Service on a private bus.

#![cfg(feature = "keyring")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use offlineimap_testkit::server::ImapServer;
use tempfile::TempDir;

/// A home directory with a session bus and, if it has one, a keyring that is unlocked.
struct Session {
    home: TempDir,
    address: String,
    processes: Vec<Child>,
}

impl Session {
    fn without_a_keyring() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { home, address: address.trim().to_owned(), processes: vec![bus] }
    }

    fn with_a_keyring() -> Self {
        let mut session = Self::without_a_keyring();
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        session.at_home(&mut command).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut keyring = command.stderr(Stdio::null()).spawn().unwrap();
        // The end of the input is the end of the passphrase.
        keyring.stdin.take().unwrap().write_all(b"a passphrase").unwrap();
        session.processes.push(keyring);
        let started = Instant::now();
        while session.python("keyring.get_keyring().get_password('no', 'body')") != "None" {
            assert!(started.elapsed() < Duration::from_mins(1), "the keyring does not answer");
            sleep(Duration::from_millis(100));
        }
        session
    }

    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let home = self.home.path();
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("XDG_DATA_HOME", home.join("share"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .current_dir(home)
    }

    /// What an expression gives in Python, with its `keyring`.
    fn python(&self, expression: &str) -> String {
        let mut command = Command::new("/usr/bin/python3");
        let code = format!(
            "import keyring\nfrom keyring.backends import SecretService\n\
             keyring.set_keyring(SecretService.Keyring())\nprint({expression})"
        );
        let output = self.at_home(command.args(["-c", &code])).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs the program without a terminal; these lines are its input.
    fn run(&self, server: &ImapServer, arguments: &[&str], answers: &str) -> (Option<i32>, String) {
        let configuration = format!(
            "[general]\naccounts = Test\n[Account Test]\nlocalrepository = Local\n\
             remoterepository = Remote\n[Repository Local]\ntype = Maildir\nlocalfolders = ~/Mail\n\
             [Repository Remote]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {}\n\
             remoteuser = tester\nssl = no\nstarttls = no\n",
            server.port()
        );
        std::fs::write(self.home.path().join(".offlineimaprc"), configuration).unwrap();
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(env!("CARGO_BIN_EXE_offlineimap")).args(arguments);
        self.at_home(&mut command).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(answers.as_bytes()));
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

#[test]
fn what_python_stored_is_found_and_what_we_store_is_found_by_python() {
    let server = ImapServer::start().unwrap();
    let session = Session::with_a_keyring();
    session.python("keyring.set_password('127.0.0.1', 'tester', 'secret')");
    let (status, told) = session.run(&server, &[], "");
    assert_eq!(status, Some(0), "{told}");
    for ignoring in [&["--ignore-keyring"][..], &["-k", "general:ignore-keyring=yes"]] {
        let (status, told) = session.run(&server, ignoring, "secret\n");
        assert_eq!((status, told.contains("Enter password for user")), (Some(0), true), "{told}");
    }

    let session = Session::with_a_keyring();
    for updating in [&["--update-keyring"][..], &["-k", "general:update-keyring=yes"]] {
        session.python("keyring.set_password('127.0.0.1', 'tester', 'old')");
        let (status, told) = session.run(&server, updating, "wrong\nsecret\n");
        assert_eq!(status, Some(0), "{told}");
        assert_eq!(session.python("keyring.get_password('127.0.0.1', 'tester')"), "secret");
    }
    let (status, told) = session.run(&server, &[], "");
    assert_eq!(status, Some(0), "{told}");
}

#[test]
fn an_old_password_in_the_keyring_is_replaced_by_what_the_server_accepts() {
    let server = ImapServer::start().unwrap();
    let session = Session::with_a_keyring();
    session.python("keyring.set_password('127.0.0.1', 'tester', 'old')");
    let (status, told) = session.run(&server, &["-u", "quiet"], "secret\n");
    assert_eq!(status, Some(1), "{told}");
    let (status, told) = session.run(&server, &["--update-keyring"], "secret\n");
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("the password is that of the system keyring"), "{told}");
    assert_eq!(session.python("keyring.get_password('127.0.0.1', 'tester')"), "secret");
}

#[test]
fn a_bus_without_a_keyring_is_no_delay() {
    let server = ImapServer::start().unwrap();
    let session = Session::without_a_keyring();
    let started = Instant::now();
    let (status, told) = session.run(&server, &[], "secret\n");
    assert_eq!(status, Some(0), "{told}");
    // Whoever asks for a service that nobody starts waits 25 seconds.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}
