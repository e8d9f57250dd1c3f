//! Taking over a folder that OfflineIMAP has synced so far.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use offlineimap_core::{
    Epoch, Key, Mailbox, Observation, Pair, PerSide, Presence, Side, StoreError,
};

use super::files::{OldFilesError, OldFolder, Source};
use super::text::UidMap;
use crate::account::{Folder, Mode, RunError};
use crate::event::Event;
use crate::state::{Era, MailboxId};
use crate::survey::{Survey, fingerprints, numbers_messages};

/// What came of looking for what OfflineIMAP knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// Nothing that can be used: the folder is new.
    Nothing,
    /// The folder is known now.
    Done(MailboxId),
    /// The folder must be left alone, which was told.
    LeftAlone,
}

impl Survey<'_> {
    /// Takes over a folder that the state does not know and that both sides have. Everything
    /// happens in one transaction or not at all.
    pub(crate) async fn take_over(
        &self,
        folder: &Folder,
        era: &Era,
        sides: &PerSide<Option<Arc<dyn Mailbox>>>,
        seen: &PerSide<Observation>,
    ) -> Result<Takeover, RunError> {
        let Some(old) = self.old.clone() else { return Ok(Takeover::Nothing) };
        let pair = &folder.pair;
        if self.state.is_outdated(pair).await? {
            return Ok(Takeover::Nothing);
        }
        let names = pair.clone();
        let read = tokio::task::spawn_blocking(move || old.read(&names)).await;
        let old = match read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
            Ok(Some(old)) => old,
            Ok(None) => return Ok(Takeover::Nothing),
            Err(OldFilesError::Rule(error)) => return Err(error.into()),
            Err(error) if error.is_final() => {
                return Ok(self.do_without(folder, &error.to_string()));
            }
            Err(error) => {
                self.account.tell(&Event::error(self.account.folder_context(pair), &error));
                return Ok(Takeover::LeftAlone);
            }
        };
        if self.has_other_epoch(folder, &old, seen) {
            return Ok(Takeover::LeftAlone);
        }
        let pairs = match pair_up(&old, seen) {
            Ok(pairs) => pairs,
            Err(why) => return Ok(self.do_without(folder, why)),
        };
        if old.validity.remote.is_none() && !prove_epoch(&pairs, sides, seen).await? {
            let why = "its UIDVALIDITY is not known, and the messages do not agree with it";
            return Ok(self.do_without(folder, why));
        }
        let messages = pairs.len();
        let id = self.state.take_over(pair, era, pairs).await?;
        if self.account.mode == Mode::Sync {
            self.account.tell(&Event::Adopted { folder: pair.clone(), messages });
        }
        Ok(Takeover::Done(id))
    }

    /// Tells that the old status is of no use.
    fn do_without(&self, folder: &Folder, why: &str) -> Takeover {
        self.account.tell(&Event::Warning {
            message: format!(
                "the old status of {} cannot be used: {why}; messages that both sides have are \
                 recognised by their names and contents",
                self.account.folder_context(&folder.pair)
            ),
        });
        Takeover::Nothing
    }

    /// Tells the user if a side numbers its messages anew since OfflineIMAP's last run.
    fn has_other_epoch(
        &self,
        folder: &Folder,
        old: &OldFolder,
        seen: &PerSide<Observation>,
    ) -> bool {
        for side in Side::BOTH {
            let seen = seen.get(side);
            let Some(saved) = old.validity.get(side).map(epoch) else { continue };
            // A Maildir has no UIDVALIDITY; what is saved for one is a constant.
            if numbers_messages(side, seen) && saved != seen.epoch {
                self.account.tell(&Event::EpochProblem {
                    folder: self.account.label(side, &folder.pair),
                    side,
                    saved: saved.to_string(),
                    current: seen.epoch.to_string(),
                });
                return true;
            }
        }
        false
    }
}

fn epoch(validity: u32) -> Epoch {
    Epoch::new(validity.to_string())
}

