//! Python code of the user: expressions in the configuration, and the `pythonfile` that defines
//! names for them (`spec/config.md` §4).
//!
//! Such code runs in a `CPython` process of its own, started when it is needed for the first time.
//! One process serves the whole run, so that the functions of the file share their state.

mod error;
mod external;
mod helper;
mod value;

use std::fmt;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use offlineimap_config::expression::Value;
use serde_json::{Value as Json, json};

pub(crate) use error::{PythonFileError, Raised};
pub(crate) use helper::Listener;
pub(crate) use value::{int_of, text_of};

use helper::{Helper, Silence};

/// The interpreter for the user's code, and the file that is loaded into it. What it is asked
/// blocks, and one is answered after the other.
pub(crate) struct PythonFile {
    file: Option<PathBuf>,
    /// The text of the file, once it was looked at; `None` if it cannot be read.
    source: OnceLock<Option<Vec<u8>>>,
    interpreter: PathBuf,
    deadline: Duration,
    listener: Listener,
    state: Mutex<State>,
}

/// Which names an expression sees beside the builtins and those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// None.
    Plain,
    /// The module `re`.
    WithRe,
}

struct State {
    process: Process,
    /// How many processes there have been.
    started: u64,
}

enum Process {
    /// Not needed yet, or ended while it was at work.
    None,
    /// The file is loaded.
    Ready(Helper),
    /// It cannot be made ready, and is not tried again: the file may ask questions.
    Useless(PythonFileError),
}

impl PythonFile {
    /// Prepares an interpreter; nothing is started or read yet. Without a file, expressions see
    /// builtins only.
    ///
    /// `deadline` holds for each request, and for the loading of the file; a process that lets it
    /// pass is killed, and the next request starts a new one. `listener` is told of every line that
    /// the code prints or complains with.
    pub(crate) fn new(
        file: Option<PathBuf>,
        interpreter: PathBuf,
        deadline: Duration,
        listener: Listener,
    ) -> Self {
        let state = Mutex::new(State { process: Process::None, started: 0 });
        Self { file, source: OnceLock::new(), interpreter, deadline, listener, state }
    }

    /// The value of an expression.
    ///
    /// # Errors
    ///
    /// If the interpreter or the file cannot be used, the expression is none or raises an
    /// exception, or takes too long.
    pub(crate) fn evaluate(&self, text: &str, scope: Scope) -> Result<Value, PythonFileError> {
        let re = scope == Scope::WithRe;
        self.ask(&json!({ "do": "evaluate", "text": text, "re": re }))
    }

    /// Sends a request to the interpreter, which is started if it is not running.
    fn ask(&self, request: &Json) -> Result<Value, PythonFileError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let helper = self.ready(&mut state)?;
        match helper.ask(request, self.deadline) {
            Ok(answer) => self.understand(answer)?.map_err(PythonFileError::Raised),
            Err(silence) => {
                state.process = Process::None;
                Err(self.silence(silence))
            }
        }
    }

    /// The process with the file loaded.
    fn ready<'s>(&self, state: &'s mut State) -> Result<&'s mut Helper, PythonFileError> {
        if matches!(state.process, Process::None) {
            let generation = state.started;
            state.started += 1;
            state.process = match self.start(generation) {
                Ok(helper) => Process::Ready(helper),
                Err(error) => Process::Useless(error),
            };
        }
        match &mut state.process {
            Process::Ready(helper) => Ok(helper),
            Process::Useless(error) => Err(error.clone()),
            // It was just replaced.
            Process::None => Err(self.silence(Silence::Ended(None))),
        }
    }

    fn start(&self, generation: u64) -> Result<Helper, PythonFileError> {
        if let Some(path) = &self.file {
            File::open(path).map_err(|source| PythonFileError::Unreadable {
                path: path.clone(),
                source: Arc::new(source),
            })?;
        }
        let mut helper = Helper::start(&self.interpreter, &self.listener).map_err(|source| {
            PythonFileError::NoInterpreter {
                interpreter: self.interpreter.clone(),
                source: Arc::new(source),
            }
        })?;
        let file = self.file.as_ref().map(|path| value::hex(path.as_os_str().as_bytes()));
        // Objects of a former process keep their numbers, and are not taken for new ones.
        let request = json!({ "do": "load", "file": file, "first_object": generation << 32 });
        let answer = helper.ask(&request, self.deadline).map_err(|why| self.silence(why))?;
        match (self.understand(answer)?, &self.file) {
            (Ok(_), _) => Ok(helper),
            (Err(raised), Some(path)) => {
                Err(PythonFileError::NotLoaded { path: path.clone(), raised })
            }
            (Err(raised), None) => Err(PythonFileError::Raised(raised)),
        }
    }

    fn understand(&self, mut answer: Json) -> Result<Result<Value, Raised>, PythonFileError> {
        let understood = if let Some(error) = answer.get("error") {
            raised(error).map(Err)
        } else {
            answer.get_mut("value").map(Json::take).and_then(value::decode).map(Ok)
        };
        understood.ok_or_else(|| {
            self.silence(Silence::Unintelligible("its answer is not understood".to_owned()))
        })
    }

    fn silence(&self, silence: Silence) -> PythonFileError {
        let interpreter = self.interpreter.clone();
        match silence {
            Silence::TooSlow => PythonFileError::TooSlow { deadline: self.deadline },
            Silence::Ended(status) => PythonFileError::Ended { interpreter, status },
            Silence::Unintelligible(reason) => {
                PythonFileError::Unintelligible { interpreter, reason }
            }
        }
    }
}

impl fmt::Debug for PythonFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonFile")
            .field("file", &self.file)
            .field("interpreter", &self.interpreter)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

fn raised(error: &Json) -> Option<Raised> {
    let text = |name: &str| Some(error.get(name)?.as_str()?.to_owned());
    Some(Raised {
        exception: text("type")?,
        message: text("message")?,
        traceback: text("traceback")?,
    })
}

#[cfg(test)]
mod tests;
