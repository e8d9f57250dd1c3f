//! Commands, as line bytes and literals.

mod fetch;
mod mailbox;
mod search;
mod wire;

pub use fetch::{FetchItem, StoreAction};
pub use mailbox::{ListReturn, ListSelection, OpenMode, StatusItem};
pub use search::{SearchKey, SearchReturn};

pub(crate) use wire::Part;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use crate::date::InternalDate;
use crate::flags::FlagList;
use crate::mailbox::MailboxName;
use crate::sasl::Mechanism;
use crate::uid_set::{Uid, UidSet};

use wire::Writer;

/// A command ready to be submitted to a session.
///
/// Every argument is encoded so that it cannot break out of its place: what is no plain atom is
/// quoted, and what cannot be quoted (8-bit, CR, LF, NUL) becomes a literal. How a literal is
/// announced is decided when the command is sent, by what the server can do then.
pub struct Command {
    pub(crate) kind: CommandKind,
    pub(crate) parts: Vec<Part>,
    pub(crate) mechanism: Option<Box<dyn Mechanism>>,
}

/// What a command is, as far as routing and ordering need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKind {
    /// CAPABILITY.
    Capability,
    /// ID.
    Id,
    /// NOOP or CHECK.
    Noop,
    /// ENABLE.
    Enable,
    /// STARTTLS.
    StartTls,
    /// LOGIN.
    Login,
    /// AUTHENTICATE.
    Authenticate,
    /// COMPRESS.
    Compress,
    /// LOGOUT.
    Logout,
    /// LIST, with or without RETURN (STATUS).
    List {
        /// Whether STATUS responses belong to it.
        with_status: WithStatus,
    },
    /// LSUB.
    Lsub,
    /// STATUS.
    Status {
        /// The mailbox asked for.
        mailbox: MailboxName,
    },
    /// SELECT or EXAMINE.
    Open {
        /// The mailbox.
        mailbox: MailboxName,
        /// Which of the two.
        mode: OpenMode,
    },
    /// UNSELECT or CLOSE.
    Shut,
    /// CREATE, DELETE, RENAME, SUBSCRIBE or UNSUBSCRIBE.
    Mailbox,
    /// FETCH or UID FETCH.
    Fetch {
        /// The messages.
        messages: Messages,
        /// Whether bodies were asked for.
        bodies: WithBodies,
    },
    /// UID SEARCH.
    Search,
    /// UID STORE.
    Store {
        /// The messages.
        messages: Messages,
    },
    /// EXPUNGE or UID EXPUNGE.
    Expunge,
    /// UID COPY or UID MOVE.
    Copy,
    /// APPEND.
    Append,
}

/// Whether a LIST asks for STATUS too (RFC 5819).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithStatus {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Whether a FETCH asks for bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithBodies {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// The messages that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Messages {
    /// These UIDs. Must not be empty: the wire has no form for that.
    Uids(UidSet),
    /// This UID and all above. A server always includes the last message, even if its UID is lower
    /// (RFC 9051 §6.4.8).
    UidsFrom(Uid),
    /// Every message by sequence number, `1:*` (some servers answer BAD or nothing in an empty
    /// mailbox).
    AllBySequence,
}

impl Messages {
    /// Tells whether a response about this UID can belong to the command.
    pub fn may_include(&self, uid: Uid) -> bool {
        match self {
            Self::Uids(uids) => uids.contains(uid),
            // The last message is included whatever its UID is.
            Self::UidsFrom(_) | Self::AllBySequence => true,
        }
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uids(uids) => uids.fmt(f),
            Self::UidsFrom(first) => write!(f, "{first}:*"),
            Self::AllBySequence => f.write_str("1:*"),
        }
    }
}

/// What an APPEND says about its message (RFC 9051 §6.3.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to put it.
    pub mailbox: MailboxName,
    /// The flags to set; `\Recent` and `\*` are left out, a client may not set them.
    pub flags: FlagList,
    /// When it arrived; the server takes the present if `None`.
    pub internal_date: Option<InternalDate>,
    /// Its exact size in bytes as it goes over the wire, with CRLF.
    pub size_bytes: u64,
}

impl Command {
    /// Asks what the server can do.
    pub fn capability() -> Self {
        Self::plain(CommandKind::Capability, "CAPABILITY")
    }

