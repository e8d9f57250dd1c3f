//! Settling what an interrupted run had begun.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use offlineimap_core::{
    Base, Body, Fetched, Fingerprint, Fingerprinter, Frontier, Intent, IntentKind, Key, Mailbox,
    Observation, PerSide, Receiver, Scope, Settlement, Side, StoreError, settle,
};

use crate::account::{Account, Mode, RunError};
use crate::event::Event;
use crate::state::{Change, State};
use crate::survey::OpenFolder;

/// Settles the open intents of a folder, and tells whether there were any.
pub(crate) async fn settle_open(
    account: &Account,
    state: &State,
    open: &OpenFolder,
    seen: &PerSide<Observation>,
    base: &Base,
) -> Result<bool, RunError> {
    let intents = state.open_intents(open.id).await?;
    if intents.is_empty() {
        return Ok(false);
    }
    let found = find_appended(open, &intents, base).await?;
    let settled = settle(&intents, seen.as_ref(), |id| found.get(&id).cloned());
    let contents: BTreeMap<i64, Fingerprint> =
        intents.iter().filter_map(|intent| Some((intent.id, content(intent)?))).collect();
    let mut changes = Vec::with_capacity(settled.len() * 2);
    for one in settled {
        match one.settlement {
            Settlement::Paired(pair) => {
                changes.push(Change::Insert(pair, contents.get(&one.id).cloned()));
            }
            Settlement::Learnt { pair, settles } => {
                changes.push(Change::Learn { pair, change: settles });
            }
            Settlement::Nothing => {}
        }
        changes.push(Change::Close(one.id));
    }
    state.apply(open.id, changes).await?;
    if account.mode == Mode::Sync {
        account.tell(&Event::Recovered { folder: open.folder.clone(), operations: intents.len() });
    }
    Ok(true)
}

fn content(intent: &Intent) -> Option<Fingerprint> {
    match &intent.kind {
        IntentKind::Append { fingerprint, .. } => Some(fingerprint.clone()),
        IntentKind::Deliver { .. } | IntentKind::Flags { .. } => None,
    }
}

/// Looks for the messages of append intents beyond the frontiers that were noted before they were
/// sent.
async fn find_appended(
    open: &OpenFolder,
    intents: &[Intent],
    base: &Base,
) -> Result<BTreeMap<i64, Key>, StoreError> {
    let mut found = BTreeMap::new();
    for side in Side::BOTH {
        let Some(mailbox) = open.sides.get(side) else { continue };
        let mut wanted = Vec::new();
        let mut sources = Vec::new();
        let mut frontiers = Vec::new();
        for intent in intents {
            if let IntentKind::Append { side: at, source, frontier, fingerprint, .. } = &intent.kind
                && *at == side
            {
                wanted.push((intent.id, fingerprint.clone()));
                sources.push(source.clone());
                frontiers.push(frontier.clone());
            }
        }
        if let Some(source) = open.sides.get(side.other()) {
            complete(&**source, &sources, &mut wanted).await?;
        }
        // Frontiers only grow: the first intent's reaches furthest back.
        let Some(frontier) = frontiers.into_iter().next() else { continue };
        let known: BTreeSet<Key> = base.pairs().iter().map(|pair| pair.key(side).clone()).collect();
        found.extend(find(&**mailbox, frontier.as_ref(), &known, &wanted).await?);
    }
    Ok(found)
}

/// Reads messages that neither a Message-ID nor a digest tells apart, to get their digests.
async fn complete(
    source: &dyn Mailbox,
    keys: &[Key],
    wanted: &mut [(i64, Fingerprint)],
) -> Result<(), StoreError> {
    let vague = |it: &Fingerprint| it.message_id.is_none() && it.digest.is_none();
    let unread: Vec<Key> = keys
        .iter()
        .zip(wanted.iter())
        .filter(|(_, (_, it))| vague(it))
        .map(|(key, _)| key.clone())
        .collect();
    if unread.is_empty() {
        return Ok(());
    }
    let mut digests = Digests::default();
    source.fetch(&unread, &mut digests).await?;
    let read: BTreeMap<Key, Fingerprint> = digests.found.into_iter().collect();
    for (key, (_, wish)) in keys.iter().zip(wanted) {
        if let Some(read) = read.get(key) {
            wish.digest = read.digest;
        }
    }
    Ok(())
}

/// Finds messages that were stored since the frontier, by their content. Messages in `known`
/// belong to somebody else. Each message is found for one wish only.
pub(crate) async fn find<I: Copy + Ord>(
    mailbox: &dyn Mailbox,
    frontier: Option<&Frontier>,
    known: &BTreeSet<Key>,
    wanted: &[(I, Fingerprint)],
) -> Result<BTreeMap<I, Key>, StoreError> {
    let mut candidates = mailbox.fingerprints(Scope::Since(frontier)).await?;
    candidates.retain(|(key, _)| !known.contains(key));
    let mut found = BTreeMap::new();
    let mut open: Vec<&(I, Fingerprint)> = Vec::new();
    for wish in wanted {
        match candidates.iter().position(|(_, it)| it.matches(&wish.1)) {
            Some(at) => {
                found.insert(wish.0, candidates.swap_remove(at).0);
            }
            None => open.push(wish),
        }
    }
    if open.is_empty() || candidates.is_empty() {
        return Ok(found);
    }
    // A message without Message-ID is recognised by its octets alone.
    let same_size: Vec<Key> = candidates
        .iter()
        .filter(|(_, it)| {
            open.iter().any(|(_, wish)| {
                wish.wire_octets == it.wire_octets && wish.message_id == it.message_id
            })
        })
        .map(|(key, _)| key.clone())
        .collect();
    let mut digests = Digests::default();
    if !same_size.is_empty() {
        mailbox.fetch(&same_size, &mut digests).await?;
    }
    for wish in open {
        let by_digest = digests.found.iter().position(|(_, it)| it.digest == wish.1.digest);
        let key = match by_digest {
            Some(at) => Some(digests.found.swap_remove(at).0),
            None => only_one_with_that_id(&candidates, &wish.1),
        };
        if let Some(key) = key {
            candidates.retain(|(it, _)| *it != key);
            found.insert(wish.0, key);
        }
    }
    Ok(found)
}

/// A server that rewrites what it stores changes size and octets, but not the Message-ID.
fn only_one_with_that_id(candidates: &[(Key, Fingerprint)], wish: &Fingerprint) -> Option<Key> {
    wish.message_id.as_ref()?;
    let mut same = candidates.iter().filter(|(_, it)| it.message_id == wish.message_id);
    match (same.next(), same.next()) {
        (Some((key, _)), None) => Some(key.clone()),
        _ => None,
    }
}

#[derive(Default)]
struct Digests {
    found: Vec<(Key, Fingerprint)>,
}

#[async_trait]
impl Receiver for Digests {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let mut fingerprinter = Fingerprinter::default();
        while let Some(chunk) = body.chunk().await? {
            fingerprinter.push(&chunk);
        }
        self.found.push((message.key, fingerprinter.finish()));
        Ok(())
    }

    fn failed(&mut self, _key: &Key, _error: StoreError) {}
}
