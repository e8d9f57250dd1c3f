//! `blinkenlights`: the full screen, with a light for everything that is at work (`spec/ui.md` §6).
//!
//! Messages change a [`Screen`]; a thread of its own draws it, another one reads the keys. Whoever
//! tells something never waits for the terminal.

mod draw;
mod keys;
mod screen;
mod terminal;

use std::fmt;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use crossterm::event;
use secrecy::SecretString;
use tokio::sync::mpsc::UnboundedSender;

use super::prompter::TerminalPrompter;
use super::{Closing, Console, Level, Message, Moment, Prompter, Question, Request, Thread};
use crate::exit::Status;
use screen::Screen;
pub(crate) use terminal::give_back as give_terminal_back;

/// The least time between two drawings.
const PACE: Duration = Duration::from_millis(50);

/// How long the end of the run waits for a drawing, at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// Shows messages on the whole screen, until it is left; and then as plain lines.
pub(super) struct Blinkenlights {
    stage: Arc<Stage>,
    /// Breaks when the drawing has ended.
    drawing: Receiver<()>,
    banner: Option<String>,
}

/// The screen that is shown, and whether it is worth drawing again.
struct Stage {
    scene: Mutex<Scene>,
    changed: Condvar,
}

struct Scene {
    screen: Screen,
    next: Next,
}

/// What the drawing has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Wait,
    Draw,
    End,
}

impl Blinkenlights {
    /// Takes the terminal. What the keyboard asks for goes to `requests`.
    ///
    /// # Errors
    ///
    /// If there is no terminal, or it cannot show a full screen.
    pub(super) fn open(requests: UnboundedSender<Request>) -> anyhow::Result<Self> {
        let terminal = terminal::take()?;
        let scene = Mutex::new(Scene { screen: Screen::new(), next: Next::Draw });
        let stage = Arc::new(Stage { scene, changed: Condvar::new() });
        let (drawing, drawn) = channel::<()>();
        let console = Self { stage, drawing: drawn, banner: None };
        start("screen", {
            let stage = Arc::clone(&console.stage);
            move || {
                stage.draw(terminal);
                drop(drawing);
            }
        })?;
        start("keyboard", {
            let stage = Arc::clone(&console.stage);
            move || stage.listen(&requests)
        })?;
        Ok(console)
    }

    fn leave(&mut self) {
        self.stage.end();
        // A terminal that takes nothing any more keeps nobody here.
        let _ = self.drawing.recv_timeout(PATIENCE);
        terminal::give_back();
    }
}

impl Stage {
    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is shown.
    fn change<T>(&self, change: impl FnOnce(&mut Screen) -> T) -> T {
        let mut scene = self.scene();
        let changed = change(&mut scene.screen);
        if scene.next == Next::Wait {
            scene.next = Next::Draw;
        }
        drop(scene);
        self.changed.notify_all();
        changed
    }

    fn end(&self) {
        let mut scene = self.scene();
        scene.next = Next::End;
        scene.screen.withdraw_question();
        drop(scene);
        self.changed.notify_all();
    }

    /// Draws whenever there is something new, and not too often, until the end.
    fn draw(&self, mut terminal: terminal::Screenful) {
        loop {
            let scene = self.scene();
            let waited = self.changed.wait_while(scene, |scene| scene.next == Next::Wait);
            let mut scene = waited.unwrap_or_else(PoisonError::into_inner);
            if scene.next == Next::End || !terminal::is_taken() {
                return;
            }
            scene.next = Next::Wait;
            drop(scene);
            // Locked while cells are put together, and not while they are written.
            if terminal.draw(|frame| draw::draw(&self.scene().screen, frame)).is_err() {
                return;
            }
            thread::sleep(PACE);
        }
    }

    /// Reads keys as long as there is a keyboard.
    fn listen(&self, requests: &UnboundedSender<Request>) {
        while terminal::is_taken() {
            let Ok(event) = event::read() else { return };
            // A change of the size is drawn like any other.
            let request = self.change(|screen| keys::react(screen, &event));
            if let Some(request) = request
                && requests.send(request).is_err()
            {
                return;
            }
        }
    }
}

impl Console for Blinkenlights {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn notice(&mut self, thread: &Thread, moment: &Moment) {
        self.stage.change(|screen| screen.notice(thread, moment));
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        if message.moment == Some(Moment::Banner) {
            self.banner = Some(message.text.clone());
            self.stage.change(|screen| screen.present(&message.text));
        } else if terminal::is_taken() {
            self.stage.change(|screen| screen.show(message));
        } else {
            say(&message.text)?;
        }
        Ok(())
    }

    fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        Some(Arc::clone(&self.stage) as _)
    }

    fn close(&mut self, _status: Status) -> Closing {
        self.leave();
        if let Some(banner) = &self.banner {
            // Whoever closed the terminal does not want to know.
            drop(say(banner));
        }
        Closing::WithReport
    }
}

impl Prompter for Stage {
    fn ask(&self, question: &Question) -> io::Result<SecretString> {
        if !terminal::is_taken() {
            return TerminalPrompter.ask(question);
        }
        let (reply, answer) = channel();
        self.change(|screen| screen.ask(question, reply));
        answer.recv().map(SecretString::from).map_err(|_| io::ErrorKind::Interrupted.into())
    }
}

impl Drop for Blinkenlights {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Blinkenlights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blinkenlights").finish_non_exhaustive()
    }
}

fn start(name: &str, job: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(job);
    started.map(drop).context("cannot start a thread for the screen")
}

/// Says something below what was on the terminal before.
fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(format!("{text}\n").as_bytes())?;
    stdout.flush()
}
