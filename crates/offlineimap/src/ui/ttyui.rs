//! `ttyui`: for a person at a terminal. A headline tells in whose name the lines below it speak.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use super::prompter::TerminalPrompter;
use super::{Console, Level, Message, Prompter, Thread};

/// Shows messages under headlines.
#[derive(Debug)]
pub(super) struct Ttyui<W> {
    to: W,
    last: Option<Arc<str>>,
}

impl<W> Ttyui<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, last: None }
    }
}

impl<W: Write + Send> Console for Ttyui<W> {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        let mut lines = String::with_capacity(message.text.len() + 2);
        // The program itself speaks between the others, and does not interrupt them.
        if let Thread::Named(name) = &message.thread {
            if self.last.as_ref() != Some(name) {
                writeln!(lines, "{name}:").map_err(io::Error::other)?;
                self.last = Some(Arc::clone(name));
            }
            lines.push(' ');
        }
        lines.push_str(&message.text);
        lines.push('\n');
        self.to.write_all(lines.as_bytes())?;
        self.to.flush()
    }

    fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        Some(Arc::new(TerminalPrompter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_precedes_the_lines_of_another_thread() {
        let mut shown = Vec::new();
        let mut ui = Ttyui::new(&mut shown);
        let account = Thread::account("Test");
        let folder = Thread::folder("INBOX", "Test");
        for (thread, text) in [
            (&Thread::Main, "OfflineIMAP"),
            (&account, "*** Processing account Test"),
            (&folder, "Syncing INBOX: IMAP -> Maildir"),
            (&folder, "Copy"),
            (&Thread::Main, "Preparing"),
            (&folder, "Copy"),
            (&account, "*** Finished account 'Test' in 0:00"),
        ] {
            ui.show(&Message::new(Level::Info, thread.clone(), text)).unwrap();
        }
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            "OfflineIMAP\n\
             Account sync Test:\n \
             *** Processing account Test\n\
             Folder INBOX [acc: Test]:\n \
             Syncing INBOX: IMAP -> Maildir\n \
             Copy\n\
             Preparing\n \
             Copy\n\
             Account sync Test:\n \
             *** Finished account 'Test' in 0:00\n"
        );
    }
}
