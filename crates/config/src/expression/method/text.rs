//! Methods of `str`. Everything counts and cuts by code point.

use super::super::error::{Exception, Outcome, PythonError, type_error, value_error};
use super::super::evaluate::{Arguments, Interpreter, SliceBounds};
use super::super::format;
use super::super::unicode;
use super::super::value::Value;
use super::bytes;

/// Calls a method of a string.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    text: &str,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    budget.spend(1 + text.len() / 8)?;
    match name {
        "format" => {
            return format::template(interpreter, text, &arguments).map(Value::from);
        }
        "format_map" => {
            let [mapping] = arguments.bind_positions("format_map", 1)?;
            return format::template_of_map(interpreter, text, &mapping.unwrap_or(Value::None))
                .map(Value::from);
        }
        "encode" => {
            let [encoding, errors] = arguments.bind("encode", ["encoding", "errors"], 0)?;
            return bytes::encode(text, encoding.as_ref(), errors.as_ref());
        }
        "split" | "rsplit" => {
            let [separator, limit] = arguments.bind(name, ["sep", "maxsplit"], 0)?;
            let limit = match limit {
                None => None,
                Some(limit) => usize::try_from(integer(&limit)?).ok(),
            };
            let pieces = match separator {
                None | Some(Value::None) => split_blanks(text, limit, name == "rsplit"),
                Some(separator) => {
                    let separator = string(&separator)?;
                    if separator.is_empty() {
                        return Err(value_error("empty separator"));
                    }
                    let limit = limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
                    if name == "split" {
                        text.splitn(limit, separator).map(Value::text).collect()
                    } else {
                        let mut pieces: Vec<_> =
                            text.rsplitn(limit, separator).map(Value::text).collect();
                        pieces.reverse();
                        pieces
                    }
                }
            };
            budget.spend_length(pieces.len())?;
            return Ok(Value::List(pieces.into()));
        }
        "splitlines" => {
            let [keep] = arguments.bind(name, ["keepends"], 0)?;
            let keep = if keep.is_some_and(|keep| keep.is_true()) { Ends::Kept } else { Ends::Cut };
            return Ok(Value::list(lines(text, keep).into_iter().map(Value::text)));
        }
        "expandtabs" => {
            let [size] = arguments.bind(name, ["tabsize"], 0)?;
            let size = size.map_or(Ok(8), |size| integer(&size))?;
            return expand_tabs(text, usize::try_from(size).unwrap_or(0), interpreter);
        }
        _ => {}
    }
    if let Some(value) = without_arguments(text, name) {
        arguments.bind_positions::<0>(name, 0)?;
        return Ok(value);
    }
    match name {
        "join" => {
            let [items] = arguments.bind_positions(name, 1)?;
            let items = interpreter.collect(&items.unwrap_or(Value::None)).map_err(|error| {
                if error.exception == Exception::TypeError {
                    return type_error("can only join an iterable");
                }
                error
            })?;
            let mut joined = String::new();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    joined.push_str(text);
                }
                let Some(piece) = item.as_str() else {
                    return Err(type_error(format!(
                        "sequence item {index}: expected str instance, {} found",
                        item.type_name()
                    )));
                };
                joined.push_str(piece);
                budget.spend_length(joined.len().min(16))?;
                if joined.len() > 1_000_000 {
                    budget.spend_length(joined.len())?;
                }
            }
            Ok(joined.into())
        }
        "strip" | "lstrip" | "rstrip" => {
            let [characters] = arguments.bind_positions(name, 0)?;
            let strip = |matches: &dyn Fn(char) -> bool| match name {
                "strip" => text.trim_matches(matches),
                "lstrip" => text.trim_start_matches(matches),
                _ => text.trim_end_matches(matches),
            };
            Ok(match characters {
                None | Some(Value::None) => strip(&unicode::is_space).into(),
                Some(set) => {
                    let Some(set) = set.as_str() else {
                        return Err(type_error(format!("{name} arg must be None or str")));
                    };
                    strip(&|c| set.contains(c)).into()
                }
            })
        }
        "startswith" | "endswith" => {
            let [affix, start, stop] = arguments.bind_positions(name, 1)?;
            let affix = affix.unwrap_or(Value::None);
            let affixes = match &affix {
                Value::Tuple(items) => items.to_vec(),
                Value::Str(_) => vec![affix.clone()],
                _ => {
                    let found = affix.type_name();
                    return Err(type_error(format!(
                        "{name} first arg must be str or a tuple of str, not {found}"
                    )));
                }
            };
            let part = between(text, start.as_ref(), stop.as_ref())?;
            for affix in &affixes {
                let affix = string(affix)?;
                let found = part.is_some_and(|(_, part)| match name {
                    "startswith" => part.starts_with(affix),
                    _ => part.ends_with(affix),
                });
                if found {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [needle, start, stop] = arguments.bind_positions(name, 1)?;
            let needle = needle.unwrap_or(Value::None);
            let needle = string(&needle)?;
            let part = between(text, start.as_ref(), stop.as_ref())?;
            if name == "count" {
                let count = part.map_or(0, |(_, part)| part.matches(needle).count());
                return Ok(Value::index(count));
            }
            let place = part.and_then(|(skipped, part)| {
                let at = match name {
                    "find" | "index" => part.find(needle),
                    _ => part.rfind(needle),
                }?;
                Some(skipped + part.get(..at)?.chars().count())
            });
            match place {
                Some(place) => Ok(Value::index(place)),
                None if name.ends_with("find") => Ok(Value::Int(-1)),
                None => Err(value_error("substring not found")),
            }
        }
        "replace" => {
            let [old, new, count] = arguments.bind_positions(name, 2)?;
            let (old, new) = (old.unwrap_or(Value::None), new.unwrap_or(Value::None));
            let (old, new) = (string(&old)?, string(&new)?);
            let count = match count {
                None => usize::MAX,
                Some(count) => usize::try_from(integer(&count)?).unwrap_or(usize::MAX),
            };
            let times = text.matches(old).count().min(count);
            budget.spend_length(text.len().saturating_add(times.saturating_mul(new.len())))?;
            Ok(text.replacen(old, new, count).into())
        }
        "partition" | "rpartition" => {
            let [separator] = arguments.bind_positions(name, 1)?;
            let separator = separator.unwrap_or(Value::None);
            let separator = string(&separator)?;
            if separator.is_empty() {
                return Err(value_error("empty separator"));
            }
            let parts = match name {
                "partition" => text.split_once(separator),
                _ => text.rsplit_once(separator),
            };
            let parts = match parts {
                Some((before, after)) => [before, separator, after],
                None if name == "partition" => [text, "", ""],
                None => ["", "", text],
            };
            Ok(Value::tuple(parts.map(Value::text)))
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = arguments.bind_positions(name, 1)?;
            let affix = affix.unwrap_or(Value::None);
            let affix = string(&affix)?;
            let rest = match name {
                "removeprefix" => text.strip_prefix(affix),
                _ => text.strip_suffix(affix),
            };
            Ok(rest.unwrap_or(text).into())
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill] = arguments.bind_positions(name, 1)?;
            let width = usize::try_from(integer(&width.unwrap_or(Value::None))?).unwrap_or(0);
            let fill = match &fill {
                None => ' ',
                Some(fill) => {
                    let mut characters = string(fill)?.chars();
                    if let (Some(fill), None) = (characters.next(), characters.next()) {
                        fill
                    } else {
                        let message = "The fill character must be exactly one character long";
                        return Err(type_error(message));
                    }
                }
            };
            budget.spend_length(width)?;
            Ok(pad(text, width, fill, name).into())
        }
        "zfill" => {
            let [width] = arguments.bind_positions(name, 1)?;
            let width = usize::try_from(integer(&width.unwrap_or(Value::None))?).unwrap_or(0);
            budget.spend_length(width)?;
            let digits = text.strip_prefix(['+', '-']);
            let sign = if digits.is_some() { text.get(..1) } else { None }.unwrap_or_default();
            let zeros = "0".repeat(width.saturating_sub(text.chars().count()));
            Ok(format!("{sign}{zeros}{}", digits.unwrap_or(text)).into())
        }
        _ => Err(super::unsupported(format!("the method .{name} of 'str' object"))),
    }
}

