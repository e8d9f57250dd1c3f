//! The program `offlineimap`: command line, user interfaces, wiring, exit status, signals.
//!
//! This is the only crate that prints, prompts and reads the environment, and the only one that
//! names both kinds of store. [`run`] is the whole program; it is a library so that the example
//! `demo` can be the program too.

mod accounts;
mod args;
mod check;
mod configuration;
mod debug;
mod delete_folder;
mod dry_run;
mod environment;
mod evaluator;
mod exit;
mod filtered_store;
mod folder_rules;
mod hooks;
mod info;
mod keyring;
mod mbnames;
mod mbsync_import;
mod migrate;
mod netrc;
mod password;
mod process_output;
mod profile;
mod pythonfile;
mod signals;
mod start;
mod state_command;
mod steps;
mod terminal;
mod ui;
mod wiring;

use std::ffi::OsString;
use std::process::ExitCode;

/// The name under which the program presents itself.
pub(crate) const NAME: &str = "offlineimap";

/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the program with these arguments, the first of which is its own name, and returns its exit
/// status (`spec/cli.md` §11). Reads the environment of the process, and installs handlers for
/// signals that stay when it returns: call it once, and end the process with what it returns.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    start::run(&arguments).into()
}
