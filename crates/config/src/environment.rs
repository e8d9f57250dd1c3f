//! What a configuration takes from its surroundings: the home directory and variables, both given
//! by the caller. Nothing here reads the process environment or the file system.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The surroundings of a configuration.
pub struct Environment<'a> {
    home: Option<PathBuf>,
    variable: Lookup<'a, OsString>,
    user_home: Lookup<'a, PathBuf>,
    netrc_login: Lookup<'a, Result<String, String>>,
    unix_seconds: Option<i64>,
}

/// Finds something by name.
type Lookup<'a, T> = Box<dyn Fn(&str) -> Option<T> + 'a>;

impl<'a> Environment<'a> {
    /// Surroundings with this home directory (`$HOME`, else that of the password database) and a
    /// way to look up environment variables. No other user has a home directory.
    pub fn new(home: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self {
            home,
            variable: Box::new(variable),
            user_home: Box::new(|_| None),
            netrc_login: Box::new(|_| None),
            unix_seconds: None,
        }
    }

    /// Adds a way to find the home directory of a user, for `~user`.
    #[must_use]
    pub fn with_user_homes(mut self, lookup: impl Fn(&str) -> Option<PathBuf> + 'a) -> Self {
        self.user_home = Box::new(lookup);
        self
    }

    /// Adds a way to find out who signs in on a host, for repositories that do not say. It may fail
    /// for reasons told in words.
    #[must_use]
    pub fn with_netrc_logins(
        mut self,
        lookup: impl Fn(&str) -> Result<Option<String>, String> + 'a,
    ) -> Self {
        self.netrc_login = Box::new(move |host| lookup(host).transpose());
        self
    }

    /// Adds the present time, in seconds since 1970-01-01 00:00:00 UTC. Without it, no date counts as
    /// one of the future.
    #[must_use]
    pub fn with_time(mut self, unix_seconds: i64) -> Self {
        self.unix_seconds = Some(unix_seconds);
        self
    }

    /// The present time, if it is known.
    pub(crate) fn unix_seconds(&self) -> Option<i64> {
        self.unix_seconds
    }

    /// Asks who signs in on a host.
    pub(crate) fn netrc_login(&self, host: &str) -> Result<Option<String>, String> {
        (self.netrc_login)(host).transpose()
    }

    /// Replaces `~` and `~user` at the start of a path.
    ///
    /// # Errors
    ///
    /// If the user has no home directory that is known.
    pub fn expand_tilde(&self, text: &str) -> Result<OsString, ExpansionError> {
        let Some(rest) = text.strip_prefix('~') else { return Ok(text.into()) };
        let (user, tail) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let home = if user.is_empty() { self.home.clone() } else { (self.user_home)(user) };
        let Some(home) = home else {
            return Err(ExpansionError::NoHome { user: user.to_owned() });
        };
        let mut expanded = home.into_os_string();
        if expanded == "/" && !tail.is_empty() {
            expanded.clear();
        }
        expanded.push(tail);
        Ok(expanded)
    }

    /// Replaces `~`, then `$NAME` and `${NAME}` anywhere after it. Unknown variables stay as they
    /// are and are reported.
    pub(crate) fn expand(&self, text: &str) -> Result<Expanded, ExpansionError> {
        let (tilde, tail) = match text.find('/') {
            Some(slash) if text.starts_with('~') => text.split_at(slash),
            None if text.starts_with('~') => (text, ""),
            Some(_) | None => ("", text),
        };
        let mut path = self.expand_tilde(tilde)?;
        if path == "/" && !tail.is_empty() {
            path.clear();
        }
        let mut unknown = Vec::new();
        let mut rest = tail;
        while let Some((before, name, whole, after)) = next_variable(rest) {
            path.push(before);
            if let Some(value) = (self.variable)(name) {
                path.push(value);
            } else {
                path.push(whole);
                unknown.push(name.to_owned());
            }
            rest = after;
        }
        path.push(rest);
        Ok(Expanded { path: path.into(), unknown })
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}

/// A path after expansion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub(crate) path: PathBuf,
    /// The variables that are not set, without `$`.
    pub(crate) unknown: Vec<String>,
}

/// Why a path cannot be expanded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpansionError {
    /// `~` or `~user` without a known directory.
    #[error("the home directory of {} is not known", whose(user))]
    NoHome {
        /// The user; empty for the one who runs the program.
        user: String,
    },
}

/// Why there is no configuration file to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFileError {
    /// The file that `-c` names, or the last one of the search order, does not exist.
    #[error("config file '{}' does not exist", path.display())]
    Missing {
        /// The path, expanded.
        path: PathBuf,
    },
    /// A path begins with `~`, and whose home directory that is cannot be found out.
    #[error("config file '{path}' cannot be found: the home directory is not known")]
    NoHome {
        /// The path as given.
        path: String,
    },
}

/// Finds the configuration file (`spec/cli.md` §3): the argument of `-c` if there is one, else
/// `$XDG_CONFIG_HOME/offlineimap/config` (where an unset or empty variable means `~/.config`), else
/// `~/.offlineimaprc`.
///
/// # Errors
///
/// When none of them exists by the judgement of `exists`; the error names the last one tried.
pub fn find_config_file(
    argument: Option<&Path>,
    environment: &Environment<'_>,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, ConfigFileError> {
    let expand = |text: &str| {
        environment
            .expand_tilde(text)
            .map(PathBuf::from)
            .map_err(|_| ConfigFileError::NoHome { path: text.to_owned() })
    };
    let existing = |path: PathBuf| {
        if exists(&path) { Ok(path) } else { Err(ConfigFileError::Missing { path }) }
    };
    if let Some(argument) = argument {
        return existing(match argument.to_str() {
            Some(text) => expand(text)?,
            None => argument.to_owned(),
        });
    }
    let configured = (environment.variable)("XDG_CONFIG_HOME").filter(|value| !value.is_empty());
    let directory = match configured {
        Some(directory) => Ok(PathBuf::from(directory)),
        None => expand("~/.config"),
    };
    if let Ok(path) = directory.map(|directory| directory.join("offlineimap/config"))
        && exists(&path)
    {
        return Ok(path);
    }
    existing(expand("~/.offlineimaprc")?)
}

