//! What clients sent to the embedded server.

use std::sync::{Arc, Mutex, PoisonError};

/// A command that arrived at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The connection, counted from 1.
    pub connection: u64,
    /// The command without its tag; literals are shown as announced, `{12}`, without content.
    pub line: String,
    /// The mailbox selected when it arrived.
    pub selected: Option<String>,
    /// Whether it came within TLS.
    pub tls: bool,
}

impl Observed {
    /// The name of the command in upper case, as in `UID FETCH`.
    pub fn verb(&self) -> String {
        verb_of(&self.line)
    }

    /// Whether the command can change mail, mailboxes or subscriptions.
    pub fn is_changing(&self) -> bool {
        const CHANGING: [&str; 15] = [
            "APPEND",
            "STORE",
            "UID STORE",
            "EXPUNGE",
            "UID EXPUNGE",
            "COPY",
            "UID COPY",
            "MOVE",
            "UID MOVE",
            "CREATE",
            "DELETE",
            "RENAME",
            "SUBSCRIBE",
            "UNSUBSCRIBE",
            "CLOSE",
        ];
        let verb = self.verb();
        let sets_seen = (verb == "FETCH" || verb == "UID FETCH")
            && self.line.to_ascii_uppercase().contains("BODY[");
        sets_seen || CHANGING.contains(&verb.as_str())
    }
}

/// The commands a server has seen, in the order of their arrival; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CommandLog {
    entries: Arc<Mutex<Vec<Observed>>>,
}

impl CommandLog {
    /// Every command so far.
    pub fn all(&self) -> Vec<Observed> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines of every command so far.
    pub fn lines(&self) -> Vec<String> {
        self.all().into_iter().map(|observed| observed.line).collect()
    }

    /// The lines of commands that can change something on the server.
    pub fn changing(&self) -> Vec<String> {
        self.all().into_iter().filter(Observed::is_changing).map(|observed| observed.line).collect()
    }

    /// How many commands of this name came, as in `UID FETCH`.
    pub fn count(&self, verb: &str) -> usize {
        self.all().iter().filter(|observed| observed.verb().eq_ignore_ascii_case(verb)).count()
    }

    /// How many connections have sent a command since the log was cleared.
    pub fn connections(&self) -> usize {
        let mut connections: Vec<u64> =
            self.all().iter().map(|observed| observed.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        connections.len()
    }

    /// Forgets everything, so that the next look shows only what came after this.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn push(&self, observed: Observed) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(observed);
    }
}

/// The name of a command in upper case; `UID` belongs to the word behind it.
pub(crate) fn verb_of(line: &str) -> String {
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match words.next() {
        Some(second) if first == "UID" => format!("UID {}", second.to_ascii_uppercase()),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(line: &str) -> Observed {
        Observed { connection: 1, line: line.to_owned(), selected: None, tls: false }
    }

    #[test]
    fn looking_is_no_change() {
        for line in ["SELECT INBOX", "UID FETCH 1 (BODY.PEEK[])", "NOOP", "STATUS a (MESSAGES)"] {
            assert!(!observed(line).is_changing(), "{line}");
        }
    }

    #[test]
    fn changes_are_told_from_looks() {
        for line in ["uid store 1 +FLAGS (\\Seen)", "APPEND a {3}", "CLOSE", "FETCH 1 BODY[]"] {
            assert!(observed(line).is_changing(), "{line}");
        }
    }
}
