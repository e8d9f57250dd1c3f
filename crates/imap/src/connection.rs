//! One connection to a server: a task that owns the stream, and the handle that speaks with it.

mod clock;
mod conversation;
mod dial;
mod driver;

pub use dial::DialError;

pub(crate) use conversation::{Conversation, Happening, Outcomes, Ticket, accepted};
pub(crate) use dial::{Dialer, Prospect};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use offlineimap_core::{StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::Command;
use offlineimap_imap_proto::response::Capabilities;
use offlineimap_imap_proto::session::{Outcome, Selected};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use driver::Request;

/// The handle of a connection that is signed in. Dropping it ends the connection as soon as
/// uploads that are under way are answered.
#[derive(Debug)]
pub(crate) struct Connection {
    requests: mpsc::UnboundedSender<Request>,
    shared: Arc<Shared>,
    capabilities: Capabilities,
    /// The mailbox that is selected, as far as conversations have told.
    pub(crate) selected: Option<Box<Selected>>,
}

/// What the handle and the task both see.
#[derive(Debug)]
struct Shared {
    server: String,
    close: CancellationToken,
    /// Set when nobody is to use the connection again; what is under way goes on.
    retired: AtomicBool,
    ended: Mutex<Option<String>>,
}

impl Connection {
    /// Returns what the server can do, as it said after the sign-in.
    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Tells whether the connection is still of use.
    pub(crate) fn is_open(&self) -> bool {
        !self.shared.close.is_cancelled()
            && !self.shared.retired.load(Ordering::Acquire)
            && !self.requests.is_closed()
    }

    /// Ends the connection at once, without a goodbye.
    pub(crate) fn close(&self) {
        self.shared.close.cancel();
    }

    /// Begins to speak with the server. Everything that the server says until the conversation
    /// is dropped goes to it.
    pub(crate) fn converse(&mut self) -> Conversation<'_> {
        Conversation::begin(self)
    }

    /// Sends an APPEND outside of any conversation; its completion comes by itself.
    pub(crate) fn upload(&self, command: Command) -> Upload {
        let (chunks, source) = mpsc::channel(1);
        let (done, answer) = oneshot::channel();
        self.request(Request::Upload { command: Box::new(command), source, done });
        let answer = UploadAnswer { answer, shared: Arc::clone(&self.shared) };
        Upload { chunks, answer: Some(answer), shared: Arc::clone(&self.shared) }
    }

    /// The error of everybody who still wanted something from this connection.
    pub(crate) fn lost(&self) -> StoreError {
        self.shared.lost()
    }

    fn request(&self, request: Request) {
        // If the task is gone, whoever waits for an answer sees its channel closed.
        drop(self.requests.send(request));
    }
}

impl Shared {
    fn lost(&self) -> StoreError {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let why = ended.as_deref().unwrap_or("it was closed");
        let text = format!("connection to {} is lost: {why}", self.server);
        StoreError::new(StoreErrorKind::ConnectionLost, text)
    }

    /// Keeps the first reason: later ones follow from it.
    fn end(&self, why: String) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get_or_insert(why);
    }
}

/// The way for the octets of a message. The driver takes exactly as many as were announced; if
/// this is dropped before, the connection ends.
#[derive(Debug)]
pub(crate) struct Upload {
    chunks: mpsc::Sender<Bytes>,
    answer: Option<UploadAnswer>,
    shared: Arc<Shared>,
}

/// Whether octets are still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    More,
    /// The server has refused the message or the connection is gone: the answer tells.
    Nothing,
}

impl Upload {
    /// Hands over the next octets; waits until there is room.
    pub(crate) async fn send(&self, chunk: Bytes) -> Wanted {
        match self.chunks.send(chunk).await {
            Ok(()) => Wanted::More,
            Err(_) => Wanted::Nothing,
        }
    }

    /// Waits until all octets are on their way, or nobody wants them.
    ///
    /// # Errors
    ///
    /// Does not fail: the answer is taken out here only.
    pub(crate) async fn sent(mut self) -> Result<UploadAnswer, StoreError> {
        self.chunks.closed().await;
        self.answer.take().ok_or_else(|| self.shared.lost())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.answer.is_some() {
            // The server waits for octets that will not come.
            self.shared.close.cancel();
        }
    }
}

/// The answer to an APPEND, still to come.
#[derive(Debug)]
pub(crate) struct UploadAnswer {
    answer: oneshot::Receiver<Outcome>,
    shared: Arc<Shared>,
}

impl UploadAnswer {
    /// Takes the connection out of use once the answers that are due have come.
    pub(crate) fn retire_connection(&self) {
        self.shared.retired.store(true, Ordering::Release);
    }

    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// If the connection was lost first.
    pub(crate) async fn wait(&mut self) -> Result<Outcome, StoreError> {
        match (&mut self.answer).await {
            Ok(Outcome::Lost(_)) | Err(_) => Err(self.shared.lost()),
            Ok(outcome) => Ok(outcome),
        }
    }
}
