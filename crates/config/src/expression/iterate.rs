//! Iterators: lazy, as in Python, so that `any` stops at the first true item.

use std::sync::{Arc, Mutex};

use super::error::{Exception, Outcome, PythonError, type_error, value_error};
use super::evaluate::{Arguments, Interpreter};
use super::syntax::{Comprehension, Target};
use super::value::{Frame, ObjectKind, Value};

/// An iterator.
#[derive(Debug)]
pub(super) struct Iteration {
    name: &'static str,
    state: Mutex<Source>,
}

/// Where the items of an iterator come from.
#[derive(Debug)]
pub(super) enum Source {
    Items(std::vec::IntoIter<Value>),
    Map { function: Value, sources: Vec<Value> },
    Filter { function: Value, source: Value },
    Zip { sources: Vec<Value>, strict: Strictness },
    Enumerate { source: Value, next: i64 },
    Generator(Generator),
    Ended,
}

/// Whether the sources of `zip` must have one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Shortest,
    Equal,
}

impl Iteration {
    /// An iterator whose type has this name.
    pub(super) fn value(name: &'static str, source: Source) -> Value {
        Value::object(ObjectKind::Iterator(Self { name, state: Mutex::new(source) }))
    }

    pub(super) fn type_name(&self) -> &'static str {
        self.name
    }

    fn advance(&self, interpreter: &Interpreter<'_>) -> Outcome<Option<Value>> {
        let Ok(mut state) = self.state.try_lock() else {
            return Err(value_error("generator already executing"));
        };
        let next = state.advance(interpreter);
        let over =
            matches!(next, Ok(None)) || (next.is_err() && matches!(*state, Source::Generator(_)));
        if over {
            *state = Source::Ended;
        }
        next
    }
}

impl Source {
    fn advance(&mut self, interpreter: &Interpreter<'_>) -> Outcome<Option<Value>> {
        match self {
            Self::Ended => Ok(None),
            Self::Items(items) => Ok(items.next()),
            Self::Map { function, sources } => {
                let mut arguments = Vec::with_capacity(sources.len());
                for source in sources.iter() {
                    let Some(item) = interpreter.advance(source)? else { return Ok(None) };
                    arguments.push(item);
                }
                let result = interpreter.call(function, Arguments::positional(arguments));
                stop_is_end(result.map(Some))
            }
            Self::Filter { function, source } => {
                while let Some(item) = interpreter.advance(source)? {
                    let keep = if let Value::None = function {
                        item.is_true()
                    } else {
                        let arguments = Arguments::positional(vec![item.clone()]);
                        match stop_is_end(interpreter.call(function, arguments).map(Some))? {
                            Some(value) => value.is_true(),
                            None => return Ok(None),
                        }
                    };
                    if keep {
                        return Ok(Some(item));
                    }
                }
                Ok(None)
            }
            Self::Zip { sources, .. } if sources.is_empty() => Ok(None),
            Self::Zip { sources, strict } => {
                let mut items = Vec::with_capacity(sources.len());
                for (index, source) in sources.iter().enumerate() {
                    if let Some(item) = interpreter.advance(source)? {
                        items.push(item);
                        continue;
                    }
                    if *strict == Strictness::Equal {
                        return same_ends(interpreter, sources, index);
                    }
                    return Ok(None);
                }
                Ok(Some(Value::Tuple(items.into())))
            }
            Self::Enumerate { source, next } => {
                let Some(item) = interpreter.advance(source)? else { return Ok(None) };
                let index = *next;
                *next = next.saturating_add(1);
                Ok(Some(Value::tuple([Value::Int(index), item])))
            }
            Self::Generator(generator) => {
                let next = generator.advance(interpreter).map_err(|error| {
                    if error.exception == Exception::StopIteration {
                        let kind = Exception::Other("RuntimeError".to_owned());
                        return PythonError::new(kind, "generator raised StopIteration");
                    }
                    error
                })?;
                Ok(next.map(|(_, value)| value))
            }
        }
    }
}

/// A `StopIteration` from within ends an iterator that is no generator.
fn stop_is_end(result: Outcome<Option<Value>>) -> Outcome<Option<Value>> {
    match result {
        Err(error) if error.exception == Exception::StopIteration => Ok(None),
        other => other,
    }
}

fn same_ends(
    interpreter: &Interpreter<'_>,
    sources: &[Value],
    ended: usize,
) -> Outcome<Option<Value>> {
    if ended > 0 {
        return Err(value_error(format!(
            "zip() argument {} is shorter than the ones before",
            ended + 1
        )));
    }
    for (index, source) in sources.iter().enumerate().skip(1) {
        if interpreter.advance(source)?.is_some() {
            return Err(value_error(format!(
                "zip() argument {} is longer than the ones before",
                index + 1
            )));
        }
    }
    Ok(None)
}

