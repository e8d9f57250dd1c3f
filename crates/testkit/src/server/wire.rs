//! One connection of the embedded server: lines and literals in, buffered octets out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::message::Body;

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed the connection, or the conversation came to its regular end.
    Closed,
    /// The connection broke.
    Broken,
    /// A scripted fault wants the connection ended this way.
    Scripted(Cut),
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both directions are closed in order (TCP FIN).
    Close,
    /// The connection is aborted (TCP RST).
    Reset,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

pub(super) struct Wire {
    transport: Transport,
    input: BytesMut,
    output: Vec<u8>,
    allowance: Option<Allowance>,
    codec: Option<Codec>,
}

/// Compression in both directions (RFC 4978).
struct Codec {
    compressor: Compress,
    decompressor: Decompress,
}

/// How many octets may still be sent before the connection is cut.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    remaining: u64,
    cut: Cut,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// Output is handed to the network in pieces of this size.
const CHUNK_BYTES: usize = 64 * 1024;
/// A longer line is no command.
const LINE_LIMIT_BYTES: usize = 1024 * 1024;

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Answers are written in one piece, so there is nothing for Nagle's algorithm to gather.
        drop(stream.set_nodelay(true));
        Self {
            transport: Transport::Plain(stream),
            input: BytesMut::new(),
            output: Vec::new(),
            allowance: None,
            codec: None,
        }
    }

    /// Deflates and inflates everything from now on, also what was read already.
    pub(super) fn start_compression(&mut self) -> Result<(), End> {
        let codec = Codec {
            compressor: Compress::new(Compression::fast(), false),
            decompressor: Decompress::new(false),
        };
        let read = self.input.split();
        self.codec.insert(codec).inflate(&read, &mut self.input)
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.codec.is_some()
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// Performs the TLS handshake; what was read in the clear and not used is dropped, as
    /// RFC 9051 §6.2.1 demands.
    pub(super) async fn start_tls(&mut self, config: Arc<rustls::ServerConfig>) -> Result<(), End> {
        let Transport::Plain(stream) = std::mem::replace(&mut self.transport, Transport::Gone)
        else {
            return Err(End::Broken);
        };
        self.input.clear();
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        self.transport = Transport::Tls(Box::new(stream));
        Ok(())
    }

    /// After so many more octets of output the connection is cut.
    pub(super) fn cut_after(&mut self, remaining: u64, cut: Cut) {
        self.allowance = Some(Allowance { remaining, cut });
    }

    /// A line without its CRLF. Cancellation loses nothing.
    pub(super) async fn read_line(&mut self) -> Result<Bytes, End> {
        loop {
            if let Some(at) = self.input.iter().position(|&octet| octet == b'\n') {
                let mut line = self.input.split_to(at + 1);
                line.truncate(at);
                if line.last() == Some(&b'\r') {
                    line.truncate(at - 1);
                }
                return Ok(line.freeze());
            }
            if self.input.len() > LINE_LIMIT_BYTES {
                return Err(End::Broken);
            }
            self.fill().await?;
        }
    }

    pub(super) async fn read_exactly(&mut self, wanted: usize) -> Result<Bytes, End> {
        while self.input.len() < wanted {
            self.fill().await?;
        }
        Ok(self.input.split_to(wanted).freeze())
    }

    pub(super) fn discard_pipelined_input(&mut self) {
        self.input.clear();
    }

    async fn fill(&mut self) -> Result<(), End> {
        let mut compressed = BytesMut::new();
        let input = if self.codec.is_some() { &mut compressed } else { &mut self.input };
        input.reserve(16 * 1024);
        let read = match &mut self.transport {
            Transport::Plain(stream) => stream.read_buf(input).await?,
            Transport::Tls(stream) => stream.read_buf(input).await?,
            Transport::Gone => 0,
        };
        if let Some(codec) = &mut self.codec {
            codec.inflate(&compressed, &mut self.input)?;
        }
        if read == 0 { Err(End::Closed) } else { Ok(()) }
    }

    /// Puts octets into the output buffer; [`Self::flush`] sends them.
    pub(super) fn put(&mut self, octets: impl AsRef<[u8]>) {
        self.output.extend_from_slice(octets.as_ref());
    }

    /// Puts a line into the output buffer.
    pub(super) fn put_line(&mut self, line: impl AsRef<[u8]>) {
        self.put(line);
        self.put(b"\r\n");
    }

    /// Sends a part of a message without holding more than a piece of it in memory.
    pub(super) async fn put_body(&mut self, body: &Body, start: u64, end: u64) -> Result<(), End> {
        let mut at = start;
        while at < end {
            let limit = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let chunk = body.chunk(at, limit);
            if chunk.is_empty() {
                break;
            }
            at += chunk.len() as u64;
            self.put(&chunk);
            self.flush_if_large().await?;
        }
        Ok(())
    }

    /// Keeps the output buffer small.
    pub(super) async fn flush_if_large(&mut self) -> Result<(), End> {
        if self.output.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Sends everything in the output buffer, or what a scripted cut leaves of it.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let mut output = std::mem::take(&mut self.output);
        if let Some(codec) = self.codec.as_mut().filter(|_| !output.is_empty()) {
            output = codec.deflate(&output)?;
        }
        let mut ended = None;
        if let Some(allowance) = &mut self.allowance {
            if output.len() as u64 >= allowance.remaining {
                output.truncate(usize::try_from(allowance.remaining).unwrap_or(usize::MAX));
                ended = Some(End::Scripted(allowance.cut));
            }
            allowance.remaining = allowance.remaining.saturating_sub(output.len() as u64);
        }
        match &mut self.transport {
            Transport::Plain(stream) => stream.write_all(&output).await?,
            Transport::Tls(stream) => {
                stream.write_all(&output).await?;
                stream.flush().await?;
            }
            Transport::Gone => return Err(End::Broken),
        }
        output.clear();
        self.output = output;
        ended.map_or(Ok(()), Err)
    }

    /// Waits until the client has closed the connection, and drops what it sends.
    pub(super) async fn read_to_end(&mut self) {
        while self.fill().await.is_ok() {
            self.input.clear();
        }
    }

    /// Ends the connection as wanted; what waits to be sent is sent before an orderly end.
    pub(super) async fn end(mut self, cut: Cut) {
        if cut == Cut::Close {
            drop(self.flush().await);
        }
        match (cut, &mut self.transport) {
            (Cut::Reset, Transport::Plain(stream)) => reset_on_drop(stream),
            (Cut::Reset, Transport::Tls(stream)) => reset_on_drop(stream.get_ref().0),
            (Cut::Close, Transport::Plain(stream)) => drop(stream.shutdown().await),
            (Cut::Close, Transport::Tls(stream)) => drop(stream.shutdown().await),
            (Cut::Close | Cut::Reset, Transport::Gone) => {}
        }
        if cut == Cut::Close {
            // Dropping a socket with unread input would turn the orderly end into a reset.
            let drained = tokio::time::timeout(Duration::from_secs(2), self.read_to_end()).await;
            drop(drained);
        }
    }
}

