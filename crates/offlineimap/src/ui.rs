//! What the user sees of a run (`spec/ui.md`).
//!
//! Everything that happens becomes a [`Message`]; the [`Ui`] shows it on a [`Console`], writes it
//! to the log file and the system log beside, and remembers what went wrong for the report and the exit status.

mod activity;
mod audience;
mod basic;
mod blinkenlights;
mod log_file;
mod machineui;
mod messages;
mod moment;
mod prompter;
mod quiet;
mod report;
mod syslog;
mod ttyui;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offlineimap_config::UserInterface;
use tokio::sync::mpsc::UnboundedSender;

use crate::accounts::Ended;
use crate::debug::Type;
use crate::exit::Status;

use activity::Activity;
pub(crate) use audience::Audience;
pub(crate) use blinkenlights::give_terminal_back;
pub(crate) use log_file::LogFile;
pub(crate) use messages::{DRY_RUN, deleting, key_text};
pub(crate) use moment::Moment;
pub(crate) use prompter::{Prompter, Question};
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

    /// The work on a folder that users see by another name than the server.
    pub(crate) fn renamed_folder(visible: &str, folder: &str, account: &str) -> Self {
        Self::folder(&format!("{visible} [remote name {folder}]"), account)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Main => "MainThread",
            Self::Named(name) => name,
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) level: Level,
    pub(crate) thread: Thread,
    /// One line or several, without a line break at the end.
    pub(crate) text: String,
    /// What it is about; `None` for a text like any other.
    pub(crate) moment: Option<Moment>,
}

impl Message {
    /// A text in somebody's name.
    pub(crate) fn new(level: Level, thread: Thread, text: impl Into<String>) -> Self {
        Self { level, thread, text: text.into(), moment: None }
    }

    /// A text of the program itself.
    pub(crate) fn main(level: Level, text: impl Into<String>) -> Self {
        Self::new(level, Thread::Main, text)
    }

    /// The same message, about something.
    pub(crate) fn about(self, moment: Moment) -> Self {
        Self { moment: Some(moment), ..self }
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

/// What of a message is written down beside a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// How much it matters there.
    pub(crate) level: Level,
    /// What is written.
    pub(crate) text: Cow<'a, str>,
}

/// Whether a console has the final report shown (`spec/ui.md` §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// It shows the report after it has closed.
    WithReport,
    /// It has said all it has to say.
    WithoutReport,
}

/// A way to show messages.
pub(crate) trait Console: Send {
    /// The least level that it shows without `-d`.
    fn lowest(&self) -> Level;

    /// What a message is to this console: by its level it is shown or not.
    fn record<'a>(&self, message: &'a Message) -> Record<'a> {
        Record { level: message.level, text: Cow::Borrowed(&message.text) }
    }

    /// Takes notice of a moment, whether its message is shown or not.
    fn notice(&mut self, _thread: &Thread, _moment: &Moment) {}

    /// Shows a message, which is on the screen on return, or soon will be.
    fn show(&mut self, message: &Message) -> io::Result<()>;

    /// The way to ask the user for a secret, if there is one.
    fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        None
    }

    /// The run has ended with this status. What is shown from now on is the report.
    fn close(&mut self, _status: Status) -> Closing {
        Closing::WithReport
    }
}

/// What the user asks for at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// The run is to end in good order.
    Quit,
    /// The same, in the way of Ctrl-C, where the terminal makes no signal of it.
    Interrupt,
}

/// Makes the console of a user interface. What the user asks for goes to `requests`.
///
/// # Errors
///
/// If the terminal is not one for this user interface.
pub(crate) fn console(
    ui: UserInterface,
    requests: UnboundedSender<Request>,
) -> anyhow::Result<Box<dyn Console>> {
    Ok(match ui {
        UserInterface::Ttyui => Box::new(ttyui::Ttyui::new(io::stderr())),
        UserInterface::Basic => Box::new(basic::Basic::new(io::stdout())),
        UserInterface::Quiet => Box::new(quiet::Quiet::new(io::stdout())),
        UserInterface::Syslog => {
            Box::new(syslog::SyslogConsole::new(Syslog::local(), io::stderr()))
        }
        UserInterface::Machineui => machine_console(),
        UserInterface::Blinkenlights => Box::new(blinkenlights::Blinkenlights::open(requests)?),
    })
}

