//! Storing new messages: written to `tmp`, synchronised, renamed, directories synchronised.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use offlineimap_core::{
    Body, CrLfToLf, Flags, Key, NewMessage, Staged, StoreError, Stored, SystemFlag,
};
use rustix::fs::{Advice, Timespec, Timestamps, fadvise, futimens};

use crate::blocking::{Sync, synced};
use crate::config::{Conventions, Dating, Fsync};
use crate::durable::rename_new;
use crate::error::MaildirError;
use crate::folder::{Folder, Subdir};
use crate::header_dates::{FieldDate, HeaderDates};
use crate::mailbox::{MaildirMailbox, OpenFolder, Seen};
use crate::message_name::{Info, key, own_base};

/// What is collected of a message before it is written: most messages whole.
const BLOCK_OCTETS: usize = 128 * 1024;

/// Names are unique; whoever takes one anyway does not take the next ones as well.
const NAMES_TO_TRY: u32 = 7;

/// A message in `tmp`. Dropping it removes the file.
#[derive(Debug)]
struct TmpFile {
    open: Arc<OpenFolder>,
    /// Where it is: under its final name, as far as that was known when it was created.
    path: PathBuf,
    target: Seen,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InTmp,
    Delivered,
}

fn tmp_path(folder: &Folder, target: &Seen) -> PathBuf {
    folder.tmp().join(target.path(folder).file_name().unwrap_or_default())
}

impl Drop for TmpFile {
    fn drop(&mut self) {
        if self.state == State::InTmp {
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %self.path.display(), %error, "a partial message remains");
                }
                _ => {}
            }
        }
    }
}

/// A message that is being written.
struct Draft {
    file: File,
    tmp: TmpFile,
    /// What the header says, if anything depends on it.
    dates: Option<HeaderDates>,
}

/// A message that waits for its commit: just a path and the synchronisation under way.
struct StagedFile {
    tmp: TmpFile,
    key: Key,
    sync: Option<Sync>,
}

impl MaildirMailbox {
    /// Writes a message to `tmp`, and begins to synchronise it: the more messages are on their
    /// way to the disk together, the less each of them waits.
    ///
    /// The date that the other store keeps is not kept here, like OfflineIMAP: the file's time is
    /// when it arrived, or what the header says ([`Conventions`](crate::Conventions)).
    pub(crate) async fn stage_message(
        &self,
        message: &NewMessage,
        body: &mut dyn Body,
    ) -> Result<Staged, StoreError> {
        self.0.require_writable()?;
        let env = &self.0.env;
        let uid = message.counterpart.as_ref().and_then(Key::as_number);
        let flags = message.flags.clone();
        let announced = body.wire_octets();
        let mut lines = CrLfToLf::default();
        let mut received = 0;
        let mut draft = None;
        loop {
            let mut block = Vec::new();
            let mut ended = false;
            while block.len() < BLOCK_OCTETS && !ended {
                if let Some(wire) = body.chunk().await? {
                    received += wire.len() as u64;
                    lines.push(&wire, &mut block);
                } else {
                    lines.finish(&mut block);
                    ended = true;
                }
            }
            if ended && received != announced {
                let path = self.0.folder.path.clone();
                return Err(MaildirError::WrongLength { path, received, announced }.into());
            }
            let open = Arc::clone(&self.0);
            let (flags, begun) = (flags.clone(), draft.take());
            let written = env
                .blocking
                .run(move || {
                    let draft = match begun {
                        Some(draft) => draft,
                        None => create(open, uid, &flags)?,
                    };
                    let draft = draft.written(&block)?;
                    if ended { draft.dated(uid).map(Draft::sent_off) } else { Ok(draft) }
                })
                .await??;
            if !ended {
                draft = Some(written);
                continue;
            }
            let Draft { file, tmp, .. } = written;
            let sync = match env.config.fsync {
                Fsync::Sync => Some(env.blocking.begin_sync(file).await),
                Fsync::NoSync => None,
            };
            let key = key(&tmp.target.base, &self.0.folder.hash);
            return Ok(Staged::new(Some(key.clone()), StagedFile { tmp, key, sync }));
        }
    }

    /// Makes staged messages visible and durable.
    pub(crate) async fn commit_messages(
        &self,
        staged: Vec<Staged>,
    ) -> Vec<Result<Stored, StoreError>> {
        let count = staged.len();
        let mut ready = Vec::with_capacity(count);
        for staged in staged {
            ready.push(self.ready(staged).await);
        }
        match self.blocking(move |open| open.deliver(ready)).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(StoreError::from)).collect()
            }
            Err(error) => (0..count).map(|_| Err(error.clone().into())).collect(),
        }
    }

    /// Waits until the content of a message is on the disk. If it cannot be, its file goes: what
    /// the disk has of it is unknown, and asking again would get a false "yes".
    async fn ready(&self, staged: Staged) -> Result<StagedFile, MaildirError> {
        let mut file = staged
            .into_inner::<StagedFile>()
            .filter(|file| Arc::ptr_eq(&file.tmp.open, &self.0))
            .ok_or_else(|| MaildirError::ForeignStaged { path: self.0.folder.path.clone() })?;
        if let Some(sync) = file.sync.take() {
            synced(sync).await.map_err(MaildirError::write(&file.tmp.path))?;
        }
        Ok(file)
    }
}

