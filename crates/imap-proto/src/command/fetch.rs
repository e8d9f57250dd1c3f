//! Commands about messages: FETCH, STORE, COPY, MOVE.

use crate::command::wire::{Writer, settable_flags};
use crate::command::{Command, CommandKind, Messages, WithBodies};
use crate::flags::FlagList;
use crate::mailbox::MailboxName;
use crate::uid_set::UidSet;

/// What FETCH can give (RFC 9051 §6.4.5). Bodies never set `\Seen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// FLAGS.
    Flags,
    /// UID; implied by UID FETCH.
    Uid,
    /// INTERNALDATE.
    InternalDate,
    /// RFC822.SIZE. (`DavMail` downloads every message to answer this.)
    Size,
    /// MODSEQ; needs CONDSTORE.
    ModSeq,
    /// `BODY.PEEK[]`, the whole message. (iCloud answers RFC822 without a body.)
    Body,
    /// `BODY.PEEK[HEADER]`.
    Header,
    /// `BODY.PEEK[HEADER.FIELDS (...)]`; names of fields, of printable ASCII.
    HeaderFields(Vec<String>),
}

/// What STORE does with the flags it is given (RFC 9051 §6.4.6). The server is asked to be silent;
/// Gmail and Fastmail send FETCH responses all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// `+FLAGS.SILENT`
    Add,
    /// `-FLAGS.SILENT`
    Remove,
}

impl Command {
    /// Fetches items of messages. [`Messages::AllBySequence`] is a FETCH, everything else a UID
    /// FETCH.
    pub fn fetch(messages: Messages, items: &[FetchItem]) -> Self {
        Self::fetch_since(messages, items, None)
    }

    /// Fetches items of the messages whose modification sequence is above `changed_since`
    /// (RFC 7162 §3.1.4.1).
    pub fn fetch_changed(messages: Messages, items: &[FetchItem], changed_since: u64) -> Self {
        Self::fetch_since(messages, items, Some(changed_since))
    }

    /// Changes flags. Returns `None` if none of the flags can be set by a client: an empty STORE
    /// would be nonsense or worse.
    pub fn store(uids: UidSet, action: StoreAction, flags: &FlagList) -> Option<Self> {
        let flags = settable_flags(flags);
        if flags.is_empty() {
            return None;
        }
        let verb = match action {
            StoreAction::Add => "+FLAGS.SILENT",
            StoreAction::Remove => "-FLAGS.SILENT",
        };
        let writer = Writer::new(&format!("UID STORE {uids} {verb} ({flags})"));
        Some(writer.finish(CommandKind::Store { messages: Messages::Uids(uids) }))
    }

    /// Copies messages into another mailbox.
    pub fn copy(uids: &UidSet, destination: &MailboxName) -> Self {
        let mut writer = Writer::new(&format!("UID COPY {uids} "));
        writer.mailbox(destination);
        writer.finish(CommandKind::Copy)
    }

    /// Moves messages into another mailbox (RFC 6851).
    pub fn move_to(uids: &UidSet, destination: &MailboxName) -> Self {
        let mut writer = Writer::new(&format!("UID MOVE {uids} "));
        writer.mailbox(destination);
        writer.finish(CommandKind::Copy)
    }

    fn fetch_since(messages: Messages, items: &[FetchItem], since: Option<u64>) -> Self {
        let mut writer = Writer::new(match messages {
            Messages::AllBySequence => "FETCH ",
            Messages::Uids(_) | Messages::UidsFrom(_) => "UID FETCH ",
        });
        writer.raw(&format!("{messages} ("));
        let mut bodies = WithBodies::No;
        for (position, item) in items.iter().enumerate() {
            writer.raw(if position == 0 { "" } else { " " });
            match item {
                FetchItem::Flags => writer.raw("FLAGS"),
                FetchItem::Uid => writer.raw("UID"),
                FetchItem::InternalDate => writer.raw("INTERNALDATE"),
                FetchItem::Size => writer.raw("RFC822.SIZE"),
                FetchItem::ModSeq => writer.raw("MODSEQ"),
                FetchItem::Body => writer.raw("BODY.PEEK[]"),
                FetchItem::Header => writer.raw("BODY.PEEK[HEADER]"),
                FetchItem::HeaderFields(names) => {
                    writer.raw("BODY.PEEK[HEADER.FIELDS (");
                    for (position, name) in names.iter().enumerate() {
                        writer.raw(if position == 0 { "" } else { " " });
                        writer.atom(name);
                    }
                    writer.raw(")]");
                }
            }
            if matches!(item, FetchItem::Body | FetchItem::Header | FetchItem::HeaderFields(_)) {
                bodies = WithBodies::Yes;
            }
        }
        writer.raw(")");
        if let Some(mod_seq) = since {
            writer.raw(&format!(" (CHANGEDSINCE {mod_seq})"));
        }
        writer.finish(CommandKind::Fetch { messages, bodies })
    }
}
