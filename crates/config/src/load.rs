//! From text to a typed configuration.

use std::path::Path;

use crate::document::DEFAULT;
use crate::{Config, Diagnostics, Document, Environment, Override, RefusedAccount, Severity};

mod account;
mod folders;
mod general;
mod imap;
mod maildir;
mod mbnames;
mod names;
mod password;
mod period;
mod reader;
mod selection;
mod tls;

/// What the name of an account's section begins with.
const ACCOUNT: &str = "Account ";

/// What the name of a repository's section begins with.
const REPOSITORY: &str = "Repository ";

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
    let name = request.path.display().to_string();
    let mut document = Document::parse(&name, request.bytes)?;
    let mut problems = Diagnostics::default();
    for given in &request.overrides {
        if let Err(problem) = document.set(given) {
            problems.push(*problem);
        }
    }
    if request.mode == RunMode::Once {
        forget_autorefresh(&mut document);
    }
    problems.extend(document.warnings().iter().cloned());
    problems.extend(names::check(&document));

    let general = general::load(&document, environment, &mut problems);
    let mbnames = mbnames::load(&document, environment, &mut problems);
    let names = selection::select(&document, request.accounts.as_deref(), &mut problems);
    let mut accounts = Vec::new();
    let mut refused = Vec::new();
    for name in names {
        let mut found = Diagnostics::default();
        let account = account::load(&document, &name, &general, environment, &mut found);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|problem| problem.severity == Severity::Error);
        problems.extend(warnings);
        match account {
            Some(account) if errors.is_empty() => accounts.push(account),
            Some(_) | None => {
                let mut reasons = Diagnostics::default();
                reasons.extend(errors);
                reasons.sort();
                refused.push(RefusedAccount { name, problems: reasons });
            }
        }
    }
    if problems.has_errors() {
        problems.extend(refused.into_iter().flat_map(|account| account.problems));
        problems.sort();
        return Err(problems);
    }
    problems.sort();
    Ok(Config { general: general.settings, mbnames, accounts, refused, warnings: problems })
}

/// Does what `-o` asks for (`spec/cli.md` §6).
fn forget_autorefresh(document: &mut Document) {
    let sections: Vec<String> = document
        .section_names()
        .filter(|name| name.starts_with(ACCOUNT))
        .chain([DEFAULT])
        .map(str::to_owned)
        .collect();
    for section in sections {
        document.remove(&section, "autorefresh");
    }
}
