//! A function of the user's about folders.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use offlineimap_config::Computed;
use offlineimap_config::expression::Value;
use offlineimap_core::RuleError;

use crate::evaluator::Evaluator;
use crate::pythonfile::{PythonFileError, text_of};

/// An option whose value is a function, or a list of names. It is evaluated once.
#[derive(Debug)]
pub(super) struct Function {
    repository: String,
    option: &'static str,
    expression: Computed,
    evaluator: Arc<Evaluator>,
    value: OnceLock<Result<Value, RuleError>>,
}

/// What a function is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// Nothing: it is evaluated itself.
    None,
    /// A folder.
    Folder(&'a str),
    /// Which of two folders goes first.
    Folders(&'a str, &'a str),
}

impl Function {
    pub(super) fn new(
        repository: &str,
        option: &'static str,
        expression: Computed,
        evaluator: Arc<Evaluator>,
    ) -> Self {
        let repository = repository.to_owned();
        Self { repository, option, expression, evaluator, value: OnceLock::new() }
    }

    /// What the function returns.
    pub(super) fn call(
        &self,
        arguments: &[Value],
        subject: Subject<'_>,
    ) -> Result<Value, RuleError> {
        let function = self.value()?;
        if !function.is_callable() {
            return Err(self.error(Subject::None, &is_not(function, "a function")));
        }
        function.call(arguments, &*self.evaluator).map_err(|error| self.error(subject, &error))
    }

    /// Whether `if` takes for true what the function returns.
    pub(super) fn truth(
        &self,
        arguments: &[Value],
        subject: Subject<'_>,
    ) -> Result<bool, RuleError> {
        let answer = self.call(arguments, subject)?;
        self.evaluator.truth(&answer).map_err(|error| self.error(subject, &error))
    }

    /// The names that the value is a list of.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, RuleError> {
        let value = self.value()?;
        let items = match value {
            Value::Set(items) | Value::FrozenSet(items) => Some(items.items()),
            Value::List(_) | Value::Tuple(_) => value.as_items(),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Dict(_)
            | Value::Object(_)
            | Value::External(_) => None,
        };
        let names = match items {
            Some(items) => items.iter().map(text_of).collect::<Result<_, _>>(),
            None => Err(is_not(value, "a list")),
        };
        names.map_err(|error| self.error(Subject::None, &error))
    }

    /// Tells what went wrong, and where.
    pub(super) fn error(&self, subject: Subject<'_>, error: &dyn fmt::Display) -> RuleError {
        let Self { repository, option, .. } = self;
        let place = format!("repository '{repository}': '{option}' failed");
        RuleError::new(match subject {
            Subject::None => format!("{place}: {error}"),
            Subject::Folder(name) => format!("{place} for folder '{name}': {error}"),
            Subject::Folders(one, other) => {
                format!("{place} for the folders '{one}' and '{other}': {error}")
            }
        })
    }

    fn value(&self) -> Result<&Value, RuleError> {
        let evaluate = || {
            let value = self.evaluator.value(&self.expression);
            value.map_err(|error| self.error(Subject::None, &error))
        };
        self.value.get_or_init(evaluate).as_ref().map_err(RuleError::clone)
    }
}

/// What the result of a comparison means.
///
/// # Errors
///
/// If it is no number.
pub(super) fn sign_of(value: &Value) -> Result<Ordering, PythonFileError> {
    let number = match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(value) => return Ok(value.cmp(&0)),
        Value::Float(number) => Some(*number),
        Value::None
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Dict(_)
        | Value::Set(_)
        | Value::FrozenSet(_)
        | Value::Object(_)
        | Value::External(_) => None,
    };
    let sign = number.and_then(|number| number.partial_cmp(&0.0));
    sign.ok_or_else(|| is_not(value, "a number"))
}

fn is_not(value: &Value, expected: &'static str) -> PythonFileError {
    PythonFileError::WrongType { expected, found: value.type_name().to_owned() }
}
