//! Values in text: the format specifications of `format`, f-strings, `str.format` and `%`.

mod number;
mod percent;
mod template;

pub(super) use percent::percent;
pub(super) use template::{template, template_of_map};

use super::budget::Budget;
use super::error::{Outcome, type_error, value_error};
use super::value::{Value, escape, to_text};

/// A text with every character outside ASCII escaped.
pub(super) fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escape(c) }).collect()
}

/// `format(value, spec)`
pub(super) fn format_value(value: &Value, spec: &str, budget: &Budget) -> Outcome<String> {
    if spec.is_empty() {
        return to_text(value, budget);
    }
    let name = value.type_name();
    let parsed = match value {
        Value::Str(_) | Value::Int(_) | Value::Bool(_) | Value::Float(_) => {
            Specification::parse(spec, name)?
        }
        _ => {
            let message = format!("unsupported format string passed to {name}.__format__");
            return Err(type_error(message));
        }
    };
    budget.spend_length(parsed.width.unwrap_or(0))?;
    budget.spend_length(parsed.precision.unwrap_or(0))?;
    let text = match value {
        Value::Str(text) => text_in(text, &parsed)?,
        _ => number::format(value, &parsed)?,
    };
    budget.spend_length(text.len())?;
    Ok(text)
}

/// `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`
#[derive(Debug, Clone, Default)]
struct Specification {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    grouping: Option<char>,
    width: Option<usize>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Specification {
    fn parse(spec: &str, type_name: &str) -> Outcome<Self> {
        let mut parsed = Self::default();
        let mut rest: Vec<char> = spec.chars().rev().collect();
        let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '=' | '^'));
        if is_align(rest.len().checked_sub(2).and_then(|second| rest.get(second))) {
            parsed.fill = rest.pop();
            parsed.align = rest.pop();
        } else if is_align(rest.last()) {
            parsed.align = rest.pop();
        }
        if matches!(rest.last(), Some('+' | '-' | ' ')) {
            parsed.sign = rest.pop();
        }
        if rest.last() == Some(&'z') {
            return Err(super::error::unsupported("the format option 'z'"));
        }
        if rest.last() == Some(&'#') {
            parsed.alternate = true;
            rest.pop();
        }
        if rest.last() == Some(&'0') {
            rest.pop();
            parsed.fill = parsed.fill.or(Some('0'));
            if parsed.align.is_none() && type_name != "str" {
                parsed.align = Some('=');
            }
        }
        parsed.width = take_number(&mut rest)?;
        if matches!(rest.last(), Some(',' | '_')) {
            parsed.grouping = rest.pop();
            if matches!(rest.last(), Some(',' | '_')) {
                return Err(value_error("Cannot specify both ',' and '_'."));
            }
        }
        if rest.last() == Some(&'.') {
            rest.pop();
            parsed.precision = take_number(&mut rest)?;
            if parsed.precision.is_none() {
                return Err(value_error("Format specifier missing precision"));
            }
        }
        parsed.kind = rest.pop();
        if !rest.is_empty() {
            return Err(value_error(format!(
                "Invalid format specifier '{spec}' for object of type '{type_name}'"
            )));
        }
        Ok(parsed)
    }

    /// Fills up to the width; `prefix` (sign, `0x`) stays in front with `=`.
    fn pad(&self, prefix: &str, body: &str, default_align: char) -> String {
        let length = prefix.chars().count() + body.chars().count();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        let fill =
            |count| -> String { std::iter::repeat_n(self.fill.unwrap_or(' '), count).collect() };
        match self.align.unwrap_or(default_align) {
            '<' => format!("{prefix}{body}{}", fill(missing)),
            '^' => {
                format!("{}{prefix}{body}{}", fill(missing / 2), fill(missing - missing / 2))
            }
            '=' => format!("{prefix}{}{body}", fill(missing)),
            _ => format!("{}{prefix}{body}", fill(missing)),
        }
    }
}

fn take_number(rest: &mut Vec<char>) -> Outcome<Option<usize>> {
    let mut digits = String::new();
    while let Some(digit) = rest.last().filter(|c| c.is_ascii_digit()) {
        digits.push(*digit);
        rest.pop();
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits.parse();
    number.map(Some).map_err(|_| value_error("Too many decimal digits in format string"))
}

fn text_in(text: &str, spec: &Specification) -> Outcome<String> {
    if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
        return Err(unknown_code(kind, "str"));
    }
    let problem = if spec.sign == Some(' ') {
        "Space not allowed in string format specifier"
    } else if spec.sign.is_some() {
        "Sign not allowed in string format specifier"
    } else if spec.alternate {
        "Alternate form (#) not allowed in string format specifier"
    } else if spec.align == Some('=') {
        "'=' alignment not allowed in string format specifier"
    } else if spec.grouping.is_some() {
        "Cannot specify ',' with 's'."
    } else {
        let cut: String = match spec.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        return Ok(spec.pad("", &cut, '<'));
    };
    Err(value_error(problem))
}

fn unknown_code(kind: char, type_name: &str) -> super::error::PythonError {
    value_error(format!("Unknown format code '{kind}' for object of type '{type_name}'"))
}
