//! The syntax tree of an expression.
//!
//! Operators of one precedence, attributes and calls are kept in rows rather than nested, so that
//! the depth of a tree is bounded by the depth of brackets in its text.

use std::sync::Arc;

use super::value::Value;

/// A part of an expression, and the byte offset where it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a [`Node`] is.
#[derive(Debug)]
pub(super) enum Kind {
    Constant(Value),
    Name(Arc<str>),
    Formatted(Vec<Segment>),
    Tuple(Vec<Item>),
    List(Vec<Item>),
    Set(Vec<Item>),
    Dict(Vec<Entry>),
    Comprehension(Arc<Comprehension>),
    Lambda(Arc<Lambda>),
    Conditional { cases: Vec<Case>, otherwise: Box<Node> },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Comparison { first: Box<Node>, rest: Vec<(Comparison, Node)> },
    Binary { first: Box<Node>, rest: Vec<(Operator, Node)> },
    Unary(Sign, Box<Node>),
    Power(Box<Node>, Box<Node>),
    Access { base: Box<Node>, trailers: Vec<Trailer> },
}

/// `value if condition else …`
#[derive(Debug)]
pub(super) struct Case {
    pub(super) condition: Node,
    pub(super) value: Node,
}

/// An item of a display or an argument by position.
#[derive(Debug)]
pub(super) enum Item {
    Plain(Node),
    Unpacked(Node),
}

/// An entry of a dict display.
#[derive(Debug)]
pub(super) enum Entry {
    Pair(Node, Node),
    Unpacked(Node),
}

/// A part of an f-string.
#[derive(Debug)]
pub(super) enum Segment {
    Text(String),
    Field { value: Node, conversion: Option<char>, spec: Vec<Segment> },
}

/// What follows a value: `.name`, `(…)`, `[…]`.
#[derive(Debug)]
pub(super) enum Trailer {
    Attribute { name: Arc<str>, at: usize },
    Call(CallArguments),
    Index(Node),
    Slice { start: Option<Node>, stop: Option<Node>, step: Option<Node> },
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct CallArguments {
    pub(super) positional: Vec<Item>,
    /// A keyword without name is `**mapping`.
    pub(super) keywords: Vec<(Option<Arc<str>>, Node)>,
}

/// A list, set, dict comprehension or a generator expression.
#[derive(Debug)]
pub(super) struct Comprehension {
    pub(super) shape: Shape,
    /// Only of a dict comprehension.
    pub(super) key: Option<Node>,
    pub(super) element: Node,
    pub(super) clauses: Vec<Clause>,
    /// The names that its clauses bind.
    pub(super) names: Arc<[Arc<str>]>,
}

/// What a comprehension makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    List,
    Set,
    Dict,
    Generator,
}

/// `for target in iterable if condition …`
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) target: Target,
    pub(super) iterable: Node,
    pub(super) conditions: Vec<Node>,
}

/// What a clause assigns to.
#[derive(Debug)]
pub(super) enum Target {
    Name(Arc<str>),
    Tuple(Vec<Target>),
}

/// A lambda.
#[derive(Debug)]
pub(super) struct Lambda {
    pub(super) parameters: Vec<Parameter>,
    /// The names of the parameters.
    pub(super) names: Arc<[Arc<str>]>,
    pub(super) body: Node,
}

/// A parameter of a lambda.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: Arc<str>,
    pub(super) passing: Passing,
    pub(super) default: Option<Node>,
}

/// How a parameter gets its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    PositionOnly,
    PositionOrName,
    NameOnly,
    /// `*rest`
    Rest,
    /// `**rest`
    NamedRest,
}

/// An operator that gives a truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Is,
    IsNot,
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
}

impl Operator {
    /// The operator as it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Modulo => "%",
            Self::Power => "** or pow()",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::BitAnd => "&",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        }
    }
}

/// An operator before one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
    Invert,
}
