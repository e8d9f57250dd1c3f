//! What stands in brackets: tuples, lists, sets, dicts, and comprehensions.

use std::sync::Arc;

use super::super::error::ExpressionError;
use super::super::syntax::{Clause, Comprehension, Entry, Item, Kind, Node, Shape, Target};
use super::super::token::TokenKind;
use super::Parser;

type Parsed<T> = Result<T, ExpressionError>;

impl Parser<'_> {
    /// A tuple, generator expression or expression, after `(`.
    pub(super) fn parenthesized(&mut self, at: usize) -> Parsed<Node> {
        if self.take(")") {
            return Ok(Node { at, kind: Kind::Tuple(Vec::new()) });
        }
        let first = self.item()?;
        match first {
            Item::Plain(node) if self.peek_word("for") => {
                let node = self.generator(at, node)?;
                self.expect(")")?;
                Ok(node)
            }
            Item::Plain(node) if self.take(")") => Ok(node),
            Item::Plain(_) | Item::Unpacked(_) => {
                if !self.peek_is(",") {
                    return Err(self.unexpected());
                }
                Ok(Node { at, kind: Kind::Tuple(self.items_after(first, ")")?) })
            }
        }
    }

    /// A list or list comprehension, after `[`.
    pub(super) fn list(&mut self, at: usize) -> Parsed<Node> {
        if self.take("]") {
            return Ok(Node { at, kind: Kind::List(Vec::new()) });
        }
        match self.item()? {
            Item::Plain(node) if self.peek_word("for") => {
                let node = self.comprehension(at, Shape::List, None, node)?;
                self.expect("]")?;
                Ok(node)
            }
            first @ (Item::Plain(_) | Item::Unpacked(_)) => {
                Ok(Node { at, kind: Kind::List(self.items_after(first, "]")?) })
            }
        }
    }

    /// A set, dict, or a comprehension of either, after `{`.
    pub(super) fn set_or_dict(&mut self, at: usize) -> Parsed<Node> {
        if self.take("}") {
            return Ok(Node { at, kind: Kind::Dict(Vec::new()) });
        }
        if self.peek_is("**") {
            return self.dict(at, Vec::new());
        }
        let first = self.item()?;
        match first {
            Item::Plain(key) if self.take(":") => {
                let value = self.expression()?;
                if self.peek_word("for") {
                    let node = self.comprehension(at, Shape::Dict, Some(key), value)?;
                    self.expect("}")?;
                    return Ok(node);
                }
                let entries = vec![Entry::Pair(key, value)];
                if self.take(",") {
                    return self.dict(at, entries);
                }
                self.expect("}")?;
                Ok(Node { at, kind: Kind::Dict(entries) })
            }
            Item::Plain(node) if self.peek_word("for") => {
                let node = self.comprehension(at, Shape::Set, None, node)?;
                self.expect("}")?;
                Ok(node)
            }
            Item::Plain(_) | Item::Unpacked(_) => {
                Ok(Node { at, kind: Kind::Set(self.items_after(first, "}")?) })
            }
        }
    }

    /// A generator expression whose element has been read.
    pub(super) fn generator(&mut self, at: usize, element: Node) -> Parsed<Node> {
        self.comprehension(at, Shape::Generator, None, element)
    }

    fn dict(&mut self, at: usize, mut entries: Vec<Entry>) -> Parsed<Node> {
        while !self.take("}") {
            if self.take("**") {
                entries.push(Entry::Unpacked(self.binary(0)?));
            } else {
                let key = self.expression()?;
                self.expect(":")?;
                entries.push(Entry::Pair(key, self.expression()?));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Node { at, kind: Kind::Dict(entries) })
    }

    fn items_after(&mut self, first: Item, close: &str) -> Parsed<Vec<Item>> {
        let mut items = vec![first];
        while self.take(",") {
            if self.peek_is(close) {
                break;
            }
            items.push(self.item()?);
        }
        self.expect(close)?;
        Ok(items)
    }

    fn comprehension(
        &mut self,
        at: usize,
        shape: Shape,
        key: Option<Node>,
        element: Node,
    ) -> Parsed<Node> {
        let mut clauses = Vec::new();
        let mut names = Vec::new();
        while self.take_word("for") {
            let target = self.targets(&mut names)?;
            if !self.take_word("in") {
                return Err(self.unexpected());
            }
            let iterable = self.or()?;
            let mut conditions = Vec::new();
            while self.take_word("if") {
                conditions.push(self.or()?);
            }
            clauses.push(Clause { target, iterable, conditions });
        }
        let names = names.into();
        let comprehension = Comprehension { shape, key, element, clauses, names };
        Ok(Node { at, kind: Kind::Comprehension(Arc::new(comprehension)) })
    }

    fn targets(&mut self, names: &mut Vec<Arc<str>>) -> Parsed<Target> {
        let first = self.target(names)?;
        if !self.peek_is(",") {
            return Ok(first);
        }
        let mut targets = vec![first];
        while self.take(",") {
            if self.peek_word("in") || self.peek_is(")") || self.peek_is("]") {
                break;
            }
            targets.push(self.target(names)?);
        }
        Ok(Target::Tuple(targets))
    }

    fn target(&mut self, names: &mut Vec<Arc<str>>) -> Parsed<Target> {
        if self.peek_is("*") {
            return Err(self.unsupported("a starred target"));
        }
        for (open, close) in [("(", ")"), ("[", "]")] {
            if !self.take(open) {
                continue;
            }
            self.level += 1;
            if self.level > super::LEVEL_LIMIT {
                return Err(self.unsupported("an expression nested this deeply"));
            }
            if self.take(close) {
                return Err(self.unsupported("an empty target"));
            }
            // `(a)` is the name, but `[a]` is a row of one.
            let target = match self.targets(names)? {
                target @ Target::Name(_) if open == "[" => Target::Tuple(vec![target]),
                target @ (Target::Name(_) | Target::Tuple(_)) => target,
            };
            self.expect(close)?;
            self.level -= 1;
            return Ok(target);
        }
        let name = self.identifier()?;
        if matches!(self.peek(), TokenKind::Operator("." | "[" | "(")) {
            return Err(self.unsupported("a target that is no name"));
        }
        names.push(Arc::clone(&name));
        Ok(Target::Name(name))
    }
}
