//! Renaming and removing messages.

use std::collections::BTreeSet;
use std::fs;

use offlineimap_core::{Applied, Binding, FlagChange, Flags, Key, Removal, Removed, SystemFlag};

use crate::durable::{rename_new, sync_directory};
use crate::error::MaildirError;
use crate::folder::Subdir;
use crate::mailbox::{Attempt, OpenFolder, Seen};
use crate::message_name::{Info, hint, key, own_base};

impl OpenFolder {
    /// Adds and removes flags, relative to those that the file has by now.
    pub(crate) fn change_flags(
        &self,
        changes: &[(Key, FlagChange)],
    ) -> Vec<Result<Applied, MaildirError>> {
        let conventions = &self.env.config.conventions;
        let support = conventions.keywords.support();
        let mut touched = BTreeSet::new();
        let outcomes = self.for_each_file(
            changes,
            |(key, _)| key,
            |(key, change), seen| {
                let info = Info::parse(&seen.info);
                let flags = change.apply(&info.flags(conventions)).supported_by(&support);
                let subdir = subdir_for(&flags, seen.subdir);
                let target = if flags == info.flags(conventions) && subdir == seen.subdir {
                    // However the name is written: it says what was asked for.
                    seen.clone()
                } else {
                    let info = info.with_flags(&flags, conventions);
                    Seen { subdir, base: seen.base.clone(), info }
                };
                self.rename(seen, &target, &mut touched, || {
                    self.index().put(key, target.subdir, &target.info);
                })
            },
        );
        self.durably(outcomes.into_iter().map(applied).collect(), &touched)
    }

    /// Gives messages names that carry the UID of their counterpart, in the directory where they
    /// are. A message that carries it already keeps its name.
    pub(crate) fn bind(&self, bindings: &[Binding]) -> Vec<Result<Applied<Key>, MaildirError>> {
        let (hash, conventions) = (&self.folder.hash, &self.env.config.conventions);
        let mut touched = BTreeSet::new();
        let outcomes = self.for_each_file(
            bindings,
            |binding| &binding.key,
            |binding, seen| {
                let Some(uid) = binding.counterpart.as_number() else {
                    return Ok(Attempt::Made(binding.key.clone()));
                };
                let info = Info::parse(&seen.info);
                let name = [&*seen.base, &*seen.info].concat();
                let target = if hint(&name, hash) == Some(uid) {
                    seen.clone()
                } else {
                    Seen {
                        subdir: seen.subdir,
                        base: own_base(&self.env.config.names.next(), Some(uid), hash),
                        info: info.with_flags(&info.flags(conventions), conventions),
                    }
                };
                let bound = key(&target.base, hash);
                let renamed = self.rename(seen, &target, &mut touched, || {
                    let mut index = self.index();
                    index.forget(&binding.key);
                    index.put(&bound, target.subdir, &target.info);
                })?;
                Ok(match renamed {
                    Attempt::Made(()) => Attempt::Made(bound),
                    Attempt::Missing => Attempt::Missing,
                })
            },
        );
        self.durably(outcomes.into_iter().map(applied).collect(), &touched)
    }

    /// Removes messages, or marks them.
    pub(crate) fn remove(
        &self,
        keys: Vec<Key>,
        removal: Removal,
    ) -> Vec<Result<Removed, MaildirError>> {
        match removal {
            Removal::Expunge => self.unlink(&keys),
            Removal::MarkDeleted => {
                let marked = Flags::default().with(SystemFlag::Deleted);
                let mark = FlagChange { add: marked, remove: Flags::default() };
                let changes: Vec<_> = keys.into_iter().map(|key| (key, mark.clone())).collect();
                let removed = |applied| match applied {
                    Applied::Done(()) => Removed::MarkedOnly,
                    Applied::Stale => Removed::Expunged,
                };
                self.change_flags(&changes).into_iter().map(|done| done.map(removed)).collect()
            }
        }
    }

    fn unlink(&self, keys: &[Key]) -> Vec<Result<Removed, MaildirError>> {
        let mut touched = BTreeSet::new();
        let outcomes = self.for_each_file(
            keys,
            |key| key,
            |key, seen| {
                let path = seen.path(&self.folder);
                self.env.config.steps.step(&format!("maildir unlink {}", path.display()));
                let done = Attempt::of(fs::remove_file(&path), MaildirError::remove(&path))?;
                if matches!(done, Attempt::Made(())) {
                    self.index().forget(key);
                    touched.insert(seen.subdir);
                }
                Ok(done)
            },
        );
        // A message that had been gone already is what was asked for.
        let outcomes = outcomes.into_iter().map(|done| done.map(|_| Removed::Expunged)).collect();
        self.durably(outcomes, &touched)
    }

    fn rename(
        &self,
        from: &Seen,
        to: &Seen,
        touched: &mut BTreeSet<Subdir>,
        renamed: impl FnOnce(),
    ) -> Result<Attempt<()>, MaildirError> {
        let [old, new] = [from, to].map(|seen| seen.path(&self.folder));
        if from == to {
            // Where it was seen may be where it no longer is, under other flags.
            let looked = fs::symlink_metadata(&old).map(|_| ());
            return Attempt::of(looked, MaildirError::read(&old));
        }
        let what = format!("maildir rename {} to {}", old.display(), new.display());
        self.env.config.steps.step(&what);
        let done = Attempt::of(rename_new(&old, &new), MaildirError::rename(&old, &new))?;
        if matches!(done, Attempt::Made(())) {
            touched.extend([from.subdir, to.subdir]);
            renamed();
        }
        Ok(done)
    }

    /// Makes a batch of changes durable; what cannot be made durable has failed.
    fn durably<T>(
        &self,
        outcomes: Vec<Result<T, MaildirError>>,
        touched: &BTreeSet<Subdir>,
    ) -> Vec<Result<T, MaildirError>> {
        match self.sync_subdirs(touched) {
            Ok(()) => outcomes,
            Err(error) => {
                outcomes.into_iter().map(|outcome| outcome.and(Err(error.clone()))).collect()
            }
        }
    }

    /// Makes the entries of directories durable.
    pub(crate) fn sync_subdirs(&self, touched: &BTreeSet<Subdir>) -> Result<(), MaildirError> {
        touched.iter().try_for_each(|subdir| {
            sync_directory(&self.folder.subdir(*subdir), self.env.config.fsync)
        })
    }
}

/// Returns where a message belongs. A seen one is in `cur`; one that is not seen is `new` only as
/// long as no program has moved it: "old but unread" is kept.
fn subdir_for(flags: &Flags, present: Subdir) -> Subdir {
    if flags.contains(SystemFlag::Seen) { Subdir::Cur } else { present }
}

fn applied<T>(outcome: Result<Option<T>, MaildirError>) -> Result<Applied<T>, MaildirError> {
    Ok(outcome?.map_or(Applied::Stale, Applied::Done))
}
