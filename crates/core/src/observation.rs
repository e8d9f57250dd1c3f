//! What one store showed of one mailbox.

use std::collections::BTreeSet;

use crate::flags::{FlagSupport, Flags};
use crate::key::{Epoch, Frontier, Key, Token};

/// One message as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its key in this mailbox.
    pub key: Key,
    /// Its flags.
    pub flags: Flags,
    /// The key that its counterpart on the other side had when the two were last known to be the
    /// same message (`,U=` in a Maildir name). A hint from which lost state is rebuilt, never an
    /// authority.
    pub hint: Option<Key>,
}

impl Item {
    /// A message without a hint.
    pub fn new(key: Key, flags: Flags) -> Self {
        Self { key, flags, hint: None }
    }

    /// The same message with a hint.
    #[must_use]
    pub fn hinting(mut self, counterpart: Key) -> Self {
        self.hint = Some(counterpart);
        self
    }
}

/// Of which keys an [`Observation`] can prove that they are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Every message of the mailbox was listed: what is not there is absent.
    Complete,
    /// Only some messages were listed. Just these keys are proven absent; of all others that were
    /// not listed nothing is known.
    Listed {
        /// Keys that the store reported as gone.
        gone: BTreeSet<Key>,
    },
    /// The user restricted the sync ([`Window`](crate::Window)). Of the keys that are reached,
    /// every message was listed, except those that are left out one by one; of all other keys
    /// nothing is known, and nothing may be concluded.
    Restricted {
        /// Which keys are reached.
        reach: Reach,
        /// Messages that are there, and that are left out.
        outside: BTreeSet<Key>,
    },
}

/// Which keys a restricted listing reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All.
    All,
    /// This one and all beyond it, in the order of keys.
    From(Key),
    /// None.
    Nothing,
}

impl Reach {
    fn includes(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::From(first) => key >= first,
            Self::Nothing => false,
        }
    }
}

/// Whether a mailbox can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Messages can be added, changed and removed.
    ReadWrite,
    /// Nothing can be changed; trying to would fail or be ignored.
    ReadOnly,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence<'a> {
    /// The message was seen.
    Present(&'a Item),
    /// The message is proven not to be there.
    Absent,
    /// The observation does not reach that far.
    Unknown,
    /// A restriction of the user leaves the message out, whether it is there or not.
    Outside,
}

/// Whether a store writes hints into its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// Each message should carry the key of its counterpart (Maildir names).
    Kept,
    /// The store has no place for a hint (IMAP).
    None,
}

/// One store's answer to "what is in this mailbox?". Absence is asked for by
/// [`Observation::presence`] only, so that it always takes the coverage into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The era of the keys.
    pub epoch: Epoch,
    /// What the store can store.
    pub support: FlagSupport,
    /// Whether the mailbox can be changed.
    pub access: Access,
    /// Whether messages here should carry hints.
    pub hints: Hints,
    /// From where on messages stored later will be found; `None` if the store cannot promise it.
    pub frontier: Option<Frontier>,
    /// A stamp to recognise an unchanged mailbox by, valid from just before the listing.
    pub token: Option<Token>,
    items: Vec<Item>,
    coverage: Coverage,
}

impl Observation {
    /// A complete, writable observation without extras; the items may come in any order, and of
    /// items with equal keys only the first is kept.
    pub fn complete(epoch: Epoch, mut items: Vec<Item>) -> Self {
        items.sort_by(|a, b| a.key.cmp(&b.key));
        items.dedup_by(|a, b| a.key == b.key);
        items.shrink_to_fit();
        Self {
            epoch,
            support: FlagSupport::system_flags(),
            access: Access::ReadWrite,
            hints: Hints::None,
            frontier: None,
            token: None,
            items,
            coverage: Coverage::Complete,
        }
    }

    /// The same observation with another coverage.
    #[must_use]
    pub fn covering(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    /// The same observation restricted to what it reaches, without the messages beyond that.
    #[must_use]
    pub fn restricted(mut self, reach: Reach, outside: BTreeSet<Key>) -> Self {
        self.items.retain(|item| reach.includes(&item.key));
        self.covering(Coverage::Restricted { reach, outside })
    }

    /// The same observation with the hints of some messages removed, because they proved wrong.
    #[must_use]
    pub fn without_hints_of(mut self, keys: &BTreeSet<Key>) -> Self {
        for item in self.items.iter_mut().filter(|item| keys.contains(&item.key)) {
            item.hint = None;
        }
        self
    }

    /// Returns the messages that were seen, sorted by key. Some of them may be
    /// [outside](Presence::Outside).
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Returns the coverage.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Tells what is known of a key.
    pub fn presence(&self, key: &Key) -> Presence<'_> {
        if self.leaves_out(key) {
            return Presence::Outside;
        }
        match self.item(key) {
            Some(item) => Presence::Present(item),
            None => match &self.coverage {
                Coverage::Complete | Coverage::Restricted { .. } => Presence::Absent,
                Coverage::Listed { gone } if gone.contains(key) => Presence::Absent,
                Coverage::Listed { .. } => Presence::Unknown,
            },
        }
    }

    /// Tells whether a restriction leaves a message out.
    pub fn leaves_out(&self, key: &Key) -> bool {
        match &self.coverage {
            Coverage::Complete | Coverage::Listed { .. } => false,
            Coverage::Restricted { reach, outside } => {
                !reach.includes(key) || outside.contains(key)
            }
        }
    }

    /// Returns a message that was seen, be it outside or not.
    pub(crate) fn item(&self, key: &Key) -> Option<&Item> {
        self.position(key).and_then(|at| self.items.get(at))
    }

    /// Returns the place of a key in [`Observation::items`].
    pub(crate) fn position(&self, key: &Key) -> Option<usize> {
        self.items.binary_search_by(|item| item.key.cmp(key)).ok()
    }
}