fn without_arguments(text: &str, name: &str) -> Option<Value> {
    let all = |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
    Some(match name {
        "lower" => text.to_lowercase().into(),
        "upper" => text.to_uppercase().into(),
        "casefold" => unicode::fold(text).into(),
        "swapcase" => swap_case(text).into(),
        "title" => title(text).into(),
        "capitalize" => {
            let mut characters = text.chars();
            let first = characters.next().map(unicode::to_title).unwrap_or_default();
            // Lower-cased with its beginning, as a final sigma depends on what is before it.
            let lower = text.to_lowercase();
            let skipped = text.chars().next().map_or(0, |c| c.to_lowercase().count());
            let rest: String = lower.chars().skip(skipped).collect();
            (first + &rest).into()
        }
        "isalpha" => all(unicode::is_alphabetic),
        "isalnum" => all(unicode::is_alphanumeric),
        "isdecimal" => all(unicode::is_decimal),
        "isdigit" => all(unicode::is_digit),
        "isnumeric" => all(unicode::is_numeric),
        "isspace" => all(unicode::is_space),
        "isascii" => Value::Bool(text.is_ascii()),
        "isprintable" => Value::Bool(text.chars().all(unicode::is_printable)),
        "islower" => Value::Bool(
            text.chars().any(unicode::is_lower)
                && !text.chars().any(|c| unicode::is_upper(c) || unicode::is_title(c)),
        ),
        "isupper" => Value::Bool(
            text.chars().any(unicode::is_upper)
                && !text.chars().any(|c| unicode::is_lower(c) || unicode::is_title(c)),
        ),
        "istitle" => Value::Bool(is_title(text)),
        "isidentifier" => {
            let mut characters = text.chars();
            let start = characters.next().is_some_and(|c| c == '_' || unicode::is_alphabetic(c));
            Value::Bool(start && characters.all(unicode::is_word))
        }
        _ => return None,
    })
}

