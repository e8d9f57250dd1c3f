//! What follows a backslash.

use std::sync::Arc;

use super::super::super::error::{Outcome, unsupported};
use super::super::class::{Category, Class, Member};
use super::super::regex_error;
use super::super::syntax::{At, Case, Node, Sense};
use super::Parser;

impl Parser {
    /// An escape outside a class.
    pub(super) fn escape(&mut self, at: usize) -> Outcome<Node> {
        let Some(c) = self.next() else {
            return Err(regex_error("bad escape (end of pattern)", at));
        };
        let place = match c {
            'A' => Some(At::Start),
            'Z' => Some(At::End),
            'b' => Some(At::Boundary(self.alphabet())),
            'B' => Some(At::NotBoundary(self.alphabet())),
            _ => None,
        };
        if let Some(place) = place {
            return Ok(Node::At(place));
        }
        if let Some((category, sense)) = category(c) {
            return Ok(Node::Class(Arc::new(Class {
                sense: Sense::Positive,
                case: Case::Counts,
                alphabet: self.alphabet(),
                members: vec![Member::Category(category, sense)],
            })));
        }
        if c == '0' {
            let code = self.octal(c, 2);
            return Ok(self.literal(char::from_u32(code).unwrap_or_default()));
        }
        if c.is_ascii_digit() {
            return self.reference(c, at);
        }
        let c = self.character(c, at)?;
        Ok(self.literal(c))
    }

    /// An escape within a class.
    pub(super) fn class_escape(&mut self, at: usize) -> Outcome<Member> {
        let Some(c) = self.next() else {
            return Err(regex_error("bad escape (end of pattern)", at));
        };
        if let Some((category, sense)) = category(c) {
            return Ok(Member::Category(category, sense));
        }
        let c = match c {
            'b' => '\x08',
            '0'..='7' => {
                let code = self.octal(c, 2);
                if code > 0o377 {
                    let message = "octal escape value outside of range 0-0o377";
                    return Err(regex_error(message, at));
                }
                char::from_u32(code).unwrap_or_default()
            }
            '8' | '9' => return Err(regex_error(&format!("bad escape \\{c}"), at)),
            _ => self.character(c, at)?,
        };
        Ok(Member::Range(c, c))
    }

    /// `\1`, `\12`, or a character by three octal digits.
    fn reference(&mut self, first: char, at: usize) -> Outcome<Node> {
        let octal = |c: Option<char>| c.filter(|c| ('0'..='7').contains(c));
        let mut number = first.to_digit(10).unwrap_or(0);
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            let third = self.source.get(self.at + 1).copied();
            if octal(Some(first)).and(octal(Some(second))).and(octal(third)).is_some() {
                let code = self.octal(first, 2);
                if code > 0o377 {
                    let message = "octal escape value outside of range 0-0o377";
                    return Err(regex_error(message, at));
                }
                return Ok(self.literal(char::from_u32(code).unwrap_or_default()));
            }
            self.at += 1;
            number = number * 10 + second.to_digit(10).unwrap_or(0);
        }
        self.group_reference(usize::try_from(number).unwrap_or(usize::MAX), at + 1)
    }

    /// A reference to a group that must be closed.
    pub(super) fn group_reference(&self, group: usize, at: usize) -> Outcome<Node> {
        match self.closed.get(group) {
            None => {
                return Err(regex_error(&format!("invalid group reference {group}"), at));
            }
            Some(None) => return Err(regex_error("cannot refer to an open group", at)),
            Some(Some(_)) => {}
        }
        if self.look_behind_groups.is_some_and(|before| group >= before) {
            let message = "cannot refer to group defined in the same lookbehind subpattern";
            return Err(regex_error(message, at));
        }
        Ok(Node::Reference { group, case: self.case() })
    }

    /// A character by letter or number.
    fn character(&mut self, c: char, at: usize) -> Outcome<char> {
        let length = match c {
            'a' => return Ok('\x07'),
            'f' => return Ok('\x0c'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'v' => return Ok('\x0b'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => return Err(unsupported("a character by name in a regular expression")),
            _ if c.is_ascii_alphabetic() => {
                return Err(regex_error(&format!("bad escape \\{c}"), at));
            }
            _ => return Ok(c),
        };
        let mut code = 0;
        for _ in 0..length {
            let digit = self.peek().and_then(|digit| digit.to_digit(16));
            let Some(digit) = digit else {
                return Err(regex_error(&format!("incomplete escape \\{c}"), at));
            };
            self.at += 1;
            code = code * 16 + digit;
        }
        if (0xd800..0xe000).contains(&code) {
            return Err(unsupported("a surrogate character"));
        }
        char::from_u32(code).ok_or_else(|| regex_error(&format!("bad escape \\{c}"), at))
    }

    /// The code of octal digits, the first of which has been read.
    fn octal(&mut self, first: char, more: usize) -> u32 {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..more {
            let Some(digit) = self.peek().and_then(|digit| digit.to_digit(8)) else { break };
            self.at += 1;
            code = code * 8 + digit;
        }
        code
    }
}

fn category(c: char) -> Option<(Category, Sense)> {
    Some(match c {
        'd' => (Category::Digit, Sense::Positive),
        'D' => (Category::Digit, Sense::Negative),
        's' => (Category::Space, Sense::Positive),
        'S' => (Category::Space, Sense::Negative),
        'w' => (Category::Word, Sense::Positive),
        'W' => (Category::Word, Sense::Negative),
        _ => return None,
    })
}
