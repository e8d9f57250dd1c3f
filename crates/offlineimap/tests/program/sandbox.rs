//! A home directory for the program, and nothing else of this machine.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use offlineimap_testkit::server::ImapServer;

/// A home directory; gone when dropped.
pub(crate) struct Sandbox {
    home: tempfile::TempDir,
}

impl Sandbox {
    /// An empty home.
    pub(crate) fn empty() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// A home with this `.offlineimaprc`.
    pub(crate) fn configured(configuration: &str) -> Self {
        let sandbox = Self::empty();
        fs::write(sandbox.path(".offlineimaprc"), configuration).unwrap();
        sandbox
    }

    /// A home whose only account `Test` is on this server, over one connection.
    pub(crate) fn with_account(server: &ImapServer) -> Self {
        Self::configured(&format!("[general]\naccounts = Test\n\n{}", account("Test", server)))
    }

    /// A path below the home directory.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    /// The program with these arguments, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offlineimap"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            // The tester's own keyring is none of our business.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.ran(&self.command(arguments).output().unwrap())
    }

    fn ran(&self, output: &Output) -> Ran {
        let text = |bytes: &[u8]| self.neutral(&String::from_utf8_lossy(bytes));
        Ran {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Runs the program to its end, without a terminal: these lines are its input.
    pub(crate) fn run_answering(&self, arguments: &[&str], answers: &str) -> Ran {
        let program = self.command(arguments);
        let mut command = Command::new("/usr/bin/setsid");
        command.arg("--wait").arg(program.get_program()).args(program.get_args()).env_clear();
        for (name, value) in program.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        command.current_dir(self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who has ended has not read everything.
        drop(child.stdin.take().unwrap().write_all(answers.as_bytes()));
        self.ran(&child.wait_with_output().unwrap())
    }

    /// The subjects of all messages of a local folder, sorted.
    pub(crate) fn subjects(&self, folder: &str) -> Vec<String> {
        let mut subjects: Vec<String> = self.files(folder).iter().map(|it| subject(it)).collect();
        subjects.sort();
        subjects
    }

    /// The files of all messages of a local folder.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let directory = self.path("Mail").join(folder);
        let mut files: Vec<PathBuf> = ["cur", "new"]
            .iter()
            .flat_map(|part| fs::read_dir(directory.join(part)).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    /// Replaces what differs from run to run.
    fn neutral(&self, text: &str) -> String {
        let home = self.home.path().display().to_string();
        let mut neutral = String::new();
        for line in text.replace(&home, "[HOME]").split_inclusive('\n') {
            match line.split_once("127.0.0.1:") {
                Some((before, after)) => {
                    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                    write!(neutral, "{before}127.0.0.1:[PORT]{rest}").unwrap();
                }
                None if line.contains("*** Finished account") => {
                    let (before, _) = line.rsplit_once(' ').unwrap();
                    writeln!(neutral, "{before} [TIME]").unwrap();
                }
                None => neutral.push_str(line),
            }
        }
        neutral
    }
}

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status.map_or_else(|| "a signal".to_owned(), |it| it.to_string());
        write!(f, "status: {status}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// The sections of an account on this server, in the Maildir `~/Mail`.
pub(crate) fn account(name: &str, server: &ImapServer) -> String {
    account_at(name, server, server.port())
}

/// The same, reached by another port.
pub(crate) fn account_at(name: &str, server: &ImapServer, port: u16) -> String {
    format!(
        "[Account {name}]\nlocalrepository = Local\nremoterepository = Remote\n\n\
         [Repository Local]\ntype = Maildir\nlocalfolders = ~/Mail\n\n\
         [Repository Remote]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
         remoteuser = {}\nremotepass = {}\nssl = no\nstarttls = no\nmaxconnections = 1\n",
        server.user(),
        server.password()
    )
}

fn subject(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap().to_owned()
}
