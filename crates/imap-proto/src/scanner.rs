//! The incremental reader of what a server sends.

use bytes::Bytes;

use crate::response::Response;

/// Why the stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// A response exceeds the limit, literals that are streamed or skipped not counted.
    #[error("server sent a response longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// A literal that must be kept in memory exceeds the limit.
    #[error("server sent a literal of {size_bytes} bytes where at most {limit_bytes} are allowed")]
    LiteralTooLong {
        /// The announced size.
        size_bytes: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// A line that is neither tagged, nor untagged, nor a continuation.
    #[error("server sent a line that is no response")]
    NotAResponse,
}

/// Reads responses from a stream that arrives in pieces of any size.
#[derive(Debug, Default)]
pub struct Scanner {}

impl Scanner {
    /// Begins at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives what they complete to `sink`, in order.
    ///
    /// # Errors
    ///
    /// Fails where the stream cannot be read on; the scanner must not be used afterwards.
    pub fn scan(&mut self, input: &Bytes, sink: &mut dyn FnMut(Response)) -> Result<(), ScanError> {
        let _ = (input, sink);
        Ok(())
    }
}
