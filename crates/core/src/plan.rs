//! The decision: what must happen so that both sides agree again.
//!
//! The rules are those of OfflineIMAP (`spec/sync.md` §6.7): flags are merged flag by flag,
//! deletions win over changed flags, messages are immutable, and "new" means "not in the base".

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Base, Bounds, Pair};
use crate::fingerprint::Fingerprint;
use crate::flags::{FlagChange, FlagSupport, Flags, SystemFlag};
use crate::key::{Epoch, Key};
use crate::observation::{Access, Hints, Item, Observation, Presence};
use crate::op::{Adopt, CopyOp, DeleteOp, FlagOp, Reason, Rebind, Withheld, Withholding};
use crate::policy::Policy;
use crate::side::{PerSide, Side};

/// Everything that one mailbox needs to be the same on both sides. It is only data; nothing
/// happens before an executor takes it, and that takes only what [`review`](crate::review) passed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a plan does nothing by itself"]
pub struct MailboxPlan {
    /// Messages found on both sides that the base did not know. No transfer.
    pub adopt: Vec<Adopt>,
    /// Pairs whose local key changed. Base only.
    pub rekey: Vec<Rebind>,
    /// Local messages that lack the hint of their pair. Renames them.
    pub rebind: Vec<Rebind>,
    /// Pairs on whose flags both sides agree although the base does not. Base only.
    pub agree: Vec<(Key, FlagChange)>,
    /// Pairs that the base has to forget, by remote key. Base only.
    pub forget: Vec<Key>,
    /// Pairs that left the user's restrictions or came back inside, by remote key. Base only.
    pub bounds: Vec<(Key, Bounds)>,
    /// Messages to copy, under the side that receives them.
    pub copies: PerSide<Vec<CopyOp>>,
    /// Flags to change, under the side that is changed.
    pub flags: PerSide<Vec<FlagOp>>,
    /// Messages to delete, under the side that loses them.
    pub deletes: PerSide<Vec<DeleteOp>>,
    /// What the policy leaves different.
    pub withheld: Vec<Withheld>,
    /// Messages that the other side does not have and that the user's restrictions leave out,
    /// under the side where they are.
    pub outside: PerSide<Vec<Key>>,
}

impl MailboxPlan {
    /// Tells whether neither a side nor the base would change.
    pub fn is_empty(&self) -> bool {
        self.adopt.is_empty()
            && self.rekey.is_empty()
            && self.agree.is_empty()
            && self.forget.is_empty()
            && self.bounds.is_empty()
            && !self.changes_a_side()
    }

    /// Tells whether a side would change.
    pub fn changes_a_side(&self) -> bool {
        !self.rebind.is_empty()
            || Side::BOTH.into_iter().any(|side| {
                !self.copies.get(side).is_empty()
                    || !self.flags.get(side).is_empty()
                    || !self.deletes.get(side).is_empty()
            })
    }
}

impl MailboxPlan {
    /// The messages of a side for which the other side has no counterpart: those that would be
    /// copied, and those that the policy or the user's restrictions do not let be copied.
    pub fn unpaired(&self, side: Side) -> Vec<Key> {
        let to = side.other();
        let copied = self.copies.get(to).iter().map(|op| &op.source);
        let withheld = self.withheld.iter().filter_map(|it| it.copy_to(to));
        copied.chain(withheld).chain(self.outside.get(side)).cloned().collect()
    }

    /// The number of operations on messages that have to be confirmed before both sides agree.
    pub fn operations(&self) -> usize {
        let of = |side| {
            self.copies.get(side).len() + self.flags.get(side).len() + self.deletes.get(side).len()
        };
        of(Side::Remote) + of(Side::Local)
    }

    /// Leaves messages of a side alone that would be copied to the other one, or deleted, because
    /// they are outside of the user's restrictions.
    ///
    /// The pair of one that would be deleted is forgotten: it may have left the restrictions before
    /// its other half went, and inside again it is a new message.
    pub fn leave_out(&mut self, side: Side, keys: &BTreeSet<Key>) {
        let outside = self.outside.get_mut(side);
        let copies = self.copies.get_mut(side.other());
        outside.extend(copies.extract_if(.., |op| keys.contains(&op.source)).map(|op| op.source));
        for op in self.deletes.get_mut(side).extract_if(.., |op| keys.contains(&op.target)) {
            outside.push(op.target);
            self.forget.push(op.pair);
        }
    }

