//! What a function of the user's has said about folders.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use offlineimap_core::RuleError;

/// The answers of a function, by the names of folders. It is asked once about each.
#[derive(Debug)]
pub(super) struct Answers<T>(Mutex<BTreeMap<String, Result<T, RuleError>>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Answers<T> {
    /// The answer about a folder. Everybody waits for it: two answers could differ.
    pub(super) fn of(
        &self,
        name: &str,
        ask: impl FnOnce() -> Result<T, RuleError>,
    ) -> Result<T, RuleError> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(name) {
            return answer.clone();
        }
        let answer = ask();
        answers.insert(name.to_owned(), answer.clone());
        answer
    }
}
