//! One run of one account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use offlineimap_core::{
    Allowed, Creation, DeleteLimit, FolderPair, Listing, MailboxPlan, NameRules, Ordered, PerSide,
    Policy, Renamed, Role, RuleError, Side, Steps, Store, StoreError, StoreErrorKind,
    StructurePlan, SystemFlag, plan_mailboxes, review,
};
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Events, FolderLabel, RepositoryLabel};
use crate::execute::{Execution, execute};
use crate::hooks::{Hooks, NotPrepared};
use crate::legacy::OldFiles;
use crate::lock::{AccountLock, LockError};
use crate::moves::without_moved;
use crate::quick::{Outlook, Pace, Stamps, outlook};
use crate::restriction::Restrictions;
use crate::state::{State, StateError};
use crate::survey::{Survey, Surveyed};

/// Whether a run changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The plan is carried out.
    Sync,
    /// The plan is told as [`Event::Planned`]; nothing at all is written, no lock is taken.
    DryRun,
}

/// How hard the state is held on to (`fsync`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Each transaction survives a loss of power.
    Full,
    /// The latest transactions may be lost with the power; the state stays whole.
    Relaxed,
}

/// An account, ready to be synced.
#[derive(Clone)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The metadata directory (`general.metadata`). Created if it is missing.
    pub metadata: PathBuf,
    /// A directory for temporary files.
    pub scratch: PathBuf,
    /// Its stores.
    pub stores: PerSide<Arc<dyn Store>>,
    /// The name rules of both repositories.
    pub rules: PerSide<Arc<dyn NameRules + Send + Sync>>,
    /// What may be changed.
    pub policy: Policy,
    /// What is left out.
    pub restrictions: Restrictions,
    /// How thorough this run is.
    pub pace: Pace,
    /// How the messages of a folder are copied from each side.
    pub copy_order: PerSide<CopyOrder>,
    /// How much may be deleted.
    pub delete_limit: DeleteLimit,
    /// Where more may be deleted in this run.
    pub allowed: Allowed,
    /// Whether this run changes anything.
    pub mode: Mode,
    /// How hard the state is held on to.
    pub durability: Durability,
    /// The witness of every change.
    pub steps: Steps,
    /// Asks the run to stop: the operation in hand is finished, and what is left can be resumed.
    pub stop: CancellationToken,
    /// The audience.
    pub events: Arc<dyn Events>,
    /// What is done around the sync, under the lock.
    pub hooks: Arc<dyn Hooks>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How the messages of a folder are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyOrder {
    /// Several at once where that is worth it.
    #[default]
    Any,
    /// One after another, in the order of their keys.
    OneByOne,
}

/// What ends a run. All of it is told as an event; other accounts go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    NotPrepared(#[from] NotPrepared),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("cannot create the metadata directory '{path}': {source}", path = path.display())]
    Metadata { path: PathBuf, source: std::io::Error },
}

/// Syncs an account once, and tells everything as events. Both stores are closed on return.
pub async fn sync_account(account: &Account) {
    let started = Instant::now();
    account.tell(&Event::AccountStarted { account: account.name.clone() });
    let ran = run(account).await;
    if let Err(error) = &ran {
        let cancelled =
            matches!(error, RunError::Store(it) if it.kind() == StoreErrorKind::Cancelled);
        if !cancelled {
            account.tell(&Event::error(format!("account '{}'", account.name), error));
        }
    }
    if account.stop.is_cancelled() {
        account.tell(&Event::Stopping);
    }
    close(account).await;
    if let Ok(lock) = ran {
        unless_stopped(account, account.hooks.after()).await;
        drop(lock);
    }
    account.tell(&Event::AccountFinished {
        account: account.name.clone(),
        elapsed: started.elapsed(),
    });
}

/// How long the operation in hand may take once the run was asked to stop. What is not done then is
/// left as after a crash, for the next run to settle.
const GRACE: Duration = Duration::from_millis(1500);

/// How long connections may take to end once the run was asked to stop.
const HASTY_CLOSE: Duration = Duration::from_millis(200);

/// Everything between the lock and the end of the last operation. What it returns holds the lock,
/// if there is one.
async fn run(account: &Account) -> Result<Option<AccountLock>, RunError> {
    let Some(prepared) = unless_stopped(account, prepare(account)).await else { return Ok(None) };
    let Prepared { state, executions, lock } = prepared?;
    if account.mode == Mode::DryRun {
        return Ok(lock);
    }
    let out_of_time = async {
        account.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        executed = execute(account, &state, executions) => executed?,
        () = out_of_time => {}
    }
    Ok(lock)
}

