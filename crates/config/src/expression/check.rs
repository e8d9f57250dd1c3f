//! The check of a syntax tree before it runs: what is not supported, and which names are missing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Scope;
use super::attribute;
use super::builtin;
use super::error::{ExpressionError, ExpressionPosition};
use super::module;
use super::regex::Pattern;
use super::syntax::{Comprehension, Entry, Item, Kind, Lambda, Node, Segment, Trailer};
use super::value::Value;

/// Checks a tree, and gives the names that only a pythonfile can provide.
///
/// Attributes of what the pythonfile provides are its own affair; any other attribute, builtin or
/// module must be one that evaluation knows, and any literal pattern must compile.
pub(super) fn check(
    text: &str,
    node: &Node,
    scope: Scope,
) -> Result<BTreeSet<String>, ExpressionError> {
    let mut checker = Checker { text, scope, bound: Vec::new(), external: BTreeSet::new() };
    checker.node(node)?;
    Ok(checker.external)
}

struct Checker<'a> {
    text: &'a str,
    scope: Scope,
    /// The names of the lambdas and comprehensions around.
    bound: Vec<Arc<[Arc<str>]>>,
    external: BTreeSet<String>,
}

type Checked = Result<(), ExpressionError>;

impl Checker<'_> {
    fn node(&mut self, node: &Node) -> Checked {
        match &node.kind {
            Kind::Constant(_) => Ok(()),
            Kind::Name(name) => self.name(name, node.at),
            Kind::Formatted(segments) => self.segments(segments),
            Kind::Tuple(items) | Kind::List(items) | Kind::Set(items) => self.items(items),
            Kind::Dict(entries) => {
                for entry in entries {
                    match entry {
                        Entry::Pair(key, value) => {
                            self.node(key)?;
                            self.node(value)?;
                        }
                        Entry::Unpacked(node) => self.node(node)?,
                    }
                }
                Ok(())
            }
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
            Kind::Lambda(lambda) => self.lambda(lambda),
            Kind::Conditional { cases, otherwise } => {
                for case in cases {
                    self.node(&case.condition)?;
                    self.node(&case.value)?;
                }
                self.node(otherwise)
            }
            Kind::And(nodes) | Kind::Or(nodes) => nodes.iter().try_for_each(|node| self.node(node)),
            Kind::Not(operand) | Kind::Unary(_, operand) => self.node(operand),
            Kind::Comparison { first, rest } => {
                self.node(first)?;
                rest.iter().try_for_each(|(_, node)| self.node(node))
            }
            Kind::Binary { first, rest } => {
                self.node(first)?;
                rest.iter().try_for_each(|(_, node)| self.node(node))
            }
            Kind::Power(base, exponent) => {
                self.node(base)?;
                self.node(exponent)
            }
            Kind::Access { base, trailers } => self.access(base, trailers),
        }
    }

    fn name(&mut self, name: &str, at: usize) -> Checked {
        if self.is_bound(name) {
            return Ok(());
        }
        let provided = match name {
            "re" => self.scope.has_re(),
            _ => builtin::find(name).is_some(),
        };
        if provided {
            return Ok(());
        }
        if self.scope.has_pythonfile() {
            // A builtin that is missing here may be the pythonfile's, or Python's own.
            self.external.insert(name.to_owned());
            return Ok(());
        }
        if builtin::is_python_only(name) {
            return Err(self.unsupported(&format!("the builtin '{name}'"), at));
        }
        let position = ExpressionPosition::of(self.text, at);
        Err(ExpressionError::UnknownName { name: name.to_owned(), position })
    }

    fn access(&mut self, base: &Node, trailers: &[Trailer]) -> Checked {
        self.node(base)?;
        // The module that the value is so far, as far as can be seen from here.
        let mut module = match &base.kind {
            Kind::Name(name) if !self.is_bound(name) => match &**name {
                "re" if self.scope.has_re() => Some("re"),
                "os" => Some("os"),
                "__import__" => Some("__import__"),
                _ => None,
            },
            _ => None,
        };
        let mut opaque = matches!(&base.kind, Kind::Name(name) if self.external.contains(&**name));
        let mut function: Option<&str> = None;
        for trailer in trailers {
            match trailer {
                Trailer::Attribute { name, at } => {
                    opaque |= module == Some("os") && self.scope.has_pythonfile();
                    self.attribute(module, name, *at, opaque)?;
                    function = (module == Some("re")).then_some(&**name);
                    module = match (module, &**name) {
                        (Some("os"), "path") => Some("os.path"),
                        _ => None,
                    };
                }
                Trailer::Call(call) => {
                    if function.is_some_and(module::takes_pattern) {
                        self.pattern(call.positional.first(), &call.keywords)?;
                    }
                    let imported = match (module, call.positional.as_slice()) {
                        (Some("__import__"), [Item::Plain(argument), ..]) => {
                            Some(self.imported(argument)?)
                        }
                        _ => None,
                    };
                    module = imported;
                    function = None;
                    self.items(&call.positional)?;
                    call.keywords.iter().try_for_each(|(_, node)| self.node(node))?;
                }
                Trailer::Index(node) => {
                    (module, function) = (None, None);
                    self.node(node)?;
                }
                Trailer::Slice { start, stop, step } => {
                    (module, function) = (None, None);
                    for node in [start, stop, step].into_iter().flatten() {
                        self.node(node)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn attribute(
        &self,
        module: Option<&'static str>,
        name: &str,
        at: usize,
        opaque: bool,
    ) -> Checked {
        let unknown = match module {
            _ if opaque => None,
            Some(module @ ("re" | "os" | "os.path")) => {
                module::attribute(module, name).is_err().then(|| format!("{module}.{name}"))
            }
            _ => (!attribute::is_known(name)).then(|| format!("the attribute .{name}")),
        };
        unknown.map_or(Ok(()), |construct| Err(self.unsupported(&construct, at)))
    }

    /// The module of an `__import__` with a literal name.
    fn imported(&self, argument: &Node) -> Result<&'static str, ExpressionError> {
        match &argument.kind {
            Kind::Constant(Value::Str(name)) if &**name == "os" => Ok("os"),
            Kind::Constant(Value::Str(name)) if &**name == "re" => Ok("re"),
            Kind::Constant(Value::Str(name)) => {
                Err(self.unsupported(&format!("the module '{name}'"), argument.at))
            }
            _ => Err(self.unsupported("an import by a computed name", argument.at)),
        }
    }

    /// Compiles the literal pattern of a call, under the literal's own flags only.
    fn pattern(&self, first: Option<&Item>, keywords: &[(Option<Arc<str>>, Node)]) -> Checked {
        let by_name = || {
            let mut named = keywords.iter();
            named.find(|(name, _)| name.as_deref() == Some("pattern")).map(|(_, node)| node)
        };
        let node = match first {
            Some(Item::Plain(node)) => Some(node),
            Some(Item::Unpacked(_)) => None,
            None => by_name(),
        };
        let Some(Node { at, kind: Kind::Constant(Value::Str(source)) }) = node else {
            return Ok(());
        };
        Pattern::compile(source, 0).map(|_| ()).map_err(|error| ExpressionError::Pattern {
            message: error.message,
            position: ExpressionPosition::of(self.text, *at),
        })
    }

    fn comprehension(&mut self, comprehension: &Comprehension) -> Checked {
        let mut clauses = comprehension.clauses.iter();
        let first = clauses.next();
        if let Some(first) = first {
            self.node(&first.iterable)?;
        }
        self.bound.push(Arc::clone(&comprehension.names));
        let conditions = first.into_iter().flat_map(|clause| &clause.conditions);
        let result = conditions
            .chain(clauses.flat_map(|c| std::iter::once(&c.iterable).chain(&c.conditions)))
            .chain(&comprehension.key)
            .chain([&comprehension.element])
            .try_for_each(|node| self.node(node));
        self.bound.pop();
        result
    }

    fn lambda(&mut self, lambda: &Lambda) -> Checked {
        for parameter in &lambda.parameters {
            parameter.default.as_ref().map_or(Ok(()), |node| self.node(node))?;
        }
        self.bound.push(Arc::clone(&lambda.names));
        let result = self.node(&lambda.body);
        self.bound.pop();
        result
    }

    fn segments(&mut self, segments: &[Segment]) -> Checked {
        for segment in segments {
            if let Segment::Field { value, spec, .. } = segment {
                self.node(value)?;
                self.segments(spec)?;
            }
        }
        Ok(())
    }

    fn items(&mut self, items: &[Item]) -> Checked {
        items.iter().try_for_each(|item| match item {
            Item::Plain(node) | Item::Unpacked(node) => self.node(node),
        })
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bound.iter().any(|names| names.iter().any(|bound| &**bound == name))
    }

    fn unsupported(&self, construct: &str, at: usize) -> ExpressionError {
        ExpressionError::Unsupported {
            construct: construct.to_owned(),
            position: ExpressionPosition::of(self.text, at),
        }
    }
}
