//! `machineui`: a line for each moment, for programs (`spec/ui.md` §5).

mod line;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use super::{Closing, Console, Level, Message, Moment, Prompter, Question, Record, Thread};
use crate::exit::Status;
use line::{Line, Severity, lines};

/// The version of the protocol.
const PROTOCOL: &str = "7.2.0";

/// Shows every moment as a line, and asks by a line.
pub(super) struct Machineui<W, R> {
    ends: Arc<Ends<W, R>>,
}

/// Both ends of the conversation.
struct Ends<W, R> {
    to: Mutex<W>,
    from: Mutex<R>,
}

impl<W, R> Machineui<W, R> {
    pub(super) fn new(to: W, from: R) -> Self {
        Self { ends: Arc::new(Ends { to: Mutex::new(to), from: Mutex::new(from) }) }
    }
}

impl<W: Write + Send + 'static, R: BufRead + Send + 'static> Console for Machineui<W, R> {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn record<'a>(&self, message: &'a Message) -> Record<'a> {
        let mut record = Record { level: message.level, text: Cow::Borrowed(&message.text) };
        if message.moment.is_some()
            && let Some(line) = lines(message).into_iter().next()
        {
            record = Record { level: line.level(), text: Cow::Owned(line.data) };
        }
        record
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        let mut text = String::new();
        if message.moment == Some(Moment::Banner) {
            // As every user interface shows it; the lines begin after it.
            text = format!("{}\n", message.text);
        }
        for line in lines(message) {
            text.push_str(&line.encoded());
        }
        self.ends.write(&text)
    }

    fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        Some(Arc::clone(&self.ends) as _)
    }

    /// There is no report: a program has seen the errors, and reads the status.
    fn close(&mut self, status: Status) -> Closing {
        let data = format!("{}\n\n", status.code());
        let line = Line::new(Severity::Message, "terminate", &Thread::Main, data);
        // Whoever reads no more does not want to know the status either.
        drop(self.ends.write(&line.encoded()));
        Closing::WithoutReport
    }
}

impl<W: Write, R> Ends<W, R> {
    /// In one piece: one write for one message.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut to = locked(&self.to);
        to.write_all(text.as_bytes())?;
        to.flush()
    }
}

impl<W: Write + Send, R: BufRead + Send> Prompter for Ends<W, R> {
    fn ask(&self, question: &Question) -> io::Result<SecretString> {
        let Question { thread, user, refusal } = question;
        if let Some(error) = refusal {
            let data = format!("{user}\n{error}");
            self.write(&Line::new(Severity::Warning, "getpasserror", thread, data).encoded())?;
        }
        self.write(&Line::new(Severity::Message, "getpass", thread, user.as_str()).encoded())?;
        let mut answer = String::new();
        if locked(&self.from).read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if answer.ends_with('\n') {
            answer.pop();
        }
        Ok(SecretString::from(answer))
    }
}

impl<W, R> fmt::Debug for Machineui<W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machineui").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn shown(ui: &Machineui<Vec<u8>, &'static [u8]>) -> String {
        String::from_utf8(std::mem::take(&mut *locked(&ui.ends.to))).unwrap()
    }

    #[test]
    fn the_banner_comes_in_clear_and_then_as_lines() {
        let mut ui = Machineui::new(Vec::new(), b"".as_slice());
        let mut banner = Message::main(Level::Info, "offlineimap 1\n  Licensed");
        banner.moment = Some(Moment::Banner);
        ui.show(&banner).unwrap();
        assert_eq!(
            shown(&ui),
            "offlineimap 1\n  Licensed\n\
             msg:protocol:MainThread:7.2.0\n\
             msg:initbanner:MainThread:offlineimap+1%0A++Licensed\n"
        );
    }

    #[test]
    fn a_password_is_a_line_of_the_input_and_the_last_error_is_told_before() {
        let ui = Machineui::new(Vec::new(), b" open sesame \nlast".as_slice());
        let prompter = ui.prompter().unwrap();
        let mut question =
            Question { thread: Thread::account("Test"), user: "a:b".into(), refusal: None };
        let answer = prompter.ask(&question).unwrap();
        assert_eq!(answer.expose_secret(), " open sesame ");
        assert_eq!(shown(&ui), "msg:getpass:Account+sync+Test:a%3Ab\n");

        question.refusal = Some("no such user".into());
        assert_eq!(prompter.ask(&question).unwrap().expose_secret(), "last");
        assert_eq!(
            shown(&ui),
            "warn:getpasserror:Account+sync+Test:a%3Ab%0Ano+such+user\n\
             msg:getpass:Account+sync+Test:a%3Ab\n"
        );
        let error = prompter.ask(&question).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_status_is_the_last_line() {
        for (status, line) in [
            (Status::Success, "msg:terminate:MainThread:0%0A%0A\n"),
            (Status::Failure, "msg:terminate:MainThread:1%0A%0A\n"),
            (Status::Validity, "msg:terminate:MainThread:2%0A%0A\n"),
        ] {
            let mut ui = Machineui::new(Vec::new(), b"".as_slice());
            assert_eq!(ui.close(status), Closing::WithoutReport);
            assert_eq!(shown(&ui), line);
        }
    }

    #[test]
    fn what_is_written_down_is_the_data_as_it_is() {
        let ui = Machineui::new(Vec::new(), b"".as_slice());
        let connecting = Message {
            level: Level::Info,
            thread: Thread::account("Test"),
            text: "Establishing connection to mail.example:993 (Remote)".into(),
            moment: Some(Moment::Connecting {
                host: "mail.example".into(),
                port: 993,
                repository: "Remote".into(),
            }),
        };
        assert_eq!(ui.record(&connecting).text, "mail.example\n993\nRemote");
        let text = Message::main(Level::Error, "ERROR: no: way");
        assert_eq!(ui.record(&text).text, "ERROR: no: way");
        assert_eq!(ui.record(&text).level, Level::Error);
    }
}
