//! What the user sees of a run (`spec/ui.md`).
//!
//! Everything that happens becomes a [`Message`]; the [`Ui`] shows it on a [`Console`], writes it
//! to the log file and the system log beside, and remembers what went wrong for the report and the exit status.

mod audience;
mod basic;
mod log_file;
mod messages;
mod quiet;
mod report;
mod syslog;
mod ttyui;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offlineimap_config::UserInterface;

use crate::exit::Status;

pub(crate) use audience::Audience;
pub(crate) use log_file::LogFile;
pub(crate) use messages::{DRY_RUN, deleting, key_text};
pub(crate) use syslog::Syslog;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// For finding faults; shown with `-d` only.
    Debug,
    /// Something happens.
    Info,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
}

/// In whose name a message is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thread {
    /// The program itself.
    Main,
    /// A part of the work, by its name: an account, or a folder of it.
    Named(Arc<str>),
}

impl Thread {
    /// The work on an account as a whole.
    pub(crate) fn account(name: &str) -> Self {
        Self::Named(format!("Account sync {name}").into())
    }

    /// The work on a folder.
    pub(crate) fn folder(folder: &str, account: &str) -> Self {
        Self::Named(format!("Folder {folder} [acc: {account}]").into())
    }
}

/// Something to tell.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) level: Level,
    pub(crate) thread: Thread,
    /// One line or several, without a line break at the end.
    pub(crate) text: String,
}

impl Message {
    /// A message of the program itself.
    pub(crate) fn main(level: Level, text: impl Into<String>) -> Self {
        Self { level, thread: Thread::Main, text: text.into() }
    }
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What was being done.
    pub(crate) context: Option<String>,
    /// What happened.
    pub(crate) text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.context {
            Some(context) => write!(f, "ERROR: {context}\n  {}", self.text),
            None => write!(f, "ERROR: {}", self.text),
        }
    }
}

/// A way to show messages.
pub(crate) trait Console: Send {
    /// The least level that it shows without `-d`.
    fn lowest(&self) -> Level;

    /// Shows a message, which is on the screen on return.
    fn show(&mut self, message: &Message) -> io::Result<()>;

    /// Tells whether there is somebody at the terminal who can be asked for a secret.
    fn can_ask(&self) -> bool;
}

/// Makes the console of a user interface; `None` for one that does not exist yet.
pub(crate) fn console(ui: UserInterface) -> Option<Box<dyn Console>> {
    match ui {
        UserInterface::Ttyui => Some(Box::new(ttyui::Ttyui::new(io::stderr()))),
        UserInterface::Basic => Some(Box::new(basic::Basic::new(io::stdout()))),
        UserInterface::Quiet => Some(Box::new(quiet::Quiet::new(io::stdout()))),
        UserInterface::Syslog => {
            Some(Box::new(syslog::SyslogConsole::new(Syslog::local(), io::stderr())))
        }
        UserInterface::Machineui | UserInterface::Blinkenlights => None,
    }
}

/// The audience of the whole run.
pub(crate) struct Ui {
    output: Mutex<Output>,
    /// The least level that is shown and logged.
    lowest: Level,
    can_ask: bool,
    failures: Mutex<Vec<Failure>>,
    validity_problems: AtomicUsize,
}

struct Output {
    console: Box<dyn Console>,
    records: Records,
    /// Messages that wait until a question is answered.
    held: Option<Vec<Message>>,
}

/// Where messages are written beside the console.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// `-l`
    pub(crate) log: Option<LogFile>,
    /// `-s`
    pub(crate) syslog: Option<Syslog>,
}

/// Whether `-d` was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// What the console shows by itself.
    Ordinary,
    /// Everything.
    Debug,
}

impl Ui {
    /// Shows messages on a console, and writes them down beside.
    pub(crate) fn new(console: Box<dyn Console>, records: Records, verbosity: Verbosity) -> Self {
        let lowest = match verbosity {
            Verbosity::Ordinary => console.lowest(),
            Verbosity::Debug => Level::Debug,
        };
        Self {
            lowest,
            can_ask: console.can_ask(),
            output: Mutex::new(Output { console, records, held: None }),
            failures: Mutex::default(),
            validity_problems: AtomicUsize::new(0),
        }
    }

