//! A private Courier IMAP, a server with hardly any extension.
//!
//! Courier's own login program wants system-wide configuration. Here a small door-keeper takes
//! its place: it greets, checks LOGIN, and hands the connection to Courier's `imapd`, which does
//! the rest. As with Courier itself, what is pipelined behind LOGIN is lost.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::real_server::{Endpoint, Installation, ProcessGroup, RealServerError};

/// A running Courier; dropping it kills its processes and removes its directory.
#[derive(Debug)]
pub struct Courier {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    door_keeper: Option<JoinHandle<()>>,
    // Killed before its directory is removed: fields are dropped in this order.
    _watcher: Option<ProcessGroup>,
    directory: TempDir,
}

#[derive(Debug)]
struct Shared {
    installation: Installation,
    maildir: PathBuf,
    watcher_name: String,
    user: String,
    password: String,
    stopping: AtomicBool,
    sessions: Mutex<Vec<ProcessGroup>>,
}

const SERVER: &str = "Courier";
const CAPABILITY: &str = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT \
                          THREAD=REFERENCES SORT QUOTA IDLE";
/// A client that says nothing to the door-keeper for so long is sent away.
const LOGIN_LIMIT: Duration = Duration::from_mins(1);

impl Courier {
    /// Starts one with user `tester`, password `secret`, and `.` as its delimiter.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not come to life.
    pub fn start() -> Result<Self, RealServerError> {
        let installation = Installation::find(SERVER, "usr/bin/imapd", "courier-imap and gamin")?;
        let directory = tempfile::Builder::new()
            .prefix("courier-")
            .tempdir()
            .map_err(|source| set_up(&std::env::temp_dir(), source))?;
        let path = directory.path().to_owned();
        Self::start_in(directory, installation).map_err(|source| set_up(&path, source))
    }

    fn start_in(directory: TempDir, installation: Installation) -> io::Result<Self> {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        let maildir = directory.path().join("Maildir");
        let made = installation.command("usr/bin/maildirmake.courier").arg(&maildir).status()?;
        if !made.success() {
            return Err(io::Error::other(format!("maildirmake.courier ended with {made}")));
        }
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let watcher_name = format!("offlineimap-{}-{number}", std::process::id());
        let watcher = start_watcher(&installation, &watcher_name)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            installation,
            maildir,
            watcher_name,
            user: "tester".to_owned(),
            password: "secret".to_owned(),
            stopping: AtomicBool::new(false),
            sessions: Mutex::new(Vec::new()),
        });
        let endpoint = Endpoint {
            address,
            tls_address: None,
            user: shared.user.clone(),
            password: shared.password.clone(),
        };
        let keeper = Arc::clone(&shared);
        let door_keeper = std::thread::Builder::new()
            .name("Courier's door-keeper".to_owned())
            .spawn(move || keep_door(&listener, &keeper))?;
        let door_keeper = Some(door_keeper);
        Ok(Self { endpoint, shared, door_keeper, _watcher: watcher, directory })
    }

    /// How to reach it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where the test user's mail is, for looks behind its back.
    pub fn mail_directory(&self) -> PathBuf {
        self.directory.path().join("Maildir")
    }

    /// A shell command that speaks IMAP on its standard streams, already logged in: what a
    /// `preauthtunnel` runs.
    pub fn tunnel_command(&self) -> String {
        let shared = &self.shared;
        let imapd = shared.installation.path("usr/bin/imapd");
        let libraries = shared.installation.library_path().unwrap_or_default();
        format!(
            "cd '{4}' && env LD_LIBRARY_PATH='{0}' GAM_CLIENT_ID='{1}' IMAP_CAPABILITY='{CAPABILITY}' \
             IMAP_KEYWORDS=1 AUTHENTICATED='{2}' '{3}' '{4}' 2>/dev/null",
            libraries.display(),
            shared.watcher_name,
            shared.user,
            imapd.display(),
            shared.maildir.display()
        )
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the door-keeper, which waits for the next connection.
        drop(TcpStream::connect(self.endpoint.address));
        if let Some(door_keeper) = self.door_keeper.take() {
            drop(door_keeper.join());
        }
        self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Starts the file watcher without which Courier waits seconds for one at every session.
fn start_watcher(installation: &Installation, name: &str) -> io::Result<Option<ProcessGroup>> {
    const WATCHER: &str = "usr/libexec/gam_server";
    if !installation.path(WATCHER).is_file() {
        return Ok(None);
    }
    let mut command = installation.command(WATCHER);
    command.args(["--notimeout", name]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    ProcessGroup::spawn(&mut command).map(Some)
}

fn keep_door(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // Ends by itself: with the login, with the connection, or after a silence.
        drop(std::thread::spawn(move || admit(stream, &shared)));
    }
}

/// Talks to a client until it has logged in, and hands it over.
fn admit(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(LOGIN_LIMIT))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut output = &stream;
    write!(output, "* OK [CAPABILITY {CAPABILITY}] Courier-IMAP ready.\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let tag = words.next().unwrap_or("*").to_owned();
        match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "CAPABILITY" => {
                write!(output, "* CAPABILITY {CAPABILITY}\r\n{tag} OK CAPABILITY completed\r\n")?;
            }
            "NOOP" => write!(output, "{tag} OK NOOP completed\r\n")?,
            "LOGOUT" => return write!(output, "* BYE bye\r\n{tag} OK LOGOUT completed\r\n"),
            "LOGIN" => {
                let given: Vec<&str> = words.map(|word| word.trim_matches('"')).collect();
                if given == [shared.user.as_str(), shared.password.as_str()] {
                    stream.set_read_timeout(None)?;
                    return hand_over(stream, &tag, shared);
                }
                write!(output, "{tag} NO Login failed.\r\n")?;
            }
            _ => write!(output, "{tag} BAD Not logged in\r\n")?,
        }
    }
}

/// Lets Courier itself answer the LOGIN and everything after it.
fn hand_over(stream: TcpStream, tag: &str, shared: &Shared) -> io::Result<()> {
    let peer: SocketAddr = stream.peer_addr()?;
    let mut command = shared.installation.command("usr/bin/imapd");
    // Courier takes the current directory for the user's home, and is particular about it.
    command.current_dir(&shared.maildir).arg(&shared.maildir);
    command.env("IMAP_CAPABILITY", CAPABILITY).env("IMAP_KEYWORDS", "1");
    command.env("IMAP_ENHANCEDIDLE", "0").env("GAM_CLIENT_ID", &shared.watcher_name);
    command.env("AUTHENTICATED", &shared.user).env("IMAPLOGINTAG", tag);
    command.env("TCPREMOTEIP", peer.ip().to_string());
    command.env("TCPREMOTEPORT", peer.port().to_string());
    command.stdin(OwnedFd::from(stream.try_clone()?)).stdout(OwnedFd::from(stream));
    command.stderr(Stdio::null());
    // Under the lock, so that no session begins behind the back of a server that stops.
    let mut sessions = shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    if !shared.stopping.load(Ordering::SeqCst) {
        sessions.push(ProcessGroup::spawn(&mut command)?);
    }
    Ok(())
}

fn set_up(path: &Path, source: io::Error) -> RealServerError {
    RealServerError::SetUp { server: SERVER, path: path.to_owned(), source }
}
