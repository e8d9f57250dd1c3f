//! Listing all messages with their flags.

use std::num::NonZeroU32;

use offlineimap_core::{Access, Epoch, Flags, Frontier, Item, Key, Observation, StoreError};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages};
use offlineimap_imap_proto::flags::Flags as WireFlags;
use offlineimap_imap_proto::response::{Untagged, VanishedAge};
use offlineimap_imap_proto::session::{Access as WireAccess, Outcome, Selected};
use offlineimap_imap_proto::uid_set::Uid;

use crate::mailbox::ImapMailbox;
use crate::pool::{Attempts, Lease, Purpose};
use crate::translate::{flag_support, flags};

/// Observes the mailbox, looking a second time if the first listing does not add up.
pub(super) async fn observe(mailbox: &ImapMailbox) -> Result<Observation, StoreError> {
    let mut attempts = Attempts::new(mailbox.pool.config());
    let mut doubt = None;
    loop {
        match look(mailbox, doubt.as_ref()).await {
            Ok(Look::Clear(observation)) => return Ok(*observation),
            Ok(Look::Doubtful(first)) if doubt.is_none() => {
                tracing::warn!("{}: {}; looking again", mailbox.name, first.in_words());
                doubt = Some(first);
            }
            Ok(Look::Doubtful(second)) => return Err(mailbox.error(&second.in_words())),
            Err(error) if attempts.again(&error).await => {}
            Err(error) => return Err(error),
        }
    }
}

/// What a listing came to.
enum Look {
    Clear(Box<Observation>),
    Doubtful(Doubt),
}

/// Why a listing cannot be believed.
#[derive(Debug)]
enum Doubt {
    /// The flags of this message could not be read: that does not mean that it has none.
    UnreadableFlags(Uid),
    /// A line could not be read, and it does not say whose.
    UnreadableLine,
    /// The count does not agree with what was listed.
    Count { listed: usize, exists: u32 },
    /// The mailbox changed so much meanwhile that the count proves nothing.
    InMotion,
}

impl Doubt {
    fn in_words(&self) -> String {
        match self {
            Self::UnreadableFlags(uid) => {
                format!("lists the message with UID {uid} with flags that cannot be read")
            }
            Self::UnreadableLine => "has a listing with a line that cannot be read".to_owned(),
            Self::Count { listed, exists } => {
                format!("lists {listed} messages but says that it has {exists}")
            }
            Self::InMotion => "changed while it was listed".to_owned(),
        }
    }
}

/// The numbers of messages while a listing goes on.
#[derive(Debug)]
struct Tally {
    /// When it began.
    before: u32,
    /// Now.
    exists: u32,
    /// Expunged meanwhile.
    expunged: u32,
}

impl Tally {
    /// Says what is wrong with a listing of so many messages.
    fn doubt(&self, listed: usize, before: Option<&Doubt>) -> Option<Doubt> {
        let at_most = u64::from(self.exists) + u64::from(self.expunged);
        let at_least = self.before.saturating_sub(self.expunged);
        let count = listed as u64;
        if count > at_most || count < u64::from(at_least) {
            return Some(Doubt::Count { listed, exists: self.exists });
        }
        // An expunged message that was listed could hide one that was not. A second listing with
        // changes is believed within its bounds: a busy mailbox never stands still.
        (self.expunged > 0 && before.is_none()).then_some(Doubt::InMotion)
    }
}

