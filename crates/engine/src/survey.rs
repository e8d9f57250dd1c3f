//! Looking at one folder: observe both sides, settle what a crash left open, and plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use offlineimap_core::{
    Access, Base, Epoch, EpochChanged, Fingerprint, FlagSupport, FolderPair, Frontier, Hints, Key,
    Mailbox, MailboxPlan, Observation, PerSide, Role, RuleError, Scope, Side, StoreError,
    StoreErrorKind, Token, Window, plan,
};
use tokio::task::spawn_blocking;

use crate::account::{Account, Folder, Mode, RunError};
use crate::event::Event;
use crate::legacy::{OldFiles, Takeover};
use crate::quick::Stamps;
use crate::recover;
use crate::restriction::{Period, Sight};
use crate::state::{Change, Era, Known, MailboxId, Settled, Standing, State};

/// The open mailboxes of a folder; in a dry run perhaps only one.
pub(crate) type OpenSides = PerSide<Option<Arc<dyn Mailbox>>>;

/// A folder that is open on both sides (in a dry run perhaps on one only).
#[derive(Clone)]
pub(crate) struct OpenFolder {
    pub(crate) id: MailboxId,
    pub(crate) folder: FolderPair,
    pub(crate) sides: OpenSides,
    pub(crate) frontiers: PerSide<Option<Frontier>>,
    pub(crate) hints: PerSide<Hints>,
    pub(crate) supports: PerSide<FlagSupport>,
    pub(crate) standing: Standing,
    /// How the sides looked before they were listed.
    pub(crate) tokens: PerSide<Option<Token>>,
    /// What is remembered of an earlier sync that left nothing to do.
    pub(crate) settled: Option<Settled>,
}

/// A folder and what it needs.
pub(crate) struct Surveyed {
    pub(crate) open: OpenFolder,
    pub(crate) folder: FolderPair,
    pub(crate) plan: MailboxPlan,
    /// The number of messages on which both sides had agreed.
    pub(crate) messages: usize,
    pub(crate) role: Option<Role>,
}

impl Surveyed {
    pub(crate) fn into_parts(self) -> (OpenFolder, MailboxPlan) {
        (self.open, self.plan)
    }
}

pub(crate) struct Survey<'a> {
    pub(crate) account: &'a Account,
    pub(crate) state: &'a State,
    /// What separates the parts of names on each side.
    pub(crate) separators: PerSide<Option<char>>,
    /// What OfflineIMAP left, if it has synced this account.
    pub(crate) old: Option<Arc<OldFiles>>,
    /// How mailboxes looked at the beginning of the run.
    pub(crate) stamps: PerSide<Stamps>,
}

type Failed = (FolderPair, RunError);

