//! An option that is a Python expression.

use std::fmt;
use std::sync::Arc;

use crate::expression::{Expression, Scope};

/// A Python expression whose value is a setting: read and checked, not evaluated yet.
///
/// Its text may contain a secret: it is not shown by `Debug`.
#[derive(Clone)]
pub struct Computed {
    text: String,
    scope: Scope,
    evaluation: Evaluation,
}

/// Who can evaluate an expression.
#[derive(Clone)]
enum Evaluation {
    Native(Arc<Expression>),
    Interpreter,
}

impl Computed {
    pub(crate) fn native(text: String, scope: Scope, expression: Expression) -> Self {
        Self { text, scope, evaluation: Evaluation::Native(Arc::new(expression)) }
    }

    pub(crate) fn by_interpreter(text: String, scope: Scope) -> Self {
        Self { text, scope, evaluation: Evaluation::Interpreter }
    }

    /// The expression as it is written, after interpolation.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which names it sees.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The expression for this program's own evaluator; `None` if it uses names of the `pythonfile`
    /// or what only Python can evaluate, so that an interpreter has to.
    pub fn expression(&self) -> Option<&Expression> {
        match &self.evaluation {
            Evaluation::Native(expression) => Some(expression),
            Evaluation::Interpreter => None,
        }
    }
}

impl PartialEq for Computed {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.scope) == (&other.text, other.scope)
    }
}

impl Eq for Computed {}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed").field("scope", &self.scope).finish_non_exhaustive()
    }
}
