//! A Maildir in a directory of its own, and mail for it.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Body, Fetched, Flags, Key, Mailbox, MailboxName, NewMessage, Receiver, Staged, Steps,
    Store as _, StoreError, Stored,
};
use offlineimap_maildir::{
    Conventions, Fsync, MaildirConfig, MaildirStore, MissingRoot, NameSource,
};
use tempfile::TempDir;

/// The hash of `INBOX`.
pub(crate) const HASH: &str = "7e33429f656f1e6e9d79b29c3f82c57e";

pub(crate) fn config(root: &Path) -> MaildirConfig {
    MaildirConfig {
        name: "Local".into(),
        root: root.into(),
        separator: '.',
        fsync: Fsync::Sync,
        missing_root: MissingRoot::Refuse,
        visible: Arc::new(|name| Ok(name.to_owned())),
        conventions: Conventions::default(),
        names: Arc::new(NameSource::of_this_process()),
        steps: Steps::default(),
    }
}

/// The folder INBOX of a new Maildir.
pub(crate) struct Inbox {
    pub(crate) root: TempDir,
    pub(crate) mailbox: Arc<dyn Mailbox>,
}

impl Inbox {
    pub(crate) async fn new() -> Self {
        Self::with_steps(Steps::default()).await
    }

    pub(crate) async fn with_steps(steps: Steps) -> Self {
        Self::with(|config| config.steps = steps).await
    }

    pub(crate) async fn with_conventions(conventions: Conventions) -> Self {
        Self::with(|config| config.conventions = conventions).await
    }

    async fn with(change: impl FnOnce(&mut MaildirConfig)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut config = config(root.path());
        change(&mut config);
        let store = MaildirStore::new(config);
        let name = MailboxName::new("INBOX");
        store.create(&name).await.unwrap();
        let mailbox = store.open(&name, Access::ReadWrite).await.unwrap();
        Self { root, mailbox }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.path().join("INBOX").join(file)
    }

    /// Puts a file there as another program does.
    pub(crate) fn put(&self, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(file), content).unwrap();
    }

    /// Renames a file as another program does.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Lists the files of all three directories.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.path(""))
    }

    pub(crate) async fn observed(&self) -> Vec<(Key, String)> {
        let seen = self.mailbox.observe().await.unwrap();
        seen.items().iter().map(|item| (item.key.clone(), item.flags.letters())).collect()
    }

    pub(crate) async fn stage(&self, uid: u32, flags: &str, wire: &[u8]) -> Staged {
        let mut body = WireBody::new(wire);
        self.mailbox.stage(new_message(uid, flags), &mut body).await.unwrap()
    }

    pub(crate) async fn deliver(&self, uid: u32, flags: &str, wire: &[u8]) -> Key {
        let staged = self.stage(uid, flags, wire).await;
        let planned = staged.planned().cloned().unwrap();
        let stored = self.mailbox.commit(vec![staged]).await.remove(0).unwrap();
        assert_eq!(stored, Stored::At(planned.clone()));
        planned
    }
}

pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for subdir in ["cur", "new", "tmp"] {
        for entry in fs::read_dir(folder.join(subdir)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            all.push(format!("{subdir}/{name}"));
        }
    }
    all.sort();
    all
}

pub(crate) fn new_message(uid: u32, flags: &str) -> NewMessage {
    NewMessage {
        counterpart: NonZeroU32::new(uid).map(Key::number),
        flags: Flags::from_letters(flags),
        date: None,
    }
}

pub(crate) fn key(name: &str) -> Key {
    Key::name(name.as_bytes())
}

pub(crate) fn uid(uid: u32) -> Key {
    Key::number(NonZeroU32::new(uid).unwrap())
}

/// Octets in memory, in chunks of odd sizes; it can break off.
pub(crate) struct WireBody {
    announced: u64,
    chunks: Vec<Result<Bytes, StoreError>>,
}

impl WireBody {
    pub(crate) fn new(wire: &[u8]) -> Self {
        let chunks = wire.chunks(60_001).map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
        Self { announced: wire.len() as u64, chunks: chunks.rev().collect() }
    }

    pub(crate) fn breaking_off(wire: &[u8], error: StoreError) -> Self {
        let mut body = Self::new(wire);
        body.chunks.insert(0, Err(error));
        body
    }

    pub(crate) fn announcing(wire: &[u8], announced: u64) -> Self {
        Self { announced, ..Self::new(wire) }
    }
}

#[async_trait]
impl Body for WireBody {
    fn wire_octets(&self) -> u64 {
        self.announced
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        self.chunks.pop().transpose()
    }
}

/// Keeps everything that was fetched.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) bodies: BTreeMap<Key, Vec<u8>>,
    pub(crate) dates: BTreeMap<Key, i64>,
    pub(crate) failed: BTreeMap<Key, String>,
}

#[async_trait]
impl Receiver for Kept {
    async fn receive(&mut self, message: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        let announced = body.wire_octets();
        let mut wire = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            assert!((1..=65536).contains(&chunk.len()));
            wire.extend_from_slice(&chunk);
        }
        assert_eq!(wire.len() as u64, announced);
        self.dates.extend(message.date.map(|date| (message.key.clone(), date.unix_seconds)));
        assert_eq!(self.bodies.insert(message.key, wire), None, "each message comes once");
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        self.failed.insert(key.clone(), error.to_string());
    }
}

/// Messages that are easily damaged, in wire form.
pub(crate) fn odd_messages() -> Vec<Vec<u8>> {
    let mut long_line = b"a: b\r\n\r\n".to_vec();
    long_line.resize(2_000_000, b'x');
    let many_lines = b"From: \xe4@x\r\n\r\nline\r\n".repeat(20_000);
    vec![
        b"".to_vec(),
        b"a: b\r\n\r\n".to_vec(),
        b"From x@y Mon Jan  1\r\na: b\r\n\r\nno newline at the end".to_vec(),
        b"a: b\r\n\r\nNUL \0 stray \r CR, two \r\r\n, at the end \r".to_vec(),
        long_line,
        many_lines,
    ]
}