impl Codec {
    fn inflate(&mut self, octets: &[u8], into: &mut BytesMut) -> Result<(), End> {
        let mut room = vec![0; CHUNK_BYTES];
        let mut taken = 0;
        loop {
            let (read, written) = (self.decompressor.total_in(), self.decompressor.total_out());
            let rest = octets.get(taken..).unwrap_or_default();
            let inflated = self.decompressor.decompress(rest, &mut room, FlushDecompress::None);
            inflated.map_err(|_| End::Broken)?;
            let given = counted(written, self.decompressor.total_out());
            taken += counted(read, self.decompressor.total_in());
            into.extend_from_slice(room.get(..given).unwrap_or_default());
            if taken == octets.len() && given < room.len() {
                return Ok(());
            }
        }
    }

    fn deflate(&mut self, octets: &[u8]) -> Result<Vec<u8>, End> {
        let mut deflated = Vec::with_capacity(octets.len() + CHUNK_BYTES);
        let mut taken = 0;
        loop {
            deflated.reserve(CHUNK_BYTES);
            let read = self.compressor.total_in();
            let rest = octets.get(taken..).unwrap_or_default();
            let done = self.compressor.compress_vec(rest, &mut deflated, FlushCompress::Sync);
            done.map_err(|_| End::Broken)?;
            taken += counted(read, self.compressor.total_in());
            if taken == octets.len() && deflated.len() < deflated.capacity() {
                return Ok(deflated);
            }
        }
    }
}

fn counted(before: u64, now: u64) -> usize {
    usize::try_from(now - before).unwrap_or(usize::MAX)
}

fn reset_on_drop(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}
