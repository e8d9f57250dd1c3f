//! The configuration file: where it is, what it says, and what is said about its mistakes.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use offlineimap_config::{
    Color, Config, Diagnostics, Document, Environment, Override, Request, RunMode,
    find_config_file, load,
};

use crate::args::Args;
use crate::environment;
use crate::exit::NotStarted;

/// A configuration file that was read and is not understood yet.
pub(crate) struct ConfigFile {
    path: PathBuf,
    bytes: Vec<u8>,
    surroundings: Environment<'static>,
}

impl ConfigFile {
    /// Finds and reads the file: the one that was named, or the first of the usual places.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, NotStarted> {
        let surroundings = environment::surroundings();
        let found = find_config_file(named, &surroundings, Path::exists);
        let path = found.map_err(|error| {
            let error = error.to_string();
            let capital = error.replacen("config file", "Config file", 1);
            NotStarted::Because(anyhow::anyhow!("*** {capital}; aborting!"))
        })?;
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read config file '{}'", path.display()))?;
        Ok(Self { path, bytes, surroundings })
    }

    /// The file without what the command line changes in it; `None` if it cannot be read at all.
    pub(crate) fn document(&self) -> Option<Document> {
        Document::parse(&self.path.display().to_string(), &self.bytes).ok()
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Understands the file, with what the command line changes in it.
    pub(crate) fn understand(
        &self,
        args: &Args,
        overrides: Vec<Override>,
    ) -> Result<Config, NotStarted> {
        let mut request = Request::new(&self.path, &self.bytes).with_overrides(overrides);
        if let Some(accounts) = &args.accounts {
            request = request.with_accounts(accounts);
        }
        if args.once {
            request = request.with_mode(RunMode::Once);
        }
        load(&request, &self.surroundings).map_err(|problems| {
            NotStarted::Told(self.complaint(&problems, args.accounts.as_deref()))
        })
    }

    /// What is wrong with the configuration as a whole, and which accounts there are if one was
    /// named that does not exist.
    fn complaint(&self, problems: &Diagnostics, asked_for: Option<&str>) -> String {
        let in_color = io::stderr().is_terminal() && environment::variable("NO_COLOR").is_none();
        let color = if in_color { Color::Always } else { Color::Never };
        let mut text = problems.render(color);
        if let Some(line) = self.valid_accounts(asked_for) {
            text.push_str(&line);
        }
        text
    }

    fn valid_accounts(&self, asked_for: Option<&str>) -> Option<String> {
        let document = self.document()?;
        let known: Vec<&str> = document
            .section_names()
            .filter_map(|name| name.strip_prefix("Account "))
            .map(str::trim)
            .collect();
        let asked_for = match asked_for {
            Some(list) => list.to_owned(),
            None => document.value("general", "accounts").ok()??,
        };
        let mut names = asked_for.split(',').map(str::trim).filter(|name| !name.is_empty());
        if names.all(|name| known.contains(&name)) {
            return None;
        }
        Some(if known.is_empty() {
            "No accounts are defined!\n".to_owned()
        } else {
            format!("Valid accounts are: {}\n", known.join(", "))
        })
    }
}
