//! The matcher: runs a program over characters, with a stack of choices to come back to.

use super::super::budget::Budget;
use super::super::error::{Exception, Outcome, PythonError};
use super::class::{Category, fold};
use super::program::{Program, Step};
use super::syntax::{Alphabet, At, Case, Direction, Sense};

/// Where a match must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Anchor {
    /// Anywhere.
    Search,
    /// At the first position.
    Start,
    /// From the first position to the end.
    Full,
}

/// Whether a match at the very first position may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Progress {
    MayBeEmpty,
    NotEmptyAtStart,
}

/// Finds the first match between two positions of a text; the start and end of each group.
pub(super) fn find(
    program: &Program,
    text: &[char],
    [from, end]: [usize; 2],
    anchor: Anchor,
    progress: Progress,
    budget: &Budget,
) -> Outcome<Option<Vec<Option<usize>>>> {
    let text = text.get(..end).unwrap_or(text);
    let mut matcher = Matcher {
        program,
        text,
        budget,
        slots: vec![None; program.slots],
        choices: Vec::new(),
        anchor,
        not_empty_at: None,
    };
    let last = if anchor == Anchor::Search { text.len() } else { from };
    for start in from..=last {
        let at_first = start == from && progress == Progress::NotEmptyAtStart;
        matcher.not_empty_at = at_first.then_some(start);
        matcher.slots.fill(None);
        matcher.choices.clear();
        if matcher.run(0, start)?.is_some() {
            matcher.slots.truncate(program.group_slots);
            return Ok(Some(matcher.slots));
        }
    }
    Ok(None)
}

struct Matcher<'a> {
    program: &'a Program,
    text: &'a [char],
    budget: &'a Budget,
    slots: Vec<Option<usize>>,
    choices: Vec<Choice>,
    anchor: Anchor,
    not_empty_at: Option<usize>,
}

/// Something to take back.
enum Choice {
    /// Go on there.
    Branch { step: usize, position: usize },
    /// Restore what a slot held.
    Restore { slot: usize, before: Option<usize> },
}

