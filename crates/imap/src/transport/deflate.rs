//! A compressed stream (RFC 4978): raw DEFLATE in both directions.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Deflates what is written and inflates what is read. Whatever the lengths of messages are, it
/// holds no more than its windows and two buffers.
///
/// What was written is on its way only after a flush.
pub(crate) struct Deflate<S> {
    inner: S,
    compressor: Compress,
    decompressor: Decompress,
    /// What the server sent and is not inflated yet.
    received: Bytes,
    /// Where the next octets of the server are put.
    buffer: BytesMut,
    inflation: Inflation,
    /// What is deflated and not sent yet.
    deflated: BytesMut,
    kept_back: KeptBack,
}

/// How the server's stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inflation {
    /// More may come out without anything being put in.
    Going,
    /// Nothing more comes out of what was put in.
    Drained,
    /// The server has ended its stream.
    Ended,
}

/// Whether the compressor waits for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeptBack {
    Something,
    Nothing,
}

impl<S> Deflate<S> {
    /// Puts compression over a stream, of which `received` was read already.
    pub(crate) fn new(inner: S, received: Bytes) -> Self {
        Self {
            inner,
            compressor: Compress::new(Compression::default(), false),
            decompressor: Decompress::new(false),
            received,
            buffer: BytesMut::new(),
            inflation: Inflation::Going,
            deflated: BytesMut::new(),
            kept_back: KeptBack::Nothing,
        }
    }

    /// Inflates into the buffer, and returns how many octets that gave.
    fn inflate(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        let room = buf.initialize_unfilled();
        let before = (self.decompressor.total_in(), self.decompressor.total_out());
        let status = self.decompressor.decompress(&self.received, room, FlushDecompress::None);
        let status = status.map_err(|error| invalid(&error.to_string()))?;
        let taken = difference(before.0, self.decompressor.total_in());
        let given = difference(before.1, self.decompressor.total_out());
        let is_full = given == room.len();
        self.received.advance(taken.min(self.received.len()));
        buf.advance(given);
        self.inflation = match status {
            Status::StreamEnd => Inflation::Ended,
            Status::Ok | Status::BufError if is_full => Inflation::Going,
            Status::Ok | Status::BufError if self.received.is_empty() => Inflation::Drained,
            Status::Ok | Status::BufError if taken > 0 => Inflation::Going,
            Status::Ok | Status::BufError => return Err(invalid("it does not go on")),
        };
        Ok(given)
    }

    /// Deflates all of `octets`.
    fn deflate(&mut self, mut octets: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            let filled = self.deflated.len();
            self.deflated.resize(filled + STEP_OCTETS, 0);
            let (_, room) = self.deflated.split_at_mut(filled);
            let before = (self.compressor.total_in(), self.compressor.total_out());
            let status = self.compressor.compress(octets, room, flush);
            let taken = difference(before.0, self.compressor.total_in());
            let given = difference(before.1, self.compressor.total_out());
            self.deflated.truncate(filled + given);
            status.map_err(|error| io::Error::other(format!("cannot compress: {error}")))?;
            octets = octets.get(taken..).unwrap_or_default();
            // Room that is left over means that all is out.
            if octets.is_empty() && given < STEP_OCTETS {
                return Ok(());
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Deflate<S> {
    /// Sends what is deflated.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.deflated.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.deflated))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.deflated.advance(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deflate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buf.remaining() > 0 && this.inflation != Inflation::Ended {
            if this.inflation == Inflation::Going || !this.received.is_empty() {
                if this.inflate(buf)? > 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            this.buffer.resize(READ_OCTETS, 0);
            let mut incoming = ReadBuf::new(&mut this.buffer);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut incoming))?;
            let read = incoming.filled().len();
            if read == 0 {
                break;
            }
            this.received = this.buffer.split_to(read).freeze();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deflate<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.deflated.len() >= UNSENT_OCTETS {
            ready!(this.poll_send(cx))?;
        }
        let taken = buf.get(..UNSENT_OCTETS).unwrap_or(buf);
        if !taken.is_empty() {
            this.kept_back = KeptBack::Something;
            this.deflate(taken, FlushCompress::None)?;
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Once, however often this is asked: each sync flush costs octets.
        if this.kept_back == KeptBack::Something {
            this.kept_back = KeptBack::Nothing;
            this.deflate(&[], FlushCompress::Sync)?;
        }
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for Deflate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflate").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// How far a counter has come.
fn difference(before: u64, now: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

fn invalid(why: &str) -> io::Error {
    let text = format!("the server's compressed data is damaged: {why}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// How many octets are read from the stream below at once.
const READ_OCTETS: usize = 16 * 1024;

/// By how much the room for deflated octets grows. It is larger than what a flush adds, so that one
/// that is complete is told from one that is not.
const STEP_OCTETS: usize = 16 * 1024;

/// Nothing more is deflated while so many octets wait to be sent.
const UNSENT_OCTETS: usize = 64 * 1024;

#[cfg(test)]
mod tests;