    /// Withholds the copies of messages that are never to be copied to a side, given by their keys
    /// at the source.
    ///
    /// Nothing else changes: what is already a pair of the base stays one, and is no copy. To be
    /// called last, so that such a message is recognised where it is on both sides.
    pub fn withhold_copies(&mut self, to: Side, never: &BTreeSet<Key>) {
        let copies = self.copies.get_mut(to);
        let (withheld, left): (Vec<CopyOp>, Vec<CopyOp>) =
            std::mem::take(copies).into_iter().partition(|op| never.contains(&op.source));
        *copies = left;
        let withheld = withheld.into_iter().map(|op| op.source);
        self.withheld.extend(withheld.map(|key| Withheld::Copy(to, Withholding::NeverCopied, key)));
    }

    /// Pairs messages that are the same although neither side knows it, judged by their content,
    /// and returns how many. For a mailbox whose base was lost, planned from `seen` and `policy`.
    ///
    /// `remote` and `local` are the fingerprints of [unpaired](Self::unpaired) messages of these
    /// sides. The local flags win, as for every adoption. A message that mbsync has copied is
    /// longer than its original by one field; it is recognised by its Message-ID all the same,
    /// unless another one matches exactly.
    pub fn adopt_by_content(
        &mut self,
        seen: PerSide<&Observation>,
        policy: Policy,
        remote: &[(Key, Fingerprint)],
        local: &[(Key, Fingerprint)],
    ) -> usize {
        let unpaired = PerSide::from_fn(|side| BTreeSet::from_iter(self.unpaired(side)));
        let mut by_size = BySize::new();
        for entry in local.iter().filter(|(key, _)| unpaired.local.contains(key)) {
            by_size.entry(entry.1.wire_octets).or_default().push(entry);
        }
        let mut pairs: BTreeMap<&Key, &Key> = BTreeMap::new();
        let wanted = || remote.iter().filter(|(key, _)| unpaired.remote.contains(key));
        for (key, there) in wanted() {
            if let Some(here) = take(&mut by_size, [there.wire_octets], |it| it.matches(there)) {
                pairs.insert(key, here);
            }
        }
        for (key, there) in wanted() {
            if pairs.contains_key(key) {
                continue;
            }
            let same = |it: &Fingerprint| it.is_same_but_for_mark_of_mbsync(there);
            if let Some(here) = take(&mut by_size, there.sizes_with_mark_of_mbsync(), same) {
                pairs.insert(key, here);
            }
        }
        let paired: PerSide<BTreeSet<&Key>> = PerSide {
            remote: pairs.keys().copied().collect(),
            local: pairs.values().copied().collect(),
        };
        for side in Side::BOTH {
            let (to, paired) = (side.other(), paired.get(side));
            self.copies.get_mut(to).retain(|op| !paired.contains(&op.source));
            self.withheld.retain(|it| it.copy_to(to).is_none_or(|key| !paired.contains(key)));
            self.outside.get_mut(side).retain(|key| !paired.contains(key));
        }
        let plan = std::mem::take(self);
        let mut planner = Planner { seen, policy, unpaired: Unpaired::default(), plan };
        for (remote, local) in &pairs {
            let items = (seen.remote.item(remote), seen.local.item(local));
            if let (Some(remote), Some(local)) = items {
                planner.plan_adoption(PerSide { remote, local });
            }
        }
        *self = planner.plan;
        pairs.len()
    }
}

/// Messages that wait for their counterpart, by size on the wire.
type BySize<'a> = BTreeMap<u64, Vec<&'a (Key, Fingerprint)>>;

/// Takes out the first message of one of these sizes that fits.
fn take<'a>(
    by_size: &mut BySize<'a>,
    sizes: impl IntoIterator<Item = u64>,
    fits: impl Fn(&Fingerprint) -> bool,
) -> Option<&'a Key> {
    sizes.into_iter().find_map(|octets| {
        let candidates = by_size.get_mut(&octets)?;
        let at = candidates.iter().position(|(_, it)| fits(it))?;
        Some(&candidates.swap_remove(at).0)
    })
}

/// The keys of a side no longer mean what they meant: nothing can be planned, nothing may be
/// changed. For the remote side this is a change of UIDVALIDITY.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {side} mailbox was replaced (saved {saved}, got {current})")]
pub struct EpochChanged {
    /// The side whose mailbox was replaced.
    pub side: Side,
    /// The epoch of the base.
    pub saved: Epoch,
    /// The epoch that was observed.
    pub current: Epoch,
}

