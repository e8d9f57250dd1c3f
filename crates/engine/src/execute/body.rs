//! A body that is looked at while it passes by.

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{Body, Fingerprint, Fingerprinter, StoreError, StoreErrorKind};
use tokio_util::sync::CancellationToken;

/// Passes a body on, computes its fingerprint, and ends it early when asked to stop.
pub(super) struct Watched<'a> {
    body: &'a mut dyn Body,
    fingerprinter: Fingerprinter,
    stop: &'a CancellationToken,
}

impl<'a> Watched<'a> {
    pub(super) fn new(body: &'a mut dyn Body, stop: &'a CancellationToken) -> Self {
        Self { body, fingerprinter: Fingerprinter::default(), stop }
    }

    /// Returns what was seen; complete if the body was read to its end.
    pub(super) fn finish(self) -> Fingerprint {
        self.fingerprinter.finish()
    }
}

/// The error with which everything ends that is not worth finishing.
pub(super) fn stopped() -> StoreError {
    StoreError::new(StoreErrorKind::Cancelled, "stopped on request")
}

#[async_trait]
impl Body for Watched<'_> {
    fn wire_octets(&self) -> u64 {
        self.body.wire_octets()
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let chunk = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(stopped()),
            chunk = self.body.chunk() => chunk?,
        };
        if let Some(chunk) = &chunk {
            self.fingerprinter.push(chunk);
        }
        Ok(chunk)
    }
}
