//! A model of a synchronised mailbox: two sides, a base, and plans applied to them one operation
//! at a time, each confirmed before the base learns of it.

use std::collections::{BTreeMap, BTreeSet};

use offlineimap_core::{
    Base, Bounds, Coverage, FlagChange, Flags, Hints, Intent, IntentKind, Item, Key, MailboxPlan,
    Observation, Pair, PerSide, Policy, Rebind, Removal, Settlement, Side, SystemFlag, plan,
    settle,
};

use crate::language::{epochs, name, number};

/// A message on one side. Its content is a number that survives copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) content: u32,
    pub(crate) flags: Flags,
    pub(crate) hint: Option<Key>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) sides: PerSide<BTreeMap<Key, Letter>>,
    pub(crate) base: BTreeMap<Key, Pair>,
    pub(crate) policy: Policy,
    /// Messages that an observation of the side does not reach.
    pub(crate) hidden: PerSide<BTreeSet<Key>>,
    next: u32,
}

/// One operation, with everything that carrying it out changes.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Adopt(Pair),
    Rekey(Rebind),
    Bind(Rebind),
    Agree(Key, FlagChange),
    Forget(Key),
    Move(Key, Bounds),
    Copy { to: Side, source: Key, settles: Flags },
    Flags { on: Side, pair: Key, target: Key, change: FlagChange },
    Delete { on: Side, pair: Key, target: Key, removal: Removal },
}

impl World {
    /// Keys handed out from now on are not in use.
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, next: 1000, ..Self::default() }
    }

    /// Hands out the number of a message that arrives.
    pub(crate) fn next_number(&mut self) -> Key {
        self.next += 1;
        number(self.next)
    }

    pub(crate) fn observe(&self) -> PerSide<Observation> {
        PerSide::from_fn(|side| {
            let hidden = self.hidden.get(side);
            let letters = self.sides.get(side);
            let visible = letters.iter().filter(|(key, _)| !hidden.contains(*key));
            let items = visible.map(|(key, letter)| Item {
                key: key.clone(),
                flags: letter.flags.clone(),
                hint: letter.hint.clone(),
            });
            let mut seen = Observation::complete(epochs().get(side).clone(), items.collect());
            if side == Side::Local {
                seen.hints = Hints::Kept;
            }
            if hidden.is_empty() {
                return seen;
            }
            let known = self.base.values().map(|pair| pair.key(side));
            let gone = known.filter(|key| !letters.contains_key(*key)).cloned().collect();
            seen.covering(Coverage::Listed { gone })
        })
    }

    pub(crate) fn base(&self) -> Base {
        Base::new(epochs(), self.base.values().cloned().collect())
    }

    pub(crate) fn plan(&self) -> MailboxPlan {
        plan(self.observe().as_ref(), &self.base(), self.policy).unwrap()
    }

    /// Syncs until nothing is left to do, and tells how many plans that took.
    pub(crate) fn converge(&mut self) -> usize {
        for round in 0..8 {
            let plan = self.plan();
            if plan.is_empty() {
                return round;
            }
            for effect in effects(&plan) {
                self.apply(&effect);
            }
        }
        panic!("never comes to rest: {:?}", self.plan());
    }

    /// Makes the effect, and lets the base learn of it.
    pub(crate) fn apply(&mut self, effect: &Effect) {
        let key = self.happen(effect);
        self.learn(effect, key);
    }

    /// Makes the effect on a side and leaves the base as it is. Returns a key that was handed
    /// out.
    pub(crate) fn happen(&mut self, effect: &Effect) -> Option<Key> {
        match effect {
            Effect::Adopt(_)
            | Effect::Rekey(_)
            | Effect::Agree(..)
            | Effect::Move(..)
            | Effect::Forget(_) => None,
            Effect::Bind(bind) => self.bind(&bind.local, &bind.pair),
            Effect::Copy { to, source, .. } => {
                let letter = self.sides.get(to.other()).get(source)?;
                self.next += 1;
                let (key, hint) = match to {
                    Side::Remote => (number(self.next), None),
                    Side::Local => (name(&format!("n{}", self.next)), Some(source.clone())),
                };
                let copy = Letter { hint, ..letter.clone() };
                self.sides.get_mut(*to).insert(key.clone(), copy);
                Some(key)
            }
            Effect::Flags { on, target, change, .. } => {
                let letter = self.sides.get_mut(*on).get_mut(target)?;
                letter.flags = change.apply(&letter.flags);
                None
            }
            Effect::Delete { on, target, removal, .. } => {
                let letters = self.sides.get_mut(*on);
                match removal {
                    Removal::Expunge => drop(letters.remove(target)),
                    Removal::MarkDeleted => {
                        let letter = letters.get_mut(target)?;
                        letter.flags = letter.flags.clone().with(SystemFlag::Deleted);
                    }
                }
                None
            }
        }
    }

    fn learn(&mut self, effect: &Effect, key: Option<Key>) {
        match effect {
            Effect::Adopt(pair) => drop(self.base.insert(pair.remote.clone(), pair.clone())),
            Effect::Rekey(to) => self.base.get_mut(&to.pair).unwrap().local = to.local.clone(),
            Effect::Bind(bind) => {
                if let Some(key) = key {
                    self.base.get_mut(&bind.pair).unwrap().local = key;
                }
            }
            Effect::Agree(pair, settles) | Effect::Flags { pair, change: settles, .. } => {
                let pair = self.base.get_mut(pair).unwrap();
                pair.flags = settles.apply(&pair.flags);
            }
            Effect::Forget(pair) => drop(self.base.remove(pair)),
            Effect::Move(pair, bounds) => self.base.get_mut(pair).unwrap().bounds = *bounds,
            Effect::Copy { to, source, settles } => {
                let Some(key) = key else { return };
                let pair = match to {
                    Side::Remote => {
                        let local = self.bind(source, &key).unwrap_or_else(|| source.clone());
                        Pair::new(key, local, settles.clone())
                    }
                    Side::Local => Pair::new(source.clone(), key, settles.clone()),
                };
                self.base.insert(pair.remote.clone(), pair);
            }
            Effect::Delete { on, pair, removal, .. } => match removal {
                Removal::Expunge => drop(self.base.remove(pair)),
                Removal::MarkDeleted => {
                    self.base.get_mut(pair).unwrap().deleted_on = Some(on.other());
                }
            },
        }
    }

    /// What recovery does after a crash between the effect and the base row.
    pub(crate) fn recover(&mut self, effect: &Effect, key: Option<&Key>) {
        let kind = match effect {
            Effect::Copy { to: Side::Local, source, settles } => IntentKind::Deliver {
                side: Side::Local,
                source: source.clone(),
                planned: key.cloned().unwrap(),
                flags: settles.clone(),
            },
            Effect::Copy { to: Side::Remote, source, settles } => IntentKind::Append {
                side: Side::Remote,
                source: source.clone(),
                frontier: None,
                fingerprint: offlineimap_core::Fingerprint {
                    wire_octets: 1,
                    message_id: None,
                    digest: None,
                },
                flags: settles.clone(),
            },
            Effect::Flags { on, pair, target, change } => IntentKind::Flags {
                pair: pair.clone(),
                side: *on,
                target: target.clone(),
                change: change.clone(),
                settles: change.clone(),
            },
            Effect::Adopt(_)
            | Effect::Rekey(_)
            | Effect::Bind(_)
            | Effect::Agree(..)
            | Effect::Move(..)
            | Effect::Forget(_)
            | Effect::Delete { .. } => return,
        };
        let seen = self.observe();
        for settled in settle(&[Intent { id: 1, kind }], seen.as_ref(), |_| key.cloned()) {
            match settled.settlement {
                Settlement::Paired(pair) => drop(self.base.insert(pair.remote.clone(), pair)),
                Settlement::Learnt { pair, settles } => {
                    let pair = self.base.get_mut(&pair).unwrap();
                    pair.flags = settles.apply(&pair.flags);
                }
                Settlement::Nothing => {}
            }
        }
    }

    /// The mail of a side without keys: content and flags, sorted.
    pub(crate) fn mail(&self, side: Side) -> Vec<(u32, String)> {
        let letters = self.sides.get(side).values();
        let mut mail: Vec<_> =
            letters.map(|letter| (letter.content, letter.flags.to_string())).collect();
        mail.sort();
        mail
    }

    /// Renames a local message so that it bears the hint.
    fn bind(&mut self, local: &Key, counterpart: &Key) -> Option<Key> {
        let letter = self.sides.local.remove(local)?;
        self.next += 1;
        let key = name(&format!("n{}", self.next));
        self.sides.local.insert(key.clone(), Letter { hint: Some(counterpart.clone()), ..letter });
        Some(key)
    }
}

