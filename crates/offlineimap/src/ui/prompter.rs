//! Asking the user for a secret, each user interface in its own way (`spec/cli.md` §14).

use std::io;

use secrecy::SecretString;

use super::Thread;
use crate::terminal;

/// Can ask the user.
pub(crate) trait Prompter: Send + Sync {
    /// Asks, and waits for the answer. To be called while messages are held back, and where
    /// blocking does no harm.
    ///
    /// # Errors
    ///
    /// If there is nobody left to answer.
    fn ask(&self, question: &Question) -> io::Result<SecretString>;
}

/// For the password of a user.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// In whose name it is asked.
    pub(crate) thread: Thread,
    /// Whose password is needed.
    pub(crate) user: String,
    /// Why the last answer was of no use.
    pub(crate) refusal: Option<String>,
}

/// Asks on the controlling terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct TerminalPrompter;

impl Prompter for TerminalPrompter {
    fn ask(&self, question: &Question) -> io::Result<SecretString> {
        let Question { user, refusal, .. } = question;
        let complaint = refusal.as_ref().map(|error| format!("{user}: {error}\n"));
        let text =
            format!("{}Enter password for user '{user}': ", complaint.as_deref().unwrap_or(""));
        terminal::ask(&text).map(SecretString::from)
    }
}
