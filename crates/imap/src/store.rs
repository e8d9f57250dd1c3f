//! The store: listing, creating and opening mailboxes.

mod create;
mod delete;
mod listing;
mod stamps;

pub(crate) use stamps::stamp;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_core::{
    Access, Listing, Mailbox, MailboxEntry, MailboxName, Store, StoreError, StoreErrorKind, Token,
};

use crate::config::ImapConfig;
use crate::mailbox::ImapMailbox;
use crate::pool::{Attempts, Pool};
use crate::spelling::NameEncoding;

/// The mailboxes of one user on one IMAP server.
pub struct ImapStore {
    pool: Arc<Pool>,
}

impl ImapStore {
    /// Describes the store. Nothing is connected before the first use.
    pub fn new(config: ImapConfig) -> Self {
        Self { pool: Pool::new(Arc::new(config)) }
    }

    /// Deletes a mailbox with all its messages, for a user who asked for just that: no sync ever
    /// does. The name is that of a listing, and goes to the server as it is.
    ///
    /// # Errors
    ///
    /// If the server refuses, or there is no such mailbox. After [`StoreErrorKind::ConnectionLost`]
    /// nobody knows whether it was deleted.
    pub async fn delete(&self, name: &MailboxName) -> Result<(), StoreError> {
        if self.pool.config().name_encoding == NameEncoding::Utf8 {
            // To know how this server spells it.
            listing::list(&self.pool).await?;
        }
        delete::delete(&self.pool, name).await
    }
}

impl fmt::Debug for ImapStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapStore").field("config", self.pool.config()).finish_non_exhaustive()
    }
}

impl ImapStore {
    /// Adds the mailboxes that the server does not list, as far as they can be opened.
    async fn with_included(&self, mut listing: Listing) -> Result<Listing, StoreError> {
        for name in &self.pool.config().included {
            let is_listed = |entry: &MailboxEntry| {
                let is_inbox = |name: &str| name.eq_ignore_ascii_case("INBOX");
                let listed = entry.name.as_str();
                listed == name || (is_inbox(listed) && is_inbox(name))
            };
            if listing.mailboxes.iter().any(is_listed) {
                continue;
            }
            let mailbox = MailboxName::new(name.as_str());
            let opened = ImapMailbox::open(Arc::clone(&self.pool), mailbox, Access::ReadOnly);
            match opened.await {
                Ok(_) => listing.mailboxes.push(MailboxEntry::named(name)),
                Err(error) if error.kind() == StoreErrorKind::Mailbox => {
                    listing.missing.push((name.clone(), error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(listing)
    }
}

#[async_trait]
impl Store for ImapStore {
    fn kind(&self) -> &'static str {
        self.pool.config().kind
    }

    fn name(&self) -> &str {
        &self.pool.config().name
    }

    fn identity(&self) -> Option<String> {
        // Not the port or the kind of TLS: those change without the mail changing.
        let config = self.pool.config();
        let owner = config.identity.as_ref().unwrap_or(&config.user);
        Some(format!("{owner}@{}", config.host.to_ascii_lowercase()))
    }

    fn parallelism(&self) -> usize {
        self.pool.config().max_connections.get()
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let mut attempts = Attempts::new(self.pool.config());
        loop {
            match listing::list(&self.pool).await {
                Err(error) if attempts.again(&error).await => {}
                Err(error) => return Err(error),
                Ok(listing) => return self.with_included(listing).await,
            }
        }
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        let mut attempts = Attempts::new(self.pool.config());
        loop {
            match stamps::stamps(&self.pool, names).await {
                Err(error) if attempts.again(&error).await => {}
                result => return result,
            }
        }
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        create::create(&self.pool, name).await
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        let mailbox = ImapMailbox::open(Arc::clone(&self.pool), name.clone(), access).await?;
        Ok(Arc::new(mailbox))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