/// Makes a pair of each row whose local message is known. One that is gone from one side keeps its
/// place there under a key that no message has, so that its deletion is still carried to the other
/// side.
///
/// # Errors
///
/// If the rows must not be believed, with the reason.
fn pair_up(old: &OldFolder, seen: &PerSide<Observation>) -> Result<Vec<Pair>, &'static str> {
    let counterparts = counterparts(old, &seen.local)?;
    let common = counterparts.iter().filter(|it| matches!(it, Counterpart::There(_))).count();
    // It may be from before the folder was created anew, when nothing in it was deleted.
    if old.source == Source::PlainText && common == 0 {
        return Err("it is in a historical format, and the folder has none of its messages");
    }
    // A map that was lost looks the same as a folder that was emptied (B10).
    if numbers_messages(Side::Local, &seen.local) && common == 0 {
        return Err("the map of its UIDs knows none of its messages");
    }
    let mut pairs = Vec::with_capacity(old.rows.len());
    for (row, counterpart) in old.rows.iter().zip(counterparts) {
        let remote = Key::number(row.uid);
        let gone_there = matches!(seen.remote.presence(&remote), Presence::Absent);
        let local = match counterpart {
            Counterpart::There(key) => key,
            Counterpart::Gone if !gone_there => key_of_nobody(row.uid, &seen.local),
            Counterpart::Gone | Counterpart::Unknown => continue,
        };
        pairs.push(Pair::new(remote, local, row.flags.clone()));
    }
    Ok(pairs)
}

/// The local message for which a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Counterpart {
    There(Key),
    /// It was deleted.
    Gone,
    /// Nobody says which one it is. It will be recognised by its content, or copied.
    Unknown,
}

/// Finds the local message of each row, in the order of the rows.
fn counterparts(old: &OldFolder, local: &Observation) -> Result<Vec<Counterpart>, &'static str> {
    let uids = old.rows.iter().map(|row| row.uid);
    if numbers_messages(Side::Local, local) {
        // Without the map, every message of the folder would seem to have been deleted (B10).
        let map = old.uid_map.as_ref().ok_or("the map of its UIDs is missing")?;
        let doubtful = given_twice(map);
        let find = |uid| match map.get(&uid) {
            Some(here) if !doubtful.contains(here) => there_or_gone(Key::number(*here), local),
            // It may have been lost from the map, or be one of two of which one is wrong.
            Some(_) | None => Counterpart::Unknown,
        };
        return Ok(uids.map(find).collect());
    }
    let mut hinted = BTreeMap::new();
    for item in local.items() {
        if let Some(uid) = item.hint.as_ref().and_then(Key::as_number) {
            hinted.entry(uid).or_insert_with(|| item.key.clone());
        }
    }
    let found = |uid| hinted.remove(&uid).map_or(Counterpart::Gone, Counterpart::There);
    Ok(uids.map(found).collect())
}

fn there_or_gone(key: Key, local: &Observation) -> Counterpart {
    match local.presence(&key) {
        Presence::Absent => Counterpart::Gone,
        Presence::Present(_) | Presence::Unknown | Presence::Outside => Counterpart::There(key),
    }
}

/// Finds the local messages that a map gives to more than one remote one (D36).
fn given_twice(map: &UidMap) -> BTreeSet<NonZeroU32> {
    let mut seen = BTreeSet::new();
    map.values().copied().filter(|here| !seen.insert(*here)).collect()
}

/// Makes a key that no message of the folder has, nor ever will.
pub(crate) fn key_of_nobody(uid: NonZeroU32, seen: &Observation) -> Key {
    let mut name = format!("gone-before-takeover,uid-{uid}");
    while matches!(seen.presence(&Key::name(name.as_bytes())), Presence::Present(_)) {
        name.push('+');
    }
    Key::name(name.into_bytes())
}

/// Tells whether the messages that both sides have are the same ones: then the UIDs still mean what
/// they meant, although the old UIDVALIDITY is not known (`spec/sync.md` §12).
async fn prove_epoch(
    pairs: &[Pair],
    sides: &PerSide<Option<Arc<dyn Mailbox>>>,
    seen: &PerSide<Observation>,
) -> Result<bool, StoreError> {
    let (Some(remote), Some(local)) = (&sides.remote, &sides.local) else { return Ok(false) };
    let is_there = |pair: &&Pair| {
        Side::BOTH
            .into_iter()
            .all(|side| matches!(seen.get(side).presence(pair.key(side)), Presence::Present(_)))
    };
    let both: Vec<&Pair> = pairs.iter().filter(is_there).collect();
    let keys = |side| both.iter().map(|pair| pair.key(side).clone()).collect();
    let looks = fingerprints(&**remote, keys(Side::Remote), &**local, keys(Side::Local)).await?;
    let contradicted = both.iter().any(|pair| looks.contradict(&pair.remote, &pair.local));
    Ok(!both.is_empty() && !contradicted)
}
