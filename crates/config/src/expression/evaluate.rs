//! The evaluation of a syntax tree.

mod arguments;
mod operator;
mod subscript;

use std::sync::Arc;

pub(super) use arguments::Arguments;
pub(super) use operator::{binary, float_of};
pub(super) use subscript::{SliceBounds, index};

use super::attribute;
use super::budget::Budget;
use super::builtin;
use super::effects::Effects;
use super::error::{Exception, Outcome, PythonError, type_error, unsupported};
use super::format;
use super::iterate::Generator;
use super::method;
use super::module;
use super::syntax::{
    CallArguments, Comparison, Comprehension, Entry, Item, Kind, Node, Passing, Segment, Shape,
    Trailer,
};
use super::value::{
    Closure, Dict, Frame, ObjectKind, Set, Value, Variable, compare, equal, identical, less, repr,
    to_text,
};

/// One evaluation: its budget and its surroundings.
pub(super) struct Interpreter<'a> {
    pub(super) budget: Budget,
    pub(super) effects: &'a dyn Effects,
}

/// The variables in scope.
type Scope<'a> = Option<&'a Arc<Frame>>;

impl<'a> Interpreter<'a> {
    /// An evaluation with a full budget.
    pub(super) fn new(effects: &'a dyn Effects) -> Self {
        Self { budget: Budget::new(), effects }
    }

