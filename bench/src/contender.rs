//! The programs that are compared: how each is configured and started.

mod mbsync;
mod offlineimap;
mod this_program;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

/// A program that keeps an IMAP account and a Maildir the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contender {
    /// The program of this workspace, built in release mode.
    #[value(name = "this")]
    ThisProgram,
    /// mbsync of isync, the yardstick.
    Mbsync,
    /// OfflineIMAP, written in Python.
    #[value(name = "offlineimap")]
    OfflineImap,
}

/// What a contender is to keep the same: one account, and one directory for everything local.
pub(crate) struct Site<'a> {
    /// An empty directory for configuration, state and mail; also the home directory.
    pub(crate) home: &'a Path,
    /// The port on loopback where the IMAP server is reached.
    pub(crate) port: u16,
    /// The login name.
    pub(crate) user: &'a str,
    /// The password.
    pub(crate) password: &'a str,
    /// How many connections a program may open that can have several; its own choice if `None`.
    pub(crate) connections: Option<u16>,
    /// The release build of the program of this workspace.
    pub(crate) this_program: &'a Path,
}

/// A configured contender.
pub(crate) struct Installation {
    /// The program and its arguments for one sync.
    pub(crate) command: Vec<OsString>,
    /// The Maildir that corresponds to INBOX.
    pub(crate) inbox: PathBuf,
}

impl Contender {
    /// The name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ThisProgram => "this program",
            Self::Mbsync => "mbsync",
            Self::OfflineImap => "OfflineIMAP",
        }
    }

    /// How often it runs when the others run `repeat` times: a program that is slow by an order
    /// of magnitude shows it in one run.
    pub(crate) fn repetitions(self, repeat: u32) -> u32 {
        match self {
            Self::ThisProgram | Self::Mbsync => repeat,
            Self::OfflineImap => repeat.min(1),
        }
    }

    /// Writes the configuration.
    pub(crate) fn install(self, site: &Site<'_>) -> io::Result<Installation> {
        match self {
            Self::ThisProgram => this_program::install(site),
            Self::Mbsync => mbsync::install(site),
            Self::OfflineImap => offlineimap::install(site),
        }
    }

    /// The version as the program tells it, or that it could not be asked.
    pub(crate) fn version(self, this_program: &Path) -> String {
        let program = match self {
            Self::ThisProgram => this_program,
            Self::Mbsync => Path::new("mbsync"),
            Self::OfflineImap => Path::new(offlineimap::PROGRAM),
        };
        match Command::new(program).arg("--version").output() {
            Ok(output) if output.status.success() => {
                String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("").to_owned()
            }
            Ok(_) | Err(_) => "not available".to_owned(),
        }
    }
}

/// Writes a configuration file, which contains a password, for its owner alone.
fn write_config(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}
