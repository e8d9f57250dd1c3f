//! `quiet`: nothing but warnings and errors, for cron.

use std::io::{self, Write};

use super::basic::Basic;
use super::{Console, Level, Message};

/// Shows messages that need somebody's attention.
#[derive(Debug)]
pub(super) struct Quiet<W>(Basic<W>);

impl<W> Quiet<W> {
    pub(super) fn new(to: W) -> Self {
        Self(Basic::new(to))
    }
}

impl<W: Write + Send> Console for Quiet<W> {
    fn lowest(&self) -> Level {
        Level::Warning
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        self.0.show(message)
    }
}
