//! The session's view of the selected mailbox.

use crate::command::OpenMode;
use crate::flags::FlagList;
use crate::mailbox::MailboxName;
use crate::uid_set::Uid;

/// What the server said about the mailbox that is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Its name, as it was asked for.
    pub mailbox: MailboxName,
    /// How it was asked for.
    pub mode: OpenMode,
    /// What the server allows.
    pub access: Access,
    /// How many messages there are, kept up to date.
    pub exists: u32,
    /// UIDVALIDITY; `None` if the server gave none.
    pub uid_validity: Option<u32>,
    /// UIDNEXT; `None` if the server gave none (Courier).
    pub uid_next: Option<Uid>,
    /// The flags that can be changed for good; `None` if the server did not say: then all of FLAGS
    /// (RFC 3501 §6.3.1).
    pub permanent_flags: Option<FlagList>,
    /// The flags that the mailbox knows.
    pub flags: FlagList,
    /// HIGHESTMODSEQ; `None` for NOMODSEQ or nothing.
    pub highest_mod_seq: Option<u64>,
    /// UIDNOTSTICKY was said: UIDs do not outlive the session.
    pub uid_not_sticky: bool,
}

/// What may be done with the selected mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// READ-ONLY.
    ReadOnly,
    /// READ-WRITE, or nothing was said.
    ReadWrite,
}
