//! Values on their way to and from the interpreter.

use std::sync::Arc;

use offlineimap_config::expression::{Dict, Exception, ExternalObject, PythonError, Set, Value};
use serde_json::{Map, Value as Json, json};

use super::error::PythonFileError;

/// The text of a `str`, or of `bytes` that are UTF-8.
///
/// # Errors
///
/// If the value is of another type, or the bytes are no text.
pub(crate) fn text_of(value: &Value) -> Result<String, PythonFileError> {
    if let Value::Bytes(octets) = value {
        return String::from_utf8(octets.to_vec()).map_err(|_| PythonFileError::NotUtf8);
    }
    value.as_str().map(str::to_owned).ok_or_else(|| is_not(value, "str or bytes"))
}

/// The number of an `int`, and not of a `bool`.
///
/// # Errors
///
/// If the value is of another type.
pub(crate) fn int_of(value: &Value) -> Result<i64, PythonFileError> {
    if let Value::Int(number) = value { Ok(*number) } else { Err(is_not(value, "int")) }
}

fn is_not(value: &Value, expected: &'static str) -> PythonFileError {
    PythonFileError::WrongType { expected, found: value.type_name().to_owned() }
}

/// The form that the interpreter's side reads.
///
/// # Errors
///
/// `TypeError` for what lives on our side, such as a lambda.
pub(super) fn encode(value: &Value) -> Result<Json, PythonError> {
    Ok(match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!({ "float": value.to_string() }),
        Value::Str(text) => json!(&**text),
        Value::Bytes(octets) => json!({ "bytes": hex(octets) }),
        Value::List(items) => json!({ "list": encode_all(items)? }),
        Value::Tuple(items) => json!({ "tuple": encode_all(items)? }),
        Value::Set(set) => json!({ "set": encode_all(set.items())? }),
        Value::FrozenSet(set) => json!({ "frozenset": encode_all(set.items())? }),
        Value::Dict(dict) => {
            let pairs = dict.entries().iter();
            let pairs = pairs.map(|(key, item)| Ok([encode(key)?, encode(item)?]));
            json!({ "dict": pairs.collect::<Result<Vec<_>, PythonError>>()? })
        }
        Value::External(object) => json!({ "object": object.handle }),
        Value::Object(_) => {
            let message = format!("a {} cannot be handed to the pythonfile", value.type_name());
            return Err(PythonError::new(Exception::TypeError, message));
        }
    })
}

/// The same for several.
pub(super) fn encode_all(values: &[Value]) -> Result<Vec<Json>, PythonError> {
    values.iter().map(encode).collect()
}

/// Reads what the interpreter's side wrote; `None` if that cannot be.
pub(super) fn decode(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::None,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Int(number.as_i64()?),
        Json::String(text) => Value::from(text),
        Json::Object(content) => decode_tagged(content)?,
        Json::Array(_) => return None,
    })
}

fn decode_tagged(mut content: Map<String, Json>) -> Option<Value> {
    if let Some(description) = content.remove("description") {
        let handle = content.get("object")?.as_u64()?;
        let description = description.as_str()?.into();
        return Some(Value::External(ExternalObject { handle, description }));
    }
    let (kind, content) = content.into_iter().next()?;
    Some(match (kind.as_str(), content) {
        ("float", Json::String(text)) => Value::Float(text.parse().ok()?),
        ("bytes", Json::String(digits)) => Value::Bytes(unhex(&digits)?.into()),
        ("list", items) => Value::list(decode_all(items)?),
        ("tuple", items) => Value::tuple(decode_all(items)?),
        ("set", items) => Value::Set(Arc::new(Set::new(decode_all(items)?).ok()?)),
        ("frozenset", items) => Value::FrozenSet(Arc::new(Set::new(decode_all(items)?).ok()?)),
        ("dict", Json::Array(pairs)) => {
            let pairs = pairs.into_iter().map(|pair| {
                let [key, item]: [Value; 2] = decode_all(pair)?.try_into().ok()?;
                Some((key, item))
            });
            let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
            Value::Dict(Arc::new(Dict::new(pairs).ok()?))
        }
        _ => return None,
    })
}

fn decode_all(json: Json) -> Option<Vec<Value>> {
    let Json::Array(items) = json else { return None };
    items.into_iter().map(decode).collect()
}

/// Two hexadecimal digits for each octet.
pub(super) fn hex(octets: &[u8]) -> String {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let octets = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    octets.collect()
}
