//! `[…]`

use std::sync::Arc;

use super::super::super::error::Outcome;
use super::super::class::{Class, Member};
use super::super::regex_error;
use super::super::syntax::{Node, Sense};
use super::Parser;

impl Parser {
    /// A class whose `[` has been read.
    pub(super) fn class(&mut self, at: usize) -> Outcome<Node> {
        let sense = if self.take('^') { Sense::Negative } else { Sense::Positive };
        let mut members: Vec<Member> = Vec::new();
        let start = self.at;
        loop {
            let member_at = self.at;
            let Some(c) = self.next() else {
                return Err(regex_error("unterminated character set", at));
            };
            // A `]` at the start is a member, and so is any `[`.
            if c == ']' && member_at != start {
                break;
            }
            let first = self.member(c, member_at)?;
            if self.peek() != Some('-') {
                members.push(first);
                continue;
            }
            self.at += 1;
            let last_at = self.at;
            let Some(c) = self.next() else {
                return Err(regex_error("unterminated character set", at));
            };
            if c == ']' {
                members.extend([first, Member::Range('-', '-')]);
                break;
            }
            let last = self.member(c, last_at)?;
            let (Member::Range(low, _), Member::Range(high, _)) = (first, last) else {
                return Err(self.bad_range(member_at));
            };
            if high < low {
                return Err(self.bad_range(member_at));
            }
            members.push(Member::Range(low, high));
        }
        let (case, alphabet) = (self.case(), self.alphabet());
        Ok(Node::Class(Arc::new(Class { sense, case, alphabet, members })))
    }

    fn member(&mut self, c: char, at: usize) -> Outcome<Member> {
        if c == '\\' { self.class_escape(at) } else { Ok(Member::Range(c, c)) }
    }

    fn bad_range(&self, at: usize) -> super::super::super::error::PythonError {
        let range: String = self.source.get(at..self.at).unwrap_or_default().iter().collect();
        regex_error(&format!("bad character range {range}"), at)
    }
}
