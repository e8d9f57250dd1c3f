//! The incremental reader of what a server sends.
//!
//! The stream is cut into *fragments*: what stands between line ends, where a line end that follows
//! the announcement of a literal ends a fragment but not the response. Each byte is looked at when
//! it arrives and not again; a fragment that lies within one piece of input is read in place.
//! Whether `{5}` at the end of a line announces a literal is decided by the grammar of the response:
//! in the text behind OK it is just text.

mod cursor;
mod data;
mod fetch;
mod numbers;
mod status;

use std::num::NonZeroU32;

use bytes::{Buf as _, Bytes};
use memchr::memchr;

use crate::response::{Malformed, Response, Untagged};

use cursor::{Announcement, Cursor};
use fetch::FetchScan;
use numbers::NumberScan;

/// How many bytes of one response are kept at most. Bodies, skipped literals, and the numbers of
/// SEARCH, ESEARCH and VANISHED do not count: they are passed on as they arrive.
pub const LIMIT_BYTES: usize = 1 << 20;

/// Where the name of a response has ended, so that a growing line need not be asked for it again.
const HEAD_LIMIT_BYTES: usize = 64;

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
///
/// The same bytes give the same responses however they are divided, except that the chunks of a
/// body follow the pieces of input.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The beginning of a fragment whose end has not arrived.
    partial: Vec<u8>,
    literal: Option<Literal>,
    state: State,
}

/// What the next fragment belongs to.
#[derive(Debug, Default)]
enum State {
    /// A new response.
    #[default]
    Start,
    /// A list of numbers, read byte by byte without fragments.
    Numbers(NumberScan),
    /// A FETCH that goes on behind a literal.
    Fetch(FetchScan),
    /// A response of which all is kept, literals written into the line.
    Kept(Vec<u8>),
    /// An unknown response that goes on behind a literal.
    Skipped,
}

/// A literal that is arriving.
#[derive(Debug)]
struct Literal {
    missing_bytes: u64,
    use_as: Use,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Body,
    Skip,
    Keep,
}

/// What comes behind a fragment.
enum Next {
    /// The response is complete.
    Done,
    /// A literal, then the rest of the response.
    Literal { size_bytes: u64, use_as: Use, state: State },
    /// Numbers, up to the end of the line.
    Numbers(NumberScan),
}

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
        let mut rest = input.clone();
        while !rest.is_empty() {
            if self.literal.is_some() {
                self.take_literal(&mut rest, sink);
            } else if let State::Numbers(numbers) = &mut self.state {
                let taken = numbers.take(&rest, sink);
                rest.advance(taken.bytes);
                if taken.complete {
                    self.state = State::Start;
                }
            } else if let Some(line_feed) = memchr(b'\n', &rest) {
                if self.partial.is_empty() {
                    let fragment = rest.split_to(line_feed + 1);
                    self.take_fragment(&fragment, sink)?;
                } else {
                    self.partial.extend_from_slice(&rest.split_to(line_feed + 1));
                    let fragment = std::mem::take(&mut self.partial);
                    self.take_fragment(&fragment, sink)?;
                }
            } else {
                self.take_partial(&mut rest, sink)?;
            }
        }
        Ok(())
    }

    /// Tells whether the stream stands between two responses.
    pub fn is_between_responses(&self) -> bool {
        matches!(self.state, State::Start) && self.partial.is_empty() && self.literal.is_none()
    }

    /// Tells whether the stream stands within a literal.
    pub fn is_within_literal(&self) -> bool {
        self.literal.is_some()
    }

    /// Returns how many bytes are kept in memory at present.
    pub fn kept_bytes(&self) -> usize {
        let kept = match &self.state {
            State::Kept(line) => line.capacity(),
            State::Numbers(numbers) => numbers.kept_bytes(),
            State::Start | State::Fetch(_) | State::Skipped => 0,
        };
        kept + self.partial.capacity()
    }

    fn take_partial(
        &mut self,
        rest: &mut Bytes,
        sink: &mut dyn FnMut(Response),
    ) -> Result<(), ScanError> {
        let undecided = self.partial.len() < HEAD_LIMIT_BYTES;
        self.partial.extend_from_slice(rest);
        rest.clear();
        if undecided
            && matches!(self.state, State::Start)
            && let Some((mut numbers, behind)) = numbers::head(&self.partial)
        {
            // A list of numbers may be longer than any limit: it is not gathered as a line.
            numbers.take(behind, sink);
            self.partial = Vec::new();
            self.state = State::Numbers(numbers);
        }
        check_limit(self.partial.len())
    }

    fn take_literal(&mut self, rest: &mut Bytes, sink: &mut dyn FnMut(Response)) {
        let Some(literal) = &mut self.literal else { return };
        let here = usize::try_from(literal.missing_bytes).unwrap_or(usize::MAX).min(rest.len());
        let chunk = rest.split_to(here);
        literal.missing_bytes -= here as u64;
        let complete = literal.missing_bytes == 0;
        match literal.use_as {
            Use::Body => {
                sink(Response::BodyChunk(chunk));
                if complete {
                    sink(Response::BodyEnd);
                }
            }
            Use::Skip => {}
            Use::Keep => {
                if let State::Kept(line) = &mut self.state {
                    line.extend_from_slice(&chunk);
                }
            }
        }
        if complete {
            self.literal = None;
        }
    }

    fn take_fragment(
        &mut self,
        fragment: &[u8],
        sink: &mut dyn FnMut(Response),
    ) -> Result<(), ScanError> {
        if !(matches!(self.state, State::Start) && numbers::head(fragment).is_some()) {
            check_limit(fragment.len())?;
        }
        // With the line end go the blanks that some servers put before it.
        let line = fragment.trim_ascii_end();
        let next = match std::mem::take(&mut self.state) {
            State::Start => start(line, sink)?,
            State::Fetch(fetch) => fetch.go_on(line, sink),
            State::Kept(kept) => keep(kept, line, sink)?,
            State::Skipped => skip(line),
            State::Numbers(numbers) => Next::Numbers(numbers),
        };
        match next {
            Next::Done => {}
            Next::Numbers(mut numbers) => {
                numbers.take(b"\n", sink);
            }
            Next::Literal { size_bytes, use_as, state } => {
                self.state = state;
                if size_bytes > 0 {
                    self.literal = Some(Literal { missing_bytes: size_bytes, use_as });
                } else if use_as == Use::Body {
                    sink(Response::BodyEnd);
                }
            }
        }
        Ok(())
    }
}

