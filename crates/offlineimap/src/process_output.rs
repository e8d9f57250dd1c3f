//! What a process writes, read in the background so that it never waits for us.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long output may still come once the process has ended. What it left running in the
/// background may hold the pipe open for ever.
const AFTERMATH: Duration = Duration::from_secs(1);

/// One of the pipes of a process.
pub(crate) struct ProcessOutput {
    kept: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl ProcessOutput {
    /// Reads everything, and keeps the beginning of it.
    pub(crate) fn read(
        pipe: Option<impl AsyncRead + Unpin + Send + 'static>,
        kept_octets: usize,
    ) -> Self {
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let place = Arc::clone(&kept);
        let reading = pipe.map(|mut pipe| {
            tokio::spawn(async move {
                let mut chunk = [0; 4096];
                while let Ok(octets @ 1..) = pipe.read(&mut chunk).await {
                    let mut kept = place.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = kept_octets.saturating_sub(kept.len()).min(octets);
                    kept.extend(chunk.iter().take(room));
                }
            })
        });
        Self { kept, reading }
    }

    /// What was kept, once the process has ended.
    pub(crate) async fn taken(mut self) -> Vec<u8> {
        if let Some(reading) = &mut self.reading
            && timeout(AFTERMATH, &mut *reading).await.is_err()
        {
            reading.abort();
        }
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