    /// Tells whether messages of a level are wanted at all.
    pub(crate) fn wants(&self, level: Level) -> bool {
        level >= self.lowest
    }

    /// Tells whether the user can be asked for a secret.
    pub(crate) fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Shows a message.
    pub(crate) fn tell(&self, message: Message) {
        if self.wants(message.level) {
            self.output().tell(message);
        }
    }

    /// Shows a message on the console only: the log file has its own beginning.
    pub(crate) fn banner(&self, text: &str) {
        if self.wants(Level::Info) {
            self.output().show(&Message::main(Level::Info, text));
        }
    }

    /// Shows that something failed, and remembers it.
    pub(crate) fn fail(&self, thread: Thread, failure: Failure) {
        self.tell(Message { level: Level::Error, thread, text: failure.to_string() });
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    /// Remembers that a folder was left alone because of its UIDVALIDITY.
    pub(crate) fn count_validity_problem(&self) {
        self.validity_problems.fetch_add(1, Ordering::Relaxed);
    }

    /// Holds all messages back until the guard is dropped: the terminal is being asked.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.output().held.get_or_insert_default();
        Hold(self)
    }

    /// Shows what went wrong, once more and together, and returns the status that follows.
    pub(crate) fn report(&self) -> Status {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let validity_problems = self.validity_problems.load(Ordering::Relaxed);
        for text in report::paragraphs(&failures, validity_problems) {
            self.tell(Message::main(Level::Warning, text));
        }
        match (failures.is_empty(), validity_problems) {
            (false, _) => Status::Failure,
            (true, 0) => Status::Success,
            (true, _) => Status::Validity,
        }
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    fn tell(&mut self, message: Message) {
        let Records { log, syslog } = &mut self.records;
        if let Some(log) = log {
            log.write(message.level, &message.text);
        }
        let complaint = syslog.as_mut().and_then(|it| it.write(message.level, &message.text));
        self.hold_or_show(message);
        if let Some(complaint) = complaint {
            self.tell(Message::main(Level::Warning, complaint));
        }
    }

    fn hold_or_show(&mut self, message: Message) {
        match &mut self.held {
            Some(held) => held.push(message),
            None => self.show(&message),
        }
    }

    fn show(&mut self, message: &Message) {
        // A console that is gone (a closed pipe) is no reason to stop syncing, and no error.
        drop(self.console.show(message));
    }
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("lowest", &self.lowest).finish_non_exhaustive()
    }
}

/// As long as this exists, messages wait.
#[derive(Debug)]
#[must_use = "messages are held back only as long as this exists"]
pub(crate) struct Hold<'a>(&'a Ui);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut output = self.0.output();
        for message in output.held.take().unwrap_or_default() {
            output.show(&message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console that remembers.
    struct Notebook(Arc<Mutex<Vec<String>>>);

    impl Console for Notebook {
        fn lowest(&self) -> Level {
            Level::Info
        }

        fn show(&mut self, message: &Message) -> io::Result<()> {
            self.0.lock().unwrap().push(message.text.clone());
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn can_ask(&self) -> bool {
            false
        }
    }

    fn ui() -> (Ui, Arc<Mutex<Vec<String>>>) {
        let shown = Arc::default();
        (
            Ui::new(
                Box::new(Notebook(Arc::clone(&shown))),
                Records::default(),
                Verbosity::Ordinary,
            ),
            shown,
        )
    }

    #[test]
    fn messages_wait_while_the_user_is_asked() {
        let (ui, shown) = ui();
        let hold = ui.hold();
        ui.tell(Message::main(Level::Info, "later"));
        assert!(shown.lock().unwrap().is_empty());
        drop(hold);
        ui.tell(Message::main(Level::Info, "now"));
        assert_eq!(*shown.lock().unwrap(), ["later", "now"]);
    }

    #[test]
    fn an_error_outweighs_a_validity_problem() {
        let (ui, _) = ui();
        assert_eq!(ui.report(), Status::Success);
        ui.count_validity_problem();
        assert_eq!(ui.report(), Status::Validity);
        ui.fail(Thread::Main, Failure { context: None, text: "no".into() });
        assert_eq!(ui.report(), Status::Failure);
    }
}
