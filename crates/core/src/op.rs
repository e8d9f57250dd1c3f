//! The single operations of a plan. Each says what it expects and why it is there.

use std::fmt;

use crate::base::Bounds;
use crate::flags::{FlagChange, Flags};
use crate::key::Key;
use crate::side::Side;

/// Why an operation is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The message is on that side and was never known to be on the other.
    NewOn(Side),
    /// The message had been deleted on the other side, was only marked here, and is unmarked now.
    UndeletedOn(Side),
    /// The message is known to have been on both sides and is gone from that one.
    DeletedOn(Side),
    /// The flags differ on that side from what both sides last agreed on.
    FlagsChangedOn(Side),
    /// The message is on both sides but was not known to be; the local flags win.
    LocalFlagsWin,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewOn(side) => write!(f, "new on the {side} side"),
            Self::UndeletedOn(side) => write!(f, "no longer marked deleted on the {side} side"),
            Self::DeletedOn(side) => write!(f, "deleted on the {side} side"),
            Self::FlagsChangedOn(side) => write!(f, "flags changed on the {side} side"),
            Self::LocalFlagsWin => f.write_str("found on both sides, the local flags win"),
        }
    }
}

/// How a message is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// It is gone for good.
    Expunge,
    /// It is only marked `\Deleted` (`expunge = no`).
    MarkDeleted,
}

/// Copies a message to the side under which the plan lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOp {
    /// The key on the side where the message is.
    pub source: Key,
    /// The flags that it has there.
    pub flags: Flags,
    /// The flags with which the pair enters the base once the copy is confirmed: those that both
    /// sides can store. One that never arrived must not be missed there later.
    pub settles: Flags,
    /// Why it is copied.
    pub reason: Reason,
}

/// Changes the flags of a message on the side under which the plan lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagOp {
    /// The pair, by its remote key.
    pub pair: Key,
    /// The message to change.
    pub target: Key,
    /// The flags it was seen with.
    pub expect: Flags,
    /// The change to make.
    pub change: FlagChange,
    /// What the base learns once the change is confirmed.
    pub settles: FlagChange,
    /// Why the flags are changed.
    pub reason: Reason,
}

/// Deletes a message on the side under which the plan lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteOp {
    /// The pair, by its remote key.
    pub pair: Key,
    /// The message to delete.
    pub target: Key,
    /// Its key on the side where it is gone: it must still be absent there.
    pub gone: Key,
    /// The flags it was seen with.
    pub expect: Flags,
    /// How to delete it.
    pub removal: Removal,
    /// Why it is deleted.
    pub reason: Reason,
}

/// Recognises a message that is on both sides, without a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// Its key on the remote side.
    pub remote: Key,
    /// Its key on the local side.
    pub local: Key,
    /// The flags with which the pair enters the base.
    pub flags: Flags,
    /// Whether the message is inside of the restrictions.
    pub bounds: Bounds,
}

/// Notes that the local message of a pair has another key than the base says, or lacks the hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebind {
    /// The pair, by its remote key.
    pub pair: Key,
    /// The local key that was seen.
    pub local: Key,
}

/// Why something that differs between the sides is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withholding {
    /// `readonly = yes` in the repository that would be changed.
    RepositoryReadOnly,
    /// The server opened the mailbox read-only.
    MailboxReadOnly,
    /// `sync_deletes = no` in the repository where the message was deleted.
    DeletionsKept,
    /// The user named the message as one that is never copied (`copy_ignore_eval`).
    NeverCopied,
}

/// Operations that the differences call for and the policy forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// Messages not copied to the side.
    Copy(Side, Withholding, Key),
    /// Flags not changed on the side.
    Flags(Side, Withholding, Key),
    /// Messages not deleted on the side.
    Delete(Side, Withholding, Key),
}

impl Withheld {
    /// The message that is not copied to a side.
    pub(crate) fn copy_to(&self, side: Side) -> Option<&Key> {
        match self {
            Self::Copy(to, _, key) => (*to == side).then_some(key),
            Self::Flags(..) | Self::Delete(..) => None,
        }
    }
}