/// Compares both observations with the base and returns what must happen.
///
/// # Errors
///
/// [`EpochChanged`] if the base belongs to another epoch of either side. The mailbox must be left
/// alone; the local side alone can be [carried over](Base::carried_over).
pub fn plan(
    seen: PerSide<&Observation>,
    base: &Base,
    policy: Policy,
) -> Result<MailboxPlan, EpochChanged> {
    if let Some(epochs) = &base.epochs {
        for side in Side::BOTH {
            let (saved, current) = (epochs.get(side), &seen.get(side).epoch);
            if saved != current {
                return Err(EpochChanged { side, saved: saved.clone(), current: current.clone() });
            }
        }
    }
    let mut planner =
        Planner { seen, policy, unpaired: Unpaired::of(seen, base), plan: MailboxPlan::default() };
    for pair in base.pairs() {
        planner.plan_pair(pair);
    }
    planner.plan_unpaired();
    Ok(planner.plan)
}

/// The messages that no pair of the base claims, and who hints at whom among them.
#[derive(Default)]
struct Unpaired<'a> {
    free: PerSide<Vec<bool>>,
    by_hint: BTreeMap<&'a Key, Vec<usize>>,
}

impl<'a> Unpaired<'a> {
    fn of(seen: PerSide<&'a Observation>, base: &Base) -> Self {
        let mut free = seen.map(|observation| vec![true; observation.items().len()]);
        for pair in base.pairs() {
            for side in Side::BOTH {
                if let Some(at) = seen.get(side).position(pair.key(side))
                    && let Some(free) = free.get_mut(side).get_mut(at)
                {
                    *free = false;
                }
            }
        }
        let mut by_hint: BTreeMap<&Key, Vec<usize>> = BTreeMap::new();
        for (at, item) in seen.local.items().iter().enumerate() {
            if let Some(hint) = &item.hint
                && free.local.get(at) == Some(&true)
            {
                by_hint.entry(hint).or_default().push(at);
            }
        }
        Self { free, by_hint }
    }

    /// Takes the first free local message that hints at a remote key.
    fn take_hinting_at(&mut self, remote: &Key) -> Option<usize> {
        let candidates = self.by_hint.get(remote)?;
        let at =
            *candidates.iter().find(|at| self.free.local.get(**at).is_some_and(|free| *free))?;
        self.take(Side::Local, at);
        Some(at)
    }

    fn take(&mut self, side: Side, at: usize) {
        if let Some(free) = self.free.get_mut(side).get_mut(at) {
            *free = false;
        }
    }

    fn release(&mut self, side: Side, at: Option<usize>) {
        if let Some(free) = at.and_then(|at| self.free.get_mut(side).get_mut(at)) {
            *free = true;
        }
    }

    fn is_free(&self, side: Side, at: usize) -> bool {
        self.free.get(side).get(at).is_some_and(|free| *free)
    }
}

struct Planner<'a> {
    seen: PerSide<&'a Observation>,
    policy: Policy,
    unpaired: Unpaired<'a>,
    plan: MailboxPlan,
}

impl<'a> Planner<'a> {
    fn plan_pair(&mut self, pair: &Pair) {
        let remote = self.seen.remote.presence(&pair.remote);
        let local = self.local_of(pair);
        if let Some(side) = pair.deleted_on {
            let here = PerSide { remote, local };
            self.plan_marked(pair, side, *here.get(side), *here.get(side.other()));
            return;
        }
        if pair.bounds == Bounds::Outside {
            self.plan_return(pair, PerSide { remote, local });
            return;
        }
        match (remote, local) {
            (Presence::Outside, _) | (_, Presence::Outside) => {
                self.plan.bounds.push((pair.remote.clone(), Bounds::Outside));
            }
            (Presence::Present(remote), Presence::Present(local)) => {
                self.plan_key(pair, local);
                self.plan_flags(pair, PerSide { remote, local });
            }
            (Presence::Present(item), Presence::Absent) => {
                self.plan_delete(pair, Side::Remote, item);
            }
            (Presence::Absent, Presence::Present(item)) => {
                self.plan_key(pair, item);
                self.plan_delete(pair, Side::Local, item);
            }
            (Presence::Absent, Presence::Absent) => self.plan.forget.push(pair.remote.clone()),
            (Presence::Unknown, _) | (_, Presence::Unknown) => {}
        }
    }

