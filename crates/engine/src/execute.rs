//! Carrying out what the review passed. The only module that calls a changing method of a store.
//!
//! All copies of the account come first, then flags, then deletions: a message that was moved is
//! stored in its new folder before it is removed from the old one, and if storing it failed, the
//! deletion waits for a run in which it succeeds.

mod append;
mod body;
mod change;
mod copy;
mod deliver;
mod hold;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use offlineimap_core::{
    Delivery, Fingerprint, MailboxPlan, Pair, Reviewed, Side, StoreError, StoreErrorKind,
};
use tokio::sync::Mutex;

use crate::account::{Account, CopyOrder, RunError};
use crate::event::Event;
use crate::quick::Pace;
use crate::restriction::Period;
use crate::state::{Change, Settled, Standing, State};
use crate::survey::OpenFolder;

/// A folder and the plan that passed.
pub(crate) struct Execution {
    pub(crate) mailbox: OpenFolder,
    pub(crate) plan: Reviewed,
}

/// A copy that did not succeed. Deletions of the same message on the receiving side wait.
#[derive(Debug)]
pub(crate) struct FailedCopy {
    /// The side that did not get the message.
    pub(crate) to: Side,
    /// What it looks like; `None` if that could not be found out.
    pub(crate) content: Option<Fingerprint>,
}

/// Carries out one folder's plan. Shared by its phases.
pub(crate) struct Worker<'a> {
    pub(crate) account: &'a Account,
    pub(crate) state: &'a State,
    pub(crate) open: OpenFolder,
    pub(crate) failed_copies: &'a Mutex<Vec<FailedCopy>>,
    /// The operations of the plan that were confirmed and written down.
    pub(crate) confirmed: AtomicUsize,
}

/// Which copies are made in one pass over the folders.
///
/// Each copy holds a connection of its source while it waits for one of its target. Between two
/// servers, copies in opposite directions could wait for each other for ever.
#[derive(Debug, Clone, Copy)]
enum Pass {
    Both,
    ToLocal,
    ToRemote,
}

/// Carries out the plans of an account.
pub(crate) async fn execute(
    account: &Account,
    state: &State,
    executions: Vec<Execution>,
) -> Result<(), RunError> {
    let failed_copies = Mutex::new(Vec::new());
    let mut work = Vec::new();
    for Execution { mailbox: open, plan } in executions {
        // With nothing to do, how the folder looks is written down for quick runs only.
        let remembers = account.pace != Pace::Full && has_news(account, &open);
        if open.standing != Standing::Whole || !plan.plan().is_empty() || remembers {
            let failed_copies = &failed_copies;
            let confirmed = AtomicUsize::new(0);
            let worker = Worker { account, state, open, failed_copies, confirmed };
            work.push((worker, plan.into_plan()));
        } else {
            account.tell_finished(&open.folder);
        }
    }
    let work = &work;
    let width = account.stores.remote.parallelism().max(1);
    let folder = |at: usize| work.get(at).into_iter();
    let opposed = work.iter().any(|(worker, _)| worker.both_sides_assign_keys());
    let passes: &[Pass] = if opposed { &[Pass::ToLocal, Pass::ToRemote] } else { &[Pass::Both] };
    for pass in passes {
        let copies = futures_util::stream::iter(0..work.len()).map(|at| async move {
            for (worker, plan) in folder(at) {
                worker.copy_all(plan, *pass).await?;
            }
            Ok(())
        });
        let results: Vec<Result<(), RunError>> = copies.buffer_unordered(width).collect().await;
        results.into_iter().collect::<Result<(), RunError>>()?;
    }
    let changes = futures_util::stream::iter(0..work.len()).map(|at| async move {
        for (worker, plan) in folder(at) {
            worker.change_all(plan).await?;
            account.tell_finished(&worker.open.folder);
        }
        Ok(())
    });
    let results: Vec<Result<(), RunError>> = changes.buffer_unordered(width).collect().await;
    results.into_iter().collect()
}

/// What quick runs will compare with, if this run leaves nothing to do in a folder.
fn settled(account: &Account, open: &OpenFolder) -> Settled {
    Settled { tokens: open.tokens.clone(), rule: account.restrictions.rule() }
}

fn has_news(account: &Account, open: &OpenFolder) -> bool {
    let comparable = account.restrictions.period == Period::Always && open.tokens.remote.is_some();
    comparable && open.settled.as_ref() != Some(&settled(account, open))
}

/// Below this many messages in either direction, signing in once more costs more than it brings.
const WORTH_A_SECOND_CONNECTION: usize = 512;

