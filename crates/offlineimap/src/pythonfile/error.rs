//! Why Python code gave no value.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use offlineimap_config::expression::PythonError;

/// Why Python code gave no value.
///
/// Messages contain what Python says, tracebacks included. The text of an expression is not in
/// them, as it may contain a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PythonFileError {
    /// There is no interpreter to run.
    #[error(
        "cannot start the Python interpreter '{}': {source}; install Python 3, or set \
         'pythoninterpreter' in [general] to where it is",
        interpreter.display()
    )]
    NoInterpreter {
        /// As configured.
        interpreter: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The file cannot be read.
    #[error("cannot read the pythonfile '{}': {source}", path.display())]
    Unreadable {
        /// As configured.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The file is no Python, or raised an exception as a module.
    #[error("the pythonfile '{}' cannot be loaded: {raised}", path.display())]
    NotLoaded {
        /// As configured.
        path: PathBuf,
        /// What was raised.
        raised: Raised,
    },
    /// An expression or a function raised an exception.
    #[error("{0}")]
    Raised(Raised),
    /// The same in this program's own evaluator.
    #[error(transparent)]
    Evaluation(#[from] PythonError),
    /// There was no answer in time. The interpreter was ended.
    #[error("the Python code did not finish within {}s ('pythontimeout' in [general])", deadline.as_secs_f64())]
    TooSlow {
        /// How long was waited.
        deadline: Duration,
    },
    /// The interpreter ended without an answer.
    #[error("the Python interpreter '{}' ended without an answer ({})", interpreter.display(), how(*status))]
    Ended {
        /// As configured.
        interpreter: PathBuf,
        /// How, unless it had to be killed.
        status: Option<ExitStatus>,
    },
    /// What should be the interpreter does not speak as it should, or cannot be spoken to.
    #[error("cannot talk to the Python interpreter '{}': {reason}", interpreter.display())]
    Unintelligible {
        /// As configured.
        interpreter: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The value is of another type than the one that is needed.
    #[error("the value is of type {found}, and not {expected}")]
    WrongType {
        /// What is needed, with an article.
        expected: &'static str,
        /// Python's name of what came.
        found: String,
    },
    /// The value is `bytes` that are no text.
    #[error("the value is of type bytes, and is not UTF-8")]
    NotUtf8,
    /// The value is the empty text.
    #[error("the value is empty")]
    Empty,
    /// The value is a number that cannot be used.
    #[error("the value {value} is not within {least} to {most}")]
    OutOfRange {
        /// What came.
        value: i64,
        /// The lowest number that can be used.
        least: i64,
        /// The highest.
        most: i64,
    },
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Python raised {exception}\n{}", traceback.trim_end())]
pub(crate) struct Raised {
    /// The name of its type, with the module unless it is a builtin.
    pub(crate) exception: String,
    /// Its text, possibly empty.
    pub(crate) message: String,
    /// As Python prints it, its last line being type and text.
    pub(crate) traceback: String,
}

fn how(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "it hung".to_owned(), |status| status.to_string())
}
