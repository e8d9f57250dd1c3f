//! Finding messages by what the server knows of them.

use std::collections::BTreeSet;

use offlineimap_core::StoreError;
use offlineimap_imap_proto::command::{Command, FetchItem, Messages, SearchKey, SearchReturn};
use offlineimap_imap_proto::response::Untagged;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::mailbox::{ImapMailbox, batches};
use crate::pool::Lease;

/// Searches the mailbox that is selected.
pub(super) async fn search(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    keys: &[SearchKey],
) -> Result<UidSet, StoreError> {
    let command = search_command(lease, keys);
    let mut conversation = lease.converse()?;
    let ticket = conversation.submit(command);
    let mut uids = UidSet::new();
    let mut unreadable = 0_usize;
    let outcomes = conversation
        .finish(|data| {
            if is_unreadable(&data) {
                unreadable += 1;
            }
            uids.union_with(&found(data));
        })
        .await?;
    outcomes
        .accepted(ticket)
        .map_err(|text| mailbox.error(&format!("cannot be searched: {text}")))?;
    if unreadable > 0 {
        return Err(mailbox.error("gave a search result that cannot be read"));
    }
    Ok(uids)
}

/// Returns the messages that have more octets than the limit, among those that `half_as_large`
/// finds. Some servers search by the size in their files and tell another one (Courier), so only
/// RFC822.SIZE counts.
pub(super) async fn larger(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    candidates: &UidSet,
    limit_octets: u64,
) -> Result<BTreeSet<Uid>, StoreError> {
    let mut large: BTreeSet<Uid> = candidates.iter().collect();
    if large.is_empty() {
        return Ok(large);
    }
    let mut conversation = lease.converse()?;
    let mut tickets = Vec::new();
    for uids in batches(large.iter().copied(), BATCH) {
        let items = [FetchItem::Uid, FetchItem::Size];
        tickets.push(conversation.submit(Command::fetch(Messages::Uids(uids), &items)));
    }
    let outcomes = conversation
        .finish(|data| {
            if let Untagged::Fetch(fetch) = data
                && let (Some(uid), Some(octets)) = (fetch.uid, fetch.size_bytes)
                && octets <= limit_octets
            {
                large.remove(&uid);
            }
        })
        .await?;
    for ticket in tickets {
        outcomes
            .accepted(ticket)
            .map_err(|text| mailbox.error(&format!("does not tell sizes: {text}")))?;
    }
    Ok(large)
}

/// The conditions of all messages that may have more octets than the limit: on the wire a message is
/// at most twice as long as in a file.
pub(super) fn half_as_large(first: Uid, limit_octets: u64) -> [SearchKey; 2] {
    [SearchKey::Messages(Messages::UidsFrom(first)), SearchKey::Larger(limit_octets / 2)]
}

/// How many messages are asked about at once.
const BATCH: usize = 500;

/// The command for a search, with a short answer where the server can give one.
pub(super) fn search_command(lease: &Lease, keys: &[SearchKey]) -> Command {
    let has_ranges = lease.capabilities().is_some_and(|own| own.has("ESEARCH"));
    let returns = if has_ranges { SearchReturn::Ranges } else { SearchReturn::Numbers };
    Command::search(keys, returns)
}

/// Tells whether data is an answer to a search that cannot be read.
pub(super) fn is_unreadable(data: &Untagged) -> bool {
    let Untagged::Malformed(malformed) = data else { return false };
    matches!(&*malformed.name, "SEARCH" | "ESEARCH")
}

/// The messages that a part of an answer names; none if it is no answer to a search.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server says many things; only these matter here"
)]
pub(super) fn found(data: Untagged) -> UidSet {
    match data {
        Untagged::Search(result) => result.uids,
        Untagged::Esearch(result) => result.all,
        _ => UidSet::new(),
    }
}
