//! LIST and LSUB.

use std::collections::BTreeSet;
use std::sync::Arc;

use offlineimap_core::{Listing, MailboxEntry, MailboxName, Role, StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::{Command, ListReturn, ListSelection};
use offlineimap_imap_proto::mailbox::MailboxName as WireName;
use offlineimap_imap_proto::response::{ListEntry, Untagged};

use crate::config::ListedMailboxes;
use crate::pool::{Lease, Pool, Purpose};
use crate::spelling::{Regularity, Spelling};

/// Lists all mailboxes that can hold messages.
pub(super) async fn list(pool: &Arc<Pool>) -> Result<Listing, StoreError> {
    let mut lease = pool.lease(Purpose::Anything).await?;
    let config = pool.config();
    let reference = WireName::from(config.reference.as_str());
    let everything = WireName::from("*");
    let has_special_use =
        lease.capabilities().is_some_and(|own| own.has("SPECIAL-USE") && own.has("LIST-EXTENDED"));
    let plain = || Command::list(&reference, &everything, ListSelection::All, &[]);
    let heard = match config.listed {
        ListedMailboxes::Subscribed => {
            ask(&mut lease, Command::lsub(&reference, &everything)).await?
        }
        ListedMailboxes::All if has_special_use => {
            let returns = [ListReturn::SpecialUse];
            let extended = Command::list(&reference, &everything, ListSelection::All, &returns);
            match ask(&mut lease, extended).await? {
                // Some servers announce more than they understand.
                Heard { refused: Some(_), .. } => ask(&mut lease, plain()).await?,
                heard => heard,
            }
        }
        ListedMailboxes::All => ask(&mut lease, plain()).await?,
    };
    let failed = |what: String| {
        let text = format!("{}:{} {what}", config.host, config.port);
        StoreError::new(StoreErrorKind::Store, text)
    };
    if let Some(refusal) = heard.refused {
        return Err(failed(format!("refused to list the mailboxes: {refusal}")));
    }
    if heard.unreadable > 0 {
        let unreadable = heard.unreadable;
        return Err(failed(format!("sent a list with {unreadable} lines that cannot be read")));
    }
    if heard.entries.is_empty() && config.listed == ListedMailboxes::All {
        let reference = &config.reference;
        return Err(failed(format!("returned no mailboxes under the reference {reference:?}")));
    }
    let mut listing = listing(&heard.entries, pool.spelling());
    if heard.entries.is_empty() {
        // Nothing is subscribed; the separator is still good to know.
        let root = Command::list(&reference, &WireName::from(""), ListSelection::All, &[]);
        listing.separator = separator(&ask(&mut lease, root).await?.entries);
    }
    Ok(listing)
}

/// What came of a LIST or LSUB.
pub(super) struct Heard {
    pub(super) entries: Vec<ListEntry>,
    /// How many lines could not be read: mailboxes that we do not know of.
    unreadable: usize,
    /// The server's words, if it refused.
    pub(super) refused: Option<String>,
}

/// Sends a LIST or LSUB and collects its answer.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server says many things; only these matter here"
)]
pub(super) async fn ask(lease: &mut Lease, command: Command) -> Result<Heard, StoreError> {
    let mut conversation = lease.converse()?;
    let ticket = conversation.submit(command);
    let mut heard = Heard { entries: Vec::new(), unreadable: 0, refused: None };
    let outcomes = conversation
        .finish(|data| match data {
            Untagged::List(entry) | Untagged::Lsub(entry) => heard.entries.push(entry),
            Untagged::Malformed(malformed) if matches!(&*malformed.name, "LIST" | "LSUB") => {
                heard.unreadable += 1;
            }
            _ => {}
        })
        .await?;
    heard.refused = outcomes.accepted(ticket).err();
    Ok(heard)
}

/// Tells whether messages can be in the mailbox (RFC 9051 §7.3.1).
pub(super) fn is_selectable(entry: &ListEntry) -> bool {
    !entry.has("\\Noselect") && !entry.has("\\NonExistent")
}

