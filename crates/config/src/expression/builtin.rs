//! Builtin functions and types.

mod conversion;
mod sequence;

pub(super) use conversion::truncated;

use super::error::{Exception, Outcome, PythonError, type_error, unsupported, value_error};
use super::evaluate::{Arguments, Interpreter, binary};
use super::iterate::{Iteration, Source, Strictness};
use super::method::decode;
use super::syntax::Operator;
use super::value::{ObjectKind, ReadFile, Value, equal, less, repr};

/// The builtin, module or constant of a name.
pub(super) fn find(name: &str) -> Option<Value> {
    if let Some(module) = ["re", "os"].into_iter().find(|module| *module == name) {
        return Some(Value::object(ObjectKind::Module(module)));
    }
    let builtin = NAMES.iter().find(|known| **known == name)?;
    Some(Value::object(ObjectKind::Builtin(builtin)))
}

/// Whether Python has a builtin of this name that is not supported here.
pub(super) fn is_python_only(name: &str) -> bool {
    PYTHON_ONLY.contains(&name)
}

/// Calls a builtin.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    name: &str,
    mut arguments: Arguments,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    match name {
        "str" | "bytes" | "bool" | "int" | "float" | "list" | "tuple" | "set" | "frozenset"
        | "dict" => conversion::call(interpreter, name, arguments),
        "sorted" | "reversed" | "range" | "min" | "max" | "sum" | "len" => {
            sequence::call(interpreter, name, arguments)
        }
        "all" | "any" => {
            let [items] = arguments.bind_positions(name, 1)?;
            let iterator = interpreter.iterate(&items.unwrap_or(Value::None))?;
            while let Some(item) = interpreter.advance(&iterator)? {
                if item.is_true() == (name == "any") {
                    return Ok(Value::Bool(name == "any"));
                }
            }
            Ok(Value::Bool(name == "all"))
        }
        "map" => {
            let mut items = arguments.without_keywords(name)?.positional.into_iter();
            let (Some(function), true) = (items.next(), items.len() > 0) else {
                return Err(type_error("map() must have at least two arguments."));
            };
            let sources = items.map(|item| interpreter.iterate(&item)).collect::<Outcome<_>>()?;
            Ok(Iteration::value("map", Source::Map { function, sources }))
        }
        "filter" => {
            let [function, items] = arguments.bind_positions(name, 2)?;
            let source = interpreter.iterate(&items.unwrap_or(Value::None))?;
            let function = function.unwrap_or(Value::None);
            Ok(Iteration::value("filter", Source::Filter { function, source }))
        }
        "zip" => {
            let strict = arguments.take_keyword("strict").is_some_and(|strict| strict.is_true());
            let strict = if strict { Strictness::Equal } else { Strictness::Shortest };
            let items = arguments.without_keywords(name)?.positional;
            let sources =
                items.iter().map(|item| interpreter.iterate(item)).collect::<Outcome<_>>()?;
            Ok(Iteration::value("zip", Source::Zip { sources, strict }))
        }
        "enumerate" => {
            let [items, start] = arguments.bind(name, ["iterable", "start"], 1)?;
            let source = interpreter.iterate(&items.unwrap_or(Value::None))?;
            let next = start.map_or(Ok(0), |start| integer(&start))?;
            Ok(Iteration::value("enumerate", Source::Enumerate { source, next }))
        }
        "iter" => {
            let [items] = arguments.bind_positions(name, 1)?;
            interpreter.iterate(&items.unwrap_or(Value::None))
        }
        "next" => {
            let [iterator, default] = arguments.bind_positions(name, 1)?;
            let next = interpreter.advance(&iterator.unwrap_or(Value::None))?;
            next.or(default)
                .ok_or_else(|| PythonError::new(Exception::StopIteration, String::new()))
        }
        "repr" | "ascii" => {
            let [value] = arguments.bind_positions(name, 1)?;
            let text = repr(&value.unwrap_or(Value::None), budget)?;
            Ok(if name == "ascii" { super::format::ascii(&text) } else { text }.into())
        }
        "format" => {
            let [value, spec] = arguments.bind_positions(name, 1)?;
            let spec = spec.unwrap_or_else(|| Value::text(""));
            let Some(spec) = spec.as_str() else {
                return Err(type_error("format() argument 2 must be str"));
            };
            let value = value.unwrap_or(Value::None);
            Ok(super::format::format_value(&value, spec, budget)?.into())
        }
        "ord" => {
            let [value] = arguments.bind_positions(name, 1)?;
            let value = value.unwrap_or(Value::None);
            let wrong =
                |found: &str| type_error(format!("ord() expected a character, but {found} found"));
            match &value {
                Value::Str(text) => {
                    let mut characters = text.chars();
                    match (characters.next(), characters.next()) {
                        (Some(c), None) => Ok(Value::Int(u32::from(c).into())),
                        _ => Err(wrong(&format!("string of length {}", text.chars().count()))),
                    }
                }
                Value::Bytes(bytes) => match **bytes {
                    [byte] => Ok(Value::Int(byte.into())),
                    _ => Err(wrong(&format!("string of length {}", bytes.len()))),
                },
                _ => Err(wrong(value.type_name())),
            }
        }
        "chr" => {
            let [value] = arguments.bind_positions(name, 1)?;
            let code = integer(&value.unwrap_or(Value::None))?;
            let code = u32::try_from(code).ok().filter(|code| *code <= 0x0010_ffff);
            let code = code.ok_or_else(|| value_error("chr() arg not in range(0x110000)"))?;
            let c = char::from_u32(code).ok_or_else(|| unsupported("a surrogate character"))?;
            Ok(c.to_string().into())
        }
        "abs" => {
            let [value] = arguments.bind_positions(name, 1)?;
            match value.unwrap_or(Value::None) {
                Value::Float(number) => Ok(Value::Float(number.abs())),
                other => match other.as_integer() {
                    Some(number) => number
                        .checked_abs()
                        .map(Value::Int)
                        .ok_or_else(|| unsupported("an integer beyond 64 bits")),
                    None => Err(type_error(format!(
                        "bad operand type for abs(): '{}'",
                        other.type_name()
                    ))),
                },
            }
        }
        "divmod" => {
            let [left, right] = arguments.bind_positions(name, 2)?;
            let (left, right) = (left.unwrap_or(Value::None), right.unwrap_or(Value::None));
            if left.as_str().is_some() {
                return Err(type_error("unsupported operand type(s) for divmod()"));
            }
            let quotient = binary(interpreter, Operator::FloorDivide, &left, &right)?;
            let rest = binary(interpreter, Operator::Modulo, &left, &right)?;
            Ok(Value::tuple([quotient, rest]))
        }
        "callable" => {
            let [value] = arguments.bind_positions(name, 1)?;
            Ok(Value::Bool(value.unwrap_or(Value::None).is_callable()))
        }
        "isinstance" => {
            let [value, class] = arguments.bind_positions(name, 2)?;
            let value = value.unwrap_or(Value::None);
            Ok(Value::Bool(is_instance(&value, &class.unwrap_or(Value::None))?))
        }
        "type" => {
            let [value] = arguments.bind_positions(name, 1)?;
            let value = value.unwrap_or(Value::None);
            match value.type_name() {
                "NoneType" | "module" | "function" => Err(unsupported("this type as a value")),
                found => find(found).ok_or_else(|| unsupported("this type as a value")),
            }
        }
        // Python 2's, for the `foldersort` that OfflineIMAP's sample configuration shows.
        "cmp" => {
            let [left, right] = arguments.bind_positions(name, 2)?;
            let (left, right) = (left.unwrap_or(Value::None), right.unwrap_or(Value::None));
            if equal(&left, &right, budget)? {
                return Ok(Value::Int(0));
            }
            Ok(Value::Int(if less(&left, &right, budget)? { -1 } else { 1 }))
        }
        "__import__" => {
            let module = arguments.positional.first().and_then(Value::as_str).unwrap_or_default();
            match module {
                "os" | "re" => find(module).ok_or_else(|| unsupported("__import__()")),
                _ => Err(unsupported(format!("the module {module:?}"))),
            }
        }
        "open" => open(interpreter, arguments),
        _ => Err(unsupported(format!("the builtin {name}"))),
    }
}

