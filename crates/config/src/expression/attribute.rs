//! `value.name`: which attributes each type has.

use super::error::{Exception, Outcome, PythonError, unsupported};
use super::evaluate::Interpreter;
use super::module;
use super::value::{ObjectKind, Value};

/// The attribute of a value.
pub(super) fn find(interpreter: &Interpreter<'_>, value: &Value, name: &str) -> Outcome<Value> {
    if let Value::External(object) = value {
        return interpreter.effects.external().attribute(object, name);
    }
    match value.as_object() {
        Some(ObjectKind::Module(module)) => return module::attribute(module, name),
        Some(ObjectKind::Builtin(owner)) if super::value::is_type(owner) => {
            if let Some(name) = method_name(owner, name) {
                return Ok(Value::object(ObjectKind::Unbound { owner, name }));
            }
            return Err(missing(&format!("type object '{owner}'"), owner, name));
        }
        Some(ObjectKind::Pattern(pattern)) => match name {
            "pattern" => return Ok(Value::text(pattern.source())),
            "flags" => return Ok(Value::Int(pattern.flags())),
            "groups" => return Ok(Value::index(pattern.groups())),
            _ => {}
        },
        Some(ObjectKind::Match(found)) => match name {
            "string" => return Ok(found.subject()),
            "re" => return Ok(found.pattern()),
            _ => {}
        },
        _ => {}
    }
    let owner = value.type_name();
    match method_name(owner, name) {
        Some(name) => Ok(Value::object(ObjectKind::Method { receiver: value.clone(), name })),
        None => Err(missing(&format!("'{owner}' object"), owner, name)),
    }
}

/// Whether some value has an attribute of this name; the check before evaluation refuses others.
pub(super) fn is_known(name: &str) -> bool {
    METHODS.iter().any(|(_, names)| names.contains(&name))
        || module::has_attribute(name)
        || matches!(name, "pattern" | "flags" | "groups" | "string" | "re")
}

fn method_name(owner: &str, name: &str) -> Option<&'static str> {
    let (_, names) = METHODS.iter().find(|(known, _)| *known == owner)?;
    names.iter().find(|known| **known == name).copied()
}

fn missing(what: &str, owner: &str, name: &str) -> PythonError {
    let in_python = PYTHON_ONLY.iter().any(|(o, names)| *o == owner && names.contains(&name));
    if in_python {
        return unsupported(format!("the attribute .{name} of {what}"));
    }
    PythonError::new(Exception::AttributeError, format!("{what} has no attribute '{name}'"))
}

const SET_METHODS: &[&str] = &[
    "copy",
    "difference",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "symmetric_difference",
    "union",
];

/// The methods of each type.
const METHODS: [(&str, &[&str]); 12] = [
    (
        "str",
        &[
            "capitalize",
            "casefold",
            "center",
            "count",
            "encode",
            "endswith",
            "expandtabs",
            "find",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
            "isdigit",
            "isidentifier",
            "islower",
            "isnumeric",
            "isprintable",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
            "zfill",
        ],
    ),
    (
        "bytes",
        &["decode", "endswith", "hex", "lower", "lstrip", "rstrip", "startswith", "strip", "upper"],
    ),
    ("list", &["copy", "count", "index"]),
    ("tuple", &["count", "index"]),
    ("range", &["count", "index"]),
    ("dict", &["copy", "fromkeys", "get", "items", "keys", "values"]),
    ("set", SET_METHODS),
    ("frozenset", SET_METHODS),
    (
        "re.Pattern",
        &["findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"],
    ),
    ("re.Match", &["end", "expand", "group", "groupdict", "groups", "span", "start"]),
    ("_io.TextIOWrapper", &["close", "read", "readline", "readlines"]),
    ("_Environ", &["get"]),
];

/// Attributes with a supported name that Python knows for more types than this program.
const PYTHON_ONLY: [(&str, &[&str]); 5] = [
    (
        "bytes",
        &[
            "capitalize",
            "center",
            "count",
            "expandtabs",
            "find",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdigit",
            "islower",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "ljust",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "rsplit",
            "split",
            "splitlines",
            "swapcase",
            "title",
            "zfill",
        ],
    ),
    ("_Environ", &["copy", "items", "keys", "values"]),
    ("dict_keys", &["isdisjoint"]),
    ("dict_items", &["isdisjoint"]),
    ("float", &["hex"]),
];
