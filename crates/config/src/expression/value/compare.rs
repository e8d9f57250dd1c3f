//! Equality, order and identity.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::budget::Budget;
use super::super::error::{Outcome, type_error};
use super::collection::integral;
use super::object::{ObjectKind, ViewPart};
use super::{Set, Value};

/// `left == right`
pub(in super::super) fn equal(left: &Value, right: &Value, budget: &Budget) -> Outcome<bool> {
    budget.spend(1)?;
    let _level = budget.descend()?;
    Ok(match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !same(left, right, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Dict(left), Value::Dict(right)) => {
            if left.entries().len() != right.entries().len() {
                return Ok(false);
            }
            for (key, value) in left.entries() {
                match right.find(key, budget)? {
                    Some(other) if same(value, other, budget)? => {}
                    Some(_) | None => return Ok(false),
                }
            }
            true
        }
        (
            Value::Set(left) | Value::FrozenSet(left),
            Value::Set(right) | Value::FrozenSet(right),
        ) => left.items().len() == right.items().len() && left.is_subset(right),
        (Value::External(left), Value::External(right)) => left.handle == right.handle,
        (Value::Object(_), _) | (_, Value::Object(_)) => return objects_equal(left, right, budget),
        _ => numbers(left, right) == NumericOrder::Ordered(Ordering::Equal),
    })
}

/// The order of two values, `None` when neither is less (NaN, sets); `symbol` is for the message.
pub(in super::super) fn compare(
    left: &Value,
    right: &Value,
    symbol: &str,
    budget: &Budget,
) -> Outcome<Option<Ordering>> {
    budget.spend(1)?;
    let _level = budget.descend()?;
    match numbers(left, right) {
        NumericOrder::Ordered(order) => return Ok(Some(order)),
        NumericOrder::Unordered => return Ok(None),
        NumericOrder::NoNumbers => {}
    }
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Ok(Some(left.cmp(right))),
        (Value::Bytes(left), Value::Bytes(right)) => Ok(Some(left.cmp(right))),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            for (left, right) in left.iter().zip(right.iter()) {
                if !same(left, right, budget)? {
                    return compare(left, right, symbol, budget);
                }
            }
            Ok(Some(left.len().cmp(&right.len())))
        }
        (
            Value::Set(left) | Value::FrozenSet(left),
            Value::Set(right) | Value::FrozenSet(right),
        ) => Ok(set_order(left, right)),
        _ => {
            if let (Some(left), Some(right)) = (key_view(left, budget)?, key_view(right, budget)?) {
                return Ok(set_order(&left, &right));
            }
            Err(type_error(format!(
                "'{symbol}' not supported between instances of '{}' and '{}'",
                left.type_name(),
                right.type_name()
            )))
        }
    }
}

/// `left < right`
pub(in super::super) fn less(left: &Value, right: &Value, budget: &Budget) -> Outcome<bool> {
    Ok(compare(left, right, "<", budget)? == Some(Ordering::Less))
}

/// `left is right`. Which equal values are identical is `CPython`'s affair: here small integers and
/// strings of at most one character, as there.
pub(in super::super) fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right && (-5..=256).contains(left),
        (Value::Str(left), Value::Str(right)) => {
            Arc::ptr_eq(left, right) || (left == right && left.chars().nth(1).is_none())
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            Arc::ptr_eq(left, right) || (left == right && left.len() < 2)
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            Arc::ptr_eq(left, right) || (left.is_empty() && right.is_empty())
        }
        (Value::List(left), Value::List(right)) => Arc::ptr_eq(left, right),
        (Value::Dict(left), Value::Dict(right)) => Arc::ptr_eq(left, right),
        (Value::Set(left), Value::Set(right))
        | (Value::FrozenSet(left), Value::FrozenSet(right)) => Arc::ptr_eq(left, right),
        (Value::External(left), Value::External(right)) => left.handle == right.handle,
        (Value::Object(left), Value::Object(right)) => match (left.kind(), right.kind()) {
            (ObjectKind::Builtin(left), ObjectKind::Builtin(right))
            | (ObjectKind::Module(left), ObjectKind::Module(right)) => left == right,
            _ => left.address() == right.address(),
        },
        _ => false,
    }
}

/// Identical or equal, as containers compare their items.
fn same(left: &Value, right: &Value, budget: &Budget) -> Outcome<bool> {
    Ok(identical(left, right) || equal(left, right, budget)?)
}

/// The order of two values as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumericOrder {
    Ordered(Ordering),
    /// One is not a number (NaN).
    Unordered,
    /// One is no `int`, `bool` or `float`.
    NoNumbers,
}

fn numbers(left: &Value, right: &Value) -> NumericOrder {
    let integer = |value: &Value| match value.as_object() {
        Some(ObjectKind::RegexFlag(bits)) => Some(*bits),
        _ => value.as_integer(),
    };
    let order = match (left, integer(left), right, integer(right)) {
        (_, Some(left), _, Some(right)) => Some(left.cmp(&right)),
        (_, Some(left), Value::Float(right), _) => integer_with_float(left, *right),
        (Value::Float(left), _, _, Some(right)) => {
            integer_with_float(right, *left).map(Ordering::reverse)
        }
        (Value::Float(left), _, Value::Float(right), _) => left.partial_cmp(right),
        _ => return NumericOrder::NoNumbers,
    };
    order.map_or(NumericOrder::Unordered, NumericOrder::Ordered)
}

/// Exact, also where a float cannot hold the integer.
fn integer_with_float(integer: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    let floor = float.floor();
    Some(match integral(floor) {
        None if float > 0.0 => Ordering::Less,
        None => Ordering::Greater,
        Some(whole) if integer == whole && float > floor => Ordering::Less,
        Some(whole) => integer.cmp(&whole),
    })
}

fn set_order(left: &Set, right: &Set) -> Option<Ordering> {
    match (left.is_subset(right), right.is_subset(left)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}

fn objects_equal(left: &Value, right: &Value, budget: &Budget) -> Outcome<bool> {
    if identical(left, right) || numbers(left, right) == NumericOrder::Ordered(Ordering::Equal) {
        return Ok(true);
    }
    if let (Some(ObjectKind::Range(left)), Some(ObjectKind::Range(right))) =
        (left.as_object(), right.as_object())
    {
        return Ok(left.key() == right.key());
    }
    if let (Some(ObjectKind::Pattern(left)), Some(ObjectKind::Pattern(right))) =
        (left.as_object(), right.as_object())
    {
        return Ok(left.source() == right.source() && left.flags() == right.flags());
    }
    match (key_view(left, budget)?, key_view(right, budget)?) {
        (Some(left), Some(right)) => Ok(set_order(&left, &right) == Some(Ordering::Equal)),
        _ => Ok(false),
    }
}

/// The set that a view of keys or items, or a set, is.
fn key_view(value: &Value, budget: &Budget) -> Outcome<Option<Set>> {
    match value {
        Value::Set(set) | Value::FrozenSet(set) => Ok(Some(Set::clone(set))),
        Value::Object(object) => match object.kind() {
            ObjectKind::View(view) if view.part != ViewPart::Values => {
                let mut set = Set::default();
                for item in view.items() {
                    set.insert(item, budget)?;
                }
                Ok(Some(set))
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}