/// `open(path, mode)`: reads the whole file at once.
fn open(interpreter: &Interpreter<'_>, mut arguments: Arguments) -> Outcome<Value> {
    let encoding = arguments.take_keyword("encoding").filter(|e| !matches!(e, Value::None));
    let [path, mode] = arguments.bind("open", ["file", "mode"], 1)?;
    let path = path.unwrap_or(Value::None);
    let Some(path) = path.as_str() else {
        return Err(unsupported("open() of anything but a path"));
    };
    let binary = match mode.as_ref().map(|mode| mode.as_str().unwrap_or("?")) {
        None | Some("r" | "rt" | "tr") => false,
        Some("rb" | "br") => true,
        Some(other) => return Err(unsupported(format!("open() with mode {other:?}"))),
    };
    let content = interpreter.effects.read_file(path)?;
    interpreter.budget.spend_length(content.len())?;
    let content = if binary {
        Value::Bytes(content.into())
    } else {
        let text = decode(&content, encoding.as_ref(), None)?;
        // Files in text mode have their line ends made uniform.
        let text = text.as_str().unwrap_or_default();
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    };
    Ok(Value::object(ObjectKind::File(ReadFile::new(content))))
}

fn is_instance(value: &Value, class: &Value) -> Outcome<bool> {
    if let Value::Tuple(classes) = class {
        for class in classes.iter() {
            if is_instance(value, class)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match class.as_object() {
        Some(ObjectKind::Builtin(name)) if super::value::is_type(name) => {
            let found = value.type_name();
            Ok(found == *name || *name == "object" || (found == "bool" && *name == "int"))
        }
        _ => Err(type_error("isinstance() arg 2 must be a type, a tuple of types, or a union")),
    }
}

/// The number of an argument that must be an integer.
fn integer(value: &Value) -> Outcome<i64> {
    value.as_integer().ok_or_else(|| {
        let name = value.type_name();
        type_error(format!("'{name}' object cannot be interpreted as an integer"))
    })
}

const NAMES: [&str; 39] = [
    "__import__",
    "abs",
    "all",
    "any",
    "ascii",
    "bool",
    "bytes",
    "callable",
    "chr",
    "cmp",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "int",
    "isinstance",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "object",
    "open",
    "ord",
    "range",
    "repr",
    "reversed",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
];

const PYTHON_ONLY: [&str; 28] = [
    "Ellipsis",
    "NotImplemented",
    "__debug__",
    "bin",
    "breakpoint",
    "bytearray",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dir",
    "eval",
    "exec",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "input",
    "issubclass",
    "locals",
    "memoryview",
    "oct",
    "pow",
    "print",
    "round",
    "setattr",
    "vars",
];