impl Survey<'_> {
    /// Looks at a folder. `None` if it has to be left alone, which was told then.
    pub(crate) async fn look(&self, folder: &Folder) -> Result<Option<Surveyed>, Failed> {
        let looked = self.try_look(folder).await;
        if let Ok(None) = &looked {
            self.account.tell_finished(&folder.pair);
        }
        looked.map_err(|error| (folder.pair.clone(), error))
    }

    async fn try_look(&self, folder: &Folder) -> Result<Option<Surveyed>, RunError> {
        let account = self.account;
        account.tell(&Event::FolderStarted {
            account: account.name.clone(),
            visible: folder.visible.clone(),
            folder: account.labels(&folder.pair),
        });
        let (remote, local) =
            tokio::join!(self.open(Side::Remote, folder), self.open(Side::Local, folder));
        let sides = PerSide { remote: remote?, local: local? };
        let exists_on_both = folder.exists == (PerSide { remote: true, local: true });
        // A real run forgets the folder when it creates the missing side.
        let unknown = (!exists_on_both).then(Known::default);
        let known = match unknown {
            Some(unknown) => Some(unknown),
            // Where the window begins is written down.
            None if account.restrictions.period != Period::Always => {
                Some(self.state.base(&folder.pair).await?)
            }
            None => None,
        };
        let started_at = known.as_ref().and_then(|known| known.started_at.clone());
        for side in Side::BOTH {
            if sides.get(side).is_some() {
                account.tell(&Event::Listing { folder: account.label(side, &folder.pair) });
            }
        }
        let mut sight = self.observe_both(&sides, started_at.as_ref()).await?;
        for side in Side::BOTH {
            if sides.get(side).is_some() {
                let (folder, seen) = (account.label(side, &folder.pair), sight.seen.get(side));
                account.tell(&Event::Listed { folder, messages: seen.items().len() });
            }
        }
        let known = match known {
            Some(known) => known,
            None => self.state.base(&folder.pair).await?,
        };
        let seen = &sight.seen;
        let frontiers = seen.as_ref().map(|it| it.frontier.clone());
        let hints = PerSide::from_fn(|side| {
            let seen = seen.get(side);
            // What may not be written cannot be given hints.
            let writable = account.policy.may_change(side) && seen.access == Access::ReadWrite;
            if writable { seen.hints } else { Hints::None }
        });
        let era = Era {
            identities: account.stores.as_ref().map(|it| it.identity().unwrap_or_default()),
            epochs: seen.as_ref().map(|it| it.epoch.clone()),
        };
        let taken_over = if known.id.is_none() && exists_on_both {
            self.take_over(folder, &era, &sides, seen).await?
        } else {
            Takeover::Nothing
        };
        let entered = match taken_over {
            Takeover::Done(id) => {
                self.begin_where_it_began(folder, &sides, &mut sight).await?;
                Some((id, Standing::Rebuilding))
            }
            Takeover::LeftAlone => None,
            Takeover::Nothing => self.reconcile(folder, &known, &era, seen).await?,
        };
        let Some((id, standing)) = entered else { return Ok(None) };
        let Sight { mut seen, started_at, not_before } = sight;
        if let Some(started_at) = started_at
            && known.started_at.as_ref() != Some(&started_at)
        {
            self.state.apply(id, vec![Change::StartAt(started_at)]).await?;
        }
        if standing == Standing::Rebuilding {
            self.see_outside(&sides, &mut seen).await?;
        }
        self.tell_missing_keywords(&seen);
        let supports = seen.as_ref().map(|it| it.support.clone());
        let folder_pair = folder.pair.clone();
        let tokens = PerSide::from_fn(|side| {
            // Servers tell more of this in a STATUS than in a SELECT, and of one kind is compared.
            let stamp = self.stamps.get(side).get(folder.pair.name(side));
            stamp.or(seen.get(side).token.as_ref()).cloned()
        });
        let settled = known.settled;
        let open = OpenFolder {
            id,
            folder: folder_pair,
            sides,
            frontiers,
            hints,
            supports,
            standing,
            tokens,
            settled,
        };
        let mut base = match standing {
            Standing::Whole => known.base,
            Standing::Rebuilding => self.state.base(&folder.pair).await?.base,
        };
        if recover::settle_open(account, self.state, &open, &seen, &base).await? {
            base = self.state.base(&folder.pair).await?.base;
        }
        let planned = match standing {
            Standing::Whole => plan(seen.as_ref(), &base, account.policy).map_err(PlanError::Epoch),
            Standing::Rebuilding => self.plan_by_content(&open, &mut seen, &base).await,
        };
        let mut plan = match planned {
            Ok(plan) => plan,
            Err(PlanError::Store(error)) => return Err(error.into()),
            Err(PlanError::Epoch(changed)) => {
                // The epochs were reconciled above; nothing may be changed all the same.
                account.tell(&Event::error(account.folder_context(&folder.pair), &changed));
                return Ok(None);
            }
        };
        self.leave_out_local(&open.sides, not_before, &mut plan).await?;
        self.withhold_copies(folder, &mut plan).await?;
        let messages = base.live();
        Ok(Some(Surveyed { open, folder: folder.pair.clone(), plan, messages, role: None }))
    }

    /// Returns the name by which the other side knows a folder of this one.
    async fn visible(&self, side: Side, folder: &Folder) -> Result<String, RuleError> {
        let (rules, separator) = (self.account.rules.get(side), *self.separators.get(side));
        let (rules, name) = (Arc::clone(rules), folder.pair.name(side).clone());
        spawn_blocking(move || rules.visible_name(name.as_str(), separator))
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Takes the messages out of a plan that are never copied.
    async fn withhold_copies(
        &self,
        folder: &Folder,
        plan: &mut MailboxPlan,
    ) -> Result<(), RunError> {
        let account = self.account;
        for from in Side::BOTH {
            let to = from.other();
            if plan.copies.get(to).is_empty() {
                continue;
            }
            let visible = self.visible(from, folder).await?;
            let never = account
                .hooks
                .never_copied(from, &visible)
                .await
                .map_err(|error| StoreError::new(StoreErrorKind::Mailbox, error.reason))?;
            plan.withhold_copies(to, &never);
        }
        Ok(())
    }

    /// Compares the era of the state with what was found, and enters the mailbox in the new one.
    /// `None` if the server gave its keys a new meaning, so that nothing may be done.
    async fn reconcile(
        &self,
        folder: &Folder,
        known: &Known,
        era: &Era,
        seen: &PerSide<Observation>,
    ) -> Result<Option<(MailboxId, Standing)>, RunError> {
        let kept = match (&known.base.epochs, known.id) {
            (Some(saved), _) if saved.remote != era.epochs.remote => {
                self.account.tell(&Event::EpochProblem {
                    folder: self.account.label(Side::Remote, &folder.pair),
                    side: Side::Remote,
                    saved: saved.remote.to_string(),
                    current: era.epochs.remote.to_string(),
                });
                return Ok(None);
            }
            (Some(saved), Some(id)) if known.identities == era.identities => {
                if saved.local == era.epochs.local {
                    return Ok(Some((id, known.standing)));
                }
                let folder = self.account.label(Side::Local, &folder.pair);
                if numbers_messages(Side::Local, &seen.local) {
                    self.account.tell(&Event::EpochProblem {
                        folder,
                        side: Side::Local,
                        saved: saved.local.to_string(),
                        current: era.epochs.local.to_string(),
                    });
                    return Ok(None);
                }
                self.account.tell(&Event::LocalReplaced { folder });
                known.base.clone().carried_over(&seen.local).pairs().to_vec()
            }
            // New, or another repository, whose keys may mean other messages.
            _ => Vec::new(),
        };
        let id = self.state.carry_over(&folder.pair, era, kept).await?;
        Ok(Some((id, Standing::Rebuilding)))
    }

    async fn open(
        &self,
        side: Side,
        folder: &Folder,
    ) -> Result<Option<Arc<dyn Mailbox>>, StoreError> {
        if !folder.exists.get(side) {
            return Ok(None);
        }
        let account = self.account;
        let access = match account.mode {
            Mode::Sync if account.policy.may_change(side) => Access::ReadWrite,
            Mode::Sync | Mode::DryRun => Access::ReadOnly,
        };
        account.stores.get(side).open(folder.pair.name(side), access).await.map(Some)
    }

    /// Observes one side within a window; a folder that a real run would have created is empty and new.
    pub(crate) async fn observe(
        &self,
        side: Side,
        mailbox: Option<&dyn Mailbox>,
        window: &Window,
    ) -> Result<Observation, StoreError> {
        let Some(mailbox) = mailbox else {
            return Ok(Observation::complete(Epoch::new("to be created"), Vec::new()));
        };
        let mut seen = mailbox.observe_within(window).await?;
        if seen.access == Access::ReadOnly {
            // What cannot be stored there can still be read there.
            seen.support = FlagSupport::any();
            // A dry run opens everything for reading; what it may change is the policy's matter.
            if self.account.mode == Mode::DryRun && self.account.policy.may_change(side) {
                seen.access = Access::ReadWrite;
            }
        }
        Ok(seen)
    }

    /// Tells, once for the folder, which keywords of the remote side stay there because the local
    /// side has places for some keywords, but not for these (`spec/sync.md` §9).
    fn tell_missing_keywords(&self, seen: &PerSide<Observation>) {
        let support = &seen.local.support;
        let items = seen.remote.items().iter().filter(|item| !seen.remote.leaves_out(&item.key));
        let missing: BTreeSet<String> = items
            .flat_map(|item| support.missing_keywords(&item.flags))
            .map(|keyword| format!("'{keyword}'"))
            .collect();
        if missing.is_empty() {
            return;
        }
        let names: Vec<String> = missing.into_iter().collect();
        let message = format!(
            "Unknown keywords skipped: [{}]\nYou may want to change your configuration to include \
             those",
            names.join(", ")
        );
        self.account.tell(&Event::Warning { message });
    }

    /// Plans a folder whose base was lost, wholly or in part: messages are recognised by the key
    /// in their hint and by their content, and a hint that the content contradicts is not believed.
    async fn plan_by_content(
        &self,
        open: &OpenFolder,
        seen: &mut PerSide<Observation>,
        base: &Base,
    ) -> Result<MailboxPlan, PlanError> {
        let policy = self.account.policy;
        let mut plan_now = plan(seen.as_ref(), base, policy).map_err(PlanError::Epoch)?;
        let (Some(remote), Some(local)) = (&open.sides.remote, &open.sides.local) else {
            return Ok(plan_now);
        };
        let there = plan_now.adopt.iter().map(|it| it.remote.clone()).collect();
        let here = plan_now.adopt.iter().map(|it| it.local.clone()).collect();
        let looks = fingerprints(&**remote, there, &**local, here).await?;
        let contradicted: BTreeSet<Key> = plan_now
            .adopt
            .iter()
            .filter(|it| looks.contradict(&it.remote, &it.local))
            .map(|it| it.local.clone())
            .collect();
        if !contradicted.is_empty() {
            seen.local = seen.local.clone().without_hints_of(&contradicted);
            plan_now = plan(seen.as_ref(), base, policy).map_err(PlanError::Epoch)?;
        }
        let (there, here) = (plan_now.unpaired(Side::Remote), plan_now.unpaired(Side::Local));
        let mut looks = fingerprints(&**remote, there, &**local, here).await?;
        if let Some(at_rest) = looks.local_at_rest.take() {
            // What was downloaded is the same on both sides; what was uploaded may lack something.
            plan_now.adopt_by_content(seen.as_ref(), policy, &looks.remote, &at_rest);
            looks.leave(&plan_now);
        }
        plan_now.adopt_by_content(seen.as_ref(), policy, &looks.remote, &looks.local);
        Ok(plan_now)
    }
}

