//! Data responses that fit into memory: CAPABILITY, LIST, STATUS, ID and the like.

use crate::flags::parse_flags;
use crate::mailbox::MailboxName;
use crate::response::{Id, ListEntry, MailboxStatus, Untagged};
use crate::scanner::cursor::{Cursor, NilOr};
use crate::scanner::status;
use crate::uid_set::Uid;

/// Whether strings, and so literals, can stand in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// No string can.
    None,
    /// They can, and all of it is needed.
    Kept,
    /// Who knows; the response is skipped.
    Unknown,
}

/// Tells what can stand in the response with this upper-case name.
pub(super) fn strings_of(name: &str) -> Strings {
    match name {
        "CAPABILITY" | "ENABLED" | "FLAGS" => Strings::None,
        "ID" | "LIST" | "LSUB" | "STATUS" => Strings::Kept,
        _ => Strings::Unknown,
    }
}

/// Reads the response with this upper-case name; the cursor stands behind the name.
pub(super) fn parse(name: &str, mut cursor: Cursor<'_>) -> Option<Untagged> {
    cursor.blanks();
    match name {
        "CAPABILITY" => Some(Untagged::Capability(status::capabilities(cursor.rest()))),
        "ENABLED" => {
            let names = status::capabilities(cursor.rest());
            Some(Untagged::Enabled(names.iter().map(str::to_owned).collect()))
        }
        "FLAGS" => Some(Untagged::Flags(parse_flags(cursor.flat_parentheses()?)?)),
        "ID" => id(cursor).map(Untagged::Id),
        "LIST" => list_entry(cursor).map(Untagged::List),
        "LSUB" => list_entry(cursor).map(Untagged::Lsub),
        "STATUS" => mailbox_status(cursor).map(Untagged::MailboxStatus),
        _ => None,
    }
}

fn id(mut cursor: Cursor<'_>) -> Option<Id> {
    let mut id = Id::default();
    if !cursor.eat(b'(') {
        return cursor.word().eq_ignore_ascii_case(b"NIL").then_some(id);
    }
    loop {
        cursor.blanks();
        if cursor.eat(b')') {
            return Some(id);
        }
        let name = cursor.nil_or_string()?;
        cursor.blanks();
        if let (NilOr::String(name), NilOr::String(value)) = (name, cursor.nil_or_string()?) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            id.fields.push((text(&name), text(&value)));
        }
    }
}

/// Reads `(attributes) delimiter name`; extended data behind the name is not looked at.
fn list_entry(mut cursor: Cursor<'_>) -> Option<ListEntry> {
    let attributes = cursor
        .flat_parentheses()?
        .split(|&byte| byte == b' ')
        .filter(|attribute| !attribute.is_empty())
        .map(|attribute| String::from_utf8_lossy(attribute).into_owned())
        .collect();
    cursor.blanks();
    let delimiter = match cursor.nil_or_string()? {
        NilOr::Nil => None,
        NilOr::String(string) => match *string {
            [] => None,
            [delimiter] => Some(delimiter),
            _ => return None,
        },
    };
    cursor.blanks();
    let name = mailbox(&mut cursor)?;
    Some(ListEntry { attributes, delimiter, name })
}

fn mailbox_status(mut cursor: Cursor<'_>) -> Option<MailboxStatus> {
    let mut status = MailboxStatus {
        mailbox: mailbox(&mut cursor)?,
        messages: None,
        recent: None,
        uid_next: None,
        uid_validity: None,
        unseen: None,
        highest_mod_seq: None,
        size_bytes: None,
    };
    cursor.blanks();
    if !cursor.eat(b'(') {
        return None;
    }
    loop {
        cursor.blanks();
        if cursor.eat(b')') {
            return Some(status);
        }
        let name = cursor.word();
        if name.is_empty() {
            return None;
        }
        cursor.blanks();
        let mut value = Cursor::new(status_value(&mut cursor)?);
        let number = value.number().filter(|_| value.peek().is_none());
        let small = number.and_then(|number| u32::try_from(number).ok());
        match String::from_utf8_lossy(name).to_ascii_uppercase().as_str() {
            "MESSAGES" => status.messages = small,
            "RECENT" => status.recent = small,
            "UIDNEXT" => status.uid_next = small.and_then(Uid::new),
            "UIDVALIDITY" => status.uid_validity = small,
            "UNSEEN" => status.unseen = small,
            "HIGHESTMODSEQ" => status.highest_mod_seq = number,
            "SIZE" => status.size_bytes = number,
            // MAILBOXID and whatever else was not asked for; Cyrus 3.6 puts garbage there.
            _ => {}
        }
    }
}

/// Reads the value of a STATUS item: a word, or anything in parentheses.
fn status_value<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if let Some(string) = cursor.string() {
        drop(string);
        return Some(b"");
    }
    if cursor.peek() == Some(b'(') {
        cursor.bump();
        let inside = cursor.take_while(|byte| byte != b')');
        cursor.eat(b')').then_some(())?;
        return Some(inside);
    }
    let word = cursor.word();
    (!word.is_empty()).then_some(word)
}

/// Reads the name of a mailbox: a string, or everything up to the next blank. NIL is the empty
/// name; parentheses and quotes within a bare name are taken as part of it, as some servers forget
/// to quote.
fn mailbox(cursor: &mut Cursor<'_>) -> Option<MailboxName> {
    if let Some(string) = cursor.string() {
        return Some(MailboxName::from_wire(string.into_owned()));
    }
    let word = cursor.take_while(|byte| byte != b' ');
    if word.is_empty() || word.starts_with(b"\"") {
        return None;
    }
    let name: &[u8] = if word.eq_ignore_ascii_case(b"NIL") { b"" } else { word };
    Some(MailboxName::from_wire(name))
}
