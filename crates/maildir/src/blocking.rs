//! The threads on which files are read, written and synchronised.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::error::MaildirError;

/// Reads and writes wait for the page cache only: few threads keep the disk busy.
const JOBS: usize = 8;

/// Each synchronisation waits for the disk. Many at once share one commit of the file system's
/// journal, which is where the time goes. It also bounds how many written files are open.
const SYNCS: usize = 16;

/// Runs file work on a bounded number of the runtime's blocking threads.
#[derive(Debug)]
pub(crate) struct Blocking {
    jobs: Arc<Semaphore>,
    syncs: Arc<Semaphore>,
}

/// A synchronisation under way. Dropping it lets it run to its end unobserved.
pub(crate) type Sync = JoinHandle<io::Result<()>>;

impl Blocking {
    pub(crate) fn new() -> Self {
        Self { jobs: Arc::new(Semaphore::new(JOBS)), syncs: Arc::new(Semaphore::new(SYNCS)) }
    }

    /// Runs a job to its end, also if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, MaildirError> {
        // The semaphore is never closed; without a permit the job would still be right.
        let permit = Arc::clone(&self.jobs).acquire_owned().await.ok();
        let running = spawn_blocking(move || {
            let outcome = job();
            drop(permit);
            outcome
        });
        running.await.map_err(resume_panic)
    }

    /// Begins to synchronise a file that was just written, on the descriptor that wrote it: an
    /// error of writing back is reported there, and only once. Waits if too many are under way.
    pub(crate) async fn begin_sync(&self, file: File) -> Sync {
        let permit = Arc::clone(&self.syncs).acquire_owned().await.ok();
        spawn_blocking(move || {
            let outcome = file.sync_all();
            drop(file);
            drop(permit);
            outcome
        })
    }
}

/// Waits for a synchronisation.
pub(crate) async fn synced(sync: Sync) -> io::Result<()> {
    match sync.await {
        Ok(outcome) => outcome,
        Err(error) => Err(io::Error::other(resume_panic(error))),
    }
}

/// A panic in a job is a panic of its caller. Otherwise the runtime is shutting down.
fn resume_panic(error: JoinError) -> MaildirError {
    if error.is_panic() {
        std::panic::resume_unwind(error.into_panic());
    }
    MaildirError::Stopped
}
