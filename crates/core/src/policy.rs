//! What the user allows to be changed.

use crate::side::{PerSide, Side};

/// Whether changes may flow into a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The side receives changes.
    #[default]
    Open,
    /// `readonly = yes`: the side is never changed.
    Closed,
}

/// The rules of one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidePolicy {
    /// Whether messages and folders of this side may be changed (`readonly`).
    pub changes: Direction,
    /// Whether folders may be created here (`createfolders`).
    pub creation: Direction,
    /// Whether deletions made *on this side* are carried to the other (`sync_deletes`).
    pub deletions: Direction,
    /// How a message is removed on this side (`expunge`).
    pub removal: crate::op::Removal,
}

impl Default for SidePolicy {
    fn default() -> Self {
        Self {
            changes: Direction::Open,
            creation: Direction::Open,
            deletions: Direction::Open,
            removal: crate::op::Removal::Expunge,
        }
    }
}

/// The rules of both repositories of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// The rules of each side.
    pub sides: PerSide<SidePolicy>,
}

impl Policy {
    /// Tells whether messages of a side may be changed.
    pub fn may_change(&self, side: Side) -> bool {
        self.sides.get(side).changes == Direction::Open
    }

    /// Tells whether folders may be created on a side.
    pub fn may_create_folders(&self, side: Side) -> bool {
        self.may_change(side) && self.sides.get(side).creation == Direction::Open
    }

    /// Tells whether deletions made on a side are carried to the other.
    pub fn carries_deletions_of(&self, side: Side) -> bool {
        self.sides.get(side).deletions == Direction::Open
    }
}
