//! Telling moved messages from deleted ones, for the brake.

use offlineimap_core::{
    Deletions, Fingerprint, Key, Mailbox, MailboxName, MailboxTally, PerSide, Scope, Side, trips,
    unexplained,
};

use crate::account::Account;
use crate::event::Event;
use crate::survey::Surveyed;

/// Counts the deletions of each folder. Only if they would trip the brake are contents compared,
/// to leave out messages that show up in another folder in the same run.
///
/// `resting` messages of the account are in folders that were skipped. The tally of those comes
/// last, behind the ones of the folders.
pub(crate) async fn without_moved(
    account: &Account,
    surveyed: &[Surveyed],
    resting: usize,
) -> Vec<MailboxTally> {
    let mut tallies: Vec<MailboxTally> = surveyed.iter().map(tally).collect();
    tallies.push(MailboxTally {
        remote: MailboxName::new(""),
        local: MailboxName::new(""),
        messages: resting,
        deletes: PerSide::default(),
        deletions: Deletions::Counted,
    });
    if !trips(&tallies, account.delete_limit, &account.allowed) {
        return tallies;
    }
    for side in Side::BOTH {
        let mut appeared = Vec::new();
        for one in surveyed {
            // What is copied to this side appeared on the other, where the user worked.
            let keys = one.plan.copies.get(side).iter().map(|op| op.source.clone()).collect();
            appeared.extend(fingerprints(account, one, side.other(), keys).await);
        }
        if appeared.is_empty() {
            continue;
        }
        for (tally, one) in tallies.iter_mut().zip(surveyed) {
            let keys: Vec<Key> =
                one.plan.deletes.get(side).iter().map(|op| op.target.clone()).collect();
            let asked = keys.len();
            // The message itself is still on the side that would lose it.
            let gone = fingerprints(account, one, side, keys).await;
            let unknown = asked.saturating_sub(gone.len());
            *tally.deletes.get_mut(side) = unexplained(&gone, &appeared) + unknown;
        }
    }
    tallies
}

fn tally(one: &Surveyed) -> MailboxTally {
    MailboxTally {
        remote: one.folder.remote.clone(),
        local: one.folder.local.clone(),
        messages: one.messages,
        deletes: PerSide::from_fn(|side| one.plan.deletes.get(side).len()),
        deletions: if one.role.is_some() { Deletions::Exempt } else { Deletions::Counted },
    }
}

async fn fingerprints(
    account: &Account,
    one: &Surveyed,
    side: Side,
    keys: Vec<Key>,
) -> Vec<Fingerprint> {
    let mailbox: Option<&dyn Mailbox> = one.open.sides.get(side).as_deref();
    let (Some(mailbox), false) = (mailbox, keys.is_empty()) else { return Vec::new() };
    match mailbox.fingerprints(Scope::Keys(&keys)).await {
        Ok(found) => found.into_iter().map(|(_, fingerprint)| fingerprint).collect(),
        Err(error) => {
            // Unknown messages count as deleted: the brake errs on the safe side.
            let context = account.folder_context(&one.folder);
            account.tell(&Event::error(format!("looking for moved messages of {context}"), &error));
            Vec::new()
        }
    }
}
