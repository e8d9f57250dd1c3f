//! The syntax tree of a pattern.

use std::sync::Arc;

use super::class::Class;

/// A part of a pattern.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Character(char),
    /// Without regard to case; the character is folded.
    Folded(char, Alphabet),
    /// `.`
    NotLineBreak,
    /// `.` with DOTALL
    Any,
    Class(Arc<Class>),
    At(At),
    Group {
        index: usize,
        node: Box<Node>,
    },
    Reference {
        group: usize,
        case: Case,
    },
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        greed: Greed,
    },
    Look {
        direction: Direction,
        sense: Sense,
        node: Box<Node>,
    },
    Atomic(Box<Node>),
    /// `(?(group)yes|no)`
    Conditional {
        group: usize,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

/// Whether the case of letters counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Counts,
    Ignored,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Start,
    StartOfLine,
    /// `$`: the end, or before a line break at the end.
    EndOrLastBreak,
    EndOfLine,
    /// `\Z`
    End,
    Boundary(Alphabet),
    NotBoundary(Alphabet),
}

/// Which letters and digits there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Unicode,
    Ascii,
}

/// How many times a repetition prefers to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// Where a look-around looks; back, by a fixed number of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ahead,
    Behind(usize),
}

/// Whether a look-around wants a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Positive,
    Negative,
}

/// `re.IGNORECASE`
pub(in super::super) const IGNORECASE: i64 = 2;
/// `re.LOCALE`
pub(super) const LOCALE: i64 = 4;
/// `re.MULTILINE`
pub(in super::super) const MULTILINE: i64 = 8;
/// `re.DOTALL`
pub(in super::super) const DOTALL: i64 = 16;
/// `re.UNICODE`
pub(in super::super) const UNICODE: i64 = 32;
/// `re.VERBOSE`
pub(in super::super) const VERBOSE: i64 = 64;
/// `re.ASCII`
pub(in super::super) const ASCII: i64 = 256;
