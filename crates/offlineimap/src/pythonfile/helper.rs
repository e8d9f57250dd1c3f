//! The process of the interpreter, and the dialogue with it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// What is told of every line that user code prints, or says on its standard error.
pub(crate) type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// Our own code, executed by the interpreter.
const SCRIPT: &str = include_str!("helper.py");

/// How long a process that closed its end may take to be gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// More than any sensible value.
const MOST_OCTETS: usize = 16 << 20;

/// A longer line of user code is told in pieces.
const LINE_OCTETS: u64 = 16 << 10;

/// A running interpreter. It is killed when dropped; and it ends by itself when this process does,
/// because its channel is closed then.
pub(super) struct Helper {
    process: Child,
    channel: UnixStream,
}

/// Why there is no answer. The interpreter is of no use any more.
pub(super) enum Silence {
    TooSlow,
    /// It ended; `None` if only its channel did.
    Ended(Option<ExitStatus>),
    Unintelligible(String),
}

impl Helper {
    /// Starts the interpreter.
    ///
    /// Standard input, the process group and the session are ours, so that a program that it runs
    /// can ask on the terminal.
    pub(super) fn start(interpreter: &Path, listener: &Listener) -> io::Result<Self> {
        let (channel, its_end) = UnixStream::pair()?;
        let mut process = Command::new(interpreter)
            .args(["-c", SCRIPT])
            .stdout(OwnedFd::from(its_end))
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take();
        // From here on the process is ended when something fails.
        let helper = Self { process, channel };
        if let Some(stderr) = stderr {
            let listener = Arc::clone(listener);
            // It ends with the last process that holds the other end, which may be an agent that
            // stays in the background.
            thread::Builder::new()
                .name("python-stderr".to_owned())
                .spawn(move || listen(stderr, &listener))?;
        }
        Ok(helper)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn ask(&mut self, request: &Json, deadline: Duration) -> Result<Json, Silence> {
        let until = Instant::now() + deadline;
        let mut line = request.to_string();
        line.push('\n');
        self.send(line.as_bytes(), until)?;
        let answer = self.receive(until)?;
        serde_json::from_slice(&answer)
            .map_err(|_| Silence::Unintelligible("its answer is no JSON".to_owned()))
    }

    fn send(&mut self, mut octets: &[u8], until: Instant) -> Result<(), Silence> {
        while !octets.is_empty() {
            let sent = self.channel.set_write_timeout(Some(left(until)?));
            match sent.and_then(|()| self.channel.write(octets)) {
                Ok(count) => octets = octets.get(count..).unwrap_or_default(),
                Err(error) => self.forgive(&error)?,
            }
        }
        Ok(())
    }

    /// One line.
    fn receive(&mut self, until: Instant) -> Result<Vec<u8>, Silence> {
        let mut line = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let ready = self.channel.set_read_timeout(Some(left(until)?));
            match ready.and_then(|()| self.channel.read(&mut chunk)) {
                Ok(0) => return Err(Silence::Ended(self.farewell())),
                Ok(count) => line.extend(chunk.iter().take(count)),
                Err(error) => self.forgive(&error)?,
            }
            if line.last() == Some(&b'\n') {
                return Ok(line);
            }
            if line.len() > MOST_OCTETS {
                return Err(Silence::Unintelligible("its answer is too long".to_owned()));
            }
        }
    }

    /// Whether it is worth another try; whether there is time for it is seen then.
    fn forgive(&mut self, error: &io::Error) -> Result<(), Silence> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, Interrupted, TimedOut, WouldBlock};
        if matches!(error.kind(), Interrupted | WouldBlock | TimedOut) {
            Ok(())
        } else if matches!(error.kind(), BrokenPipe | ConnectionReset) {
            Err(Silence::Ended(self.farewell()))
        } else {
            Err(Silence::Unintelligible(error.to_string()))
        }
    }

    fn farewell(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            match self.process.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Ok(Some(status)) => return Some(status),
                Err(_) => return None,
            }
        }
        None
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing to do.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The time that is left. No time is a timeout that the system does not know.
fn left(until: Instant) -> Result<Duration, Silence> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Silence::TooSlow) } else { Ok(left) }
}

fn listen(stderr: ChildStderr, listener: &Listener) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = stderr.by_ref().take(LINE_OCTETS).read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            listener(text);
        }
        line.clear();
    }
}
