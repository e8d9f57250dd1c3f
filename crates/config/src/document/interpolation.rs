//! `%(name)s` and `%%`, as Python's `BasicInterpolation` reads them.

use super::{Document, Entry};
use crate::source::Span;

/// References may be nested this deep, the option itself counted.
const MAX_DEPTH: usize = 10;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpolationError {
    /// A percent sign is followed by neither `%` nor `(`.
    #[error("a percent sign is not followed by '%' or '(name)s'")]
    LonePercent,
    /// `%(` is not followed by a name and `)s`.
    #[error("'%(' is not followed by a name and ')s'")]
    BadReference,
    /// Neither the section nor `[DEFAULT]` has this option.
    #[error("there is no option '{name}' here to take the place of %({name})s")]
    UnknownName {
        /// The name in lower case.
        name: String,
    },
    /// References are nested too deep, or refer to themselves.
    #[error("references are nested more than 10 levels deep, or refer to themselves")]
    TooDeep,
}

/// An error and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) error: InterpolationError,
    pub(crate) span: Span,
}

/// Reads an entry from the view of a section.
pub(super) fn interpolate(
    document: &Document,
    section: &str,
    entry: &Entry,
) -> Result<String, Fault> {
    let mut value = String::new();
    append(document, section, entry, 1, &mut value)?;
    Ok(value)
}

/// The names that a raw value refers to, in lower case.
pub(crate) fn references(raw: &str) -> impl Iterator<Item = String> {
    tokens(raw).filter_map(|token| match token.kind {
        Kind::Reference(name) => Some(name.to_lowercase()),
        Kind::Text(_) | Kind::Percent | Kind::Lone | Kind::BadReference => None,
    })
}

/// Whether a value passes the check that `ConfigParser.set` makes.
pub(super) fn is_well_formed(raw: &str) -> bool {
    // Python removes every `%%` first, wherever it stands, then every reference.
    let unescaped = raw.replace("%%", "");
    tokens(&unescaped).all(|token| matches!(token.kind, Kind::Text(_) | Kind::Reference(_)))
}

fn append(
    document: &Document,
    section: &str,
    entry: &Entry,
    depth: usize,
    value: &mut String,
) -> Result<(), Fault> {
    let fault = |error, offset| Fault { error, span: entry.span_from(offset) };
    if depth > MAX_DEPTH {
        return Err(fault(InterpolationError::TooDeep, 0));
    }
    for token in tokens(&entry.raw) {
        match token.kind {
            Kind::Text(text) => value.push_str(text),
            Kind::Percent => value.push('%'),
            Kind::Lone => return Err(fault(InterpolationError::LonePercent, token.offset)),
            Kind::BadReference => {
                return Err(fault(InterpolationError::BadReference, token.offset));
            }
            Kind::Reference(name) => {
                let name = name.to_lowercase();
                let Some(referred) = document.entry(section, &name) else {
                    return Err(fault(InterpolationError::UnknownName { name }, token.offset));
                };
                if referred.raw.contains('%') {
                    append(document, section, referred, depth + 1, value)?;
                } else {
                    value.push_str(&referred.raw);
                }
            }
        }
    }
    Ok(())
}

/// Where in the raw value the octet of an interpolated value comes from. What a reference brought in
/// comes from the reference.
pub(super) fn raw_offset(
    document: &Document,
    section: &str,
    entry: &Entry,
    offset: usize,
) -> usize {
    let mut end = 0;
    for token in tokens(&entry.raw) {
        let start = end;
        end += match token.kind {
            Kind::Text(text) => text.len(),
            Kind::Percent => 1,
            Kind::Reference(name) => {
                let mut value = String::new();
                let referred = document.entry(section, &name.to_lowercase());
                let read = referred.map(|it| append(document, section, it, 1, &mut value));
                if read.is_some_and(|read| read.is_ok()) { value.len() } else { 0 }
            }
            Kind::Lone | Kind::BadReference => 0,
        };
        if offset < end {
            let within = if matches!(token.kind, Kind::Text(_)) { offset - start } else { 0 };
            return token.offset + within;
        }
    }
    entry.raw.len()
}

struct Token<'a> {
    offset: usize,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Text(&'a str),
    /// `%%`
    Percent,
    /// `%(name)s`
    Reference(&'a str),
    Lone,
    BadReference,
}

/// Cuts a raw value into text and what percent signs introduce.
fn tokens(raw: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let offset = raw.len() - rest.len();
        let (kind, after) = next_token(rest);
        rest = after;
        Some(Token { offset, kind })
    })
}

fn next_token(rest: &str) -> (Kind<'_>, &str) {
    let Some(introduced) = rest.strip_prefix('%') else {
        let (text, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
        return (Kind::Text(text), after);
    };
    if let Some(after) = introduced.strip_prefix('%') {
        return (Kind::Percent, after);
    }
    let Some(named) = introduced.strip_prefix('(') else { return (Kind::Lone, introduced) };
    match named.split_once(')') {
        Some((name, after)) if !name.is_empty() => match after.strip_prefix('s') {
            Some(after) => (Kind::Reference(name), after),
            None => (Kind::BadReference, introduced),
        },
        Some(_) | None => (Kind::BadReference, introduced),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<String, InterpolationError> {
        let document = Document::parse("rc", text.as_bytes()).unwrap();
        document.value("s", "x").map(Option::unwrap_or_default)
    }

    #[test]
    fn references_are_looked_up_in_the_section_and_then_in_the_defaults() {
        assert_eq!(value("[DEFAULT]\na=1\nb=2\n[s]\nb=3\nx=%(A)s%(b)s"), Ok("13".to_owned()));
    }

    #[test]
    fn a_default_refers_to_the_options_of_the_section_that_reads_it() {
        assert_eq!(value("[DEFAULT]\nx=%(y)s\ny=1\n[s]\ny=2"), Ok("2".to_owned()));
    }

    #[test]
    fn ten_levels_are_allowed_and_eleven_are_not() {
        let chain = |levels: usize| {
            let links = (1..levels).map(|n| format!("v{n}=%(v{})s%%\n", n + 1));
            format!("[s]\nx=%(v1)s\n{}v{levels}=%%\n", links.collect::<String>())
        };
        assert_eq!(value(&chain(9)), Ok("%".repeat(9)));
        assert_eq!(value(&chain(10)), Err(InterpolationError::TooDeep));
        assert_eq!(value("[s]\nx=%(x)s"), Err(InterpolationError::TooDeep));
    }

    #[test]
    fn every_malformed_percent_sign_has_its_error() {
        for (raw, error) in [
            ("50%", InterpolationError::LonePercent),
            ("5% x", InterpolationError::LonePercent),
            ("%%%", InterpolationError::LonePercent),
            ("%()s", InterpolationError::BadReference),
            ("%(a", InterpolationError::BadReference),
            ("%(a)d", InterpolationError::BadReference),
            ("%(a)s", InterpolationError::UnknownName { name: "a".to_owned() }),
        ] {
            assert_eq!(value(&format!("[s]\nx={raw}")), Err(error), "{raw}");
        }
    }

    #[test]
    fn the_check_of_overrides_is_that_of_python_set() {
        for (raw, well_formed) in [
            ("", true),
            ("%%", true),
            ("%(a)s", true),
            ("%", false),
            ("%(a)", false),
            ("5%%%", false),
        ] {
            assert_eq!(is_well_formed(raw), well_formed, "{raw}");
        }
    }
}