impl Worker<'_> {
    async fn copy_all(&self, plan: &MailboxPlan, pass: Pass) -> Result<(), RunError> {
        let (to_local, to_remote) = (&plan.copies.local, &plan.copies.remote);
        match pass {
            Pass::Both => {
                self.settle_base(plan).await?;
                let in_order =
                    Side::BOTH.iter().any(|side| self.order(*side) == CopyOrder::OneByOne);
                if in_order || to_local.len().min(to_remote.len()) < WORTH_A_SECOND_CONNECTION {
                    self.copy(Side::Local, to_local).await?;
                    self.copy(Side::Remote, to_remote).await?;
                } else {
                    // The plan is made: neither direction need wait for the other.
                    let (local, remote) = tokio::join!(
                        self.copy(Side::Local, to_local),
                        self.copy(Side::Remote, to_remote),
                    );
                    local.and(remote)?;
                }
                Ok(())
            }
            Pass::ToLocal => {
                self.settle_base(plan).await?;
                self.copy(Side::Local, to_local).await
            }
            Pass::ToRemote => self.copy(Side::Remote, to_remote).await,
        }
    }

    /// Tells whether both sides are servers, each with few connections.
    fn both_sides_assign_keys(&self) -> bool {
        Side::BOTH.into_iter().all(|side| {
            let mailbox = self.open.sides.get(side).as_ref();
            mailbox.is_some_and(|mailbox| mailbox.delivery() == Delivery::Assigned)
        })
    }

    async fn change_all(&self, plan: &MailboxPlan) -> Result<(), RunError> {
        let (local, remote) = (&plan.flags.local, &plan.flags.remote);
        if self.account.stores.remote.parallelism() > 1 {
            let (local, remote) = tokio::join!(
                self.change_flags(Side::Local, local),
                self.change_flags(Side::Remote, remote),
            );
            local.and(remote)?;
        } else {
            // One thing after the other is what `-1` asks for (`spec/cli.md` §4).
            self.change_flags(Side::Local, local).await?;
            self.change_flags(Side::Remote, remote).await?;
        }
        // One after the other: both ask the server, and two connections that show the same mailbox
        // make it look twice.
        self.delete(Side::Local, &plan.deletes.local).await?;
        self.delete(Side::Remote, &plan.deletes.remote).await?;
        // Last: everything above knows the messages by the keys that they had so far.
        self.rebind(&plan.rebind).await?;
        self.remember(plan).await
    }

    /// Writes down how the folder looked, if every operation was confirmed and nothing was withheld:
    /// as long as it looks like that, there is nothing to do.
    async fn remember(&self, plan: &MailboxPlan) -> Result<(), RunError> {
        let done = self.confirmed.load(Ordering::SeqCst) == plan.operations();
        if !done || !plan.withheld.is_empty() || !has_news(self.account, &self.open) {
            return Ok(());
        }
        let settled = Change::Settled(settled(self.account, &self.open));
        Ok(self.state.apply(self.open.id, vec![settled]).await?)
    }

    /// Writes changes of the base down, among them the outcome of so many operations.
    async fn confirm(&self, operations: usize, changes: Vec<Change>) -> Result<(), RunError> {
        self.state.apply(self.open.id, changes).await?;
        self.confirmed.fetch_add(operations, Ordering::SeqCst);
        Ok(())
    }

    /// Writes down what needs no effect: adoptions, renamed files, agreed flags, vanished pairs.
    async fn settle_base(&self, plan: &MailboxPlan) -> Result<(), RunError> {
        let mut changes: Vec<Change> =
            plan.forget.iter().map(|pair| Change::Forget { pair: pair.clone() }).collect();
        changes.extend(plan.adopt.iter().map(|adopt| {
            let pair = Pair::new(adopt.remote.clone(), adopt.local.clone(), adopt.flags.clone());
            Change::Insert(Pair { bounds: adopt.bounds, ..pair }, None)
        }));
        changes.extend(plan.rekey.iter().map(|rebind| Change::SetLocal {
            pair: rebind.pair.clone(),
            local: rebind.local.clone(),
        }));
        changes.extend(
            plan.agree
                .iter()
                .map(|(pair, change)| Change::Learn { pair: pair.clone(), change: change.clone() }),
        );
        changes.extend(
            plan.bounds
                .iter()
                .map(|(pair, bounds)| Change::SetBounds { pair: pair.clone(), bounds: *bounds }),
        );
        if !plan.bounds.is_empty() {
            // Under other restrictions there may be something to do although nothing happens.
            changes.push(Change::Unsettled);
        }
        if self.open.standing == Standing::Rebuilding {
            changes.push(Change::Rebuilt);
        }
        Ok(self.state.apply(self.open.id, changes).await?)
    }

    /// How messages are copied from a side.
    fn order(&self, from: Side) -> CopyOrder {
        *self.account.copy_order.get(from)
    }

    fn stopping(&self) -> bool {
        self.account.stop.is_cancelled()
    }

    fn tell_error(&self, doing: &str, error: &StoreError) {
        if error.kind() == StoreErrorKind::Cancelled {
            return;
        }
        let context = self.account.folder_context(&self.open.folder);
        self.account.tell(&Event::error(format!("{doing}, {context}"), error));
    }

    /// Tells an error that ends this part of the folder's work; passes on what ends the account.
    fn give_up(&self, doing: &str, error: StoreError) -> Result<(), RunError> {
        if error.kind() == StoreErrorKind::Store {
            return Err(error.into());
        }
        self.tell_error(doing, &error);
        Ok(())
    }
}
