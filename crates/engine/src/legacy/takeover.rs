//! Taking over a folder that OfflineIMAP has synced so far.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use offlineimap_core::{
    Epoch, Key, Mailbox, Observation, Pair, PerSide, Presence, Side, StoreError,
};

use super::files::{OldFolder, Source};
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
        let (names, visible) =
            (pair.clone(), self.account.rules.remote.visible(pair.remote.as_str()));
        let read = tokio::task::spawn_blocking(move || old.read(&names, &visible)).await;
        let old = match read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
            Ok(Some(old)) => old,
            Ok(None) => return Ok(Takeover::Nothing),
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

/// Makes a pair of each row. A message that is gone from one side keeps its place there under a
/// key that no message has, so that its deletion is still carried to the other side.
///
/// # Errors
///
/// If the rows must not be believed, with the reason.
fn pair_up(old: &OldFolder, seen: &PerSide<Observation>) -> Result<Vec<Pair>, &'static str> {
    let local = local_keys(old, &seen.local)?;
    let common = old.rows.iter().filter(|row| local.contains_key(&row.uid)).count();
    // It may be from before the folder was created anew, when nothing in it was deleted.
    if old.source == Source::PlainText && common == 0 {
        return Err("it is in a historical format, and the folder has none of its messages");
    }
    // A map that was lost looks the same as a folder that was emptied (B10).
    if numbers_messages(Side::Local, &seen.local) && common == 0 {
        return Err("the map of its UIDs knows none of its messages");
    }
    let mut pairs = Vec::with_capacity(old.rows.len());
    for row in &old.rows {
        let there = Key::number(row.uid);
        let here = local.get(&row.uid).cloned();
        let gone_there = matches!(seen.remote.presence(&there), Presence::Absent);
        if here.is_none() && gone_there {
            continue;
        }
        let here = here.unwrap_or_else(|| key_of_nobody(row.uid, &seen.local));
        pairs.push(Pair::new(there, here, row.flags.clone()));
    }
    Ok(pairs)
}

/// Finds the local messages by the remote UIDs that they stand for.
fn local_keys(
    old: &OldFolder,
    local: &Observation,
) -> Result<BTreeMap<NonZeroU32, Key>, &'static str> {
    let mut keys = BTreeMap::new();
    if numbers_messages(Side::Local, local) {
        // Without the map, every message of the folder would seem to have been deleted (B10).
        let map = old.uid_map.as_ref().ok_or("the map of its UIDs is missing")?;
        for (remote, here) in map {
            let key = Key::number(*here);
            if !matches!(local.presence(&key), Presence::Absent) {
                keys.insert(*remote, key);
            }
        }
        return Ok(keys);
    }
    for item in local.items() {
        if let Some(uid) = item.hint.as_ref().and_then(Key::as_number) {
            keys.entry(uid).or_insert_with(|| item.key.clone());
        }
    }
    Ok(keys)
}

/// Makes a key that no message of the folder has, nor ever will.
fn key_of_nobody(uid: NonZeroU32, seen: &Observation) -> Key {
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
