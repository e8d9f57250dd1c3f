//! The lines of the protocol.
//!
//! A line is `<severity>:<command>:<thread>:<data>`. Thread and data are encoded as in a form
//! (`application/x-www-form-urlencoded`); the fields of the data are separated by line breaks, the
//! items of a list by form feeds.

use std::fmt::Write as _;

use offlineimap_core::Key;
use offlineimap_engine::FolderLabel;

use super::PROTOCOL;
use crate::ui::moment::FlagsAre;
use crate::ui::{Level, Message, Moment, Thread};

/// A line, not yet encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    severity: Severity,
    /// Empty for a text like any other.
    command: &'static str,
    thread: String,
    pub(super) data: String,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Debug,
    Message,
    Warning,
    Error,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Message => "msg",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Message,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

impl Line {
    pub(super) fn new(
        severity: Severity,
        command: &'static str,
        thread: &Thread,
        data: impl Into<String>,
    ) -> Self {
        Self { severity, command, thread: thread.name().to_owned(), data: data.into() }
    }

    /// The level of the line where it is written down.
    pub(super) fn level(&self) -> Level {
        match self.severity {
            Severity::Debug => Level::Debug,
            Severity::Message => Level::Info,
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        }
    }

    /// The line as it is sent, with its line break.
    pub(super) fn encoded(&self) -> String {
        format!(
            "{}:{}:{}:{}\n",
            self.severity.word(),
            self.command,
            encoded(&self.thread),
            encoded(&self.data)
        )
    }
}

/// The lines of a message, usually one.
pub(super) fn lines(message: &Message) -> Vec<Line> {
    let Message { level, thread, text, moment } = message;
    let line = |command, data: String| vec![Line::new(Severity::Message, command, thread, data)];
    let plain = || vec![Line::new(Severity::from(*level), "", thread, text.as_str())];
    let Some(moment) = moment else { return plain() };
    match moment {
        Moment::Activity => plain(),
        Moment::Banner => vec![
            Line::new(Severity::Message, "protocol", thread, PROTOCOL),
            Line::new(Severity::Message, "initbanner", thread, text.as_str()),
        ],
        Moment::Remark => line("_display", text.clone()),
        Moment::Debugging { what } => {
            vec![Line::new(Severity::Debug, "debugging", thread, *what)]
        }
        Moment::ThreadStarted { account } => line("registerthread", account.clone()),
        Moment::ThreadEnded { thread: name } => ["threadExited", "unregisterthread"]
            .map(|command| Line::new(Severity::Message, command, thread, name.as_str()))
            .to_vec(),
        Moment::AccountStarted { account } => line("acct", account.clone()),
        Moment::AccountFinished { account } => line("acctdone", account.clone()),
        Moment::Hook { text } => line("callhook", text.clone()),
        Moment::Connecting { host, port, repository } => {
            line("connecting", format!("{host}\n{port}\n{repository}"))
        }
        Moment::FoldersStarted(repositories) => line(
            "syncfolders",
            format!("{}\n{}", repositories.remote.kind, repositories.local.kind),
        ),
        Moment::FolderStarted(folder) => {
            line("syncingfolder", direction(&folder.remote, &folder.local))
        }
        Moment::Listing(folder) => line("loadmessagelist", fields(folder)),
        Moment::Listed { folder, messages } => {
            line("messagelistloaded", format!("{}\n{messages}", fields(folder)))
        }
        Moment::CopiesStarted { from, to } => line("syncingmessages", direction(from, to)),
        Moment::Copying { number, from, to } => line(
            "copyingmessage",
            format!("{number}\n{}\n{}[{}]", fields(from), to.kind, to.folder),
        ),
        Moment::Deleting { keys, folder } => {
            line("deletingmessages", format!("{}\n{}\t{}", list(keys), folder.kind, folder.folder))
        }
        Moment::ChangingFlags { change, flags, keys, folder } => {
            let command = match change {
                FlagsAre::Added => "addingflags",
                FlagsAre::Removed => "deletingflags",
            };
            line(command, format!("{}\n{flags}\n{}", list(keys), folder.folder))
        }
        Moment::ValidityProblem { folder, saved, current } => {
            let data = format!("{}\n{}\n{saved}\n{current}", folder.folder, folder.repository);
            vec![Line::new(Severity::Warning, "validityproblem", thread, data)]
        }
    }
}

fn fields(folder: &FolderLabel) -> String {
    format!("{}\n{}", folder.kind, folder.folder)
}

/// A line break ends this one, and does not just separate.
fn direction(from: &FolderLabel, to: &FolderLabel) -> String {
    format!("{}\n{}\n", fields(from), fields(to))
}

