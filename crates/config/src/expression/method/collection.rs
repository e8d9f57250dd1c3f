//! Methods of lists, tuples, dicts, sets and files.

use std::sync::Arc;

use super::super::error::{Outcome, type_error, unsupported, value_error};
use super::super::evaluate::{Arguments, Interpreter, SliceBounds, binary};
use super::super::syntax::Operator;
use super::super::value::{Dict, ObjectKind, Set, Value, View, ViewPart, equal, identical, repr};

/// Calls a method of a list or tuple.
pub(super) fn sequence(
    interpreter: &Interpreter<'_>,
    receiver: &Value,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let items = receiver.as_items().unwrap_or_default();
    let budget = &interpreter.budget;
    let same = |a: &Value, b: &Value| Ok(identical(a, b) || equal(a, b, budget)?);
    match name {
        "copy" => {
            arguments.bind_positions::<0>(name, 0)?;
            Ok(Value::list(items.iter().cloned()))
        }
        "count" => {
            let [wanted] = arguments.bind_positions(name, 1)?;
            let wanted = wanted.unwrap_or(Value::None);
            let mut count = 0;
            for item in items {
                count += usize::from(same(item, &wanted)?);
            }
            Ok(Value::index(count))
        }
        "index" => {
            let [wanted, start, stop] = arguments.bind_positions(name, 1)?;
            let wanted = wanted.unwrap_or(Value::None);
            for bound in [&start, &stop].into_iter().flatten() {
                if bound.as_integer().is_none() {
                    return Err(type_error(
                        "slice indices must be integers or have an __index__ method",
                    ));
                }
            }
            let (start, stop) = (start.unwrap_or(Value::None), stop.unwrap_or(Value::None));
            let bounds = SliceBounds::new(&start, &stop, &Value::None, items.len())?;
            let (start, stop) = bounds.range();
            for (place, item) in items.iter().enumerate().take(stop).skip(start) {
                if same(item, &wanted)? {
                    return Ok(Value::index(place));
                }
            }
            let what = match receiver {
                Value::List(_) => format!("{} is not in list", repr(&wanted, budget)?),
                _ => "tuple.index(x): x not in tuple".to_owned(),
            };
            Err(value_error(what))
        }
        _ => Err(unsupported(format!("the method .{name} of a sequence"))),
    }
}

/// Calls a method of a dict.
pub(super) fn dict(
    interpreter: &Interpreter<'_>,
    dict: &Arc<Dict>,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let part = match name {
        "get" => {
            let [key, default] = arguments.bind_positions(name, 1)?;
            let found = dict.find(&key.unwrap_or(Value::None), &interpreter.budget)?;
            return Ok(found.cloned().or(default).unwrap_or(Value::None));
        }
        "fromkeys" => return from_keys(interpreter, arguments),
        "copy" => {
            arguments.bind_positions::<0>(name, 0)?;
            interpreter.budget.spend_length(dict.entries().len())?;
            return Ok(Value::Dict(Arc::new(dict.as_ref().clone())));
        }
        "keys" => ViewPart::Keys,
        "values" => ViewPart::Values,
        "items" => ViewPart::Items,
        _ => return Err(unsupported(format!("the method .{name} of 'dict' object"))),
    };
    arguments.bind_positions::<0>(name, 0)?;
    Ok(Value::object(ObjectKind::View(View { dict: Arc::clone(dict), part })))
}

/// `dict.fromkeys(keys, value)`
pub(super) fn from_keys(interpreter: &Interpreter<'_>, arguments: Arguments) -> Outcome<Value> {
    let [keys, value] = arguments.bind_positions("fromkeys", 1)?;
    let value = value.unwrap_or(Value::None);
    let mut dict = Dict::default();
    for key in interpreter.collect(&keys.unwrap_or(Value::None))? {
        dict.insert(key, value.clone(), &interpreter.budget)?;
    }
    Ok(Value::Dict(Arc::new(dict)))
}

/// Calls a method of a set or frozenset.
pub(super) fn set(
    interpreter: &Interpreter<'_>,
    receiver: &Value,
    set: &Arc<Set>,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let arguments = arguments.without_keywords(name)?;
    let others = arguments.positional;
    let as_set = |value: &Value| -> Outcome<Set> { interpreter.set(interpreter.collect(value)?) };
    let one = || match others.as_slice() {
        [other] => as_set(other),
        _ => {
            Err(type_error(format!("{name}() takes exactly one argument ({} given)", others.len())))
        }
    };
    let fold = |operator| {
        let mut result = receiver.clone();
        for other in &others {
            let other = Value::Set(Arc::new(as_set(other)?));
            result = binary(interpreter, operator, &result, &other)?;
        }
        Ok(result)
    };
    match name {
        "copy" if others.is_empty() => Ok(match receiver {
            Value::Set(set) => Value::Set(Arc::new(Set::clone(set))),
            _ => receiver.clone(),
        }),
        "copy" => Err(type_error("copy() takes no arguments")),
        "union" => fold(Operator::BitOr),
        "intersection" => fold(Operator::BitAnd),
        "difference" => fold(Operator::Subtract),
        "symmetric_difference" => {
            let other = Value::Set(Arc::new(one()?));
            binary(interpreter, Operator::BitXor, receiver, &other)
        }
        "issubset" => Ok(Value::Bool(set.is_subset(&one()?))),
        "issuperset" => Ok(Value::Bool(one()?.is_subset(set))),
        "isdisjoint" => {
            for item in one()?.items() {
                if set.contains(item, &interpreter.budget)? {
                    return Ok(Value::Bool(false));
                }
            }
            Ok(Value::Bool(true))
        }
        _ => Err(unsupported(format!("the method .{name} of a set"))),
    }
}

/// Calls a method of an open file.
pub(super) fn file(
    interpreter: &Interpreter<'_>,
    receiver: &Value,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    if !arguments.positional.is_empty() || !arguments.keywords.is_empty() {
        return Err(unsupported(format!("an argument of .{name}() of a file")));
    }
    let Some(ObjectKind::File(file)) = receiver.as_object() else { return Ok(Value::None) };
    Ok(match name {
        "read" => file.read(),
        "readline" => file.read_line(),
        "readlines" => Value::List(interpreter.collect(receiver)?.into()),
        _ => Value::None,
    })
}
