//! What each part of the work was last heard to do: the answer to "why does it take so long?".

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use super::messages::minutes;
use super::{Level, Message, Moment, Thread};

/// The parts of the work that have begun and not ended, by their names.
#[derive(Debug, Default)]
pub(super) struct Activity {
    parts: BTreeMap<String, Part>,
}

#[derive(Debug)]
struct Part {
    /// The account to which it belongs; the program itself belongs to none.
    account: Option<String>,
    /// The first line of the last thing it said, and when that was.
    last: Option<(String, Instant)>,
}

impl Activity {
    /// Takes notice of a message, whether it is shown or not.
    pub(super) fn notice(&mut self, message: &Message) {
        match &message.moment {
            Some(Moment::ThreadStarted { account }) => {
                let part = Part { account: Some(account.clone()), last: None };
                self.parts.insert(message.thread.name().to_owned(), part);
            }
            Some(Moment::ThreadEnded { thread }) => drop(self.parts.remove(thread)),
            // What the layers below say is no account of the work, and may be long.
            _ if message.level > Level::Debug => self.remember(message),
            _ => {}
        }
    }

    fn remember(&mut self, message: &Message) {
        let line = message.text.lines().next().unwrap_or_default().to_owned();
        let last = Some((line, Instant::now()));
        match (self.parts.get_mut(message.thread.name()), &message.thread) {
            (Some(part), _) => part.last = last,
            (None, Thread::Main) => {
                let part = Part { account: None, last };
                self.parts.insert(message.thread.name().to_owned(), part);
            }
            // Said after its end.
            (None, Thread::Named(_)) => {}
        }
    }
}

/// One line for each part.
impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Part { account, last }) in &self.parts {
            write!(f, "Thread '{name}'")?;
            if let Some(account) = account {
                write!(f, " (account '{account}')")?;
            }
            match last {
                Some((line, since)) => writeln!(f, ", {} ago: {line}", minutes(since.elapsed()))?,
                None => writeln!(f, ": nothing was heard of it yet")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> Thread {
        Thread::folder("INBOX", "Test")
    }

    fn started() -> Message {
        let moment = Moment::ThreadStarted { account: "Test".into() };
        Message::new(Level::Debug, inbox(), "[thread]: Register").about(moment)
    }

    fn said(messages: impl IntoIterator<Item = Message>) -> String {
        let mut activity = Activity::default();
        messages.into_iter().for_each(|message| activity.notice(&message));
        activity.to_string()
    }

    #[test]
    fn the_last_words_of_each_part_are_kept() {
        let copying = Message::new(Level::Info, inbox(), "Copy message UID 3\nand more");
        let wire = Message::new(Level::Debug, inbox(), "[imap]: > a1 NOOP");
        let main = Message::main(Level::Warning, "Preparing");
        assert_eq!(
            said([started(), copying, wire, main]),
            "Thread 'Folder INBOX [acc: Test]' (account 'Test'), 0:00 ago: Copy message UID 3\n\
             Thread 'MainThread', 0:00 ago: Preparing\n"
        );
    }

    #[test]
    fn a_part_is_listed_from_its_beginning_to_its_end() {
        assert_eq!(
            said([started()]),
            "Thread 'Folder INBOX [acc: Test]' (account 'Test'): nothing was heard of it yet\n"
        );
        let moment = Moment::ThreadEnded { thread: inbox().name().to_owned() };
        let ended = Message::main(Level::Debug, "[thread]: Unregister").about(moment);
        let afterwards = Message::new(Level::Info, inbox(), "too late");
        assert_eq!(said([started(), ended, afterwards]), "");
    }
}
