//! SEARCH.

use crate::command::wire::Writer;
use crate::command::{Command, CommandKind, Messages};
use crate::date::SearchDate;

/// A condition of SEARCH (RFC 9051 §6.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// Every message.
    All,
    /// Messages with `\Deleted`.
    Deleted,
    /// Messages without `\Deleted`.
    Undeleted,
    /// These messages.
    Messages(Messages),
    /// INTERNALDATE on this day or later; the server's idea of a day.
    Since(SearchDate),
    /// INTERNALDATE before this day.
    Before(SearchDate),
    /// More bytes than this.
    Larger(u64),
    /// Fewer bytes than this.
    Smaller(u64),
    /// A header field that contains the text, in any case.
    Header {
        /// The name of the field.
        name: String,
        /// The text; other than ASCII needs a charset that servers may refuse.
        text: String,
    },
    /// The opposite.
    Not(Box<SearchKey>),
}

/// How the result is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchReturn {
    /// As numbers, which every server can.
    Numbers,
    /// As ranges; needs ESEARCH (RFC 4731).
    Ranges,
}

impl Command {
    /// Searches the UIDs of the messages that meet all `keys`; no key is [`SearchKey::All`].
    pub fn search(keys: &[SearchKey], returns: SearchReturn) -> Self {
        let mut writer = Writer::new("UID SEARCH");
        if returns == SearchReturn::Ranges {
            writer.raw(" RETURN (ALL)");
        }
        if keys.iter().any(needs_charset) {
            writer.raw(" CHARSET UTF-8");
        }
        for key in keys {
            writer.raw(" ");
            write_key(&mut writer, key);
        }
        if keys.is_empty() {
            writer.raw(" ALL");
        }
        writer.finish(CommandKind::Search)
    }
}

fn write_key(writer: &mut Writer, mut key: &SearchKey) {
    while let SearchKey::Not(inner) = key {
        writer.raw("NOT ");
        key = inner;
    }
    match key {
        SearchKey::All => writer.raw("ALL"),
        SearchKey::Deleted => writer.raw("DELETED"),
        SearchKey::Undeleted => writer.raw("UNDELETED"),
        SearchKey::Messages(Messages::AllBySequence) => writer.raw("1:*"),
        SearchKey::Messages(messages) => writer.raw(&format!("UID {messages}")),
        SearchKey::Since(date) => writer.raw(&format!("SINCE {date}")),
        SearchKey::Before(date) => writer.raw(&format!("BEFORE {date}")),
        SearchKey::Larger(bytes) => writer.raw(&format!("LARGER {bytes}")),
        SearchKey::Smaller(bytes) => writer.raw(&format!("SMALLER {bytes}")),
        SearchKey::Header { name, text } => {
            writer.raw("HEADER ");
            writer.string(name.as_bytes());
            writer.raw(" ");
            writer.string(text.as_bytes());
        }
        SearchKey::Not(_) => {}
    }
}

fn needs_charset(key: &SearchKey) -> bool {
    match key {
        SearchKey::Header { name, text } => !name.is_ascii() || !text.is_ascii(),
        SearchKey::Not(inner) => needs_charset(inner),
        SearchKey::All
        | SearchKey::Deleted
        | SearchKey::Undeleted
        | SearchKey::Messages(_)
        | SearchKey::Since(_)
        | SearchKey::Before(_)
        | SearchKey::Larger(_)
        | SearchKey::Smaller(_) => false,
    }
}
