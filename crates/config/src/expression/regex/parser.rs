//! From the text of a pattern to its tree, by the rules of Python 3.11's `re`.

mod class;
mod escape;
mod group;
mod width;

use super::super::error::{Outcome, PythonError, unsupported, value_error};
use super::class::fold;
use super::regex_error;
use super::syntax::{
    ASCII, Alphabet, At, Case, DOTALL, Greed, IGNORECASE, LOCALE, MULTILINE, Node, UNICODE, VERBOSE,
};

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) flags: i64,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
}

/// Parses a pattern.
pub(super) fn parse(source: &str, flags: i64) -> Outcome<Parsed> {
    if flags & LOCALE != 0 {
        return Err(value_error("cannot use LOCALE flag with a str pattern"));
    }
    if flags & ASCII != 0 && flags & UNICODE != 0 {
        return Err(value_error("ASCII and UNICODE flags are incompatible"));
    }
    let unicode = if flags & ASCII == 0 { UNICODE } else { 0 };
    let mut parser = Parser {
        source: source.chars().collect(),
        at: 0,
        flags: flags | unicode,
        level: 0,
        closed: vec![Some((0, 0))],
        names: Vec::new(),
        look_behind_groups: None,
    };
    let node = parser.alternatives()?;
    if parser.at < parser.source.len() {
        return Err(parser.error("unbalanced parenthesis"));
    }
    Ok(Parsed { node, flags: parser.flags, groups: parser.closed.len() - 1, names: parser.names })
}

struct Parser {
    source: Vec<char>,
    at: usize,
    flags: i64,
    level: usize,
    /// The width of each group once it is closed.
    closed: Vec<Option<(u64, u64)>>,
    names: Vec<(String, usize)>,
    /// How many groups there were when the outermost look-behind around began.
    look_behind_groups: Option<usize>,
}

impl Parser {
    fn alternatives(&mut self) -> Outcome<Node> {
        self.level += 1;
        if self.level > LEVEL_LIMIT {
            return Err(unsupported("a regular expression nested this deeply"));
        }
        let mut branches = vec![self.sequence(self.level == 1)?];
        while self.take('|') {
            branches.push(self.sequence(false)?);
        }
        self.level -= 1;
        Ok(match branches.len() {
            1 => branches.pop().unwrap_or(Node::Sequence(Vec::new())),
            _ => Node::Alternatives(branches),
        })
    }

    fn sequence(&mut self, at_start: bool) -> Outcome<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let item_at = self.at;
            self.at += 1;
            if self.has(VERBOSE) {
                if c.is_ascii_whitespace() || c == '\x0b' {
                    continue;
                }
                if c == '#' {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                    self.at += usize::from(self.peek().is_some());
                    continue;
                }
            }
            match c {
                '\\' => nodes.push(self.escape(item_at)?),
                '[' => nodes.push(self.class(item_at)?),
                '.' if self.has(DOTALL) => nodes.push(Node::Any),
                '.' => nodes.push(Node::NotLineBreak),
                '^' if self.has(MULTILINE) => nodes.push(Node::At(At::StartOfLine)),
                '^' => nodes.push(Node::At(At::Start)),
                '$' if self.has(MULTILINE) => nodes.push(Node::At(At::EndOfLine)),
                '$' => nodes.push(Node::At(At::EndOrLastBreak)),
                '*' | '+' | '?' | '{' => match self.repetition(c, item_at)? {
                    None => nodes.push(self.literal('{')),
                    Some((least, most)) => {
                        let item = nodes.pop();
                        nodes.push(self.repeated(item, least, most, item_at)?);
                    }
                },
                '(' => {
                    let first = at_start && nodes.is_empty();
                    nodes.extend(self.group(item_at, first)?);
                }
                _ => nodes.push(self.literal(c)),
            }
        }
        Ok(match nodes.len() {
            1 => nodes.pop().unwrap_or(Node::Sequence(Vec::new())),
            _ => Node::Sequence(nodes),
        })
    }

    /// The bounds of a repetition whose first character has been read; `None`: a literal `{`.
    fn repetition(&mut self, c: char, at: usize) -> Outcome<Option<(u32, Option<u32>)>> {
        match c {
            '*' => return Ok(Some((0, None))),
            '+' => return Ok(Some((1, None))),
            '?' => return Ok(Some((0, Some(1)))),
            _ => {}
        }
        let start = self.at;
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let low = self.digits();
        let high = if self.take(',') { self.digits() } else { low.clone() };
        if !self.take('}') {
            self.at = start;
            return Ok(None);
        }
        let number = |digits: &str| {
            digits.parse::<u32>().map_err(|_| {
                let kind = super::super::error::Exception::OverflowError;
                PythonError::new(kind, "the repetition number is too large")
            })
        };
        let least = if low.is_empty() { 0 } else { number(&low)? };
        let most = if high.is_empty() { None } else { Some(number(&high)?) };
        if most.is_some_and(|most| most < least) {
            return Err(regex_error("min repeat greater than max repeat", at));
        }
        Ok(Some((least, most)))
    }

    fn repeated(
        &mut self,
        item: Option<Node>,
        least: u32,
        most: Option<u32>,
        at: usize,
    ) -> Outcome<Node> {
        let node = match item {
            None | Some(Node::At(_)) => return Err(regex_error("nothing to repeat", at)),
            Some(Node::Repeat { .. }) => return Err(regex_error("multiple repeat", at)),
            // Groups without number are sequences of one item.
            Some(node) => node,
        };
        let greed = if self.take('?') {
            Greed::Lazy
        } else if self.take('+') {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        Ok(Node::Repeat { node: Box::new(node), least, most, greed })
    }

    fn literal(&self, c: char) -> Node {
        match self.case() {
            Case::Counts => Node::Character(c),
            Case::Ignored => Node::Folded(fold(c, self.alphabet()), self.alphabet()),
        }
    }

    fn case(&self) -> Case {
        if self.has(IGNORECASE) { Case::Ignored } else { Case::Counts }
    }

    fn alphabet(&self) -> Alphabet {
        if self.has(ASCII) { Alphabet::Ascii } else { Alphabet::Unicode }
    }

    fn has(&self, flag: i64) -> bool {
        self.flags & flag != 0
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits
    }

    fn peek(&self) -> Option<char> {
        self.source.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn error(&self, message: &str) -> PythonError {
        regex_error(message, self.at)
    }
}

/// Nested groups; enough for any hand, few enough for the stack.
const LEVEL_LIMIT: usize = 50;
