//! A witness of every change, for tests that cut the power at each of them.

use std::fmt;
use std::sync::Arc;

/// Is told of every state write and of every mutation of either side, just before it happens.
///
/// In production nobody listens. A test makes the process end at the n-th step, runs it again and
/// compares the result with that of an uninterrupted run.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<Witness>>);

type Witness = dyn Fn(&str) + Send + Sync;

impl Steps {
    /// Calls `witness` at every step with what is about to happen.
    pub fn witnessed_by(witness: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(witness)))
    }

    /// Announces a change that is about to be made.
    pub fn step(&self, what: &str) {
        if let Some(witness) = &self.0 {
            witness(what);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Steps(witnessed)" } else { "Steps" })
    }
}
