//! The modules `re`, `os` and `os.path`.

use std::sync::Arc;

use super::error::{Exception, Outcome, PythonError, type_error, unsupported, value_error};
use super::evaluate::{Arguments, Interpreter};
use super::iterate::{Iteration, Source};
use super::regex::{
    ASCII, Anchor, DOTALL, IGNORECASE, MULTILINE, Match, Pattern, Progress, Subject, Template,
    UNICODE, VERBOSE,
};
use super::value::{ObjectKind, Value};

/// An attribute of a module.
pub(super) fn attribute(module: &'static str, name: &str) -> Outcome<Value> {
    let find = |names: &[&'static str]| names.iter().find(|known| **known == name).copied();
    let found = match module {
        "re" => match FLAGS.iter().find(|(known, _)| *known == name) {
            Some((_, bits)) => return Ok(Value::object(ObjectKind::RegexFlag(*bits))),
            None => find(RE),
        },
        "os" => match name {
            "path" => return Ok(Value::object(ObjectKind::Module("os.path"))),
            "environ" => return Ok(Value::object(ObjectKind::Environment)),
            "sep" => return Ok(Value::text("/")),
            _ => find(OS),
        },
        _ => find(PATH),
    };
    found
        .map(|name| Value::object(ObjectKind::Function { module, name }))
        .ok_or_else(|| unsupported(format!("{module}.{name}")))
}

/// Whether a module has an attribute of this name.
pub(super) fn has_attribute(name: &str) -> bool {
    [RE, OS, PATH].iter().any(|names| names.contains(&name))
        || FLAGS.iter().any(|(known, _)| *known == name)
        || matches!(name, "path" | "environ" | "sep")
}

/// Whether a function of `re` takes a pattern first.
pub(super) fn takes_pattern(name: &str) -> bool {
    RE.contains(&name) && name != "escape"
}

/// Calls a function of a module.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    module: &str,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    match (module, name) {
        ("re", "escape") => {
            let [pattern] = arguments.bind(name, ["pattern"], 1)?;
            let pattern = pattern.unwrap_or(Value::None);
            let text = string(&pattern)?;
            let special = |c: char| "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(c);
            let escaped: String = text
                .chars()
                .flat_map(|c| special(c).then_some('\\').into_iter().chain([c]))
                .collect();
            Ok(escaped.into())
        }
        ("re", _) => regex_function(interpreter, name, arguments),
        ("os", "system") => {
            let [command] = arguments.bind(name, ["command"], 1)?;
            let command = command.unwrap_or(Value::None);
            interpreter.effects.system(string(&command)?).map(Value::Int)
        }
        ("os", "getenv") => {
            environment_get(interpreter, arguments.bind(name, ["key", "default"], 1)?)
        }
        ("os.path", "expanduser") => {
            let [path] = arguments.bind(name, ["path"], 1)?;
            let path = path.unwrap_or(Value::None);
            interpreter.effects.expand_user(string(&path)?).map(Value::from)
        }
        ("os.path", "join") => {
            let parts = arguments.without_keywords(name)?.positional;
            let Some((first, rest)) = parts.split_first() else {
                return Err(type_error("join() missing 1 required positional argument: 'a'"));
            };
            let mut path = string(first)?.to_owned();
            for part in rest {
                let part = string(part)?;
                if part.starts_with('/') {
                    path.clear();
                } else if !path.is_empty() && !path.ends_with('/') {
                    path.push('/');
                }
                path.push_str(part);
                interpreter.budget.spend_length(path.len())?;
            }
            Ok(path.into())
        }
        _ => {
            let [path] = arguments.bind(name, ["p"], 1)?;
            let path = path.unwrap_or(Value::None);
            let (head, tail) = split_path(string(&path)?);
            Ok(if name == "basename" { tail } else { head }.into())
        }
    }
}

/// `os.environ.get(name, default)`
pub(super) fn environment_get(
    interpreter: &Interpreter<'_>,
    [name, default]: [Option<Value>; 2],
) -> Outcome<Value> {
    let name = name.unwrap_or(Value::None);
    let found = interpreter.effects.environment_variable(string(&name)?)?;
    Ok(found.map(Value::from).or(default).unwrap_or(Value::None))
}

