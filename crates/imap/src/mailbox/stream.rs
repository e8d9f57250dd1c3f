//! The body of a message as it comes in.

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{Body, StoreError, StoreErrorKind};

use crate::connection::{Conversation, Happening};

/// A body that is being received. Chunks are slices of what was read; nothing is collected.
pub(super) struct Incoming<'a, 'b> {
    conversation: &'a mut Conversation<'b>,
    size_octets: u64,
    state: State,
    /// What is left of a slice that was longer than a chunk may be.
    rest: Bytes,
}

/// How far the body has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open { read_octets: u64 },
    Complete,
    Broken,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was read to its end.
    Complete,
    /// The connection was lost within it.
    Broken,
}

impl<'a, 'b> Incoming<'a, 'b> {
    pub(super) fn new(conversation: &'a mut Conversation<'b>, size_octets: u64) -> Self {
        let state = State::Open { read_octets: 0 };
        Self { conversation, size_octets, state, rest: Bytes::new() }
    }

    /// Reads what is left and forgets it.
    pub(super) async fn skip(mut self) -> Result<Ending, StoreError> {
        while let State::Open { .. } = self.state {
            self.chunk().await?;
        }
        Ok(match self.state {
            State::Broken => Ending::Broken,
            State::Open { .. } | State::Complete => Ending::Complete,
        })
    }

    /// Tells whether the connection was lost within the body.
    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    async fn next(&mut self, read_octets: u64) -> Result<Option<Bytes>, StoreError> {
        loop {
            if !self.rest.is_empty() {
                let chunk = self.rest.split_to(self.rest.len().min(CHUNK_OCTETS));
                self.state = State::Open { read_octets: read_octets + chunk.len() as u64 };
                return Ok(Some(chunk));
            }
            match self.conversation.next().await? {
                Happening::BodyChunk(bytes) => self.rest = bytes,
                Happening::BodyEnd if read_octets == self.size_octets => {
                    self.state = State::Complete;
                    return Ok(None);
                }
                // The session does not do this; a message is never complete by mistake.
                Happening::BodyEnd
                | Happening::BodyStart { .. }
                | Happening::Completed { .. }
                | Happening::Untagged(_) => {
                    let text = "the body of a message ended early";
                    return Err(StoreError::new(StoreErrorKind::ConnectionLost, text));
                }
            }
        }
    }
}

#[async_trait]
impl Body for Incoming<'_, '_> {
    fn wire_octets(&self) -> u64 {
        self.size_octets
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let read_octets = match self.state {
            State::Open { read_octets } => read_octets,
            State::Complete => return Ok(None),
            State::Broken => return Err(self.conversation.lost()),
        };
        let next = self.next(read_octets).await;
        if next.is_err() {
            self.state = State::Broken;
        }
        next
    }
}

/// The largest chunk that the contract allows.
const CHUNK_OCTETS: usize = 64 * 1024;
