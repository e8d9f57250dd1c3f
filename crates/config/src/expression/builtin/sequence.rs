//! Builtins over sequences: order, length, sums.

use std::cmp::Ordering;

use super::super::error::{Outcome, PythonError, type_error, value_error};
use super::super::evaluate::{Arguments, Interpreter, binary};
use super::super::iterate::{Iteration, Source};
use super::super::syntax::Operator;
use super::super::value::{ObjectKind, Range, Value, less};
use super::integer;

/// Calls one of these builtins.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    name: &str,
    mut arguments: Arguments,
) -> Outcome<Value> {
    match name {
        "len" => {
            let [value] = arguments.bind_positions(name, 1)?;
            len(interpreter, &value.unwrap_or(Value::None))
        }
        "sorted" => {
            let key = arguments.take_keyword("key").unwrap_or(Value::None);
            let reverse = arguments.take_keyword("reverse").unwrap_or(Value::Bool(false));
            let reverse = integer(&reverse)? != 0;
            let [items] = arguments.bind_positions(name, 1)?;
            let items = interpreter.collect(&items.unwrap_or(Value::None))?;
            let direction = if reverse { Direction::Down } else { Direction::Up };
            Ok(Value::List(sort(interpreter, items, &key, direction)?.into()))
        }
        "reversed" => {
            let [items] = arguments.bind_positions(name, 1)?;
            let items = items.unwrap_or(Value::None);
            let reversible = match &items {
                Value::Str(_)
                | Value::Bytes(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Dict(_) => true,
                _ => matches!(items.as_object(), Some(ObjectKind::Range(_) | ObjectKind::View(_))),
            };
            if !reversible {
                let found = items.type_name();
                return Err(type_error(format!("'{found}' object is not reversible")));
            }
            let mut items = interpreter.collect(&items)?;
            items.reverse();
            Ok(Iteration::value("reversed", Source::Items(items.into_iter())))
        }
        "range" => {
            let bounds = arguments.bind_positions::<3>(name, 1)?;
            let number = |value: &Option<Value>| value.as_ref().map(integer).transpose();
            let [first, second, third] = &bounds;
            let (first, second, step) = (number(first)?, number(second)?, number(third)?);
            let step = step.unwrap_or(1);
            if step == 0 {
                return Err(value_error("range() arg 3 must not be zero"));
            }
            let (start, stop) = match (first, second) {
                (Some(start), Some(stop)) => (start, stop),
                (stop, _) => (0, stop.unwrap_or(0)),
            };
            Ok(Value::object(ObjectKind::Range(Range { start, stop, step })))
        }
        "sum" => {
            let [items, start] = arguments.bind(name, ["", "start"], 1)?;
            let mut total = start.unwrap_or(Value::Int(0));
            if total.as_str().is_some() {
                return Err(type_error("sum() can't sum strings [use ''.join(seq) instead]"));
            }
            let iterator = interpreter.iterate(&items.unwrap_or(Value::None))?;
            while let Some(item) = interpreter.advance(&iterator)? {
                total = binary(interpreter, Operator::Add, &total, &item)?;
            }
            Ok(total)
        }
        _ => extreme(interpreter, name, arguments),
    }
}

/// `min` or `max`
fn extreme(interpreter: &Interpreter<'_>, name: &str, mut arguments: Arguments) -> Outcome<Value> {
    let key = arguments.take_keyword("key").unwrap_or(Value::None);
    let default = arguments.take_keyword("default");
    let mut arguments = arguments.without_keywords(name)?.positional;
    let items = match arguments.len() {
        0 => return Err(type_error(format!("{name} expected at least 1 argument, got 0"))),
        1 => interpreter.collect(&arguments.remove(0))?,
        _ if default.is_some() => {
            return Err(type_error(format!(
                "Cannot specify a default for {name}() with multiple positional arguments"
            )));
        }
        _ => arguments,
    };
    let mut best: Option<(Value, Value)> = None;
    for item in items {
        let rank = rank(interpreter, &key, &item)?;
        let better = match &best {
            None => true,
            Some((best, _)) if name == "min" => less(&rank, best, &interpreter.budget)?,
            Some((best, _)) => less(best, &rank, &interpreter.budget)?,
        };
        if better {
            best = Some((rank, item));
        }
    }
    best.map(|(_, item)| item)
        .or(default)
        .ok_or_else(|| value_error(format!("{name}() arg is an empty sequence")))
}

fn len(interpreter: &Interpreter<'_>, value: &Value) -> Outcome<Value> {
    let length = match value {
        Value::Str(text) => {
            interpreter.budget.spend(text.len() / 16)?;
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) | Value::Tuple(items) => items.len(),
        Value::Dict(dict) => dict.entries().len(),
        Value::Set(set) | Value::FrozenSet(set) => set.items().len(),
        _ => match value.as_object() {
            Some(ObjectKind::Range(range)) => range.length(),
            Some(ObjectKind::View(view)) => view.dict.entries().len(),
            _ => {
                let found = value.type_name();
                return Err(type_error(format!("object of type '{found}' has no len()")));
            }
        },
    };
    Ok(Value::index(length))
}

/// The way `sorted` goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Sorts by merging, which keeps equal items in order and needs only `<`.
fn sort(
    interpreter: &Interpreter<'_>,
    items: Vec<Value>,
    key: &Value,
    direction: Direction,
) -> Outcome<Vec<Value>> {
    let mut ranked = Vec::with_capacity(items.len());
    for item in items {
        ranked.push((rank(interpreter, key, &item)?, item));
    }
    let mut failure: Option<PythonError> = None;
    let mut is_less = |a: &Value, b: &Value| {
        failure.is_none()
            && less(a, b, &interpreter.budget).unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
    };
    ranked = merge_sort(ranked, &mut |a, b| {
        // `b` stood after `a`: it goes before only if it is truly less (or greater).
        if direction == Direction::Up { is_less(&b.0, &a.0) } else { is_less(&a.0, &b.0) }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(ranked.into_iter().map(|(_, item)| item).collect()),
    }
}

type Ranked = (Value, Value);

fn merge_sort(
    mut items: Vec<Ranked>,
    second_first: &mut impl FnMut(&Ranked, &Ranked) -> bool,
) -> Vec<Ranked> {
    if items.len() < 2 {
        return items;
    }
    let right = items.split_off(items.len() / 2);
    let mut left = merge_sort(items, second_first).into_iter().peekable();
    let mut right = merge_sort(right, second_first).into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if second_first(a, b) => Ordering::Greater,
            (Some(_), _) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return merged,
        };
        merged.extend(if order == Ordering::Less { left.next() } else { right.next() });
    }
}

fn rank(interpreter: &Interpreter<'_>, key: &Value, item: &Value) -> Outcome<Value> {
    match key {
        Value::None => Ok(item.clone()),
        _ => interpreter.call(key, Arguments::positional(vec![item.clone()])),
    }
}
