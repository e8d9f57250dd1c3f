//! How long a session waits.

use std::time::Duration;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From the open connection to the greeting.
    pub greeting: Duration,
    /// While a command is open: without any complete response and without a byte of a body moving
    /// either way.
    pub command: Duration,
    /// In the middle of a body or literal: without a byte of it moving.
    pub stalled_literal: Duration,
}

impl Default for Deadlines {
    /// A minute each.
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self { greeting: minute, command: minute, stalled_literal: minute }
    }
}
