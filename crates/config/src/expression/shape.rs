//! What simple expressions amount to, so that they can be said without Python.

use std::sync::Arc;

use super::syntax::{
    CallArguments, Comparison, Entry, Item, Kind, Lambda, Node, Parameter, Passing, Trailer,
};
use super::value::Value;

/// What an expression amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A function that selects names: those that fit an `include` pattern (all if there is none),
    /// except those that fit an `exclude` pattern. `*` stands for any text, `?` for any character.
    Selection {
        /// Patterns of names for which the function is true.
        include: Vec<String>,
        /// Patterns of names for which it is false.
        exclude: Vec<String>,
    },
    /// A function that gives some names other names and leaves the rest as they are.
    Renaming(Vec<Rename>),
    /// The content of a file, or its first line.
    FileContent(String),
    /// The value of an environment variable.
    Variable(String),
    /// What a function returns that is not of the language.
    Call {
        /// Its name.
        function: String,
        /// Its arguments, all of them texts.
        arguments: Vec<String>,
    },
}

/// A name, or the beginning of names, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// What is replaced.
    pub from: String,
    /// What it is replaced with.
    pub to: String,
    /// Of which names.
    pub extent: Extent,
}

/// How much of a name a [`Rename`] speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The whole name.
    Whole,
    /// Its beginning.
    Beginning,
}

/// The shape of a whole expression; `None` if it is none of the simple ones.
pub(super) fn of(node: &Node) -> Option<Shape> {
    match &node.kind {
        Kind::Lambda(lambda) => of_lambda(lambda),
        Kind::Access { base, trailers } => of_value(base, trailers),
        _ => None,
    }
}

fn of_lambda(lambda: &Lambda) -> Option<Shape> {
    let [
        Parameter { name, passing: Passing::PositionOnly | Passing::PositionOrName, default: None },
    ] = lambda.parameters.as_slice()
    else {
        return None;
    };
    let function = Function { parameter: name };
    let selection = function.selection(&lambda.body);
    selection.or_else(|| function.renames(&lambda.body).map(Shape::Renaming))
}

/// `open(path).read()`, `os.environ[name]` and the like.
fn of_value(base: &Node, trailers: &[Trailer]) -> Option<Shape> {
    let Kind::Name(name) = &base.kind else { return None };
    match (&**name, trailers) {
        (
            "open",
            [
                Trailer::Call(path),
                Trailer::Attribute { name: read, .. },
                Trailer::Call(_),
                rest @ ..,
            ],
        ) if ["read", "readline"].contains(&&**read) && strips_only(rest) => {
            Some(Shape::FileContent(text(only_argument(path)?)?))
        }
        ("os", [Trailer::Attribute { name: environ, .. }, Trailer::Index(index)])
            if &**environ == "environ" =>
        {
            Some(Shape::Variable(text(index)?))
        }
        ("os", [Trailer::Attribute { name: getenv, .. }, Trailer::Call(call)])
            if &**getenv == "getenv" =>
        {
            Some(Shape::Variable(text(only_argument(call)?)?))
        }
        (
            "os",
            [
                Trailer::Attribute { name: environ, .. },
                Trailer::Attribute { name: get, .. },
                Trailer::Call(call),
            ],
        ) if &**environ == "environ" && &**get == "get" => {
            Some(Shape::Variable(text(only_argument(call)?)?))
        }
        (function, [Trailer::Call(call)]) if call.keywords.is_empty() => {
            let argument = |item: &Item| match item {
                Item::Plain(node) => text(node),
                Item::Unpacked(_) => None,
            };
            let arguments = call.positional.iter().map(argument).collect::<Option<_>>()?;
            Some(Shape::Call { function: function.to_owned(), arguments })
        }
        _ => None,
    }
}

fn strips_only(trailers: &[Trailer]) -> bool {
    trailers.iter().all(|trailer| match trailer {
        Trailer::Attribute { name, .. } => ["strip", "rstrip"].contains(&&**name),
        Trailer::Call(call) => call.positional.len() < 2 && call.keywords.is_empty(),
        Trailer::Index(_) | Trailer::Slice { .. } => false,
    })
}

/// Which names a condition is about, and which way.
struct Condition {
    holds: Holds,
    patterns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    ForThese,
    ForAllOthers,
}

/// A function of one name.
struct Function<'a> {
    parameter: &'a Arc<str>,
}

