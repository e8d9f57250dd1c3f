//! Methods of builtin types.

mod bytes;
mod collection;
mod text;

pub(super) use bytes::{decode, encode};

use super::error::{Outcome, type_error, unsupported};
use super::evaluate::{Arguments, Interpreter};
use super::module;
use super::value::{ObjectKind, Value};

/// Calls a method of a value.
pub(super) fn call(
    interpreter: &Interpreter<'_>,
    receiver: &Value,
    name: &str,
    arguments: Arguments,
) -> Outcome<Value> {
    match receiver {
        Value::Str(receiver) => text::call(interpreter, receiver, name, arguments),
        Value::Bytes(receiver) => bytes::call(interpreter, receiver, name, arguments),
        Value::List(_) | Value::Tuple(_) => {
            collection::sequence(interpreter, receiver, name, arguments)
        }
        Value::Dict(receiver) => collection::dict(interpreter, receiver, name, arguments),
        Value::Set(set) | Value::FrozenSet(set) => {
            collection::set(interpreter, receiver, set, name, arguments)
        }
        _ => match receiver.as_object() {
            Some(ObjectKind::Range(_)) => {
                let items = Value::Tuple(interpreter.collect(receiver)?.into());
                collection::sequence(interpreter, &items, name, arguments)
            }
            Some(ObjectKind::Pattern(pattern)) => {
                module::pattern_method(interpreter, pattern, name, arguments)
            }
            Some(ObjectKind::Match(found)) => found.method(name, arguments, &interpreter.budget),
            Some(ObjectKind::File(_)) => collection::file(interpreter, receiver, name, &arguments),
            Some(ObjectKind::Environment) => {
                module::environment_get(interpreter, arguments.bind("get", ["key", "default"], 1)?)
            }
            _ => Err(unsupported(format!("the method .{name}"))),
        },
    }
}

/// Calls a method of a type with the receiver as first argument: `str.lower(x)`.
pub(super) fn call_unbound(
    interpreter: &Interpreter<'_>,
    owner: &str,
    name: &str,
    mut arguments: Arguments,
) -> Outcome<Value> {
    if (owner, name) == ("dict", "fromkeys") {
        return collection::from_keys(interpreter, arguments);
    }
    if arguments.positional.is_empty() {
        return Err(type_error(format!("unbound method {owner}.{name}() needs an argument")));
    }
    let receiver = arguments.positional.remove(0);
    if receiver.type_name() != owner {
        return Err(type_error(format!(
            "descriptor '{name}' for '{owner}' objects doesn't apply to a '{}' object",
            receiver.type_name()
        )));
    }
    call(interpreter, &receiver, name, arguments)
}
