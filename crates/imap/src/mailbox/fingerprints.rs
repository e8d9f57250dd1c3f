//! What messages look like, without a transfer.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use offlineimap_core::{Fingerprint, Fingerprinter, Key, Scope, StoreError};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages};
use offlineimap_imap_proto::response::Untagged;
use offlineimap_imap_proto::uid_set::Uid;

use crate::connection::{Conversation, Happening, Ticket, accepted};
use crate::mailbox::{ImapMailbox, batches};
use crate::pool::Attempts;

/// Fingerprints messages.
pub(super) async fn fingerprints(
    mailbox: &ImapMailbox,
    scope: Scope<'_>,
) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
    let wanted = match scope {
        Scope::Keys(keys) => Wanted::These(keys.iter().filter_map(Key::as_number).collect()),
        Scope::Since(None) => Wanted::From(NonZeroU32::MIN),
        Scope::Since(Some(frontier)) => {
            let uid = frontier
                .as_str()
                .parse()
                .map_err(|_| mailbox.error(&format!("was never at the frontier {frontier}")))?;
            Wanted::From(uid)
        }
    };
    let mut attempts = Attempts::new(mailbox.pool.config());
    loop {
        match look(mailbox, &wanted).await {
            Ok(found) => return Ok(found),
            Err(error) if attempts.again(&error).await => {}
            Err(error) => return Err(error),
        }
    }
}

enum Wanted {
    These(BTreeSet<Uid>),
    From(Uid),
}

impl Wanted {
    fn commands(&self) -> Vec<Messages> {
        match self {
            Self::These(uids) => {
                batches(uids.iter().copied(), BATCH).into_iter().map(Messages::Uids).collect()
            }
            Self::From(first) => vec![Messages::UidsFrom(*first)],
        }
    }

    /// `n:*` brings the last message even if its UID is below n (RFC 9051 §6.4.8).
    fn contains(&self, uid: Uid) -> bool {
        match self {
            Self::These(uids) => uids.contains(&uid),
            Self::From(first) => uid >= *first,
        }
    }
}

/// What is known of one message so far; the answer may come in parts.
#[derive(Debug, Default)]
struct Partial {
    wire_octets: Option<u64>,
    message_id: Option<Box<str>>,
}

type Found = BTreeMap<Uid, Partial>;

async fn look(
    mailbox: &ImapMailbox,
    wanted: &Wanted,
) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
    let commands = wanted.commands();
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let mut lease = mailbox.enter().await?;
    let was_empty = lease.connection()?.selected.as_ref().is_some_and(|own| own.exists == 0);
    let mut conversation = lease.converse()?;
    // Makes the server take note of what came in over other connections, our own included.
    let noop = conversation.submit(Command::noop());
    for messages in commands {
        let message_id = FetchItem::HeaderFields(vec!["MESSAGE-ID".to_owned()]);
        let items = [FetchItem::Uid, FetchItem::Size, message_id];
        conversation.submit(Command::fetch(messages, &items));
    }
    let (found, refusal) = collect(mailbox, &mut conversation, wanted, noop).await?;
    match refusal {
        // Some servers refuse `1:*` in an empty mailbox.
        Some(_) if was_empty && found.is_empty() => {}
        Some(refusal) => return Err(mailbox.error(&format!("cannot be looked at: {refusal}"))),
        None => {}
    }
    found
        .into_iter()
        .map(|(uid, Partial { wire_octets, message_id })| {
            let wire_octets = wire_octets
                .ok_or_else(|| mailbox.error(&format!("does not tell the size of UID {uid}")))?;
            Ok((Key::number(uid), Fingerprint { wire_octets, message_id, digest: None }))
        })
        .collect()
}

/// Takes all answers; also returns the words of a refusal.
async fn collect(
    mailbox: &ImapMailbox,
    conversation: &mut Conversation<'_>,
    wanted: &Wanted,
    noop: Ticket,
) -> Result<(Found, Option<String>), StoreError> {
    let mut found = Found::new();
    let mut header = None;
    let mut refusal = None;
    while conversation.open() > 0 {
        match conversation.next().await? {
            Happening::BodyStart { .. } => header = Some(Fingerprinter::default()),
            Happening::BodyChunk(bytes) => {
                if let Some(header) = &mut header {
                    header.push(&bytes);
                }
            }
            Happening::Untagged(Untagged::Fetch(fetch)) => {
                let header = header.take();
                let Some(uid) = fetch.uid.filter(|uid| wanted.contains(*uid)) else { continue };
                if header.is_none() && fetch.size_bytes.is_none() {
                    // Not an answer to us: news of flags.
                    continue;
                }
                let partial = found.entry(uid).or_default();
                partial.wire_octets = partial.wire_octets.or(fetch.size_bytes);
                if let Some(header) = header {
                    partial.message_id = header.finish().message_id;
                }
            }
            Happening::Untagged(Untagged::Malformed(malformed)) if malformed.name == "FETCH" => {
                return Err(mailbox.error("gave an answer that cannot be read"));
            }
            Happening::Completed { ticket, .. } if ticket == noop => {}
            Happening::Completed { outcome, .. } => {
                refusal = refusal.or(accepted(&outcome).err());
            }
            Happening::Untagged(_) | Happening::BodyEnd => {}
        }
    }
    Ok((found, refusal))
}

/// How many messages are asked about at once.
const BATCH: usize = 500;