/// Tells whether a side's keys are numbers, which mean other messages in another epoch. A Maildir's
/// are names, which a message keeps for ever.
pub(crate) fn numbers_messages(side: Side, seen: &Observation) -> bool {
    side == Side::Remote || seen.hints == Hints::None
}

enum PlanError {
    Epoch(EpochChanged),
    Store(StoreError),
}

impl From<StoreError> for PlanError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What messages of both sides look like, sorted by key.
pub(crate) struct Looks {
    remote: Vec<(Key, Fingerprint)>,
    /// As they would be uploaded.
    local: Vec<(Key, Fingerprint)>,
    /// As they lie there, if that is different.
    local_at_rest: Option<Vec<(Key, Fingerprint)>>,
}

impl Looks {
    /// Tells whether two messages cannot be the same. OfflineIMAP changed sizes when it copied,
    /// never Message-IDs; so sizes count only where there is no Message-ID. mbsync changed them
    /// too, but only by a field of its own.
    pub(crate) fn contradict(&self, remote: &Key, local: &Key) -> bool {
        let there = look_up(&self.remote, remote);
        let differ = |here: &[(Key, Fingerprint)]| match (there, look_up(here, local)) {
            (Some(there), Some(here)) => match (&there.message_id, &here.message_id) {
                (None, None) => {
                    there.wire_octets != here.wire_octets && !there.differs_by_mark_of_mbsync(here)
                }
                (there, here) => there != here,
            },
            // One of them is gone by now; the next run looks again.
            _ => true,
        };
        // It was downloaded, and is the same in every respect; or it was uploaded.
        differ(&self.local) && self.local_at_rest.as_deref().is_none_or(differ)
    }

