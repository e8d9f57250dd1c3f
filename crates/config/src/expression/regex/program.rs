//! A pattern as a program for the matcher.

use std::sync::Arc;

use super::super::error::{Exception, Outcome, PythonError};
use super::class::Class;
use super::syntax::{Alphabet, At, Case, Direction, Greed, Node, Sense};

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    /// Places for group bounds, then for the marks of loops.
    pub(super) slots: usize,
    /// The slots of group bounds.
    pub(super) group_slots: usize,
}

/// An instruction. Targets are indexes of instructions.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Character(char),
    Folded(char, Alphabet),
    NotLineBreak,
    Any,
    Class(Arc<Class>),
    At(At),
    /// Remembers the position.
    Save(usize),
    /// Goes on at the first target, and at the second if that fails.
    Split(usize, usize),
    Jump(usize),
    /// Leaves a loop whose last round, begun at the mark, matched nothing.
    LeaveIfEmpty {
        mark: usize,
        exit: usize,
    },
    Reference {
        group: usize,
        case: Case,
    },
    /// Runs what follows up to its `Return`, then goes on at the target.
    Look {
        direction: Direction,
        sense: Sense,
        after: usize,
    },
    /// Runs what follows up to its `Return` without ever coming back into it.
    Atomic {
        after: usize,
    },
    /// Goes on with the next if the group took part, else at the target.
    IfGroup {
        group: usize,
        otherwise: usize,
    },
    Return,
    Accept,
}

impl Program {
    /// Compiles a tree.
    pub(super) fn compile(node: &Node, groups: usize) -> Outcome<Self> {
        let group_slots = 2 * (groups + 1);
        let mut compiler = Compiler { steps: Vec::new(), slots: group_slots };
        compiler.push(Step::Save(0))?;
        compiler.node(node)?;
        compiler.push(Step::Save(1))?;
        compiler.push(Step::Accept)?;
        Ok(Self { steps: compiler.steps, slots: compiler.slots, group_slots })
    }
}

struct Compiler {
    steps: Vec<Step>,
    slots: usize,
}

impl Compiler {
    fn node(&mut self, node: &Node) -> Outcome<()> {
        match node {
            Node::Character(c) => self.push(Step::Character(*c))?,
            Node::Folded(c, alphabet) => self.push(Step::Folded(*c, *alphabet))?,
            Node::NotLineBreak => self.push(Step::NotLineBreak)?,
            Node::Any => self.push(Step::Any)?,
            Node::Class(class) => self.push(Step::Class(Arc::clone(class)))?,
            Node::At(place) => self.push(Step::At(*place))?,
            Node::Group { index, node } => {
                self.push(Step::Save(2 * index))?;
                self.node(node)?;
                self.push(Step::Save(2 * index + 1))?
            }
            Node::Reference { group, case } => {
                self.push(Step::Reference { group: *group, case: *case })?
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
                return Ok(());
            }
            Node::Alternatives(branches) => return self.alternatives(branches),
            Node::Repeat { node, least, most, greed } => {
                return self.repeat(node, *least, *most, *greed);
            }
            Node::Look { direction, sense, node } => {
                let (direction, sense) = (*direction, *sense);
                let start = self.push(Step::Return)?;
                self.node(node)?;
                self.push(Step::Return)?;
                let after = self.steps.len();
                self.set(start, Step::Look { direction, sense, after });
                start
            }
            Node::Atomic(node) => {
                let start = self.push(Step::Return)?;
                self.node(node)?;
                self.push(Step::Return)?;
                let after = self.steps.len();
                self.set(start, Step::Atomic { after });
                start
            }
            Node::Conditional { group, yes, no } => {
                let test = self.push(Step::Return)?;
                self.node(yes)?;
                let leave = self.push(Step::Return)?;
                self.set(test, Step::IfGroup { group: *group, otherwise: leave + 1 });
                self.node(no)?;
                self.set(leave, Step::Jump(self.steps.len()));
                leave
            }
        };
        Ok(())
    }

    fn alternatives(&mut self, branches: &[Node]) -> Outcome<()> {
        let mut leaves = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if index + 1 == branches.len() {
                self.node(branch)?;
                break;
            }
            let split = self.push(Step::Return)?;
            self.node(branch)?;
            leaves.push(self.push(Step::Return)?);
            self.set(split, Step::Split(split + 1, self.steps.len()));
        }
        for leave in leaves {
            self.set(leave, Step::Jump(self.steps.len()));
        }
        Ok(())
    }

    fn repeat(&mut self, node: &Node, least: u32, most: Option<u32>, greed: Greed) -> Outcome<()> {
        let atomic = match greed {
            Greed::Possessive => Some(self.push(Step::Return)?),
            Greed::Greedy | Greed::Lazy => None,
        };
        let split = |inside, outside| match greed {
            Greed::Lazy => Step::Split(outside, inside),
            Greed::Greedy | Greed::Possessive => Step::Split(inside, outside),
        };
        for _ in 0..least {
            // A node without steps would be repeated for ever at no cost.
            if self.empty_after(node)? {
                break;
            }
        }
        if let Some(most) = most {
            let mut splits = Vec::new();
            for _ in least..most {
                splits.push(self.push(Step::Return)?);
                if self.empty_after(node)? {
                    break;
                }
            }
            let end = self.steps.len();
            for start in splits {
                self.set(start, split(start + 1, end));
            }
        } else {
            let start = self.push(Step::Return)?;
            let mark = self.slots;
            self.slots += 1;
            self.push(Step::Save(mark))?;
            self.node(node)?;
            let exit = self.steps.len() + 2;
            self.push(Step::LeaveIfEmpty { mark, exit })?;
            self.push(Step::Jump(start))?;
            self.set(start, split(start + 1, exit));
        }
        if let Some(start) = atomic {
            self.push(Step::Return)?;
            let after = self.steps.len();
            self.set(start, Step::Atomic { after });
        }
        Ok(())
    }

    /// Compiles a node, and tells whether it made no steps.
    fn empty_after(&mut self, node: &Node) -> Outcome<bool> {
        let before = self.steps.len();
        self.node(node)?;
        Ok(self.steps.len() == before)
    }

    fn push(&mut self, step: Step) -> Outcome<usize> {
        if self.steps.len() >= PROGRAM_LIMIT {
            let message = "the regular expression is too large";
            return Err(PythonError::new(Exception::LimitExceeded, message));
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn set(&mut self, place: usize, step: Step) {
        if let Some(slot) = self.steps.get_mut(place) {
            *slot = step;
        }
    }
}

/// Instructions; counted repetitions are written out.
const PROGRAM_LIMIT: usize = 20_000;
