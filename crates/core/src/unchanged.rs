//! Whether a mailbox is still as both sides left it, judged by one side alone.

use crate::base::{Base, Bounds};
use crate::flags::SystemFlag;
use crate::observation::{Observation, Presence};
use crate::side::Side;

/// Tells whether a side shows exactly what the base knows: a sync would find nothing that was
/// changed here. In doubt it says no.
pub fn is_unchanged(side: Side, seen: &Observation, base: &Base) -> bool {
    let same_epoch = base.epochs.as_ref().is_some_and(|epochs| *epochs.get(side) == seen.epoch);
    if !same_epoch {
        return false;
    }
    let mut paired = 0_usize;
    for pair in base.pairs() {
        let presence = seen.presence(pair.key(side));
        let as_known = match (pair.deleted_on, presence) {
            (None, Presence::Present(item)) => {
                pair.bounds == Bounds::Outside
                    || item.flags.supported_by(&seen.support) == pair.flags
            }
            (None, Presence::Absent) => pair.bounds == Bounds::Outside,
            (Some(deleted_on), Presence::Absent) => deleted_on == side,
            (Some(deleted_on), Presence::Present(item)) => {
                deleted_on != side && item.flags.contains(SystemFlag::Deleted)
            }
            (_, Presence::Unknown | Presence::Outside) => false,
        };
        if !as_known {
            return false;
        }
        paired += usize::from(matches!(presence, Presence::Present(_)));
    }
    // Whatever else is there is new.
    paired == seen.items().len()
}
