//! Quick syncs (`spec/sync.md` §7): folders that nothing has happened in are not looked at.
//!
//! A folder is skipped only if the last sync did everything that it had planned there, the remote
//! side still has the stamp that it had before it was listed then, and the local side shows just
//! what the base knows. In doubt it is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use offlineimap_core::{
    Access, FolderPair, MailboxName, PerSide, Side, StoreError, StoreErrorKind, Token, is_unchanged,
};

use crate::account::{Account, Folder, RunError};
use crate::event::Event;
use crate::restriction::Period;
use crate::state::{Known, Settled, Standing, State};

/// How thorough a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Every folder is looked at.
    #[default]
    Full,
    /// Every folder is looked at, and how it looks is remembered for quick runs to come, even where
    /// there was nothing to do.
    FullBeforeQuick,
    /// Folders in which nothing has happened are skipped.
    Quick,
}

/// What a run has to look at.
pub(crate) struct Outlook {
    pub(crate) folders: Vec<Folder>,
    /// The number of messages in the folders that are skipped.
    pub(crate) resting: usize,
    /// How the mailboxes looked at the beginning, where that is of use.
    pub(crate) stamps: PerSide<Stamps>,
}

/// The stamps of mailboxes that have one.
pub(crate) type Stamps = BTreeMap<MailboxName, Token>;

/// A folder that may have to be skipped.
struct Candidate {
    pair: FolderPair,
    visible: String,
    tokens: PerSide<Option<Token>>,
    known: Known,
}

/// Finds the folders in which nothing has happened, tells them, and returns the others.
pub(crate) async fn outlook(
    account: &Account,
    state: &State,
    folders: Vec<Folder>,
) -> Result<Outlook, RunError> {
    let mut outlook = Outlook { folders, resting: 0, stamps: PerSide::default() };
    if account.pace == Pace::Full {
        return Ok(outlook);
    }
    if account.restrictions.period != Period::Always {
        if account.pace == Pace::Quick {
            tell_ignored(account, &outlook.folders);
        }
        return Ok(outlook);
    }
    for side in Side::BOTH {
        *outlook.stamps.get_mut(side) = stamps(account, side, &outlook.folders).await?;
    }
    if account.pace == Pace::FullBeforeQuick {
        return Ok(outlook);
    }
    let mut skipped = BTreeSet::new();
    for Candidate { pair, visible, known, .. } in unchanged(account, state, &outlook).await? {
        account.tell(&Event::FolderStarted {
            account: account.name.clone(),
            folder: account.labels(&pair),
            visible,
        });
        account.tell(&Event::FolderSkipped { folder: account.label(Side::Remote, &pair) });
        outlook.resting += known.base.live();
        skipped.insert(pair);
    }
    outlook.folders.retain(|folder| !skipped.contains(&folder.pair));
    Ok(outlook)
}

fn tell_ignored(account: &Account, folders: &[Folder]) {
    for _ in folders {
        let message = "Quick syncs (-q) not supported in conjunction with maxage or startdate; \
                       ignoring -q.";
        account.tell(&Event::Warning { message: message.to_owned() });
    }
}

/// Reads the stamps of one side. Without them everything is looked at.
async fn stamps(account: &Account, side: Side, folders: &[Folder]) -> Result<Stamps, RunError> {
    let there = folders.iter().filter(|folder| *folder.exists.get(side));
    let names: Vec<MailboxName> = there.map(|folder| folder.pair.name(side).clone()).collect();
    match account.stores.get(side).stamps(&names).await {
        Ok(stamps) => {
            let pairs = names.into_iter().zip(stamps);
            Ok(pairs.filter_map(|(name, stamp)| Some((name, stamp?))).collect())
        }
        Err(error) if error.kind() == StoreErrorKind::Store => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "no stamps of the {side} side; every folder is looked at");
            Ok(Stamps::new())
        }
    }
}

/// Finds the folders of which both sides are unchanged: the server's by its stamp, and a local one,
/// of which there are none, by everything that is in it.
async fn unchanged(
    account: &Account,
    state: &State,
    outlook: &Outlook,
) -> Result<Vec<Candidate>, RunError> {
    let mut candidates = Vec::new();
    for folder in &outlook.folders {
        candidates.extend(candidate(account, state, folder).await?);
    }
    let is_same = |side: Side, candidate: &Candidate| {
        let now = outlook.stamps.get(side).get(candidate.pair.name(side));
        now.is_some().then(|| now == candidate.tokens.get(side).as_ref())
    };
    candidates.retain(|candidate| is_same(Side::Remote, candidate) == Some(true));
    let width = account.stores.local.parallelism().max(1);
    let looks = candidates.into_iter().map(|candidate| async move {
        let same = match is_same(Side::Local, &candidate) {
            Some(same) => same,
            // One that cannot be looked at is told of by the sync.
            None => shows_the_base(account, &candidate).await.unwrap_or(false),
        };
        same.then_some(candidate)
    });
    let mut kept = Vec::new();
    let mut looks = futures_util::stream::iter(looks).buffered(width);
    while let Some(look) = looks.next().await {
        kept.extend(look);
    }
    Ok(kept)
}

/// Returns what is known of a folder whose last sync left nothing to do under the present rules.
async fn candidate(
    account: &Account,
    state: &State,
    folder: &Folder,
) -> Result<Option<Candidate>, RunError> {
    if folder.exists != (PerSide { remote: true, local: true }) {
        return Ok(None);
    }
    let known = state.base(&folder.pair).await?;
    let identities = account.stores.as_ref().map(|it| it.identity().unwrap_or_default());
    let (Some(id), Some(Settled { tokens, rule })) = (known.id, known.settled.clone()) else {
        return Ok(None);
    };
    let holds = known.standing == Standing::Whole
        && known.identities == identities
        && rule == account.restrictions.rule()
        && state.open_intents(id).await?.is_empty();
    Ok(holds.then(|| Candidate {
        pair: folder.pair.clone(),
        visible: folder.visible.clone(),
        tokens,
        known,
    }))
}

/// Tells whether the local side shows just what the base knows.
async fn shows_the_base(account: &Account, candidate: &Candidate) -> Result<bool, StoreError> {
    let name = candidate.pair.name(Side::Local);
    let mailbox = Arc::clone(&account.stores.local).open(name, Access::ReadOnly).await?;
    let seen = mailbox.observe().await?;
    Ok(is_unchanged(Side::Local, &seen, &candidate.known.base))
}
