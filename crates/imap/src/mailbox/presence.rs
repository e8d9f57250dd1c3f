//! Which messages exist right now.

use std::collections::BTreeSet;

use offlineimap_core::{Key, StoreError};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages};
use offlineimap_imap_proto::flags::{Flags as WireFlags, SystemFlag};
use offlineimap_imap_proto::response::Untagged;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::mailbox::{ImapMailbox, batches};
use crate::pool::{Attempts, Lease};

/// Tells which of the keys exist.
pub(super) async fn present(
    mailbox: &ImapMailbox,
    keys: &[Key],
) -> Result<BTreeSet<Key>, StoreError> {
    let uids: BTreeSet<Uid> = keys.iter().filter_map(Key::as_number).collect();
    let sets = batches(uids.iter().copied(), usize::MAX);
    let mut attempts = Attempts::new(mailbox.pool.config());
    loop {
        let seen = async { look(mailbox, &mut mailbox.enter().await?, &sets).await };
        match seen.await {
            Ok(seen) => {
                return Ok(uids.intersection(&seen.present).copied().map(Key::number).collect());
            }
            Err(error) if attempts.again(&error).await => {}
            Err(error) => return Err(error),
        }
    }
}

/// What was seen of some messages.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Those that exist.
    pub(super) present: BTreeSet<Uid>,
    /// Those of them that are marked `\Deleted`.
    pub(super) deleted: BTreeSet<Uid>,
}

/// Looks at messages in a mailbox that is selected. FETCH is asked, not SEARCH, which is unusable
/// on some servers and lags behind on others; and behind a NOOP, which makes the server take note
/// of what others did.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server says many things; only these matter here"
)]
pub(super) async fn look(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    sets: &[UidSet],
) -> Result<Seen, StoreError> {
    let mut seen = Seen::default();
    if sets.is_empty() {
        return Ok(seen);
    }
    let mut conversation = lease.converse()?;
    conversation.submit(Command::noop());
    let tickets: Vec<_> = sets
        .iter()
        .map(|uids| {
            let messages = Messages::Uids(uids.clone());
            conversation.submit(Command::fetch(messages, &[FetchItem::Uid, FetchItem::Flags]))
        })
        .collect();
    let mut unreadable = 0;
    let outcomes = conversation
        .finish(|data| match data {
            Untagged::Fetch(fetch) => {
                let Some(uid) = fetch.uid else { return };
                seen.present.insert(uid);
                match fetch.flags {
                    Some(WireFlags::Known(flags)) if flags.contains(SystemFlag::Deleted) => {
                        seen.deleted.insert(uid);
                    }
                    Some(WireFlags::Known(_)) => {
                        seen.deleted.remove(&uid);
                    }
                    Some(WireFlags::Unparsable) | None => {}
                }
            }
            Untagged::Malformed(malformed) if malformed.name == "FETCH" => match malformed.uid {
                Some(uid) => drop(seen.present.insert(uid)),
                None => unreadable += 1,
            },
            _ => {}
        })
        .await?;
    for ticket in tickets {
        let refused = outcomes.accepted(ticket);
        refused.map_err(|text| mailbox.error(&format!("cannot be looked at: {text}")))?;
    }
    if unreadable > 0 {
        return Err(mailbox.error("gave an answer that cannot be read"));
    }
    Ok(seen)
}