/// Makes the console that speaks with another program.
pub(crate) fn machine_console() -> Box<dyn Console> {
    Box::new(machineui::Machineui::new(io::stdout(), io::BufReader::new(io::stdin())))
}

/// The audience of the whole run.
pub(crate) struct Ui {
    output: Mutex<Output>,
    /// Apart from the output, which may be stuck when this is asked for.
    activity: Mutex<Activity>,
    wanted: Wanted,
    prompter: Option<Arc<dyn Prompter>>,
    failures: Mutex<Vec<Failure>>,
    validity_problems: AtomicUsize,
}

struct Output {
    /// `None` once everything is said.
    console: Option<Box<dyn Console>>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// What the console shows by itself.
    Ordinary,
    /// Everything, and what is found out for these types.
    Debug(Vec<Type>),
}

/// Which messages are shown and logged.
#[derive(Debug)]
struct Wanted {
    /// The least level.
    lowest: Level,
    /// What `-d` looks at.
    debugged: Vec<Type>,
}

impl Wanted {
    fn includes(&self, level: Level, moment: Option<&Moment>) -> bool {
        let is_looked_at = |about| self.debugged.contains(&about);
        level >= self.lowest
            && (level > Level::Debug
                || moment.and_then(Moment::debug_type).is_none_or(is_looked_at))
    }
}

impl Ui {
    /// Shows messages on a console, and writes them down beside.
    pub(crate) fn new(console: Box<dyn Console>, records: Records, verbosity: Verbosity) -> Self {
        let (lowest, debugged) = match verbosity {
            Verbosity::Ordinary => (console.lowest(), Vec::new()),
            Verbosity::Debug(types) => (Level::Debug, types),
        };
        Self {
            wanted: Wanted { lowest, debugged },
            prompter: console.prompter(),
            activity: Mutex::default(),
            output: Mutex::new(Output { console: Some(console), records, held: None }),
            failures: Mutex::default(),
            validity_problems: AtomicUsize::new(0),
        }
    }

    /// Tells whether messages of a level are wanted at all.
    pub(crate) fn wants(&self, level: Level) -> bool {
        level >= self.wanted.lowest
    }

