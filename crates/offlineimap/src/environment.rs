//! What the program takes from its surroundings: variables and home directories.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use offlineimap_config::Environment;

use crate::netrc::NetrcFiles;

/// The variable that ends the process at a step, like `--crash-at-step`.
pub(crate) const CRASH_AT_STEP: &str = "OFFLINEIMAP_CRASH_AT_STEP";

/// The variable that names the file to which all steps are appended.
pub(crate) const LOG_STEPS: &str = "OFFLINEIMAP_LOG_STEPS";

/// The surroundings for the configuration.
pub(crate) fn surroundings() -> Environment<'static> {
    let netrc = NetrcFiles::of_user(home().as_deref());
    Environment::new(home(), variable)
        .with_time(jiff::Timestamp::now().as_second())
        .with_user_homes(|user| home_in_passwd(|fields| fields.first() == Some(&user)))
        .with_netrc_logins(move |host| netrc.login(host).map_err(|error| error.to_string()))
}

/// The home directory of the user.
pub(crate) fn home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from).or_else(|| {
        let user = rustix::process::getuid().as_raw().to_string();
        home_in_passwd(|fields| fields.get(2) == Some(&user.as_str()))
    })
}

/// A path with `~` or `~user` at its start replaced; the path itself where that user has no home.
pub(crate) fn expand_user(path: &str) -> OsString {
    surroundings().expand_tilde(path).unwrap_or_else(|_| path.into())
}

/// A variable that is set.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// The home directory of the first entry of the password database for which this holds.
fn home_in_passwd(wanted: impl Fn(&[&str]) -> bool) -> Option<PathBuf> {
    let database = fs::read_to_string("/etc/passwd").ok()?;
    database.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        wanted(&fields).then(|| fields.get(5).map(PathBuf::from)).flatten()
    })
}