    /// The value of a node.
    pub(super) fn evaluate(&self, node: &Node, scope: Scope<'_>) -> Outcome<Value> {
        let _level = self.budget.descend()?;
        self.budget.spend(1)?;
        match &node.kind {
            Kind::Constant(value) => Ok(value.clone()),
            Kind::Name(name) => self.name(name, scope),
            Kind::Formatted(segments) => Ok(self.formatted(segments, scope)?.into()),
            Kind::Tuple(items) => Ok(Value::Tuple(self.items(items, scope)?.into())),
            Kind::List(items) => Ok(Value::List(self.items(items, scope)?.into())),
            Kind::Set(items) => {
                let items = self.items(items, scope)?;
                Ok(Value::Set(Arc::new(self.set(items)?)))
            }
            Kind::Dict(entries) => self.dict(entries, scope),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension, scope),
            Kind::Lambda(lambda) => {
                let defaults = lambda.parameters.iter().filter_map(|p| p.default.as_ref());
                let defaults =
                    defaults.map(|node| self.evaluate(node, scope)).collect::<Outcome<_>>()?;
                let closure =
                    Closure { lambda: Arc::clone(lambda), defaults, frame: scope.cloned() };
                Ok(Value::object(ObjectKind::Closure(closure)))
            }
            Kind::Conditional { cases, otherwise } => {
                for case in cases {
                    if self.evaluate(&case.condition, scope)?.is_true() {
                        return self.evaluate(&case.value, scope);
                    }
                }
                self.evaluate(otherwise, scope)
            }
            Kind::And(nodes) => self.first_that(nodes, scope, |value| !value.is_true()),
            Kind::Or(nodes) => self.first_that(nodes, scope, Value::is_true),
            Kind::Not(operand) => Ok(Value::Bool(!self.evaluate(operand, scope)?.is_true())),
            Kind::Comparison { first, rest } => {
                let mut left = self.evaluate(first, scope)?;
                for (comparison, node) in rest {
                    let right = self.evaluate(node, scope)?;
                    if !self.holds(*comparison, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Kind::Binary { first, rest } => {
                let mut left = self.evaluate(first, scope)?;
                for (operator, node) in rest {
                    let right = self.evaluate(node, scope)?;
                    left = binary(self, *operator, &left, &right)?;
                }
                Ok(left)
            }
            Kind::Unary(sign, operand) => operator::unary(*sign, &self.evaluate(operand, scope)?),
            Kind::Power(base, exponent) => {
                let base = self.evaluate(base, scope)?;
                let exponent = self.evaluate(exponent, scope)?;
                binary(self, super::syntax::Operator::Power, &base, &exponent)
            }
            Kind::Access { base, trailers } => {
                let mut value = self.evaluate(base, scope)?;
                for trailer in trailers {
                    value = self.trailer(&value, trailer, scope)?;
                }
                Ok(value)
            }
        }
    }

    /// Calls a value.
    pub(super) fn call(&self, function: &Value, arguments: Arguments) -> Outcome<Value> {
        let _level = self.budget.descend()?;
        self.budget.spend(1 + arguments.positional.len())?;
        match function {
            Value::Object(object) => match object.kind() {
                ObjectKind::Closure(closure) => self.call_closure(closure, arguments),
                ObjectKind::Builtin(name) => builtin::call(self, name, arguments),
                ObjectKind::Function { module, name } => {
                    module::call(self, module, name, arguments)
                }
                ObjectKind::Method { receiver, name } => {
                    method::call(self, receiver, name, arguments)
                }
                ObjectKind::Unbound { owner, name } => {
                    method::call_unbound(self, owner, name, arguments)
                }
                _ => Err(not_callable(function)),
            },
            Value::External(object) => {
                self.effects.external().call(object, &arguments.positional, &arguments.keywords)
            }
            _ => Err(not_callable(function)),
        }
    }

    /// Whether a comparison holds.
    fn holds(&self, comparison: Comparison, left: &Value, right: &Value) -> Outcome<bool> {
        let order = |symbol| compare(left, right, symbol, &self.budget);
        Ok(match comparison {
            Comparison::Equal => equal(left, right, &self.budget)?,
            Comparison::NotEqual => !equal(left, right, &self.budget)?,
            Comparison::Less => less(left, right, &self.budget)?,
            Comparison::LessEqual => order("<=")?.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Greater => order(">")?.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::GreaterEqual => order(">=")?.is_some_and(std::cmp::Ordering::is_ge),
            Comparison::In => self.contains(right, left)?,
            Comparison::NotIn => !self.contains(right, left)?,
            Comparison::Is => identical(left, right),
            Comparison::IsNot => !identical(left, right),
        })
    }

    fn contains(&self, container: &Value, item: &Value) -> Outcome<bool> {
        match container {
            Value::Str(text) => {
                let Some(part) = item.as_str() else {
                    return Err(type_error(format!(
                        "'in <string>' requires string as left operand, not {}",
                        item.type_name()
                    )));
                };
                self.budget.spend(1 + text.len() / 16)?;
                Ok(text.contains(part))
            }
            Value::Bytes(bytes) => {
                if let Value::Bytes(part) = item {
                    self.budget.spend(1 + bytes.len() / 16)?;
                    Ok(part.is_empty() || bytes.windows(part.len()).any(|w| *w == **part))
                } else {
                    let number = item.as_integer().ok_or_else(|| {
                        let name = item.type_name();
                        type_error(format!("a bytes-like object is required, not '{name}'"))
                    })?;
                    let byte = u8::try_from(number)
                        .map_err(|_| super::error::value_error("byte must be in range(0, 256)"))?;
                    Ok(bytes.contains(&byte))
                }
            }
            Value::Dict(dict) => Ok(dict.find(item, &self.budget)?.is_some()),
            Value::Set(set) | Value::FrozenSet(set) => set.contains(item, &self.budget),
            Value::Object(object) => match object.kind() {
                ObjectKind::Range(range) if item.as_integer().is_some() => {
                    Ok(item.as_integer().is_some_and(|number| range.contains(number)))
                }
                ObjectKind::Environment => {
                    let Some(name) = item.as_str() else {
                        return Err(type_error("str expected"));
                    };
                    Ok(self.effects.environment_variable(name)?.is_some())
                }
                _ => self.iterates_over(container, item),
            },
            _ => self.iterates_over(container, item),
        }
    }

    fn iterates_over(&self, container: &Value, item: &Value) -> Outcome<bool> {
        let iterator = self.iterate(container).map_err(|error| {
            if error.exception != Exception::TypeError {
                return error;
            }
            type_error(format!("argument of type '{}' is not iterable", container.type_name()))
        })?;
        while let Some(next) = self.advance(&iterator)? {
            if identical(&next, item) || equal(&next, item, &self.budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A set of items.
    pub(super) fn set(&self, items: Vec<Value>) -> Outcome<Set> {
        let mut set = Set::default();
        for item in items {
            set.insert(item, &self.budget)?;
        }
        Ok(set)
    }

    fn name(&self, name: &Arc<str>, scope: Scope<'_>) -> Outcome<Value> {
        match scope.map_or(Variable::Unknown, |frame| frame.find(name)) {
            Variable::Value(value) => return Ok(value),
            Variable::Unassigned => {
                let message = format!(
                    "cannot access free variable '{name}' where it is not associated with a value \
                     in enclosing scope"
                );
                return Err(PythonError::new(Exception::NameError, message));
            }
            Variable::Unknown => {}
        }
        let external = self.effects.external();
        match builtin::find(name) {
            Some(builtin) if &**name == "re" || !external.replaces(name) => Ok(builtin),
            _ => external.get(name),
        }
    }

    fn first_that(
        &self,
        nodes: &[Node],
        scope: Scope<'_>,
        decides: impl Fn(&Value) -> bool,
    ) -> Outcome<Value> {
        let mut value = Value::None;
        for node in nodes {
            value = self.evaluate(node, scope)?;
            if decides(&value) {
                break;
            }
        }
        Ok(value)
    }

    fn items(&self, items: &[Item], scope: Scope<'_>) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Plain(node) => values.push(self.evaluate(node, scope)?),
                Item::Unpacked(node) => {
                    values.extend(self.collect(&self.evaluate(node, scope)?)?);
                }
            }
            self.budget.spend_length(values.len().min(16))?;
        }
        Ok(values)
    }

    fn dict(&self, entries: &[Entry], scope: Scope<'_>) -> Outcome<Value> {
        let mut dict = Dict::default();
        // As in CPython, a row of pairs is evaluated before the first key is hashed.
        let mut pairs = Vec::new();
        for entry in entries {
            match entry {
                Entry::Pair(key, value) => {
                    let key = self.evaluate(key, scope)?;
                    pairs.push((key, self.evaluate(value, scope)?));
                }
                Entry::Unpacked(node) => {
                    for (key, value) in pairs.drain(..) {
                        dict.insert(key, value, &self.budget)?;
                    }
                    let value = self.evaluate(node, scope)?;
                    let Value::Dict(other) = &value else {
                        let name = value.type_name();
                        return Err(type_error(format!("'{name}' object is not a mapping")));
                    };
                    for (key, value) in other.entries() {
                        dict.insert(key.clone(), value.clone(), &self.budget)?;
                    }
                }
            }
        }
        for (key, value) in pairs {
            dict.insert(key, value, &self.budget)?;
        }
        Ok(Value::Dict(Arc::new(dict)))
    }

    fn comprehension(
        &self,
        comprehension: &Arc<Comprehension>,
        scope: Scope<'_>,
    ) -> Outcome<Value> {
        // The first iterable belongs to the scope around, and is evaluated at once.
        let Some(first) = comprehension.clauses.first() else {
            return Err(unsupported("a comprehension without clauses"));
        };
        let source = self.iterate(&self.evaluate(&first.iterable, scope)?)?;
        let mut generator = Generator::new(Arc::clone(comprehension), scope.cloned(), source);
        match comprehension.shape {
            Shape::Generator => Ok(generator.into_value()),
            Shape::Dict => {
                let mut dict = Dict::default();
                while let Some((key, value)) = generator.advance(self)? {
                    dict.insert(key.unwrap_or(Value::None), value, &self.budget)?;
                }
                Ok(Value::Dict(Arc::new(dict)))
            }
            Shape::List => {
                let mut items = Vec::new();
                while let Some((_, value)) = generator.advance(self)? {
                    items.push(value);
                }
                Ok(Value::List(items.into()))
            }
            Shape::Set => {
                let mut set = Set::default();
                while let Some((_, value)) = generator.advance(self)? {
                    set.insert(value, &self.budget)?;
                }
                Ok(Value::Set(Arc::new(set)))
            }
        }
    }

    fn trailer(&self, value: &Value, trailer: &Trailer, scope: Scope<'_>) -> Outcome<Value> {
        match trailer {
            Trailer::Attribute { name, .. } => attribute::find(self, value, name),
            Trailer::Call(arguments) => {
                let arguments = self.call_arguments(arguments, scope)?;
                self.call(value, arguments)
            }
            Trailer::Index(node) => {
                let index = self.evaluate(node, scope)?;
                subscript::index(self, value, &index)
            }
            Trailer::Slice { start, stop, step } => {
                let bound = |node: &Option<Node>| match node {
                    Some(node) => self.evaluate(node, scope),
                    None => Ok(Value::None),
                };
                let bounds = [bound(start)?, bound(stop)?, bound(step)?];
                subscript::slice(self, value, &bounds)
            }
        }
    }

    fn call_arguments(&self, call: &CallArguments, scope: Scope<'_>) -> Outcome<Arguments> {
        let positional = self.items(&call.positional, scope)?;
        let mut keywords: Vec<(Arc<str>, Value)> = Vec::new();
        for (name, node) in &call.keywords {
            let value = self.evaluate(node, scope)?;
            let Some(name) = name else {
                let Value::Dict(dict) = &value else {
                    return Err(type_error("argument after ** must be a mapping"));
                };
                for (key, value) in dict.entries() {
                    let Value::Str(key) = key else {
                        return Err(type_error("keywords must be strings"));
                    };
                    keywords.push((Arc::clone(key), value.clone()));
                }
                continue;
            };
            keywords.push((Arc::clone(name), value));
        }
        for (index, (name, _)) in keywords.iter().enumerate() {
            if keywords.iter().take(index).any(|(before, _)| before == name) {
                let message = format!("got multiple values for keyword argument '{name}'");
                return Err(type_error(message));
            }
        }
        Ok(Arguments { positional, keywords })
    }

    fn call_closure(&self, closure: &Closure, arguments: Arguments) -> Outcome<Value> {
        let lambda = &closure.lambda;
        let given = arguments.positional.len();
        let mut positional = arguments.positional.into_iter();
        let mut keywords = arguments.keywords;
        let mut defaults = closure.defaults.iter();
        let mut values = Vec::with_capacity(lambda.parameters.len());
        for parameter in &lambda.parameters {
            let default = parameter.default.as_ref().and_then(|_| defaults.next());
            let by_name = |keywords: &mut Vec<(Arc<str>, Value)>| {
                let place = keywords.iter().position(|(name, _)| *name == parameter.name)?;
                Some(keywords.remove(place).1)
            };
            let value = match parameter.passing {
                Passing::Rest => Some(Value::Tuple(positional.by_ref().collect())),
                Passing::NamedRest => {
                    let mut dict = Dict::default();
                    for (name, value) in keywords.drain(..) {
                        dict.insert(Value::Str(name), value, &self.budget)?;
                    }
                    Some(Value::Dict(Arc::new(dict)))
                }
                Passing::NameOnly => by_name(&mut keywords),
                Passing::PositionOnly => positional.next(),
                Passing::PositionOrName => match positional.next() {
                    Some(_) if keywords.iter().any(|(name, _)| *name == parameter.name) => {
                        return Err(type_error(format!(
                            "<lambda>() got multiple values for argument '{}'",
                            parameter.name
                        )));
                    }
                    Some(value) => Some(value),
                    None => by_name(&mut keywords),
                },
            };
            let Some(value) = value.or_else(|| default.cloned()) else {
                return Err(type_error(format!(
                    "<lambda>() missing 1 required positional argument: '{}'",
                    parameter.name
                )));
            };
            values.push(Some(value));
        }
        if positional.next().is_some() {
            let places = |p: Passing| matches!(p, Passing::PositionOnly | Passing::PositionOrName);
            let takes = lambda.parameters.iter().filter(|p| places(p.passing)).count();
            let plural = if takes == 1 { "" } else { "s" };
            let verb = if given == 1 { "was" } else { "were" };
            return Err(type_error(format!(
                "<lambda>() takes {takes} positional argument{plural} but {given} {verb} given"
            )));
        }
        if let Some((name, _)) = keywords.first() {
            let message = format!("<lambda>() got an unexpected keyword argument '{name}'");
            return Err(type_error(message));
        }
        let frame = Frame::new(Arc::clone(&lambda.names), values, closure.frame.clone());
        self.evaluate(&lambda.body, Some(&frame))
    }

    fn formatted(&self, segments: &[Segment], scope: Scope<'_>) -> Outcome<String> {
        let mut text = String::new();
        for segment in segments {
            match segment {
                Segment::Text(piece) => text.push_str(piece),
                Segment::Field { value, conversion, spec } => {
                    let value = self.evaluate(value, scope)?;
                    let value = convert(self, value, *conversion)?;
                    let spec = self.formatted(spec, scope)?;
                    text.push_str(&format::format_value(&value, &spec, &self.budget)?);
                }
            }
            self.budget.spend_length(text.len())?;
        }
        Ok(text)
    }
}

/// Applies `!s`, `!r` or `!a`.
pub(super) fn convert(
    interpreter: &Interpreter<'_>,
    value: Value,
    conversion: Option<char>,
) -> Outcome<Value> {
    let budget = &interpreter.budget;
    Ok(match conversion {
        None => value,
        Some('r') => repr(&value, budget)?.into(),
        Some('a') => format::ascii(&repr(&value, budget)?).into(),
        Some(_) => to_text(&value, budget)?.into(),
    })
}

fn not_callable(value: &Value) -> PythonError {
    type_error(format!("'{}' object is not callable", value.type_name()))
}
