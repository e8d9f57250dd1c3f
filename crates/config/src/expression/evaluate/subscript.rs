//! `value[index]` and `value[start:stop:step]`.

use std::sync::Arc;

use super::super::error::{Exception, Outcome, PythonError, type_error, unsupported, value_error};
use super::super::value::{ObjectKind, Range, Value, repr};
use super::Interpreter;

/// `value[index]`
pub(in super::super) fn index(
    interpreter: &Interpreter<'_>,
    value: &Value,
    key: &Value,
) -> Outcome<Value> {
    let out_of_range =
        |what: &str| PythonError::new(Exception::IndexError, format!("{what} index out of range"));
    match value {
        Value::Str(text) => {
            interpreter.budget.spend(1 + text.len() / 16)?;
            let length = text.chars().count();
            let place = normalize(index_of(key, "string indices")?, length);
            let found = place.and_then(|place| text.chars().nth(place));
            found.map(|c| c.to_string().into()).ok_or_else(|| out_of_range("string"))
        }
        Value::Bytes(bytes) => {
            let place = normalize(index_of(key, "byte indices")?, bytes.len());
            let found = place.and_then(|place| bytes.get(place));
            found.map(|&byte| Value::Int(byte.into())).ok_or_else(|| out_of_range(""))
        }
        Value::List(items) | Value::Tuple(items) => {
            let what = value.type_name();
            let place = normalize(index_of(key, &format!("{what} indices"))?, items.len());
            place.and_then(|place| items.get(place)).cloned().ok_or_else(|| out_of_range(what))
        }
        Value::Dict(dict) => {
            if let Some(found) = dict.find(key, &interpreter.budget)? {
                Ok(found.clone())
            } else {
                let message = repr(key, &interpreter.budget)?;
                Err(PythonError::new(Exception::KeyError, message))
            }
        }
        Value::External(_) => Err(unsupported("an index of an object of the pythonfile")),
        Value::Object(object) => match object.kind() {
            ObjectKind::Range(range) => {
                let place = normalize(index_of(key, "range indices")?, range.length());
                let found = place.and_then(|place| range.at(place));
                found.map(Value::Int).ok_or_else(|| out_of_range("range object"))
            }
            ObjectKind::Match(found) => found.group(key),
            ObjectKind::Environment => {
                let Some(name) = key.as_str() else { return Err(type_error("str expected")) };
                if let Some(value) = interpreter.effects.environment_variable(name)? {
                    Ok(value.into())
                } else {
                    let message = repr(key, &interpreter.budget)?;
                    Err(PythonError::new(Exception::KeyError, message))
                }
            }
            ObjectKind::Builtin(name) if super::super::value::is_type(name) => {
                Err(unsupported("a generic type"))
            }
            _ => Err(not_subscriptable(value)),
        },
        _ => Err(not_subscriptable(value)),
    }
}

/// `value[start:stop:step]`
pub(super) fn slice(
    interpreter: &Interpreter<'_>,
    value: &Value,
    [start, stop, step]: &[Value; 3],
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    let bounds = |length| SliceBounds::new(start, stop, step, length);
    match value {
        Value::Str(text) => {
            let characters: Vec<char> = text.chars().collect();
            budget.spend_length(characters.len())?;
            let places = bounds(characters.len())?.places();
            let picked: String = places.filter_map(|place| characters.get(place)).collect();
            Ok(picked.into())
        }
        Value::Bytes(bytes) => {
            let places = bounds(bytes.len())?.places();
            Ok(Value::Bytes(places.filter_map(|place| bytes.get(place).copied()).collect()))
        }
        Value::List(items) | Value::Tuple(items) => {
            budget.spend_length(items.len())?;
            let places = bounds(items.len())?.places();
            let picked: Arc<[Value]> =
                places.filter_map(|place| items.get(place).cloned()).collect();
            Ok(match value {
                Value::List(_) => Value::List(picked),
                _ => Value::Tuple(picked),
            })
        }
        Value::Dict(_) => Err(type_error("unhashable type: 'slice'")),
        _ => match value.as_object() {
            Some(ObjectKind::Range(range)) => {
                let bounds = bounds(range.length())?;
                let at = |place: i64| {
                    range.step.checked_mul(place).and_then(|offset| range.start.checked_add(offset))
                };
                let step = range.step.checked_mul(bounds.step);
                let (Some(start), Some(stop), Some(step)) =
                    (at(bounds.start), at(bounds.stop), step)
                else {
                    return Err(unsupported("an integer beyond 64 bits"));
                };
                Ok(Value::object(ObjectKind::Range(Range { start, stop, step })))
            }
            _ => Err(not_subscriptable(value)),
        },
    }
}

/// The bounds of a slice, for a sequence of a known length.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct SliceBounds {
    start: i64,
    stop: i64,
    step: i64,
}

impl SliceBounds {
    pub(in super::super) fn new(
        start: &Value,
        stop: &Value,
        step: &Value,
        length: usize,
    ) -> Outcome<Self> {
        let number = |value: &Value| match value {
            Value::None => Ok(None),
            _ => value.as_integer().map(Some).ok_or_else(|| {
                type_error("slice indices must be integers or None or have an __index__ method")
            }),
        };
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let step = number(step)?.unwrap_or(1);
        if step == 0 {
            return Err(value_error("slice step cannot be zero"));
        }
        let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
        let clamp = |bound: Option<i64>, default: i64| match bound {
            None => default,
            Some(bound) if bound < 0 => bound.saturating_add(length).max(lowest),
            Some(bound) => bound.min(highest),
        };
        let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
        let start = clamp(number(start)?, first);
        let stop = clamp(number(stop)?, last);
        Ok(Self { start, stop, step })
    }

    /// The start and stop of a slice without step.
    pub(in super::super) fn range(&self) -> (usize, usize) {
        (usize::try_from(self.start).unwrap_or(0), usize::try_from(self.stop).unwrap_or(0))
    }

    fn places(self) -> impl Iterator<Item = usize> {
        let range = Range { start: self.start, stop: self.stop, step: self.step };
        (0..range.length())
            .filter_map(move |index| range.at(index).and_then(|place| usize::try_from(place).ok()))
    }
}

/// The number of an index.
fn index_of(value: &Value, what: &str) -> Outcome<i64> {
    value.as_integer().ok_or_else(|| {
        let name = value.type_name();
        type_error(format!("{what} must be integers or slices, not {name}"))
    })
}

/// The place of an index that may count from the end.
fn normalize(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(place).ok()
}

fn not_subscriptable(value: &Value) -> PythonError {
    type_error(format!("'{}' object is not subscriptable", value.type_name()))
}