/// Calls a method of a compiled pattern.
pub(super) fn pattern_method(
    interpreter: &Interpreter<'_>,
    pattern: &Arc<Pattern>,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    match name {
        "sub" | "subn" => {
            let [with, text, count] = arguments.bind(name, ["repl", "string", "count"], 2)?;
            let (with, text) = (with.unwrap_or(Value::None), text.unwrap_or(Value::None));
            substitute(interpreter, pattern, name, [&with, &text], count.as_ref())
        }
        "split" => {
            let [text, limit] = arguments.bind(name, ["string", "maxsplit"], 1)?;
            let subject = Subject::new(&text.unwrap_or(Value::None), budget)?;
            split(interpreter, pattern, &subject, limit.as_ref())
        }
        _ => {
            let [text, from, to] = arguments.bind(name, ["string", "pos", "endpos"], 1)?;
            let mut subject = Subject::new(&text.unwrap_or(Value::None), budget)?;
            let place =
                |value: &Value| Ok(usize::try_from(integer(value)?.max(0)).unwrap_or(usize::MAX));
            if let Some(to) = &to {
                subject = subject.ending_at(place(to)?);
            }
            let from = from.as_ref().map_or(Ok(0), place)?.min(subject.length());
            let anchor = match name {
                "match" => Anchor::Start,
                "fullmatch" => Anchor::Full,
                "search" => Anchor::Search,
                _ => {
                    let found = pattern.find_all(&subject, from, None, budget)?;
                    return Ok(listed(name, pattern, found));
                }
            };
            let found = pattern.find(&subject, from, anchor, Progress::MayBeEmpty, budget)?;
            Ok(found.map_or(Value::None, |found| Value::object(ObjectKind::Match(found))))
        }
    }
}

/// A function of `re` that takes a pattern.
fn regex_function(
    interpreter: &Interpreter<'_>,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    let method = |pattern: Option<Value>, flags: Option<Value>, rest: Vec<Option<Value>>| {
        let pattern = compile(&pattern.unwrap_or(Value::None), flags.as_ref())?;
        let positional = rest.into_iter().flatten().collect();
        pattern_method(interpreter, &pattern, name, Arguments::positional(positional))
    };
    match name {
        "compile" => {
            let [pattern, flags] = arguments.bind(name, ["pattern", "flags"], 1)?;
            let pattern = compile(&pattern.unwrap_or(Value::None), flags.as_ref())?;
            Ok(Value::object(ObjectKind::Pattern(pattern)))
        }
        "sub" | "subn" => {
            let names = ["pattern", "repl", "string", "count", "flags"];
            let [pattern, with, text, count, flags] = arguments.bind(name, names, 3)?;
            method(pattern, flags, vec![with, text, count])
        }
        "split" => {
            let names = ["pattern", "string", "maxsplit", "flags"];
            let [pattern, text, limit, flags] = arguments.bind(name, names, 2)?;
            method(pattern, flags, vec![text, limit])
        }
        _ => {
            let names = ["pattern", "string", "flags"];
            let [pattern, text, flags] = arguments.bind(name, names, 2)?;
            method(pattern, flags, vec![text])
        }
    }
}

fn compile(pattern: &Value, flags: Option<&Value>) -> Outcome<Arc<Pattern>> {
    let flags = match flags {
        None => 0,
        Some(flags) => match flags.as_object() {
            Some(ObjectKind::RegexFlag(bits)) => *bits,
            _ => integer(flags)?,
        },
    };
    match pattern {
        Value::Str(source) => Pattern::compile(source, flags).map(Arc::new),
        Value::Bytes(_) => Err(unsupported("a regular expression over bytes")),
        _ => match pattern.as_object() {
            Some(ObjectKind::Pattern(_)) if flags != 0 => {
                Err(value_error("cannot process flags argument with a compiled pattern"))
            }
            Some(ObjectKind::Pattern(pattern)) => Ok(Arc::clone(pattern)),
            _ => Err(type_error("first argument must be string or compiled pattern")),
        },
    }
}