/// Does something, unless the run is asked to stop, before or meanwhile.
async fn unless_stopped<T>(account: &Account, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = account.stop.cancelled() => None,
        done = work => Some(done),
    }
}

async fn close(account: &Account) {
    let closing = async {
        tokio::join!(account.stores.remote.close(), account.stores.local.close());
    };
    let hasty = async {
        account.stop.cancelled().await;
        tokio::time::sleep(HASTY_CLOSE).await;
    };
    tokio::select! {
        () = closing => {}
        () = hasty => {}
    }
}

/// An account whose plans have passed, locked.
struct Prepared {
    state: State,
    executions: Vec<Execution>,
    lock: Option<AccountLock>,
}

/// Everything up to the first change of a message: reads, and the creation of folders.
async fn prepare(account: &Account) -> Result<Prepared, RunError> {
    let path = account.state_path();
    let (lock, state) = match account.mode {
        Mode::Sync => {
            create_private(&account.metadata).map_err(metadata_error(&account.metadata))?;
            let lock = AccountLock::take(&account.metadata, &account.name)?;
            account.hooks.before().await?;
            let directory = account.directory();
            create_private(&directory).map_err(metadata_error(&directory))?;
            let (state, damaged) =
                State::open(&path, account.durability, account.steps.clone()).await?;
            if let Some(damaged) = damaged {
                account.tell(&Event::Warning {
                    message: format!(
                        "the state of account '{}' was damaged; it was moved to '{}', and what it \
                         knew is found out again by comparing both sides",
                        account.name,
                        damaged.display()
                    ),
                });
            }
            (Some(lock), state)
        }
        Mode::DryRun => {
            account.hooks.before().await?;
            (None, State::open_copy(&path, &account.scratch).await?)
        }
    };
    let mut attempted = BTreeSet::new();
    let (listing, structure) = loop {
        let (listing, structure) = plan_structure(account, list(account).await?).await?;
        let known: Vec<FolderPair> =
            state.mailboxes().await?.into_iter().map(|row| row.folder).collect();
        let structure = structure.without_renamed(&known, &listing.local);
        // A server may create parents along with a folder: look again until nothing is missing.
        if account.mode == Mode::DryRun
            || !create_missing(account, &state, &structure, &mut attempted).await?
        {
            break (listing, structure);
        }
    };
    tell_unusable(account, &listing);
    let folders = folders_to_sync(account, structure);
    let repositories = account
        .stores
        .as_ref()
        .map(|store| RepositoryLabel { repository: store.name().to_owned(), kind: store.kind() });
    account.tell(&Event::FoldersStarted { repositories });
    let Outlook { folders, resting, stamps } = outlook(account, &state, folders).await?;
    let surveyed = survey_all(account, &state, &listing, folders, stamps).await?;
    let executions = review_all(account, surveyed, resting).await;
    Ok(Prepared { state, executions, lock })
}

/// Creates a directory of the metadata, for nobody else to read, unless it is there.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn metadata_error(path: &Path) -> impl FnOnce(std::io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::Metadata { path, source }
}

async fn list(account: &Account) -> Result<PerSide<Listing>, RunError> {
    let stores = &account.stores;
    let (remote, local) = tokio::join!(stores.remote.list(), stores.local.list());
    Ok(PerSide { remote: remote?, local: local? })
}

/// Plans the folders, away from the threads that drive connections: rules may take their time.
async fn plan_structure(
    account: &Account,
    listing: PerSide<Listing>,
) -> Result<(PerSide<Listing>, StructurePlan), RunError> {
    let (rules, policy) = (account.rules.clone(), account.policy);
    let planned = tokio::task::spawn_blocking(move || {
        let rules = PerSide { remote: &*rules.remote as _, local: &*rules.local as _ };
        plan_mailboxes(listing.as_ref(), rules, policy).map(|structure| (listing, structure))
    });
    let planned = planned.await;
    Ok(planned.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?)
}

