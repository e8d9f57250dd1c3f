//! Builtin types called to convert a value.

use std::sync::Arc;

use super::super::error::{Exception, Outcome, PythonError, type_error, unsupported, value_error};
use super::super::evaluate::{Arguments, Interpreter, float_of};
use super::super::method::{decode, encode};
use super::super::unicode;
use super::super::value::{Dict, Value, str_repr, to_text};
use super::integer;

/// Calls a type.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    match name {
        "str" => {
            let [value, encoding, errors] =
                arguments.bind(name, ["object", "encoding", "errors"], 0)?;
            let Some(value) = value else { return Ok(Value::text("")) };
            if encoding.is_none() && errors.is_none() {
                return Ok(match value {
                    Value::Str(_) => value,
                    _ => to_text(&value, &interpreter.budget)?.into(),
                });
            }
            match &value {
                Value::Bytes(bytes) => decode(bytes, encoding.as_ref(), errors.as_ref()),
                _ => Err(type_error(format!(
                    "decoding to str: need a bytes-like object, {} found",
                    value.type_name()
                ))),
            }
        }
        "bytes" => {
            let [value, encoding, errors] =
                arguments.bind(name, ["source", "encoding", "errors"], 0)?;
            match (value, encoding) {
                (None, _) => Ok(Value::Bytes(Arc::from([]))),
                (Some(Value::Str(_)), None) => {
                    Err(type_error("string argument without an encoding"))
                }
                (Some(Value::Str(text)), encoding) => {
                    encode(&text, encoding.as_ref(), errors.as_ref())
                }
                (Some(value @ Value::Bytes(_)), None) => Ok(value),
                (Some(value), None) if value.as_integer().is_none() => {
                    let byte = |item: &Value| {
                        u8::try_from(integer(item)?)
                            .map_err(|_| value_error("bytes must be in range(0, 256)"))
                    };
                    let items = interpreter.collect(&value)?;
                    Ok(Value::Bytes(items.iter().map(byte).collect::<Outcome<_>>()?))
                }
                (Some(_), None) => Err(unsupported("bytes() of a number")),
                (Some(_), Some(_)) => Err(type_error("encoding without a string argument")),
            }
        }
        "bool" => {
            let [value] = arguments.bind_positions(name, 0)?;
            Ok(Value::Bool(value.is_some_and(|value| value.is_true())))
        }
        "int" => {
            let [value, base] = arguments.bind(name, ["", "base"], 0)?;
            int(value, base)
        }
        "float" => {
            let [value] = arguments.bind_positions(name, 0)?;
            float(&value.unwrap_or(Value::Int(0)))
        }
        "dict" => dict(interpreter, arguments),
        _ => {
            let [value] = arguments.bind_positions(name, 0)?;
            let items = match &value {
                None => Vec::new(),
                Some(value) => interpreter.collect(value)?,
            };
            Ok(match (name, value) {
                ("tuple", Some(tuple @ Value::Tuple(_)))
                | ("frozenset", Some(tuple @ Value::FrozenSet(_))) => tuple,
                ("list", _) => Value::List(items.into()),
                ("tuple", _) => Value::Tuple(items.into()),
                ("frozenset", _) => Value::FrozenSet(Arc::new(interpreter.set(items)?)),
                _ => Value::Set(Arc::new(interpreter.set(items)?)),
            })
        }
    }
}

/// `int(value)` of a number.
pub(in super::super) fn truncated(value: &Value) -> Outcome<Value> {
    int(Some(value.clone()), None)
}

fn dict(interpreter: &Interpreter<'_>, arguments: Arguments) -> Outcome<Value> {
    let budget = &interpreter.budget;
    if arguments.positional.len() > 1 {
        return Err(type_error(format!(
            "dict expected at most 1 argument, got {}",
            arguments.positional.len()
        )));
    }
    let mut dict = match arguments.positional.first() {
        Some(Value::Dict(other)) => {
            budget.spend_length(other.entries().len())?;
            other.as_ref().clone()
        }
        Some(pairs) => {
            let mut dict = Dict::default();
            for (index, pair) in interpreter.collect(pairs)?.iter().enumerate() {
                let items = interpreter.collect(pair).map_err(|_| {
                    type_error(format!(
                        "cannot convert dictionary update sequence element #{index} to a sequence"
                    ))
                })?;
                let [key, value] = items.as_slice() else {
                    return Err(value_error(format!(
                        "dictionary update sequence element #{index} has length {}; 2 is required",
                        items.len()
                    )));
                };
                dict.insert(key.clone(), value.clone(), budget)?;
            }
            dict
        }
        None => Dict::default(),
    };
    for (name, value) in arguments.keywords {
        dict.insert(Value::Str(name), value, budget)?;
    }
    Ok(Value::Dict(Arc::new(dict)))
}

