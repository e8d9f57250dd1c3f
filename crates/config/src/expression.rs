//! Python expressions: the options that are code, evaluated without Python.
//!
//! An option such as `nametrans` is one Python expression. [`Expression::parse`] reads it and
//! refuses, with the place in the text, whatever this program does not evaluate itself; what
//! remains means exactly what it means in Python 3 (that of `CPython` 3.11 where versions differ).
//! An expression is run with [`Expression::evaluate`], and the function that it mostly is, with
//! [`Value::call`].
//!
//! Nothing here touches files, processes or the environment. Expressions that do so go through
//! [`Effects`], and names of a pythonfile through [`External`]. Evaluation is bounded in steps,
//! depth and memory, so that it ends.
//!
//! ```
//! use offlineimap_config::expression::{Expression, Scope, Value};
//!
//! let text = r"lambda f: re.sub(r'^INBOX\.', '', f)";
//! let nametrans = Expression::parse(text, Scope::folder_option())?.evaluate(&())?;
//! let name = nametrans.call(&[Value::text("INBOX.Sent")], &())?;
//! assert_eq!(name.as_str(), Some("Sent"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is Python but not supported: statements, assignment expressions, coroutines, starred
//! targets, methods that change a value, integers beyond 64 bits, surrogates, regular expressions
//! over bytes, classes and modules other than `re` and the few functions of `os`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Python dispatches on types: what is not listed is every other type"
)]

mod attribute;
mod budget;
mod builtin;
mod check;
mod effects;
mod error;
mod evaluate;
mod format;
mod iterate;
mod literal;
mod method;
mod module;
mod parser;
mod regex;
mod shape;
mod syntax;
mod token;
mod unicode;
mod value;

use std::collections::BTreeSet;

pub use effects::{Effects, External, ExternalObject, NoExternal};
pub use error::{Exception, ExpressionError, ExpressionPosition, PythonError};
pub use shape::{Extent, Rename, Shape};
pub use value::{Dict, Object, Set, Value};

use evaluate::Interpreter;
use syntax::Node;

/// An expression that was read and checked.
#[derive(Debug)]
pub struct Expression {
    node: Node,
    external: BTreeSet<String>,
}

impl Expression {
    /// Reads and checks an expression.
    ///
    /// # Errors
    ///
    /// The first problem from the left: text that is no expression, or a construct, attribute or
    /// name that is not supported in this scope, or a literal pattern that `re` refuses.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, ExpressionError> {
        let node = parser::parse(text)?;
        let external = check::check(text, &node, scope)?;
        Ok(Self { node, external })
    }

    /// The free names that only a pythonfile can provide, in alphabetical order. Empty unless the
    /// scope has a pythonfile; empty then means that no interpreter is needed, unless the
    /// pythonfile replaces a builtin.
    pub fn external_names(&self) -> impl Iterator<Item = &str> {
        self.external.iter().map(String::as_str)
    }

    /// What the expression amounts to, if it is one of the simple ones.
    pub fn shape(&self) -> Option<Shape> {
        shape::of(&self.node)
    }

    /// The value of the expression.
    ///
    /// # Errors
    ///
    /// What Python would raise, and the exceptions of this program's own bounds.
    pub fn evaluate(&self, effects: &dyn Effects) -> Result<Value, PythonError> {
        Interpreter::new(effects).evaluate(&self.node, None)
    }
}

/// What Python's `template % arguments` gives.
///
/// # Errors
///
/// What Python would raise.
pub(crate) fn percent(template: &str, arguments: &Value) -> Result<String, PythonError> {
    let text = format::percent(&Interpreter::new(&()), template, arguments)?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

/// Which names an option sees beside the builtins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    re: Presence,
    pythonfile: Presence,
}

/// Whether something is in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
}

impl Scope {
    /// That of `nametrans`, `folderfilter`, `folderincludes`, `foldersort` and the functions of
    /// `[mbnames]`, where `re` is in scope.
    pub fn folder_option() -> Self {
        Self { re: Presence::Present, pythonfile: Presence::Absent }
    }

    /// That of every other option: builtins, and `os`, which pythonfiles used to bring.
    pub fn other_option() -> Self {
        Self { re: Presence::Absent, pythonfile: Presence::Absent }
    }

    /// The same with a pythonfile: names that are not known are left to it.
    #[must_use]
    pub fn with_pythonfile(self) -> Self {
        Self { pythonfile: Presence::Present, ..self }
    }

    /// Whether `re` is in scope.
    pub fn has_re(self) -> bool {
        self.re == Presence::Present
    }

    fn has_pythonfile(self) -> bool {
        self.pythonfile == Presence::Present
    }
}

#[cfg(test)]
mod tests;