/// Creates the folders that are missing, each once in a run, and tells whether any was created.
async fn create_missing(
    account: &Account,
    state: &State,
    structure: &StructurePlan,
    attempted: &mut BTreeSet<(Side, FolderPair)>,
) -> Result<bool, RunError> {
    let mut created = false;
    for side in Side::BOTH {
        for Creation { pair } in structure.create.get(side) {
            if account.stop.is_cancelled() || !attempted.insert((side, pair.clone())) {
                continue;
            }
            let folder = account.label(side, pair);
            let context = format!("creating folder {folder}");
            account.tell(&Event::FolderCreating { folder });
            // Forgotten first: whatever is missing in the new folder was not deleted there.
            state.purge(pair).await?;
            match account.stores.get(side).create(pair.name(side)).await {
                Ok(()) => created = true,
                Err(error) => {
                    account.tell(&Event::error(context, &error));
                    if error.kind() == StoreErrorKind::Store {
                        return Err(error.into());
                    }
                }
            }
        }
    }
    Ok(created)
}

fn tell_unusable(account: &Account, listing: &PerSide<Listing>) {
    for side in Side::BOTH {
        for (name, why) in &listing.get(side).unusable {
            account.tell(&Event::FolderUnusable {
                repository: account.stores.get(side).name().to_owned(),
                name: name.clone(),
                why: why.clone(),
            });
        }
        for (name, why) in &listing.get(side).missing {
            let repository = account.stores.get(side).name();
            account.tell(&Event::Error {
                context: format!("folder '{name}' of repository '{repository}' (folderincludes)"),
                message: why.clone(),
            });
        }
    }
}

/// A folder to survey, and the sides on which it exists.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) pair: FolderPair,
    /// The name of the remote folder after its translation.
    pub(crate) visible: String,
    /// False only in a dry run, for a folder that a real run would have created.
    pub(crate) exists: PerSide<bool>,
}

/// Tells what is left alone, and returns what is to be synced, in order.
fn folders_to_sync(account: &Account, structure: StructurePlan) -> Vec<Folder> {
    for ignored in structure.ignored {
        let repository = account.stores.get(ignored.side).name().to_owned();
        account.tell(&Event::FolderIgnored { ignored, repository });
    }
    for names in structure.infinite {
        let repositories = account.stores.as_ref().map(|store| store.name().to_owned());
        account.tell(&Event::FolderCreationInfinite { names, repositories });
    }
    for renamed in &structure.renamed {
        account.tell(&renaming(account, renamed));
    }
    let both = PerSide { remote: true, local: true };
    let mut exists: BTreeMap<FolderPair, PerSide<bool>> =
        structure.pairs.into_iter().map(|pair| (pair, both)).collect();
    if account.mode == Mode::DryRun {
        for side in Side::BOTH {
            for Creation { pair } in structure.create.get(side) {
                account.tell(&Event::FolderCreating { folder: account.label(side, pair) });
                let mut one = both;
                *one.get_mut(side) = false;
                exists.insert(pair.clone(), one);
            }
        }
    }
    let folder =
        |Ordered { pair, visible }| Some(Folder { exists: exists.remove(&pair)?, visible, pair });
    structure.order.into_iter().filter_map(folder).collect()
}

/// The complaint about a folder whose name the user's rules have changed.
fn renaming(account: &Account, Renamed { known, now, side }: &Renamed) -> Event {
    let repositories = account.stores.as_ref().map(|store| store.name());
    let advice = match side {
        Side::Local => format!("Rename the local folder '{}' to '{}'", known.local, now.local),
        Side::Remote => {
            format!("Give the local folder '{}' the name that it has now", known.local)
        }
    };
    let message = format!(
        "folder '{}' of repository '{}' was kept the same as folder '{}' of repository '{}' until \
         now, and would be copied once more as folder '{}' of repository '{}': have its options \
         changed? {advice}, or put the options back. Nothing is copied until then.",
        known.name(side.other()),
        repositories.get(side.other()),
        known.name(*side),
        repositories.get(*side),
        now.name(*side),
        repositories.get(*side),
    );
    Event::Error { context: account.folder_context(known), message }
}

