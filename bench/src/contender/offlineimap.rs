use std::io;

use super::this_program::write_offlineimaprc;
use super::{Installation, Site};

/// The name under which Debian installs it; this workspace's program is started by its path.
pub(super) const PROGRAM: &str = "/usr/bin/offlineimap";

/// The same configuration as for the program of this workspace.
pub(super) fn install(site: &Site<'_>) -> io::Result<Installation> {
    let (config, inbox) = write_offlineimaprc(site)?;
    let command = vec![PROGRAM.into(), "-c".into(), config.into_os_string(), "-o".into()];
    Ok(Installation { command, inbox })
}
