//! Python's `re`: its dialect, its matching order, its replacement templates.
//!
//! A matcher of its own rather than a regex crate behind a translation: group contents in loops,
//! empty matches, `$` before a final line break and the rules for `sub` and `split` then are
//! Python's by construction, and every search has a bounded number of steps.

mod class;
mod matcher;
mod parser;
mod program;
mod syntax;
mod template;

use std::sync::Arc;

pub(super) use matcher::{Anchor, Progress};
pub(super) use syntax::{ASCII, DOTALL, IGNORECASE, MULTILINE, UNICODE, VERBOSE};
pub(super) use template::Template;

use super::budget::Budget;
use super::error::{Exception, Outcome, PythonError, type_error, unsupported};
use super::evaluate::Arguments;
use super::value::{Dict, ObjectKind, Value};
use program::Program;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    source: Arc<str>,
    flags: i64,
    groups: usize,
    names: Vec<(String, usize)>,
    program: Program,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// `re.error`, with Python's message and position.
    pub(super) fn compile(source: &str, flags: i64) -> Outcome<Self> {
        let parsed = parser::parse(source, flags)?;
        let program = Program::compile(&parsed.node, parsed.groups)?;
        Ok(Self {
            source: source.into(),
            flags: parsed.flags,
            groups: parsed.groups,
            names: parsed.names,
            program,
        })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn flags(&self) -> i64 {
        self.flags
    }

    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    fn group_named(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, index)| *index)
    }

    /// Finds the first match at or after a character position.
    pub(super) fn find(
        self: &Arc<Self>,
        subject: &Subject,
        from: usize,
        anchor: Anchor,
        progress: Progress,
        budget: &Budget,
    ) -> Outcome<Option<Match>> {
        let slots = matcher::find(
            &self.program,
            &subject.characters,
            [from, subject.end],
            anchor,
            progress,
            budget,
        )?;
        Ok(slots.map(|slots| Match { pattern: Arc::clone(self), subject: subject.clone(), slots }))
    }

    /// All matches from a position on, none overlapping another.
    pub(super) fn find_all(
        self: &Arc<Self>,
        subject: &Subject,
        mut from: usize,
        limit: Option<usize>,
        budget: &Budget,
    ) -> Outcome<Vec<Match>> {
        let mut matches = Vec::new();
        let mut progress = Progress::MayBeEmpty;
        while limit.is_none_or(|limit| matches.len() < limit) {
            let Some(found) = self.find(subject, from, Anchor::Search, progress, budget)? else {
                break;
            };
            let (start, end) = found.span(0).unwrap_or_default();
            // After an empty match, the next one at the same place must not be empty.
            progress = if start == end { Progress::NotEmptyAtStart } else { Progress::MayBeEmpty };
            from = end;
            matches.push(found);
            budget.spend(1 + self.groups)?;
        }
        Ok(matches)
    }
}

/// A text that is searched.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    text: Arc<str>,
    characters: Arc<[char]>,
    /// Where the search treats the text as ended.
    end: usize,
}

impl Subject {
    /// The text of a value.
    pub(super) fn new(value: &Value, budget: &Budget) -> Outcome<Self> {
        match value {
            Value::Str(text) => {
                budget.spend_length(text.len())?;
                let characters: Arc<[char]> = text.chars().collect();
                Ok(Self { text: Arc::clone(text), end: characters.len(), characters })
            }
            Value::Bytes(_) => {
                Err(type_error("cannot use a string pattern on a bytes-like object"))
            }
            _ => Err(type_error(format!(
                "expected string or bytes-like object, got '{}'",
                value.type_name()
            ))),
        }
    }

    /// The text as if it ended at a position.
    pub(super) fn ending_at(mut self, end: usize) -> Self {
        self.end = self.end.min(end);
        self
    }

    /// The length of what is searched, in characters.
    pub(super) fn length(&self) -> usize {
        self.end
    }

    /// The characters between two positions.
    pub(super) fn part(&self, start: usize, end: usize) -> String {
        self.characters.get(start..end.max(start)).unwrap_or_default().iter().collect()
    }
}

