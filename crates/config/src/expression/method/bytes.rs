//! Methods of `bytes`, and the way between bytes and text.

use std::sync::Arc;

use super::super::error::{Exception, Outcome, PythonError, type_error, unsupported};
use super::super::evaluate::{Arguments, Interpreter};
use super::super::value::Value;
use super::text::cannot_encode;

/// Calls a method of bytes.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    bytes: &[u8],
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    interpreter.budget.spend(1 + bytes.len() / 8)?;
    match name {
        "decode" => {
            let [encoding, errors] = arguments.bind("decode", ["encoding", "errors"], 0)?;
            decode(bytes, encoding.as_ref(), errors.as_ref())
        }
        "hex" => {
            arguments.bind_positions::<0>(name, 0)?;
            let digit = |nibble: u8| char::from_digit(nibble.into(), 16);
            let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
            Ok(digits.flatten().collect::<String>().into())
        }
        "lower" | "upper" => {
            arguments.bind_positions::<0>(name, 0)?;
            let changed = match name {
                "lower" => bytes.to_ascii_lowercase(),
                _ => bytes.to_ascii_uppercase(),
            };
            Ok(Value::Bytes(changed.into()))
        }
        "startswith" | "endswith" => {
            let [affix] = arguments.bind_positions(name, 1)?;
            let affix = affix.unwrap_or(Value::None);
            let affixes: Arc<[Value]> = match &affix {
                Value::Tuple(items) => Arc::clone(items),
                _ => Arc::from([affix.clone()]),
            };
            for affix in affixes.iter() {
                let Value::Bytes(affix) = affix else {
                    let message = "first arg must be bytes or a tuple of bytes";
                    return Err(type_error(format!("{name} {message}")));
                };
                let found = match name {
                    "startswith" => bytes.starts_with(affix),
                    _ => bytes.ends_with(affix),
                };
                if found {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        "strip" | "lstrip" | "rstrip" => {
            let [set] = arguments.bind_positions(name, 0)?;
            let set = match set {
                None | Some(Value::None) => Arc::from(&b" \t\n\r\x0b\x0c"[..]),
                Some(Value::Bytes(set)) => set,
                Some(_) => return Err(type_error("a bytes-like object is required")),
            };
            let kept = |byte: &u8| !set.contains(byte);
            let first = bytes.iter().position(kept).unwrap_or(bytes.len());
            let last = bytes.iter().rposition(kept).map_or(0, |at| at + 1);
            let (start, end) = match name {
                "lstrip" => (first, bytes.len()),
                "rstrip" => (0, last),
                _ => (first, last.max(first)),
            };
            let rest = bytes.get(start..end).unwrap_or_default();
            Ok(Value::Bytes(rest.into()))
        }
        _ => Err(unsupported(format!("the method .{name} of 'bytes' object"))),
    }
}

/// `bytes.decode(encoding, errors)`
pub(in super::super) fn decode(
    bytes: &[u8],
    encoding: Option<&Value>,
    errors: Option<&Value>,
) -> Outcome<Value> {
    // CPython does not look the encoding up when there is nothing to decode.
    if bytes.is_empty() {
        return Ok(Value::text(""));
    }
    let codec = Codec::of(encoding)?;
    let errors = text_of(errors, "strict")?;
    if codec == Codec::Latin1 {
        return Ok(bytes.iter().copied().map(char::from).collect::<String>().into());
    }
    let bad = match codec {
        Codec::Ascii => bytes.iter().position(|byte| !byte.is_ascii()),
        Codec::Utf8 | Codec::Latin1 => {
            std::str::from_utf8(bytes).err().map(|error| error.valid_up_to())
        }
    };
    let Some(at) = bad else {
        return Ok(String::from_utf8_lossy(bytes).into_owned().into());
    };
    match (errors, codec) {
        ("strict", _) => {
            let byte = bytes.get(at).copied().unwrap_or_default();
            let codec = if codec == Codec::Ascii { "ascii" } else { "utf-8" };
            Err(PythonError::new(
                Exception::UnicodeDecodeError,
                format!("'{codec}' codec can't decode byte 0x{byte:02x} in position {at}"),
            ))
        }
        ("replace", Codec::Utf8) => Ok(String::from_utf8_lossy(bytes).into_owned().into()),
        ("ignore", Codec::Utf8) => {
            Ok(bytes.utf8_chunks().map(|chunk| chunk.valid()).collect::<String>().into())
        }
        ("replace", _) => {
            let c = |&byte: &u8| if byte.is_ascii() { char::from(byte) } else { '\u{fffd}' };
            Ok(bytes.iter().map(c).collect::<String>().into())
        }
        ("ignore", _) => {
            let kept = bytes.iter().filter(|byte| byte.is_ascii());
            Ok(kept.copied().map(char::from).collect::<String>().into())
        }
        (other, _) => Err(unsupported(format!("the error handler {other:?}"))),
    }
}

/// `str.encode(encoding, errors)`
pub(in super::super) fn encode(
    text: &str,
    encoding: Option<&Value>,
    errors: Option<&Value>,
) -> Outcome<Value> {
    let codec = Codec::of(encoding)?;
    let errors = text_of(errors, "strict")?;
    let (limit, name) = match codec {
        Codec::Utf8 => return Ok(Value::Bytes(text.as_bytes().into())),
        Codec::Ascii => (0x80, "ascii"),
        Codec::Latin1 => (0x100, "latin-1"),
    };
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match (u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) < limit), errors) {
            (Some(byte), _) => bytes.push(byte),
            (None, "strict") => return Err(cannot_encode(name, text, limit)),
            (None, "replace") => bytes.push(b'?'),
            (None, "ignore") => {}
            (None, other) => return Err(unsupported(format!("the error handler {other:?}"))),
        }
    }
    Ok(Value::Bytes(bytes.into()))
}

/// The encodings that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Utf8,
    Ascii,
    Latin1,
}

impl Codec {
    fn of(encoding: Option<&Value>) -> Outcome<Self> {
        let name = text_of(encoding, "utf-8")?;
        let plain = name.to_ascii_lowercase().replace(['_', ' '], "-");
        match plain.as_str() {
            "utf-8" | "utf8" | "u8" => Ok(Self::Utf8),
            "ascii" | "us-ascii" | "646" => Ok(Self::Ascii),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => Ok(Self::Latin1),
            "imap4-utf-7" | "imap4-utf7" => {
                Err(PythonError::new(Exception::LookupError, format!("unknown encoding: {name}")))
            }
            _ => Err(unsupported(format!("the encoding {name:?}"))),
        }
    }
}

fn text_of<'a>(value: Option<&'a Value>, default: &'a str) -> Outcome<&'a str> {
    let Some(value) = value else { return Ok(default) };
    value.as_str().ok_or_else(|| type_error(format!("must be str, not {}", value.type_name())))
}
