//! The values of expressions.

mod collection;
mod compare;
mod object;
mod repr;

use std::sync::Arc;

pub use collection::{Dict, Set};
pub(super) use compare::{compare, equal, identical, less};
pub use object::Object;
pub(super) use object::{
    Closure, Frame, ObjectKind, Range, ReadFile, Variable, View, ViewPart, is_type,
};
pub(super) use repr::{escape, float_text, repr, str_repr, to_text};

use super::budget::Budget;
use super::builtin;
use super::effects::{Effects, ExternalObject};
use super::error::PythonError;
use super::evaluate::{Arguments, Interpreter};

/// A value of an expression.
///
/// Values never change: methods that would change a list, dict or set are not supported. Cloning
/// is cheap.
#[derive(Debug, Clone)]
pub enum Value {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// An `int`; those beyond 64 bits are not supported.
    Int(i64),
    /// A `float`
    Float(f64),
    /// A `str`; surrogates are not supported.
    Str(Arc<str>),
    /// A `bytes`
    Bytes(Arc<[u8]>),
    /// A `list`
    List(Arc<[Value]>),
    /// A `tuple`
    Tuple(Arc<[Value]>),
    /// A `dict`
    Dict(Arc<Dict>),
    /// A `set`, in order of insertion
    Set(Arc<Set>),
    /// A `frozenset`, in order of insertion
    FrozenSet(Arc<Set>),
    /// A function, module, iterator or another thing without a Rust form.
    Object(Object),
    /// Something that lives in the pythonfile's interpreter.
    External(ExternalObject),
}

impl Value {
    /// A `str`.
    pub fn text(text: &str) -> Self {
        Self::Str(text.into())
    }

    /// A `list`.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A `tuple`.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Tuple(items.into_iter().collect())
    }

    /// The text of a `str`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a `list` or `tuple`.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Whether Python's `callable` says yes. Of an external object only a call can tell.
    pub fn is_callable(&self) -> bool {
        match self {
            Self::Object(object) => object.is_callable(),
            Self::External(_) => true,
            _ => false,
        }
    }

    /// Calls the value with arguments by position.
    ///
    /// # Errors
    ///
    /// What the function raises, or that it is no function, or that it takes too long.
    pub fn call(&self, arguments: &[Value], effects: &dyn Effects) -> Result<Value, PythonError> {
        let interpreter = Interpreter::new(effects);
        interpreter.call(self, Arguments::positional(arguments.to_vec()))
    }

    /// All items of an iterable, as `list` gives them.
    ///
    /// # Errors
    ///
    /// That the value has no items, or too many; those of an external object cannot be had.
    pub fn to_items(&self, effects: &dyn Effects) -> Result<Vec<Value>, PythonError> {
        Interpreter::new(effects).collect(self)
    }

    /// All items of an iterable in ascending order, as `sorted` gives them.
    ///
    /// # Errors
    ///
    /// The same, and that two of them cannot be compared.
    pub fn sorted(&self, effects: &dyn Effects) -> Result<Vec<Value>, PythonError> {
        let arguments = Arguments::positional(vec![self.clone()]);
        let sorted = builtin::call(&Interpreter::new(effects), "sorted", arguments)?;
        Ok(sorted.as_items().unwrap_or_default().to_vec())
    }

    /// Whether `if` takes the value for true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Set(set) | Self::FrozenSet(set) => !set.is_empty(),
            Self::Object(object) => object.is_true(),
            Self::External(_) => true,
        }
    }

    /// The name of the type, as in Python.
    pub fn type_name(&self) -> &str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::FrozenSet(_) => "frozenset",
            Self::Object(object) => object.type_name(),
            Self::External(_) => "object",
        }
    }

    /// What Python's `repr` gives.
    ///
    /// # Errors
    ///
    /// Fails when the text would be too long.
    pub fn repr(&self) -> Result<String, PythonError> {
        repr(self, &Budget::new())
    }

    pub(super) fn object(kind: ObjectKind) -> Self {
        Self::Object(Object::new(kind))
    }

    pub(super) fn as_object(&self) -> Option<&ObjectKind> {
        match self {
            Self::Object(object) => Some(object.kind()),
            _ => None,
        }
    }

    /// The number of a `bool` or `int`.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A length or index as an `int`.
    pub(super) fn index(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
