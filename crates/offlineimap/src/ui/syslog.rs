//! The system log: `ui = syslog`, and `-s` beside any other user interface (`spec/ui.md` §4).

use std::io::{self, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::{Console, Level, Message};
use crate::NAME;

/// Where the daemon listens.
const SOCKET: &str = "/dev/log";

/// The facility *user*, as it stands in a priority (RFC 3164 §4.1.1).
const USER: u8 = 1 << 3;

/// How long a daemon that reads nothing may keep a message waiting.
const PATIENCE: Duration = Duration::from_secs(1);

/// The local daemon of the system log. It is looked for when there is something to tell, and again
/// whenever it went away.
#[derive(Debug)]
pub(crate) struct Syslog {
    path: PathBuf,
    socket: Option<Socket>,
    has_complained: bool,
}

/// Daemons listen in one of two ways.
#[derive(Debug)]
enum Socket {
    Datagram(UnixDatagram),
    Stream(UnixStream),
}

impl Syslog {
    /// The daemon of this machine.
    pub(crate) fn local() -> Self {
        Self::at(SOCKET)
    }

    fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), socket: None, has_complained: false }
    }

    /// Tells the daemon a message. The first time in a run that it cannot be told, returns what to
    /// complain about; later messages are lost in silence.
    #[must_use = "the complaint comes only once"]
    pub(crate) fn write(&mut self, level: Level, text: &str) -> Option<String> {
        let record = format!("<{}>{NAME}[{}]: {text}", USER | severity(level), std::process::id());
        let error = self.send(&record).err()?;
        if std::mem::replace(&mut self.has_complained, true) {
            return None;
        }
        let path = self.path.display();
        Some(format!("cannot write to the system log '{path}': {error}"))
    }

    fn send(&mut self, record: &str) -> io::Result<()> {
        if let Some(socket) = &mut self.socket
            && socket.send(record).is_ok()
        {
            return Ok(());
        }
        // The daemon may have been started anew.
        self.socket = None;
        let mut socket = Socket::connect(&self.path)?;
        socket.send(record)?;
        self.socket = Some(socket);
        Ok(())
    }
}

impl Socket {
    fn connect(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        match socket.connect(path) {
            Ok(()) => {
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Datagram(socket))
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::PROTOTYPE) => {
                let socket = UnixStream::connect(path)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Stream(socket))
            }
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, record: &str) -> io::Result<()> {
        match self {
            Self::Datagram(socket) => socket.send(record.as_bytes()).map(drop),
            // Here something has to tell where a record ends.
            Self::Stream(socket) => socket.write_all(format!("{record}\0").as_bytes()),
        }
    }
}

fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => 6,
        Level::Debug => 7,
    }
}

/// Shows messages in the system log only.
#[derive(Debug)]
pub(super) struct SyslogConsole<W> {
    syslog: Syslog,
    /// Where it is told that there is no system log.
    otherwise: W,
}

impl<W> SyslogConsole<W> {
    pub(super) fn new(syslog: Syslog, otherwise: W) -> Self {
        Self { syslog, otherwise }
    }
}

impl<W: Write + Send> Console for SyslogConsole<W> {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        match self.syslog.write(message.level, &message.text) {
            Some(complaint) => self.otherwise.write_all(format!("{complaint}\n").as_bytes()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn next(daemon: &UnixDatagram) -> String {
        let mut record = [0; 200];
        let octets = daemon.recv(&mut record).unwrap();
        String::from_utf8(record[..octets].to_vec()).unwrap()
    }

    fn listen(path: &Path) -> UnixDatagram {
        let daemon = UnixDatagram::bind(path).unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        daemon
    }

    #[test]
    fn a_record_has_the_facility_user_the_severity_and_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let daemon = listen(&path);
        let mut syslog = Syslog::at(&path);
        let tag = format!("offlineimap[{}]: ", std::process::id());
        for (level, priority) in
            [(Level::Error, 11), (Level::Warning, 12), (Level::Info, 14), (Level::Debug, 15)]
        {
            assert_eq!(syslog.write(level, "*** one\n  two"), None);
            assert_eq!(next(&daemon), format!("<{priority}>{tag}*** one\n  two"));
        }
    }

    #[test]
    fn a_missing_daemon_is_told_once_and_found_when_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut syslog = Syslog::at(&path);
        let complaint = syslog.write(Level::Info, "one").unwrap();
        assert!(complaint.contains(&path.display().to_string()), "{complaint}");
        assert_eq!(syslog.write(Level::Info, "two"), None);
        for record in ["three", "four"] {
            // Each time another daemon, as after a restart.
            let daemon = listen(&path);
            assert_eq!(syslog.write(Level::Info, record), None);
            assert!(next(&daemon).ends_with(record));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn records_on_a_stream_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let daemon = UnixListener::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path);
        for text in ["one", "two"] {
            assert_eq!(syslog.write(Level::Info, text), None);
        }
        drop(syslog);
        let mut records = String::new();
        daemon.accept().unwrap().0.read_to_string(&mut records).unwrap();
        let records: Vec<&str> = records.split_terminator('\0').collect();
        assert!(matches!(records[..], [one, two] if one.ends_with("one") && two.ends_with("two")));
    }

    #[test]
    fn the_user_interface_complains_once_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let mut elsewhere = Vec::new();
        let mut console = SyslogConsole::new(Syslog::at(dir.path().join("no")), &mut elsewhere);
        for _ in 0..3 {
            console.show(&Message::main(Level::Info, "secretly")).unwrap();
        }
        let complaint = String::from_utf8(elsewhere).unwrap();
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.starts_with("cannot write to the system log"));
    }
}
