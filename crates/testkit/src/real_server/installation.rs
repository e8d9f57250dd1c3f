use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::RealServerError;

/// Where the programs of a server are: in the system, or unpacked beside it.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    root: PathBuf,
}

impl Installation {
    /// Looks for a program, named by its path from the root of the system.
    pub(crate) fn find(
        server: &'static str,
        program: &'static str,
        packages: &'static str,
    ) -> Result<Self, RealServerError> {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-servers");
        let named = std::env::var_os("OFFLINEIMAP_TEST_SERVERS").map(PathBuf::from);
        [Some(PathBuf::from("/")), named, Some(unpacked)]
            .into_iter()
            .flatten()
            .find(|root| root.join(program).is_file())
            .map(|root| Self { root })
            .ok_or(RealServerError::Unavailable { server, program, packages })
    }

    /// The path of a program, named by its path from the root of the system.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        let path = self.root.join(program);
        path.canonicalize().unwrap_or(path)
    }

    /// A command that finds its libraries and nothing of our own environment but the path.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C");
        if let Some(path) = self.library_path() {
            command.env("LD_LIBRARY_PATH", path);
        }
        command
    }

    /// Where the libraries of unpacked programs are.
    pub(crate) fn library_path(&self) -> Option<OsString> {
        if self.root == Path::new("/") {
            return None;
        }
        let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
        let directories =
            ["usr/lib".to_owned(), format!("usr/lib/{multiarch}"), format!("lib/{multiarch}")];
        std::env::join_paths(directories.iter().map(|directory| self.path(directory))).ok()
    }
}