fn substitute(
    interpreter: &Interpreter<'_>,
    pattern: &Arc<Pattern>,
    name: &str,
    [with, text]: [&Value; 2],
    count: Option<&Value>,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    let limit = limit(count)?;
    let template = match with {
        Value::Str(text) => Some(Template::parse(text, pattern)?),
        _ if with.is_callable() => None,
        _ => {
            let found = with.type_name();
            return Err(type_error(format!("decoding to str: need a string, {found} found")));
        }
    };
    // As in CPython, after the template: the error of a bad one comes first.
    let subject = &Subject::new(text, budget)?;
    let mut text = String::new();
    let mut last = 0;
    let mut times = 0_usize;
    // A function may raise before the rest is searched, but its matches do not depend on it.
    for found in pattern.find_all(subject, 0, limit, budget)? {
        let (start, end) = found.span(0).unwrap_or_default();
        text.push_str(&subject.part(last, start));
        last = end;
        times += 1;
        if let Some(template) = &template {
            text.push_str(&template.expand(&found, budget)?);
        } else {
            let argument = Value::object(ObjectKind::Match(found));
            match interpreter.call(with, Arguments::positional(vec![argument]))? {
                Value::None => {}
                Value::Str(piece) => text.push_str(&piece),
                other => {
                    return Err(type_error(format!(
                        "sequence item 0: expected str instance, {} found",
                        other.type_name()
                    )));
                }
            }
        }
        budget.spend_length(text.len())?;
    }
    text.push_str(&subject.part(last, subject.length()));
    budget.spend_length(text.len())?;
    if name == "subn" {
        return Ok(Value::tuple([text.into(), Value::index(times)]));
    }
    Ok(text.into())
}

fn split(
    interpreter: &Interpreter<'_>,
    pattern: &Arc<Pattern>,
    subject: &Subject,
    maxsplit: Option<&Value>,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    let mut pieces: Vec<Value> = Vec::new();
    let mut last = 0;
    for found in pattern.find_all(subject, 0, limit(maxsplit)?, budget)? {
        let (start, end) = found.span(0).unwrap_or_default();
        pieces.push(subject.part(last, start).into());
        pieces.extend(found.groups(&Value::None));
        last = end;
    }
    pieces.push(subject.part(last, subject.length()).into());
    budget.spend_length(pieces.len())?;
    Ok(Value::List(pieces.into()))
}

/// What `findall` or `finditer` gives.
fn listed(name: &str, pattern: &Pattern, matches: Vec<Match>) -> Value {
    if name == "finditer" {
        let matches: Vec<Value> =
            matches.into_iter().map(|found| Value::object(ObjectKind::Match(found))).collect();
        return Iteration::value("callable_iterator", Source::Items(matches.into_iter()));
    }
    Value::list(matches.iter().map(|found| match pattern.groups() {
        0 => found.group_text(0).unwrap_or_default().into(),
        1 => found.group_text(1).unwrap_or_default().into(),
        _ => Value::Tuple(found.groups(&Value::text("")).into()),
    }))
}

/// The limit that a count means, where zero is none.
fn limit(count: Option<&Value>) -> Outcome<Option<usize>> {
    let count = match count {
        None => 0,
        Some(count) => match count.as_object() {
            // `re.sub(p, r, s, re.I)` is a common mistake, and a count.
            Some(ObjectKind::RegexFlag(bits)) => *bits,
            _ => integer(count)?,
        },
    };
    Ok(match count {
        0 => None,
        _ => Some(usize::try_from(count).unwrap_or(0)),
    })
}

/// `os.path.split`
fn split_path(path: &str) -> (&str, &str) {
    let cut = path.rfind('/').map_or(0, |at| at + 1);
    let (head, tail) = path.split_at_checked(cut).unwrap_or(("", path));
    let stripped = head.trim_end_matches('/');
    (if stripped.is_empty() { head } else { stripped }, tail)
}

fn string(value: &Value) -> Outcome<&str> {
    value.as_str().ok_or_else(|| {
        type_error(format!("expected str, bytes or os.PathLike object, not {}", value.type_name()))
    })
}

fn integer(value: &Value) -> Outcome<i64> {
    value.as_integer().ok_or_else(|| {
        let name = value.type_name();
        PythonError::new(
            Exception::TypeError,
            format!("'{name}' object cannot be interpreted as an integer"),
        )
    })
}

const RE: &[&str] = &[
    "compile",
    "escape",
    "findall",
    "finditer",
    "fullmatch",
    "match",
    "search",
    "split",
    "sub",
    "subn",
];
const OS: &[&str] = &["getenv", "system"];
const PATH: &[&str] = &["basename", "dirname", "expanduser", "join"];

const FLAGS: [(&str, i64); 12] = [
    ("A", ASCII),
    ("ASCII", ASCII),
    ("I", IGNORECASE),
    ("IGNORECASE", IGNORECASE),
    ("M", MULTILINE),
    ("MULTILINE", MULTILINE),
    ("S", DOTALL),
    ("DOTALL", DOTALL),
    ("U", UNICODE),
    ("UNICODE", UNICODE),
    ("X", VERBOSE),
    ("VERBOSE", VERBOSE),
];
