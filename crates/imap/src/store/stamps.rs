//! Stamps of mailboxes: whether anything has changed, without opening them.

use std::num::NonZeroU32;
use std::sync::Arc;

use offlineimap_core::{MailboxName, StoreError, Token};
use offlineimap_imap_proto::command::{Command, ListReturn, ListSelection, StatusItem};
use offlineimap_imap_proto::mailbox::MailboxName as WireName;
use offlineimap_imap_proto::response::{MailboxStatus, Untagged};

use crate::config::ListedMailboxes;
use crate::pool::{Lease, Pool, Purpose};

/// Makes the stamp of a mailbox. New messages raise UIDNEXT, expunged ones lower the count, and
/// where the server counts changes (RFC 7162), changed flags raise HIGHESTMODSEQ.
///
/// `None` unless the server tells at least the first three.
pub(crate) fn stamp(
    uid_validity: Option<u32>,
    uid_next: Option<NonZeroU32>,
    messages: Option<u32>,
    highest_mod_seq: Option<u64>,
) -> Option<Token> {
    let (validity, next, messages) = (uid_validity?, uid_next?, messages?);
    let text = format!("uidvalidity {validity} uidnext {next} messages {messages}");
    Some(Token::new(match highest_mod_seq.filter(|mod_seq| *mod_seq > 0) {
        Some(mod_seq) => format!("{text} highestmodseq {mod_seq}"),
        None => text,
    }))
}

/// Asks for the stamps: all in one LIST where the server can (RFC 5819), else each by a STATUS, all
/// of them on their way at once.
pub(super) async fn stamps(
    pool: &Arc<Pool>,
    names: &[MailboxName],
) -> Result<Vec<Option<Token>>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut lease = pool.lease(Purpose::Anything).await?;
    let has = |name| lease.capabilities().is_some_and(|own| own.has(name));
    let mut items = vec![StatusItem::Messages, StatusItem::UidNext, StatusItem::UidValidity];
    if has("CONDSTORE") || has("QRESYNC") {
        items.push(StatusItem::HighestModSeq);
    }
    let in_a_list =
        names.len() > 1 && has("LIST-STATUS") && pool.config().listed == ListedMailboxes::All;
    let spelt = names.iter().map(|name| pool.spelling().wire(name.as_str()));
    let wire: Vec<WireName> = spelt.collect();
    let listed = if in_a_list { list(pool, &mut lease, &items).await? } else { None };
    let statuses = match listed {
        Some(statuses) => statuses,
        None => ask_each(&mut lease, &wire, &items).await?,
    };
    // A server may not tell the news about the mailbox that is selected (RFC 9051 §6.3.11).
    let selected = lease.connection()?.selected.as_ref().map(|selected| selected.mailbox.clone());
    let find = |name: &WireName| {
        if selected.as_ref().is_some_and(|selected| selected.same_mailbox(name)) {
            return None;
        }
        let status = statuses.iter().find(|status| status.mailbox.same_mailbox(name))?;
        stamp(status.uid_validity, status.uid_next, status.messages, status.highest_mod_seq)
    };
    Ok(wire.iter().map(find).collect())
}

/// `None` if the server refuses what it has announced.
async fn list(
    pool: &Pool,
    lease: &mut Lease,
    items: &[StatusItem],
) -> Result<Option<Vec<MailboxStatus>>, StoreError> {
    let reference = WireName::from(pool.config().reference.as_str());
    let returns = [ListReturn::Status(items.to_vec())];
    let everything = WireName::from("*");
    let command = Command::list(&reference, &everything, ListSelection::All, &returns);
    let mut conversation = lease.converse()?;
    let ticket = conversation.submit(command);
    let mut statuses = Vec::new();
    let outcomes = conversation.finish(|data| statuses.extend(status(data))).await?;
    Ok(outcomes.accepted(ticket).is_ok().then_some(statuses))
}

async fn ask_each(
    lease: &mut Lease,
    names: &[WireName],
    items: &[StatusItem],
) -> Result<Vec<MailboxStatus>, StoreError> {
    let mut conversation = lease.converse()?;
    for name in names {
        conversation.submit(Command::status(name, items));
    }
    let mut statuses = Vec::new();
    // What is refused has no stamp.
    conversation.finish(|data| statuses.extend(status(data))).await?;
    Ok(statuses)
}

fn status(data: Untagged) -> Option<MailboxStatus> {
    if let Untagged::MailboxStatus(status) = data { Some(status) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(next: Option<u32>, messages: Option<u32>, mod_seq: Option<u64>) -> Option<String> {
        let next = next.and_then(NonZeroU32::new);
        stamp(Some(7), next, messages, mod_seq).map(|token| token.as_str().to_owned())
    }

    #[test]
    fn every_kind_of_change_makes_another_stamp() {
        let before = text(Some(5), Some(4), Some(9));
        assert!(before.is_some());
        for after in [
            text(Some(6), Some(5), Some(9)),
            // One came and one went.
            text(Some(6), Some(4), Some(9)),
            text(Some(5), Some(3), Some(9)),
            text(Some(5), Some(4), Some(10)),
            text(Some(5), Some(4), None),
        ] {
            assert_ne!(before, after);
        }
    }

    #[test]
    fn a_server_that_does_not_tell_enough_has_no_stamps() {
        assert_eq!(text(None, Some(4), Some(9)), None);
        assert_eq!(text(Some(5), None, Some(9)), None);
        assert_eq!(stamp(None, NonZeroU32::new(5), Some(4), None), None);
    }

    #[test]
    fn a_mailbox_without_mod_sequences_has_none_in_its_stamp() {
        assert_eq!(text(Some(5), Some(4), Some(0)), text(Some(5), Some(4), None));
    }
}
