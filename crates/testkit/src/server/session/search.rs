use std::fmt::Write as _;

use super::fetch::field_contains;
use super::select::Numbering;
use super::{Completion, ModSeqs, Phase, Session};
use crate::server::command::Arg;
use crate::server::date::parse_date;
use crate::server::features::{Capability, Quirk};
use crate::server::mailbox::StoredMessage;
use crate::server::uid_set::{NumberSet, format_set};

/// A condition on a message (RFC 9051 §6.4.4).
enum Key {
    All,
    Flag(String),
    NoFlag(String),
    Numbers(NumberSet),
    Uids(NumberSet),
    Since(i64),
    Before(i64),
    On(i64),
    Smaller(u64),
    Larger(u64),
    Header { name: String, text: String },
    ModSeq(u64),
    Not(Box<Key>),
    Or(Box<Key>, Box<Key>),
    And(Vec<Key>),
}

/// A message with the largest numbers of its mailbox, to which `*` refers.
struct Candidate<'a> {
    number: u32,
    message: &'a StoredMessage,
    largest_number: u32,
    largest_uid: u32,
}

impl Session {
    pub(super) fn search(&mut self, args: &[Arg], numbering: Numbering) -> Completion {
        let Phase::Selected(selected) = &self.phase else {
            return Completion::bad("no mailbox selected");
        };
        let config = &self.shared.config;
        let (returns, args) = match args {
            [word, Arg::List(options), keys @ ..]
                if word.is("RETURN") && config.can(Capability::Esearch) =>
            {
                (Some(options.as_slice()), keys)
            }
            _ => (None, args),
        };
        let args = match args {
            [word, charset, keys @ ..] if word.is("CHARSET") => {
                if !(charset.is("UTF-8") || charset.is("US-ASCII")) {
                    return Completion::no("[BADCHARSET (US-ASCII UTF-8)] unknown charset");
                }
                keys
            }
            _ => args,
        };
        let Some(key) = parse_all(args) else { return Completion::bad("unknown search key") };
        if key.mentions_modseq() {
            if !config.can(Capability::Condstore) {
                return Completion::bad("no mod-sequences");
            }
            self.modseqs = ModSeqs::Told;
        }
        let blind = config.has(Quirk::HeaderSearchFindsNothing);
        let known: Vec<(u32, u32)> = selected.all().collect();
        let (largest_number, largest_uid) = known.last().copied().unwrap_or((0, 0));
        let mut found = Vec::new();
        for (number, uid) in known {
            let Some(message) = self.messages(&[uid]).pop() else { continue };
            let candidate = Candidate { number, message: &message, largest_number, largest_uid };
            if key.matches(&candidate, blind) {
                found.push(match numbering {
                    Numbering::Sequence => number,
                    Numbering::Uid => uid,
                });
            }
        }
        if let Some(options) = returns {
            self.put_esearch(options, numbering, &found);
        } else {
            let mut line = "* SEARCH".to_owned();
            for number in found {
                let _ = write!(line, " {number}");
            }
            self.wire.put_line(line);
        }
        Completion::ok("searched")
    }

    fn put_esearch(&mut self, options: &[Arg], numbering: Numbering, found: &[u32]) {
        let wanted = |name: &str| options.iter().any(|option| option.is(name));
        let mut line = "* ESEARCH".to_owned();
        if numbering == Numbering::Uid {
            line.push_str(" UID");
        }
        if let (true, Some(first)) = (wanted("MIN"), found.first()) {
            let _ = write!(line, " MIN {first}");
        }
        if let (true, Some(last)) = (wanted("MAX"), found.last()) {
            let _ = write!(line, " MAX {last}");
        }
        if wanted("COUNT") {
            let _ = write!(line, " COUNT {}", found.len());
        }
        if (wanted("ALL") || options.is_empty()) && !found.is_empty() {
            let _ = write!(line, " ALL {}", format_set(found));
        }
        self.wire.put_line(line);
    }
}

