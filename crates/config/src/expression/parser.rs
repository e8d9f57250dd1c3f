//! From tokens to a syntax tree, by recursive descent.

mod display;
mod formatted;

use std::sync::Arc;

use super::error::{ExpressionError, ExpressionPosition};
use super::literal::StringLiteral;
use super::syntax::{
    CallArguments, Case, Comparison, Item, Kind, Lambda, Node, Operator, Parameter, Passing,
    Segment, Sign, Trailer,
};
use super::token::{Token, TokenKind, tokenize};
use super::value::Value;

/// Parses a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let mut parser = Parser { source: text, tokens: tokenize(text)?, next: 0, level: 0 };
    let node = parser.tuple_or_expression()?;
    parser.end()?;
    Ok(node)
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    next: usize,
    level: usize,
}

type Parsed<T> = Result<T, ExpressionError>;

impl Parser<'_> {
    fn end(&self) -> Parsed<()> {
        match self.peek() {
            TokenKind::End => Ok(()),
            TokenKind::Operator("=") => Err(self.unsupported("an assignment")),
            TokenKind::Operator(";") => Err(self.unsupported("a statement")),
            _ => Err(self.unexpected()),
        }
    }

    /// `a, b` without parentheses, or one expression.
    fn tuple_or_expression(&mut self) -> Parsed<Node> {
        let at = self.at();
        let first = self.item()?;
        if !self.peek_is(",") {
            return match first {
                Item::Plain(node) => Ok(node),
                Item::Unpacked(_) => Err(self.syntax(at, "can't use starred expression here")),
            };
        }
        let mut items = vec![first];
        while self.take(",") {
            if self.starts_expression() {
                items.push(self.item()?);
            } else {
                break;
            }
        }
        Ok(Node { at, kind: Kind::Tuple(items) })
    }

    fn starts_expression(&self) -> bool {
        match self.peek() {
            TokenKind::End => false,
            TokenKind::Operator(text) => matches!(*text, "(" | "[" | "{" | "+" | "-" | "~" | "*"),
            TokenKind::Name(name) => !matches!(name.as_str(), "if" | "else" | "for" | "in"),
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::String(_) => true,
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        if self.take("*") {
            return Ok(Item::Unpacked(self.binary(0)?));
        }
        Ok(Item::Plain(self.expression()?))
    }

    /// A lambda or conditional expression.
    fn expression(&mut self) -> Parsed<Node> {
        self.level += 1;
        if self.level > LEVEL_LIMIT {
            return Err(self.unsupported("an expression nested this deeply"));
        }
        let node = if self.take_word("lambda") { self.lambda() } else { self.conditional() };
        self.level -= 1;
        node
    }

    fn conditional(&mut self) -> Parsed<Node> {
        let at = self.at();
        let mut value = self.or()?;
        let mut cases = Vec::new();
        while self.take_word("if") {
            let condition = self.or()?;
            if !self.take_word("else") {
                return Err(self.syntax(self.at(), "expected 'else' after 'if' expression"));
            }
            cases.push(Case { condition, value });
            if self.peek_word("lambda") {
                value = self.expression()?;
                break;
            }
            value = self.or()?;
        }
        if cases.is_empty() {
            return Ok(value);
        }
        Ok(Node { at, kind: Kind::Conditional { cases, otherwise: Box::new(value) } })
    }

    fn or(&mut self) -> Parsed<Node> {
        let at = self.at();
        let first = self.and()?;
        let mut rest = Vec::new();
        while self.take_word("or") {
            rest.push(self.and()?);
        }
        Ok(row(at, first, rest, Kind::Or))
    }

    fn and(&mut self) -> Parsed<Node> {
        let at = self.at();
        let first = self.not()?;
        let mut rest = Vec::new();
        while self.take_word("and") {
            rest.push(self.not()?);
        }
        Ok(row(at, first, rest, Kind::And))
    }

    fn not(&mut self) -> Parsed<Node> {
        let at = self.at();
        if !self.take_word("not") {
            return self.comparison();
        }
        self.nested(|parser| Ok(Node { at, kind: Kind::Not(Box::new(parser.not()?)) }))
    }

    fn comparison(&mut self) -> Parsed<Node> {
        let at = self.at();
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.take_comparison()? {
            rest.push((comparison, self.binary(0)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Node { at, kind: Kind::Comparison { first: Box::new(first), rest } })
    }

    fn take_comparison(&mut self) -> Parsed<Option<Comparison>> {
        for (text, comparison) in COMPARISONS {
            if self.take(text) {
                return Ok(Some(comparison));
            }
        }
        if self.take_word("in") {
            return Ok(Some(Comparison::In));
        }
        if self.take_word("is") {
            let not = self.take_word("not");
            return Ok(Some(if not { Comparison::IsNot } else { Comparison::Is }));
        }
        if self.take_word("not") {
            if self.take_word("in") {
                return Ok(Some(Comparison::NotIn));
            }
            return Err(self.unexpected());
        }
        Ok(None)
    }

    /// Operators between values, from the loosest precedence (`|`, level 0) to the tightest.
    fn binary(&mut self, level: usize) -> Parsed<Node> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let at = self.at();
        let first = self.binary(level + 1)?;
        let mut rest = Vec::new();
        while let Some((_, operator)) =
            operators.iter().find(|(text, _)| self.peek_is(text)).copied()
        {
            self.next += 1;
            if self.peek_is("=") {
                return Err(self.unsupported("an assignment"));
            }
            rest.push((operator, self.binary(level + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Node { at, kind: Kind::Binary { first: Box::new(first), rest } })
    }

    fn unary(&mut self) -> Parsed<Node> {
        let at = self.at();
        let signs = [("+", Sign::Plus), ("-", Sign::Minus), ("~", Sign::Invert)];
        for (text, sign) in signs {
            if self.take(text) {
                return self.nested(|parser| {
                    let operand = Box::new(parser.unary()?);
                    Ok(Node { at, kind: Kind::Unary(sign, operand) })
                });
            }
        }
        let base = self.access()?;
        if !self.take("**") {
            return Ok(base);
        }
        self.nested(|parser| {
            let exponent = Box::new(parser.unary()?);
            Ok(Node { at, kind: Kind::Power(Box::new(base), exponent) })
        })
    }

    /// A value and what follows it: attributes, calls, subscripts.
    fn access(&mut self) -> Parsed<Node> {
        let at = self.at();
        let base = self.atom()?;
        let mut trailers = Vec::new();
        loop {
            if self.take(".") {
                let at = self.at();
                trailers.push(Trailer::Attribute { name: self.identifier()?, at });
            } else if self.take("(") {
                trailers.push(Trailer::Call(self.call_arguments()?));
            } else if self.take("[") {
                trailers.push(self.subscript()?);
            } else {
                break;
            }
        }
        if trailers.is_empty() {
            return Ok(base);
        }
        Ok(Node { at, kind: Kind::Access { base: Box::new(base), trailers } })
    }

    fn atom(&mut self) -> Parsed<Node> {
        let at = self.at();
        let kind = match self.peek().clone() {
            TokenKind::Int(value) => Kind::Constant(Value::Int(value)),
            TokenKind::Float(value) => Kind::Constant(Value::Float(value)),
            TokenKind::String(_) => return self.strings(),
            TokenKind::Operator("(") => {
                self.next += 1;
                return self.parenthesized(at);
            }
            TokenKind::Operator("[") => {
                self.next += 1;
                return self.list(at);
            }
            TokenKind::Operator("{") => {
                self.next += 1;
                return self.set_or_dict(at);
            }
            TokenKind::Operator(_) | TokenKind::End => return Err(self.unexpected()),
            TokenKind::Name(name) => match name.as_str() {
                "None" => Kind::Constant(Value::None),
                "True" => Kind::Constant(Value::Bool(true)),
                "False" => Kind::Constant(Value::Bool(false)),
                _ => Kind::Name(self.identifier()?),
            },
        };
        if !matches!(kind, Kind::Name(_)) {
            self.next += 1;
        }
        Ok(Node { at, kind })
    }

    /// One or more adjacent string literals.
    fn strings(&mut self) -> Parsed<Node> {
        let at = self.at();
        let mut segments: Vec<Segment> = Vec::new();
        let mut bytes: Option<Vec<u8>> = None;
        let mut formatted = false;
        while let TokenKind::String(literal) = self.peek().clone() {
            let mixed = match &literal {
                StringLiteral::Bytes(_) => !segments.is_empty(),
                StringLiteral::Text(_) | StringLiteral::Formatted { .. } => bytes.is_some(),
            };
            if mixed {
                return Err(self.syntax(self.at(), "cannot mix bytes and nonbytes literals"));
            }
            self.next += 1;
            match literal {
                StringLiteral::Bytes(more) => bytes.get_or_insert_default().extend(more),
                StringLiteral::Text(text) => segments.push(Segment::Text(text)),
                StringLiteral::Formatted { body_at, body, escapes } => {
                    formatted = true;
                    let level = self.level;
                    segments.push(Segment::Text(String::new()));
                    segments.extend(formatted::segments(
                        self.source,
                        body_at,
                        &body,
                        escapes,
                        level,
                    )?);
                }
            }
        }
        let kind = match (bytes, formatted) {
            (Some(bytes), _) => Kind::Constant(Value::Bytes(bytes.into())),
            (None, true) => Kind::Formatted(segments),
            (None, false) => {
                let text: String = segments
                    .iter()
                    .map(|segment| match segment {
                        Segment::Text(text) => text.as_str(),
                        Segment::Field { .. } => "",
                    })
                    .collect();
                Kind::Constant(Value::Str(text.into()))
            }
        };
        Ok(Node { at, kind })
    }

    fn lambda(&mut self) -> Parsed<Node> {
        let at = self.at();
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut passing = Passing::PositionOrName;
        while !self.peek_is(":") {
            if self.take("/") {
                if passing != Passing::PositionOrName || parameters.is_empty() {
                    return Err(self.unexpected());
                }
                for parameter in &mut parameters {
                    parameter.passing = Passing::PositionOnly;
                }
            } else if self.take("**") {
                let name = self.identifier()?;
                parameters.push(Parameter { name, passing: Passing::NamedRest, default: None });
                self.take(",");
                break;
            } else if self.take("*") {
                if passing == Passing::NameOnly {
                    return Err(self.unexpected());
                }
                passing = Passing::NameOnly;
                if !self.peek_is(",") {
                    let name = self.identifier()?;
                    parameters.push(Parameter { name, passing: Passing::Rest, default: None });
                }
            } else if self.peek_is("(") {
                return Err(self.unsupported("a Python 2 tuple parameter"));
            } else {
                let at = self.at();
                let name = self.identifier()?;
                let default = if self.take("=") { Some(self.expression()?) } else { None };
                let before = parameters.last().is_some_and(|before| before.default.is_some());
                if default.is_none() && before && passing == Passing::PositionOrName {
                    return Err(self.syntax(at, "non-default argument follows default argument"));
                }
                parameters.push(Parameter { name, passing, default });
            }
            if !self.take(",") {
                break;
            }
        }
        self.expect(":")?;
        let body = self.expression()?;
        let names: Arc<[Arc<str>]> = parameters.iter().map(|p| Arc::clone(&p.name)).collect();
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|before| before == name) {
                let message = format!("duplicate argument '{name}' in function definition");
                return Err(self.syntax(at, &message));
            }
        }
        Ok(Node { at, kind: Kind::Lambda(Arc::new(Lambda { parameters, names, body })) })
    }

    /// The arguments after `(`.
    fn call_arguments(&mut self) -> Parsed<CallArguments> {
        let mut arguments = CallArguments::default();
        while !self.take(")") {
            let at = self.at();
            if self.take("**") {
                arguments.keywords.push((None, self.expression()?));
            } else if let Some(name) = self.take_keyword()? {
                if arguments.keywords.iter().any(|(before, _)| before.as_ref() == Some(&name)) {
                    let message = format!("keyword argument repeated: {name}");
                    return Err(self.syntax(at, &message));
                }
                let value = self.expression()?;
                arguments.keywords.push((Some(name), value));
            } else {
                let item = self.item()?;
                let plain = matches!(item, Item::Plain(_));
                if plain && !arguments.keywords.is_empty() {
                    let message = "positional argument follows keyword argument";
                    return Err(self.syntax(at, message));
                }
                match item {
                    Item::Plain(element) if self.peek_word("for") => {
                        let generator = self.generator(at, element)?;
                        if !arguments.positional.is_empty() || !self.peek_is(")") {
                            let message = "generator expression must be parenthesized";
                            return Err(self.syntax(at, message));
                        }
                        arguments.positional.push(Item::Plain(generator));
                    }
                    Item::Plain(_) | Item::Unpacked(_) => arguments.positional.push(item),
                }
            }
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    fn take_keyword(&mut self) -> Parsed<Option<Arc<str>>> {
        let follows = self.tokens.get(self.next + 1).map(|token| &token.kind);
        let named = matches!(self.peek(), TokenKind::Name(_));
        if !named || follows != Some(&TokenKind::Operator("=")) {
            return Ok(None);
        }
        let name = self.identifier()?;
        self.next += 1;
        Ok(Some(name))
    }

    /// The index or slice after `[`.
    fn subscript(&mut self) -> Parsed<Trailer> {
        let start = if self.peek_is(":") { None } else { Some(self.expression()?) };
        if self.peek_is(",") {
            let Some(first) = start else { return Err(self.unexpected()) };
            let mut items = vec![Item::Plain(first)];
            while self.take(",") {
                if self.starts_expression() {
                    items.push(self.item()?);
                }
            }
            self.expect("]")?;
            let at = self.at();
            return Ok(Trailer::Index(Node { at, kind: Kind::Tuple(items) }));
        }
        if self.take("]") {
            return start.map(Trailer::Index).ok_or_else(|| self.unexpected());
        }
        self.expect(":")?;
        let ends = |parser: &Self| parser.peek_is(":") || parser.peek_is("]");
        let stop = if ends(self) { None } else { Some(self.expression()?) };
        let step =
            if self.take(":") && !self.peek_is("]") { Some(self.expression()?) } else { None };
        if self.peek_is(",") {
            return Err(self.unsupported("a tuple of slices"));
        }
        self.expect("]")?;
        Ok(Trailer::Slice { start, stop, step })
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        self.level += 1;
        if self.level > LEVEL_LIMIT {
            return Err(self.unsupported("an expression nested this deeply"));
        }
        let node = parse(self);
        self.level -= 1;
        node
    }

    fn identifier(&mut self) -> Parsed<Arc<str>> {
        let TokenKind::Name(name) = self.peek() else { return Err(self.unexpected()) };
        let construct = match name.as_str() {
            "yield" | "await" | "async" => Some("a coroutine or generator function"),
            "print" | "exec" if self.follows_value() => Some("a Python 2 statement"),
            _ if STATEMENTS.contains(&name.as_str()) => Some("a statement"),
            _ if KEYWORDS.contains(&name.as_str()) => return Err(self.unexpected()),
            _ => None,
        };
        if let Some(construct) = construct {
            return Err(self.unsupported(construct));
        }
        let name = Arc::from(name.as_str());
        self.next += 1;
        Ok(name)
    }

    /// Whether the token after the next starts a value, which no expression has after a name.
    fn follows_value(&self) -> bool {
        matches!(
            self.tokens.get(self.next + 1).map(|token| &token.kind),
            Some(TokenKind::String(_) | TokenKind::Name(_) | TokenKind::Int(_))
        )
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.source.len(), |token| token.at)
    }

    fn peek_is(&self, operator: &str) -> bool {
        matches!(self.peek(), TokenKind::Operator(text) if *text == operator)
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Name(name) if name == word)
    }

    fn take(&mut self, operator: &str) -> bool {
        let found = self.peek_is(operator);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, operator: &str) -> Parsed<()> {
        if self.take(operator) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> ExpressionError {
        let message = match self.peek() {
            TokenKind::End => "the expression ends too early".to_owned(),
            TokenKind::Name(name) => format!("unexpected '{name}'"),
            TokenKind::Operator(text) => format!("unexpected '{text}'"),
            TokenKind::Int(_) | TokenKind::Float(_) => "unexpected number".to_owned(),
            TokenKind::String(_) => "unexpected string".to_owned(),
        };
        self.syntax(self.at(), &message)
    }

    fn syntax(&self, at: usize, message: &str) -> ExpressionError {
        ExpressionError::Syntax {
            message: message.to_owned(),
            position: ExpressionPosition::of(self.source, at),
        }
    }

    fn unsupported(&self, construct: &str) -> ExpressionError {
        ExpressionError::Unsupported {
            construct: construct.to_owned(),
            position: ExpressionPosition::of(self.source, self.at()),
        }
    }
}

fn row(at: usize, first: Node, rest: Vec<Node>, kind: fn(Vec<Node>) -> Kind) -> Node {
    if rest.is_empty() {
        return first;
    }
    let mut nodes = vec![first];
    nodes.extend(rest);
    Node { at, kind: kind(nodes) }
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterEqual),
];

const BINARY: [&[(&str, Operator)]; 6] = [
    &[("|", Operator::BitOr)],
    &[("^", Operator::BitXor)],
    &[("&", Operator::BitAnd)],
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("//", Operator::FloorDivide),
        ("/", Operator::Divide),
        ("%", Operator::Modulo),
    ],
];

const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "for", "lambda", "None", "True", "False", "as"];

const STATEMENTS: [&str; 18] = [
    "assert", "break", "class", "continue", "def", "del", "elif", "except", "finally", "from",
    "global", "import", "nonlocal", "pass", "raise", "return", "try", "while",
];

/// Nested brackets, lambdas and signs; enough for any hand, few enough for the stack.
const LEVEL_LIMIT: usize = 50;
