//! Which messages exist right now.

use std::collections::BTreeSet;

use offlineimap_core::{Key, StoreError};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages};
use offlineimap_imap_proto::flags::{Flags as WireFlags, SystemFlag};
use offlineimap_imap_proto::response::Untagged;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::connection::{Conversation, Outcomes, Ticket};
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

/// Looks at messages in a mailbox that is selected.
pub(super) async fn look(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    sets: &[UidSet],
) -> Result<Seen, StoreError> {
    let mut conversation = lease.converse()?;
    let mut looking = Looking::begin(&mut conversation, sets);
    let outcomes = conversation.finish(|data| looking.take(data)).await?;
    looking.end(mailbox, &outcomes)
}

/// A look at some messages as part of a conversation, on the way together with other commands.
///
/// FETCH is asked, not SEARCH, which is unusable on some servers and lags behind on others; and
/// behind a NOOP, which makes the server take note of what others did.
pub(super) struct Looking {
    tickets: Vec<Ticket>,
    seen: Seen,
    readable: Readable,
}

#[derive(PartialEq, Eq)]
enum Readable {
    Yes,
    No,
}

impl Looking {
    pub(super) fn begin(conversation: &mut Conversation<'_>, sets: &[UidSet]) -> Self {
        let mut tickets = Vec::new();
        if !sets.is_empty() {
            conversation.submit(Command::noop());
        }
        for uids in sets {
            let messages = Messages::Uids(uids.clone());
            let items = [FetchItem::Uid, FetchItem::Flags];
            tickets.push(conversation.submit(Command::fetch(messages, &items)));
        }
        Self { tickets, seen: Seen::default(), readable: Readable::Yes }
    }

    /// Takes what the server says during the conversation.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a server says many things; only these matter here"
    )]
    pub(super) fn take(&mut self, data: Untagged) {
        match data {
            Untagged::Fetch(fetch) => {
                let Some(uid) = fetch.uid else { return };
                self.seen.present.insert(uid);
                match fetch.flags {
                    Some(WireFlags::Known(flags)) if flags.contains(SystemFlag::Deleted) => {
                        self.seen.deleted.insert(uid);
                    }
                    Some(WireFlags::Known(_)) => {
                        self.seen.deleted.remove(&uid);
                    }
                    Some(WireFlags::Unparsable) | None => {}
                }
            }
            Untagged::Malformed(malformed) if malformed.name == "FETCH" => match malformed.uid {
                Some(uid) => drop(self.seen.present.insert(uid)),
                None => self.readable = Readable::No,
            },
            _ => {}
        }
    }

    /// Returns what was seen, once the conversation is over.
    pub(super) fn end(
        self,
        mailbox: &ImapMailbox,
        outcomes: &Outcomes,
    ) -> Result<Seen, StoreError> {
        for ticket in self.tickets {
            let refused = outcomes.accepted(ticket);
            refused.map_err(|text| mailbox.error(&format!("cannot be looked at: {text}")))?;
        }
        match self.readable {
            Readable::Yes => Ok(self.seen),
            Readable::No => Err(mailbox.error("gave an answer that cannot be read")),
        }
    }
}
