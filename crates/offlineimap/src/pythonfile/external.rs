//! The names of the file, for expressions that are evaluated on our side.

use std::sync::Arc;

use offlineimap_config::expression::{Exception, External, ExternalObject, PythonError, Value};
use serde_json::json;

use super::value::{encode, encode_all};
use super::{PythonFile, PythonFileError, Raised};

impl External for PythonFile {
    fn has(&self, name: &str) -> bool {
        if self.file.is_none() || (!self.is_started() && BUILTINS.contains(&name)) {
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
    /// An exception of Python's keeps its type and its text; its traceback goes to the listener.
    fn told(&self, outcome: Result<Value, PythonFileError>) -> Result<Value, PythonError> {
        outcome.map_err(|error| match error {
            PythonFileError::Raised(Raised { exception, message, traceback }) => {
                traceback.lines().for_each(|line| (self.listener)(line));
                PythonError::new(by_name(exception), message)
            }
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

/// Names for whose sake no interpreter is started: those of builtins that expressions use.
const BUILTINS: [&str; 40] = [
    "abs",
    "all",
    "any",
    "ascii",
    "bool",
    "bytes",
    "callable",
    "chr",
    "dict",
    "enumerate",
    "filter",
    "float",
    "frozenset",
    "getattr",
    "hasattr",
    "hash",
    "hex",
    "int",
    "isinstance",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "oct",
    "open",
    "ord",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
];
