//! The arguments of a call, and their way to the parameters of a builtin.

use std::sync::Arc;

use super::super::error::{Outcome, type_error};
use super::super::value::Value;

/// Evaluated arguments.
#[derive(Debug, Default)]
pub(in super::super) struct Arguments {
    pub(in super::super) positional: Vec<Value>,
    pub(in super::super) keywords: Vec<(Arc<str>, Value)>,
}

impl Arguments {
    /// Arguments by position only.
    pub(in super::super) fn positional(positional: Vec<Value>) -> Self {
        Self { positional, keywords: Vec::new() }
    }

    /// Binds to parameters that take arguments by position or name, the first `required` of which
    /// must be there.
    pub(in super::super) fn bind<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> Outcome<[Option<Value>; N]> {
        let given = self.positional.len();
        if given > N {
            return Err(type_error(format!(
                "{function}() takes at most {N} arguments ({given} given)"
            )));
        }
        let mut values = self.positional.into_iter();
        let mut bound: [Option<Value>; N] = std::array::from_fn(|_| values.next());
        for (keyword, value) in self.keywords {
            let place = names.iter().position(|name| **name == *keyword);
            let Some(slot) = place.and_then(|place| bound.get_mut(place)) else {
                return Err(type_error(format!(
                    "{function}() got an unexpected keyword argument '{keyword}'"
                )));
            };
            if slot.replace(value).is_some() {
                return Err(type_error(format!(
                    "{function}() got multiple values for argument '{keyword}'"
                )));
            }
        }
        if let Some(missing) = bound.iter().take(required).position(Option::is_none) {
            return Err(type_error(format!(
                "{function}() missing required argument (pos {})",
                missing + 1
            )));
        }
        Ok(bound)
    }

    /// Binds to parameters that take arguments by position only.
    pub(in super::super) fn bind_positions<const N: usize>(
        self,
        function: &str,
        required: usize,
    ) -> Outcome<[Option<Value>; N]> {
        self.without_keywords(function)?.bind(function, [""; N], required)
    }

    /// Refuses arguments by name.
    pub(in super::super) fn without_keywords(self, function: &str) -> Outcome<Self> {
        if self.keywords.is_empty() {
            return Ok(self);
        }
        Err(type_error(format!("{function}() takes no keyword arguments")))
    }

    /// Takes an argument that is only given by name.
    pub(in super::super) fn take_keyword(&mut self, name: &str) -> Option<Value> {
        let place = self.keywords.iter().position(|(known, _)| &**known == name)?;
        Some(self.keywords.remove(place).1)
    }
}
