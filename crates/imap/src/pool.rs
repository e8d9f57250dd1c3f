//! Connections to one server, shared by all mailboxes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use offlineimap_core::{StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::Command;
use offlineimap_imap_proto::mailbox::MailboxName;
use offlineimap_imap_proto::response::Capabilities;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::config::ImapConfig;
use crate::connection::{Connection, Conversation, DialError, Dialer, Prospect, Upload};
use crate::spelling::Spelling;

/// Hands out connections, each to one user at a time, and opens new ones on demand.
///
/// Refused credentials are remembered: the server is not asked a second time with the same wrong
/// password, whoever wants a connection. Where the server has enough of us, the pool gets smaller.
#[derive(Debug)]
pub(crate) struct Pool {
    config: Arc<ImapConfig>,
    dialer: Dialer,
    permits: Arc<Semaphore>,
    /// How many permits there are, taken or not.
    size: Mutex<usize>,
    idle: Mutex<Vec<Connection>>,
    /// Held by the very first sign-in, so that others do not try a password that may be wrong.
    first_sign_in: tokio::sync::Mutex<()>,
    signed_in: AtomicBool,
    refusal: Mutex<Option<String>>,
    spelling: Spelling,
}

/// Which mailbox a connection is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// Any connection will do.
    Anything,
    /// One that has this mailbox selected spares a SELECT.
    Mailbox(&'a MailboxName),
}

impl Pool {
    pub(crate) fn new(config: Arc<ImapConfig>) -> Arc<Self> {
        let size = config.max_connections.get();
        Arc::new(Self {
            dialer: Dialer::new(Arc::clone(&config)),
            spelling: Spelling::new(config.name_encoding),
            config,
            permits: Arc::new(Semaphore::new(size)),
            size: Mutex::new(size),
            idle: Mutex::new(Vec::new()),
            first_sign_in: tokio::sync::Mutex::new(()),
            signed_in: AtomicBool::new(false),
            refusal: Mutex::new(None),
        })
    }

    /// Returns how the store is configured.
    pub(crate) fn config(&self) -> &ImapConfig {
        &self.config
    }

    /// Returns how names of mailboxes are spelt.
    pub(crate) fn spelling(&self) -> &Spelling {
        &self.spelling
    }

