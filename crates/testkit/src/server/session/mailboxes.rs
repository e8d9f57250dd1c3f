use std::collections::{BTreeMap, BTreeSet};

use super::select::quote;
use super::{Completion, Session};
use crate::server::command::Arg;
use crate::server::features::{Capability, Quirk};
use crate::server::mail_store::{State, canonical_name};
use crate::server::mailbox::Mailbox;

/// A line of a LIST answer.
struct Listed {
    name: String,
    attributes: BTreeSet<String>,
    status: Option<String>,
}

/// Which names a listing is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listing {
    Existing,
    Subscribed,
}

impl Session {
    /// Commands about mailboxes as a whole; `None` if it is none of them.
    pub(super) fn execute_on_mailboxes(&mut self, verb: &str, args: &[Arg]) -> Option<Completion> {
        Some(match verb {
            "LIST" => self.list(args),
            "LSUB" => self.lsub(args),
            "STATUS" => self.status(args),
            "CREATE" => self.with_one_name(args, |_, delimiter, state, name| {
                let name = name.trim_end_matches(delimiter);
                if state.mailbox(name).is_some() || name.is_empty() {
                    return Completion::no("[ALREADYEXISTS] mailbox exists");
                }
                state.create(name);
                Completion::ok("created")
            }),
            "DELETE" => self.with_one_name(args, |_, _, state, name| {
                if name == "INBOX" {
                    return Completion::no("[CANNOT] INBOX cannot be deleted");
                }
                match state.mailboxes.remove(name) {
                    Some(_) => Completion::ok("deleted"),
                    None => Completion::no("[NONEXISTENT] no such mailbox"),
                }
            }),
            "SUBSCRIBE" => self.with_one_name(args, |_, _, state, name| {
                if state.mailbox(name).is_none() {
                    return Completion::no("[NONEXISTENT] no such mailbox");
                }
                state.subscribed.insert(name.to_owned());
                Completion::ok("subscribed")
            }),
            "UNSUBSCRIBE" => self.with_one_name(args, |_, _, state, name| {
                state.subscribed.remove(name);
                Completion::ok("unsubscribed")
            }),
            "RENAME" => self.rename(args),
            _ => return None,
        })
    }

    fn with_one_name(
        &mut self,
        args: &[Arg],
        edit: impl FnOnce(&Self, char, &mut State, &str) -> Completion,
    ) -> Completion {
        let [arg] = args else { return Completion::bad("mailbox expected") };
        let Some(name) = arg.text() else { return Completion::bad("mailbox expected") };
        let delimiter = self.shared.config.delimiter;
        let name = canonical_name(&name);
        self.shared.mail.change(|state| edit(self, delimiter, state, &name))
    }

    fn rename(&mut self, args: &[Arg]) -> Completion {
        let [from, to] = args else { return Completion::bad("two mailboxes expected") };
        let (Some(from), Some(to)) = (from.text(), to.text()) else {
            return Completion::bad("two mailboxes expected");
        };
        let (from, to) = (canonical_name(&from), canonical_name(&to));
        let delimiter = self.shared.config.delimiter;
        self.shared.mail.change(|state| {
            if state.mailbox(&to).is_some() {
                return Completion::no("[ALREADYEXISTS] mailbox exists");
            }
            if from == "INBOX" {
                return rename_inbox(state, &to);
            }
            let Some(mailbox) = state.mailboxes.remove(&from) else {
                return Completion::no("[NONEXISTENT] no such mailbox");
            };
            state.mailboxes.insert(to.clone(), mailbox);
            let prefix = format!("{from}{delimiter}");
            let children: Vec<String> =
                state.mailboxes.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
            for child in children {
                let rest = child.strip_prefix(&prefix).unwrap_or_default();
                let name = format!("{to}{delimiter}{rest}");
                if let Some(mailbox) = state.mailboxes.remove(&child) {
                    state.mailboxes.insert(name, mailbox);
                }
            }
            Completion::ok("renamed")
        })
    }

    pub(super) fn namespace(&mut self) -> Completion {
        let config = &self.shared.config;
        let prefix = quote(&config.namespace_prefix);
        let line = format!("* NAMESPACE (({prefix} \"{}\")) NIL NIL", config.delimiter);
        self.wire.put_line(line);
        Completion::ok("namespaces listed")
    }

