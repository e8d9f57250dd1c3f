//! One mailbox on a server.

mod append;
mod change;
mod fetch;
mod fingerprints;
mod observe;
mod presence;
mod remove;
mod search;
mod stream;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use offlineimap_core::{
    Access, Applied, Binding, Body, Fingerprint, FlagChange, Key, Limit, Mailbox, MailboxName,
    NewMessage, Observation, Receiver, Removal, Removed, Scope, Staged, StoreError, StoreErrorKind,
    Stored, Window,
};
use offlineimap_imap_proto::command::{Command, OpenMode};
use offlineimap_imap_proto::mailbox::MailboxName as WireName;
use offlineimap_imap_proto::session::{Access as WireAccess, Selected};
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::connection::Happening;
use crate::connection::accepted;
use crate::pool::{Lease, Pool, Purpose};

/// An open mailbox. It may be used on several connections at once; each of them must show the
/// UIDVALIDITY that the first one showed.
#[derive(Debug)]
pub(crate) struct ImapMailbox {
    pool: Arc<Pool>,
    name: MailboxName,
    wire: WireName,
    access: Access,
    /// The UIDVALIDITY in which all keys are meant.
    uid_validity: Mutex<Option<u32>>,
    /// Whether the SELECT of the opening has not been made use of. Only the first observation may
    /// do without another: servers do not tell a new UIDVALIDITY to whom has the mailbox selected.
    fresh: AtomicBool,
    /// Held while a message is sent, so that all of them go over one connection. With LITERAL+
    /// nothing is waited for meanwhile.
    sending: tokio::sync::Mutex<()>,
}