/// The operations of a plan in the order in which they are carried out.
pub(crate) fn effects(plan: &MailboxPlan) -> Vec<Effect> {
    let mut effects: Vec<Effect> = Vec::new();
    effects.extend(plan.forget.iter().cloned().map(Effect::Forget));
    effects.extend(plan.adopt.iter().map(|op| {
        let pair = Pair::new(op.remote.clone(), op.local.clone(), op.flags.clone());
        Effect::Adopt(Pair { bounds: op.bounds, ..pair })
    }));
    effects.extend(plan.bounds.iter().map(|(pair, bounds)| Effect::Move(pair.clone(), *bounds)));
    effects.extend(plan.rekey.iter().cloned().map(Effect::Rekey));
    effects.extend(plan.agree.iter().cloned().map(|(pair, change)| Effect::Agree(pair, change)));
    for to in Side::BOTH {
        effects.extend(plan.copies.get(to).iter().map(|op| Effect::Copy {
            to,
            source: op.source.clone(),
            settles: op.settles.clone(),
        }));
    }
    for on in Side::BOTH {
        effects.extend(plan.flags.get(on).iter().map(|op| Effect::Flags {
            on,
            pair: op.pair.clone(),
            target: op.target.clone(),
            change: op.change.clone(),
        }));
    }
    for on in Side::BOTH {
        effects.extend(plan.deletes.get(on).iter().map(|op| Effect::Delete {
            on,
            pair: op.pair.clone(),
            target: op.target.clone(),
            removal: op.removal,
        }));
    }
    // Names change last, when nothing of this plan refers to them any more.
    let deleted: BTreeSet<&Key> = plan.deletes.local.iter().map(|op| &op.target).collect();
    effects.extend(
        plan.rebind.iter().filter(|it| !deleted.contains(&it.local)).cloned().map(Effect::Bind),
    );
    effects
}
