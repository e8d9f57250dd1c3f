//! A listener on the line between the program and its server, which changes nothing.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A relay that remembers what clients said.
pub(crate) struct Wiretap {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Recording>>>,
    open: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

type Recording = Arc<Mutex<Vec<u8>>>;

/// A server that does not notice within this time that a client is gone has failed the test.
const HANGUP_LIMIT: Duration = Duration::from_secs(30);

/// What is remembered of a connection: runs that are examined are short.
const RECORDED_BYTES: usize = 1 << 20;

impl Wiretap {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let open = Arc::new(AtomicUsize::new(0));
        let (shared, stop) = (Arc::clone(&connections), Arc::clone(&ended));
        let count = Arc::clone(&open);
        thread::spawn(move || {
            for client in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let recording = Recording::default();
                shared.lock().unwrap().push(Arc::clone(&recording));
                relay(client.unwrap(), server, recording, &count);
            }
        });
        Self { address, connections, open, ended }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until the server is done with every connection: it has carried out what it was still
    /// asked for by a program that was killed.
    pub(crate) fn wait_for_hangup(&self) {
        let started = Instant::now();
        while self.open.load(Ordering::SeqCst) > 0 {
            assert!(started.elapsed() < HANGUP_LIMIT, "the server keeps a connection open");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The lines that were said since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        let connections = std::mem::take(&mut *self.connections.lock().unwrap());
        let mut lines = Vec::new();
        for recording in connections {
            let said = std::mem::take(&mut *recording.lock().unwrap());
            let said = String::from_utf8_lossy(&said).into_owned();
            lines.extend(said.split("\r\n").filter(|line| !line.is_empty()).map(str::to_owned));
        }
        lines
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// Whether a line is a command that changes something on the server.
pub(crate) fn is_changing(line: &str) -> bool {
    const CHANGING: [&str; 12] = [
        "APPEND",
        "STORE",
        "EXPUNGE",
        "COPY",
        "MOVE",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "CLOSE",
        "SETMETADATA",
    ];
    let mut words = line.split(' ').skip(1).map(str::to_ascii_uppercase);
    let verb = match words.next() {
        Some(uid) if uid == "UID" => words.next(),
        verb => verb,
    };
    verb.is_some_and(|verb| CHANGING.contains(&verb.as_str()))
}

fn relay(client: TcpStream, server: SocketAddr, recording: Recording, open: &Arc<AtomicUsize>) {
    // A server that is being stopped ends the connection of the client, too.
    let Ok(server) = TcpStream::connect(server) else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (from_client, to_client) = (client.try_clone().unwrap(), client);
    let (from_server, to_server) = (server.try_clone().unwrap(), server);
    open.fetch_add(1, Ordering::SeqCst);
    let open = Arc::clone(open);
    thread::spawn(move || pass(from_client, to_server, Some(&recording)));
    thread::spawn(move || {
        pass(from_server, to_client, None);
        open.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Passes on what is said until the speaker hangs up. What the listener does not want to hear any
/// more is dropped, so that a server can say to the end what it says to a client that was killed.
fn pass(mut from: TcpStream, mut to: TcpStream, recording: Option<&Recording>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut listening = true;
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        let octets = buffer.get(..len).unwrap_or_default();
        if let Some(recording) = recording {
            let mut said = recording.lock().unwrap();
            let room = RECORDED_BYTES.saturating_sub(said.len());
            said.extend(octets.iter().take(room));
        }
        listening = listening && to.write_all(octets).is_ok();
    }
    drop(to.shutdown(Shutdown::Write));
}
