//! The controlling terminal: reading a line that is not shown.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal whose echo is off, with its settings from before. Kept outside of the reader, as
/// that may be interrupted by the end of the process while it waits.
static SILENCED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Asks on the controlling terminal, with the echo off, and returns the answer without its line
/// break. Without such a terminal, asks on standard error and reads from standard input, where the
/// answer may be seen. Blocks.
///
/// # Errors
///
/// If there is nothing to read from, or the input has ended.
pub(crate) fn ask(question: &str) -> io::Result<String> {
    let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        let warning = "Warning: there is no terminal; the input may be shown.\n";
        io::stderr().write_all(format!("{warning}{question}").as_bytes())?;
        return read_line(io::stdin().lock());
    };
    // Before the question: who answers at once is not to be seen, nor to be taken for somebody who
    // typed ahead, which is dropped.
    silence(&terminal)?;
    let asked = (&terminal).write_all(question.as_bytes());
    let answer = asked.and_then(|()| read_line(BufReader::new(&terminal)));
    restore();
    // The user's own line break was not shown.
    (&terminal).write_all(b"\n")?;
    answer
}

/// Turns the echo on again if a question was interrupted. To be called before the process ends.
pub(crate) fn restore() {
    let silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, settings)) = silenced {
        // There is nobody left to tell that it failed.
        let _ = tcsetattr(&terminal, OptionalActions::Flush, &settings);
    }
}

fn silence(terminal: &File) -> io::Result<()> {
    let before = tcgetattr(terminal)?;
    let mut silent = before.clone();
    silent.local_modes -= LocalModes::ECHO;
    *SILENCED.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((terminal.try_clone()?, before));
    tcsetattr(terminal, OptionalActions::Flush, &silent)?;
    Ok(())
}

fn read_line(mut input: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
