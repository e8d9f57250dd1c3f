//! One connection's state: what was sent, what is awaited, what the server said about itself.

mod deadline;
mod event;
mod queue;
mod selected;

pub use deadline::Deadlines;
pub use event::{Awaited, CommandHandle, Event, Greeting, Lost, Outcome, Output, SessionError};
pub use selected::{Access, Selected};

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Instant;

use bytes::Bytes;

use crate::command::Command;
use crate::response::Capabilities;

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long to wait for what.
    pub deadlines: Deadlines,
    /// How many commands may be under way at once.
    pub window: NonZeroUsize,
}

impl Default for Settings {
    /// Waits a minute for everything and keeps at most 50 commands under way.
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            window: NonZeroUsize::new(50).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The state machine of one IMAP connection.
///
/// The driver's loop:
///
/// 1. Send everything that [`Session::poll_output`] gives, until it gives `None`.
/// 2. Wait for bytes, for the end of the stream, or for [`Session::poll_timeout`], and report it:
///    [`Session::handle_input`], [`Session::handle_eof`], [`Session::handle_timeout`].
/// 3. Take all events from [`Session::poll_event`].
///
/// Reading must not wait for writing: a server may stop reading until its answers are taken. After
/// an error of any `handle_` method, or [`Event::Closed`], the session is over; every command still
/// open has been completed as [`Outcome::Lost`].
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    events: VecDeque<Event>,
}

impl Session {
    /// Begins with a connection that is just open; the greeting is awaited from `now` on.
    pub fn new(settings: Settings, now: Instant) -> Self {
        let _ = now;
        Self { settings, events: VecDeque::new() }
    }

    /// Queues a command. It is sent as soon as the order of the protocol and the window allow;
    /// until then it costs only memory.
    ///
    /// Every submitted command ends in exactly one [`Event::Completed`].
    pub fn submit(&mut self, command: Command) -> CommandHandle {
        let _ = command;
        CommandHandle::new(1)
    }

    /// Takes bytes from the server. Bodies are passed on as slices of `input`.
    ///
    /// # Errors
    ///
    /// Fails if the stream cannot be understood any more; the connection must be closed.
    pub fn handle_input(&mut self, input: &Bytes, now: Instant) -> Result<(), SessionError> {
        let _ = (input, now);
        Ok(())
    }

    /// Takes note that the server closed the stream, in whatever way. All open commands are lost.
    pub fn handle_eof(&mut self) {}

    /// Checks the deadline.
    ///
    /// # Errors
    ///
    /// Fails with [`SessionError::TimedOut`] if it has passed; the connection must be closed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let _ = now;
        Ok(())
    }

    /// Returns when [`Session::handle_timeout`] must be called, if nothing happens before. `None`
    /// while nothing is awaited.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Returns the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns the next thing to send. `None` if there is nothing to send now, or if the driver
    /// has not yet written the literal it was asked for.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        let _ = now;
        None
    }

    /// Takes note that the driver wrote so many more bytes of the literal that
    /// [`Output::Literal`] asked for. When all are reported, output goes on.
    pub fn literal_written(&mut self, written_bytes: u64, now: Instant) {
        let _ = (written_bytes, now);
    }

    /// Takes note that TLS is established after STARTTLS: what the server said before is
    /// forgotten (RFC 9051 §6.2.1).
    pub fn tls_established(&mut self, now: Instant) {
        let _ = now;
    }

    /// Returns what the server can do, as far as it said since the last login or TLS handshake.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        None
    }

    /// Tells whether the server confirmed that the extension is on (RFC 5161).
    pub fn is_enabled(&self, extension: &str) -> bool {
        let _ = extension;
        false
    }

    /// Returns the view of the selected mailbox.
    pub fn selected(&self) -> Option<&Selected> {
        None
    }

    /// Tells whether one more command would be within the window: a driver with much to do
    /// submits while this holds.
    pub fn has_room(&self) -> bool {
        true
    }

    /// Counts the commands that are submitted and not completed.
    pub fn open_commands(&self) -> usize {
        0
    }
}
