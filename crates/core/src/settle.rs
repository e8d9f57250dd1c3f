//! After a crash: what became of the operations that were begun and not confirmed.
//!
//! An intent is written before an operation and closed with its outcome. One that is still open
//! may have happened or not; the stores are asked, and the answer is put into the base before the
//! next plan is made. Deletions need no intent: their pair stays in the base until the deletion is
//! confirmed, so the next plan finishes it, or forgets the pair.

use crate::base::Pair;
use crate::flags::{FlagChange, Flags};
use crate::key::{Frontier, Key};
use crate::observation::{Item, Observation, Presence};
use crate::side::{PerSide, Side};

/// An operation that was about to be made in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Identifies the intent within its account.
    pub id: i64,
    /// What was about to be done.
    pub kind: IntentKind,
}

/// The kinds of operations that need settling after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentKind {
    /// A message was about to become visible under a key that its store had chosen beforehand.
    Deliver {
        /// The receiving side.
        side: Side,
        /// The key on the other side.
        source: Key,
        /// The chosen key.
        planned: Key,
        /// The flags it was delivered with.
        flags: Flags,
    },
    /// A message was about to be stored under a key that only the answer tells.
    Append {
        /// The receiving side.
        side: Side,
        /// The key on the other side.
        source: Key,
        /// From where on it will be found, if the store promised that.
        frontier: Option<Frontier>,
        /// What it looks like.
        fingerprint: crate::fingerprint::Fingerprint,
        /// The flags it was stored with.
        flags: Flags,
    },
    /// Flags were about to be changed.
    Flags {
        /// The pair, by its remote key.
        pair: Key,
        /// The side that was changed.
        side: Side,
        /// The message there.
        target: Key,
        /// The change.
        change: FlagChange,
        /// What the base learns if the change was made.
        settles: FlagChange,
    },
}

/// What the base learns from one settled intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The copy was made: the two messages are a pair.
    Paired(Pair),
    /// The flags were changed.
    Learnt {
        /// The pair, by its remote key.
        pair: Key,
        /// What it learns.
        settles: FlagChange,
    },
    /// It did not happen, or what happened shows in the next observation.
    Nothing,
}

/// An intent with its settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The intent.
    pub id: i64,
    /// What the base learns.
    pub settlement: Settlement,
}

/// Settles open intents of one mailbox against what both sides show now.
///
/// `found` tells, for an [`IntentKind::Append`], the key under which its message was found beyond
/// the frontier; a message that was not found was not stored. The observations must be of the
/// base's epochs, and complete save for what the user's restrictions leave out: if one is not, the
/// intents have to stay open. A change of flags outside of the restrictions shows when the message
/// comes back inside.
pub fn settle(
    intents: &[Intent],
    seen: PerSide<&Observation>,
    found: impl Fn(i64) -> Option<Key>,
) -> Vec<Settled> {
    intents
        .iter()
        .map(|intent| Settled { id: intent.id, settlement: settle_one(intent, seen, &found) })
        .collect()
}

fn settle_one(
    intent: &Intent,
    seen: PerSide<&Observation>,
    found: &impl Fn(i64) -> Option<Key>,
) -> Settlement {
    match &intent.kind {
        IntentKind::Deliver { side, source, planned, flags } => {
            match seen.get(*side).presence(planned) {
                Presence::Present(_) => {
                    Settlement::Paired(pair_of(*side, planned.clone(), source.clone(), flags))
                }
                Presence::Absent | Presence::Unknown | Presence::Outside => Settlement::Nothing,
            }
        }
        IntentKind::Append { side, source, flags, .. } => match found(intent.id) {
            Some(stored) => {
                // The source may have been renamed already to carry the new key.
                let source = match seen.get(side.other()).presence(source) {
                    Presence::Present(_) | Presence::Unknown | Presence::Outside => source.clone(),
                    Presence::Absent => hinting_at(seen.get(side.other()), &stored)
                        .map_or_else(|| source.clone(), |item| item.key.clone()),
                };
                Settlement::Paired(pair_of(*side, stored, source, flags))
            }
            None => Settlement::Nothing,
        },
        IntentKind::Flags { pair, side, target, change, settles } => {
            match seen.get(*side).presence(target) {
                Presence::Present(item) if change.apply(&item.flags) == item.flags => {
                    Settlement::Learnt { pair: pair.clone(), settles: settles.clone() }
                }
                Presence::Present(_) | Presence::Absent | Presence::Unknown | Presence::Outside => {
                    Settlement::Nothing
                }
            }
        }
    }
}

fn pair_of(receiving: Side, stored: Key, source: Key, flags: &Flags) -> Pair {
    match receiving {
        Side::Remote => Pair::new(stored, source, flags.clone()),
        Side::Local => Pair::new(source, stored, flags.clone()),
    }
}

fn hinting_at<'a>(seen: &'a Observation, counterpart: &Key) -> Option<&'a Item> {
    seen.items().iter().find(|item| item.hint.as_ref() == Some(counterpart))
}
