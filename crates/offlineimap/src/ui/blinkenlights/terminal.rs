//! The terminal: taken for the screen, and given back in good order however the run ends.

use std::io::{self, BufWriter, IsTerminal as _, Stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use std::{panic, thread};

use anyhow::{Context as _, bail};
use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::environment;

/// What draws on the terminal.
pub(super) type Screenful = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Whether the terminal is ours. The process has one terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// How long a terminal may take to become what it was.
const PATIENCE: Duration = Duration::from_millis(500);

/// Takes the terminal for a full screen.
///
/// # Errors
///
/// If there is none, or it cannot do that.
pub(super) fn take() -> anyhow::Result<Screenful> {
    if !io::stdout().is_terminal() {
        bail!(
            "the user interface 'blinkenlights' needs a terminal, and the standard output is none; \
             choose another one, for instance with '-u basic'"
        );
    }
    let kind = environment::variable("TERM").unwrap_or_default();
    if kind.is_empty() || kind == "dumb" {
        bail!(
            "the user interface 'blinkenlights' needs a terminal with a full screen, and TERM is \
             '{}'; choose another one, for instance with '-u ttyui'",
            kind.display()
        );
    }
    give_back_on_panic();
    enable_raw_mode().context("the terminal cannot be read key by key")?;
    TAKEN.store(true, Ordering::SeqCst);
    let taken = execute!(io::stdout(), EnterAlternateScreen, Hide)
        .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout()))));
    if taken.is_err() {
        give_back();
    }
    taken.context("the terminal cannot show a full screen")
}

/// Tells whether the terminal is ours.
pub(super) fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Makes the terminal what it was, if it is ours. Does not wait for a terminal that takes nothing.
pub(crate) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // There is nobody left to tell that it failed.
    drop(disable_raw_mode());
    let (restored, done) = channel();
    let restoring = thread::Builder::new().spawn(move || {
        drop(execute!(io::stdout(), LeaveAlternateScreen, Show));
        let _ = restored.send(());
    });
    if restoring.is_ok() {
        let _ = done.recv_timeout(PATIENCE);
    }
}

/// After a defect, what is said about it is to be read, and so is everything afterwards.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |defect| {
            give_back();
            before(defect);
        }));
    });
}
