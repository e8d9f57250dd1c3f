//! What is asked of the program while it syncs: by signals (`spec/cli.md` §12), and by keys of the
//! user interface.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::ui::Request;

/// What a signal or a key demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// To end soon, and in good order.
    Shutdown(Request),
    /// To end when the sync is done.
    Finish,
    /// To say what is going on, and to die with an image of the memory.
    Abort,
}

/// The signals that the program handles, from the moment this is made, and the keys.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    user_defined2: Signal,
    abort: Signal,
    quit: Signal,
    requests: UnboundedReceiver<Request>,
    /// It wakes a waiting account. A sync waits for nothing, but must not die of it.
    _user_defined1: Signal,
}

/// Of this one, tokio has no name.
const SIGABRT: i32 = rustix::process::Signal::ABORT.as_raw();

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
            user_defined2: signal(SignalKind::user_defined2())?,
            abort: signal(SignalKind::from_raw(SIGABRT))?,
            quit: signal(SignalKind::quit())?,
            requests,
            _user_defined1: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits until something is asked for. Cancellation safe.
    pub(crate) async fn next(&mut self) -> Demand {
        tokio::select! {
            _ = self.interrupt.recv() => Demand::Shutdown(Request::Interrupt),
            _ = self.terminate.recv() => Demand::Shutdown(Request::Interrupt),
            _ = self.hangup.recv() => Demand::Shutdown(Request::Interrupt),
            _ = self.user_defined2.recv() => Demand::Finish,
            _ = self.abort.recv() => Demand::Finish,
            _ = self.quit.recv() => Demand::Abort,
            // A user interface without keys has none.
            Some(request) = self.requests.recv() => Demand::Shutdown(request),
        }
    }
}
