//! What the user leaves out of an account's sync (`spec/sync.md` §8), and how a folder is looked at
//! then.
//!
//! A restriction never deletes. What it leaves out is neither copied nor changed, and nothing is
//! concluded from its absence ([`Coverage::Restricted`](offlineimap_core::Coverage::Restricted)).

use std::collections::BTreeSet;

use offlineimap_core::{
    Coverage, Key, Limit, Mailbox, MailboxPlan, Observation, PerSide, Reach, Side, Start,
    StoreError, Window,
};

use crate::account::{Folder, RunError};
use crate::state::StartedAt;
use crate::survey::{OpenSides, Survey};

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restrictions {
    /// The octets on the wire that a message may have at most (`maxsize`).
    pub largest: Option<u64>,
    /// From when on messages are synced.
    pub period: Period,
}

/// From when on messages are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Period {
    /// Since ever.
    #[default]
    Always,
    /// Since a moment that goes along with the clock or is written down (`maxage`).
    MaxAge(Since),
    /// Since a day of one repository (`startdate`).
    StartDate(Side, Since),
}

/// A moment, as the two kinds of stores need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The day that a server is asked for, counted from 1970-01-01.
    pub day: i64,
    /// Seconds since 1970-01-01 00:00:00 UTC, for names of files.
    pub unix_seconds: i64,
}

impl Restrictions {
    /// Tells which restrictions hold that let a mailbox look the same although there would be
    /// something to do under others.
    pub(crate) fn rule(&self) -> String {
        self.largest.map(|limit| format!("maxsize {limit}")).unwrap_or_default()
    }

    /// Tells what a beginning that was found out belongs to.
    fn start_rule(&self) -> Option<(Side, String)> {
        match self.period {
            Period::Always | Period::MaxAge(_) => None,
            Period::StartDate(side, since) => {
                Some((side, format!("startdate {side} {}", since.day)))
            }
        }
    }
}

impl StartedAt {
    /// Returns the side whose keys begin here.
    pub(crate) fn side(&self) -> Option<Side> {
        let name = self.rule.split(' ').nth(1)?;
        Side::BOTH.into_iter().find(|side| side.to_string() == name)
    }
}

/// Both sides of a folder as far as the restrictions let them be seen.
pub(crate) struct Sight {
    pub(crate) seen: PerSide<Observation>,
    /// The beginning of the window, if it has just been found out.
    pub(crate) started_at: Option<StartedAt>,
    /// The limits that messages new on the local side must keep, beside that of the size.
    pub(crate) not_before: Option<Limit>,
}

