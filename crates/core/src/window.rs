//! Which messages the user wants to be synced (`spec/sync.md` §8).

use crate::key::Key;

/// The part of a mailbox that a sync is about. What is outside is left alone on both sides, and
/// nothing is concluded from its absence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// Where it begins (`maxage`, `startdate`).
    pub start: Start,
    /// The octets on the wire that a message may have at most (`maxsize`).
    pub largest: Option<u64>,
}

impl Window {
    /// Tells whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.start == Start::Beginning && self.largest.is_none()
    }
}

/// Where a window begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With the first message.
    #[default]
    Beginning,
    /// With this key: all messages at or beyond it are inside.
    At(Key),
    /// With the lowest key of a message that the store dates to this day or later, counted in days
    /// since 1970-01-01: all messages at or beyond that key are inside, older ones too. Without
    /// such a message nothing is.
    Day(i64),
}

/// What a message that is new on one side must not exceed to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many octets on the wire.
    Octets(u64),
    /// It must not have come before this moment, as far as its name tells.
    Before {
        /// Seconds since 1970-01-01 00:00:00 UTC.
        unix_seconds: i64,
    },
}