    /// Waits for a connection.
    ///
    /// # Errors
    ///
    /// If there is none and none can be opened.
    pub(crate) async fn lease(self: &Arc<Self>, purpose: Purpose<'_>) -> Result<Lease, StoreError> {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| {
                StoreError::new(StoreErrorKind::Cancelled, "the IMAP store is closed")
            })?;
            let connection = match self.take_idle(purpose) {
                Some(connection) => connection,
                None => match self.dial().await {
                    Ok(connection) => connection,
                    Err(NotDialled { prospect: Prospect::FewerConnections, error })
                        if self.shrink() =>
                    {
                        tracing::warn!(
                            "{error}; going on with fewer than {} connections",
                            self.config.max_connections
                        );
                        permit.forget();
                        continue;
                    }
                    Err(NotDialled { error, .. }) => return Err(error),
                },
            };
            return Ok(Lease {
                pool: Arc::clone(self),
                connection: Some(connection),
                _permit: permit,
            });
        }
    }

    /// Says goodbye on all connections.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        for mut connection in idle {
            let mut conversation = connection.converse();
            conversation.submit(Command::logout());
            // A server that does not answer a goodbye is left without one.
            drop(timeout(GOODBYE, conversation.finish(|_| {})).await);
        }
        self.dialer.close().await;
    }

    fn take_idle(&self, purpose: Purpose<'_>) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.retain(Connection::is_open);
        let selected = |connection: &Connection| {
            connection.selected.as_ref().map(|selected| selected.mailbox.clone())
        };
        // Of several the one that was used last: work on one mailbox that needs one connection at a
        // time stays on it. Servers make two that add to the same mailbox wait for each other.
        let wanted = match purpose {
            Purpose::Mailbox(name) => {
                idle.iter().rposition(|connection| selected(connection).as_ref() == Some(name))
            }
            Purpose::Anything => None,
        };
        let at = wanted
            .or_else(|| idle.iter().position(|connection| connection.selected.is_none()))
            .or_else(|| idle.len().checked_sub(1))?;
        Some(idle.remove(at))
    }

    async fn dial(&self) -> Result<Connection, NotDialled> {
        let mut guard = None;
        if !self.signed_in.load(Ordering::Acquire) {
            guard = Some(self.first_sign_in.lock().await);
        }
        if let Some(refusal) = lock(&self.refusal).clone() {
            let error = StoreError::new(StoreErrorKind::Store, refusal);
            return Err(NotDialled { prospect: Prospect::Never, error });
        }
        let dialled = self.dialer.dial().await;
        drop(guard);
        match dialled {
            Ok(connection) => {
                self.signed_in.store(true, Ordering::Release);
                Ok(connection)
            }
            Err(error) => Err(self.not_dialled(error)),
        }
    }

    fn not_dialled(&self, error: DialError) -> NotDialled {
        let prospect = error.prospect();
        let text = error.to_string();
        if prospect == Prospect::Never {
            lock(&self.refusal).get_or_insert(text.clone());
        }
        // Once it worked, an unreachable server is a lost connection like any other.
        let worked = self.signed_in.load(Ordering::Acquire);
        let kind = match prospect {
            Prospect::Later if worked => StoreErrorKind::ConnectionLost,
            Prospect::Later | Prospect::Never | Prospect::FewerConnections | Prospect::Hopeless => {
                StoreErrorKind::Store
            }
        };
        NotDialled { prospect, error: StoreError::new(kind, text).caused_by(error) }
    }

    /// Gives up one place, unless ours is the only connection there could be.
    fn shrink(&self) -> bool {
        let mut size = lock(&self.size);
        let in_use = size.saturating_sub(self.permits.available_permits());
        if *size <= 1 || in_use <= 1 {
            return false;
        }
        *size -= 1;
        true
    }
}

/// Why there is no new connection.
struct NotDialled {
    prospect: Prospect,
    error: StoreError,
}

/// A connection in use. Dropping it gives the connection back, if it is still good.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Returns the connection.
    ///
    /// # Errors
    ///
    /// Does not fail: the connection is taken out on drop only.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or_else(|| {
            StoreError::new(StoreErrorKind::ConnectionLost, "the connection was given back")
        })
    }

    /// Begins to speak with the server.
    pub(crate) fn converse(&mut self) -> Result<Conversation<'_>, StoreError> {
        Ok(self.connection()?.converse())
    }

    /// Sends an APPEND.
    pub(crate) fn upload(&mut self, command: Command) -> Result<Upload, StoreError> {
        Ok(self.connection()?.upload(command))
    }

    /// Returns what the server can do.
    pub(crate) fn capabilities(&self) -> Option<&Capabilities> {
        self.connection.as_ref().map(Connection::capabilities)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.is_open()
        {
            lock(&self.pool.idle).push(connection);
        }
    }
}

/// Decides whether a read is repeated on a fresh connection.
#[derive(Debug)]
pub(crate) struct Attempts {
    left: u32,
    pause: Duration,
}

impl Attempts {
    pub(crate) fn new(config: &ImapConfig) -> Self {
        Self { left: REPETITIONS, pause: config.retry_pause }
    }

    /// Tells whether to try again, after a pause.
    pub(crate) async fn again(&mut self, error: &StoreError) -> bool {
        if error.kind() != StoreErrorKind::ConnectionLost || self.left == 0 {
            return false;
        }
        tracing::info!("{error}; trying again");
        self.left -= 1;
        sleep(self.pause).await;
        self.pause *= 2;
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a read is repeated after its connection was lost.
const REPETITIONS: u32 = 2;

/// How long the answer to LOGOUT is waited for.
const GOODBYE: Duration = Duration::from_secs(5);
