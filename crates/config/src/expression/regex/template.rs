//! Replacement templates: `\1`, `\g<name>`, and escapes by Python's rules.

use super::super::budget::Budget;
use super::super::error::{Exception, Outcome, PythonError};
use super::{Match, Pattern, regex_error};

/// A replacement, read.
#[derive(Debug)]
pub(in super::super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a template for a pattern. A backslash before anything but a letter or digit stays.
    pub(in super::super) fn parse(text: &str, pattern: &Pattern) -> Outcome<Self> {
        let characters: Vec<char> = text.chars().collect();
        let mut reader = Reader { characters: &characters, at: 0, pattern, template: Vec::new() };
        while let Some(c) = reader.next() {
            if c == '\\' {
                reader.escape()?;
            } else {
                reader.push(c);
            }
        }
        Ok(Self { parts: reader.template })
    }

    /// The replacement of a match.
    pub(in super::super) fn expand(&self, found: &Match, budget: &Budget) -> Outcome<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Group(group) => {
                    text.push_str(&found.group_text(*group).unwrap_or_default());
                }
            }
            budget.spend_length(text.len())?;
        }
        Ok(text)
    }
}

struct Reader<'a> {
    characters: &'a [char],
    at: usize,
    pattern: &'a Pattern,
    template: Vec<Part>,
}

impl Reader<'_> {
    fn escape(&mut self) -> Outcome<()> {
        let at = self.at - 1;
        let Some(c) = self.next() else {
            return Err(regex_error("bad escape (end of pattern)", at));
        };
        match c {
            'g' => return self.named_group(at),
            '0' => {
                let code = self.octal_digits(0, 2);
                self.push(char::from_u32(code).unwrap_or_default());
            }
            '1'..='9' => return self.numbered_group(c, at),
            'a' => self.push('\x07'),
            'b' => self.push('\x08'),
            'f' => self.push('\x0c'),
            'n' => self.push('\n'),
            'r' => self.push('\r'),
            't' => self.push('\t'),
            'v' => self.push('\x0b'),
            '\\' => self.push('\\'),
            _ if c.is_ascii_alphabetic() => {
                return Err(regex_error(&format!("bad escape \\{c}"), at));
            }
            _ => {
                self.push('\\');
                self.push(c);
            }
        }
        Ok(())
    }

    fn numbered_group(&mut self, first: char, at: usize) -> Outcome<()> {
        let mut number = first.to_digit(10).unwrap_or(0);
        if let Some(second) = self.peek().and_then(|c| c.to_digit(10)) {
            let octal = |c: char| c.to_digit(8);
            let third = self.characters.get(self.at + 1).copied().and_then(octal);
            if let (Some(high), true, Some(_)) = (octal(first), second < 8, third) {
                let code = self.octal_digits(high, 2);
                if code > 0o377 {
                    let message = "octal escape value outside of range 0-0o377";
                    return Err(regex_error(message, at));
                }
                self.push(char::from_u32(code).unwrap_or_default());
                return Ok(());
            }
            self.at += 1;
            number = number * 10 + second;
        }
        self.push_group(usize::try_from(number).unwrap_or(usize::MAX), at + 1)
    }

    fn named_group(&mut self, at: usize) -> Outcome<()> {
        if self.peek() != Some('<') {
            return Err(regex_error("missing <", self.at));
        }
        self.at += 1;
        let name_at = self.at;
        let mut name = String::new();
        loop {
            match self.next() {
                None if name.is_empty() => return Err(regex_error("missing group name", self.at)),
                None => return Err(regex_error("missing >, unterminated name", name_at)),
                Some('>') if name.is_empty() => {
                    return Err(regex_error("missing group name", name_at));
                }
                Some('>') => break,
                Some(c) => name.push(c),
            }
        }
        if let Some(group) = self.pattern.group_named(&name) {
            return self.push_group(group, at);
        }
        // Python 3.11 takes what `int` takes.
        if let Ok(number) = name.trim().trim_start_matches('+').parse() {
            return self.push_group(number, name_at);
        }
        let identifier = name
            .chars()
            .enumerate()
            .all(|(index, c)| c == '_' || c.is_alphabetic() || (index > 0 && c.is_alphanumeric()));
        if identifier {
            let message = format!("unknown group name '{name}'");
            return Err(PythonError::new(Exception::IndexError, message));
        }
        Err(regex_error(&format!("bad character in group name '{name}'"), name_at))
    }

    fn push_group(&mut self, group: usize, at: usize) -> Outcome<()> {
        if group > self.pattern.groups {
            return Err(regex_error(&format!("invalid group reference {group}"), at));
        }
        self.template.push(Part::Group(group));
        Ok(())
    }

    fn octal_digits(&mut self, high: u32, more: usize) -> u32 {
        let mut code = high;
        for _ in 0..more {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            code = code * 8 + digit;
        }
        code
    }

    fn push(&mut self, c: char) {
        match self.template.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.template.push(Part::Text(c.to_string())),
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }
}