/// Splits at the next `$NAME` or `${NAME}`: before, name, the whole reference, after.
fn next_variable(text: &str) -> Option<(&str, &str, &str, &str)> {
    for (dollar, _) in text.match_indices('$') {
        let (before, reference) = text.split_at(dollar);
        let Some(named) = reference.strip_prefix('$') else { continue };
        if let Some((name, after)) = named.strip_prefix('{').and_then(|n| n.split_once('}')) {
            let (whole, _) = reference.split_at(reference.len() - after.len());
            return Some((before, name, whole, after));
        }
        let end =
            named.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(named.len());
        if end > 0 {
            let (name, after) = named.split_at(end);
            let (whole, _) = reference.split_at(end + 1);
            return Some((before, name, whole, after));
        }
    }
    None
}

fn whose(user: &str) -> String {
    if user.is_empty() { "the user".to_owned() } else { format!("user '{user}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Environment<'static> {
        Environment::new(Some("/home/joe".into()), |name| match name {
            "MAIL" => Some("Post".into()),
            "EMPTY" => Some("".into()),
            "DOLLAR" => Some("$MAIL".into()),
            _ => None,
        })
        .with_user_homes(|user| (user == "ann").then(|| "/home/ann".into()))
    }

    #[test]
    fn tilde_and_variables_are_expanded_as_python_does() {
        for (text, path) in [
            ("~", "/home/joe"),
            ("~/Mail", "/home/joe/Mail"),
            ("~ann/Mail", "/home/ann/Mail"),
            ("/a/~/b", "/a/~/b"),
            ("~/$MAIL/x", "/home/joe/Post/x"),
            ("~/${MAIL}x", "/home/joe/Postx"),
            ("$EMPTY/x", "/x"),
            ("$DOLLAR", "$MAIL"),
            ("a$/b", "a$/b"),
            ("a${b", "a${b"),
            ("$MAIL$MAIL", "PostPost"),
            ("", ""),
        ] {
            let expanded = surroundings().expand(text).unwrap();
            assert_eq!((expanded.path, expanded.unknown), (path.into(), vec![]), "{text}");
        }
    }

    #[test]
    fn unknown_variables_stay_and_are_reported() {
        let expanded = surroundings().expand("$NOPE/${NEITHER}/$MAIL").unwrap();
        assert_eq!(expanded.path, Path::new("$NOPE/${NEITHER}/Post"));
        assert_eq!(expanded.unknown, ["NOPE", "NEITHER"]);
    }

    #[test]
    fn a_tilde_without_a_home_is_an_error() {
        let homeless = Environment::new(None, |_| None);
        let error = homeless.expand("~/Mail").unwrap_err();
        assert_eq!(error.to_string(), "the home directory of the user is not known");
        let error = surroundings().expand("~bob/Mail").unwrap_err();
        assert_eq!(error.to_string(), "the home directory of user 'bob' is not known");
    }

    #[test]
    fn the_home_directory_may_be_the_root() {
        let root = Environment::new(Some("/".into()), |_| None);
        assert_eq!(root.expand("~/Mail").unwrap().path, Path::new("/Mail"));
        assert_eq!(root.expand("~").unwrap().path, Path::new("/"));
    }

    #[test]
    fn the_file_is_searched_in_three_places() {
        let xdg = |value: Option<&'static str>| {
            Environment::new(Some("/home/joe".into()), move |name| {
                (name == "XDG_CONFIG_HOME").then_some(value).flatten().map(Into::into)
            })
        };
        let find = |environment: &Environment<'_>, there: &[&str]| {
            find_config_file(None, environment, |path| there.iter().any(|p| Path::new(p) == path))
        };
        let old = "/home/joe/.offlineimaprc";
        let new = "/home/joe/.config/offlineimap/config";
        assert_eq!(find(&xdg(None), &[old, new]).unwrap(), Path::new(new));
        assert_eq!(find(&xdg(Some("")), &[old, new]).unwrap(), Path::new(new));
        assert_eq!(find(&xdg(None), &[old]).unwrap(), Path::new(old));
        assert_eq!(find(&xdg(Some("/etc/x")), &[old, new]).unwrap(), Path::new(old));
        assert_eq!(
            find(&xdg(Some("/etc/x")), &["/etc/x/offlineimap/config", old]).unwrap(),
            Path::new("/etc/x/offlineimap/config")
        );
        assert_eq!(find(&xdg(None), &[]), Err(ConfigFileError::Missing { path: old.into() }));
    }

    #[test]
    fn the_argument_of_c_is_the_only_place() {
        let environment = surroundings();
        let find = |argument: &str| {
            find_config_file(Some(Path::new(argument)), &environment, |path| {
                path == Path::new("/home/joe/rc")
            })
        };
        assert_eq!(find("~/rc").unwrap(), Path::new("/home/joe/rc"));
        assert_eq!(find("/rc"), Err(ConfigFileError::Missing { path: "/rc".into() }));
    }
}