/// A match.
#[derive(Debug)]
pub(super) struct Match {
    pattern: Arc<Pattern>,
    subject: Subject,
    /// Start and end of each group, in characters.
    slots: Vec<Option<usize>>,
}

impl Match {
    /// Start and end of a group in characters, if it took part.
    pub(super) fn span(&self, group: usize) -> Option<(usize, usize)> {
        let start = self.slots.get(2 * group).copied().flatten()?;
        let end = self.slots.get(2 * group + 1).copied().flatten()?;
        Some((start, end))
    }

    /// The text of a group, if it took part.
    pub(super) fn group_text(&self, group: usize) -> Option<String> {
        self.span(group).map(|(start, end)| self.subject.part(start, end))
    }

    /// `match[group]`
    pub(super) fn group(&self, group: &Value) -> Outcome<Value> {
        Ok(self.text_or(self.number(group)?, &Value::None))
    }

    /// The texts of all groups but the whole, or a default.
    pub(super) fn groups(&self, default: &Value) -> Vec<Value> {
        (1..=self.pattern.groups).map(|group| self.text_or(group, default)).collect()
    }

    pub(super) fn subject(&self) -> Value {
        Value::Str(Arc::clone(&self.subject.text))
    }

    pub(super) fn pattern(&self) -> Value {
        Value::object(ObjectKind::Pattern(Arc::clone(&self.pattern)))
    }

    /// Calls a method.
    pub(super) fn method(
        &self,
        name: &str,
        arguments: Arguments,
        budget: &Budget,
    ) -> Outcome<Value> {
        match name {
            "group" => {
                let arguments = arguments.without_keywords(name)?.positional;
                match arguments.as_slice() {
                    [] => self.group(&Value::Int(0)),
                    [one] => self.group(one),
                    many => {
                        let groups = many.iter().map(|group| self.group(group));
                        Ok(Value::Tuple(groups.collect::<Outcome<_>>()?))
                    }
                }
            }
            "groups" => {
                let [default] = arguments.bind(name, ["default"], 0)?;
                Ok(Value::Tuple(self.groups(&default.unwrap_or(Value::None)).into()))
            }
            "groupdict" => {
                let [default] = arguments.bind(name, ["default"], 0)?;
                let default = default.unwrap_or(Value::None);
                let entries = self
                    .pattern
                    .names
                    .iter()
                    .map(|(name, group)| (Value::text(name), self.text_or(*group, &default)));
                Ok(Value::Dict(Arc::new(Dict::new(entries)?)))
            }
            "start" | "end" | "span" => {
                let [group] = arguments.bind_positions(name, 0)?;
                let group = self.number(&group.unwrap_or(Value::Int(0)))?;
                let span = self.span(group);
                let start = span.map_or(Value::Int(-1), |(start, _)| Value::index(start));
                let end = span.map_or(Value::Int(-1), |(_, end)| Value::index(end));
                Ok(match name {
                    "start" => start,
                    "end" => end,
                    _ => Value::tuple([start, end]),
                })
            }
            "expand" => {
                let [template] = arguments.bind(name, ["template"], 1)?;
                let Some(Value::Str(template)) = template else {
                    return Err(type_error("expected a template string"));
                };
                Ok(Template::parse(&template, &self.pattern)?.expand(self, budget)?.into())
            }
            _ => Err(unsupported(format!("the method .{name} of a match"))),
        }
    }

    fn text_or(&self, group: usize, default: &Value) -> Value {
        self.group_text(group).map_or_else(|| default.clone(), Value::from)
    }

    /// The number of a group given by number or name.
    fn number(&self, group: &Value) -> Outcome<usize> {
        let number = match group {
            Value::Str(name) => self.pattern.group_named(name),
            _ => group.as_integer().and_then(|number| usize::try_from(number).ok()),
        };
        number
            .filter(|number| *number <= self.pattern.groups)
            .ok_or_else(|| PythonError::new(Exception::IndexError, "no such group"))
    }
}

/// An `re.error`.
fn regex_error(message: &str, at: usize) -> PythonError {
    PythonError::new(Exception::RegexError, format!("{message} at position {at}"))
}