impl Key {
    fn mentions_modseq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::Not(key) => key.mentions_modseq(),
            Self::Or(one, other) => one.mentions_modseq() || other.mentions_modseq(),
            Self::And(keys) => keys.iter().any(Self::mentions_modseq),
            Self::All
            | Self::Flag(_)
            | Self::NoFlag(_)
            | Self::Numbers(_)
            | Self::Uids(_)
            | Self::Since(_)
            | Self::Before(_)
            | Self::On(_)
            | Self::Smaller(_)
            | Self::Larger(_)
            | Self::Header { .. } => false,
        }
    }

    fn matches(&self, candidate: &Candidate<'_>, blind: bool) -> bool {
        let message = candidate.message;
        match self {
            Self::All => true,
            Self::Flag(flag) => has_flag(message, flag),
            Self::NoFlag(flag) => !has_flag(message, flag),
            Self::Numbers(set) => set.contains(candidate.number, candidate.largest_number),
            Self::Uids(set) => set.contains(message.uid, candidate.largest_uid),
            Self::Since(day) => message.internal_date.day() >= *day,
            Self::Before(day) => message.internal_date.day() < *day,
            Self::On(day) => message.internal_date.day() == *day,
            Self::Smaller(limit_bytes) => message.body.len() < *limit_bytes,
            Self::Larger(limit_bytes) => message.body.len() > *limit_bytes,
            Self::Header { name, text } => !blind && field_contains(&message.body, name, text),
            Self::ModSeq(least) => message.modseq >= *least,
            Self::Not(key) => !key.matches(candidate, blind),
            Self::Or(one, other) => {
                one.matches(candidate, blind) || other.matches(candidate, blind)
            }
            Self::And(keys) => keys.iter().all(|key| key.matches(candidate, blind)),
        }
    }
}

fn has_flag(message: &StoredMessage, flag: &str) -> bool {
    message.flags.iter().any(|own| own.eq_ignore_ascii_case(flag))
}

/// All keys up to the end, of which there must be at least one.
fn parse_all(args: &[Arg]) -> Option<Key> {
    let mut args = args.iter();
    let mut keys = Vec::new();
    while args.len() > 0 {
        keys.push(parse_key(&mut args)?);
    }
    if keys.is_empty() { None } else { Some(Key::And(keys)) }
}

fn parse_key(args: &mut std::slice::Iter<'_, Arg>) -> Option<Key> {
    let arg = args.next()?;
    if let Some(keys) = arg.list() {
        return parse_all(keys);
    }
    let word = arg.atom()?;
    let mut text = || args.next().and_then(Arg::text);
    Some(match word.to_ascii_uppercase().as_str() {
        "ALL" | "OLD" => Key::All,
        "ANSWERED" => Key::Flag("\\Answered".to_owned()),
        "DELETED" => Key::Flag("\\Deleted".to_owned()),
        "DRAFT" => Key::Flag("\\Draft".to_owned()),
        "FLAGGED" => Key::Flag("\\Flagged".to_owned()),
        "SEEN" => Key::Flag("\\Seen".to_owned()),
        "UNANSWERED" => Key::NoFlag("\\Answered".to_owned()),
        "UNDELETED" => Key::NoFlag("\\Deleted".to_owned()),
        "UNDRAFT" => Key::NoFlag("\\Draft".to_owned()),
        "UNFLAGGED" => Key::NoFlag("\\Flagged".to_owned()),
        "UNSEEN" => Key::NoFlag("\\Seen".to_owned()),
        "RECENT" | "NEW" => Key::Not(Box::new(Key::All)),
        "KEYWORD" => Key::Flag(text()?),
        "UNKEYWORD" => Key::NoFlag(text()?),
        "UID" => Key::Uids(NumberSet::parse(&text()?)?),
        "SINCE" => Key::Since(parse_date(&text()?)?),
        "BEFORE" => Key::Before(parse_date(&text()?)?),
        "ON" => Key::On(parse_date(&text()?)?),
        "SMALLER" => Key::Smaller(text()?.parse().ok()?),
        "LARGER" => Key::Larger(text()?.parse().ok()?),
        "HEADER" => Key::Header { name: text()?.to_ascii_uppercase(), text: text()? },
        "FROM" | "TO" | "CC" | "BCC" | "SUBJECT" => {
            Key::Header { name: word.to_ascii_uppercase(), text: text()? }
        }
        "MODSEQ" => Key::ModSeq(text()?.parse().ok()?),
        "NOT" => Key::Not(Box::new(parse_key(args)?)),
        "OR" => Key::Or(Box::new(parse_key(args)?), Box::new(parse_key(args)?)),
        _ => Key::Numbers(NumberSet::parse(word)?),
    })
}