/// Reads the first fragment of a response.
fn start(line: &[u8], sink: &mut dyn FnMut(Response)) -> Result<Next, ScanError> {
    let mut cursor = Cursor::new(line);
    match cursor.peek() {
        Some(b'*') => {
            cursor.bump();
            Ok(untagged(cursor, line, sink)?)
        }
        Some(b'+') => {
            cursor.bump();
            cursor.blanks();
            sink(Response::Continuation(Bytes::copy_from_slice(cursor.rest())));
            Ok(Next::Done)
        }
        _ if line.trim_ascii().is_empty() => Ok(Next::Done),
        _ => {
            let tagged = status::tagged(cursor).ok_or(ScanError::NotAResponse)?;
            sink(Response::Tagged(tagged));
            Ok(Next::Done)
        }
    }
}

fn untagged(
    mut cursor: Cursor<'_>,
    line: &[u8],
    sink: &mut dyn FnMut(Response),
) -> Result<Next, ScanError> {
    cursor.blanks();
    if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        return Ok(numbered(cursor, line, sink));
    }
    let word = cursor.word();
    if let Some(condition) = status::condition(word) {
        let text = status::text(cursor);
        sink(Response::Untagged(Untagged::Status { condition, text }));
        return Ok(Next::Done);
    }
    if let Some(mut numbers) = numbers::by_name(word) {
        numbers.take(cursor.rest(), sink);
        return Ok(Next::Numbers(numbers));
    }
    let name = upper(word);
    match data::strings_of(&name) {
        data::Strings::None => {
            let parsed = data::parse(&name, cursor);
            emit(parsed, name, cursor.at(), sink);
            Ok(Next::Done)
        }
        data::Strings::Kept => keep(Vec::new(), line, sink),
        data::Strings::Unknown => {
            sink(Response::Untagged(Untagged::Unknown { name }));
            Ok(skip(line))
        }
    }
}

/// Reads a response that begins with a number.
fn numbered(mut cursor: Cursor<'_>, line: &[u8], sink: &mut dyn FnMut(Response)) -> Next {
    let number = cursor.number().and_then(|number| u32::try_from(number).ok());
    cursor.blanks();
    let word = cursor.word();
    if word.eq_ignore_ascii_case(b"FETCH") {
        return FetchScan::new(number).go_on(cursor.rest(), sink);
    }
    let untagged = match (number, upper(word).as_str()) {
        (Some(count), "EXISTS") => Untagged::Exists(count),
        (Some(count), "RECENT") => Untagged::Recent(count),
        (Some(seq), "EXPUNGE") if NonZeroU32::new(seq).is_some() => Untagged::Expunge(seq),
        (_, "EXISTS" | "RECENT" | "EXPUNGE") => {
            emit(None, upper(word), cursor.at(), sink);
            return Next::Done;
        }
        (_, name) => {
            sink(Response::Untagged(Untagged::Unknown { name: name.to_owned() }));
            return skip(line);
        }
    };
    sink(Response::Untagged(untagged));
    Next::Done
}

/// Adds a fragment to a response that is kept whole, and reads it when it is complete.
fn keep(mut kept: Vec<u8>, line: &[u8], sink: &mut dyn FnMut(Response)) -> Result<Next, ScanError> {
    kept.extend_from_slice(line);
    check_limit(kept.len())?;
    if let Some(Announcement { size_bytes, .. }) = cursor::announced_literal(line) {
        let fits = usize::try_from(size_bytes).is_ok_and(|size| size <= LIMIT_BYTES - kept.len());
        if !fits {
            return Err(ScanError::LiteralTooLong { size_bytes, limit_bytes: LIMIT_BYTES });
        }
        // In the kept line a literal stands behind its announcement and one line feed.
        kept.push(b'\n');
        return Ok(Next::Literal { size_bytes, use_as: Use::Keep, state: State::Kept(kept) });
    }
    let mut cursor = Cursor::new(&kept);
    cursor.bump();
    cursor.blanks();
    let name = upper(cursor.word());
    let parsed = data::parse(&name, cursor);
    emit(parsed, name, kept.len(), sink);
    Ok(Next::Done)
}

fn skip(line: &[u8]) -> Next {
    match cursor::announced_literal(line) {
        None => Next::Done,
        Some(Announcement { size_bytes, .. }) => {
            Next::Literal { size_bytes, use_as: Use::Skip, state: State::Skipped }
        }
    }
}

fn emit(parsed: Option<Untagged>, name: String, offset: usize, sink: &mut dyn FnMut(Response)) {
    let malformed = Malformed { name, uid: None, offset };
    sink(Response::Untagged(parsed.unwrap_or(Untagged::Malformed(malformed))));
}

fn upper(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

fn check_limit(length: usize) -> Result<(), ScanError> {
    if length > LIMIT_BYTES {
        return Err(ScanError::TooLong { limit_bytes: LIMIT_BYTES });
    }
    Ok(())
}
