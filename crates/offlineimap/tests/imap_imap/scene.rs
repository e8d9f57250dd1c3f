//! Two servers, and a home directory in which the program keeps them the same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use offlineimap_testkit::message;
use offlineimap_testkit::real_server::Endpoint;
use offlineimap_testkit::server::{ImapServer, InternalDate, MailStore, NewMessage};

/// No run of a test takes longer, unless it hangs.
const RUN_LIMIT: Duration = Duration::from_mins(3);

/// A home directory with a configuration; gone when dropped.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: String,
    pub(crate) peak_kilobytes: u64,
}

/// Where a side is, and who signs in.
pub(crate) struct Place {
    port: u16,
    user: String,
    password: String,
}

impl Place {
    pub(crate) fn of(server: &ImapServer) -> Self {
        Self::behind(server, server.port())
    }

    /// A server that is reached by another port.
    pub(crate) fn behind(server: &ImapServer, port: u16) -> Self {
        Self { port, user: server.user().to_owned(), password: server.password().to_owned() }
    }

    pub(crate) fn at(endpoint: &Endpoint) -> Self {
        Self {
            port: endpoint.address.port(),
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
        }
    }

    fn section(&self, name: &str, more: &str) -> String {
        let Self { port, user, password } = self;
        format!(
            "[Repository {name}]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
             remoteuser = {user}\nremotepass = {password}\nssl = no\nstarttls = no\n{more}\n"
        )
    }
}

impl Home {
    /// A home for an account with these sides; `more` is in both of their sections.
    pub(crate) fn new(remote: &Place, local: &Place, more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[general]\naccounts = Test\nmetadata = ~/metadata\n\n\
             [Account Test]\nlocalrepository = Local\nremoterepository = Remote\n\n{}\n{}",
            local.section("Local", more),
            remote.section("Remote", more)
        );
        fs::write(directory.path().join(".offlineimaprc"), text).unwrap();
        Self { directory }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds lines to a section, given by its header line.
    pub(crate) fn also(&self, header: &str, lines: &str) {
        let path = self.directory.path().join(".offlineimaprc");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(header), "{text}");
        fs::write(path, text.replace(header, &format!("{header}{lines}"))).unwrap();
    }

    /// Runs the program once.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let path = self.directory.path().join("output");
        let output = File::create(&path).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_offlineimap"))
            .args(["-o", "-u", "basic"])
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let started = Instant::now();
        let mut peak_kilobytes = 0;
        let status = loop {
            peak_kilobytes = peak_kilobytes.max(high_water_kilobytes(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if started.elapsed() > RUN_LIMIT {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            sleep(Duration::from_millis(3));
        };
        let output = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let status = status.unwrap_or_else(|| panic!("the program hangs: {output}"));
        assert!(!output.contains("panicked"), "{output}");
        Ended { status: status.code(), signal: status.signal(), output, peak_kilobytes }
    }

    /// Runs the program, which has nothing to complain about.
    pub(crate) fn sync(&self) -> String {
        let ended = self.run(&[]);
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        ended.output
    }
}

fn high_water_kilobytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = mark.and_then(|mark| mark.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// What is on a server: for each folder, with `/` between its parts, the lines
/// `subject, flags, date`, sorted.
pub(crate) fn world(mail: &MailStore, separator: char) -> BTreeMap<String, Vec<String>> {
    mail.mailboxes()
        .into_iter()
        .map(|mailbox| {
            let mut lines: Vec<String> = mail
                .messages(&mailbox)
                .unwrap()
                .iter()
                .map(|message| {
                    let flags: Vec<&str> = message
                        .flags
                        .iter()
                        .map(String::as_str)
                        .filter(|it| *it != "\\Recent")
                        .collect();
                    let date = message.internal_date.unix_seconds();
                    format!("{}, {}, {date}", subject(&message.body), flags.join(" "))
                })
                .collect();
            lines.sort();
            (mailbox.replace(separator, "/"), lines)
        })
        .collect()
}

/// Adds a message of the year 2001.
pub(crate) fn add(mail: &MailStore, mailbox: &str, subject: &str, flags: &[&str]) -> u32 {
    let seconds = 1_000_000_000 + i64::from(subject.bytes().map(u32::from).sum::<u32>());
    let message = NewMessage::new(message::simple(subject))
        .with_flags(flags)
        .with_date(InternalDate::from_unix_seconds(seconds));
    mail.add(mailbox, message).unwrap()
}

/// The UID of the message with this subject.
pub(crate) fn uid(mail: &MailStore, mailbox: &str, wanted: &str) -> u32 {
    let messages = mail.messages(mailbox).unwrap();
    messages.iter().find(|message| subject(&message.body) == wanted).unwrap().uid
}

fn subject(body: &message::Body) -> String {
    let octets = body.to_bytes();
    let text = String::from_utf8_lossy(&octets);
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}
