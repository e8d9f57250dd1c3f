//! Evaluates the expressions of the configuration.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use offlineimap_config::Computed;
use offlineimap_config::expression::{Effects, Exception, External, PythonError, Value};

use crate::environment;
use crate::pythonfile::{PythonFile, PythonFileError, Scope};

/// Evaluates expressions: by itself those that need nothing but the language, by a Python
/// interpreter those that use names of the `pythonfile`.
///
/// Everything here blocks: an expression may run commands, and ask for passphrases.
#[derive(Debug)]
pub(crate) struct Evaluator {
    python: PythonFile,
}

impl Evaluator {
    /// Evaluates with the help of this interpreter. Nothing is started yet.
    pub(crate) fn new(python: PythonFile) -> Self {
        Self { python }
    }

    /// The value of an expression.
    ///
    /// # Errors
    ///
    /// What it raises, and that the interpreter or the file cannot be used.
    pub(crate) fn value(&self, computed: &Computed) -> Result<Value, PythonFileError> {
        if let Some(expression) = computed.expression() {
            return Ok(expression.evaluate(self)?);
        }
        let scope = if computed.scope().has_re() { Scope::WithRe } else { Scope::Plain };
        self.python.evaluate(computed.text(), scope)
    }
}

impl Evaluator {
    /// Whether `if` takes a value for true.
    ///
    /// # Errors
    ///
    /// What an object of the interpreter raises when it is asked.
    pub(crate) fn truth(&self, value: &Value) -> Result<bool, PythonError> {
        if let Value::External(object) = value {
            return self.python.truth(object);
        }
        Ok(value.is_true())
    }
}

impl Effects for Evaluator {
    fn system(&self, command: &str) -> Result<i64, PythonError> {
        let status = Command::new("/bin/sh").args(["-c", command]).status();
        status.map(|status| status.into_raw().into()).map_err(|error| os_error(&error, "/bin/sh"))
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, PythonError> {
        fs::read(path).map_err(|error| os_error(&error, path))
    }

    fn environment_variable(&self, name: &str) -> Result<Option<String>, PythonError> {
        let Some(value) = environment::variable(name) else { return Ok(None) };
        value.into_string().map(Some).map_err(|_| {
            let message = format!("the environment variable '{name}' is not UTF-8");
            PythonError::new(Exception::UnicodeDecodeError, message)
        })
    }

    fn expand_user(&self, path: &str) -> Result<String, PythonError> {
        environment::expand_user(path).into_string().map_err(|_| {
            let message = "the path of the home directory is not UTF-8";
            PythonError::new(Exception::UnicodeDecodeError, message)
        })
    }

    fn external(&self) -> &dyn External {
        &self.python
    }
}

/// As Python names and words it.
fn os_error(error: &io::Error, path: &str) -> PythonError {
    let names = [
        (ErrorKind::NotFound, "FileNotFoundError"),
        (ErrorKind::PermissionDenied, "PermissionError"),
        (ErrorKind::IsADirectory, "IsADirectoryError"),
        (ErrorKind::NotADirectory, "NotADirectoryError"),
    ];
    let found = names.into_iter().find(|(kind, _)| *kind == error.kind());
    let name = found.map_or("OSError", |(_, name)| name);
    PythonError::new(Exception::Other(name.to_owned()), format!("{error}: '{path}'"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn files_and_variables_are_read() {
        let patience = Duration::from_secs(1);
        let python =
            PythonFile::new(None, "/nonexistent/python".into(), patience, Arc::new(|_| {}));
        let evaluator = Evaluator::new(python);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "secret\n").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(evaluator.read_file(path).unwrap(), b"secret\n");
        let error = evaluator.read_file("/nonexistent").unwrap_err();
        assert_eq!(error.exception.name(), "FileNotFoundError");
        assert!(evaluator.environment_variable("PATH").unwrap().is_some());
        assert_eq!(evaluator.environment_variable("NO_SUCH_VARIABLE").unwrap(), None);
        assert_eq!(evaluator.system("exit 3").unwrap(), 3 << 8);
        assert_eq!(evaluator.expand_user("/a/~").unwrap(), "/a/~");
        assert!(evaluator.expand_user("~/a").unwrap().ends_with("/a"));
    }
}