/// The text of an argument.
fn string(value: &Value) -> Outcome<&str> {
    value.as_str().ok_or_else(|| type_error(format!("must be str, not {}", value.type_name())))
}

fn integer(value: &Value) -> Outcome<i64> {
    value.as_integer().ok_or_else(|| {
        let name = value.type_name();
        type_error(format!("'{name}' object cannot be interpreted as an integer"))
    })
}

/// The part of a text between two bounds, and the number of characters before it. `None`: the
/// bounds cross, so that not even the empty string is there.
fn between<'a>(
    text: &'a str,
    start: Option<&Value>,
    stop: Option<&Value>,
) -> Outcome<Option<(usize, &'a str)>> {
    if start.is_none() && stop.is_none() {
        return Ok(Some((0, text)));
    }
    let length = text.chars().count();
    let start = start.unwrap_or(&Value::None);
    // A start beyond the end is not clamped: nothing is found there.
    if start.as_integer().and_then(|start| usize::try_from(start).ok()) > Some(length) {
        return Ok(None);
    }
    let bounds = SliceBounds::new(start, stop.unwrap_or(&Value::None), &Value::None, length)?;
    let (first, last) = bounds.range();
    let byte = |place| text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
    Ok(text.get(byte(first)..byte(last)).filter(|_| first <= last).map(|part| (first, part)))
}

