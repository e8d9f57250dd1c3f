//! An undivided talk with the server over one connection.

use std::collections::BTreeMap;
use std::vec;

use bytes::Bytes;
use offlineimap_core::StoreError;
use offlineimap_imap_proto::command::Command;
use offlineimap_imap_proto::response::{BodyStart, Untagged};
use offlineimap_imap_proto::session::{Outcome, Selected};
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::connection::driver::Request;

/// Names a command within its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// Something that the server said.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A command is over: OK, NO or BAD.
    Completed {
        ticket: Ticket,
        outcome: Outcome,
        /// After SELECT and EXAMINE: what the session knows of the mailbox.
        selected: Option<Box<Selected>>,
    },
    /// A body begins. Its chunks and its end follow with nothing between.
    BodyStart {
        ticket: Option<Ticket>,
        start: BodyStart,
    },
    BodyChunk(Bytes),
    BodyEnd,
    Untagged(Untagged),
}

/// Several happenings at once: all that one read brought.
pub(super) type Batch = Vec<Happening>;

/// A talk with the server. Dropping it while commands are open ends the connection, because
/// nobody would take the answers.
pub(crate) struct Conversation<'a> {
    connection: &'a mut Connection,
    batches: mpsc::Receiver<Batch>,
    batch: vec::IntoIter<Happening>,
    open: usize,
    last: u64,
}

impl<'a> Conversation<'a> {
    pub(super) fn begin(connection: &'a mut Connection) -> Self {
        let (listener, batches) = mpsc::channel(WAITING_BATCHES);
        connection.request(Request::Converse { listener });
        Self { connection, batches, batch: Vec::new().into_iter(), open: 0, last: 0 }
    }

    /// Sends a command, without waiting for anything.
    pub(crate) fn submit(&mut self, command: Command) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.open += 1;
        self.connection.request(Request::Submit { command: Box::new(command), ticket });
        ticket
    }

    /// Counts the commands that are submitted and not completed.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Waits for the next happening. Not to be called when nothing is open.
    ///
    /// # Errors
    ///
    /// If the connection is lost.
    pub(crate) async fn next(&mut self) -> Result<Happening, StoreError> {
        loop {
            match self.batch.next() {
                Some(Happening::Completed { outcome: Outcome::Lost(_), .. }) => {
                    return Err(self.lost());
                }
                Some(Happening::Completed { ticket, outcome, selected }) => {
                    self.open = self.open.saturating_sub(1);
                    if let Some(selected) = &selected {
                        self.connection.selected = Some(selected.clone());
                    }
                    return Ok(Happening::Completed { ticket, outcome, selected });
                }
                Some(happening) => return Ok(happening),
                None => match self.batches.recv().await {
                    Some(batch) => self.batch = batch.into_iter(),
                    None => return Err(self.lost()),
                },
            }
        }
    }

    /// Waits for all open commands and returns how each ended. Untagged data goes to `take`,
    /// bodies are skipped.
    ///
    /// # Errors
    ///
    /// If the connection is lost.
    pub(crate) async fn finish(
        &mut self,
        mut take: impl FnMut(Untagged),
    ) -> Result<Outcomes, StoreError> {
        let mut outcomes = BTreeMap::new();
        while self.open > 0 {
            match self.next().await? {
                Happening::Completed { ticket, outcome, .. } => {
                    outcomes.insert(ticket, outcome);
                }
                Happening::Untagged(data) => take(data),
                Happening::BodyStart { .. } | Happening::BodyChunk(_) | Happening::BodyEnd => {}
            }
        }
        Ok(Outcomes(outcomes))
    }

    /// Forgets which mailbox is selected: a SELECT is on its way, and if it fails none is.
    pub(crate) fn forget_selected(&mut self) {
        self.connection.selected = None;
    }

    /// The error of a connection that is gone.
    pub(crate) fn lost(&self) -> StoreError {
        self.connection.lost()
    }
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        if self.open > 0 {
            self.connection.close();
        }
    }
}

/// How the commands of a conversation ended.
#[derive(Debug)]
pub(crate) struct Outcomes(BTreeMap<Ticket, Outcome>);

impl Outcomes {
    /// Returns the outcome of one command.
    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Outcome> {
        self.0.get(&ticket)
    }

    /// Fails with the server's words if the command was refused.
    ///
    /// # Errors
    ///
    /// The server's text after NO or BAD.
    pub(crate) fn accepted(&self, ticket: Ticket) -> Result<(), String> {
        match self.0.get(&ticket) {
            Some(outcome) => accepted(outcome),
            None => Err("no answer".to_owned()),
        }
    }
}

/// Fails with the server's words if the outcome is not OK.
///
/// # Errors
///
/// The server's text after NO or BAD.
pub(crate) fn accepted(outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Ok(_) => Ok(()),
        Outcome::No(text) => Err(format!("NO {}", text.text).trim_end().to_owned()),
        Outcome::Bad(text) => Err(format!("BAD {}", text.text).trim_end().to_owned()),
        Outcome::Cancelled(error) => Err(error.to_string()),
        Outcome::Lost(_) => Err("connection lost".to_owned()),
    }
}

/// How many reads of at most 64 KiB may wait for a receiver; then we stop reading.
const WAITING_BATCHES: usize = 2;
