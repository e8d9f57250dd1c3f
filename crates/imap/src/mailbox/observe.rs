//! Listing messages with their flags: all of them, or those inside of a window.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use offlineimap_core::{
    Access, Coverage, Epoch, Flags, Frontier, Item, Key, Observation, Reach, Start, StoreError,
    Window,
};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages, SearchKey};
use offlineimap_imap_proto::flags::Flags as WireFlags;
use offlineimap_imap_proto::response::{Untagged, VanishedAge};
use offlineimap_imap_proto::session::{Access as WireAccess, Outcome, Selected};
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::connection::{Happening, Ticket, accepted};
use crate::mailbox::ImapMailbox;
use crate::mailbox::search::{found, half_as_large, larger, search, search_command};
use crate::pool::{Attempts, Lease, Purpose};
use crate::store::stamp;
use crate::translate::{flag_support, flags};

/// Observes what is inside of a window, looking a second time if the first listing does not add up.
pub(super) async fn observe(
    mailbox: &ImapMailbox,
    window: &Window,
) -> Result<Observation, StoreError> {
    let mut attempts = Attempts::new(mailbox.pool.config());
    let mut doubt = None;
    loop {
        match look(mailbox, window, doubt.as_ref()).await {
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
    fn expunge(&mut self, count: u32) {
        self.exists = self.exists.saturating_sub(count);
        self.expunged = self.expunged.saturating_add(count);
    }

    /// The same numbers without the messages before the first one that was listed.
    fn from(&self, first_seq: u32) -> Self {
        let before_it = first_seq.saturating_sub(1);
        Self {
            before: self.before.saturating_sub(before_it),
            exists: self.exists.saturating_sub(before_it),
            expunged: self.expunged,
        }
    }

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

async fn look(
    mailbox: &ImapMailbox,
    window: &Window,
    before: Option<&Doubt>,
) -> Result<Look, StoreError> {
    let mut lease = mailbox.pool.lease(Purpose::Mailbox(&mailbox.wire)).await?;
    let is_fresh = mailbox.fresh.swap(false, Ordering::AcqRel);
    let view = mailbox.view(&mut lease)?.filter(|selected| is_fresh && selected.exists > 0);
    let (selected, renewal) = match view {
        Some(selected) => (selected, Renewal::Noop),
        None => (mailbox.select(&mut lease).await?, Renewal::Select),
    };
    let token = stamp(
        selected.uid_validity,
        selected.uid_next,
        Some(selected.exists),
        selected.highest_mod_seq,
    );
    let reach = reach(mailbox, &mut lease, &window.start).await?;
    let mut listing = Listing::of(mailbox, &selected, &reach);
    if selected.exists > 0 && reach != Reach::Nothing {
        listing.hear(&mut lease, renewal, window.largest).await?;
    }
    let Listing { mut listed, tally, doubt, first, first_seq, heard, large, .. } = listing;
    // Of several lines about one message the last is the news; the sort keeps their order.
    listed.reverse();
    listed.sort_by_key(|(uid, _)| *uid);
    listed.dedup_by_key(|(uid, _)| *uid);
    let miscount = || match (&reach, first_seq) {
        (Reach::All, _) => tally.doubt(listed.len(), before),
        (Reach::Nothing, _) | (Reach::From(_), None) => None,
        // They have moved meanwhile, and prove nothing.
        (Reach::From(_), Some(_)) if tally.expunged > 0 => {
            before.is_none().then_some(Doubt::InMotion)
        }
        // Numbers have no gaps: from the first one that was listed to the last, all must be there.
        (Reach::From(_), Some(seq)) => tally.from(seq).doubt(listed.len(), before),
    };
    if let Some(doubt) = doubt.or_else(miscount) {
        return Ok(Look::Doubtful(doubt));
    }
    if matches!(reach, Reach::From(_)) && tally.exists > 0 && heard == 0 {
        // `n:*` brings the last message in any case (RFC 9051 §6.4.8), though not from Courier.
        let inside = [SearchKey::Messages(Messages::UidsFrom(first))];
        let there = search(mailbox, &mut lease, &inside).await?;
        if there.last().is_some_and(|uid| uid >= first) {
            let doubt = Doubt::Count { listed: 0, exists: tally.exists };
            return Ok(Look::Doubtful(doubt));
        }
    }
    let found_by_day = matches!(window.start, Start::Day(_)) && reach != Reach::Nothing;
    let begins = listed.first().is_some_and(|(uid, _)| *uid == first);
    if found_by_day && tally.expunged == 0 && !begins {
        // The search has found the message with which the window begins, and the listing has not.
        let doubt = Doubt::Count { listed: listed.len(), exists: tally.exists };
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
    observation.token = token;
    if !window.is_everything() {
        let large = match window.largest {
            Some(limit) => larger(mailbox, &mut lease, &large, limit).await?,
            None => BTreeSet::new(),
        };
        let outside: BTreeSet<Key> = large.into_iter().map(Key::number).collect();
        observation = observation.covering(Coverage::Restricted { reach, outside });
    }
    Ok(Look::Clear(Box::new(observation)))
}

/// Finds out which UIDs a window reaches.
async fn reach(
    mailbox: &ImapMailbox,
    lease: &mut Lease,
    start: &Start,
) -> Result<Reach, StoreError> {
    match start {
        Start::Beginning => Ok(Reach::All),
        Start::At(key) => Ok(Reach::From(key.clone())),
        Start::Day(day) => {
            let since = [SearchKey::Since(crate::translate::day(*day))];
            let first = search(mailbox, lease, &since).await?.first();
            Ok(first.map_or(Reach::Nothing, |uid| Reach::From(Key::number(uid))))
        }
    }
}

/// How the view of the mailbox was, or is to be, brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// By the SELECT just before.
    Select,
    /// By a NOOP, on the way with the FETCH.
    Noop,
}

/// What is heard while the mailbox is listed.
struct Listing<'a> {
    mailbox: &'a ImapMailbox,
    listed: Vec<(Uid, Flags)>,
    tally: Tally,
    doubt: Option<Doubt>,
    /// The lowest UID that is asked for.
    first: Uid,
    /// The lowest message number with such a UID that was heard.
    first_seq: Option<u32>,
    /// How many messages were heard of, those before the first one included.
    heard: usize,
    /// Messages that may be too large.
    large: UidSet,
}

impl<'a> Listing<'a> {
    fn of(mailbox: &'a ImapMailbox, selected: &Selected, reach: &Reach) -> Self {
        let exists = selected.exists;
        let first = match reach {
            Reach::From(key) => key.as_number().unwrap_or(NonZeroU32::MIN),
            Reach::All | Reach::Nothing => NonZeroU32::MIN,
        };
        // What a server says may be large and wrong.
        let expected = usize::try_from(exists).unwrap_or(usize::MAX).min(1 << 20);
        Self {
            mailbox,
            listed: match reach {
                Reach::All => Vec::with_capacity(expected),
                Reach::From(_) | Reach::Nothing => Vec::new(),
            },
            tally: Tally { before: exists, exists, expunged: 0 },
            doubt: None,
            first,
            first_seq: None,
            heard: 0,
            large: UidSet::new(),
        }
    }

    async fn hear(
        &mut self,
        lease: &mut Lease,
        renewal: Renewal,
        largest: Option<u64>,
    ) -> Result<(), StoreError> {
        let searching =
            largest.map(|limit| search_command(lease, &half_as_large(self.first, limit)));
        let mut conversation = lease.converse()?;
        let noop = (renewal == Renewal::Noop).then(|| conversation.submit(Command::noop()));
        let wanted = Messages::UidsFrom(self.first);
        conversation.submit(Command::fetch(wanted, &[FetchItem::Flags]));
        let searching: Option<Ticket> = searching.map(|command| conversation.submit(command));
        let mut answer = None;
        let mut refused_search = None;
        while conversation.open() > 0 {
            match conversation.next().await? {
                Happening::Untagged(data) => self.take(data),
                Happening::Completed { ticket, .. } if Some(ticket) == noop => {
                    // What was told so far happened before the listing.
                    self.tally.before = self.tally.exists;
                    self.tally.expunged = 0;
                }
                Happening::Completed { ticket, outcome, .. } if Some(ticket) == searching => {
                    refused_search = accepted(&outcome).err();
                }
                Happening::Completed { outcome, .. } => answer = Some(outcome),
                Happening::BodyStart { .. } | Happening::BodyChunk(_) | Happening::BodyEnd => {}
            }
        }
        if let Some(text) = refused_search {
            return Err(self.mailbox.error(&format!("cannot be searched: {text}")));
        }
        match answer {
            // In a mailbox that has just become empty there is nothing that `1:*` could mean.
            Some(Outcome::No(_) | Outcome::Bad(_)) if self.tally.exists == 0 => Ok(()),
            Some(outcome) => accepted(&outcome)
                .map_err(|text| self.mailbox.error(&format!("cannot be listed: {text}"))),
            None => Err(conversation.lost()),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a server says many things; only these matter here"
    )]
    fn take(&mut self, data: Untagged) {
        match data {
            Untagged::Fetch(fetch) => match (fetch.uid, fetch.flags) {
                (Some(uid), _) if uid < self.first => self.heard += 1,
                (Some(uid), Some(WireFlags::Known(list))) => {
                    self.heard += 1;
                    self.listed.push((uid, flags(&list)));
                    let seq = self.first_seq.map_or(fetch.seq, |seq| seq.min(fetch.seq));
                    self.first_seq = Some(seq);
                }
                (Some(uid), Some(WireFlags::Unparsable)) => {
                    self.doubt.get_or_insert(Doubt::UnreadableFlags(uid));
                }
                (None, Some(_)) => tracing::warn!(
                    "{}: the server told flags without a UID (message number {}); ignored",
                    self.mailbox.name,
                    fetch.seq
                ),
                (_, None) => {}
            },
            Untagged::Malformed(malformed) if matches!(&*malformed.name, "SEARCH" | "ESEARCH") => {
                self.doubt.get_or_insert(Doubt::UnreadableLine);
            }
            Untagged::Malformed(malformed) if malformed.name == "FETCH" => {
                self.doubt.get_or_insert(match malformed.uid {
                    Some(uid) => Doubt::UnreadableFlags(uid),
                    None => Doubt::UnreadableLine,
                });
            }
            data @ (Untagged::Search(_) | Untagged::Esearch(_)) => {
                self.large.union_with(&found(data));
            }
            Untagged::Exists(exists) => self.tally.exists = exists,
            Untagged::Expunge(_) => self.tally.expunge(1),
            Untagged::Vanished(vanished) if vanished.age == VanishedAge::Now => {
                self.tally.expunge(u32::try_from(vanished.uids.len()).unwrap_or(u32::MAX));
            }
            _ => {}
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