fn list(keys: &[Key]) -> String {
    let keys = keys.iter().map(|key| match key.as_number() {
        Some(number) => number.to_string(),
        None => key.to_string(),
    });
    keys.collect::<Vec<_>>().join("\u{c}")
}

/// Encodes as in a form: a blank is `+`, and of ASCII only letters, digits and `_.-~` stay.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'-' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a string does not fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use offlineimap_core::{Flags, MailboxName, PerSide};
    use offlineimap_engine::RepositoryLabel;

    use super::*;

    fn folder() -> PerSide<FolderLabel> {
        let label = |repository: &str, kind| FolderLabel {
            repository: repository.into(),
            kind,
            folder: MailboxName::new("Work"),
        };
        PerSide { remote: label("Remote", "IMAP"), local: label("Local", "Maildir") }
    }

    fn uid(number: u32) -> Key {
        Key::number(NonZeroU32::new(number).unwrap())
    }

    fn told(moment: Moment) -> String {
        let thread = Thread::folder("Work", "Test");
        let text = "a text for people".to_owned();
        let message = Message { level: Level::Info, thread, text, moment: Some(moment) };
        lines(&message).iter().map(Line::encoded).collect()
    }

    #[test]
    fn only_letters_digits_and_four_signs_are_not_encoded() {
        assert_eq!(encoded("aZ09_.-~ \n\t\u{c}%:/*ü"), "aZ09_.-~+%0A%09%0C%25%3A%2F%2A%C3%BC");
    }

    #[test]
    fn a_text_has_its_severity_and_no_command() {
        for (level, line) in [
            (Level::Debug, "debug::MainThread:a%0Ab\n"),
            (Level::Info, "msg::MainThread:a%0Ab\n"),
            (Level::Warning, "warn::MainThread:a%0Ab\n"),
            (Level::Error, "error::MainThread:a%0Ab\n"),
        ] {
            let lines = lines(&Message::main(level, "a\nb"));
            assert_eq!(lines.iter().map(Line::encoded).collect::<String>(), line);
        }
    }

    #[test]
    fn every_moment_of_a_folder_has_its_fields_in_order() {
        let PerSide { remote, local } = folder();
        let repository =
            |label: &FolderLabel| RepositoryLabel { repository: String::new(), kind: label.kind };
        let change = |change| Moment::ChangingFlags {
            change,
            flags: Flags::from_letters("F"),
            keys: vec![uid(1), uid(7)],
            folder: local.clone(),
        };
        for (moment, line) in [
            (
                Moment::FoldersStarted(folder().as_ref().map(repository)),
                "syncfolders:IMAP%0AMaildir",
            ),
            (Moment::FolderStarted(folder()), "syncingfolder:IMAP%0AWork%0AMaildir%0AWork%0A"),
            (Moment::Listing(local.clone()), "loadmessagelist:Maildir%0AWork"),
            (
                Moment::Listed { folder: remote.clone(), messages: 3 },
                "messagelistloaded:IMAP%0AWork%0A3",
            ),
            (
                Moment::CopiesStarted { from: local.clone(), to: remote.clone() },
                "syncingmessages:Maildir%0AWork%0AIMAP%0AWork%0A",
            ),
            (
                Moment::Copying { number: "1".into(), from: remote.clone(), to: local.clone() },
                "copyingmessage:1%0AIMAP%0AWork%0AMaildir%5BWork%5D",
            ),
            (
                Moment::Deleting { keys: vec![uid(2), uid(3)], folder: remote.clone() },
                "deletingmessages:2%0C3%0AIMAP%09Work",
            ),
            (change(FlagsAre::Added), "addingflags:1%0C7%0AF%0AWork"),
            (change(FlagsAre::Removed), "deletingflags:1%0C7%0AF%0AWork"),
        ] {
            let (command, data) = line.split_once(':').unwrap();
            let expected = format!("msg:{command}:Folder+Work+%5Bacc%3A+Test%5D:{data}\n");
            assert_eq!(told(moment), expected);
        }
    }

    #[test]
    fn the_end_of_a_thread_is_two_lines() {
        let moment = Moment::ThreadEnded { thread: "Account sync Test".into() };
        let message = Message { moment: Some(moment), ..Message::main(Level::Debug, "") };
        assert_eq!(
            lines(&message).iter().map(Line::encoded).collect::<String>(),
            "msg:threadExited:MainThread:Account+sync+Test\n\
             msg:unregisterthread:MainThread:Account+sync+Test\n"
        );
    }

    #[test]
    fn a_changed_validity_is_a_warning() {
        let problem = Moment::ValidityProblem {
            folder: folder().remote,
            saved: "1".into(),
            current: "2".into(),
        };
        assert_eq!(
            told(problem),
            "warn:validityproblem:Folder+Work+%5Bacc%3A+Test%5D:Work%0ARemote%0A1%0A2\n"
        );
    }
}