/// Turns the server's lines into what the core knows of mailboxes. Some servers list a name twice.
fn listing(entries: &[ListEntry], spelling: &Spelling) -> Listing {
    let mut listing = Listing { separator: separator(entries), ..Listing::default() };
    let mut seen = BTreeSet::new();
    let (mut regular, mut odd) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| is_selectable(entry)) {
        if !seen.insert(entry.name.as_bytes()) {
            continue;
        }
        let unusable = |why: &str| (entry.name.to_string_lossy().into_owned(), why.to_owned());
        match spelling.text(&entry.name) {
            None => listing.unusable.push(unusable("the name is not UTF-8")),
            Some((name, _)) if name.is_empty() => {
                listing.unusable.push(unusable("the name is empty"));
            }
            Some((name, _)) if name.chars().any(char::is_control) => {
                listing.unusable.push(unusable("the name has control characters"));
            }
            Some((name, Regularity::Regular)) => regular.push((name, entry)),
            Some((name, Regularity::Odd)) => odd.push((name, entry)),
        }
    }
    // Two spellings of one name are two mailboxes; the regular one keeps the name.
    odd.retain(|(name, entry)| {
        let is_free = regular.iter().all(|(other, _)| other != name);
        if !is_free {
            let why = "another mailbox has this name in modified UTF-7".to_owned();
            listing.unusable.push((entry.name.to_string_lossy().into_owned(), why));
        }
        is_free
    });
    spelling.remember(odd.iter().map(|(name, entry)| (name.clone(), entry.name.clone())));
    let all = regular.into_iter().chain(odd);
    listing.mailboxes.extend(
        all.map(|(name, entry)| MailboxEntry { name: MailboxName::new(name), role: role(entry) }),
    );
    listing
}

/// Finds the separator. INBOX may have none where all others have one.
fn separator(entries: &[ListEntry]) -> Option<char> {
    entries.iter().find_map(|entry| entry.delimiter).map(char::from)
}

fn role(entry: &ListEntry) -> Option<Role> {
    if entry.has("\\Trash") {
        Some(Role::Trash)
    } else if entry.has("\\Junk") || entry.has("\\Spam") {
        Some(Role::Junk)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spelling::NameEncoding;

    fn entry(attributes: &[&str], delimiter: Option<u8>, name: &[u8]) -> ListEntry {
        let attributes = attributes.iter().map(ToString::to_string).collect();
        ListEntry { attributes, delimiter, name: WireName::from_wire(name) }
    }

    fn plainly(entries: &[ListEntry]) -> Listing {
        listing(entries, &Spelling::default())
    }

    #[test]
    fn two_spellings_of_a_name_are_not_mixed_up() {
        let spelling = Spelling::new(NameEncoding::Utf8);
        let listing = listing(
            &[
                entry(&[], Some(b'/'), "Gäste".as_bytes()),
                entry(&[], Some(b'/'), b"G&AOQ-ste"),
                entry(&[], Some(b'/'), b"a & b"),
                entry(&[], Some(b'/'), b"x&AAo-y"),
            ],
            &spelling,
        );
        let names: Vec<&str> = listing.mailboxes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["Gäste", "a & b"]);
        assert_eq!(listing.unusable.len(), 2, "{:?}", listing.unusable);
        assert_eq!(spelling.wire("Gäste"), WireName::from("G&AOQ-ste"));
        assert_eq!(spelling.wire("a & b"), WireName::from("a & b"));
    }

    #[test]
    fn what_cannot_hold_messages_is_left_out_and_what_has_no_usable_name_is_told() {
        let listing = plainly(&[
            entry(&[], None, b"INBOX"),
            entry(&["\\NOSELECT"], Some(b'/'), b"lists"),
            entry(&["\\NonExistent"], Some(b'/'), b"old"),
            entry(&["\\trash"], Some(b'/'), b"Bin"),
            entry(&["\\Junk"], Some(b'/'), b"Bad"),
            entry(&[], Some(b'/'), b"Bin"),
            entry(&[], Some(b'/'), b"caf\xe9"),
            entry(&[], Some(b'/'), b"caf&AOk-"),
        ]);
        assert_eq!(listing.separator, Some('/'));
        let names: Vec<(&str, Option<Role>)> =
            listing.mailboxes.iter().map(|entry| (entry.name.as_str(), entry.role)).collect();
        let expected = [
            ("INBOX", None),
            ("Bin", Some(Role::Trash)),
            ("Bad", Some(Role::Junk)),
            ("caf&AOk-", None),
        ];
        assert_eq!(names, expected);
        assert_eq!(listing.unusable.len(), 1);
    }

    #[test]
    fn a_separator_of_nil_is_a_flat_name_space() {
        assert_eq!(plainly(&[entry(&[], None, b"INBOX")]).separator, None);
    }
}
