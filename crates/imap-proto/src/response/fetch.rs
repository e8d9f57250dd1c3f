//! FETCH responses.

use crate::date::InternalDate;
use crate::flags::Flags;
use crate::uid_set::Uid;

/// The items of one FETCH response (RFC 9051 §7.5.2), except bodies, which come before it.
///
/// The order of items is free, so this arrives when the response is complete: the UID may have
/// followed the body. Unknown items were skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The sequence number.
    pub seq: u32,
    /// UID.
    pub uid: Option<Uid>,
    /// FLAGS; `None` if the response has no such item.
    pub flags: Option<Flags>,
    /// INTERNALDATE; `None` if missing, NIL, or unreadable.
    pub internal_date: Option<InternalDate>,
    /// RFC822.SIZE in bytes.
    pub size_bytes: Option<u64>,
    /// MODSEQ (RFC 7162).
    pub mod_seq: Option<u64>,
    /// How many body sections came before, NIL ones included.
    pub bodies: u32,
}

/// The head of a body section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyStart {
    /// The sequence number of the message.
    pub seq: u32,
    /// The UID, if it stood before the body.
    pub uid: Option<Uid>,
    /// INTERNALDATE, if it stood before the body and could be read.
    pub internal_date: Option<InternalDate>,
    /// Which part of the message this is.
    pub section: Section,
    /// The size in bytes. The chunks add up to it, or the connection broke.
    pub size_bytes: u64,
    /// In which form it came.
    pub form: BodyForm,
}

/// The part of a message that a body section holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// The whole message: `BODY[]`, `BINARY[]` or `RFC822`.
    Full,
    /// Any other, as written between the brackets, upper case, such as `HEADER` or
    /// `HEADER.FIELDS (MESSAGE-ID)`. A partial fetch has its `<offset>` behind it.
    Other(String),
}

/// The form in which the server sent a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// `{n}`
    Literal,
    /// `~{n}`: may hold NUL (RFC 3516).
    Literal8,
    /// A quoted string.
    Quoted,
    /// NIL: the server has no such section. Not the same as an empty one.
    Nil,
}
