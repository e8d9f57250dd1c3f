//! Status responses: conditions, codes, text.

use bytes::Bytes;

use crate::flags::parse_flags;
use crate::response::{Capabilities, Code, Condition, StatusText, Tagged, UntaggedCondition};
use crate::scanner::cursor::Cursor;
use crate::uid_set::{Uid, UidSet, parse_ranges};

/// Reads a tagged line. The text may be missing, and the blank before it with it.
pub(super) fn tagged(mut cursor: Cursor<'_>) -> Option<Tagged> {
    let tag = cursor.word();
    cursor.blanks();
    let word = cursor.word();
    let condition = [("OK", Condition::Ok), ("NO", Condition::No), ("BAD", Condition::Bad)]
        .into_iter()
        .find_map(|(name, value)| word.eq_ignore_ascii_case(name.as_bytes()).then_some(value))?;
    if tag.is_empty() {
        return None;
    }
    Some(Tagged { tag: Bytes::copy_from_slice(tag), condition, text: text(cursor) })
}

/// Reads the name of an untagged condition.
pub(super) fn condition(word: &[u8]) -> Option<UntaggedCondition> {
    [
        ("OK", UntaggedCondition::Ok),
        ("NO", UntaggedCondition::No),
        ("BAD", UntaggedCondition::Bad),
        ("BYE", UntaggedCondition::Bye),
        ("PREAUTH", UntaggedCondition::PreAuth),
    ]
    .into_iter()
    .find_map(|(name, value)| word.eq_ignore_ascii_case(name.as_bytes()).then_some(value))
}

/// Reads what stands behind the condition.
pub(super) fn text(mut cursor: Cursor<'_>) -> StatusText {
    cursor.blanks();
    let mut code = None;
    if cursor.peek() == Some(b'[')
        && let Some(length) = code_len(cursor.rest())
    {
        let inside = cursor.rest().get(1..length - 1).unwrap_or_default();
        code = Some(parse_code(inside));
        cursor.skip(length);
        cursor.blanks();
    }
    let text = String::from_utf8_lossy(cursor.rest().trim_ascii_end()).into_owned();
    StatusText { code, text }
}

/// Finds the end of a code, behind its `]`. Brackets in quotes or parentheses do not count: a
/// keyword may hold one.
fn code_len(text: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(text);
    cursor.bump();
    let mut depth = 0_u32;
    loop {
        match cursor.peek()? {
            b'"' => {
                if cursor.quoted().is_none() {
                    cursor.bump();
                }
                continue;
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b']' if depth == 0 => return Some(cursor.at() + 1),
            _ => {}
        }
        cursor.bump();
    }
}

fn parse_code(inside: &[u8]) -> Code {
    let mut cursor = Cursor::new(inside);
    cursor.blanks();
    let name = String::from_utf8_lossy(cursor.word()).to_ascii_uppercase();
    cursor.blanks();
    let value = cursor.rest().trim_ascii_end();
    known_code(&name, value)
        .unwrap_or_else(|| Code::Other { name, value: String::from_utf8_lossy(value).into_owned() })
}

fn known_code(name: &str, value: &[u8]) -> Option<Code> {
    Some(match name {
        "ALERT" => Code::Alert,
        "ALREADYEXISTS" => Code::AlreadyExists,
        "APPENDUID" => {
            let (uid_validity, uids) = split_validity(value)?;
            Code::AppendUid { uid_validity, uids: UidSet::parse(uids).ok()? }
        }
        "AUTHENTICATIONFAILED" => Code::AuthenticationFailed,
        "AUTHORIZATIONFAILED" => Code::AuthorizationFailed,
        "BADCHARSET" => Code::BadCharset,
        "CANNOT" => Code::Cannot,
        "CAPABILITY" => Code::Capability(capabilities(value)),
        "CLIENTBUG" => Code::ClientBug,
        "CLOSED" => Code::Closed,
        "CONTACTADMIN" => Code::ContactAdmin,
        "COPYUID" => {
            let (uid_validity, sets) = split_validity(value)?;
            let mut cursor = Cursor::new(sets);
            let source = parse_ranges(cursor.word()).ok()?;
            cursor.blanks();
            let destination = parse_ranges(cursor.word()).ok()?;
            Code::CopyUid { uid_validity, source, destination }
        }
        "CORRUPTION" => Code::Corruption,
        "EXPIRED" => Code::Expired,
        "EXPUNGEISSUED" => Code::ExpungeIssued,
        "HIGHESTMODSEQ" => Code::HighestModSeq(number(value)?),
        "INUSE" => Code::InUse,
        "LIMIT" => Code::Limit,
        "MODIFIED" => Code::Modified(UidSet::parse(value).ok()?),
        "NONEXISTENT" => Code::NonExistent,
        "NOMODSEQ" => Code::NoModSeq,
        "NOPERM" => Code::NoPerm,
        "OVERQUOTA" => Code::OverQuota,
        "PARSE" => Code::Parse,
        "PERMANENTFLAGS" => {
            let inside = Cursor::new(value).flat_parentheses()?;
            Code::PermanentFlags(parse_flags(inside)?)
        }
        "PRIVACYREQUIRED" => Code::PrivacyRequired,
        "READ-ONLY" => Code::ReadOnly,
        "READ-WRITE" => Code::ReadWrite,
        "SERVERBUG" => Code::ServerBug,
        "TOOBIG" => Code::TooBig,
        "TRYCREATE" => Code::TryCreate,
        "UIDNEXT" => Code::UidNext(Uid::new(number(value)?.try_into().ok()?)?),
        "UIDNOTSTICKY" => Code::UidNotSticky,
        "UIDVALIDITY" => Code::UidValidity(number(value)?.try_into().ok()?),
        "UNAVAILABLE" => Code::Unavailable,
        "UNSEEN" => Code::Unseen(number(value)?.try_into().ok()?),
        _ => return None,
    })
}

/// Reads capabilities separated by any number of blanks.
pub(super) fn capabilities(text: &[u8]) -> Capabilities {
    let text = String::from_utf8_lossy(text);
    text.split_ascii_whitespace().collect()
}

fn split_validity(value: &[u8]) -> Option<(u32, &[u8])> {
    let mut cursor = Cursor::new(value);
    let uid_validity = u32::try_from(cursor.number()?).ok()?;
    cursor.blanks();
    Some((uid_validity, cursor.rest()))
}

fn number(value: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(value);
    let number = cursor.number()?;
    cursor.peek().is_none().then_some(number)
}
