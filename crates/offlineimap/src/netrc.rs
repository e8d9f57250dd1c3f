//! The netrc files of the machine, for repositories that name no user or no password
//! (`spec/config.md` §8.3). They are read when somebody asks, and not before.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use offlineimap_config::Netrc;
use secrecy::SecretString;

/// Everybody's file.
const SYSTEM: &str = "/etc/netrc";

/// Permissions of anybody but the owner.
const OTHERS: u32 = 0o077;

/// Logins that are no secret (RFC 1635).
const ANONYMOUS: &str = "anonymous";

/// Where to look, in this order.
#[derive(Debug, Clone)]
pub(crate) struct NetrcFiles {
    own: Option<PathBuf>,
    system: PathBuf,
}

/// Why a file cannot be used. It is the user's to be mended, as the login is perhaps in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetrcFileError {
    #[error("cannot read '{path}': {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("'{path}' is not UTF-8", path = path.display())]
    Encoding { path: PathBuf },
    #[error("'{path}' cannot be understood: {source}", path = path.display())]
    Syntax { path: PathBuf, source: offlineimap_config::NetrcError },
    #[error(
        "'{path}' has passwords and can be read by others: run `chmod 600 {path}`",
        path = path.display()
    )]
    TooPermissive { path: PathBuf },
    #[error("'{path}' has passwords and belongs to somebody else", path = path.display())]
    NotOurs { path: PathBuf },
}

impl NetrcFiles {
    /// `~/.netrc`, if there is a home directory, and `/etc/netrc`.
    pub(crate) fn of_user(home: Option<&Path>) -> Self {
        Self { own: home.map(|home| home.join(".netrc")), system: SYSTEM.into() }
    }

    /// No file at all.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self { own: None, system: "/nonexistent/netrc".into() }
    }

    /// Who signs in on a host, if a file says so.
    pub(crate) fn login(&self, host: &str) -> Result<Option<String>, NetrcFileError> {
        self.first(|netrc| netrc.login(host).map(str::to_owned))
    }

    /// The password of a user on a host, if a file has it.
    pub(crate) fn password(
        &self,
        host: &str,
        user: &str,
    ) -> Result<Option<SecretString>, NetrcFileError> {
        self.first(|netrc| netrc.password(host, user).cloned())
    }

    fn first<T>(&self, find: impl Fn(&Netrc) -> Option<T>) -> Result<Option<T>, NetrcFileError> {
        if let Some(path) = &self.own
            && let Some(found) = own(path)?.as_ref().and_then(&find)
        {
            return Ok(Some(found));
        }
        Ok(system(&self.system)?.as_ref().and_then(find))
    }
}

/// The user's own file; `None` if there is none.
fn own(path: &Path) -> Result<Option<Netrc>, NetrcFileError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| NetrcFileError::Read { path: path.into(), source })?,
    };
    let netrc = read(path, &mut file)?;
    if netrc.entries().iter().any(|entry| entry.login != ANONYMOUS) {
        let metadata =
            file.metadata().map_err(|source| NetrcFileError::Read { path: path.into(), source })?;
        if metadata.uid() != rustix::process::getuid().as_raw() {
            return Err(NetrcFileError::NotOurs { path: path.into() });
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(NetrcFileError::TooPermissive { path: path.into() });
        }
    }
    Ok(Some(netrc))
}

/// The file of the machine; `None` if there is none, or none that this user may read.
fn system(path: &Path) -> Result<Option<Netrc>, NetrcFileError> {
    let mut file = match File::open(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(None);
        }
        opened => opened.map_err(|source| NetrcFileError::Read { path: path.into(), source })?,
    };
    read(path, &mut file).map(Some)
}

fn read(path: &Path, file: &mut File) -> Result<Netrc, NetrcFileError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|source| NetrcFileError::Read { path: path.into(), source })?;
    let text =
        String::from_utf8(bytes).map_err(|_| NetrcFileError::Encoding { path: path.into() })?;
    Netrc::parse(&text).map_err(|source| NetrcFileError::Syntax { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    struct Machine {
        _dir: tempfile::TempDir,
        own: PathBuf,
        system: PathBuf,
        files: NetrcFiles,
    }

    impl Machine {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let [own, system] = [".netrc", "netrc"].map(|name| dir.path().join(name));
            let files = NetrcFiles { own: Some(own.clone()), system: system.clone() };
            Self { _dir: dir, own, system, files }
        }

        fn put(path: &Path, mode: u32, text: &str) {
            write(path, text).unwrap();
            set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }

        fn password(&self, host: &str, user: &str) -> Option<String> {
            let password = self.files.password(host, user).unwrap();
            password.map(|password| password.expose_secret().to_owned())
        }
    }

    #[test]
    fn the_own_file_goes_before_that_of_the_machine() {
        let machine = Machine::new();
        assert_eq!(machine.files.login("h").unwrap(), None);
        Machine::put(&machine.system, 0o644, "machine h login joe password system");
        assert_eq!(machine.password("h", "joe").as_deref(), Some("system"));
        Machine::put(&machine.own, 0o600, "machine h login ann password own");
        assert_eq!(machine.files.login("h").unwrap().as_deref(), Some("ann"));
        assert_eq!(machine.password("h", "ann").as_deref(), Some("own"));
        assert_eq!(machine.password("h", "joe").as_deref(), Some("system"));
        assert_eq!(machine.password("h", "eve"), None);
    }

    #[test]
    fn an_own_file_that_others_can_read_is_refused() {
        let machine = Machine::new();
        for mode in [0o644, 0o640, 0o620, 0o601] {
            Machine::put(&machine.own, mode, "machine other login ann password own");
            let error = machine.files.password("h", "joe").unwrap_err().to_string();
            assert!(error.contains("can be read by others"), "{mode:o}: {error}");
            assert!(error.contains(&machine.own.display().to_string()), "{error}");
        }
        Machine::put(&machine.own, 0o644, "machine h login anonymous password me@");
        assert_eq!(machine.password("h", "anonymous").as_deref(), Some("me@"));
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_named_with_the_line() {
        let machine = Machine::new();
        Machine::put(&machine.own, 0o600, "machine h\nlogin joe hunter2");
        let error = machine.files.login("h").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
        Machine::put(&machine.own, 0o600, "");
        write(&machine.own, b"machine h login \xff").unwrap();
        assert!(matches!(machine.files.login("h"), Err(NetrcFileError::Encoding { .. })));
    }
}