impl Matcher<'_> {
    /// Runs from a step on, until it accepts or returns (gives the position) or fails with all
    /// choices used up that it made itself.
    fn run(&mut self, step: usize, position: usize) -> Outcome<Option<usize>> {
        let base = self.choices.len();
        let (mut step, mut position) = (step, position);
        loop {
            self.budget.spend_regex_step()?;
            let next = match self.program.steps.get(step) {
                Some(Step::Return) | None => return Ok(Some(position)),
                Some(Step::Accept) => {
                    let refused = (self.anchor == Anchor::Full && position != self.text.len())
                        || self.not_empty_at == Some(position);
                    if !refused {
                        return Ok(Some(position));
                    }
                    None
                }
                Some(other) => self.step(other, step, position)?,
            };
            match next {
                Some(place) => (step, position) = place,
                None => match self.back_to(base) {
                    Some(place) => (step, position) = place,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Carries out one instruction; `None`: it fails.
    fn step(
        &mut self,
        instruction: &Step,
        step: usize,
        position: usize,
    ) -> Outcome<Option<(usize, usize)>> {
        let current = self.text.get(position).copied();
        let consumed = |found: bool| Ok(found.then_some((step + 1, position + 1)));
        match instruction {
            Step::Character(c) => consumed(current == Some(*c)),
            Step::Folded(c, alphabet) => {
                consumed(current.is_some_and(|found| fold(found, *alphabet) == *c))
            }
            Step::NotLineBreak => consumed(current.is_some_and(|c| c != '\n')),
            Step::Any => consumed(current.is_some()),
            Step::Class(class) => consumed(current.is_some_and(|c| class.contains(c))),
            Step::At(place) => Ok(self.is_at(*place, position).then_some((step + 1, position))),
            Step::Save(slot) => {
                self.save(*slot, position)?;
                Ok(Some((step + 1, position)))
            }
            Step::Split(first, second) => {
                self.choose(Choice::Branch { step: *second, position })?;
                Ok(Some((*first, position)))
            }
            Step::Jump(target) => Ok(Some((*target, position))),
            Step::LeaveIfEmpty { mark, exit } => {
                let began = self.slots.get(*mark).copied().flatten();
                Ok(Some((if began == Some(position) { *exit } else { step + 1 }, position)))
            }
            Step::Reference { group, case } => {
                Ok(self.reference(*group, *case, position).map(|end| (step + 1, end)))
            }
            Step::Look { direction, sense, after } => {
                let start = match direction {
                    Direction::Ahead => Some(position),
                    Direction::Behind(width) => position.checked_sub(*width),
                };
                let base = self.choices.len();
                let found = match start {
                    Some(start) => self.nested(step + 1, start)?.is_some(),
                    None => false,
                };
                if *sense == Sense::Negative && found {
                    while self.back_to(base).is_some() {}
                }
                self.forget_branches(base);
                Ok((found == (*sense == Sense::Positive)).then_some((*after, position)))
            }
            Step::Atomic { after } => {
                let base = self.choices.len();
                let end = self.nested(step + 1, position)?;
                self.forget_branches(base);
                Ok(end.map(|end| (*after, end)))
            }
            Step::IfGroup { group, otherwise } => {
                let matched = self.group(*group).is_some();
                Ok(Some((if matched { step + 1 } else { *otherwise }, position)))
            }
            Step::Return | Step::Accept => Ok(None),
        }
    }

    fn nested(&mut self, step: usize, position: usize) -> Outcome<Option<usize>> {
        let budget = self.budget;
        let _level = budget.descend()?;
        self.run(step, position)
    }

    fn is_at(&self, place: At, position: usize) -> bool {
        let before = position.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        let after = self.text.get(position).copied();
        let boundary = |alphabet| {
            let word = |c: Option<char>| c.is_some_and(|c| Category::Word.contains(c, alphabet));
            word(before) != word(after)
        };
        match place {
            At::Start => position == 0,
            At::StartOfLine => position == 0 || before == Some('\n'),
            At::End => after.is_none(),
            At::EndOrLastBreak => {
                after.is_none() || (after == Some('\n') && position + 1 == self.text.len())
            }
            At::EndOfLine => after.is_none() || after == Some('\n'),
            At::Boundary(alphabet) => !self.text.is_empty() && boundary(alphabet),
            // CPython up to 3.13: neither holds in an empty text.
            At::NotBoundary(alphabet) => !self.text.is_empty() && !boundary(alphabet),
        }
    }

    fn group(&self, group: usize) -> Option<(usize, usize)> {
        let start = self.slots.get(2 * group).copied().flatten()?;
        let end = self.slots.get(2 * group + 1).copied().flatten()?;
        (start <= end).then_some((start, end))
    }

    /// The end of a repetition of what a group matched.
    fn reference(&self, group: usize, case: Case, position: usize) -> Option<usize> {
        let (start, end) = self.group(group)?;
        let wanted = self.text.get(start..end)?;
        let found = self.text.get(position..position + wanted.len())?;
        let same = wanted.iter().zip(found).all(|(a, b)| match case {
            Case::Counts => a == b,
            Case::Ignored => fold(*a, Alphabet::Unicode) == fold(*b, Alphabet::Unicode),
        });
        same.then_some(position + wanted.len())
    }

    fn save(&mut self, slot: usize, position: usize) -> Outcome<()> {
        let before = self.slots.get(slot).copied().flatten();
        self.choose(Choice::Restore { slot, before })?;
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(position);
        }
        Ok(())
    }

    fn choose(&mut self, choice: Choice) -> Outcome<()> {
        if self.choices.len() >= CHOICE_LIMIT {
            let message = "the regular expression backtracks too much";
            return Err(PythonError::new(Exception::LimitExceeded, message));
        }
        self.choices.push(choice);
        Ok(())
    }

    /// Takes back to the last branch above a base.
    fn back_to(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.choices.len() > base {
            match self.choices.pop()? {
                Choice::Branch { step, position } => return Some((step, position)),
                Choice::Restore { slot, before } => {
                    if let Some(place) = self.slots.get_mut(slot) {
                        *place = before;
                    }
                }
            }
        }
        None
    }

    /// Drops the branches above a base, but keeps what restores the slots.
    fn forget_branches(&mut self, base: usize) {
        let kept = self.choices.split_off(base.min(self.choices.len()));
        let restores = kept.into_iter().filter(|choice| matches!(choice, Choice::Restore { .. }));
        self.choices.extend(restores);
    }
}

/// Choices on the stack; some dozen bytes each.
const CHOICE_LIMIT: usize = 500_000;
