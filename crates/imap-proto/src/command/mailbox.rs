//! Commands about mailboxes.

use crate::command::wire::Writer;
use crate::command::{Command, CommandKind, WithStatus};
use crate::mailbox::MailboxName;

/// How a mailbox is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// SELECT: for reading and writing.
    Select,
    /// EXAMINE: for reading only.
    Examine,
}

/// Which names LIST gives (RFC 5258 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListSelection {
    /// All that match.
    All,
    /// Subscribed ones only; needs LIST-EXTENDED.
    Subscribed,
}

/// What LIST says besides names; all need LIST-EXTENDED or their own capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListReturn {
    /// `\HasChildren` or `\HasNoChildren` (RFC 5258 §3.2).
    Children,
    /// `\Subscribed` (RFC 5258 §3.2).
    Subscribed,
    /// The special uses (RFC 6154).
    SpecialUse,
    /// A STATUS response for every mailbox (RFC 5819).
    Status(Vec<StatusItem>),
}

/// What STATUS can tell (RFC 9051 §6.3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusItem {
    /// How many messages there are.
    Messages,
    /// The UID that the next message will get.
    UidNext,
    /// The UIDVALIDITY.
    UidValidity,
    /// How many messages are unseen.
    Unseen,
    /// The highest modification sequence; needs CONDSTORE.
    HighestModSeq,
    /// The sum of all sizes; needs STATUS=SIZE.
    Size,
}

impl StatusItem {
    fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::Size => "SIZE",
        }
    }
}

impl Command {
    /// Lists the mailboxes that match `pattern` (with `*` and `%`) under `reference`.
    ///
    /// With [`ListSelection::All`] and no `returns` it is the basic LIST that every server has.
    pub fn list(
        reference: &MailboxName,
        pattern: &MailboxName,
        selection: ListSelection,
        returns: &[ListReturn],
    ) -> Self {
        let mut writer = Writer::new("LIST ");
        if selection == ListSelection::Subscribed {
            writer.raw("(SUBSCRIBED) ");
        }
        writer.string(reference.as_bytes());
        writer.raw(" ");
        writer.string(pattern.as_bytes());
        let mut with_status = WithStatus::No;
        if !returns.is_empty() {
            let mut options = Vec::new();
            for option in returns {
                options.push(match option {
                    ListReturn::Children => "CHILDREN".to_owned(),
                    ListReturn::Subscribed => "SUBSCRIBED".to_owned(),
                    ListReturn::SpecialUse => "SPECIAL-USE".to_owned(),
                    ListReturn::Status(items) => {
                        with_status = WithStatus::Yes;
                        format!("STATUS {}", item_list(items))
                    }
                });
            }
            writer.raw(&format!(" RETURN ({})", options.join(" ")));
        }
        writer.finish(CommandKind::List { with_status })
    }

    /// Lists the subscribed mailboxes that match (RFC 3501 §6.3.9).
    pub fn lsub(reference: &MailboxName, pattern: &MailboxName) -> Self {
        let mut writer = Writer::new("LSUB ");
        writer.string(reference.as_bytes());
        writer.raw(" ");
        writer.string(pattern.as_bytes());
        writer.finish(CommandKind::Lsub)
    }

    /// Asks about a mailbox without opening it. Not for the selected one (RFC 9051 §6.3.11).
    pub fn status(mailbox: &MailboxName, items: &[StatusItem]) -> Self {
        let mut writer = Writer::new("STATUS ");
        writer.mailbox(mailbox);
        writer.raw(&format!(" {}", item_list(items)));
        writer.finish(CommandKind::Status { mailbox: mailbox.clone() })
    }

    /// Opens a mailbox. The session's selected view is filled from the answer.
    pub fn open(mailbox: &MailboxName, mode: OpenMode) -> Self {
        let mut writer = Writer::new(match mode {
            OpenMode::Select => "SELECT ",
            OpenMode::Examine => "EXAMINE ",
        });
        writer.mailbox(mailbox);
        writer.finish(CommandKind::Open { mailbox: mailbox.clone(), mode })
    }

    /// Makes a mailbox.
    pub fn create(mailbox: &MailboxName) -> Self {
        Self::about_mailbox("CREATE ", mailbox)
    }

    /// Removes a mailbox with all its messages.
    pub fn delete(mailbox: &MailboxName) -> Self {
        Self::about_mailbox("DELETE ", mailbox)
    }

    /// Adds a mailbox to the subscriptions.
    pub fn subscribe(mailbox: &MailboxName) -> Self {
        Self::about_mailbox("SUBSCRIBE ", mailbox)
    }

    /// Removes a mailbox from the subscriptions.
    pub fn unsubscribe(mailbox: &MailboxName) -> Self {
        Self::about_mailbox("UNSUBSCRIBE ", mailbox)
    }

    fn about_mailbox(verb: &str, mailbox: &MailboxName) -> Self {
        let mut writer = Writer::new(verb);
        writer.mailbox(mailbox);
        writer.finish(CommandKind::Mailbox)
    }
}

fn item_list(items: &[StatusItem]) -> String {
    let names: Vec<&str> = items.iter().map(|item| item.as_str()).collect();
    format!("({})", names.join(" "))
}
