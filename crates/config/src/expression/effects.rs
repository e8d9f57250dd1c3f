//! What an expression may want from the world, and the pythonfile: both given by the caller.

use std::sync::Arc;

use super::error::{Exception, PythonError};
use super::value::Value;

/// The world around an expression.
///
/// Evaluation itself touches neither files nor the environment nor processes; where an expression
/// asks for them, these methods are called. By default each refuses, so that `()` permits nothing.
pub trait Effects: Send + Sync {
    /// `os.system(command)`: runs a shell command and returns its wait status.
    ///
    /// # Errors
    ///
    /// What the expression sees raised.
    fn system(&self, command: &str) -> Result<i64, PythonError> {
        Err(refused(&format!("to run the command {command:?}")))
    }

    /// `open(path).read()`: the whole content of a file.
    ///
    /// # Errors
    ///
    /// What the expression sees raised, such as `FileNotFoundError`.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, PythonError> {
        Err(refused(&format!("to read the file {path:?}")))
    }

    /// `os.environ[name]`, `os.environ.get(name)`, `os.getenv(name)`.
    ///
    /// # Errors
    ///
    /// What the expression sees raised; a variable that is not set is `None` instead.
    fn environment_variable(&self, name: &str) -> Result<Option<String>, PythonError> {
        Err(refused(&format!("to read the environment variable {name:?}")))
    }

    /// `os.path.expanduser(path)`.
    ///
    /// # Errors
    ///
    /// What the expression sees raised; a user without home directory leaves the path as it is.
    fn expand_user(&self, path: &str) -> Result<String, PythonError> {
        Err(refused(&format!("to expand the path {path:?}")))
    }

    /// The pythonfile. By default there is none.
    fn external(&self) -> &dyn External {
        &NoExternal
    }
}

/// No effect is permitted, and there is no pythonfile.
impl Effects for () {}

/// The names of a pythonfile.
pub trait External: Send + Sync {
    /// Whether the pythonfile replaces a name that is known here without it.
    ///
    /// Asked once per use for builtins and `os`, which, as in OfflineIMAP, a pythonfile may define
    /// anew. Where an interpreter would have to be started to be certain, an implementation may
    /// answer no.
    fn replaces(&self, name: &str) -> bool;

    /// The value of a name: plain data, or an [`ExternalObject`].
    ///
    /// # Errors
    ///
    /// What Python raises, and that the pythonfile cannot be loaded.
    fn get(&self, name: &str) -> Result<Value, PythonError>;

    /// An attribute of an object.
    ///
    /// # Errors
    ///
    /// What Python raises.
    fn attribute(&self, object: &ExternalObject, name: &str) -> Result<Value, PythonError>;

    /// Calls an object.
    ///
    /// # Errors
    ///
    /// What Python raises; `TypeError` for an argument that cannot be handed over.
    fn call(
        &self,
        object: &ExternalObject,
        positional: &[Value],
        keywords: &[(Arc<str>, Value)],
    ) -> Result<Value, PythonError>;
}

/// A pythonfile without names.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExternal;

impl External for NoExternal {
    fn replaces(&self, _name: &str) -> bool {
        false
    }

    fn get(&self, name: &str) -> Result<Value, PythonError> {
        Err(PythonError::new(Exception::NameError, format!("name '{name}' is not defined")))
    }

    fn attribute(&self, _object: &ExternalObject, name: &str) -> Result<Value, PythonError> {
        let message = format!("'object' object has no attribute '{name}'");
        Err(PythonError::new(Exception::AttributeError, message))
    }

    fn call(
        &self,
        _object: &ExternalObject,
        _positional: &[Value],
        _keywords: &[(Arc<str>, Value)],
    ) -> Result<Value, PythonError> {
        Err(PythonError::new(Exception::TypeError, "'object' object is not callable"))
    }
}

/// A thing that lives in the interpreter of the pythonfile: a function, a module, an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalObject {
    /// Chosen by the implementation of [`External`], the same for the same object.
    pub handle: u64,
    /// Its `repr`, for messages.
    pub description: Arc<str>,
}

fn refused(what: &str) -> PythonError {
    PythonError::new(Exception::EffectRefused, format!("the expression wants {what}"))
}
