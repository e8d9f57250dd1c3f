//! Reading messages: in wire form, in constant memory, in two passes where one does not do.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Body, Fetched, Fingerprint, Fingerprinter, InternalDate, Key, LfToCrLf, Receiver, Scope,
    StoreError, WireForm,
};
use tokio::task::JoinSet;

use crate::error::MaildirError;
use crate::mailbox::{Attempt, MaildirMailbox, OpenFolder};

/// What is read at once. In wire form it is at most twice as long.
const SLICE_OCTETS: usize = 32 * 1024;

/// Hashing takes a processor, not a disk.
const FINGERPRINT_JOBS: usize = 4;

/// After so many messages a thread is given to whoever waits for one.
const MESSAGES_PER_JOB: usize = 32;

/// A message file that was opened and measured.
pub(crate) struct OpenMessage {
    date: InternalDate,
    wire_octets: u64,
    rest: Rest,
}

/// What is still to be handed out of a message.
enum Rest {
    /// A short message that was read whole, in wire form.
    Whole(Vec<u8>),
    /// The remaining file.
    File(MessageFile),
}

struct MessageFile {
    file: File,
    path: PathBuf,
    form: WireForm,
}

impl MaildirMailbox {
    /// Streams messages to a receiver.
    pub(crate) async fn fetch_messages(
        &self,
        keys: &[Key],
        receiver: &mut dyn Receiver,
    ) -> Result<(), StoreError> {
        if !self.0.index().is_filled() {
            self.blocking(OpenFolder::rescan).await??;
        }
        let mut missing = Vec::new();
        for key in keys {
            if self.fetch_where_seen(key, receiver).await? == Found::No {
                missing.push(key);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        // Somebody renamed or removed them; one look at the folder serves all.
        self.blocking(OpenFolder::rescan).await??;
        for key in missing {
            if self.fetch_where_seen(key, receiver).await? == Found::No {
                let (path, name) = (self.0.folder.path.clone(), key.to_string());
                receiver.failed(key, MaildirError::Vanished { path, name }.into());
            }
        }
        Ok(())
    }

    async fn fetch_where_seen(
        &self,
        key: &Key,
        receiver: &mut dyn Receiver,
    ) -> Result<Found, StoreError> {
        let wanted = key.clone();
        match self.blocking(move |open| open.open_message(&wanted)).await? {
            Ok(None) => return Ok(Found::No),
            Err(error) => receiver.failed(key, error.into()),
            Ok(Some(message)) => {
                let fetched = Fetched { key: key.clone(), date: Some(message.date) };
                let mut body = FileBody {
                    mailbox: self,
                    wire_octets: message.wire_octets,
                    sent: 0,
                    rest: Some(message.rest),
                };
                receiver.receive(fetched, &mut body).await?;
            }
        }
        Ok(Found::Yes)
    }

    /// Reads messages, and tells what identifies them.
    pub(crate) async fn fingerprint_messages(
        &self,
        scope: Scope<'_>,
    ) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        let keys: Arc<[Key]> = match scope {
            Scope::Keys(keys) => keys.into(),
            // A Maildir has no order of arrival: any message may be the one that is looked for.
            Scope::Since(_) => {
                let all = self.blocking(OpenFolder::rescan).await??;
                all.into_iter().map(|item| item.key).collect()
            }
        };
        let turn = Arc::new(Turn::default());
        let _stop = StopOnDrop(Arc::clone(&turn));
        let mut jobs = JoinSet::new();
        for _ in 0..FINGERPRINT_JOBS.min(keys.len()) {
            let (mailbox, keys, turn) = (self.clone(), Arc::clone(&keys), Arc::clone(&turn));
            jobs.spawn(async move { mailbox.fingerprint_part(keys, turn).await });
        }
        let mut all = Vec::with_capacity(keys.len());
        while let Some(job) = jobs.join_next().await {
            match job {
                Ok(part) => all.extend(part?),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => return Err(MaildirError::Stopped.into()),
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }
}

impl MaildirMailbox {
    /// Takes messages in turn with others until there is none left.
    async fn fingerprint_part(
        &self,
        keys: Arc<[Key]>,
        turn: Arc<Turn>,
    ) -> Result<Vec<(Key, Fingerprint)>, MaildirError> {
        let mut part = Vec::new();
        while turn.next.load(Ordering::Relaxed) < keys.len() {
            let (keys, turn) = (Arc::clone(&keys), Arc::clone(&turn));
            part.extend(self.blocking(move |open| open.fingerprint_in_turn(&keys, &turn)).await??);
        }
        Ok(part)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Yes,
    No,
}

/// Deals messages out to the threads that read them.
#[derive(Debug, Default)]
struct Turn {
    next: AtomicUsize,
    stopped: AtomicBool,
}

/// A thread cannot be stopped from outside, but must not read on for nobody.
struct StopOnDrop(Arc<Turn>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

/// The body of a message file.
struct FileBody<'a> {
    mailbox: &'a MaildirMailbox,
    wire_octets: u64,
    sent: u64,
    /// `None` after the end and after an error.
    rest: Option<Rest>,
}

#[async_trait]
impl Body for FileBody<'_> {
    fn wire_octets(&self) -> u64 {
        self.wire_octets
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let message = match self.rest.take() {
            None => return Ok(None),
            Some(Rest::Whole(wire)) => {
                self.sent += wire.len() as u64;
                return Ok((!wire.is_empty()).then(|| wire.into()));
            }
            Some(Rest::File(message)) => message,
        };
        let path = message.path.clone();
        let changed = || MaildirError::Changed { path: path.clone() };
        let read = self.mailbox.blocking(|_| message.next_slice()).await??;
        let Some((message, wire)) = read else {
            return if self.sent == self.wire_octets { Ok(None) } else { Err(changed().into()) };
        };
        self.sent += wire.len() as u64;
        if self.sent > self.wire_octets {
            return Err(changed().into());
        }
        self.rest = Some(Rest::File(message));
        Ok(Some(wire.into()))
    }
}

impl MessageFile {
    /// Reads the next slice, in wire form; `None` at the end.
    fn next_slice(mut self) -> Result<Option<(Self, Vec<u8>)>, MaildirError> {
        let mut slice = vec![0; SLICE_OCTETS];
        let count =
            read_some(&mut self.file, &mut slice).map_err(MaildirError::read(&self.path))?;
        if count == 0 {
            return Ok(None);
        }
        let mut wire = Vec::new();
        self.form.convert(slice.get(..count).unwrap_or_default(), &mut wire);
        Ok(Some((self, wire)))
    }
}

impl OpenFolder {
    /// Opens a message where it was last seen; `None` if it is not there.
    fn open_message(&self, key: &Key) -> Result<Option<OpenMessage>, MaildirError> {
        let Some(seen) = self.seen(key)? else { return Ok(None) };
        let path = seen.path(&self.folder);
        match Attempt::of(File::open(&path), MaildirError::read(&path))? {
            Attempt::Missing if path.is_symlink() => {
                // The link is there, and what it leads to is not.
                let broken = io::ErrorKind::NotFound.into();
                Err(MaildirError::read(&path)(broken))
            }
            Attempt::Missing => Ok(None),
            Attempt::Made(file) => OpenMessage::measure(file, &path).map(Some),
        }
    }

    fn fingerprint_in_turn(
        &self,
        keys: &[Key],
        turn: &Turn,
    ) -> Result<Vec<(Key, Fingerprint)>, MaildirError> {
        let next = std::iter::from_fn(|| {
            let at = turn.next.fetch_add(1, Ordering::Relaxed);
            (!turn.stopped.load(Ordering::Relaxed)).then(|| keys.get(at).cloned())?
        });
        let (mut done, mut later) = (Vec::new(), Vec::new());
        for key in next.take(MESSAGES_PER_JOB) {
            match self.open_message(&key)? {
                Some(message) => done.push((key, message.fingerprint()?)),
                None => later.push(key),
            }
        }
        if !later.is_empty() {
            self.rescan()?;
            for key in later {
                if let Some(message) = self.open_message(&key)? {
                    done.push((key, message.fingerprint()?));
                }
            }
        }
        Ok(done)
    }
}

impl OpenMessage {
    /// Finds out the form and the length on the wire. A short message is read just once.
    pub(crate) fn measure(mut file: File, path: &Path) -> Result<Self, MaildirError> {
        let failed = || MaildirError::read(path);
        let date = InternalDate { unix_seconds: file.metadata().map_err(failed())?.mtime() };
        let mut measure = LfToCrLf::default();
        let mut first = Vec::new();
        let mut slice = vec![0; SLICE_OCTETS];
        let mut slices = 0_u32;
        loop {
            let count = read_some(&mut file, &mut slice).map_err(failed())?;
            if count == 0 {
                break;
            }
            let content = slice.get(..count).unwrap_or_default();
            measure.measure(content);
            slices = slices.saturating_add(1);
            if slices == 1 {
                first = content.to_vec();
            }
        }
        let (form, wire_octets) = (measure.form(), measure.wire_octets());
        let rest = if slices <= 1 {
            let mut wire = Vec::new();
            form.convert(&first, &mut wire);
            Rest::Whole(wire)
        } else {
            file.rewind().map_err(failed())?;
            Rest::File(MessageFile { file, path: path.into(), form })
        };
        Ok(Self { date, wire_octets, rest })
    }

    /// Returns the length on the wire.
    pub(crate) fn wire_octets(&self) -> u64 {
        self.wire_octets
    }

    fn fingerprint(self) -> Result<Fingerprint, MaildirError> {
        let mut fingerprinter = Fingerprinter::default();
        match self.rest {
            Rest::Whole(wire) => fingerprinter.push(&wire),
            Rest::File(mut message) => {
                while let Some((rest, wire)) = message.next_slice()? {
                    fingerprinter.push(&wire);
                    message = rest;
                }
            }
        }
        Ok(fingerprinter.finish())
    }
}

/// Fills a slice as far as the file goes: full slices make few and even chunks.
fn read_some(file: &mut File, slice: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = slice.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
