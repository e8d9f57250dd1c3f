//! The other mail reader: the few IMAP commands with which the server's side is changed and
//! inspected, sent to the server without the proxy between.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::mail::Message;

/// A connection with INBOX selected.
pub(crate) struct Reader {
    stream: BufReader<TcpStream>,
    sent: u32,
}

/// What INBOX holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Messages.
    pub(crate) messages: usize,
    /// Messages with `\Flagged`.
    pub(crate) flagged: usize,
}

impl Reader {
    /// Logs in and selects INBOX.
    pub(crate) fn open(port: u16, user: &str, password: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut reader = Self { stream: BufReader::new(stream), sent: 0 };
        reader.line().context("no greeting")?;
        reader.command(&format!("LOGIN {user} {password}"))?;
        reader.command("SELECT INBOX")?;
        Ok(reader)
    }

    /// Makes the server build its index and cache, as they are for mail that was received by and by.
    pub(crate) fn warm_up(&mut self) -> anyhow::Result<()> {
        for _ in 0..2 {
            self.command("UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)")?;
        }
        Ok(())
    }

    /// Sets `\Flagged`.
    pub(crate) fn flag(&mut self, uids: &[u32]) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.command(&format!("UID STORE {} +FLAGS.SILENT (\\Flagged)", set(uids))).map(drop)
    }

    /// Removes messages for good.
    pub(crate) fn delete(&mut self, uids: &[u32]) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.command(&format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", set(uids)))?;
        self.command(&format!("UID EXPUNGE {}", set(uids))).map(drop)
    }

    /// Adds a message.
    pub(crate) fn append(&mut self, message: Message) -> anyhow::Result<()> {
        let text = message.wire_form();
        let tag = self.send(&format!("APPEND INBOX {{{}+}}", text.len()))?;
        self.stream.get_mut().write_all(&text)?;
        self.stream.get_mut().write_all(b"\r\n")?;
        self.answer(&tag).map(drop)
    }

    /// Counts what is there.
    pub(crate) fn contents(&mut self) -> anyhow::Result<Contents> {
        self.command("NOOP")?;
        Ok(Contents { messages: self.search("ALL")?, flagged: self.search("FLAGGED")? })
    }

    fn search(&mut self, criterion: &str) -> anyhow::Result<usize> {
        let lines = self.command(&format!("UID SEARCH {criterion}"))?;
        let found = lines.iter().find_map(|line| line.strip_prefix("* SEARCH"));
        Ok(found.map_or(0, |uids| uids.split_whitespace().count()))
    }

    fn command(&mut self, command: &str) -> anyhow::Result<Vec<String>> {
        let tag = self.send(command)?;
        self.answer(&tag)
    }

    fn send(&mut self, command: &str) -> anyhow::Result<String> {
        self.sent += 1;
        let tag = format!("a{}", self.sent);
        self.stream.get_mut().write_all(format!("{tag} {command}\r\n").as_bytes())?;
        Ok(tag)
    }

    /// The untagged lines before the tagged OK.
    fn answer(&mut self, tag: &str) -> anyhow::Result<Vec<String>> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line()?;
            match line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(status) if status.starts_with("OK") => return Ok(untagged),
                Some(status) => bail!("the server says {status}"),
                None => untagged.push(line),
            }
        }
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

const PATIENCE: Duration = Duration::from_mins(5);

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
