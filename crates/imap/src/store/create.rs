//! CREATE, with parents.

use std::sync::Arc;

use offlineimap_core::{MailboxName, StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::{Command, ListSelection};
use offlineimap_imap_proto::mailbox::MailboxName as WireName;
use offlineimap_imap_proto::response::{Code, ListEntry};
use offlineimap_imap_proto::session::Outcome;

use crate::connection::accepted;
use crate::pool::{Lease, Pool, Purpose};
use crate::store::listing::{ask, is_selectable};

/// Creates a mailbox and those above it that are missing.
pub(super) async fn create(pool: &Arc<Pool>, name: &MailboxName) -> Result<(), StoreError> {
    if name.as_str().is_empty() {
        return Ok(());
    }
    let mut lease = pool.lease(Purpose::Anything).await?;
    let config = pool.config();
    let reference = config.reference.as_str();
    let root = list_exactly(&mut lease, "").await?;
    let separator = root.iter().find_map(|entry| entry.delimiter).map(char::from);
    let wire = pool.spelling().wire(name.as_str());
    let full = under_reference(reference, separator, &wire.to_string_lossy());
    for parent in parents(&full, separator) {
        let there = list_exactly(&mut lease, parent).await?;
        if is_inbox(parent) || there.iter().any(|entry| !entry.has("\\NonExistent")) {
            continue;
        }
        // Whether it matters that this fails, the creation of the child will show.
        if let Err(refusal) = attempt(pool, &mut lease, parent).await? {
            tracing::debug!("cannot create mailbox {parent}: {refusal}");
        }
    }
    if is_inbox(&full) {
        return Ok(());
    }
    let Err(refusal) = attempt(pool, &mut lease, &full).await? else { return Ok(()) };
    // Servers have many ways to say that it exists already.
    if list_exactly(&mut lease, &full).await?.iter().any(is_selectable) {
        return Ok(());
    }
    let text = format!("cannot create mailbox {full} on {}: {refusal}", config.host);
    Err(StoreError::new(StoreErrorKind::Mailbox, text))
}

/// Tries to create one mailbox; the inner error is the server's refusal.
async fn attempt(
    pool: &Pool,
    lease: &mut Lease,
    name: &str,
) -> Result<Result<(), String>, StoreError> {
    let mut conversation = lease.converse()?;
    pool.config().steps.step(&format!("imap CREATE {name}"));
    let ticket = conversation.submit(Command::create(&WireName::from(name)));
    let outcomes = conversation.finish(|_| {}).await?;
    Ok(match outcomes.get(ticket) {
        Some(Outcome::No(text)) if text.code == Some(Code::AlreadyExists) => Ok(()),
        Some(outcome) => accepted(outcome),
        None => Err("no answer".to_owned()),
    })
}

/// Lists one name; the empty one gives the separator. Wildcards in the name may bring in others.
async fn list_exactly(lease: &mut Lease, name: &str) -> Result<Vec<ListEntry>, StoreError> {
    let name = WireName::from(name);
    let command = Command::list(&WireName::from(""), &name, ListSelection::All, &[]);
    let mut heard = ask(lease, command).await?;
    if !name.as_bytes().is_empty() {
        heard.entries.retain(|entry| entry.name == name);
    }
    Ok(heard.entries)
}

/// Puts a name under the reference, unless it is there already as the names of a listing are.
fn under_reference(reference: &str, separator: Option<char>, name: &str) -> String {
    let mut prefix = reference.to_owned();
    if let Some(separator) = separator
        && !reference.is_empty()
        && !reference.ends_with(separator)
    {
        prefix.push(separator);
    }
    if name == reference || name.starts_with(&prefix) {
        return name.to_owned();
    }
    prefix + name
}

/// Lists the names above a name, the topmost first.
fn parents(name: &str, separator: Option<char>) -> Vec<&str> {
    let Some(separator) = separator else { return Vec::new() };
    name.match_indices(separator)
        .filter_map(|(at, _)| name.get(..at))
        .filter(|parent| !parent.is_empty())
        .collect()
}

fn is_inbox(name: &str) -> bool {
    name.eq_ignore_ascii_case("INBOX")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_from_the_top() {
        assert_eq!(parents("a/b/c", Some('/')), ["a", "a/b"]);
        assert!(parents("a/b/c", None).is_empty());
        assert!(parents("a", Some('/')).is_empty());
    }

    #[test]
    fn the_reference_is_put_before_a_name_once() {
        assert_eq!(under_reference("INBOX", Some('.'), "Sent"), "INBOX.Sent");
        assert_eq!(under_reference("INBOX.", Some('.'), "Sent"), "INBOX.Sent");
        assert_eq!(under_reference("INBOX", Some('.'), "INBOX.Sent"), "INBOX.Sent");
        assert_eq!(under_reference("INBOX", Some('.'), "INBOXES"), "INBOX.INBOXES");
        assert_eq!(under_reference("", Some('.'), "Sent"), "Sent");
    }
}
