//! Ending early.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use offlineimap_testkit::message;
use offlineimap_testkit::server::{Fault, ImapServer, Misbehaviour};
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;

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

#[test]
fn signals_for_waiting_accounts_do_no_harm() {
    let server = silent_server();
    let sandbox = Sandbox::with_account(&server);
    let mut running = Running::start(&mut sandbox.command(&["-o", "-u", "basic"]));
    running.wait_for_line("Copy message");
    running.send(Signal::USR1);
    running.send(Signal::USR2);
    running.send(Signal::TERM);
    running.wait_for_line("Preparing to shutdown");
    assert!(running.child.try_wait().unwrap().is_none_or(|status| status.code().is_some()));
    assert!(running.end().code().is_some(), "no signal killed it");
}
