//! What a session tells its driver.

use std::fmt;

use bytes::Bytes;

use crate::response::{BodyStart, StatusText, Untagged};
use crate::sasl::SaslError;
use crate::scanner::ScanError;

/// Names a submitted command within its session. Handles grow in the order of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandHandle(u64);

impl CommandHandle {
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }

    /// Reads a tag; `None` for one that was never made here.
    pub(crate) fn from_tag(tag: &[u8]) -> Option<Self> {
        let number = std::str::from_utf8(tag).ok()?.strip_prefix('a')?.parse().ok()?;
        let handle = Self(number);
        (handle.to_string().as_bytes() == tag).then_some(handle)
    }
}

impl fmt::Display for CommandHandle {
    /// Writes the tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server greeted; commands are sent from now on. May come a second time, as
    /// [`Greeting::PreAuthenticated`], from Courier, which says `* OK [ALERT]` before `* PREAUTH`.
    Greeting(Greeting),
    /// A command is over. Comes exactly once for each.
    Completed {
        /// Which one.
        handle: CommandHandle,
        /// How it ended.
        outcome: Outcome,
    },
    /// A body begins; [`Event::BodyChunk`]s and [`Event::BodyEnd`] follow with nothing between, and
    /// later the FETCH that names the message if `start.uid` is `None`.
    BodyStart {
        /// The FETCH that it answers, where that is certain already.
        handle: Option<CommandHandle>,
        /// What it is.
        start: BodyStart,
    },
    /// The next bytes of the body.
    BodyChunk(Bytes),
    /// The body is complete.
    BodyEnd,
    /// Untagged data.
    Untagged {
        /// The command that it answers, where that is certain; `None` for what the server says of
        /// its own accord, and where several commands could have caused it.
        handle: Option<CommandHandle>,
        /// What was said.
        data: Untagged,
    },
    /// The session is over: BYE, the end of the stream, an error, or a deadline. The last event.
    Closed {
        /// The text of the server's BYE.
        bye: Option<StatusText>,
    },
}

/// How a server greets (RFC 9051 §7.1.4 and §7.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// OK: a login is needed.
    LoginNeeded,
    /// PREAUTH: already logged in.
    PreAuthenticated,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// OK.
    Ok(StatusText),
    /// NO: refused or failed.
    No(StatusText),
    /// BAD: not understood.
    Bad(StatusText),
    /// The SASL mechanism gave up; the server confirmed that the login is cancelled.
    Cancelled(SaslError),
    /// The connection ended first.
    Lost(Lost),
}

/// What may have become of a command that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Not completely sent: it has had no effect.
    NotSent,
    /// Completely sent: whether it had effect is unknown.
    Unknown,
}

/// What the driver is to send.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// These bytes. They may hold secrets: not for logs.
    Bytes(Bytes),
    /// Exactly `size_bytes` bytes of the literal of this command, reported with
    /// [`crate::session::Session::literal_written`].
    ///
    /// Also when the command is completed meanwhile: once announced, a literal must be sent in full
    /// or the connection closed.
    Literal {
        /// The command.
        handle: CommandHandle,
        /// How many bytes.
        size_bytes: u64,
    },
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Literal { handle, size_bytes } => f
                .debug_struct("Literal")
                .field("handle", handle)
                .field("size_bytes", size_bytes)
                .finish(),
        }
    }
}

/// Why a session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The bytes are no IMAP.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The first thing the server said is no greeting.
    #[error("server did not greet")]
    NoGreeting,
    /// A tagged answer to no command.
    #[error("server answered a command that was not sent: tag {tag:?}")]
    UnknownTag {
        /// The tag, shortened and escaped.
        tag: String,
    },
    /// A `+` that nothing asked for.
    #[error("server asked to go on where no command waits")]
    UnexpectedContinuation,
    /// Data between the OK of STARTTLS and the TLS handshake: someone may have put it there
    /// (CVE-2011-0411 and its kind).
    #[error("server sent data in the open behind the answer to STARTTLS")]
    DataBehindStartTls,
    /// A deadline passed.
    #[error("timed out waiting for {awaited}")]
    TimedOut {
        /// What was awaited.
        awaited: Awaited,
    },
    /// The session was over before.
    #[error("the connection is closed")]
    Closed,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The greeting.
    Greeting,
    /// The answer to a command.
    Answer,
    /// The rest of a literal, in either direction.
    Literal,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Answer => "an answer of the server",
            Self::Literal => "the rest of a literal",
        })
    }
}