    fn list(&mut self, args: &[Arg]) -> Completion {
        let extended = self.shared.config.can(Capability::ListExtended);
        let (options, args) = match args {
            [Arg::List(options), rest @ ..] if extended => (options.as_slice(), rest),
            _ => (&[][..], args),
        };
        let (reference, patterns, returns) = match args {
            [reference, patterns] => (reference, patterns, &[][..]),
            [reference, patterns, word, Arg::List(returns)] if word.is("RETURN") && extended => {
                (reference, patterns, returns.as_slice())
            }
            _ => return Completion::bad("reference and pattern expected"),
        };
        let Some(reference) = reference.text() else {
            return Completion::bad("reference expected");
        };
        let patterns: Option<Vec<String>> = match patterns {
            Arg::List(patterns) if extended => patterns.iter().map(Arg::text).collect(),
            Arg::List(_) => None,
            Arg::Atom(_) | Arg::Text(_) => patterns.text().map(|pattern| vec![pattern]),
        };
        let Some(patterns) = patterns else { return Completion::bad("pattern expected") };
        if patterns.iter().all(String::is_empty) {
            let root = Listed {
                name: String::new(),
                attributes: BTreeSet::from(["\\Noselect".to_owned()]),
                status: None,
            };
            self.put_listed("LIST", root);
            return Completion::ok("delimiter listed");
        }
        let items = match status_items(returns) {
            Some(_) if !self.shared.config.can(Capability::ListStatus) => {
                return Completion::bad("no STATUS in LIST");
            }
            items => items,
        };
        let listing = if options.iter().any(|option| option.is("SUBSCRIBED")) {
            Listing::Subscribed
        } else {
            Listing::Existing
        };
        for listed in self.listed(listing, &reference, &patterns, items) {
            self.put_listed("LIST", listed);
        }
        Completion::ok("listed")
    }

    fn lsub(&mut self, args: &[Arg]) -> Completion {
        let [reference, pattern] = args else {
            return Completion::bad("reference and pattern expected");
        };
        let (Some(reference), Some(pattern)) = (reference.text(), pattern.text()) else {
            return Completion::bad("reference and pattern expected");
        };
        for listed in self.listed(Listing::Subscribed, &reference, &[pattern], None) {
            self.put_listed("LSUB", listed);
        }
        Completion::ok("listed")
    }

    fn listed(
        &self,
        listing: Listing,
        reference: &str,
        patterns: &[String],
        items: Option<&[Arg]>,
    ) -> Vec<Listed> {
        let config = &self.shared.config;
        let delimiter = config.delimiter;
        let state = self.shared.mail.lock();
        let mut names: BTreeMap<&str, Option<&Mailbox>> = match listing {
            Listing::Existing => state
                .mailboxes
                .iter()
                .map(|(name, mailbox)| (name.as_str(), Some(mailbox)))
                .collect(),
            Listing::Subscribed => {
                state.subscribed.iter().map(|name| (name.as_str(), state.mailbox(name))).collect()
            }
        };
        if listing == Listing::Existing {
            for name in state.mailboxes.keys() {
                // A parent that was never created is listed for its children's sake.
                for (at, _) in name.match_indices(delimiter) {
                    if let Some(parent) = name.get(..at).filter(|parent| !parent.is_empty()) {
                        names.entry(parent).or_insert(None);
                    }
                }
            }
        }
        let matching = names.iter().filter(|(name, _)| {
            patterns
                .iter()
                .any(|pattern| matches_pattern(&format!("{reference}{pattern}"), name, delimiter))
        });
        matching
            .map(|(&name, &mailbox)| {
                let prefix = format!("{name}{delimiter}");
                let parent = state.mailboxes.keys().any(|other| other.starts_with(&prefix));
                let mut attributes = BTreeSet::from([if parent {
                    "\\HasChildren".to_owned()
                } else {
                    "\\HasNoChildren".to_owned()
                }]);
                match mailbox {
                    Some(mailbox) => {
                        attributes.extend(mailbox.attributes.iter().filter_map(|attribute| {
                            let shown = config.can(Capability::SpecialUse)
                                || attribute.eq_ignore_ascii_case("\\Noselect");
                            shown.then(|| attribute.clone())
                        }));
                    }
                    None if listing == Listing::Subscribed => {
                        attributes.insert("\\NonExistent".to_owned());
                    }
                    None => drop(attributes.insert("\\Noselect".to_owned())),
                }
                let selectable = !attributes.contains("\\Noselect");
                let status = items
                    .zip(mailbox.filter(|_| selectable))
                    .and_then(|(items, mailbox)| self.status_values(mailbox, items));
                Listed { name: name.to_owned(), attributes, status }
            })
            .collect()
    }

    fn put_listed(&mut self, verb: &str, listed: Listed) {
        let config = &self.shared.config;
        let mut attributes = listed.attributes.into_iter().collect::<Vec<_>>().join(" ");
        if config.has(Quirk::LowerCaseAttributes) {
            attributes.make_ascii_lowercase();
        }
        let delimiter = if config.has(Quirk::NilDelimiter) {
            "NIL".to_owned()
        } else {
            quote(&config.delimiter.to_string())
        };
        let name = if config.has(Quirk::LiteralNames) && !listed.name.is_empty() {
            format!("{{{}}}\r\n{}", listed.name.len(), listed.name)
        } else {
            quote(&listed.name)
        };
        self.wire.put_line(format!("* {verb} ({attributes}) {delimiter} {name}"));
        if let Some(status) = listed.status {
            self.wire.put_line(format!("* STATUS {name} ({status})"));
        }
    }