    /// Finds the local message of a pair: by its key, or, if that is gone, by a hint at the pair.
    fn local_of(&mut self, pair: &Pair) -> Presence<'a> {
        let seen = self.seen.local;
        match seen.presence(&pair.local) {
            Presence::Absent => match self.unpaired.take_hinting_at(&pair.remote) {
                Some(at) => seen.items().get(at).map_or(Presence::Absent, Presence::Present),
                None => Presence::Absent,
            },
            Presence::Unknown | Presence::Outside => {
                // It may have been renamed: whoever hints at the pair is not a new message.
                self.unpaired.take_hinting_at(&pair.remote);
                seen.presence(&pair.local)
            }
            Presence::Present(item) => Presence::Present(item),
        }
    }

    /// Plans a pair that was outside of the restrictions, and perhaps still is. What is missing when
    /// it comes back inside was not deleted: the other side's message is a new one.
    fn plan_return(&mut self, pair: &Pair, there: PerSide<Presence<'_>>) {
        match (there.remote, there.local) {
            (Presence::Outside | Presence::Unknown, _)
            | (_, Presence::Outside | Presence::Unknown) => {}
            (Presence::Present(remote), Presence::Present(local)) => {
                self.plan.bounds.push((pair.remote.clone(), Bounds::Inside));
                self.plan_key(pair, local);
                self.plan_flags(pair, PerSide { remote, local });
            }
            (remote, local) => {
                self.plan.forget.push(pair.remote.clone());
                for (side, presence) in [(Side::Remote, remote), (Side::Local, local)] {
                    if let Presence::Present(item) = presence {
                        let at = self.seen.get(side).position(&item.key);
                        self.unpaired.release(side, at);
                    }
                }
            }
        }
    }

    fn plan_key(&mut self, pair: &Pair, local: &Item) {
        let rebind = || Rebind { pair: pair.remote.clone(), local: local.key.clone() };
        if local.key != pair.local {
            self.plan.rekey.push(rebind());
        }
        let lacks_hint =
            self.seen.local.hints == Hints::Kept && local.hint.as_ref() != Some(&pair.remote);
        if lacks_hint && self.closed(Side::Local).is_none() {
            self.plan.rebind.push(rebind());
        }
    }

    /// Plans a pair that was deleted on one side and could only be marked on the other.
    fn plan_marked(
        &mut self,
        pair: &Pair,
        deleted_on: Side,
        there: Presence<'_>,
        marked: Presence<'_>,
    ) {
        match (there, marked) {
            (Presence::Absent, Presence::Absent) => self.plan.forget.push(pair.remote.clone()),
            (Presence::Absent, Presence::Present(item))
                if !item.flags.contains(SystemFlag::Deleted) =>
            {
                self.plan.forget.push(pair.remote.clone());
                self.plan_copy(deleted_on, item, Reason::UndeletedOn(deleted_on.other()));
            }
            (Presence::Present(back), Presence::Present(item)) => {
                let items = match deleted_on {
                    Side::Remote => PerSide { remote: back, local: item },
                    Side::Local => PerSide { remote: item, local: back },
                };
                self.plan_adoption(items);
            }
            (Presence::Present(back), Presence::Absent) => {
                // Came back here, expunged there: a new message.
                self.plan.forget.push(pair.remote.clone());
                let at = self.seen.get(deleted_on).position(&back.key);
                self.unpaired.release(deleted_on, at);
            }
            (Presence::Absent, Presence::Present(_))
            | (Presence::Unknown | Presence::Outside, _)
            | (_, Presence::Unknown | Presence::Outside) => {}
        }
    }

    fn plan_delete(&mut self, pair: &Pair, side: Side, item: &Item) {
        let gone_from = side.other();
        let why_not = if self.policy.carries_deletions_of(gone_from) {
            self.closed(side)
        } else {
            Some(Withholding::DeletionsKept)
        };
        if let Some(why) = why_not {
            self.plan.withheld.push(Withheld::Delete(side, why, item.key.clone()));
            return;
        }
        self.plan.deletes.get_mut(side).push(DeleteOp {
            pair: pair.remote.clone(),
            target: item.key.clone(),
            gone: pair.key(gone_from).clone(),
            expect: item.flags.clone(),
            removal: self.policy.sides.get(side).removal,
            reason: Reason::DeletedOn(gone_from),
        });
    }

    /// Merges flag by flag: what each side changed since the base is applied to the other.
    fn plan_flags(&mut self, pair: &Pair, items: PerSide<&Item>) {
        let flags = items.map(|item| self.shared(&item.flags));
        let base = self.shared(&pair.flags);
        for source in Side::BOTH {
            let change = FlagChange::between(&base, flags.get(source));
            if change.is_empty() {
                continue;
            }
            let target = source.other();
            let there = flags.get(target);
            let agreed = FlagChange {
                add: change.add.intersection(there),
                remove: change.remove.difference(there),
            };
            // Both sides made the same change: learnt once, in the remote's turn.
            if !agreed.is_empty() && source == Side::Remote {
                self.plan.agree.push((pair.remote.clone(), agreed.clone()));
            }
            let pending = FlagChange {
                add: change.add.difference(&agreed.add),
                remove: change.remove.difference(&agreed.remove),
            };
            let reason = Reason::FlagsChangedOn(source);
            self.plan_flag_op(&pair.remote, target, items.get(target), pending, reason);
        }
    }

    fn plan_flag_op(
        &mut self,
        pair: &Key,
        side: Side,
        item: &Item,
        change: FlagChange,
        reason: Reason,
    ) {
        if change.is_empty() {
            return;
        }
        let change = FlagChange { remove: change.remove.spelt_as_in(&item.flags), ..change };
        if let Some(why) = self.closed(side) {
            self.plan.withheld.push(Withheld::Flags(side, why, item.key.clone()));
            return;
        }
        self.plan.flags.get_mut(side).push(FlagOp {
            pair: pair.clone(),
            target: item.key.clone(),
            expect: item.flags.clone(),
            settles: change.clone(),
            change,
            reason,
        });
    }

    fn plan_unpaired(&mut self) {
        let seen = self.seen;
        for (at, remote) in seen.remote.items().iter().enumerate() {
            if !self.unpaired.is_free(Side::Remote, at) {
                continue;
            }
            self.unpaired.take(Side::Remote, at);
            match self
                .unpaired
                .take_hinting_at(&remote.key)
                .and_then(|at| seen.local.items().get(at))
            {
                Some(local) => self.plan_adoption(PerSide { remote, local }),
                None if seen.remote.leaves_out(&remote.key) => {
                    self.plan.outside.remote.push(remote.key.clone());
                }
                None => self.plan_copy(Side::Local, remote, Reason::NewOn(Side::Remote)),
            }
        }
        for (at, local) in seen.local.items().iter().enumerate() {
            if !self.unpaired.is_free(Side::Local, at) {
                continue;
            }
            let counterpart_unknown = local.hint.as_ref().is_some_and(|hint| {
                matches!(seen.remote.presence(hint), Presence::Unknown | Presence::Outside)
            });
            if seen.local.leaves_out(&local.key) {
                self.plan.outside.local.push(local.key.clone());
            } else if !counterpart_unknown {
                self.plan_copy(Side::Remote, local, Reason::NewOn(Side::Local));
            }
        }
    }

    /// Pairs two messages that the base did not know to be one. The remote's flags are recorded
    /// first, then the local differences are pushed: the local flags win (`spec/quirks.md` A8).
    /// Outside of the restrictions that waits until they come back inside.
    fn plan_adoption(&mut self, items: PerSide<&Item>) {
        let outside =
            Side::BOTH.into_iter().any(|side| self.seen.get(side).leaves_out(&items.get(side).key));
        let bounds = if outside { Bounds::Outside } else { Bounds::Inside };
        self.plan.adopt.push(Adopt {
            remote: items.remote.key.clone(),
            local: items.local.key.clone(),
            flags: self.shared(&items.remote.flags),
            bounds,
        });
        if outside {
            return;
        }
        let pair = Pair::new(items.remote.key.clone(), items.local.key.clone(), Flags::default());
        self.plan_key(&pair, items.local);
        let change = FlagChange::between(
            &self.shared(&items.remote.flags),
            &self.shared(&items.local.flags),
        );
        self.plan_flag_op(&pair.remote, Side::Remote, items.remote, change, Reason::LocalFlagsWin);
    }

    fn plan_copy(&mut self, to: Side, item: &Item, reason: Reason) {
        if let Some(why) = self.closed(to) {
            self.plan.withheld.push(Withheld::Copy(to, why, item.key.clone()));
            return;
        }
        let settles = self.shared(&item.flags);
        self.plan.copies.get_mut(to).push(CopyOp {
            source: item.key.clone(),
            flags: item.flags.clone(),
            settles,
            reason,
        });
    }

    fn closed(&self, side: Side) -> Option<Withholding> {
        if !self.policy.may_change(side) {
            return Some(Withholding::RepositoryReadOnly);
        }
        match self.seen.get(side).access {
            Access::ReadOnly => Some(Withholding::MailboxReadOnly),
            Access::ReadWrite => None,
        }
    }

    /// The flags that both sides can store; the others are nobody's business here.
    fn shared(&self, flags: &Flags) -> Flags {
        let supports: PerSide<&FlagSupport> = self.seen.map(|seen| &seen.support);
        flags.supported_by(supports.remote).supported_by(supports.local)
    }
}
