//! The names of the file, for expressions that are evaluated on our side.

use std::fs;
use std::sync::Arc;

use offlineimap_config::expression::{Exception, External, ExternalObject, PythonError, Value};
use serde_json::json;

use super::value::{encode, encode_all};
use super::{PythonFile, PythonFileError, Raised};

impl External for PythonFile {
    fn replaces(&self, name: &str) -> bool {
        // No interpreter is started for the sake of a name that the file leaves alone.
        let Some(file) = &self.file else { return false };
        let source = self.source.get_or_init(|| fs::read(file).ok());
        if source.as_ref().is_some_and(|source| !may_define(source, name)) {
            return false;
        }
        // Where the file cannot be asked, `get` is what says so.
        let answer = self.ask(&json!({ "do": "has", "name": name }));
        answer.map_or(true, |value| value.is_true())
    }

    fn get(&self, name: &str) -> Result<Value, PythonError> {
        self.told(self.ask(&json!({ "do": "name", "name": name })))
    }

    fn attribute(&self, object: &ExternalObject, name: &str) -> Result<Value, PythonError> {
        let request = json!({ "do": "attribute", "object": object.handle, "name": name });
        self.told(self.ask(&request))
    }

    fn call(
        &self,
        object: &ExternalObject,
        positional: &[Value],
        keywords: &[(Arc<str>, Value)],
    ) -> Result<Value, PythonError> {
        let named = keywords.iter().map(|(name, value)| Ok((&**name, encode(value)?)));
        let request = json!({
            "do": "call",
            "object": object.handle,
            "positional": encode_all(positional)?,
            "keywords": named.collect::<Result<Vec<_>, PythonError>>()?,
        });
        self.told(self.ask(&request))
    }
}

impl PythonFile {
    /// Whether `if` takes an object for true.
    ///
    /// # Errors
    ///
    /// What Python raises.
    pub(crate) fn truth(&self, object: &ExternalObject) -> Result<bool, PythonError> {
        let request = json!({ "do": "truth", "object": object.handle });
        self.told(self.ask(&request)).map(|value| value.is_true())
    }

    /// An exception of Python's keeps its type and its text; its traceback goes to the listener.
    fn told(&self, outcome: Result<Value, PythonFileError>) -> Result<Value, PythonError> {
        outcome.map_err(|error| match error {
            PythonFileError::Raised(Raised { exception, message, traceback }) => {
                traceback.lines().for_each(|line| (self.listener)(line));
                PythonError::new(by_name(exception), message)
            }
            PythonFileError::Evaluation(error) => error,
            PythonFileError::NoInterpreter { .. }
            | PythonFileError::Unreadable { .. }
            | PythonFileError::NotLoaded { .. }
            | PythonFileError::TooSlow { .. }
            | PythonFileError::Ended { .. }
            | PythonFileError::Unintelligible { .. }
            | PythonFileError::WrongType { .. }
            | PythonFileError::NotUtf8
            | PythonFileError::Empty
            | PythonFileError::OutOfRange { .. } => {
                PythonError::new(Exception::Other("pythonfile".to_owned()), error.to_string())
            }
        })
    }
}

fn by_name(name: String) -> Exception {
    let known = [
        Exception::AttributeError,
        Exception::IndexError,
        Exception::KeyError,
        Exception::LookupError,
        Exception::NameError,
        Exception::OverflowError,
        Exception::RecursionError,
        Exception::StopIteration,
        Exception::TypeError,
        Exception::UnicodeDecodeError,
        Exception::UnicodeEncodeError,
        Exception::ValueError,
        Exception::ZeroDivisionError,
        Exception::RegexError,
    ];
    let found = known.into_iter().find(|exception| exception.name() == name);
    found.unwrap_or(Exception::Other(name))
}

/// Whether Python source may define a name of its module: by a definition, an import or an
/// assignment. Only what hides in a loop or in `exec` is missed.
fn may_define(source: &[u8], name: &str) -> bool {
    let source = String::from_utf8_lossy(source);
    let mentions = |text: &str| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
    };
    source.lines().any(|line| {
        let line = line.trim();
        let first = line.split_whitespace().next().unwrap_or_default();
        match first {
            "def" | "class" | "async" => mentions(line.split('(').next().unwrap_or_default()),
            "import" | "from" => line.ends_with('*') || mentions(line),
            _ => line.split_once('=').is_some_and(|(targets, _)| mentions(targets)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_replaces_a_builtin_is_recognised() {
        for (source, defines) in [
            ("def next(what): pass", true),
            ("class next: pass", true),
            ("from itertools import count as next", true),
            ("from tools import *", true),
            ("first, next = 1, 2", true),
            ("def f(next): return next(x)", false),
            ("print(next(x))", false),
            ("nextcloud = 1", false),
        ] {
            assert_eq!(may_define(source.as_bytes(), "next"), defines, "{source}");
        }
    }
}
