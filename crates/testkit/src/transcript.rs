//! A client that plays transcripts: `C:` lines are sent, `S:` lines must arrive.
//!
//! It knows no IMAP, so it can say anything to a server and expect anything from it. It is made
//! for tests and panics where something else happens than expected.

#![expect(clippy::unwrap_used, reason = "a transcript fails its test by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection in the clear.
#[derive(Debug)]
pub struct Peer {
    stream: BufReader<TcpStream>,
}

/// A server that says nothing for so long has failed the test.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

impl Peer {
    /// Connects and reads nothing yet.
    ///
    /// # Panics
    ///
    /// Nobody listens there.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SILENCE_LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a line; CRLF is added.
    ///
    /// # Panics
    ///
    /// The connection is broken.
    pub fn send(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The next line without its CRLF; the empty string at the end of the connection.
    ///
    /// # Panics
    ///
    /// The connection is broken or silent.
    pub fn line(&mut self) -> String {
        self.line_with_end().trim_end_matches("\r\n").to_owned()
    }

    fn line_with_end(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Lines up to the one that begins with this, which is the last.
    ///
    /// # Panics
    ///
    /// The connection ends before it.
    pub fn lines_until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line_with_end();
            assert!(!line.is_empty(), "no `{start}` in {lines:?}");
            let last = line.starts_with(start);
            lines.push(line.trim_end_matches("\r\n").to_owned());
            if last {
                return lines;
            }
        }
    }

    /// Octets that are no lines.
    ///
    /// # Panics
    ///
    /// The connection ends before them.
    pub fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    /// Reads and drops octets.
    ///
    /// # Panics
    ///
    /// The connection ends before them.
    pub fn skip_octets(&mut self, len: u64) {
        let skipped =
            std::io::copy(&mut self.stream.by_ref().take(len), &mut std::io::sink()).unwrap();
        assert_eq!(skipped, len, "the connection ended too early");
    }

    /// Everything up to the end of the connection.
    ///
    /// # Errors
    ///
    /// The connection is reset.
    pub fn rest(&mut self) -> std::io::Result<String> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(String::from_utf8_lossy(&rest).into_owned())
    }

    /// Plays a transcript. Blanks before `C:` and `S:` do not matter. An `S:` line that ends in
    /// `...` needs to match up to there only.
    ///
    /// # Panics
    ///
    /// Another line comes than expected.
    pub fn play(&mut self, transcript: &str) {
        for step in transcript.lines().map(str::trim).filter(|step| !step.is_empty()) {
            match (step.strip_prefix("C:"), step.strip_prefix("S:")) {
                (Some(line), _) => self.send(line.trim_start()),
                (_, Some(line)) => self.expect(line.strip_prefix(' ').unwrap_or(line)),
                (None, None) => panic!("no transcript line: {step}"),
            }
        }
    }

    fn expect(&mut self, expected: &str) {
        let line = self.line();
        match expected.strip_suffix("...") {
            Some(start) => assert!(line.starts_with(start), "expected {expected}, got {line}"),
            None => assert_eq!(line, expected),
        }
    }
}
