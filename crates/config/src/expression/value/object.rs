//! Values without a Rust form: functions, modules, iterators, views.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::iterate::Iteration;
use super::super::regex::{Match, Pattern};
use super::super::syntax::Lambda;
use super::{Dict, Value};

/// A function, module, iterator or another thing without a Rust form.
#[derive(Clone)]
pub struct Object(Arc<ObjectKind>);

/// What an [`Object`] is.
#[derive(Debug)]
pub(in super::super) enum ObjectKind {
    Closure(Closure),
    /// A builtin function or type, by name.
    Builtin(&'static str),
    /// A function of a module, by both names.
    Function {
        module: &'static str,
        name: &'static str,
    },
    /// A method with its receiver.
    Method {
        receiver: Value,
        name: &'static str,
    },
    /// A method of a type, without receiver: `str.lower`.
    Unbound {
        owner: &'static str,
        name: &'static str,
    },
    Module(&'static str),
    Range(Range),
    View(View),
    Iterator(Iteration),
    Pattern(Arc<Pattern>),
    Match(Match),
    /// `re.IGNORECASE` and the like.
    RegexFlag(i64),
    File(ReadFile),
    /// `os.environ`
    Environment,
}

impl Object {
    pub(in super::super) fn new(kind: ObjectKind) -> Self {
        Self(Arc::new(kind))
    }

    pub(in super::super) fn kind(&self) -> &ObjectKind {
        &self.0
    }

    pub(in super::super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(super) fn is_callable(&self) -> bool {
        matches!(
            self.kind(),
            ObjectKind::Closure(_)
                | ObjectKind::Builtin(_)
                | ObjectKind::Function { .. }
                | ObjectKind::Method { .. }
                | ObjectKind::Unbound { .. }
        )
    }

    pub(super) fn is_true(&self) -> bool {
        match self.kind() {
            ObjectKind::Range(range) => range.length() > 0,
            ObjectKind::View(view) => !view.dict.is_empty(),
            ObjectKind::RegexFlag(bits) => *bits != 0,
            _ => true,
        }
    }

    pub(in super::super) fn type_name(&self) -> &'static str {
        match self.kind() {
            ObjectKind::Closure(_) | ObjectKind::Function { module: "re", .. } => "function",
            ObjectKind::Builtin(name) if is_type(name) => "type",
            ObjectKind::Builtin(_) | ObjectKind::Function { .. } | ObjectKind::Method { .. } => {
                "builtin_function_or_method"
            }
            ObjectKind::Unbound { .. } => "method_descriptor",
            ObjectKind::Module(_) => "module",
            ObjectKind::Range(_) => "range",
            ObjectKind::View(view) => view.part.type_name(),
            ObjectKind::Iterator(iteration) => iteration.type_name(),
            ObjectKind::Pattern(_) => "re.Pattern",
            ObjectKind::Match(_) => "re.Match",
            ObjectKind::RegexFlag(_) => "RegexFlag",
            ObjectKind::File(_) => "_io.TextIOWrapper",
            ObjectKind::Environment => "_Environ",
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<{}>", self.type_name())
    }
}

/// Whether a builtin is a type rather than a function.
pub(in super::super) fn is_type(name: &str) -> bool {
    matches!(
        name,
        "str"
            | "bytes"
            | "int"
            | "float"
            | "bool"
            | "list"
            | "tuple"
            | "dict"
            | "set"
            | "frozenset"
            | "range"
            | "map"
            | "filter"
            | "zip"
            | "enumerate"
            | "reversed"
            | "type"
            | "object"
    )
}

/// A lambda with its defaults and the variables around it.
#[derive(Debug)]
pub(in super::super) struct Closure {
    pub(in super::super) lambda: Arc<Lambda>,
    /// One for each parameter that has a default, in order.
    pub(in super::super) defaults: Vec<Value>,
    pub(in super::super) frame: Option<Arc<Frame>>,
}

/// What looking up a variable found.
#[derive(Debug)]
pub(in super::super) enum Variable {
    Value(Value),
    /// A variable of a comprehension before its first assignment.
    Unassigned,
    Unknown,
}

/// The variables of a call or a comprehension.
pub(in super::super) struct Frame {
    names: Arc<[Arc<str>]>,
    values: Mutex<Vec<Option<Value>>>,
    around: Option<Arc<Frame>>,
}

impl Frame {
    pub(in super::super) fn new(
        names: Arc<[Arc<str>]>,
        values: Vec<Option<Value>>,
        around: Option<Arc<Self>>,
    ) -> Arc<Self> {
        Arc::new(Self { names, values: Mutex::new(values), around })
    }

    /// Finds a variable here or around.
    pub(in super::super) fn find(&self, name: &str) -> Variable {
        let mut frame = Some(self);
        while let Some(here) = frame {
            if let Some(place) = here.names.iter().position(|known| &**known == name) {
                let values = here.values.lock().unwrap_or_else(PoisonError::into_inner);
                return match values.get(place) {
                    Some(Some(value)) => Variable::Value(value.clone()),
                    Some(None) | None => Variable::Unassigned,
                };
            }
            frame = here.around.as_deref();
        }
        Variable::Unknown
    }

    /// Assigns a variable of this frame itself.
    pub(in super::super) fn assign(&self, name: &str, value: Value) {
        let Some(place) = self.names.iter().position(|known| &**known == name) else { return };
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() <= place {
            values.resize(place + 1, None);
        }
        if let Some(slot) = values.get_mut(place) {
            *slot = Some(value);
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Frame").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A `range`.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Range {
    pub(in super::super) start: i64,
    pub(in super::super) stop: i64,
    pub(in super::super) step: i64,
}

impl Range {
    pub(in super::super) fn length(&self) -> usize {
        let distance = if self.step > 0 {
            i128::from(self.stop) - i128::from(self.start)
        } else {
            i128::from(self.start) - i128::from(self.stop)
        };
        let step = i128::from(self.step.unsigned_abs()).max(1);
        usize::try_from((distance + step - 1).max(0) / step).unwrap_or(usize::MAX)
    }

    pub(in super::super) fn at(&self, index: usize) -> Option<i64> {
        if index >= self.length() {
            return None;
        }
        let offset = i128::try_from(index).ok()? * i128::from(self.step);
        i64::try_from(i128::from(self.start) + offset).ok()
    }

    pub(in super::super) fn contains(&self, number: i64) -> bool {
        let offset = i128::from(number) - i128::from(self.start);
        let step = i128::from(self.step);
        offset % step == 0
            && usize::try_from(offset / step).is_ok_and(|index| index < self.length())
    }

    /// What makes two ranges equal: the numbers in them.
    pub(super) fn key(&self) -> Option<(i64, i64, i64)> {
        let last = self.at(self.length().checked_sub(1)?)?;
        Some((self.start, last, if self.length() > 1 { self.step } else { 0 }))
    }
}

/// What `dict.keys()`, `.values()` or `.items()` gives.
#[derive(Debug, Clone)]
pub(in super::super) struct View {
    pub(in super::super) dict: Arc<Dict>,
    pub(in super::super) part: ViewPart,
}

impl View {
    pub(super) fn is_hashable(&self) -> bool {
        self.part == ViewPart::Values
    }

    pub(in super::super) fn items(&self) -> Vec<Value> {
        let item = |(key, value): &(Value, Value)| match self.part {
            ViewPart::Keys => key.clone(),
            ViewPart::Values => value.clone(),
            ViewPart::Items => Value::tuple([key.clone(), value.clone()]),
        };
        self.dict.entries().iter().map(item).collect()
    }
}

/// The part of a dict that a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ViewPart {
    Keys,
    Values,
    Items,
}

impl ViewPart {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Keys => "dict_keys",
            Self::Values => "dict_values",
            Self::Items => "dict_items",
        }
    }
}

/// A file that was read when it was opened.
#[derive(Debug)]
pub(in super::super) struct ReadFile {
    /// A `str` or `bytes`, what has not been read yet.
    rest: Mutex<Value>,
}

impl ReadFile {
    pub(in super::super) fn new(content: Value) -> Self {
        Self { rest: Mutex::new(content) }
    }

    /// Everything that is left.
    pub(in super::super) fn read(&self) -> Value {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = match &*rest {
            Value::Bytes(_) => Value::Bytes(Arc::from([])),
            _ => Value::text(""),
        };
        std::mem::replace(&mut rest, empty)
    }

    /// The next line with its end; empty at the end.
    pub(in super::super) fn read_line(&self) -> Value {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, after) = match &*rest {
            Value::Bytes(bytes) => {
                let end = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| at + 1);
                let (line, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
                (Value::Bytes(line.into()), Value::Bytes(after.into()))
            }
            Value::Str(text) => {
                let end = text.find('\n').map_or(text.len(), |at| at + 1);
                let (line, after) = text.split_at_checked(end).unwrap_or((text, ""));
                (Value::text(line), Value::text(after))
            }
            other => (other.clone(), Value::None),
        };
        *rest = after;
        line
    }
}
