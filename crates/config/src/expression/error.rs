//! What can be wrong with an expression: before it runs, and while it runs.

use std::fmt;

/// Where something stands in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpressionPosition {
    /// The line, from 1; an option that is continued has several.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The offset from the start of the expression, in bytes.
    pub offset_bytes: usize,
}

impl ExpressionPosition {
    /// The position of a byte offset of a text. An offset within a character counts as its start.
    pub(super) fn of(text: &str, offset_bytes: usize) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset_bytes);
        let (line, column) = before.fold((1, 1), |(line, column), (_, c)| match c {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        });
        Self { line, column, offset_bytes }
    }
}

impl fmt::Display for ExpressionPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(formatter, "line {}, ", self.line)?;
        }
        write!(formatter, "column {}", self.column)
    }
}

/// Why a text is refused as an expression, found without running it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The text is no Python expression.
    #[error("invalid syntax at {position}: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        position: ExpressionPosition,
    },
    /// The text is Python, but uses something that this program does not evaluate itself.
    #[error("{construct} at {position} is not supported")]
    Unsupported {
        /// The construct, as a noun phrase.
        construct: String,
        /// Where.
        position: ExpressionPosition,
    },
    /// A name that is defined nowhere.
    #[error("name '{name}' at {position} is not defined")]
    UnknownName {
        /// The name.
        name: String,
        /// Where it is used first.
        position: ExpressionPosition,
    },
    /// A regular expression that can never be compiled.
    #[error("invalid regular expression at {position}: {message}")]
    Pattern {
        /// What Python's `re` says about it.
        message: String,
        /// Where the literal stands.
        position: ExpressionPosition,
    },
}

impl ExpressionError {
    /// Where the problem stands.
    pub fn position(&self) -> ExpressionPosition {
        match self {
            Self::Syntax { position, .. }
            | Self::Unsupported { position, .. }
            | Self::UnknownName { position, .. }
            | Self::Pattern { position, .. } => *position,
        }
    }
}

/// The kind of an exception, named as in Python.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exception {
    /// `AttributeError`
    AttributeError,
    /// `IndexError`
    IndexError,
    /// `KeyError`
    KeyError,
    /// `LookupError`
    LookupError,
    /// `NameError`
    NameError,
    /// `OverflowError`
    OverflowError,
    /// `RecursionError`
    RecursionError,
    /// `StopIteration`
    StopIteration,
    /// `TypeError`
    TypeError,
    /// `UnicodeDecodeError`
    UnicodeDecodeError,
    /// `UnicodeEncodeError`
    UnicodeEncodeError,
    /// `ValueError`
    ValueError,
    /// `ZeroDivisionError`
    ZeroDivisionError,
    /// `re.error`
    RegexError,
    /// Any other exception, by its name: those of effects and of the pythonfile.
    Other(String),
    /// Not Python's: the expression took too many steps or too much memory.
    LimitExceeded,
    /// Not Python's: the construct is valid Python that this program does not evaluate.
    Unsupported,
    /// Not Python's: the surroundings do not permit the effect.
    EffectRefused,
}

impl Exception {
    /// The name, as Python prints it (`re.error` for that of regular expressions).
    pub fn name(&self) -> &str {
        match self {
            Self::AttributeError => "AttributeError",
            Self::IndexError => "IndexError",
            Self::KeyError => "KeyError",
            Self::LookupError => "LookupError",
            Self::NameError => "NameError",
            Self::OverflowError => "OverflowError",
            Self::RecursionError => "RecursionError",
            Self::StopIteration => "StopIteration",
            Self::TypeError => "TypeError",
            Self::UnicodeDecodeError => "UnicodeDecodeError",
            Self::UnicodeEncodeError => "UnicodeEncodeError",
            Self::ValueError => "ValueError",
            Self::ZeroDivisionError => "ZeroDivisionError",
            Self::RegexError => "re.error",
            Self::Other(name) => name,
            Self::LimitExceeded => "limit exceeded",
            Self::Unsupported => "not supported",
            Self::EffectRefused => "not permitted",
        }
    }
}

/// An exception that an expression raised.
///
/// The message is Python's, and may quote values of the expression: folder names, never secrets,
/// unless the expression itself puts a secret into its error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PythonError {
    /// The type of the exception.
    pub exception: Exception,
    /// Its text, possibly empty.
    pub message: String,
}

impl fmt::Display for PythonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.exception.name())?;
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl PythonError {
    /// An exception with its text.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: message.into() }
    }
}

/// What every step of an evaluation gives.
pub(super) type Outcome<T> = Result<T, PythonError>;

/// A `TypeError`.
pub(super) fn type_error(message: impl Into<String>) -> PythonError {
    PythonError::new(Exception::TypeError, message)
}

/// A `ValueError`.
pub(super) fn value_error(message: impl Into<String>) -> PythonError {
    PythonError::new(Exception::ValueError, message)
}

/// Valid Python that is not evaluated, found only while running.
pub(super) fn unsupported(construct: impl Into<String>) -> PythonError {
    PythonError::new(Exception::Unsupported, construct)
}