fn split_blanks(text: &str, limit: Option<usize>, from_end: bool) -> Vec<Value> {
    let mut pieces = Vec::new();
    let mut rest = if from_end {
        text.trim_end_matches(unicode::is_space)
    } else {
        text.trim_start_matches(unicode::is_space)
    };
    while !rest.is_empty() {
        if limit.is_some_and(|limit| pieces.len() >= limit) {
            pieces.push(Value::text(rest));
            break;
        }
        let (piece, after) = if from_end {
            let at = rest.char_indices().rev().find(|(_, c)| unicode::is_space(*c));
            let at = at.map_or(0, |(at, c)| at + c.len_utf8());
            let (before, piece) = rest.split_at_checked(at).unwrap_or(("", rest));
            (piece, before.trim_end_matches(unicode::is_space))
        } else {
            let at = rest.find(unicode::is_space).unwrap_or(rest.len());
            let (piece, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            (piece, after.trim_start_matches(unicode::is_space))
        };
        pieces.push(Value::text(piece));
        rest = after;
    }
    if from_end {
        pieces.reverse();
    }
    pieces
}

/// Whether lines keep their ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Kept,
    Cut,
}

fn lines(text: &str, ends: Ends) -> Vec<&str> {
    let is_end =
        |c: char| matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let tail = rest.get(end..).unwrap_or_default();
        let break_length = if tail.starts_with("\r\n") {
            2
        } else {
            tail.chars().next().map_or(0, char::len_utf8)
        };
        let cut = if ends == Ends::Kept { end + break_length } else { end };
        lines.push(rest.get(..cut).unwrap_or_default());
        rest = rest.get(end + break_length..).unwrap_or_default();
    }
    lines
}

fn expand_tabs(text: &str, size: usize, interpreter: &Interpreter<'_>) -> Outcome<Value> {
    let tabs = text.matches('\t').count();
    interpreter.budget.spend_length(text.len().saturating_add(tabs.saturating_mul(size)))?;
    let mut result = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                result.push_str(&" ".repeat(blanks));
                column += blanks;
            }
            '\t' => {}
            '\n' | '\r' => {
                result.push(c);
                column = 0;
            }
            _ => {
                result.push(c);
                column += 1;
            }
        }
    }
    Ok(result.into())
}

/// Pads as `center`, `ljust` or `rjust` does.
fn pad(text: &str, width: usize, fill: char, method: &str) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = match method {
        "ljust" => 0,
        "rjust" => missing,
        // CPython puts the odd blank to the left when the width is odd.
        _ => missing / 2 + (missing & width & 1),
    };
    let blanks = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    blanks(left) + text + &blanks(missing - left)
}

fn swap_case(text: &str) -> String {
    let swapped = |c: char| {
        if unicode::is_upper(c) {
            c.to_lowercase().to_string()
        } else if unicode::is_lower(c) {
            c.to_uppercase().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(swapped).collect()
}

fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut within = false;
    for c in text.chars() {
        if within {
            result.extend(c.to_lowercase());
        } else {
            result.push_str(&unicode::to_title(c));
        }
        within = unicode::is_cased(c);
    }
    result
}

fn is_title(text: &str) -> bool {
    let (mut any, mut within) = (false, false);
    for c in text.chars() {
        if unicode::is_upper(c) || unicode::is_title(c) {
            if within {
                return false;
            }
            (any, within) = (true, true);
        } else if unicode::is_lower(c) {
            if !within {
                return false;
            }
            any = true;
        } else {
            within = false;
        }
    }
    any
}

/// The error of a text that an encoding has no bytes for.
pub(super) fn cannot_encode(encoding: &str, text: &str, limit: u32) -> PythonError {
    let found = text.chars().enumerate().find(|(_, c)| u32::from(*c) >= limit);
    let (at, c) = found.unwrap_or_default();
    let code = format::ascii(&c.to_string());
    PythonError::new(
        Exception::UnicodeEncodeError,
        format!(
            "'{encoding}' codec can't encode character '{code}' in position {at}: \
             ordinal not in range({limit})"
        ),
    )
}