impl ImapMailbox {
    /// Opens the mailbox, so that one that cannot be opened is known at once.
    pub(crate) async fn open(
        pool: Arc<Pool>,
        name: MailboxName,
        access: Access,
    ) -> Result<Self, StoreError> {
        let wire = pool.spelling().wire(name.as_str());
        let uid_validity = Mutex::new(None);
        let fresh = AtomicBool::new(false);
        let sending = tokio::sync::Mutex::new(());
        let mailbox = Self { pool, name, wire, access, uid_validity, fresh, sending };
        let mut attempts = crate::pool::Attempts::new(mailbox.pool.config());
        loop {
            match mailbox.open_first().await {
                Ok(()) => return Ok(mailbox),
                Err(error) if attempts.again(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn open_first(&self) -> Result<(), StoreError> {
        let mut lease = self.pool.lease(Purpose::Mailbox(&self.wire)).await?;
        self.select(&mut lease).await?;
        self.fresh.store(true, Ordering::Release);
        Ok(())
    }

    /// Returns the view of the mailbox that this connection has, if it has the right one selected.
    fn view(&self, lease: &mut Lease) -> Result<Option<Box<Selected>>, StoreError> {
        let selected = lease.connection()?.selected.clone();
        Ok(selected.filter(|own| own.mailbox == self.wire && own.mode == self.mode()))
    }

    /// Waits for a connection and selects the mailbox there, if it is not.
    async fn enter(&self) -> Result<Lease, StoreError> {
        let mut lease = self.pool.lease(Purpose::Mailbox(&self.wire)).await?;
        match self.view(&mut lease)? {
            Some(selected) => drop(self.check_epoch(&selected)?),
            None => drop(self.select(&mut lease).await?),
        }
        Ok(lease)
    }

    /// Selects the mailbox, also if it is selected already: that renews the view of it.
    async fn select(&self, lease: &mut Lease) -> Result<Box<Selected>, StoreError> {
        let mut conversation = lease.converse()?;
        conversation.forget_selected();
        conversation.submit(Command::open(&self.wire, self.mode()));
        loop {
            let Happening::Completed { outcome, selected, .. } = conversation.next().await? else {
                continue;
            };
            accepted(&outcome)
                .map_err(|refusal| self.error(&format!("cannot be opened: {refusal}")))?;
            let selected = selected.ok_or_else(|| conversation.lost())?;
            self.check_epoch(&selected)?;
            return Ok(selected);
        }
    }

    /// Makes sure that UIDs mean what they meant when the mailbox was opened.
    fn check_epoch(&self, selected: &Selected) -> Result<u32, StoreError> {
        let now = selected.uid_validity.filter(|value| *value > 0);
        let now = now.ok_or_else(|| self.error("has no UIDVALIDITY"))?;
        let mut known = self.uid_validity.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some(before) if before != now => {
                let what = format!("has changed its UIDVALIDITY from {before} to {now}");
                Err(self.error(&what))
            }
            Some(_) | None => {
                *known = Some(now);
                Ok(now)
            }
        }
    }

    /// Tells whether a UIDVALIDITY is the one in which keys are meant.
    fn is_epoch(&self, uid_validity: u32) -> bool {
        *self.uid_validity.lock().unwrap_or_else(PoisonError::into_inner) == Some(uid_validity)
    }

    /// Makes sure that the mailbox may be changed.
    fn check_writable(&self, lease: &mut Lease) -> Result<(), StoreError> {
        let connection = lease.connection()?;
        let by_server =
            connection.selected.as_ref().is_some_and(|own| own.access == WireAccess::ReadOnly);
        match self.access {
            Access::ReadOnly => Err(self.error("was opened for reading only")),
            Access::ReadWrite if by_server => Err(self.error("is read-only on the server")),
            Access::ReadWrite => Ok(()),
        }
    }

    fn mode(&self) -> OpenMode {
        match self.access {
            Access::ReadWrite => OpenMode::Select,
            Access::ReadOnly => OpenMode::Examine,
        }
    }

    /// Announces a change that is about to be sent.
    fn step(&self, what: &str) {
        self.pool.config().steps.step(&format!("imap {what} in {}", self.name));
    }

    /// An error that concerns the whole mailbox.
    fn error(&self, what: &str) -> StoreError {
        let host = &self.pool.config().host;
        StoreError::new(StoreErrorKind::Mailbox, format!("mailbox {} on {host} {what}", self.name))
    }

    /// An error that concerns one message.
    fn message_error(&self, uid: Uid, what: &str) -> StoreError {
        let host = &self.pool.config().host;
        StoreError::new(
            StoreErrorKind::Message,
            format!("message with UID {uid} in mailbox {} on {host} {what}", self.name),
        )
    }
}

#[async_trait]
impl Mailbox for ImapMailbox {
    async fn observe(&self) -> Result<Observation, StoreError> {
        observe::observe(self, &Window::default()).await
    }

    async fn observe_within(&self, window: &Window) -> Result<Observation, StoreError> {
        observe::observe(self, window).await
    }

    async fn beyond(&self, keys: &[Key], limit: Limit) -> Result<BTreeSet<Key>, StoreError> {
        let Limit::Octets(octets) = limit else {
            // Messages have no names here that could tell.
            return Ok(BTreeSet::new());
        };
        let looks = fingerprints::fingerprints(self, Scope::Keys(keys)).await?;
        let large = looks.into_iter().filter(|(_, look)| look.wire_octets > octets);
        Ok(large.map(|(key, _)| key).collect())
    }

    async fn fetch(&self, keys: &[Key], receiver: &mut dyn Receiver) -> Result<(), StoreError> {
        fetch::fetch(self, keys, receiver).await
    }

    async fn fingerprints(&self, scope: Scope<'_>) -> Result<Vec<(Key, Fingerprint)>, StoreError> {
        fingerprints::fingerprints(self, scope).await
    }

    async fn stage(&self, message: NewMessage, body: &mut dyn Body) -> Result<Staged, StoreError> {
        append::stage(self, message, body).await
    }

    async fn commit(&self, staged: Vec<Staged>) -> Vec<Result<Stored, StoreError>> {
        append::commit(self, staged).await
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Vec<Result<Applied<Key>, StoreError>> {
        bindings.into_iter().map(|binding| Ok(Applied::Done(binding.key))).collect()
    }

    async fn change_flags(
        &self,
        changes: Vec<(Key, FlagChange)>,
    ) -> Vec<Result<Applied, StoreError>> {
        change::change_flags(self, changes).await
    }

    async fn present(&self, keys: &[Key]) -> Result<BTreeSet<Key>, StoreError> {
        presence::present(self, keys).await
    }

    async fn remove(&self, keys: &[Key], removal: Removal) -> Vec<Result<Removed, StoreError>> {
        remove::remove(self, keys, removal).await
    }
}

/// Repeats the error of a whole batch for one of its requests.
fn same(error: &StoreError) -> StoreError {
    StoreError::new(error.kind(), error.to_string())
}

/// Divides UIDs into sets that fit into a command line, each of at most so many UIDs.
fn batches(uids: impl IntoIterator<Item = Uid>, limit: usize) -> Vec<UidSet> {
    let uids: Vec<Uid> = uids.into_iter().collect();
    uids.chunks(limit)
        .flat_map(|uids| crate::translate::uid_set(uids.iter().copied()).chunks(SET_OCTETS))
        .collect()
}

/// Servers take command lines of at least 8192 octets (RFC 7162 §4); the set gets most of it.
const SET_OCTETS: usize = 7000;
