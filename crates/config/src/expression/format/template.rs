//! `template.format(...)`

use super::super::attribute;
use super::super::error::{Exception, Outcome, PythonError, unsupported, value_error};
use super::super::evaluate::{Arguments, Interpreter, convert};
use super::super::value::{Value, repr};
use super::format_value;

/// `str.format`
pub(in super::super) fn template(
    interpreter: &Interpreter<'_>,
    text: &str,
    arguments: &Arguments,
) -> Outcome<String> {
    let mut writer = Writer { interpreter, fields: Fields::Arguments(arguments), numbering: None };
    writer.write(text, 2)
}

/// `str.format_map`
pub(in super::super) fn template_of_map(
    interpreter: &Interpreter<'_>,
    text: &str,
    mapping: &Value,
) -> Outcome<String> {
    let mut writer = Writer { interpreter, fields: Fields::Mapping(mapping), numbering: None };
    writer.write(text, 2)
}

/// Where fields come from.
enum Fields<'a> {
    Arguments(&'a Arguments),
    Mapping(&'a Value),
}

/// How fields by position are numbered: the next number, or by hand.
#[derive(Clone, Copy)]
enum Numbering {
    Automatic(usize),
    Manual,
}

struct Writer<'a> {
    interpreter: &'a Interpreter<'a>,
    fields: Fields<'a>,
    numbering: Option<Numbering>,
}

impl Writer<'_> {
    fn write(&mut self, template: &str, depth: usize) -> Outcome<String> {
        if depth == 0 {
            return Err(value_error("Max string recursion exceeded"));
        }
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(rest.get(..at).unwrap_or_default());
            let open = rest.get(at..).is_some_and(|rest| rest.starts_with('{'));
            rest = rest.get(at + 1..).unwrap_or_default();
            let same = if open { '{' } else { '}' };
            if let Some(after) = rest.strip_prefix(same) {
                text.push(same);
                rest = after;
                continue;
            }
            if !open {
                return Err(value_error("Single '}' encountered in format string"));
            }
            let end = field_end(rest)?;
            let field = rest.get(..end).unwrap_or_default();
            rest = rest.get(end + 1..).unwrap_or_default();
            text.push_str(&self.field(field, depth)?);
            self.interpreter.budget.spend_length(text.len())?;
        }
        text.push_str(rest);
        Ok(text)
    }

    fn field(&mut self, field: &str, depth: usize) -> Outcome<String> {
        // The name may hold `!` and `:` within brackets.
        let mut within = false;
        let name_end = field.find(|c| {
            within = (within || c == '[') && c != ']';
            !within && matches!(c, '!' | ':')
        });
        let (name, rest) =
            field.split_at_checked(name_end.unwrap_or(field.len())).unwrap_or((field, ""));
        if name.contains('{') {
            return Err(value_error("unexpected '{' in field name"));
        }
        let (conversion, spec) = match rest.strip_prefix('!') {
            None => (None, rest.strip_prefix(':').unwrap_or_default()),
            Some(after) => {
                let mut characters = after.chars();
                let Some(conversion) = characters.next() else {
                    return Err(value_error("unmatched '{' in format spec"));
                };
                let spec = characters.as_str();
                if !spec.is_empty() && !spec.starts_with(':') {
                    return Err(value_error("expected ':' after conversion specifier"));
                }
                if !matches!(conversion, 's' | 'r' | 'a') {
                    let message = format!("Unknown conversion specifier '{conversion}'");
                    return Err(value_error(message));
                }
                (Some(conversion), spec.strip_prefix(':').unwrap_or_default())
            }
        };
        let value = self.value(name)?;
        let value = convert(self.interpreter, value, conversion)?;
        let spec =
            if spec.contains(['{', '}']) { self.write(spec, depth - 1)? } else { spec.to_owned() };
        format_value(&value, &spec, &self.interpreter.budget)
    }

    /// The value of `name.attribute[index]…`
    fn value(&mut self, path: &str) -> Outcome<Value> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (first, mut rest) = path.split_at_checked(end).unwrap_or((path, ""));
        let mut value = self.first(first)?;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let name = after.get(..end).unwrap_or_default();
                if name.is_empty() {
                    return Err(value_error("Empty attribute in format string"));
                }
                if !attribute::is_known(name) {
                    return Err(unsupported(format!("the attribute .{name}")));
                }
                value = attribute::find(self.interpreter, &value, name)?;
                rest = after.get(end..).unwrap_or_default();
                continue;
            }
            let Some(after) = rest.strip_prefix('[') else {
                let message = "Only '.' or '[' may follow ']' in format field specifier";
                return Err(value_error(message));
            };
            let Some(end) = after.find(']') else {
                return Err(value_error("Missing ']' in format string"));
            };
            let key = after.get(..end).unwrap_or_default();
            if key.is_empty() {
                return Err(value_error("Empty attribute in format string"));
            }
            let key = if key.chars().all(|c| c.is_ascii_digit()) {
                let number = key.parse();
                Value::Int(number.map_err(|_| value_error("Too many decimal digits"))?)
            } else {
                Value::text(key)
            };
            value = super::super::evaluate::index(self.interpreter, &value, &key)?;
            rest = after.get(end + 1..).unwrap_or_default();
        }
        Ok(value)
    }

    fn first(&mut self, name: &str) -> Outcome<Value> {
        let by_position = name.is_empty() || name.chars().all(|c| c.is_ascii_digit());
        let arguments = match self.fields {
            Fields::Mapping(_) if by_position => {
                return Err(value_error("Format string contains positional fields"));
            }
            Fields::Mapping(mapping) => {
                let key = Value::text(name);
                return super::super::evaluate::index(self.interpreter, mapping, &key);
            }
            Fields::Arguments(arguments) => arguments,
        };
        if !by_position {
            let found = arguments.keywords.iter().find(|(known, _)| &**known == name);
            return if let Some((_, value)) = found {
                Ok(value.clone())
            } else {
                let message = repr(&Value::text(name), &self.interpreter.budget)?;
                Err(PythonError::new(Exception::KeyError, message))
            };
        }
        let place = match (self.numbering, name.is_empty()) {
            (Some(Numbering::Manual), true) => {
                return Err(value_error(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            }
            (Some(Numbering::Automatic(_)), false) => {
                return Err(value_error(
                    "cannot switch from automatic field numbering to manual field specification",
                ));
            }
            (None, true) => 0,
            (Some(Numbering::Automatic(next)), true) => next,
            (_, false) => {
                name.parse().map_err(|_| value_error("Too many decimal digits in format string"))?
            }
        };
        self.numbering =
            Some(if name.is_empty() { Numbering::Automatic(place + 1) } else { Numbering::Manual });
        arguments.positional.get(place).cloned().ok_or_else(|| {
            PythonError::new(
                Exception::IndexError,
                format!("Replacement index {place} out of range for positional args tuple"),
            )
        })
    }
}

/// The end of a field that starts after `{`.
fn field_end(text: &str) -> Outcome<usize> {
    if text.is_empty() {
        return Err(value_error("Single '{' encountered in format string"));
    }
    let mut depth = 1_usize;
    let mut within = false;
    let mut in_name = true;
    for (at, c) in text.char_indices() {
        match c {
            '[' if in_name => within = true,
            ']' => within = false,
            '{' if !within => depth += 1,
            '}' if !within => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            ':' | '!' if !within && depth == 1 => in_name = false,
            _ => {}
        }
    }
    Err(value_error("expected '}' before end of string"))
}