impl Survey<'_> {
    /// Observes both sides at once, within the restrictions.
    pub(crate) async fn observe_both(
        &self,
        sides: &OpenSides,
        started_at: Option<&StartedAt>,
    ) -> Result<Sight, StoreError> {
        let windows = self.windows(started_at);
        let (remote, local) = tokio::join!(
            self.observe(Side::Remote, sides.remote.as_deref(), &windows.remote),
            self.observe(Side::Local, sides.local.as_deref(), &windows.local),
        );
        let mut seen = PerSide { remote: remote?, local: local? };
        let mut not_before = None;
        match self.account.restrictions.period {
            Period::MaxAge(since) if reach(&seen.remote) == Some(&Reach::Nothing) => {
                let limit = Limit::Before { unix_seconds: since.unix_seconds };
                let first = first_recent(sides.local.as_deref(), &seen.local, limit).await?;
                if let Some(first) = first {
                    let window = Window { start: Start::At(first), ..windows.remote };
                    seen.remote =
                        self.observe(Side::Remote, sides.remote.as_deref(), &window).await?;
                }
                not_before = Some(limit);
            }
            Period::Always | Period::MaxAge(_) | Period::StartDate(Side::Remote, _) => {}
            Period::StartDate(Side::Local, since) => {
                not_before = Some(Limit::Before { unix_seconds: since.unix_seconds });
            }
        }
        let started_at =
            self.account.restrictions.start_rule().and_then(|(side, rule)| {
                match reach(seen.get(side)) {
                    Some(Reach::From(key)) => Some(StartedAt { key: key.clone(), rule }),
                    Some(Reach::All | Reach::Nothing) | None => None,
                }
            });
        Ok(Sight { seen, started_at, not_before })
    }

    fn windows(&self, started_at: Option<&StartedAt>) -> PerSide<Window> {
        let restrictions = &self.account.restrictions;
        let started_at = started_at
            .filter(|it| restrictions.start_rule().is_some_and(|(_, rule)| rule == it.rule));
        PerSide::from_fn(|side| Window {
            start: match restrictions.period {
                Period::MaxAge(since) if side == Side::Remote => Start::Day(since.day),
                Period::StartDate(on, since) if side == on => match started_at {
                    Some(StartedAt { key, .. }) => Start::At(key.clone()),
                    None => Start::Day(since.day),
                },
                Period::Always | Period::MaxAge(_) | Period::StartDate(..) => Start::Beginning,
            },
            // Of a message that both sides have, the remote's size counts: they differ.
            largest: if side == Side::Remote { restrictions.largest } else { None },
        })
    }

    /// Goes on from where OfflineIMAP had a `startdate` begin, in a folder that was taken over.
    pub(crate) async fn begin_where_it_began(
        &self,
        folder: &Folder,
        sides: &OpenSides,
        sight: &mut Sight,
    ) -> Result<(), RunError> {
        let (Some((side, rule)), Some(old)) = (self.account.restrictions.start_rule(), &self.old)
        else {
            return Ok(());
        };
        if reach(sight.seen.get(side)).is_none() {
            return Ok(());
        }
        let Some(uid) = old.start_uid(&folder.pair, side)? else { return Ok(()) };
        let key = Key::number(uid);
        let windows = self.windows(None);
        let window = Window { start: Start::At(key.clone()), ..windows.get(side).clone() };
        *sight.seen.get_mut(side) = self.observe(side, sides.get(side).as_deref(), &window).await?;
        sight.started_at = Some(StartedAt { key, rule });
        Ok(())
    }

    /// Lists what is outside, too, in a folder whose messages have to be recognised: what is not
    /// seen would look new on the other side.
    pub(crate) async fn see_outside(
        &self,
        sides: &OpenSides,
        seen: &mut PerSide<Observation>,
    ) -> Result<(), StoreError> {
        for side in Side::BOTH {
            let restricted = reach(seen.get(side)).is_some_and(|reach| *reach != Reach::All);
            if !restricted || seen.get(side.other()).items().is_empty() {
                continue;
            }
            let coverage = seen.get(side).coverage().clone();
            let everything = Window::default();
            let all = self.observe(side, sides.get(side).as_deref(), &everything).await?;
            *seen.get_mut(side) = all.covering(coverage);
        }
        Ok(())
    }

    /// Leaves messages of the local side alone that are outside of the restrictions: new ones, and
    /// those whose other half is gone from the server, so that its size is not known any more.
    pub(crate) async fn leave_out_local(
        &self,
        sides: &OpenSides,
        not_before: Option<Limit>,
        plan: &mut MailboxPlan,
    ) -> Result<(), StoreError> {
        let Some(local) = &sides.local else { return Ok(()) };
        let size = self.account.restrictions.largest.map(Limit::Octets);
        for limit in size.into_iter().chain(not_before) {
            let new = plan.copies.remote.iter().map(|op| &op.source);
            let left = plan.deletes.local.iter().map(|op| &op.target);
            let left = left.filter(|_| matches!(limit, Limit::Octets(_)));
            let keys: Vec<Key> = new.chain(left).cloned().collect();
            if !keys.is_empty() {
                plan.leave_out(Side::Local, &local.beyond(&keys, limit).await?);
            }
        }
        Ok(())
    }
}

/// Returns how far a restricted observation reaches.
fn reach(seen: &Observation) -> Option<&Reach> {
    match seen.coverage() {
        Coverage::Restricted { reach, .. } => Some(reach),
        Coverage::Complete | Coverage::Listed { .. } => None,
    }
}

/// Finds the lowest remote key that a local message of recent date hints at. Without a recent
/// message on the server, recently downloaded ones are still synced (`spec/sync.md` §8).
async fn first_recent(
    local: Option<&dyn Mailbox>,
    seen: &Observation,
    limit: Limit,
) -> Result<Option<Key>, StoreError> {
    let Some(local) = local else { return Ok(None) };
    let keys: Vec<Key> = seen.items().iter().map(|item| item.key.clone()).collect();
    let old: BTreeSet<Key> = local.beyond(&keys, limit).await?;
    let recent = seen.items().iter().filter(|item| !old.contains(&item.key));
    Ok(recent.filter_map(|item| item.hint.clone()).min())
}
