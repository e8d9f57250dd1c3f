//! Numbers in a format specification.

use super::super::error::{Exception, Outcome, PythonError, unsupported, value_error};
use super::super::evaluate::float_of;
use super::super::value::{Value, float_text};
use super::{Specification, unknown_code};

/// Formats an integer or float.
pub(super) fn format(value: &Value, spec: &Specification) -> Outcome<String> {
    let kind = spec.kind;
    match (value.as_integer(), kind) {
        (Some(number), None | Some('d' | 'n' | 'b' | 'o' | 'x' | 'X' | 'c')) => {
            integer(number, spec)
        }
        (_, None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%')) => {
            float(float_of(value).unwrap_or_default(), spec)
        }
        (_, Some(kind)) => Err(unknown_code(kind, value.type_name())),
    }
}

fn integer(number: i64, spec: &Specification) -> Outcome<String> {
    if spec.precision.is_some() {
        return Err(value_error("Precision not allowed in integer format specifier"));
    }
    if spec.kind == Some('c') {
        if spec.sign.is_some() || spec.alternate || spec.grouping.is_some() {
            return Err(value_error("Sign not allowed with integer format specifier 'c'"));
        }
        let code = u32::try_from(number).ok().filter(|code| *code <= 0x0010_ffff);
        let Some(code) = code else {
            let message = "%c arg not in range(0x110000)";
            return Err(PythonError::new(Exception::OverflowError, message));
        };
        let c = char::from_u32(code).ok_or_else(|| unsupported("a surrogate character"))?;
        return Ok(spec.pad("", &c.to_string(), '<'));
    }
    let size = number.unsigned_abs();
    let (prefix, digits, group) = match spec.kind {
        Some('b') => ("0b", format!("{size:b}"), 4),
        Some('o') => ("0o", format!("{size:o}"), 4),
        Some('x') => ("0x", format!("{size:x}"), 4),
        Some('X') => ("0X", format!("{size:X}"), 4),
        _ => ("", size.to_string(), 3),
    };
    if spec.grouping == Some(',') && group == 4 {
        return Err(value_error("Cannot specify ',' with this format code."));
    }
    if spec.grouping.is_some() && spec.kind == Some('n') {
        return Err(value_error("Cannot specify ',' with 'n'."));
    }
    let sign = sign(number < 0, spec);
    let prefix = if spec.alternate { format!("{sign}{prefix}") } else { sign.to_owned() };
    Ok(grouped(spec, &prefix, &digits, "", group))
}

fn float(number: f64, spec: &Specification) -> Outcome<String> {
    check_precision(spec)?;
    if spec.grouping.is_some() && spec.kind == Some('n') {
        return Err(value_error("Cannot specify ',' with 'n'."));
    }
    let sign = sign(number.is_sign_negative() && !number.is_nan(), spec);
    let size = number.abs();
    let mut text = if size.is_finite() {
        finite(size, spec)
    } else if size.is_nan() {
        "nan".to_owned()
    } else {
        "inf".to_owned()
    };
    if matches!(spec.kind, Some('E' | 'F' | 'G')) {
        text = text.to_uppercase();
    }
    if spec.kind == Some('%') {
        text.push('%');
    }
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at_checked(whole).unwrap_or((&text, ""));
    Ok(grouped(spec, sign, whole, rest, 3))
}

/// Refuses a precision beyond that of any float.
pub(super) fn check_precision(spec: &Specification) -> Outcome<()> {
    if spec.precision.is_some_and(|precision| precision > 2000) {
        return Err(unsupported("a precision beyond 2000 digits"));
    }
    Ok(())
}

/// A positive number by the type of the specification.
pub(super) fn finite_text(size: f64, kind: char, precision: usize, alternate: Form) -> String {
    match kind.to_ascii_lowercase() {
        'f' => {
            let point = if precision == 0 && alternate == Form::Alternate { "." } else { "" };
            format!("{size:.precision$}{point}")
        }
        'e' => exponential(size, precision, alternate),
        _ => general(size, precision.max(1), alternate),
    }
}

/// Whether `#` keeps the point and the zeros after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Alternate,
}

fn finite(size: f64, spec: &Specification) -> String {
    let form = if spec.alternate { Form::Alternate } else { Form::Plain };
    let precision = spec.precision.unwrap_or(6);
    match spec.kind {
        Some('%') => finite_text(size * 100.0, 'f', precision, form),
        Some('n') => finite_text(size, 'g', precision, form),
        Some(kind) => finite_text(size, kind, precision, form),
        None => match spec.precision {
            None => float_text(size),
            Some(precision) => {
                // Like `g`, but with one digit after the point at least, and an exponent sooner.
                let precision = precision.max(1);
                let rounded = format!("{size:.*e}", precision - 1);
                let exponent = exponent_of(&rounded);
                let limit = i32::try_from(precision).unwrap_or(i32::MAX);
                if size != 0.0 && exponent == limit - 1 {
                    return exponential_trimmed(size, precision, form);
                }
                let text = general(size, precision, form);
                if text.contains(['.', 'e']) { text } else { text + ".0" }
            }
        },
    }
}

fn exponent_of(scientific: &str) -> i32 {
    scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn exponential(size: f64, precision: usize, form: Form) -> String {
    let text = format!("{size:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if form == Form::Alternate && precision == 0 { "." } else { "" };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{point}e{sign}{:02}", exponent.unsigned_abs())
}

fn exponential_trimmed(size: f64, precision: usize, form: Form) -> String {
    let text = exponential(size, precision - 1, form);
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    format!("{}e{exponent}", trimmed(digits, form))
}

fn general(size: f64, precision: usize, form: Form) -> String {
    let exponent = exponent_of(&format!("{size:.*e}", precision - 1));
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        return exponential_trimmed(size, precision, form);
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    trimmed(&finite_text(size, 'f', decimals, form), form).to_owned()
}

/// Without zeros at the end of the decimals, unless the form is the alternate one.
fn trimmed(digits: &str, form: Form) -> &str {
    if form == Form::Alternate || !digits.contains('.') {
        return digits;
    }
    digits.trim_end_matches('0').trim_end_matches('.')
}

fn sign(negative: bool, spec: &Specification) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        (false, _) => "",
    }
}

/// Groups the digits before the point, and pads.
fn grouped(spec: &Specification, prefix: &str, whole: &str, rest: &str, group: usize) -> String {
    let is_number = whole.starts_with(|c: char| c.is_ascii_alphanumeric());
    let Some(separator) = spec.grouping.filter(|_| is_number) else {
        return spec.pad(prefix, &format!("{whole}{rest}"), '>');
    };
    let mut digits: Vec<char> = whole.chars().rev().collect();
    let fixed = prefix.chars().count() + rest.chars().count();
    if spec.fill == Some('0') && spec.align == Some('=') {
        let width = spec.width.unwrap_or(0);
        while fixed + digits.len() + (digits.len().saturating_sub(1)) / group < width {
            digits.push('0');
        }
    }
    let mut text = String::new();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && index % group == 0 {
            text.push(separator);
        }
        text.push(*digit);
    }
    let text: String = text.chars().rev().collect();
    spec.pad(prefix, &format!("{text}{rest}"), '>')
}
