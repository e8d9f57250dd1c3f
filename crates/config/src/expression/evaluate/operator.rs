//! Operators on numbers, strings, lists and sets.

use std::sync::Arc;

use super::super::error::{Exception, Outcome, PythonError, type_error, unsupported, value_error};
use super::super::format;
use super::super::syntax::{Operator, Sign};
use super::super::value::{ObjectKind, Set, Value, ViewPart};
use super::Interpreter;

/// `left operator right`
pub(in super::super) fn binary(
    interpreter: &Interpreter<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Outcome<Value> {
    interpreter.budget.spend(1)?;
    if let (Some(a), Some(b)) = (left.as_integer(), right.as_integer()) {
        if let (Value::Bool(a), Value::Bool(b)) = (left, right) {
            match operator {
                Operator::BitOr => return Ok(Value::Bool(a | b)),
                Operator::BitXor => return Ok(Value::Bool(a ^ b)),
                Operator::BitAnd => return Ok(Value::Bool(a & b)),
                _ => {}
            }
        }
        return integers(operator, a, b);
    }
    if let (Some(a), Some(b)) = (float_of(left), float_of(right))
        && let Some(value) = floats(operator, a, b)
    {
        return value;
    }
    match operator {
        Operator::Add => concatenate(interpreter, left, right),
        Operator::Multiply => match (left.as_integer(), right.as_integer()) {
            (None, Some(times)) => repeat(interpreter, left, times),
            (Some(times), None) => repeat(interpreter, right, times),
            _ => None,
        }
        .unwrap_or_else(|| Err(mismatch(operator, left, right))),
        Operator::Modulo => match left {
            Value::Str(template) => format::percent(interpreter, template, right),
            Value::Bytes(_) => Err(unsupported("formatting of bytes with %")),
            _ => Err(mismatch(operator, left, right)),
        },
        Operator::BitOr | Operator::BitAnd | Operator::BitXor | Operator::Subtract => {
            unions(interpreter, operator, left, right)
        }
        _ => Err(mismatch(operator, left, right)),
    }
}

/// `sign operand`
pub(super) fn unary(sign: Sign, operand: &Value) -> Outcome<Value> {
    let overflow = || unsupported("an integer beyond 64 bits");
    match (sign, operand.as_integer(), operand) {
        (Sign::Plus, Some(number), _) => Ok(Value::Int(number)),
        (Sign::Minus, Some(number), _) => number.checked_neg().map(Value::Int).ok_or_else(overflow),
        (Sign::Invert, Some(number), _) => Ok(Value::Int(!number)),
        (Sign::Plus, None, Value::Float(number)) => Ok(Value::Float(*number)),
        (Sign::Minus, None, Value::Float(number)) => Ok(Value::Float(-number)),
        (_, None, _) => {
            let symbol = match sign {
                Sign::Plus => '+',
                Sign::Minus => '-',
                Sign::Invert => '~',
            };
            let name = operand.type_name();
            Err(type_error(format!("bad operand type for unary {symbol}: '{name}'")))
        }
    }
}

/// A number as a float.
#[expect(clippy::cast_precision_loss, reason = "as Python rounds")]
pub(in super::super) fn float_of(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        _ => value.as_integer().map(|number| number as f64),
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Python rounds, but for quotients near 2^63")]
fn integers(operator: Operator, left: i64, right: i64) -> Outcome<Value> {
    let division = |message: &str| PythonError::new(Exception::ZeroDivisionError, message);
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => {
            if right == 0 {
                return Err(division("division by zero"));
            }
            return Ok(Value::Float(left as f64 / right as f64));
        }
        Operator::FloorDivide | Operator::Modulo => {
            if right == 0 {
                return Err(division("integer division or modulo by zero"));
            }
            let (quotient, rest) = (left.checked_div(right), left.checked_rem(right).unwrap_or(0));
            // Python rounds towards minus infinity, so that the rest has the divisor's sign.
            let below = rest != 0 && (rest < 0) != (right < 0);
            if operator == Operator::Modulo {
                Some(if below { rest + right } else { rest })
            } else {
                quotient.map(|quotient| quotient - i64::from(below))
            }
        }
        Operator::Power => match u32::try_from(right) {
            Ok(exponent) => left.checked_pow(exponent),
            Err(_) if right < 0 && left == 0 => {
                return Err(division("0.0 cannot be raised to a negative power"));
            }
            Err(_) if right < 0 => return Ok(Value::Float((left as f64).powf(right as f64))),
            Err(_) => match left {
                0 | 1 => Some(left),
                -1 => Some(if right % 2 == 0 { 1 } else { -1 }),
                _ => None,
            },
        },
        Operator::BitOr => Some(left | right),
        Operator::BitXor => Some(left ^ right),
        Operator::BitAnd => Some(left & right),
        Operator::ShiftLeft | Operator::ShiftRight if right < 0 => {
            return Err(value_error("negative shift count"));
        }
        Operator::ShiftLeft if left == 0 => Some(0),
        Operator::ShiftLeft => u32::try_from(right)
            .ok()
            .and_then(|bits| 1_i64.checked_shl(bits).filter(|factor| *factor > 0))
            .and_then(|factor| left.checked_mul(factor)),
        Operator::ShiftRight => Some(left >> right.min(63)),
    };
    result.map(Value::Int).ok_or_else(|| unsupported("an integer beyond 64 bits"))
}

/// `None`: the operator is not for floats.
fn floats(operator: Operator, left: f64, right: f64) -> Option<Outcome<Value>> {
    let division = |message: &str| PythonError::new(Exception::ZeroDivisionError, message);
    let modulo = || {
        let rest = left % right;
        if rest == 0.0 {
            0.0_f64.copysign(right)
        } else if (rest < 0.0) == (right < 0.0) {
            rest
        } else {
            rest + right
        }
    };
    let result = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => return Some(Err(division("float division by zero"))),
        Operator::Divide => left / right,
        Operator::FloorDivide if right == 0.0 => {
            return Some(Err(division("float floor division by zero")));
        }
        Operator::Modulo if right == 0.0 => return Some(Err(division("float modulo"))),
        Operator::FloorDivide => {
            let quotient = (left - modulo()) / right;
            if quotient == 0.0 {
                0.0_f64.copysign(left / right)
            } else {
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
        }
        Operator::Modulo => modulo(),
        Operator::Power if left == 0.0 && right < 0.0 => {
            return Some(Err(division("0.0 cannot be raised to a negative power")));
        }
        Operator::Power => {
            let power = left.powf(right);
            if power.is_nan() && !left.is_nan() && !right.is_nan() {
                return Some(Err(unsupported("a complex number")));
            }
            if power.is_infinite() && left.is_finite() && right.is_finite() {
                let message = "(34, 'Numerical result out of range')";
                return Some(Err(PythonError::new(Exception::OverflowError, message)));
            }
            power
        }
        _ => return None,
    };
    Some(Ok(Value::Float(result)))
}

fn concatenate(interpreter: &Interpreter<'_>, left: &Value, right: &Value) -> Outcome<Value> {
    let budget = &interpreter.budget;
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => {
            budget.spend_length(left.len() + right.len())?;
            Ok(format!("{left}{right}").into())
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            budget.spend_length(left.len() + right.len())?;
            Ok(Value::Bytes(left.iter().chain(right.iter()).copied().collect()))
        }
        (Value::List(left), Value::List(right)) => {
            budget.spend_length(left.len() + right.len())?;
            Ok(Value::List(left.iter().chain(right.iter()).cloned().collect()))
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            budget.spend_length(left.len() + right.len())?;
            Ok(Value::Tuple(left.iter().chain(right.iter()).cloned().collect()))
        }
        (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => Err(type_error(format!(
            "can only concatenate {0} (not \"{1}\") to {0}",
            left.type_name(),
            right.type_name()
        ))),
        _ => Err(mismatch(Operator::Add, left, right)),
    }
}

/// `None`: the value is no sequence.
fn repeat(interpreter: &Interpreter<'_>, sequence: &Value, times: i64) -> Option<Outcome<Value>> {
    let times = usize::try_from(times).unwrap_or(0);
    let length = match sequence {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) | Value::Tuple(items) => items.len(),
        _ => return None,
    };
    if let Err(error) = interpreter.budget.spend_length(length.saturating_mul(times)) {
        return Some(Err(error));
    }
    let times = if length == 0 { 0 } else { times };
    let items = |items: &[Value]| -> Arc<[Value]> {
        std::iter::repeat_n(items, times).flatten().cloned().collect()
    };
    Some(Ok(match sequence {
        Value::Str(text) => text.repeat(times).into(),
        Value::Bytes(bytes) => Value::Bytes(bytes.repeat(times).into()),
        Value::List(list) => Value::List(items(list)),
        Value::Tuple(tuple) => Value::Tuple(items(tuple)),
        _ => return None,
    }))
}

