//! From text to a typed configuration.

use std::path::Path;

use crate::{Config, Diagnostics, Environment, Override};

/// What is to be loaded, and what the command line says about it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    overrides: Vec<Override>,
    accounts: Option<String>,
    mode: RunMode,
}

/// Whether accounts are synced again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunMode {
    /// As `autorefresh` says.
    #[default]
    AsConfigured,
    /// Once: `-o`, every `autorefresh` is ignored.
    Once,
}

impl<'a> Request<'a> {
    /// The contents of a file; the path serves to name it.
    pub fn new(path: &'a (impl AsRef<Path> + ?Sized), bytes: &'a [u8]) -> Self {
        Self {
            path: path.as_ref(),
            bytes,
            overrides: vec![],
            accounts: None,
            mode: RunMode::AsConfigured,
        }
    }

    /// Replaces values (`-k`), in this order.
    #[must_use]
    pub fn with_overrides(mut self, overrides: impl IntoIterator<Item = Override>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// Replaces the list of accounts (`-a`): names separated by commas.
    #[must_use]
    pub fn with_accounts(mut self, list: impl Into<String>) -> Self {
        self.accounts = Some(list.into());
        self
    }

    /// Sets whether accounts are synced once (`-o`).
    #[must_use]
    pub fn with_mode(mut self, mode: RunMode) -> Self {
        self.mode = mode;
        self
    }
}

/// Understands a configuration and checks it for the selected accounts.
///
/// # Errors
///
/// When the text is not a configuration, `[general]` has mistakes, or an account is selected that
/// does not exist: every error and warning that was found. Mistakes in the sections of one account
/// are no error of the whole; see [`Config::refused`].
pub fn load(request: &Request<'_>, environment: &Environment<'_>) -> Result<Config, Diagnostics> {
    let _ = (
        request.path,
        request.bytes,
        &request.overrides,
        &request.accounts,
        request.mode,
        environment,
    );
    Err(Diagnostics::default())
}
