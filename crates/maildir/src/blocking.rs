//! The threads on which files are read, written and synchronised.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinError, spawn_blocking};

use crate::error::MaildirError;

/// Reads and writes wait for the page cache only: few threads keep the disk busy.
const JOBS: usize = 8;

/// Threads that synchronise files: each waits for the disk.
const SYNCS: usize = 16;

/// Written files that are open and wait to be synchronised, or are being. All that wait share the
/// next commit of the file system's journal, which is where the time goes.
const UNSYNCED: usize = 128;

/// Runs file work on a bounded number of the runtime's blocking threads.
#[derive(Debug)]
pub(crate) struct Blocking {
    jobs: Arc<Semaphore>,
    unsynced: Arc<Semaphore>,
    queue: Arc<Mutex<Queue>>,
}

/// What is to be synchronised, and by how many threads.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Unsynced>,
    threads: usize,
}

#[derive(Debug)]
struct Unsynced {
    file: File,
    outcome: oneshot::Sender<io::Result<()>>,
    permit: Option<OwnedSemaphorePermit>,
}

/// A synchronisation under way. Dropping it lets it run to its end unobserved.
pub(crate) type Sync = oneshot::Receiver<io::Result<()>>;

impl Blocking {
    pub(crate) fn new() -> Self {
        let [jobs, unsynced] = [JOBS, UNSYNCED].map(|count| Arc::new(Semaphore::new(count)));
        Self { jobs, unsynced, queue: Arc::default() }
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
        let permit = Arc::clone(&self.unsynced).acquire_owned().await.ok();
        let (outcome, sync) = oneshot::channel();
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(Unsynced { file, outcome, permit });
        if queue.threads < SYNCS {
            queue.threads += 1;
            let queue = Arc::clone(&self.queue);
            drop(spawn_blocking(move || synchronise_all(&queue)));
        }
        sync
    }
}

/// Synchronises files until none waits.
fn synchronise_all(queue: &Mutex<Queue>) {
    loop {
        let mut locked = lock(queue);
        let Some(Unsynced { file, outcome, permit }) = locked.waiting.pop_front() else {
            locked.threads -= 1;
            return;
        };
        drop(locked);
        let synced = file.sync_all();
        drop((file, permit));
        // If nobody waits for it any more, the run is ending.
        drop(outcome.send(synced));
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a synchronisation.
pub(crate) async fn synced(sync: Sync) -> io::Result<()> {
    // Without an answer the runtime is shutting down.
    sync.await.unwrap_or_else(|_| Err(io::Error::other(MaildirError::Stopped)))
}

/// A panic in a job is a panic of its caller. Otherwise the runtime is shutting down.
fn resume_panic(error: JoinError) -> MaildirError {
    if error.is_panic() {
        std::panic::resume_unwind(error.into_panic());
    }
    MaildirError::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_files_than_may_be_open_are_all_synchronised() {
        let blocking = Blocking::new();
        let mut syncs = Vec::new();
        for _ in 0..3 * UNSYNCED {
            syncs.push(blocking.begin_sync(tempfile::tempfile().unwrap()).await);
        }
        for sync in syncs {
            synced(sync).await.unwrap();
        }
        assert!(lock(&blocking.queue).waiting.is_empty());
        assert_eq!(blocking.unsynced.available_permits(), UNSYNCED);
    }

    #[tokio::test]
    async fn a_file_that_nobody_waits_for_is_synchronised_all_the_same() {
        let blocking = Blocking::new();
        drop(blocking.begin_sync(tempfile::tempfile().unwrap()).await);
        synced(blocking.begin_sync(tempfile::tempfile().unwrap()).await).await.unwrap();
        let all = u32::try_from(UNSYNCED).unwrap();
        drop(blocking.unsynced.acquire_many(all).await.unwrap());
    }
}
