//! Looking at one folder: observe both sides, settle what a crash left open, and plan.

use std::sync::Arc;

use offlineimap_core::{
    Access, Base, Epoch, FlagSupport, FolderPair, Frontier, Hints, Mailbox, MailboxPlan,
    Observation, PerSide, Role, Scope, Side, StoreError, plan,
};

use crate::account::{Account, Folder, Mode, RunError};
use crate::event::Event;
use crate::recover;
use crate::state::{MailboxId, State};

/// A folder that is open on both sides (in a dry run perhaps on one only).
#[derive(Clone)]
pub(crate) struct OpenFolder {
    pub(crate) id: MailboxId,
    pub(crate) folder: FolderPair,
    pub(crate) sides: PerSide<Option<Arc<dyn Mailbox>>>,
    pub(crate) frontiers: PerSide<Option<Frontier>>,
    pub(crate) hints: PerSide<Hints>,
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
}

type Failed = (FolderPair, RunError);

impl Survey<'_> {
    /// Looks at a folder. `None` if it has to be left alone, which was told then.
    pub(crate) async fn look(&self, folder: &Folder) -> Result<Option<Surveyed>, Failed> {
        let looked = self.try_look(folder).await;
        looked.map_err(|error| (folder.pair.clone(), error))
    }

    async fn try_look(&self, folder: &Folder) -> Result<Option<Surveyed>, RunError> {
        let account = self.account;
        account.tell(&Event::FolderStarted {
            account: account.name.clone(),
            folder: account.labels(&folder.pair),
        });
        let (remote, local) =
            tokio::join!(self.open(Side::Remote, folder), self.open(Side::Local, folder));
        let sides = PerSide { remote: remote?, local: local? };
        let (remote, local) = tokio::join!(
            self.observe(Side::Remote, sides.remote.as_deref()),
            self.observe(Side::Local, sides.local.as_deref()),
        );
        let seen = PerSide { remote: remote?, local: local? };
        let open = |id| OpenFolder {
            id,
            folder: folder.pair.clone(),
            sides: sides.clone(),
            frontiers: seen.as_ref().map(|it| it.frontier.clone()),
            hints: seen.as_ref().map(|it| it.hints),
        };
        let epochs = seen.as_ref().map(|it| it.epoch.clone());

        let mut base = self.state.base(&folder.pair).await?;
        if self.remote_was_replaced(folder, &base, &epochs) {
            return Ok(None);
        }
        let lost = match &base.epochs {
            None => true,
            Some(saved) => saved.local != epochs.local,
        };
        let id = if lost && base.epochs.is_some() {
            account
                .tell(&Event::LocalReplaced { folder: account.label(Side::Local, &folder.pair) });
            base = base.carried_over(&seen.local);
            self.state.carry_over(&folder.pair, &epochs, base.pairs().to_vec()).await?
        } else {
            self.state.enter_mailbox(&folder.pair, &epochs).await?
        };
        let open = open(id);
        if recover::settle_open(account, self.state, &open, &seen, &base).await? {
            base = self.state.base(&folder.pair).await?;
        }
        let mut plan = match plan(seen.as_ref(), &base, account.policy) {
            Ok(plan) => plan,
            Err(changed) => {
                // Both epochs were compared above; nothing may be changed all the same.
                account.tell(&Event::error(account.folder_context(&folder.pair), &changed));
                return Ok(None);
            }
        };
        if lost {
            self.pair_by_content(&open, &mut plan).await?;
        }
        let messages = base.live();
        Ok(Some(Surveyed { open, folder: folder.pair.clone(), plan, messages, role: None }))
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

    /// Observes one side; a folder that a real run would have created is empty and new.
    async fn observe(
        &self,
        side: Side,
        mailbox: Option<&dyn Mailbox>,
    ) -> Result<Observation, StoreError> {
        let Some(mailbox) = mailbox else {
            return Ok(Observation::complete(Epoch::new("to be created"), Vec::new()));
        };
        let mut seen = mailbox.observe().await?;
        if seen.access == Access::ReadOnly {
            // What cannot be stored there can still be read there.
            seen.support = FlagSupport::any();
            // A dry run opens everything for reading; what it may change is the policy's matter.
            if self.account.mode == Mode::DryRun && self.account.policy.may_change(side) {
                seen.access = Access::ReadWrite;
                seen.support = FlagSupport::system_flags();
            }
        }
        Ok(seen)
    }

    fn remote_was_replaced(&self, folder: &Folder, base: &Base, now: &PerSide<Epoch>) -> bool {
        let Some(saved) = &base.epochs else { return false };
        if saved.remote == now.remote {
            return false;
        }
        self.account.tell(&Event::EpochProblem {
            folder: self.account.label(Side::Remote, &folder.pair),
            side: Side::Remote,
            saved: saved.remote.to_string(),
            current: now.remote.to_string(),
        });
        true
    }

    /// Where the base was lost and messages would be copied both ways, finds out which of them
    /// are the same.
    async fn pair_by_content(
        &self,
        open: &OpenFolder,
        plan: &mut MailboxPlan,
    ) -> Result<(), StoreError> {
        let (Some(remote), Some(local)) = (&open.sides.remote, &open.sides.local) else {
            return Ok(());
        };
        if plan.copies.remote.is_empty() || plan.copies.local.is_empty() {
            return Ok(());
        }
        // Copies to the local side come from the remote, and the other way round.
        let keys = |copies: &[offlineimap_core::CopyOp]| {
            copies.iter().map(|op| op.source.clone()).collect::<Vec<_>>()
        };
        let (there, here) = (keys(&plan.copies.local), keys(&plan.copies.remote));
        let (there, here) = tokio::join!(
            remote.fingerprints(Scope::Keys(&there)),
            local.fingerprints(Scope::Keys(&here)),
        );
        plan.adopt_by_content(&there?, &here?);
        Ok(())
    }
}
