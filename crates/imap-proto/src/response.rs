//! What a server says, as types.

mod capabilities;
mod code;
mod data;
mod fetch;

pub use capabilities::{Capabilities, NonSyncLiterals};
pub use code::Code;
pub use data::{
    Esearch, Id, ListEntry, MailboxStatus, Malformed, SearchResult, Vanished, VanishedAge,
};
pub use fetch::{BodyForm, BodyStart, Fetch, Section};

use bytes::Bytes;

use crate::flags::FlagList;

/// One thing that the scanner found in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The answer that completes a command.
    Tagged(Tagged),
    /// A request to go on (`+`): for a literal, or as a SASL challenge.
    Continuation(Bytes),
    /// Data that belongs to no tag.
    Untagged(Untagged),
    /// A body section begins. [`Response::BodyChunk`]s follow, then [`Response::BodyEnd`], and after
    /// further bodies perhaps the [`Untagged::Fetch`] that names the message.
    BodyStart(BodyStart),
    /// The next bytes of the body; never empty, never copied when the body is a literal.
    BodyChunk(Bytes),
    /// The body is complete.
    BodyEnd,
}

/// A tagged completion (RFC 9051 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag as sent.
    pub tag: Bytes,
    /// OK, NO or BAD.
    pub condition: Condition,
    /// The code in brackets and the text behind it.
    pub text: StatusText,
}

/// How a tagged command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// OK: done.
    Ok,
    /// NO: the server would not or could not.
    No,
    /// BAD: the server did not understand.
    Bad,
}

/// The part of a status response behind its condition: both may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusText {
    /// The response code in brackets.
    pub code: Option<Code>,
    /// Text for people; opaque.
    pub text: String,
}

/// The untagged status responses (RFC 9051 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntaggedCondition {
    /// `* OK`: information, or the greeting.
    Ok,
    /// `* NO`: a warning.
    No,
    /// `* BAD`: an error that belongs to no command.
    Bad,
    /// `* PREAUTH`: a greeting that needs no login.
    PreAuth,
    /// `* BYE`: the server closes the connection.
    Bye,
}

/// Data without a tag (RFC 9051 §7.1 to §7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untagged {
    /// A status response.
    Status {
        /// Its kind.
        condition: UntaggedCondition,
        /// Its code and text.
        text: StatusText,
    },
    /// CAPABILITY.
    Capability(Capabilities),
    /// ENABLED: the extensions that are on now, upper case.
    Enabled(Vec<String>),
    /// ID; the answer may be NIL, then it has no fields.
    Id(Id),
    /// LIST.
    List(ListEntry),
    /// LSUB.
    Lsub(ListEntry),
    /// STATUS.
    MailboxStatus(MailboxStatus),
    /// SEARCH, or a part of it: a long answer comes in several pieces, and the result is their
    /// union. An empty answer is one empty piece.
    Search(SearchResult),
    /// ESEARCH, or a part of it, as with [`Untagged::Search`].
    Esearch(Esearch),
    /// FLAGS: the flags that the mailbox knows.
    Flags(FlagList),
    /// EXISTS: the number of messages.
    Exists(u32),
    /// RECENT.
    Recent(u32),
    /// EXPUNGE: the message with this sequence number is gone.
    Expunge(u32),
    /// VANISHED, or a part of it, as with [`Untagged::Search`] (RFC 7162 §3.2.10).
    Vanished(Vanished),
    /// The items of a message, after all its bodies.
    Fetch(Fetch),
    /// A response that this crate does not know; it was skipped.
    Unknown {
        /// Its name, upper case.
        name: String,
    },
    /// A response that is known by its name, but whose contents could not be read.
    Malformed(Malformed),
}