    /// Tells the server who we are, as names and values (RFC 2971); no fields is `ID NIL`.
    pub fn id(fields: &[(&str, &str)]) -> Self {
        let mut writer = Writer::new("ID ");
        if fields.is_empty() {
            writer.raw("NIL");
        } else {
            writer.raw("(");
            for (position, (name, value)) in fields.iter().enumerate() {
                writer.raw(if position == 0 { "" } else { " " });
                writer.string(name.as_bytes());
                writer.raw(" ");
                writer.string(value.as_bytes());
            }
            writer.raw(")");
        }
        writer.finish(CommandKind::Id)
    }

    /// Asks for TLS. Nothing else is sent until [`crate::session::Session::tls_established`].
    pub fn start_tls() -> Self {
        Self::plain(CommandKind::StartTls, "STARTTLS")
    }

    /// Logs in with user and password in the open (RFC 9051 §6.2.3).
    pub fn login(user: &str, password: &SecretString) -> Self {
        let mut writer = Writer::new("LOGIN ");
        writer.string(user.as_bytes());
        writer.raw(" ");
        writer.secret_string(password.expose_secret().as_bytes());
        writer.finish(CommandKind::Login)
    }

    /// Logs in by a SASL mechanism (RFC 9051 §6.2.2). The session conducts the exchange; an
    /// initial response goes along only if the server has SASL-IR.
    pub fn authenticate(mechanism: Box<dyn Mechanism>) -> Self {
        let mut writer = Writer::new("AUTHENTICATE ");
        writer.raw(mechanism.name());
        let mut command = writer.finish(CommandKind::Authenticate);
        command.mechanism = Some(mechanism);
        command
    }

    /// Switches extensions on (RFC 5161). What is on is known from the answer alone.
    pub fn enable(extensions: &[&str]) -> Self {
        let mut writer = Writer::new("ENABLE");
        for extension in extensions {
            writer.raw(" ");
            writer.atom(extension);
        }
        writer.finish(CommandKind::Enable)
    }

    /// Asks for compression (RFC 4978). Nothing else is sent until
    /// [`crate::session::Session::compression_established`].
    pub fn compress() -> Self {
        Self::plain(CommandKind::Compress, "COMPRESS DEFLATE")
    }

    /// Does nothing but give the server the chance to speak.
    pub fn noop() -> Self {
        Self::plain(CommandKind::Noop, "NOOP")
    }

    /// Asks for a checkpoint of the mailbox (RFC 3501 §6.4.1).
    pub fn check() -> Self {
        Self::plain(CommandKind::Noop, "CHECK")
    }

    /// Says goodbye. The server answers BYE and closes the connection.
    pub fn logout() -> Self {
        Self::plain(CommandKind::Logout, "LOGOUT")
    }

    /// Leaves the selected mailbox and expunges nothing (RFC 3691).
    pub fn unselect() -> Self {
        Self::plain(CommandKind::Shut, "UNSELECT")
    }

    /// Leaves the selected mailbox and expunges *every* message with `\Deleted`, unless the mailbox
    /// was opened by EXAMINE.
    pub fn close() -> Self {
        Self::plain(CommandKind::Shut, "CLOSE")
    }

    /// Expunges every message with `\Deleted`, those of other clients included. With UIDPLUS
    /// [`Command::uid_expunge`] is the one to use.
    pub fn expunge() -> Self {
        Self::plain(CommandKind::Expunge, "EXPUNGE")
    }

    /// Expunges those of the given messages that have `\Deleted` (RFC 4315 §2.1).
    pub fn uid_expunge(uids: &UidSet) -> Self {
        Self::plain(CommandKind::Expunge, &format!("UID EXPUNGE {uids}"))
    }

    /// Adds a message to a mailbox. The session will ask the driver for its bytes with
    /// [`crate::session::Output::Literal`].
    pub fn append(append: &Append) -> Self {
        let mut writer = Writer::new("APPEND ");
        writer.mailbox(&append.mailbox);
        let flags = wire::settable_flags(&append.flags);
        if !flags.is_empty() {
            writer.raw(&format!(" ({flags})"));
        }
        if let Some(date) = append.internal_date {
            writer.raw(&format!(" \"{date}\""));
        }
        writer.raw(" ");
        writer.stream(append.size_bytes);
        writer.finish(CommandKind::Append)
    }

    /// Returns what the command is.
    pub fn kind(&self) -> &CommandKind {
        &self.kind
    }

    fn plain(kind: CommandKind, line: &str) -> Self {
        Writer::new(line).finish(kind)
    }
}

impl fmt::Debug for Command {
    /// Shows the kind alone: the parts may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("kind", &self.kind).finish_non_exhaustive()
    }
}