/// Looks at all folders, several at a time, and returns their plans in folder order.
async fn survey_all(
    account: &Account,
    state: &State,
    listing: &PerSide<Listing>,
    folders: Vec<Folder>,
    stamps: PerSide<Stamps>,
) -> Result<Vec<Surveyed>, RunError> {
    let old = OldFiles::find(account, listing).await?.map(Arc::new);
    let separators = listing.as_ref().map(|it| it.separator);
    let survey = Survey { account, state, separators, old, stamps };
    let width = account.stores.remote.parallelism().max(1);
    let mut looks = futures_util::stream::iter(folders)
        .map(|folder| {
            let survey = &survey;
            async move {
                if account.stop.is_cancelled() {
                    return Ok(None);
                }
                survey.look(&folder).await
            }
        })
        .buffered(width);
    let mut surveyed = Vec::new();
    while let Some(look) = looks.next().await {
        match look {
            Ok(Some(mut one)) => {
                one.role = role(listing, &one.folder);
                surveyed.push(one);
            }
            Ok(None) => {}
            Err((_, RunError::Store(error))) if error.kind() == StoreErrorKind::Cancelled => {}
            Err((folder, RunError::Store(error))) if error.kind() < StoreErrorKind::Store => {
                account.tell(&Event::error(account.folder_context(&folder), &error));
                account.tell_finished(&folder);
            }
            Err((_, error)) => return Err(error),
        }
    }
    Ok(surveyed)
}

fn role(listing: &PerSide<Listing>, folder: &FolderPair) -> Option<Role> {
    Side::BOTH.into_iter().find_map(|side| {
        let listing = listing.get(side);
        let name = folder.name(side);
        let told = listing.mailboxes.iter().find(|entry| entry.name == *name)?.role;
        told.or_else(|| Role::from_name(name.as_str(), listing.separator))
    })
}

/// Reviews all plans together, and tells what is refused, withheld and (in a dry run) planned.
/// `resting` messages are in folders that were skipped: they are part of the account, too.
async fn review_all(account: &Account, surveyed: Vec<Surveyed>, resting: usize) -> Vec<Execution> {
    let mut tallies = without_moved(account, &surveyed, resting).await.into_iter();
    let mut open = Vec::new();
    let mut plans = Vec::new();
    for (one, tally) in surveyed.into_iter().zip(tallies.by_ref()) {
        let (mailbox, plan) = one.into_parts();
        open.push(mailbox);
        plans.push((tally, plan));
    }
    plans.extend(tallies.map(|tally| (tally, MailboxPlan::default())));
    let review = review(plans, account.delete_limit, &account.allowed);
    let mut executions = Vec::new();
    for (mailbox, verdict) in open.into_iter().zip(review.verdicts) {
        let reviewed = match verdict {
            Ok(reviewed) => reviewed,
            Err(refusal) => {
                account.tell(&Event::Refused(refusal));
                account.tell_finished(&mailbox.folder);
                continue;
            }
        };
        let folder = account.labels(&mailbox.folder);
        if !reviewed.plan().withheld.is_empty() {
            let withheld = reviewed.plan().withheld.clone();
            account.tell(&Event::Withheld { folder: folder.clone(), withheld });
        }
        if account.mode == Mode::DryRun {
            account.tell(&Event::Planned { folder, plan: Box::new(reviewed.plan().clone()) });
            announce_new_mail(account, &mailbox.folder, reviewed.plan()).await;
            account.tell_finished(&mailbox.folder);
        }
        executions.push(Execution { mailbox, plan: reviewed });
    }
    executions
}

/// Tells the hooks of a dry run about new mail that a sync would copy.
async fn announce_new_mail(account: &Account, folder: &FolderPair, plan: &MailboxPlan) {
    for to in Side::BOTH {
        let from = to.other();
        if plan.copies.get(to).iter().any(|op| !op.flags.contains(SystemFlag::Seen)) {
            account.hooks.new_mail(from, folder.name(from)).await;
        }
    }
}

impl Account {
    pub(crate) fn tell(&self, event: &Event) {
        self.events.event(event);
    }

    /// Tells that there is no more to do in a folder.
    pub(crate) fn tell_finished(&self, folder: &FolderPair) {
        self.tell(&Event::FolderFinished { folder: self.labels(folder) });
    }

    /// The directory of this account below the metadata directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.metadata.join(format!("Account-{}", self.name))
    }

    /// The state database.
    pub(crate) fn state_path(&self) -> PathBuf {
        self.directory().join("state.sqlite")
    }

    pub(crate) fn label(&self, side: Side, folder: &FolderPair) -> FolderLabel {
        let store = self.stores.get(side);
        FolderLabel {
            repository: store.name().to_owned(),
            kind: store.kind(),
            folder: folder.name(side).clone(),
        }
    }

    pub(crate) fn labels(&self, folder: &FolderPair) -> PerSide<FolderLabel> {
        PerSide::from_fn(|side| self.label(side, folder))
    }

    pub(crate) fn folder_context(&self, folder: &FolderPair) -> String {
        format!("folder '{}' [acc: '{}']", folder.local, self.name)
    }
}