    /// Leaves just the messages that are not paired in a plan.
    fn leave(&mut self, plan: &MailboxPlan) {
        for (side, looks) in [(Side::Remote, &mut self.remote), (Side::Local, &mut self.local)] {
            let unpaired: BTreeSet<Key> = plan.unpaired(side).into_iter().collect();
            looks.retain(|(key, _)| unpaired.contains(key));
        }
    }
}

fn look_up<'a>(sorted: &'a [(Key, Fingerprint)], key: &Key) -> Option<&'a Fingerprint> {
    let at = sorted.binary_search_by(|(it, _)| it.cmp(key)).ok()?;
    sorted.get(at).map(|(_, fingerprint)| fingerprint)
}

/// Asks both sides what these messages look like.
pub(crate) async fn fingerprints(
    remote: &dyn Mailbox,
    there: Vec<Key>,
    local: &dyn Mailbox,
    here: Vec<Key>,
) -> Result<Looks, StoreError> {
    if there.is_empty() || here.is_empty() {
        return Ok(Looks { remote: Vec::new(), local: Vec::new(), local_at_rest: None });
    }
    let (remote, local, local_at_rest) = tokio::join!(
        remote.fingerprints(Scope::Keys(&there)),
        local.fingerprints(Scope::Keys(&here)),
        local.fingerprints_at_rest(&here),
    );
    let mut looks = Looks { remote: remote?, local: local?, local_at_rest: local_at_rest? };
    let all = [&mut looks.remote, &mut looks.local].into_iter();
    for one in all.chain(&mut looks.local_at_rest) {
        one.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Ok(looks)
}