    /// What each part of the work was last heard to do, a line each. Never waits for the console.
    pub(crate) fn activity(&self) -> String {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner).to_string()
    }

    /// The way to ask the user for a secret, if there is one.
    pub(crate) fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        self.prompter.clone()
    }

    /// Shows a message.
    pub(crate) fn tell(&self, message: Message) {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner).notice(&message);
        self.output().tell(message, &self.wanted);
    }

    /// Shows a message on the console only: the log file has its own beginning.
    pub(crate) fn banner(&self, text: &str) {
        if self.wants(Level::Info) {
            self.output().show(&Message::main(Level::Info, text).about(Moment::Banner));
        }
    }

    /// Shows that something failed, and remembers it.
    pub(crate) fn fail(&self, thread: Thread, failure: Failure) {
        self.tell(Message::new(Level::Error, thread, failure.to_string()));
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

    /// Closes the console, shows what went wrong once more and together, and returns the status
    /// that follows. Nothing is shown afterwards, whatever may still be going on.
    pub(crate) fn conclude(&self, ended: Ended) -> Status {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let validity_problems = self.validity_problems.load(Ordering::Relaxed);
        let status = match (ended, failures.is_empty(), validity_problems) {
            (Ended::CutShort, ..) | (_, false, _) => Status::Failure,
            (Ended::InOrder, true, 0) => Status::Success,
            (Ended::InOrder, true, _) => Status::Validity,
        };
        let mut output = self.output();
        output.release();
        if output.close(status) == Closing::WithReport {
            for text in report::paragraphs(&failures, validity_problems) {
                output.tell(Message::main(Level::Warning, text), &self.wanted);
            }
        }
        output.console = None;
        status
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    fn tell(&mut self, message: Message, wanted: &Wanted) {
        let Some(console) = &mut self.console else { return };
        if let Some(moment) = &message.moment {
            console.notice(&message.thread, moment);
        }
        let record = console.record(&message);
        if !wanted.includes(record.level, message.moment.as_ref()) {
            return;
        }
        let Records { log, syslog } = &mut self.records;
        if let Some(log) = log {
            log.write(record.level, &record.text);
        }
        let complaint = syslog.as_mut().and_then(|it| it.write(record.level, &record.text));
        drop(record);
        self.hold_or_show(message);
        if let Some(complaint) = complaint {
            self.tell(Message::main(Level::Warning, complaint), wanted);
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
        if let Some(console) = &mut self.console {
            drop(console.show(message));
        }
    }

    fn release(&mut self) {
        for message in self.held.take().unwrap_or_default() {
            self.show(&message);
        }
    }

    fn close(&mut self, status: Status) -> Closing {
        self.console.as_mut().map_or(Closing::WithoutReport, |console| console.close(status))
    }
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// As long as this exists, messages wait.
#[derive(Debug)]
#[must_use = "messages are held back only as long as this exists"]
pub(crate) struct Hold<'a>(&'a Ui);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.output().release();
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
    }

    fn ui() -> (Ui, Arc<Mutex<Vec<String>>>) {
        ui_with(Verbosity::Ordinary)
    }

    fn ui_with(verbosity: Verbosity) -> (Ui, Arc<Mutex<Vec<String>>>) {
        let shown = Arc::default();
        let console = Box::new(Notebook(Arc::clone(&shown)));
        (Ui::new(console, Records::default(), verbosity), shown)
    }

    #[test]
    fn what_is_found_out_for_one_type_of_debugging_is_not_shown_for_another() {
        for (looked_at, expected) in [(Type::Thread, 1), (Type::Imap, 0)] {
            let (ui, shown) = ui_with(Verbosity::Debug(vec![Type::Other, looked_at]));
            let moment = Moment::ThreadStarted { account: "Test".into() };
            ui.tell(Message::new(Level::Debug, Thread::account("Test"), "Register").about(moment));
            assert_eq!(shown.lock().unwrap().len(), expected, "{looked_at:?}");
            assert!(ui.activity().contains("Account sync Test"), "{}", ui.activity());
        }
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
        ui.count_validity_problem();
        assert_eq!(ui.conclude(Ended::InOrder), Status::Validity);
        ui.fail(Thread::Main, Failure { context: None, text: "no".into() });
        assert_eq!(ui.conclude(Ended::InOrder), Status::Failure);
    }

    #[test]
    fn a_run_that_was_cut_short_has_failed() {
        let (ui, _) = ui();
        assert_eq!(ui.conclude(Ended::InOrder), Status::Success);
        assert_eq!(ui.conclude(Ended::CutShort), Status::Failure);
    }

    #[test]
    fn nothing_is_shown_after_the_report() {
        let (ui, shown) = ui();
        ui.fail(Thread::Main, Failure { context: None, text: "no".into() });
        let _hold = ui.hold();
        ui.tell(Message::main(Level::Info, "held"));
        ui.conclude(Ended::InOrder);
        ui.tell(Message::main(Level::Info, "too late"));
        assert_eq!(
            *shown.lock().unwrap(),
            ["ERROR: no", "held", "ERROR: Exceptions occurred during the run!", "ERROR: no\n"]
        );
    }
}
