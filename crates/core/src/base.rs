//! What both sides last agreed on.

use crate::flags::Flags;
use crate::key::{Epoch, Key};
use crate::observation::Observation;
use crate::side::{PerSide, Side};

/// One message that is on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Its key on the remote side. Identifies the pair within its mailbox.
    pub remote: Key,
    /// Its key on the local side.
    pub local: Key,
    /// The flags on which both sides last agreed.
    pub flags: Flags,
    /// The side on which the message was deleted while the other side was only allowed to mark it
    /// `\Deleted` (`expunge = no`). The marked message is not copied again.
    pub deleted_on: Option<Side>,
    /// Whether the message was inside of the user's restrictions when it was last seen.
    pub bounds: Bounds,
}

/// Whether the user's restrictions (`maxage`, `startdate`, `maxsize`) leave a message out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Bounds {
    /// It is synced.
    #[default]
    Inside,
    /// It is left alone. Users delete such messages on one side to make room, so what is missing
    /// when it comes back inside was not deleted: it is copied again.
    Outside,
}

impl Pair {
    /// A pair that lives on both sides.
    pub fn new(remote: Key, local: Key, flags: Flags) -> Self {
        Self { remote, local, flags, deleted_on: None, bounds: Bounds::Inside }
    }

    /// Returns the key on one side.
    pub fn key(&self, side: Side) -> &Key {
        match side {
            Side::Remote => &self.remote,
            Side::Local => &self.local,
        }
    }
}

/// The pairs of one mailbox, and the epochs in which their keys mean something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base {
    /// The epochs; `None` before the first sync of the mailbox.
    pub epochs: Option<PerSide<Epoch>>,
    pairs: Vec<Pair>,
}

impl Base {
    /// Builds a base. The pairs may come in any order; of pairs with equal remote keys only the
    /// first is kept.
    pub fn new(epochs: PerSide<Epoch>, mut pairs: Vec<Pair>) -> Self {
        pairs.sort_by(|a, b| a.remote.cmp(&b.remote));
        pairs.dedup_by(|a, b| a.remote == b.remote);
        pairs.shrink_to_fit();
        Self { epochs: Some(epochs), pairs }
    }

    /// Returns the pairs, sorted by remote key.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Returns the number of messages that both sides have, inside of the restrictions.
    pub fn live(&self) -> usize {
        let live = |pair: &&Pair| pair.deleted_on.is_none() && pair.bounds == Bounds::Inside;
        self.pairs.iter().filter(live).count()
    }

    /// Carries the base over into a new epoch of the local side, whose directory was replaced,
    /// restored or lost its marker: nothing may be concluded from what is missing.
    ///
    /// A pair stays if its local key is still there, or if its message is only marked as deleted.
    /// All others are forgotten, so that their messages are recognised or copied again, and none
    /// is deleted.
    #[must_use]
    pub fn carried_over(self, local: &Observation) -> Self {
        let stays =
            |pair: &Pair| pair.deleted_on.is_some() || local.position(&pair.local).is_some();
        let pairs = self.pairs.into_iter().filter(stays).collect();
        let epochs =
            self.epochs.map(|epochs| PerSide { remote: epochs.remote, local: local.epoch.clone() });
        Self { epochs, pairs }
    }
}