fn int(value: Option<Value>, base: Option<Value>) -> Outcome<Value> {
    let Some(value) = value else {
        return match base {
            None => Ok(Value::Int(0)),
            Some(_) => Err(type_error("int() missing string argument")),
        };
    };
    if let Some(base) = base {
        let base = integer(&base)?;
        let text = match &value {
            Value::Str(text) => text.as_ref().to_owned(),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => return Err(type_error("int() can't convert non-string with explicit base")),
        };
        let Some(base) = u32::try_from(base).ok().filter(|b| *b == 0 || (2..=36).contains(b))
        else {
            return Err(value_error("int() base must be >= 2 and <= 36, or 0"));
        };
        return parse_integer(&text, base);
    }
    match &value {
        Value::Str(text) => parse_integer(text, 10),
        Value::Bytes(bytes) => parse_integer(&String::from_utf8_lossy(bytes), 10),
        Value::Float(number) if number.is_nan() => {
            Err(value_error("cannot convert float NaN to integer"))
        }
        Value::Float(number) if number.is_infinite() => Err(PythonError::new(
            Exception::OverflowError,
            "cannot convert float infinity to integer",
        )),
        Value::Float(number) => truncate(*number),
        _ => value.as_integer().map(Value::Int).ok_or_else(|| {
            type_error(format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                value.type_name()
            ))
        }),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked")]
fn truncate(number: f64) -> Outcome<Value> {
    let bound = 9_223_372_036_854_775_808.0;
    if number >= -bound && number < bound {
        return Ok(Value::Int(number.trunc() as i64));
    }
    Err(unsupported("an integer beyond 64 bits"))
}

fn parse_integer(text: &str, base: u32) -> Outcome<Value> {
    let invalid =
        || value_error(format!("invalid literal for int() with base {base}: {}", str_repr(text)));
    let plain: String = text
        .trim_matches(unicode::is_space)
        .chars()
        .map(|c| if c.is_ascii() { Some(c) } else { decimal_value(c) })
        .collect::<Option<_>>()
        .ok_or_else(invalid)?;
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefixed = prefixes
        .iter()
        .find(|(prefix, radix)| lower.starts_with(prefix) && (base == 0 || base == *radix));
    let (digits, radix) = match prefixed {
        Some((prefix, radix)) => {
            let rest = lower.get(prefix.len()..).unwrap_or_default();
            (rest.strip_prefix('_').unwrap_or(rest), *radix)
        }
        None => (lower.as_str(), if base == 0 { 10 } else { base }),
    };
    let zeros = digits.chars().all(|c| matches!(c, '0' | '_'));
    if digits.is_empty()
        || digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__")
        || (base == 0 && prefixed.is_none() && digits.starts_with('0') && !zeros)
        || !digits.chars().all(|c| c == '_' || c.is_digit(radix))
    {
        return Err(invalid());
    }
    let signed = format!("{}{}", if negative { "-" } else { "" }, digits.replace('_', ""));
    i64::from_str_radix(&signed, radix)
        .map(Value::Int)
        .map_err(|_| unsupported("an integer beyond 64 bits"))
}

/// The ASCII digit that a decimal digit of another script means.
fn decimal_value(c: char) -> Option<char> {
    if !unicode::is_decimal(c) {
        return None;
    }
    // The digits of a script are ten neighbours in a row, from zero.
    let below = (1..10)
        .take_while(|back| {
            u32::from(c)
                .checked_sub(*back)
                .and_then(char::from_u32)
                .is_some_and(unicode::is_decimal)
        })
        .last()
        .unwrap_or(0);
    char::from_digit(below % 10, 10)
}

fn float(value: &Value) -> Outcome<Value> {
    let text = match value {
        Value::Str(text) => text.as_ref().to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => {
            return float_of(value).map(Value::Float).ok_or_else(|| {
                type_error(format!(
                    "float() argument must be a string or a real number, not '{}'",
                    value.type_name()
                ))
            });
        }
    };
    let invalid = || value_error(format!("could not convert string to float: {}", str_repr(&text)));
    let trimmed = text.trim_matches(unicode::is_space);
    if trimmed.starts_with('_') || trimmed.ends_with('_') || trimmed.contains("__") {
        return Err(invalid());
    }
    let beside_digits = trimmed.char_indices().filter(|(_, c)| *c == '_').all(|(at, _)| {
        let before = trimmed.get(..at).unwrap_or_default();
        let after = trimmed.get(at + 1..).unwrap_or_default();
        before.ends_with(|c: char| c.is_ascii_digit())
            && after.starts_with(|c: char| c.is_ascii_digit())
    });
    if !beside_digits {
        return Err(invalid());
    }
    trimmed.replace('_', "").parse().map(Value::Float).map_err(|_| invalid())
}
