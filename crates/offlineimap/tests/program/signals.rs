//! Ending early.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use offlineimap_testkit::message;
use offlineimap_testkit::server::{Fault, ImapServer, Misbehaviour};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use crate::sandbox::{Sandbox, account};

/// Long enough for the slowest machine; nothing waits that long unless it is broken.
const DEADLINE: Duration = Duration::from_mins(1);

/// The program at work.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn wait_for_line(&self, part: &str) {
        while !self.lines.recv_timeout(DEADLINE).unwrap().contains(part) {}
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if begun.elapsed() > DEADLINE {
                self.child.kill().unwrap();
                panic!("the program does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A server that goes silent in the middle of the second message.
fn silent_server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    for number in 1..=3 {
        server.mail().add("INBOX", message::simple(&format!("message {number}"))).unwrap();
    }
    server.mail().create("Work");
    server.mail().add("Work", message::simple("report")).unwrap();
    server.fail(Fault::on("UID FETCH").containing("BODY").nth(2).then(Misbehaviour::Hang));
    server
}

fn assert_resumable(server: &ImapServer, sandbox: &Sandbox) {
    server.clear_faults();
    let ran = sandbox.run(&["-o", "-u", "quiet"]);
    assert_eq!(ran.status, Some(0), "{ran}");
    assert_eq!(sandbox.subjects("INBOX"), ["message 1", "message 2", "message 3"]);
    assert_eq!(sandbox.subjects("Work"), ["report"]);
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2, 3]);
}

#[test]
fn a_sync_that_waits_for_a_silent_server_ends_soon_after_a_signal() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let server = silent_server();
        let sandbox = Sandbox::with_account(&server);
        let running = Running::start(&mut sandbox.command(&["-o", "-u", "basic"]));
        running.wait_for_line("Copy message");
        running.send(signal);
        running.wait_for_line("Preparing to shutdown");
        let status = running.end();
        assert!(matches!(status.code(), Some(0 | 1)), "{signal:?}: {status}");
        assert_resumable(&server, &sandbox);
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let server = silent_server();
    let sandbox = Sandbox::with_account(&server);
    let running = Running::start(&mut sandbox.command(&["-o", "-u", "basic"]));
    running.wait_for_line("Copy message");
    running.send(Signal::INT);
    running.wait_for_line("Preparing to shutdown");
    running.send(Signal::INT);
    let status = running.end();
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert_resumable(&server, &sandbox);
}

/// An account that is not synced before the file is there.
fn waiting_account(server: &ImapServer) -> (Sandbox, PathBuf) {
    server.mail().add("INBOX", message::simple("message")).unwrap();
    let hook = "\npresynchook = while [ ! -e ~/go-on ]; do sleep 0.02; done\n";
    let configuration = account("Test", server).replacen('\n', hook, 1);
    let general = "[general]\naccounts = Test\n\n";
    let sandbox = Sandbox::configured(&format!("{general}{configuration}"));
    let go_on = sandbox.path("go-on");
    (sandbox, go_on)
}

#[test]
fn a_signal_to_end_after_the_sync_lets_it_finish() {
    for signal in [Signal::USR2, Signal::ABORT] {
        let server = ImapServer::start().unwrap();
        let (sandbox, go_on) = waiting_account(&server);
        let running = Running::start(&mut sandbox.command(&["-u", "basic"]));
        running.wait_for_line("Calling hook");
        running.send(signal);
        running.wait_for_line("Terminating after this sync...");
        fs::write(go_on, "").unwrap();
        running.wait_for_line("Finished account 'Test'");
        assert_eq!(running.end().code(), Some(0), "{signal:?}");
        assert_eq!(sandbox.subjects("INBOX"), ["message"]);
    }
}

#[test]
fn a_signal_for_waiting_accounts_does_no_harm() {
    let server = ImapServer::start().unwrap();
    let (sandbox, go_on) = waiting_account(&server);
    let running = Running::start(&mut sandbox.command(&["-u", "basic"]));
    running.wait_for_line("Calling hook");
    running.send(Signal::USR1);
    fs::write(go_on, "").unwrap();
    assert_eq!(running.end().code(), Some(0));
    assert_eq!(sandbox.subjects("INBOX"), ["message"]);
}

#[test]
fn a_quit_tells_what_everything_is_doing_and_aborts() {
    let unlimited = getrlimit(Resource::Core).maximum;
    // Nobody wants the image of this test.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: unlimited }).unwrap();
    let server = silent_server();
    let sandbox = Sandbox::with_account(&server);
    let mut command = sandbox.command(&["-u", "basic"]);
    let mut running = Running::start(command.stderr(Stdio::piped()));
    let mut stderr = running.child.stderr.take().unwrap();
    running.wait_for_line("Copy message");
    running.send(Signal::QUIT);
    assert_eq!(running.end().signal(), Some(Signal::ABORT.as_raw()));
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    let copying = "Thread 'Folder INBOX [acc: Test]' (account 'Test'), 0:0";
    assert!(told.contains(copying) && told.contains("ago: Copy message UID"), "{told}");
    assert!(told.contains("Thread 'Account sync Test' (account 'Test')"), "{told}");
    assert_resumable(&server, &sandbox);
}

#[test]
fn debugging_of_threads_tells_at_the_end_what_they_were_doing() {
    for (debugging, expected) in [("thread", true), ("imap", false)] {
        let server = silent_server();
        let sandbox = Sandbox::with_account(&server);
        let running = Running::start(&mut sandbox.command(&["-d", debugging, "-u", "basic"]));
        running.wait_for_line("Copy message");
        running.send(Signal::TERM);
        running.wait_for_line("Preparing to shutdown");
        let activity = "[thread]: Thread 'Folder INBOX [acc: Test]'";
        let told = running.lines.iter().any(|line| line.starts_with(activity));
        assert_eq!(told, expected, "-d {debugging}");
        running.end();
    }
}
