//! Response codes: what stands in brackets behind OK, NO, BAD, BYE and PREAUTH.

use crate::flags::FlagList;
use crate::response::Capabilities;
use crate::uid_set::{Uid, UidRange, UidSet};

/// A response code (RFC 9051 §7.1 and the extensions named at the variants).
///
/// A code whose argument cannot be read is [`Code::Other`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Text that the user must see.
    Alert,
    /// The object to be made exists (RFC 5530).
    AlreadyExists,
    /// Where APPEND put the message (RFC 4315 §3).
    AppendUid {
        /// The UIDVALIDITY of the mailbox.
        uid_validity: u32,
        /// The UID; with MULTIAPPEND one for each message, ascending.
        uids: UidSet,
    },
    /// The credentials are wrong (RFC 5530).
    AuthenticationFailed,
    /// The credentials are good, but not for this identity (RFC 5530).
    AuthorizationFailed,
    /// SEARCH cannot do this charset.
    BadCharset,
    /// The operation will never succeed (RFC 5530).
    Cannot,
    /// What the server can do.
    Capability(Capabilities),
    /// The client is at fault (RFC 5530).
    ClientBug,
    /// The previously selected mailbox is closed now (RFC 7162 §3.2.11).
    Closed,
    /// Only the administrator can help (RFC 5530).
    ContactAdmin,
    /// Where COPY or MOVE put the messages: the n-th UID of one list became the n-th of the other
    /// (RFC 4315 §3).
    CopyUid {
        /// The UIDVALIDITY of the destination.
        uid_validity: u32,
        /// The UIDs that were copied, in the order given.
        source: Vec<UidRange>,
        /// Their UIDs in the destination, in the order given.
        destination: Vec<UidRange>,
    },
    /// The server found its own data damaged (RFC 5530).
    Corruption,
    /// The password is too old (RFC 5530).
    Expired,
    /// Some of the messages are gone (RFC 5530).
    ExpungeIssued,
    /// The highest modification sequence of the mailbox (RFC 7162 §3.1.2.1).
    HighestModSeq(u64),
    /// Another session holds what is needed; worth trying again (RFC 5530).
    InUse,
    /// A limit of the server is reached (RFC 5530).
    Limit,
    /// The messages that a conditional STORE left alone (RFC 7162 §3.1.3).
    Modified(UidSet),
    /// The mailbox or object does not exist (RFC 5530).
    NonExistent,
    /// The mailbox keeps no modification sequences (RFC 7162 §3.1.2.2).
    NoModSeq,
    /// The access rights do not allow it (RFC 5530).
    NoPerm,
    /// The quota would be exceeded (RFC 5530).
    OverQuota,
    /// The server could not parse a message.
    Parse,
    /// The flags that can be changed for good.
    PermanentFlags(FlagList),
    /// The operation needs TLS (RFC 5530).
    PrivacyRequired,
    /// The mailbox is open for reading only.
    ReadOnly,
    /// The mailbox is open for reading and writing.
    ReadWrite,
    /// The server is at fault (RFC 5530).
    ServerBug,
    /// The message is larger than the server takes (RFC 4469 §4.2, RFC 7889).
    TooBig,
    /// The mailbox does not exist but may be created.
    TryCreate,
    /// The UID that the next message will get, or a higher one.
    UidNext(Uid),
    /// The mailbox does not keep UIDs (RFC 4315 §3).
    UidNotSticky,
    /// The UIDVALIDITY of the mailbox; 0 is wrong but seen.
    UidValidity(u32),
    /// Something behind the server is down; worth trying again (RFC 5530).
    Unavailable,
    /// The sequence number of the first unseen message (RFC 3501 §7.1).
    Unseen(u32),
    /// Any other code.
    Other {
        /// Its name, upper case.
        name: String,
        /// What stands behind the name; other than UTF-8 is replaced.
        value: String,
    },
}
