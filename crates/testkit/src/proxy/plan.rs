use std::sync::{Mutex, PoisonError};

use crate::server::Cut;

/// The way an octet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// A fault of the network, which happens once.
///
/// The octets are counted over all connections from the moment the fault is scripted; the
/// connection that carries the next octet is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// After exactly so many octets in one direction both ends of the connection are cut.
    Cut {
        /// The direction whose octets count.
        direction: Direction,
        /// How many octets still arrive.
        after_bytes: u64,
        /// How the connection ends.
        cut: Cut,
    },
    /// After exactly so many octets in one direction nothing moves any more, either way, and the
    /// connection stays open.
    Hang {
        /// The direction whose octets count.
        direction: Direction,
        /// How many octets still arrive.
        after_bytes: u64,
    },
}

impl ProxyFault {
    /// A cut chosen by a seed, the same for the same seed: after fewer than `within_bytes`
    /// octets, in either direction, in either way.
    pub fn seeded_cut(seed: u64, within_bytes: u64) -> Self {
        let value = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = (value ^ (value >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let value = value ^ (value >> 29);
        Self::Cut {
            direction: if value >> 63 == 0 { Direction::ToServer } else { Direction::ToClient },
            after_bytes: (value >> 16) % within_bytes.max(1),
            cut: if (value >> 62) & 1 == 0 { Cut::Close } else { Cut::Reset },
        }
    }

    fn direction(&self) -> Direction {
        match self {
            Self::Cut { direction, .. } | Self::Hang { direction, .. } => *direction,
        }
    }

    fn remaining(&mut self) -> &mut u64 {
        match self {
            Self::Cut { after_bytes, .. } | Self::Hang { after_bytes, .. } => after_bytes,
        }
    }
}

/// An answer given in place of the server; the command does not reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitution {
    verb: String,
    remaining: u64,
    answer: SubstitutedAnswer,
}

/// What the client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubstitutedAnswer {
    /// A tagged NO with this text.
    No(String),
    /// A tagged BAD with this text.
    Bad(String),
    /// BYE with this text, and the end of the connection.
    Bye(String),
}

impl Substitution {
    /// Answers the `number`th command of this name from now on, as in `UID FETCH`, counted from
    /// 1 over all connections.
    pub fn nth(number: u64, verb: &str, answer: SubstitutedAnswer) -> Self {
        Self { verb: verb.to_ascii_uppercase(), remaining: number.max(1), answer }
    }
}

/// What is still to happen.
#[derive(Debug, Default)]
pub(super) struct Plan {
    faults: Mutex<Vec<ProxyFault>>,
    substitutions: Mutex<Vec<Substitution>>,
}

/// What becomes of octets that have arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All go on.
    Pass,
    /// So many go on; then the connection is cut.
    Cut(usize, Cut),
    /// So many go on; then nothing does.
    Hang(usize),
}

impl Plan {
    pub(super) fn add_fault(&self, fault: ProxyFault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(super) fn add_substitution(&self, substitution: Substitution) {
        self.substitutions.lock().unwrap_or_else(PoisonError::into_inner).push(substitution);
    }

    pub(super) fn clear(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.substitutions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Counts octets that have arrived and says what becomes of them.
    pub(super) fn judge(&self, direction: Direction, arrived: usize) -> Verdict {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let due = faults.iter_mut().position(|fault| {
            fault.direction() == direction && *fault.remaining() < arrived as u64
        });
        let Some(at) = due else {
            for fault in faults.iter_mut().filter(|fault| fault.direction() == direction) {
                *fault.remaining() -= arrived as u64;
            }
            return Verdict::Pass;
        };
        let mut fault = faults.remove(at);
        let passing = usize::try_from(*fault.remaining()).unwrap_or(arrived).min(arrived);
        for other in faults.iter_mut().filter(|other| other.direction() == direction) {
            *other.remaining() = other.remaining().saturating_sub(passing as u64);
        }
        match fault {
            ProxyFault::Cut { cut, .. } => Verdict::Cut(passing, cut),
            ProxyFault::Hang { .. } => Verdict::Hang(passing),
        }
    }

    /// Whether commands must be looked at.
    pub(super) fn substitutes(&self) -> bool {
        !self.substitutions.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Counts a command and says whether it is answered here.
    pub(super) fn substitute_for(&self, verb: &str) -> Option<SubstitutedAnswer> {
        let mut substitutions = self.substitutions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = None;
        for (at, substitution) in substitutions.iter_mut().enumerate() {
            if substitution.verb == verb {
                substitution.remaining = substitution.remaining.saturating_sub(1);
                if substitution.remaining == 0 && due.is_none() {
                    due = Some(at);
                }
            }
        }
        due.map(|at| substitutions.remove(at).answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_lets_exactly_the_wanted_octets_pass() {
        let plan = Plan::default();
        let direction = Direction::ToClient;
        plan.add_fault(ProxyFault::Cut { direction, after_bytes: 10, cut: Cut::Reset });
        assert_eq!(plan.judge(Direction::ToServer, 100), Verdict::Pass);
        assert_eq!(plan.judge(direction, 7), Verdict::Pass);
        assert_eq!(plan.judge(direction, 3), Verdict::Pass);
        assert_eq!(plan.judge(direction, 1), Verdict::Cut(0, Cut::Reset));
        assert_eq!(plan.judge(direction, 1), Verdict::Pass);
    }

    #[test]
    fn seeds_reach_both_directions_and_both_ways_to_cut() {
        let cuts: Vec<ProxyFault> = (0..40).map(|seed| ProxyFault::seeded_cut(seed, 100)).collect();
        assert_eq!(cuts[7], ProxyFault::seeded_cut(7, 100));
        for wanted in [Direction::ToServer, Direction::ToClient] {
            for way in [Cut::Close, Cut::Reset] {
                assert!(cuts.iter().any(|fault| matches!(
                    fault,
                    ProxyFault::Cut { direction, cut, .. } if *direction == wanted && *cut == way
                )));
            }
        }
    }
}
