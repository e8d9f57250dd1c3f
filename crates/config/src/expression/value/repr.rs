//! Values as text: `repr` and `str`.

use std::fmt::Write as _;

use super::super::budget::Budget;
use super::super::error::Outcome;
use super::super::unicode;
use super::Value;
use super::object::{Object, ObjectKind, ViewPart};

/// `repr(value)`
pub(in super::super) fn repr(value: &Value, budget: &Budget) -> Outcome<String> {
    let mut text = String::new();
    write(value, &mut text, budget)?;
    Ok(text)
}

/// `str(value)`
pub(in super::super) fn to_text(value: &Value, budget: &Budget) -> Outcome<String> {
    match value {
        Value::Str(text) => Ok(text.as_ref().to_owned()),
        Value::Object(object) => match object.kind() {
            ObjectKind::RegexFlag(bits) => Ok(bits.to_string()),
            _ => repr(value, budget),
        },
        _ => repr(value, budget),
    }
}

/// The text of a string in quotes, with escapes.
pub(in super::super) fn str_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut result = String::with_capacity(text.len() + 2);
    result.push(quote);
    for c in text.chars() {
        match c {
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            _ if c == quote => {
                result.push('\\');
                result.push(c);
            }
            _ if unicode::is_printable(c) => result.push(c),
            _ => result.push_str(&escape(c)),
        }
    }
    result.push(quote);
    result
}

/// A character as `\x..`, `\u....` or `\U........`.
pub(in super::super) fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// `repr` of a float: the shortest digits that read back as the same number.
pub(in super::super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

fn write(value: &Value, out: &mut String, budget: &Budget) -> Outcome<()> {
    let _level = budget.descend()?;
    budget.spend(1)?;
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => {
            let _infallible = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float_text(*number)),
        Value::Str(text) => out.push_str(&str_repr(text)),
        Value::Bytes(bytes) => out.push_str(&bytes_repr(bytes)),
        Value::List(items) => row(items, ["[", "]"], out, budget)?,
        Value::Tuple(items) if items.len() == 1 => row(items, ["(", ",)"], out, budget)?,
        Value::Tuple(items) => row(items, ["(", ")"], out, budget)?,
        Value::Set(set) if set.is_empty() => out.push_str("set()"),
        Value::Set(set) => row(set.items(), ["{", "}"], out, budget)?,
        Value::FrozenSet(set) if set.is_empty() => out.push_str("frozenset()"),
        Value::FrozenSet(set) => row(set.items(), ["frozenset({", "})"], out, budget)?,
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, value)) in dict.entries().iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(key, out, budget)?;
                out.push_str(": ");
                write(value, out, budget)?;
            }
            out.push('}');
        }
        Value::Object(object) => write_object(object, out, budget)?,
        Value::External(object) => out.push_str(&object.description),
    }
    budget.spend_length(out.len())
}

fn write_object(object: &Object, out: &mut String, budget: &Budget) -> Outcome<()> {
    match object.kind() {
        ObjectKind::Range(range) if range.step == 1 => {
            let _infallible = write!(out, "range({}, {})", range.start, range.stop);
        }
        ObjectKind::Range(range) => {
            let _infallible = write!(out, "range({}, {}, {})", range.start, range.stop, range.step);
        }
        ObjectKind::View(view) => {
            out.push_str(match view.part {
                ViewPart::Keys => "dict_keys(",
                ViewPart::Values => "dict_values(",
                ViewPart::Items => "dict_items(",
            });
            row(&view.items(), ["[", "]"], out, budget)?;
            out.push(')');
        }
        ObjectKind::Builtin(name) if super::is_type(name) => {
            let _infallible = write!(out, "<class '{name}'>");
        }
        ObjectKind::Builtin(name) => {
            let _infallible = write!(out, "<built-in function {name}>");
        }
        ObjectKind::Pattern(pattern) => {
            let _infallible = write!(out, "re.compile({})", str_repr(pattern.source()));
        }
        ObjectKind::Match(found) => {
            let text = found.group_text(0).unwrap_or_default();
            let (start, end) = found.span(0).unwrap_or_default();
            let _infallible =
                write!(out, "<re.Match object; span=({start}, {end}), match={}>", str_repr(&text));
        }
        _ => {
            let _infallible =
                write!(out, "<{} object at {:#x}>", object.type_name(), object.address());
        }
    }
    Ok(())
}

fn row(items: &[Value], around: [&str; 2], out: &mut String, budget: &Budget) -> Outcome<()> {
    let [open, close] = around;
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, out, budget)?;
    }
    out.push_str(close);
    Ok(())
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            0x20..0x7f => text.push(char::from(byte)),
            _ => {
                let _infallible = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push(quote);
    text
}