/// Begins a message under a name with the time of now.
fn create(
    open: Arc<OpenFolder>,
    uid: Option<NonZeroU32>,
    flags: &Flags,
) -> Result<Draft, MaildirError> {
    let subdir = if flags.contains(SystemFlag::Seen) { Subdir::Cur } else { Subdir::New };
    let info = Info::parse(b"").with_flags(flags, &open.env.config.conventions);
    let mut tries = 0;
    loop {
        tries += 1;
        let base = own_base(&open.env.config.names.next(), uid, &open.folder.hash);
        let target = Seen { subdir, base, info: info.clone() };
        let path = tmp_path(&open.folder, &target);
        open.env.config.steps.step(&format!("maildir stage {}", path.display()));
        match File::create_new(&path) {
            Ok(file) => {
                let Conventions { name_dating, file_dating, .. } = &open.env.config.conventions;
                let dates = [name_dating, file_dating]
                    .contains(&&Dating::Header)
                    .then(HeaderDates::default);
                let tmp = TmpFile { open, path, target, state: State::InTmp };
                return Ok(Draft { file, tmp, dates });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < NAMES_TO_TRY => {}
            Err(error) => return Err(MaildirError::write(&path)(error)),
        }
    }
}

impl Draft {
    fn written(mut self, block: &[u8]) -> Result<Self, MaildirError> {
        if let Some(dates) = &mut self.dates {
            dates.push(block);
        }
        self.file.write_all(block).map_err(MaildirError::write(&self.tmp.path))?;
        Ok(self)
    }

    /// The message is complete: its octets set out for the disk, so that the synchronisation finds
    /// most of its work done, and shares the rest with those of other messages.
    fn sent_off(self) -> Self {
        if self.tmp.open.env.config.fsync == Fsync::Sync {
            // A hint: a file system that does not take it loses nothing.
            let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        }
        self
    }

    /// Gives the file the dates that its header turned out to have.
    fn dated(mut self, uid: Option<NonZeroU32>) -> Result<Self, MaildirError> {
        let Some(mut dates) = self.dates.take() else { return Ok(self) };
        dates.finish();
        let Conventions { name_dating, file_dating, .. } = &self.tmp.open.env.config.conventions;
        match (name_dating, dates.date(), dates.delivery_date()) {
            (Dating::Header, FieldDate::At { unix_seconds }, _)
            | (Dating::Header, _, FieldDate::At { unix_seconds }) => {
                self.tmp.target.base = unused_base(&self.tmp.open, unix_seconds, uid)?;
            }
            (Dating::Header | Dating::Arrival, _, _) => {}
        }
        match (file_dating, dates.date()) {
            (Dating::Header, FieldDate::At { unix_seconds }) => {
                // The message itself is well even if its file cannot bear this time.
                if let Err(error) = set_times(&self.file, unix_seconds) {
                    let path = self.tmp.path.display();
                    tracing::warn!(%path, %error, "cannot set the time of a message file");
                }
            }
            (Dating::Header, FieldDate::Invalid) => {
                let folder = self.tmp.open.folder.path.display();
                tracing::warn!(
                    %folder, uid = uid.map(NonZeroU32::get),
                    "a message has an invalid date: the time of its file is not changed"
                );
            }
            (Dating::Header, FieldDate::Absent) | (Dating::Arrival, _) => {}
        }
        Ok(self)
    }
}

/// Returns a base name with the date of a message that no message of the folder has.
fn unused_base(
    open: &OpenFolder,
    unix_seconds: i64,
    uid: Option<NonZeroU32>,
) -> Result<Vec<u8>, MaildirError> {
    if !open.index().is_filled() {
        open.rescan()?;
    }
    loop {
        let base = own_base(&open.env.config.names.dated(unix_seconds), uid, &open.folder.hash);
        if open.index().guess(&key(&base, &open.folder.hash)).is_none() {
            return Ok(base);
        }
    }
}

fn set_times(file: &File, unix_seconds: i64) -> io::Result<()> {
    let time = Timespec { tv_sec: unix_seconds, tv_nsec: 0 };
    Ok(futimens(file, &Timestamps { last_access: time, last_modification: time })?)
}

impl OpenFolder {
    fn deliver(
        &self,
        ready: Vec<Result<StagedFile, MaildirError>>,
    ) -> Vec<Result<Stored, MaildirError>> {
        let mut touched = BTreeSet::new();
        let delivered: Vec<Result<StagedFile, MaildirError>> = ready
            .into_iter()
            .map(|ready| {
                let mut file = ready?;
                self.make_visible(&mut file.tmp)?;
                touched.insert(file.tmp.target.subdir);
                Ok(file)
            })
            .collect();
        let durable = self.sync_subdirs(&touched);
        delivered
            .into_iter()
            .map(|delivered| {
                let StagedFile { tmp, key, .. } = delivered?;
                if let Err(error) = &durable {
                    return Err(self.take_back(&tmp.target, error));
                }
                self.index().put(&key, tmp.target.subdir, &tmp.target.info);
                Ok(Stored::At(key))
            })
            .collect()
    }

    fn make_visible(&self, tmp: &mut TmpFile) -> Result<(), MaildirError> {
        let [from, to] = [tmp.path.clone(), tmp.target.path(&self.folder)];
        let what = format!("maildir rename {} to {}", from.display(), to.display());
        self.env.config.steps.step(&what);
        rename_new(&from, &to).map_err(MaildirError::rename(&from, &to))?;
        tmp.state = State::Delivered;
        Ok(())
    }

    /// Removes a message that became visible but may not be there after a power cut.
    fn take_back(&self, target: &Seen, why: &MaildirError) -> MaildirError {
        let path = target.path(&self.folder);
        self.env.config.steps.step(&format!("maildir unlink {}", path.display()));
        match fs::remove_file(&path) {
            Ok(()) => why.clone(),
            Err(error) => {
                MaildirError::Uncertain { path: self.folder.path.clone(), source: error.into() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking::Blocking;
    use crate::config::{MaildirConfig, MissingRoot};
    use crate::message_name::FolderHash;
    use crate::name_source::NameSource;
    use crate::store::Environment;
    use offlineimap_core::{Access, Steps, StoreErrorKind};
    use rustix::io::Errno;

    fn mailbox(path: &std::path::Path) -> MaildirMailbox {
        for subdir in ["cur", "new", "tmp"] {
            fs::create_dir(path.join(subdir)).unwrap();
        }
        let config = MaildirConfig {
            name: "Local".into(),
            root: path.into(),
            separator: '.',
            fsync: Fsync::Sync,
            missing_root: MissingRoot::Refuse,
            visible: Arc::new(|name| Ok(name.to_owned())),
            conventions: Conventions::default(),
            names: Arc::new(NameSource::of_this_process()),
            steps: Steps::default(),
        };
        let env = Arc::new(Environment { config, blocking: Blocking::new() });
        let folder = Folder { path: path.into(), hash: FolderHash::of("INBOX", '.') };
        MaildirMailbox::new(OpenFolder::new(folder, Access::ReadWrite, env))
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_synchronised_is_removed_and_the_others_are_stored() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = mailbox(dir.path());
        let mut staged = Vec::new();
        let mut paths = Vec::new();
        for errno in [None, Some(Errno::IO), None] {
            let Draft { tmp, .. } =
                create(Arc::clone(&mailbox.0), None, &Flags::default()).unwrap();
            let key = key(&tmp.target.base, &mailbox.0.folder.hash);
            let outcome = errno.map_or(Ok(()), |errno| Err(io::Error::from(errno)));
            let (send, sync) = tokio::sync::oneshot::channel();
            send.send(outcome).unwrap();
            let sync = Some(sync);
            paths.push(tmp.path.clone());
            staged.push(Staged::new(None, StagedFile { tmp, key, sync }));
        }
        let outcomes = mailbox.commit_messages(staged).await;
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
        let error = outcomes[1].as_ref().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Mailbox);
        assert_eq!(error.to_string(), format!("cannot write {}", paths[1].display()));
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_name_that_is_taken_in_tmp_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = mailbox(dir.path());
        let now = std::time::SystemTime::now();
        let [ours, theirs] = [(); 2].map(|()| NameSource::new(1, "host", move || now));
        let name = |names: &NameSource| own_base(&names.next(), None, &mailbox.0.folder.hash);
        let taken = [name(&theirs), b":2,".to_vec()].concat();
        let taken = dir.path().join("tmp").join(String::from_utf8(taken).unwrap());
        fs::write(&taken, "theirs").unwrap();
        let config = MaildirConfig { names: Arc::new(ours), ..mailbox.0.env.config.clone() };
        let env = Arc::new(Environment { config, blocking: Blocking::new() });
        let folder = Folder { path: dir.path().into(), hash: FolderHash::of("INBOX", '.') };
        let open = Arc::new(OpenFolder::new(folder, Access::ReadWrite, env));
        let draft = create(open, None, &Flags::default()).unwrap();
        assert_ne!(draft.tmp.path, taken);
        drop(draft);
        assert_eq!(fs::read(&taken).unwrap(), b"theirs");
    }
}
