//! What the private instances of real servers have in common.
//!
//! They run as plain processes on loopback, with everything they write in a temporary directory,
//! and are killed with all their children when the handle is dropped, also by a panic.

mod installation;
mod process_group;

pub(crate) use installation::Installation;
pub(crate) use process_group::ProcessGroup;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How to reach a server and log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Always 127.0.0.1.
    pub address: SocketAddr,
    /// The port that begins with a TLS handshake, if the server was given a certificate.
    pub tls_address: Option<SocketAddr>,
    /// The name of the test user.
    pub user: String,
    /// The password of the test user.
    pub password: String,
}

/// Why a real server does not run.
#[derive(Debug, thiserror::Error)]
pub enum RealServerError {
    /// It is not installed.
    #[error(
        "{server} is not installed: no `{program}`; install the Debian packages {packages}, \
             or unpack them with crates/testkit/unpack-servers.sh"
    )]
    Unavailable {
        /// Which server.
        server: &'static str,
        /// The program that was not found.
        program: &'static str,
        /// What to install.
        packages: &'static str,
    },
    /// Its directory or processes could not be made.
    #[error("cannot set up {server} in {}", path.display())]
    SetUp {
        /// Which server.
        server: &'static str,
        /// Where it was to be.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It was started and does not answer.
    #[error("{server} does not answer on {address}; its log says:\n{log}")]
    Silent {
        /// Which server.
        server: &'static str,
        /// Where it should listen.
        address: SocketAddr,
        /// The end of what it wrote.
        log: String,
    },
}

/// A server that has just been started answers within this time even on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A loopback port nobody listens on now.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Waits until a server greets.
pub(crate) fn wait_for_greeting(
    server: &'static str,
    address: SocketAddr,
    log: &Path,
) -> Result<(), RealServerError> {
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if greets(address) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = std::fs::read_to_string(log).unwrap_or_default();
    Err(RealServerError::Silent { server, address, log })
}

fn greets(address: SocketAddr) -> bool {
    use std::io::Read as _;
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    let limited = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut first = [0; 1];
    limited.is_ok() && stream.read_exact(&mut first).is_ok() && first == *b"*"
}

/// Makes a directory and everything in it belong to the account a server runs as.
pub(crate) fn give_to(path: &Path, account: Account) -> io::Result<()> {
    if let Account::Nobody { uid, gid } = account {
        std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                give_to(&entry?.path(), account)?;
            }
        }
    }
    Ok(())
}

/// As whom the processes of a server run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    /// As the user who runs the tests.
    Own,
    /// As the unprivileged user every system has, because the tests run as root and servers
    /// refuse to.
    Nobody { uid: u32, gid: u32 },
}

impl Account {
    pub(crate) fn suitable() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Nobody { uid: 65_534, gid: 65_534 }
        } else {
            Self::Own
        }
    }

    pub(crate) fn uid(self) -> u32 {
        match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Nobody { uid, .. } => uid,
        }
    }

    pub(crate) fn gid(self) -> u32 {
        match self {
            Self::Own => rustix::process::getegid().as_raw(),
            Self::Nobody { gid, .. } => gid,
        }
    }

    /// The names of the account and of its group in the system's lists.
    pub(crate) fn names(self) -> AccountNames {
        AccountNames {
            user: name_in("/etc/passwd", self.uid()),
            group: name_in("/etc/group", self.gid()),
        }
    }
}

/// An account as configuration files want it.
#[derive(Clone, Debug)]
pub(crate) struct AccountNames {
    pub(crate) user: String,
    pub(crate) group: String,
}

/// The name that has a number; the number itself if it has none.
fn name_in(list: &str, number: u32) -> String {
    let number = number.to_string();
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.lines()
        .find(|line| line.split(':').nth(2) == Some(number.as_str()))
        .and_then(|line| line.split(':').next())
        .map_or_else(|| number.clone(), str::to_owned)
}
