//! `(…)` in all its forms.

use super::super::super::error::{Outcome, PythonError};
use super::super::regex_error;
use super::super::syntax::{
    ASCII, DOTALL, Direction, IGNORECASE, LOCALE, MULTILINE, Node, Sense, UNICODE, VERBOSE,
};
use super::Parser;
use super::width::width;

impl Parser {
    /// A group whose `(` has been read; `None` for a comment or flags. `first`: nothing stands
    /// before it in the pattern.
    pub(super) fn group(&mut self, at: usize, first: bool) -> Outcome<Option<Node>> {
        if !self.take('?') {
            return self.capture(at, None).map(Some);
        }
        let Some(c) = self.next() else { return Err(self.error("unexpected end of pattern")) };
        match c {
            'P' if self.take('<') => {
                let name = self.name('>')?;
                self.capture(at, Some(name)).map(Some)
            }
            'P' if self.take('=') => {
                let name_at = self.at;
                let name = self.name(')')?;
                let found = self.names.iter().find(|(known, _)| *known == name);
                let Some(&(_, group)) = found else {
                    return Err(regex_error(&format!("unknown group name '{name}'"), name_at));
                };
                self.group_reference(group, name_at).map(Some)
            }
            'P' => match self.next() {
                None => Err(self.error("unexpected end of pattern")),
                Some(c) => Err(regex_error(&format!("unknown extension ?P{c}"), at + 1)),
            },
            '#' => {
                while let Some(c) = self.next() {
                    if c == ')' {
                        return Ok(None);
                    }
                }
                Err(regex_error("missing ), unterminated comment", at))
            }
            ':' => self.body(at).map(|node| Some(uncaptured(node))),
            '>' => self.body(at).map(|node| Some(Node::Atomic(Box::new(node)))),
            '=' => self.look(at, Direction::Ahead, Sense::Positive).map(Some),
            '!' => self.look(at, Direction::Ahead, Sense::Negative).map(Some),
            '<' => {
                let sense = match self.next() {
                    Some('=') => Sense::Positive,
                    Some('!') => Sense::Negative,
                    None => return Err(self.error("unexpected end of pattern")),
                    Some(c) => {
                        return Err(regex_error(&format!("unknown extension ?<{c}"), at + 1));
                    }
                };
                self.look(at, Direction::Behind(0), sense).map(Some)
            }
            '(' => self.conditional(at).map(Some),
            _ if c == '-' || flag(c).is_some() => self.flags(at, c, first),
            _ => Err(regex_error(&format!("unknown extension ?{c}"), at + 1)),
        }
    }

    fn capture(&mut self, at: usize, name: Option<String>) -> Outcome<Node> {
        let index = self.closed.len();
        if let Some(name) = name {
            if self.names.iter().any(|(known, _)| *known == name) {
                let message = format!("redefinition of group name '{name}' as group {index}");
                return Err(regex_error(&message, at + 4));
            }
            self.names.push((name, index));
        }
        self.closed.push(None);
        let node = self.body(at)?;
        let size = width(&node, &self.closed);
        if let Some(closed) = self.closed.get_mut(index) {
            *closed = Some(size);
        }
        Ok(Node::Group { index, node: Box::new(node) })
    }

    fn body(&mut self, at: usize) -> Outcome<Node> {
        let flags = self.flags;
        let node = self.alternatives()?;
        self.flags = flags;
        if !self.take(')') {
            return Err(regex_error("missing ), unterminated subpattern", at));
        }
        Ok(node)
    }

    fn look(&mut self, at: usize, direction: Direction, sense: Sense) -> Outcome<Node> {
        let behind = direction != Direction::Ahead;
        let outer = self.look_behind_groups;
        if behind && outer.is_none() {
            self.look_behind_groups = Some(self.closed.len());
        }
        let node = self.body(at)?;
        self.look_behind_groups = outer;
        let direction = if behind {
            let (least, most) = width(&node, &self.closed);
            if least != most {
                let kind = super::super::super::error::Exception::RegexError;
                return Err(PythonError::new(kind, "look-behind requires fixed-width pattern"));
            }
            Direction::Behind(usize::try_from(least).unwrap_or(usize::MAX))
        } else {
            Direction::Ahead
        };
        Ok(Node::Look { direction, sense, node: Box::new(node) })
    }

