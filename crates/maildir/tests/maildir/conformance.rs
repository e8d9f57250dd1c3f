//! The promises of every store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{Access, Listing, Mailbox, MailboxName, Store, StoreError};
use offlineimap_maildir::{MaildirConfig, MaildirStore};
use offlineimap_testkit::conformance::{Dates, Fixture, check, with_all_lines_ended};
use offlineimap_testkit::message::Odd;
use tempfile::TempDir;

use crate::fixture::config;

/// A Maildir that does not tell its separator. The suite takes it for flat, and does not ask that
/// the parent of a created folder is a folder as well: in a Maildir it is a mere directory
/// (`spec/ondisk.md` §8.2), because a parent may be one that the server cannot select.
struct WithoutSeparator(MaildirStore);

#[async_trait]
impl Store for WithoutSeparator {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn parallelism(&self) -> usize {
        self.0.parallelism()
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        Ok(Listing { separator: None, ..self.0.list().await? })
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        self.0.create(name).await
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        self.0.open(name, access).await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

struct Maildir {
    root: TempDir,
    separator: char,
}

#[async_trait]
impl Fixture for Maildir {
    async fn empty_store(&self) -> Arc<dyn Store> {
        let separator = self.separator;
        let config = MaildirConfig { separator, ..config(self.root.path()) };
        Arc::new(WithoutSeparator(MaildirStore::new(config)))
    }

    fn dates(&self) -> Dates {
        Dates::NotKept
    }

    fn comes_back(&self, odd: Odd) -> Option<Bytes> {
        Some(with_all_lines_ended(&odd.body().to_bytes()))
    }
}

#[tokio::test]
async fn a_maildir_keeps_the_promises_of_a_store() {
    for separator in ['.', '/'] {
        check(&Maildir { root: tempfile::tempdir().unwrap(), separator }).await;
    }
}