async fn look(mailbox: &ImapMailbox, before: Option<&Doubt>) -> Result<Look, StoreError> {
    let mut lease = mailbox.pool.lease(Purpose::Mailbox(&mailbox.wire)).await?;
    let selected = mailbox.select(&mut lease).await?;
    let mut listed: Vec<(Uid, Flags)> = Vec::with_capacity(selected.exists as usize);
    let mut tally = Tally { before: selected.exists, exists: selected.exists, expunged: 0 };
    let mut doubt = None;
    if selected.exists > 0 {
        doubt = list(mailbox, &mut lease, &mut listed, &mut tally).await?;
    }
    // Of several lines about one message the last is the news; the sort keeps their order.
    listed.reverse();
    listed.sort_by_key(|(uid, _)| *uid);
    listed.dedup_by_key(|(uid, _)| *uid);
    if let Some(doubt) = doubt.or_else(|| tally.doubt(listed.len(), before)) {
        return Ok(Look::Doubtful(doubt));
    }
    let epoch = mailbox.check_epoch(&selected)?;
    let frontier = frontier(&selected, listed.last().map(|(uid, _)| *uid));
    let items = listed.into_iter().map(|(uid, flags)| Item::new(Key::number(uid), flags)).collect();
    let mut observation = Observation::complete(Epoch::new(epoch.to_string()), items);
    observation.support = flag_support(&selected);
    observation.access = match selected.access {
        WireAccess::ReadOnly => Access::ReadOnly,
        WireAccess::ReadWrite => Access::ReadWrite,
    };
    observation.frontier = Some(frontier);
    Ok(Look::Clear(Box::new(observation)))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server says many things; only these matter here"
)]
async fn list(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    listed: &mut Vec<(Uid, Flags)>,
    tally: &mut Tally,
) -> Result<Option<Doubt>, StoreError> {
    let mut doubt = None;
    let mut conversation = lease.converse()?;
    let all = Messages::UidsFrom(NonZeroU32::MIN);
    let ticket = conversation.submit(Command::fetch(all, &[FetchItem::Flags]));
    let outcomes = conversation
        .finish(|data| match data {
            Untagged::Fetch(fetch) => match (fetch.uid, fetch.flags) {
                (Some(uid), Some(WireFlags::Known(list))) => listed.push((uid, flags(&list))),
                (Some(uid), Some(WireFlags::Unparsable)) => {
                    doubt.get_or_insert(Doubt::UnreadableFlags(uid));
                }
                (None, Some(_)) => tracing::warn!(
                    "{}: the server told flags without a UID (message number {}); ignored",
                    mailbox.name,
                    fetch.seq
                ),
                (_, None) => {}
            },
            Untagged::Malformed(malformed) if malformed.name == "FETCH" => {
                doubt.get_or_insert(match malformed.uid {
                    Some(uid) => Doubt::UnreadableFlags(uid),
                    None => Doubt::UnreadableLine,
                });
            }
            Untagged::Exists(exists) => tally.exists = exists,
            Untagged::Expunge(_) => {
                tally.exists = tally.exists.saturating_sub(1);
                tally.expunged += 1;
            }
            Untagged::Vanished(vanished) if vanished.age == VanishedAge::Now => {
                let gone = u32::try_from(vanished.uids.len()).unwrap_or(u32::MAX);
                tally.exists = tally.exists.saturating_sub(gone);
                tally.expunged = tally.expunged.saturating_add(gone);
            }
            _ => {}
        })
        .await?;
    match outcomes.get(ticket) {
        // In a mailbox that has just become empty there is nothing that `1:*` could mean.
        Some(Outcome::No(_) | Outcome::Bad(_)) if tally.exists == 0 => Ok(doubt),
        _ => {
            let refused = outcomes.accepted(ticket);
            refused.map_err(|text| mailbox.error(&format!("cannot be listed: {text}")))?;
            Ok(doubt)
        }
    }
}

/// Returns UIDNEXT, or what it must at least be.
fn frontier(selected: &Selected, highest: Option<Uid>) -> Frontier {
    let above = highest.map_or(1, |uid| uid.get().saturating_add(1));
    // Messages that arrived during the listing are in it and beyond the UIDNEXT of the SELECT.
    let next = selected.uid_next.map_or(above, |next| next.get().max(above));
    Frontier::new(next.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(before: u32, exists: u32, expunged: u32) -> Tally {
        Tally { before, exists, expunged }
    }

    #[test]
    fn a_quiet_mailbox_must_list_exactly_what_it_has() {
        assert!(tally(3, 3, 0).doubt(3, None).is_none());
        for listed in [2, 4] {
            assert!(matches!(tally(3, 3, 0).doubt(listed, None), Some(Doubt::Count { .. })));
        }
    }

    #[test]
    fn arrivals_may_be_listed_or_not() {
        assert!(tally(3, 5, 0).doubt(3, None).is_none());
        assert!(tally(3, 5, 0).doubt(5, None).is_none());
        assert!(tally(3, 5, 0).doubt(2, None).is_some());
    }

    #[test]
    fn expunged_messages_make_the_first_listing_doubtful_but_not_the_second() {
        assert!(matches!(tally(3, 2, 1).doubt(3, None), Some(Doubt::InMotion)));
        let before = Doubt::InMotion;
        assert!(tally(3, 2, 1).doubt(2, Some(&before)).is_none());
        assert!(tally(3, 2, 1).doubt(3, Some(&before)).is_none());
        assert!(tally(3, 2, 1).doubt(1, Some(&before)).is_some());
    }
}