    fn conditional(&mut self, at: usize) -> Outcome<Node> {
        let name_at = self.at;
        let name = self.name_or_number(')')?;
        let group = match name.parse::<usize>() {
            Ok(0) => return Err(regex_error("bad group number", name_at)),
            Ok(number) => number,
            Err(_) => match self.names.iter().find(|(known, _)| *known == name) {
                Some((_, group)) => *group,
                None => {
                    return Err(regex_error(&format!("unknown group name '{name}'"), name_at));
                }
            },
        };
        if self.look_behind_groups.is_some_and(|before| group >= before) {
            let message = "cannot refer to group defined in the same lookbehind subpattern";
            return Err(regex_error(message, name_at));
        }
        let flags = self.flags;
        let branches = self.alternatives()?;
        self.flags = flags;
        let (yes, no) = match branches {
            Node::Alternatives(branches) => {
                let mut branches = branches.into_iter();
                let pair = (branches.next(), branches.next());
                if branches.next().is_some() {
                    let message = "conditional backref with more than two branches";
                    return Err(self.error(message));
                }
                match pair {
                    (Some(yes), Some(no)) => (yes, no),
                    (yes, _) => (yes.unwrap_or(EMPTY), EMPTY),
                }
            }
            only => (only, EMPTY),
        };
        if !self.take(')') {
            return Err(regex_error("missing ), unterminated subpattern", at));
        }
        if group >= self.closed.len() {
            // It may still come; Python finds out at the end, this program where it stands.
            return Err(regex_error(&format!("invalid group reference {group}"), name_at));
        }
        Ok(Node::Conditional { group, yes: Box::new(yes), no: Box::new(no) })
    }

    /// `(?i)` for the whole pattern, `(?i:…)` and `(?i-s:…)` for a part.
    fn flags(&mut self, at: usize, first_flag: char, first: bool) -> Outcome<Option<Node>> {
        let (mut add, mut remove) = (0, 0);
        let mut removing = false;
        let mut next = Some(first_flag);
        loop {
            match next {
                None => return Err(self.error("missing -, : or )")),
                Some('-') if !removing => {
                    removing = true;
                    if self.peek().is_none_or(|c| flag(c).is_none()) {
                        return Err(self.error(match self.peek() {
                            Some(c) if c.is_alphabetic() => "unknown flag",
                            None | Some(_) => "missing flag",
                        }));
                    }
                }
                Some(')') if !removing => break,
                Some(':') => break,
                Some(c) => {
                    let Some(flag) = flag(c) else {
                        let unknown = c.is_alphabetic();
                        let message = if unknown { "unknown flag" } else { "missing -, : or )" };
                        return Err(regex_error(message, self.at - 1));
                    };
                    if flag == LOCALE {
                        let message = "bad inline flags: cannot use 'L' flag with a str pattern";
                        return Err(self.error(message));
                    }
                    if removing {
                        if flag & (ASCII | UNICODE) != 0 {
                            let message =
                                "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                            return Err(self.error(message));
                        }
                        remove |= flag;
                    } else {
                        add |= flag;
                    }
                }
            }
            next = self.next();
        }
        if add & ASCII != 0 && add & UNICODE != 0 {
            return Err(self.error("bad inline flags: flags 'a', 'u' and 'L' are incompatible"));
        }
        if add & remove != 0 {
            return Err(self.error("bad inline flags: flag turned on and off"));
        }
        let mut flags = self.flags;
        if add & ASCII != 0 {
            flags &= !UNICODE;
        }
        if add & UNICODE != 0 {
            flags &= !ASCII;
        }
        flags = (flags | add) & !remove;
        if next == Some(')') {
            if !first {
                let message = "global flags not at the start of the expression";
                return Err(regex_error(message, at));
            }
            if flags & ASCII != 0 && add & UNICODE != 0 {
                return Err(self.error("ASCII and UNICODE flags are incompatible"));
            }
            self.flags = flags;
            return Ok(None);
        }
        let outer = std::mem::replace(&mut self.flags, flags);
        let node = self.body(at);
        self.flags = outer;
        node.map(|node| Some(uncaptured(node)))
    }

    fn name(&mut self, end: char) -> Outcome<String> {
        let at = self.at;
        let name = self.name_or_number(end)?;
        let good = |(index, c): (usize, char)| {
            c == '_' || c.is_alphabetic() || (index > 0 && c.is_alphanumeric())
        };
        if !name.chars().enumerate().all(good) {
            let message = format!("bad character in group name '{name}'");
            return Err(regex_error(&message, at));
        }
        Ok(name)
    }

    fn name_or_number(&mut self, end: char) -> Outcome<String> {
        let at = self.at;
        let mut name = String::new();
        loop {
            match self.next() {
                None if name.is_empty() => return Err(self.error("missing group name")),
                None => {
                    let message = format!("missing {end}, unterminated name");
                    return Err(regex_error(&message, at));
                }
                Some(c) if c == end && name.is_empty() => {
                    return Err(regex_error("missing group name", at));
                }
                Some(c) if c == end => return Ok(name),
                Some(c) => name.push(c),
            }
        }
    }
}

/// A group without number: no repetition, nor a place, even if that is all it holds.
fn uncaptured(node: Node) -> Node {
    match node {
        Node::Repeat { .. } | Node::At(_) => Node::Sequence(vec![node]),
        _ => node,
    }
}

fn flag(c: char) -> Option<i64> {
    Some(match c {
        'i' => IGNORECASE,
        'L' => LOCALE,
        'm' => MULTILINE,
        's' => DOTALL,
        'x' => VERBOSE,
        'a' => ASCII,
        'u' => UNICODE,
        _ => return None,
    })
}

const EMPTY: Node = Node::Sequence(Vec::new());
