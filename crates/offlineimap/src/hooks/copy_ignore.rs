//! `copy_ignore_eval`: messages that are never copied (`spec/config.md` §8.3).

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use offlineimap_config as config;
use offlineimap_config::Computed;
use offlineimap_config::expression::Value;
use offlineimap_core::Key;

use crate::evaluator::Evaluator;
use crate::pythonfile::{PythonFileError, int_of};

/// The messages of one repository that are never copied from there. Everything here blocks.
pub(super) struct CopyIgnore {
    repository: String,
    expression: Computed,
    evaluator: Arc<Evaluator>,
    /// The value of the expression, once it is known.
    function: OnceLock<Value>,
}

impl CopyIgnore {
    /// Those of a repository, if it says anything about it.
    pub(super) fn of(imap: &config::ImapRepository, evaluator: &Arc<Evaluator>) -> Option<Self> {
        let (repository, expression) = (imap.name.clone(), imap.copy_ignore.clone()?);
        let evaluator = Arc::clone(evaluator);
        Some(Self { repository, expression, evaluator, function: OnceLock::new() })
    }

    /// Evaluates the expression, once for a sync.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        self.function().map(drop)
    }

    /// The keys of the messages of a folder, by the name that the other side knows it by.
    pub(super) fn keys(&self, visible: &str) -> anyhow::Result<BTreeSet<Key>> {
        let function = self.function()?;
        let uids = self.uids(function, visible).with_context(|| {
            let repository = &self.repository;
            format!("'copy_ignore_eval' of repository '{repository}', called for '{visible}'")
        })?;
        Ok(uids.into_iter().map(Key::number).collect())
    }

    fn function(&self) -> anyhow::Result<&Value> {
        if let Some(function) = self.function.get() {
            return Ok(function);
        }
        let function = self.evaluator.value(&self.expression).with_context(|| {
            format!("no value of 'copy_ignore_eval' of repository '{}'", self.repository)
        })?;
        Ok(self.function.get_or_init(|| function))
    }

    fn uids(&self, function: &Value, visible: &str) -> Result<Vec<NonZeroU32>, PythonFileError> {
        let effects = &*self.evaluator;
        let value = function.call(&[Value::text(visible)], effects)?;
        if let Value::None = value {
            return Ok(Vec::new());
        }
        let numbers = value.to_items(effects)?;
        let numbers: Vec<i64> = numbers.iter().map(int_of).collect::<Result<_, _>>()?;
        // No message can have another number.
        let numbers = numbers.into_iter().filter_map(|number| u32::try_from(number).ok());
        Ok(numbers.filter_map(NonZeroU32::new).collect())
    }
}
