//! Changing flags.

use std::collections::{BTreeMap, BTreeSet};

use offlineimap_core::{Applied, FlagChange, Flags, Key, StoreError};
use offlineimap_imap_proto::command::{Command, StoreAction};
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::mailbox::presence::{Looking, Seen};
use crate::mailbox::{ImapMailbox, batches, same};
use crate::pool::Lease;
use crate::translate::{flag_list, uid};

/// Changes flags; equal changes go together.
pub(super) async fn change_flags(
    mailbox: &ImapMailbox,
    changes: Vec<(Key, FlagChange)>,
) -> Vec<Result<Applied, StoreError>> {
    let mut parts = BTreeMap::new();
    for (key, change) in &changes {
        let Ok(uid) = uid(key, &mailbox.name) else { continue };
        for (action, flags) in [(Action::Add, &change.add), (Action::Remove, &change.remove)] {
            if !flags.is_empty() {
                let part = Part { action, flags: flags.clone() };
                parts.entry(part).or_insert_with(BTreeSet::new).insert(uid);
            }
        }
    }
    let all = changes.iter().filter_map(|(key, _)| key.as_number()).collect();
    let done = apply(mailbox, parts, &all).await;
    changes
        .iter()
        .map(|(key, _)| {
            let uid = uid(key, &mailbox.name)?;
            let done = done.as_ref().map_err(same)?;
            match done.refused.get(&uid) {
                _ if !done.present.contains(&uid) => Ok(Applied::Stale),
                Some(refusal) => Err(mailbox.message_error(uid, refusal)),
                None => Ok(Applied::Done(())),
            }
        })
        .collect()
}

/// The flags that are added to, or removed from, one group of messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    action: Action,
    flags: Flags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Add,
    Remove,
}

struct Done {
    present: BTreeSet<Uid>,
    refused: BTreeMap<Uid, String>,
}

async fn apply(
    mailbox: &ImapMailbox,
    parts: BTreeMap<Part, BTreeSet<Uid>>,
    all: &BTreeSet<Uid>,
) -> Result<Done, StoreError> {
    let mut lease = mailbox.enter().await?;
    mailbox.check_writable(&mut lease)?;
    let mut refused = BTreeMap::new();
    let wanted = parts.into_iter().flat_map(|(part, uids)| {
        batches(uids, usize::MAX).into_iter().map(move |set| (part.clone(), set))
    });
    // A server answers OK for messages that are gone: the look behind the changes tells.
    let looked_at = batches(all.iter().copied(), usize::MAX);
    let (failed, seen) = store(mailbox, &mut lease, wanted.collect(), &looked_at).await?;
    // One message can spoil a batch: find out which.
    let mut again = Vec::new();
    for (part, uids, refusal) in failed {
        if uids.len() == 1 {
            refused.extend(uids.iter().map(|uid| (uid, refusal.clone())));
        } else {
            again.extend(batches(uids.iter(), 1).into_iter().map(|set| (part.clone(), set)));
        }
    }
    if !again.is_empty() {
        let (failed, _) = store(mailbox, &mut lease, again, &[]).await?;
        for (_, uids, refusal) in failed {
            refused.extend(uids.iter().map(|uid| (uid, refusal.clone())));
        }
    }
    Ok(Done { present: seen.present, refused })
}

/// Sends STOREs, and behind them a look at some messages; returns the refused ones with the
/// server's words, and what was seen.
async fn store(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    wanted: Vec<(Part, UidSet)>,
    looked_at: &[UidSet],
) -> Result<(Vec<(Part, UidSet, String)>, Seen), StoreError> {
    let mut conversation = lease.converse()?;
    let mut sent = Vec::new();
    for (part, uids) in wanted {
        let flags = flag_list(&part.flags);
        let (action, sign) = match part.action {
            Action::Add => (StoreAction::Add, '+'),
            Action::Remove => (StoreAction::Remove, '-'),
        };
        // Flags that no client can set are never sent as an empty list.
        let Some(command) = Command::store(uids.clone(), action, &flags) else { continue };
        mailbox.step(&format!("STORE {uids} {sign}({flags})"));
        sent.push((conversation.submit(command), part, uids));
    }
    let mut looking = Looking::begin(&mut conversation, looked_at);
    let outcomes = conversation.finish(|data| looking.take(data)).await?;
    let refused = sent.into_iter().filter_map(|(ticket, part, uids)| {
        let refusal = outcomes.accepted(ticket).err()?;
        Some((part, uids, format!("does not take the flags: {refusal}")))
    });
    let refused = refused.collect();
    Ok((refused, looking.end(mailbox, &outcomes)?))
}
