//! The promises of every store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::Store;
use offlineimap_maildir::{MaildirConfig, MaildirStore};
use offlineimap_testkit::conformance::{Dates, Fixture, check, with_all_lines_ended};
use offlineimap_testkit::message::Odd;
use tempfile::TempDir;

use crate::fixture::config;

struct Maildir {
    root: TempDir,
    separator: char,
}

#[async_trait]
impl Fixture for Maildir {
    async fn empty_store(&self) -> Arc<dyn Store> {
        let separator = self.separator;
        let config = MaildirConfig { separator, ..config(self.root.path()) };
        Arc::new(MaildirStore::new(config))
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