impl Function<'_> {
    fn selection(&self, body: &Node) -> Option<Shape> {
        let conditions = match &body.kind {
            Kind::And(parts) => {
                parts.iter().map(|part| self.condition(part)).collect::<Option<_>>()?
            }
            _ => vec![self.condition(body)?],
        };
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        for Condition { holds, patterns } in conditions {
            match holds {
                // Two of them would mean names that fit both.
                Holds::ForThese if !include.is_empty() => return None,
                Holds::ForThese => include = patterns,
                Holds::ForAllOthers => exclude.extend(patterns),
            }
        }
        Some(Shape::Selection { include, exclude })
    }

    fn condition(&self, node: &Node) -> Option<Condition> {
        let these = |patterns| Some(Condition { holds: Holds::ForThese, patterns });
        match &node.kind {
            Kind::Not(inner) => {
                let Condition { holds, patterns } = self.condition(inner)?;
                let holds = match holds {
                    Holds::ForThese => Holds::ForAllOthers,
                    Holds::ForAllOthers => Holds::ForThese,
                };
                Some(Condition { holds, patterns })
            }
            Kind::Or(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    let Condition { holds, patterns } = self.condition(part)?;
                    if holds != Holds::ForThese {
                        return None;
                    }
                    all.extend(patterns);
                }
                these(all)
            }
            Kind::Comparison { first, rest } => {
                let [(operator, second)] = rest.as_slice() else { return None };
                self.comparison(first, *operator, second)
            }
            Kind::Access { base, trailers } => {
                let [Trailer::Attribute { name: method, .. }, Trailer::Call(call)] =
                    trailers.as_slice()
                else {
                    return None;
                };
                if self.is_parameter(base) {
                    let ends = texts(only_argument(call)?)?;
                    let around = |end: String| match &**method {
                        "startswith" => Some(format!("{}*", literal(&end))),
                        "endswith" => Some(format!("*{}", literal(&end))),
                        _ => None,
                    };
                    return these(ends.into_iter().map(around).collect::<Option<_>>()?);
                }
                let (pattern, subject) = regex_arguments(base, call)?;
                if !self.is_parameter(subject) {
                    return None;
                }
                these(match &**method {
                    "search" => globs(&pattern)?,
                    "match" => globs(&format!("^(?:{pattern})"))?,
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    fn comparison(&self, first: &Node, operator: Comparison, second: &Node) -> Option<Condition> {
        let holds = match operator {
            Comparison::In | Comparison::Equal => Holds::ForThese,
            Comparison::NotIn | Comparison::NotEqual => Holds::ForAllOthers,
            _ => return None,
        };
        let patterns = match operator {
            Comparison::In | Comparison::NotIn if self.is_parameter(first) => {
                // In a text it would be a part of that text.
                if text(second).is_some() {
                    return None;
                }
                texts(second)?.iter().map(|name| literal(name)).collect()
            }
            Comparison::In | Comparison::NotIn if self.is_parameter(second) => {
                vec![format!("*{}*", literal(&text(first)?))]
            }
            Comparison::Equal | Comparison::NotEqual if self.is_parameter(first) => {
                vec![literal(&text(second)?)]
            }
            Comparison::Equal | Comparison::NotEqual if self.is_parameter(second) => {
                vec![literal(&text(first)?)]
            }
            _ => return None,
        };
        Some(Condition { holds, patterns })
    }

    /// The renames of a body, in the order in which they are tried.
    fn renames(&self, body: &Node) -> Option<Vec<Rename>> {
        match &body.kind {
            Kind::Conditional { cases, otherwise } => {
                let mut renames = Vec::new();
                for case in cases {
                    let Kind::Comparison { first, rest } = &case.condition.kind else {
                        return None;
                    };
                    let [(Comparison::Equal, name)] = rest.as_slice() else { return None };
                    let name = if self.is_parameter(first) { name } else { first };
                    renames.push(Rename {
                        from: text(name)?,
                        to: text(&case.value)?,
                        extent: Extent::Whole,
                    });
                }
                renames.extend(self.rest(otherwise)?);
                Some(renames)
            }
            Kind::Access { base, trailers } => {
                let [Trailer::Attribute { name: method, .. }, Trailer::Call(call)] =
                    trailers.as_slice()
                else {
                    return None;
                };
                match (&base.kind, &**method) {
                    (Kind::Dict(entries), "get") => self.looked_up(entries, call),
                    (Kind::Name(module), "sub") if &**module == "re" => self.substituted(call),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What remains: the name itself, or further renames.
    fn rest(&self, node: &Node) -> Option<Vec<Rename>> {
        if self.is_parameter(node) { Some(Vec::new()) } else { self.renames(node) }
    }

    /// `{old: new}.get(name, name)`
    fn looked_up(&self, entries: &[Entry], call: &CallArguments) -> Option<Vec<Rename>> {
        let [Item::Plain(name), Item::Plain(otherwise)] = call.positional.as_slice() else {
            return None;
        };
        if !self.is_parameter(name) {
            return None;
        }
        let mut renames = entries
            .iter()
            .map(|entry| match entry {
                Entry::Pair(from, to) => {
                    Some(Rename { from: text(from)?, to: text(to)?, extent: Extent::Whole })
                }
                Entry::Unpacked(_) => None,
            })
            .collect::<Option<Vec<_>>>()?;
        renames.extend(self.rest(otherwise)?);
        Some(renames)
    }

    /// `re.sub('^old', 'new', name)`
    fn substituted(&self, call: &CallArguments) -> Option<Vec<Rename>> {
        let [Item::Plain(pattern), Item::Plain(replacement), Item::Plain(subject)] =
            call.positional.as_slice()
        else {
            return None;
        };
        let replacement = text(replacement).filter(|text| !text.contains('\\'))?;
        let pattern = text(pattern)?;
        let pattern = pattern.strip_prefix('^')?;
        let (pattern, extent) = match pattern.strip_suffix('$') {
            Some(pattern) if !pattern.ends_with('\\') => (pattern, Extent::Whole),
            _ => (pattern, Extent::Beginning),
        };
        let from = plain(pattern)?;
        let mut renames = self.rest(subject)?;
        renames.push(Rename { from, to: replacement, extent });
        Some(renames)
    }

    fn is_parameter(&self, node: &Node) -> bool {
        matches!(&node.kind, Kind::Name(name) if name == self.parameter)
    }
}

/// The pattern and the subject of `re.search(pattern, subject)`.
fn regex_arguments<'n>(base: &Node, call: &'n CallArguments) -> Option<(String, &'n Node)> {
    let Kind::Name(module) = &base.kind else { return None };
    let [Item::Plain(pattern), Item::Plain(subject)] = call.positional.as_slice() else {
        return None;
    };
    (&**module == "re" && call.keywords.is_empty()).then_some((text(pattern)?, subject))
}

fn only_argument(call: &CallArguments) -> Option<&Node> {
    match call.positional.as_slice() {
        [Item::Plain(argument)] if call.keywords.is_empty() => Some(argument),
        _ => None,
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Constant(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// One text, or a display of texts.
fn texts(node: &Node) -> Option<Vec<String>> {
    let (Kind::List(items) | Kind::Tuple(items) | Kind::Set(items)) = &node.kind else {
        return text(node).map(|text| vec![text]);
    };
    let item = |item: &Item| match item {
        Item::Plain(node) => text(node),
        Item::Unpacked(_) => None,
    };
    items.iter().map(item).collect()
}

/// A pattern for just this text, as far as patterns can say it: what is special in them, and the
/// comma between them, becomes any character.
fn literal(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '*' | '?' | ',') { '?' } else { c }).collect()
}

/// The text that a regular expression without any special character fits.
fn plain(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => text.push(characters.next().filter(|c| !c.is_alphanumeric())?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => {
                return None;
            }
            c => text.push(c),
        }
    }
    Some(text)
}

/// How many patterns a regular expression may come to.
const GLOBS_LIMIT: usize = 100;

/// The patterns that say the same as a regular expression that is searched for: alternatives of
/// text, `.` and `.*`, anchored or not.
fn globs(pattern: &str) -> Option<Vec<String>> {
    let mut expansion = Expansion { rest: pattern.chars().collect(), at: 0 };
    let expanded = expansion.alternatives()?;
    if expansion.at < expansion.rest.len() {
        return None;
    }
    expanded.into_iter().map(|glob| anchored(&glob)).collect()
}

/// Marks the place of `^` and of `$` while a pattern is expanded.
const START: char = '\u{1}';
const END: char = '\u{2}';

fn anchored(glob: &str) -> Option<String> {
    let (start, glob) = match glob.strip_prefix(START) {
        Some(rest) => ("", rest.trim_start_matches(START)),
        None => ("*", glob),
    };
    let (end, glob) = match glob.strip_suffix(END) {
        Some(rest) => ("", rest.trim_end_matches(END)),
        None => ("*", glob),
    };
    if glob.contains([START, END]) {
        return None;
    }
    let mut whole = format!("{start}{glob}{end}");
    while whole.contains("**") {
        whole = whole.replace("**", "*");
    }
    Some(whole)
}

/// Writes a regular expression out as all the texts that it fits.
struct Expansion {
    rest: Vec<char>,
    at: usize,
}

impl Expansion {
    fn alternatives(&mut self) -> Option<Vec<String>> {
        let mut all = self.sequence()?;
        while self.peek() == Some('|') {
            self.at += 1;
            all.extend(self.sequence()?);
        }
        (all.len() <= GLOBS_LIMIT).then_some(all)
    }

    fn sequence(&mut self) -> Option<Vec<String>> {
        let mut all = vec![String::new()];
        while let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) {
            self.at += 1;
            let parts = match c {
                '(' => {
                    if self.peek() == Some('?') {
                        self.at += 1;
                        self.take(':')?;
                    }
                    let parts = self.alternatives()?;
                    self.take(')')?;
                    parts
                }
                '^' => vec![START.to_string()],
                '$' => vec![END.to_string()],
                '\\' => {
                    let escaped = self.peek().filter(|c| !c.is_alphanumeric())?;
                    self.at += 1;
                    vec![literal(&escaped.to_string())]
                }
                '.' if self.peek() == Some('*') => {
                    self.at += 1;
                    vec!["*".to_owned()]
                }
                '.' => vec!["?".to_owned()],
                '*' | '+' | '?' | '[' | ']' | '{' | '}' => return None,
                c => vec![literal(&c.to_string())],
            };
            if self.peek().is_some_and(|c| matches!(c, '*' | '+' | '?' | '{')) {
                return None;
            }
            all = all
                .iter()
                .flat_map(|start| parts.iter().map(move |part| format!("{start}{part}")))
                .take(GLOBS_LIMIT + 1)
                .collect();
        }
        Some(all)
    }

    fn take(&mut self, expected: char) -> Option<()> {
        (self.peek() == Some(expected)).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::{Expression, Scope};

    use super::*;

    fn shape(text: &str) -> Option<Shape> {
        Expression::parse(text, Scope::folder_option()).unwrap().shape()
    }

    fn selection(include: &[&str], exclude: &[&str]) -> Shape {
        let owned = |patterns: &[&str]| patterns.iter().map(|it| (*it).to_owned()).collect();
        Shape::Selection { include: owned(include), exclude: owned(exclude) }
    }

    #[test]
    fn filters_are_patterns() {
        for (text, include, exclude) in [
            ("lambda f: f in ['INBOX', 'Sent, old']", &["INBOX", "Sent? old"][..], &[][..]),
            ("lambda f: f not in ('Trash',)", &[], &["Trash"]),
            ("lambda f: not f == 'Trash'", &[], &["Trash"]),
            ("lambda f: f.startswith(('a', 'b'))", &["a*", "b*"], &[]),
            ("lambda f: 'list' in f and not f.endswith('.old')", &["*list*"], &["*.old"]),
            ("lambda f: f == 'a' or f == 'b'", &["a", "b"], &[]),
            ("lambda f: not re.search(r'(^Trash$|Del)', f)", &[], &["Trash", "*Del*"]),
            (r"lambda f: re.match('INBOX\\.(a|b.*)$', f)", &["INBOX.a", "INBOX.b*"], &[]),
        ] {
            assert_eq!(shape(text), Some(selection(include, exclude)), "{text}");
        }
    }

    #[test]
    fn translations_are_renames() {
        let rename = |from: &str, to: &str, extent| Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            extent,
        };
        for (text, renames) in [
            (
                "lambda f: {'[Gmail]/Sent Mail': 'sent'}.get(f, f)",
                vec![rename("[Gmail]/Sent Mail", "sent", Extent::Whole)],
            ),
            (
                r"lambda f: re.sub(r'^INBOX\.', '', f)",
                vec![rename("INBOX.", "", Extent::Beginning)],
            ),
            (
                "lambda f: 'a' if f == 'b' else re.sub('^c$', 'd', f)",
                vec![rename("b", "a", Extent::Whole), rename("c", "d", Extent::Whole)],
            ),
        ] {
            assert_eq!(shape(text), Some(Shape::Renaming(renames)), "{text}");
        }
    }

    #[test]
    fn values_of_files_and_variables_are_recognised() {
        for text in ["open('~/x').read().strip()", "open('~/x').readline().rstrip('\\n')"] {
            assert_eq!(shape(text), Some(Shape::FileContent("~/x".to_owned())), "{text}");
        }
        let scope = Scope::other_option();
        for text in ["os.environ['PW']", "os.getenv('PW')", "os.environ.get('PW')"] {
            let shape = Expression::parse(text, scope).unwrap().shape();
            assert_eq!(shape, Some(Shape::Variable("PW".to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_simple_has_no_shape() {
        for text in [
            "lambda f: True",
            "lambda f: f in 'INBOX'",
            "lambda f: f.lower() == 'inbox'",
            "lambda f: re.search('a+', f)",
            "lambda f: re.search('[ab]', f)",
            "lambda f: re.search('a|b$c', f)",
            "lambda f: f.startswith('a') and f.endswith('b')",
            "lambda f: not f == 'a' or f == 'b'",
            "lambda f: re.sub('a', 'b', f)",
            r"lambda f: re.sub('^a', r'\g<0>', f)",
            "lambda f: {'a': 'b'}.get(f)",
            "lambda f, g: f == g",
            "lambda f='a': f == 'b'",
            "1 + 1",
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
    }
}
