//! What asks the program to end: signals (`spec/cli.md` §12), and keys of the user interface.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::ui::Request;

/// The signals that the program handles, from the moment this is made, and the keys.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    requests: UnboundedReceiver<Request>,
    /// They wake or end a waiting account. One sync waits for nothing, but must not die of them.
    _awaited_by_nobody: [Signal; 2],
}

impl Signals {
    /// Installs the handlers, and listens to the requests of the user interface. Must be called
    /// within a runtime.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(crate) fn install(requests: UnboundedReceiver<Request>) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            requests,
            _awaited_by_nobody: [
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
            ],
        })
    }

    /// Waits for the next request to end, and returns which it was. Cancellation safe.
    pub(crate) async fn shutdown(&mut self) -> Request {
        tokio::select! {
            _ = self.interrupt.recv() => Request::Interrupt,
            _ = self.terminate.recv() => Request::Interrupt,
            _ = self.hangup.recv() => Request::Interrupt,
            // A user interface without keys has none.
            Some(request) = self.requests.recv() => request,
        }
    }
}