/// `|`, `&`, `^` and `-` of sets, dicts and flags.
fn unions(
    interpreter: &Interpreter<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    if let Some(flags) = regex_flags(operator, left, right) {
        return Ok(flags);
    }
    if let (Operator::BitOr, Value::Dict(left), Value::Dict(right)) = (operator, left, right) {
        budget.spend_length(left.entries().len() + right.entries().len())?;
        let mut union = left.as_ref().clone();
        for (key, value) in right.entries() {
            union.insert(key.clone(), value.clone(), budget)?;
        }
        return Ok(Value::Dict(Arc::new(union)));
    }
    let sets = match (set_of(interpreter, left)?, set_of(interpreter, right)?) {
        (Some(a), Some(b)) => Some((a, b)),
        _ => None,
    };
    let Some((a, b)) = sets else { return Err(mismatch(operator, left, right)) };
    let mut result = Set::default();
    for item in a.items() {
        let both = b.contains(item, budget)?;
        if operator == Operator::BitOr || both == (operator == Operator::BitAnd) {
            result.insert(item.clone(), budget)?;
        }
    }
    if matches!(operator, Operator::BitOr | Operator::BitXor) {
        for item in b.items() {
            if !a.contains(item, budget)? {
                result.insert(item.clone(), budget)?;
            }
        }
    }
    let result = Arc::new(result);
    Ok(match left {
        Value::FrozenSet(_) => Value::FrozenSet(result),
        _ => Value::Set(result),
    })
}

fn regex_flags(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let bits = |value: &Value| match value.as_object() {
        Some(ObjectKind::RegexFlag(bits)) => Some(*bits),
        _ => value.as_integer(),
    };
    let (left, right) = (bits(left)?, bits(right)?);
    let bits = match operator {
        Operator::BitOr => left | right,
        Operator::BitAnd => left & right,
        Operator::BitXor => left ^ right,
        _ => return None,
    };
    Some(Value::object(ObjectKind::RegexFlag(bits)))
}

/// A set, or the set that a view of keys or items is.
fn set_of(interpreter: &Interpreter<'_>, value: &Value) -> Outcome<Option<Arc<Set>>> {
    Ok(match value {
        Value::Set(set) | Value::FrozenSet(set) => Some(Arc::clone(set)),
        _ => match value.as_object() {
            Some(ObjectKind::View(view)) if view.part != ViewPart::Values => {
                Some(Arc::new(interpreter.set(view.items())?))
            }
            _ => None,
        },
    })
}

fn mismatch(operator: Operator, left: &Value, right: &Value) -> PythonError {
    type_error(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        operator.text(),
        left.type_name(),
        right.type_name()
    ))
}
