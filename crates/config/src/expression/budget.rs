//! The bounds of one evaluation: no expression hangs the program or eats its memory.

use std::cell::Cell;

use super::error::{Exception, Outcome, PythonError};

/// What is left of steps and depth.
///
/// One evaluation (of an expression, or one call of its value) has one budget.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<usize>,
    regex_steps: Cell<usize>,
    depth: Cell<usize>,
}

impl Budget {
    /// A full budget.
    pub(super) fn new() -> Self {
        Self {
            steps: Cell::new(STEP_LIMIT),
            regex_steps: Cell::new(REGEX_STEP_LIMIT),
            depth: Cell::new(0),
        }
    }

    /// Takes steps.
    pub(super) fn spend(&self, steps: usize) -> Outcome<()> {
        take(&self.steps, steps, "the expression takes too many steps")
    }

    /// Takes one step of matching a regular expression.
    pub(super) fn spend_regex_step(&self) -> Outcome<()> {
        take(&self.regex_steps, 1, "the regular expression backtracks too much")
    }

    /// Takes the steps that making a string or list of this length costs, unless it is too long.
    pub(super) fn spend_length(&self, length: usize) -> Outcome<()> {
        if length > LENGTH_LIMIT {
            return Err(limit("a value is too large"));
        }
        self.spend(1 + length / 16)
    }

    /// Goes one level deeper, for as long as the result lives.
    pub(super) fn descend(&self) -> Outcome<Level<'_>> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_LIMIT {
            let message = "maximum recursion depth exceeded";
            return Err(PythonError::new(Exception::RecursionError, message));
        }
        self.depth.set(depth);
        Ok(Level { budget: self })
    }
}

/// A level of recursion, left when dropped.
#[derive(Debug)]
pub(super) struct Level<'a> {
    budget: &'a Budget,
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.budget.depth.set(self.budget.depth.get().saturating_sub(1));
    }
}

fn take(left: &Cell<usize>, steps: usize, message: &str) -> Outcome<()> {
    let rest = left.get().checked_sub(steps).ok_or_else(|| limit(message))?;
    left.set(rest);
    Ok(())
}

fn limit(message: &str) -> PythonError {
    PythonError::new(Exception::LimitExceeded, message)
}

/// Enough for a filter over thousands of names, and done in well under a second.
const STEP_LIMIT: usize = 1_000_000;

/// Instructions of the matcher; a pattern for folder names needs some hundred for each name.
const REGEX_STEP_LIMIT: usize = 2_000_000;

/// Characters of a string, items of a list.
const LENGTH_LIMIT: usize = 1_000_000;

/// Nested evaluations; the stack of a thread of two mebibytes holds several times as many.
const DEPTH_LIMIT: usize = 120;
