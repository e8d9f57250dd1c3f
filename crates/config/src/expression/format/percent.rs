//! `template % arguments`

use super::super::error::{Exception, Outcome, PythonError, type_error, value_error};
use super::super::evaluate::{Interpreter, convert, float_of};
use super::super::value::{Dict, Value, repr};
use super::number::{Form, check_precision, finite_text};
use super::{Specification, ascii};

/// Formats as `%` does.
pub(in super::super) fn percent(
    interpreter: &Interpreter<'_>,
    template: &str,
    arguments: &Value,
) -> Outcome<Value> {
    let mut source = Source { arguments, next: 0, mapped: false };
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        text.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let field = Field::parse(interpreter, &mut rest, &mut source)?;
        text.push_str(&field.format(interpreter, &mut source)?);
        interpreter.budget.spend_length(text.len())?;
    }
    text.push_str(rest);
    source.end()?;
    interpreter.budget.spend_length(text.len())?;
    Ok(text.into())
}

/// Where arguments come from: a tuple in order, a dict by key, or one value.
struct Source<'a> {
    arguments: &'a Value,
    next: usize,
    mapped: bool,
}

impl Source<'_> {
    fn next(&mut self) -> Outcome<Value> {
        let value = match self.arguments {
            Value::Tuple(items) => items.get(self.next).cloned(),
            single if self.next == 0 => Some(single.clone()),
            _ => None,
        };
        self.next += 1;
        value.ok_or_else(|| type_error("not enough arguments for format string"))
    }

    fn dict(&self) -> Option<&Dict> {
        match self.arguments {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    fn end(&self) -> Outcome<()> {
        let left = match self.arguments {
            Value::Tuple(items) => self.next < items.len(),
            Value::Dict(_) | Value::List(_) | Value::Bytes(_) => false,
            Value::Object(object) => {
                self.next == 0 && !matches!(object.type_name(), "range" | "re.Match")
            }
            _ => self.next == 0,
        };
        if left && !self.mapped {
            return Err(type_error("not all arguments converted during string formatting"));
        }
        Ok(())
    }
}

/// A conversion: `%(key)-08.3f`
#[derive(Debug, Default)]
struct Field {
    by_key: Option<Value>,
    spec: Specification,
    left: bool,
    zero: bool,
    kind: char,
}

impl Field {
    fn parse(
        interpreter: &Interpreter<'_>,
        rest: &mut &str,
        source: &mut Source<'_>,
    ) -> Outcome<Self> {
        let incomplete = || value_error("incomplete format");
        let mut field = Self::default();
        if let Some(after) = rest.strip_prefix('(') {
            let Some(dict) = source.dict() else {
                return Err(type_error("format requires a mapping"));
            };
            let mut depth = 1;
            let end = after.char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth == 0
            });
            let Some((end, _)) = end else {
                return Err(value_error("incomplete format key"));
            };
            let key = Value::text(after.get(..end).unwrap_or_default());
            let found = dict.find(&key, &interpreter.budget)?.cloned();
            let Some(found) = found else {
                let message = repr(&key, &interpreter.budget)?;
                return Err(PythonError::new(Exception::KeyError, message));
            };
            field.by_key = Some(found);
            source.mapped = true;
            *rest = after.get(end + 1..).unwrap_or_default();
        }
        loop {
            let c = rest.chars().next().ok_or_else(incomplete)?;
            match c {
                '-' => field.left = true,
                '+' => field.spec.sign = Some('+'),
                ' ' => field.spec.sign = field.spec.sign.or(Some(' ')),
                '#' => field.spec.alternate = true,
                '0' => field.zero = true,
                _ => break,
            }
            *rest = rest.get(1..).unwrap_or_default();
        }
        let width = number(rest, source)?;
        if width.is_some_and(|width| width < 0) {
            field.left = true;
        }
        field.spec.width =
            width.map(|width| usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX));
        if let Some(after) = rest.strip_prefix('.') {
            *rest = after;
            let precision = number(rest, source)?.unwrap_or(0).max(0);
            field.spec.precision = Some(usize::try_from(precision).unwrap_or(usize::MAX));
        }
        if rest.starts_with(['h', 'l', 'L']) {
            *rest = rest.get(1..).unwrap_or_default();
        }
        field.kind = rest.chars().next().ok_or_else(incomplete)?;
        *rest = rest.get(field.kind.len_utf8()..).unwrap_or_default();
        interpreter.budget.spend_length(field.spec.width.unwrap_or(0))?;
        interpreter.budget.spend_length(field.spec.precision.unwrap_or(0))?;
        Ok(field)
    }

    fn format(mut self, interpreter: &Interpreter<'_>, source: &mut Source<'_>) -> Outcome<String> {
        if self.kind == '%' {
            return Ok("%".to_owned());
        }
        let value = match self.by_key.take() {
            Some(value) => value,
            None => source.next()?,
        };
        match self.kind {
            's' | 'r' | 'a' => {
                let text = convert(interpreter, value, Some(self.kind))?;
                let text = text.as_str().unwrap_or_default();
                let text: String = match self.spec.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text.to_owned(),
                };
                Ok(self.pad("", &text))
            }
            'c' => {
                let text = match (&value, value.as_integer()) {
                    (Value::Str(text), _) if text.chars().count() == 1 => text.to_string(),
                    (_, Some(code)) => {
                        let c = u32::try_from(code).ok().and_then(char::from_u32);
                        let Some(c) = c else {
                            let message = "%c arg not in range(0x110000)";
                            return Err(PythonError::new(Exception::OverflowError, message));
                        };
                        c.to_string()
                    }
                    _ => return Err(type_error("%c requires int or char")),
                };
                Ok(self.pad("", &text))
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let number = match &value {
                    Value::Float(_) if matches!(self.kind, 'd' | 'i' | 'u') => {
                        let whole = super::super::builtin::truncated(&value)?;
                        whole.as_integer()
                    }
                    _ => value.as_integer(),
                };
                let Some(number) = number else {
                    let what = match self.kind {
                        'd' | 'i' | 'u' => "a real number",
                        _ => "an integer",
                    };
                    return Err(type_error(format!(
                        "%{} format: {what} is required, not {}",
                        self.kind,
                        value.type_name()
                    )));
                };
                let size = number.unsigned_abs();
                let (prefix, digits) = match self.kind {
                    'x' => ("0x", format!("{size:x}")),
                    'X' => ("0X", format!("{size:X}")),
                    'o' => ("0o", format!("{size:o}")),
                    _ => ("", size.to_string()),
                };
                let least = self.spec.precision.unwrap_or(0);
                let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
                let sign = self.sign(number < 0);
                let prefix = if self.spec.alternate { prefix } else { "" };
                Ok(self.pad(&format!("{sign}{prefix}"), &digits))
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let Some(number) = float_of(&value) else {
                    let found = value.type_name();
                    return Err(type_error(format!("must be real number, not {found}")));
                };
                check_precision(&self.spec)?;
                let form = if self.spec.alternate { Form::Alternate } else { Form::Plain };
                let precision = self.spec.precision.unwrap_or(6);
                let mut text = if number.is_nan() {
                    "nan".to_owned()
                } else if number.is_infinite() {
                    "inf".to_owned()
                } else {
                    finite_text(number.abs(), self.kind, precision, form)
                };
                if self.kind.is_uppercase() {
                    text = text.to_uppercase();
                }
                let sign = self.sign(number.is_sign_negative() && !number.is_nan());
                Ok(self.pad(sign, &text))
            }
            kind => Err(value_error(format!(
                "unsupported format character '{}' (0x{:x})",
                ascii(&kind.to_string()),
                u32::from(kind)
            ))),
        }
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.spec.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(_)) => " ",
            (false, None) => "",
        }
    }

    fn pad(&self, prefix: &str, body: &str) -> String {
        let number = !matches!(self.kind, 's' | 'r' | 'a' | 'c');
        let mut spec = self.spec.clone();
        if self.left {
            spec.align = Some('<');
        } else if self.zero && number {
            spec.align = Some('=');
            spec.fill = Some('0');
        }
        spec.pad(prefix, body, '>')
    }
}

/// A number of the format, or `*` for one of the arguments.
fn number(rest: &mut &str, source: &mut Source<'_>) -> Outcome<Option<i64>> {
    if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        let value = source.next()?;
        return match value.as_integer() {
            Some(number) => Ok(Some(number)),
            None => Err(type_error("* wants int")),
        };
    }
    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let digits = rest.get(..length).unwrap_or_default();
    *rest = rest.get(length..).unwrap_or_default();
    if digits.is_empty() {
        return Ok(None);
    }
    digits.parse().map(Some).map_err(|_| value_error("width too big"))
}