impl Interpreter<'_> {
    /// `iter(value)`
    pub(super) fn iterate(&self, value: &Value) -> Outcome<Value> {
        if let Some(ObjectKind::Iterator(_)) = value.as_object() {
            return Ok(value.clone());
        }
        let name = match value {
            Value::Str(_) => "str_iterator",
            Value::Bytes(_) => "bytes_iterator",
            Value::List(_) => "list_iterator",
            Value::Tuple(_) => "tuple_iterator",
            Value::Set(_) | Value::FrozenSet(_) => "set_iterator",
            Value::Dict(_) => "dict_keyiterator",
            _ => "iterator",
        };
        Ok(Iteration::value(name, Source::Items(self.collect(value)?.into_iter())))
    }

    /// The next item of what [`Self::iterate`] gave.
    pub(super) fn advance(&self, iterator: &Value) -> Outcome<Option<Value>> {
        let _level = self.budget.descend()?;
        self.budget.spend(1)?;
        match iterator.as_object() {
            Some(ObjectKind::Iterator(iteration)) => iteration.advance(self),
            _ => Err(not_iterable(iterator, "is not an iterator")),
        }
    }

    /// All items of an iterable.
    pub(super) fn collect(&self, value: &Value) -> Outcome<Vec<Value>> {
        let items: Vec<Value> = match value {
            Value::Str(text) => {
                self.budget.spend_length(text.len())?;
                text.chars().map(|c| c.to_string().into()).collect()
            }
            Value::Bytes(bytes) => bytes.iter().map(|&byte| Value::Int(byte.into())).collect(),
            Value::List(items) | Value::Tuple(items) => items.to_vec(),
            Value::Set(set) | Value::FrozenSet(set) => set.items().to_vec(),
            Value::Dict(dict) => dict.entries().iter().map(|(key, _)| key.clone()).collect(),
            Value::External(_) => {
                return Err(super::error::unsupported(
                    "iteration over an object of the pythonfile",
                ));
            }
            Value::Object(object) => match object.kind() {
                ObjectKind::Range(range) => {
                    self.budget.spend_length(range.length())?;
                    (0..range.length()).filter_map(|i| range.at(i)).map(Value::Int).collect()
                }
                ObjectKind::View(view) => view.items(),
                ObjectKind::File(file) => {
                    let mut lines = Vec::new();
                    loop {
                        let line = file.read_line();
                        if !line.is_true() {
                            break;
                        }
                        lines.push(line);
                        self.budget.spend(1)?;
                    }
                    lines
                }
                ObjectKind::Iterator(_) => {
                    let mut items = Vec::new();
                    while let Some(item) = self.advance(value)? {
                        items.push(item);
                    }
                    items
                }
                ObjectKind::Environment => {
                    return Err(super::error::unsupported("iteration over os.environ"));
                }
                _ => return Err(not_iterable(value, "is not iterable")),
            },
            _ => return Err(not_iterable(value, "is not iterable")),
        };
        self.budget.spend_length(items.len())?;
        Ok(items)
    }
}

fn not_iterable(value: &Value, problem: &str) -> PythonError {
    type_error(format!("'{}' object {problem}", value.type_name()))
}

/// A comprehension on its way.
#[derive(Debug)]
pub(super) struct Generator {
    comprehension: Arc<Comprehension>,
    frame: Arc<Frame>,
    /// The iterators of the clauses that are open.
    sources: Vec<Value>,
}

impl Generator {
    /// A comprehension whose first clause runs over `source`.
    pub(super) fn new(
        comprehension: Arc<Comprehension>,
        around: Option<Arc<Frame>>,
        source: Value,
    ) -> Self {
        let frame = Frame::new(Arc::clone(&comprehension.names), Vec::new(), around);
        Self { comprehension, frame, sources: vec![source] }
    }

    /// The iterator that a generator expression is.
    pub(super) fn into_value(self) -> Value {
        Iteration::value("generator", Source::Generator(self))
    }

    /// The next key (of a dict comprehension) and element.
    pub(super) fn advance(
        &mut self,
        interpreter: &Interpreter<'_>,
    ) -> Outcome<Option<(Option<Value>, Value)>> {
        let scope = Some(&self.frame);
        'items: while let Some(source) = self.sources.last() {
            let depth = self.sources.len();
            let Some(clause) = self.comprehension.clauses.get(depth - 1) else { break };
            let Some(item) = interpreter.advance(source)? else {
                self.sources.pop();
                continue;
            };
            assign(interpreter, &self.frame, &clause.target, &item)?;
            for condition in &clause.conditions {
                if !interpreter.evaluate(condition, scope)?.is_true() {
                    continue 'items;
                }
            }
            if let Some(inner) = self.comprehension.clauses.get(depth) {
                let iterable = interpreter.evaluate(&inner.iterable, scope)?;
                self.sources.push(interpreter.iterate(&iterable)?);
                continue;
            }
            let key = match &self.comprehension.key {
                Some(key) => Some(interpreter.evaluate(key, scope)?),
                None => None,
            };
            let element = interpreter.evaluate(&self.comprehension.element, scope)?;
            return Ok(Some((key, element)));
        }
        Ok(None)
    }
}

fn assign(
    interpreter: &Interpreter<'_>,
    frame: &Frame,
    target: &Target,
    value: &Value,
) -> Outcome<()> {
    match target {
        Target::Name(name) => frame.assign(name, value.clone()),
        Target::Tuple(targets) => {
            let items = interpreter.collect(value).map_err(|error| {
                if error.exception == Exception::TypeError {
                    let name = value.type_name();
                    return type_error(format!("cannot unpack non-iterable {name} object"));
                }
                error
            })?;
            let (wanted, found) = (targets.len(), items.len());
            if found < wanted {
                return Err(value_error(format!(
                    "not enough values to unpack (expected {wanted}, got {found})"
                )));
            }
            if found > wanted {
                return Err(value_error(format!("too many values to unpack (expected {wanted})")));
            }
            for (target, item) in targets.iter().zip(&items) {
                assign(interpreter, frame, target, item)?;
            }
        }
    }
    Ok(())
}
