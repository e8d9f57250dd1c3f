//! `basic`: plain lines, for logs and timers.

use std::io::{self, Write};

use super::{Console, Level, Message};

/// Shows each message as it is.
#[derive(Debug)]
pub(super) struct Basic<W> {
    to: W,
}

impl<W> Basic<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to }
    }
}

impl<W: Write + Send> Console for Basic<W> {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        // In one piece: one write for one message.
        self.to.write_all(format!("{}\n", message.text).as_bytes())?;
        self.to.flush()
    }
}
