//! Removing messages, and no others.

use std::collections::BTreeSet;

use offlineimap_core::{Key, Removal, Removed, StoreError};
use offlineimap_imap_proto::command::{Command, SearchKey, SearchReturn, StoreAction};
use offlineimap_imap_proto::flags::{FlagList, SystemFlag};
use offlineimap_imap_proto::response::Untagged;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::connection::Ticket;
use crate::mailbox::presence::look;
use crate::mailbox::{ImapMailbox, batches, same};
use crate::pool::Lease;
use crate::translate::uid;

/// Removes messages, and says of each what became of it.
pub(super) async fn remove(
    mailbox: &ImapMailbox,
    keys: &[Key],
    removal: Removal,
) -> Vec<Result<Removed, StoreError>> {
    let uids: BTreeSet<Uid> = keys.iter().filter_map(Key::as_number).collect();
    let done = apply(mailbox, &uids, removal).await;
    keys.iter()
        .map(|key| {
            let uid = uid(key, &mailbox.name)?;
            let done = done.as_ref().map_err(same)?;
            match &done.failure {
                _ if !done.present.contains(&uid) => Ok(Removed::Expunged),
                Some(failure) => Err(mailbox.message_error(uid, failure)),
                None if done.expunging == Expunging::Sent => {
                    let what = "is still there although the server said it was expunged";
                    Err(mailbox.message_error(uid, what))
                }
                None if done.marked.contains(&uid) => Ok(Removed::MarkedOnly),
                None => Err(mailbox.message_error(uid, "is not marked as the server said")),
            }
        })
        .collect()
}

/// How the messages look afterwards.
struct Done {
    present: BTreeSet<Uid>,
    marked: BTreeSet<Uid>,
    /// What was refused; messages that are gone all the same are gone.
    failure: Option<String>,
    expunging: Expunging,
}

/// Whether a command to expunge the messages was sent, and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expunging {
    Sent,
    /// It was not wanted, or would have touched other messages.
    Spared,
}

async fn apply(
    mailbox: &ImapMailbox,
    uids: &BTreeSet<Uid>,
    removal: Removal,
) -> Result<Done, StoreError> {
    let mut lease = mailbox.enter().await?;
    mailbox.check_writable(&mut lease)?;
    let sets = batches(uids.iter().copied(), usize::MAX);
    let has_uid_expunge =
        lease.capabilities().is_some_and(|own| own.has("UIDPLUS") || own.has("IMAP4REV2"));
    match removal {
        Removal::MarkDeleted => send(mailbox, &mut lease, &sets, Then::Nothing).await,
        // All on the way at once: a UID EXPUNGE touches only these, and of these only marked ones.
        Removal::Expunge if has_uid_expunge => {
            send(mailbox, &mut lease, &sets, Then::UidExpunge).await
        }
        Removal::Expunge => expunge_all_or_none(mailbox, &mut lease, uids, &sets).await,
    }
}

/// What follows the marking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    UidExpunge,
}

/// Marks messages, perhaps expunges them, all on the way at once, and looks at what is left.
async fn send(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    sets: &[UidSet],
    then: Then,
) -> Result<Done, StoreError> {
    let deleted: FlagList = [SystemFlag::Deleted].into_iter().collect();
    let mut conversation = lease.converse()?;
    let mut marks = Vec::new();
    for uids in sets {
        let Some(command) = Command::store(uids.clone(), StoreAction::Add, &deleted) else {
            continue;
        };
        mailbox.step(&format!("STORE {uids} +({deleted})"));
        marks.push(conversation.submit(command));
    }
    let mut expunges = Vec::new();
    if then == Then::UidExpunge {
        for uids in sets {
            mailbox.step(&format!("UID EXPUNGE {uids}"));
            expunges.push(conversation.submit(Command::uid_expunge(uids)));
        }
    }
    let outcomes = conversation.finish(|_| {}).await?;
    drop(conversation);
    let refusal = |tickets: Vec<Ticket>| {
        tickets.into_iter().find_map(|ticket| outcomes.accepted(ticket).err())
    };
    let failure = refusal(marks)
        .map(|text| format!("cannot be marked as deleted: {text}"))
        .or_else(|| refusal(expunges).map(|text| format!("cannot be expunged: {text}")));
    // Not on the way together with the rest: what a server says of a message while it is being
    // marked must not pass for a sign that it is still there.
    let seen = look(mailbox, lease, sets).await?;
    let expunging = match then {
        Then::UidExpunge => Expunging::Sent,
        Then::Nothing => Expunging::Spared,
    };
    Ok(Done { present: seen.present, marked: seen.deleted, failure, expunging })
}

/// On a server that can only expunge all marked messages: does so if they are all ours.
async fn expunge_all_or_none(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    uids: &BTreeSet<Uid>,
    sets: &[UidSet],
) -> Result<Done, StoreError> {
    let mut done = send(mailbox, lease, sets, Then::Nothing).await?;
    if done.failure.is_some() {
        return Ok(done);
    }
    match others_marked(lease, uids).await? {
        Ok(0) => {}
        Ok(others) => {
            tracing::warn!(
                "{}: the server cannot expunge single messages and {others} others are marked \
                 \\Deleted: the messages stay marked",
                mailbox.name
            );
            return Ok(done);
        }
        Err(refusal) => {
            done.failure = Some(format!("cannot be expunged without harm: {refusal}"));
            return Ok(done);
        }
    }
    let mut conversation = lease.converse()?;
    mailbox.step("EXPUNGE");
    let ticket = conversation.submit(Command::expunge());
    let outcomes = conversation.finish(|_| {}).await?;
    drop(conversation);
    let failure = outcomes.accepted(ticket).err().map(|text| format!("cannot be expunged: {text}"));
    let seen = look(mailbox, lease, sets).await?;
    let expunging = Expunging::Sent;
    Ok(Done { present: seen.present, marked: seen.deleted, failure, expunging })
}

/// Counts the messages marked `\Deleted` that are not ours; the inner error is a refusal.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server says many things; only these matter here"
)]
async fn others_marked(
    lease: &mut Lease,
    uids: &BTreeSet<Uid>,
) -> Result<Result<usize, String>, StoreError> {
    let mut conversation = lease.converse()?;
    let ticket = conversation.submit(Command::search(&[SearchKey::Deleted], SearchReturn::Numbers));
    let mut others = BTreeSet::new();
    let mut unreadable = false;
    let mut answered = false;
    let outcomes = conversation
        .finish(|data| match data {
            Untagged::Search(found) => {
                answered = true;
                others.extend(found.uids.iter().filter(|uid| !uids.contains(uid)));
            }
            Untagged::Malformed(malformed) if malformed.name == "SEARCH" => unreadable = true,
            _ => {}
        })
        .await?;
    if let Err(refusal) = outcomes.accepted(ticket) {
        return Ok(Err(refusal));
    }
    // We have just marked messages: an answer without any was not an answer.
    if unreadable || !answered {
        return Ok(Err("the search for marked messages gave no answer".to_owned()));
    }
    Ok(Ok(others.len()))
}