    fn status(&mut self, args: &[Arg]) -> Completion {
        let [name, Arg::List(items)] = args else {
            return Completion::bad("mailbox and items expected");
        };
        let Some(name) = name.text() else { return Completion::bad("mailbox expected") };
        let name = canonical_name(&name);
        let mail = self.shared.mail.clone();
        let state = mail.lock();
        let Some(mailbox) = state.mailbox(&name) else {
            return Completion::no("[NONEXISTENT] no such mailbox");
        };
        let Some(values) = self.status_values(mailbox, items) else {
            return Completion::bad("no such status item");
        };
        self.wire.put_line(format!("* STATUS {} ({values})", quote(&name)));
        Completion::ok("status told")
    }

    /// Status items with their values; `None` if an item is unknown.
    fn status_values(&self, mailbox: &Mailbox, items: &[Arg]) -> Option<String> {
        let config = &self.shared.config;
        let mut values = Vec::new();
        for item in items {
            let item = item.atom()?.to_ascii_uppercase();
            let value = match item.as_str() {
                "MESSAGES" => mailbox.messages.len() as u64,
                "RECENT" => 0,
                "UIDNEXT" if config.has(Quirk::NoUidNext) => continue,
                "UIDNEXT" => u64::from(mailbox.uid_next),
                "UIDVALIDITY" => u64::from(mailbox.uid_validity),
                "UNSEEN" => (mailbox.messages.len() - mailbox.count("\\Seen")) as u64,
                "DELETED" => mailbox.count("\\Deleted") as u64,
                "SIZE" => mailbox.messages.iter().map(|message| message.body.len()).sum(),
                "HIGHESTMODSEQ" if config.can(Capability::Condstore) => mailbox.highest_modseq,
                _ => return None,
            };
            values.push(format!("{item} {value}"));
        }
        Some(values.join(" "))
    }
}

/// RENAME of INBOX moves its messages and leaves it empty (RFC 9051 §6.3.6).
fn rename_inbox(state: &mut State, to: &str) -> Completion {
    let uid_validity = state.fresh_uid_validity();
    let Some(inbox) = state.mailbox_mut("INBOX") else {
        return Completion::no("[NONEXISTENT] no such mailbox");
    };
    let mut moved = Mailbox::new(uid_validity);
    moved.uid_next = inbox.uid_next;
    moved.highest_modseq = inbox.highest_modseq;
    moved.messages = std::mem::take(&mut inbox.messages);
    state.mailboxes.insert(to.to_owned(), moved);
    Completion::ok("renamed")
}

/// The items of `STATUS (…)` among the RETURN options.
fn status_items(returns: &[Arg]) -> Option<&[Arg]> {
    let at = returns.iter().position(|option| option.is("STATUS"))?;
    returns.get(at + 1)?.list()
}

/// Whether a name fits a LIST pattern: `*` stands for anything, `%` for anything but the
/// delimiter (RFC 9051 §6.3.9).
fn matches_pattern(pattern: &str, name: &str, delimiter: char) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => name.is_empty(),
        Some(wildcard @ ('*' | '%')) => {
            let rest = letters.as_str();
            let mut tail = name.chars();
            loop {
                if matches_pattern(rest, tail.as_str(), delimiter) {
                    return true;
                }
                match tail.next() {
                    None => return false,
                    Some(letter) if letter == delimiter && wildcard == '%' => return false,
                    Some(_) => {}
                }
            }
        }
        Some(letter) => {
            let mut tail = name.chars();
            let inbox = pattern.eq_ignore_ascii_case("INBOX") && name == "INBOX";
            inbox
                || (tail.next() == Some(letter)
                    && matches_pattern(letters.as_str(), tail.as_str(), delimiter))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_stops_at_the_delimiter() {
        assert!(matches_pattern("%", "a", '/'));
        assert!(!matches_pattern("%", "a/b", '/'));
        assert!(matches_pattern("a/%", "a/b", '/'));
        assert!(matches_pattern("*", "a/b/c", '/'));
        assert!(matches_pattern("a*c", "a/b/c", '/'));
        assert!(!matches_pattern("a*d", "a/b/c", '/'));
        assert!(matches_pattern("inbox", "INBOX", '/'));
        assert!(!matches_pattern("inbox", "inboxes", '/'));
    }
}
