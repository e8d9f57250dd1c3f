//! Another mail program on the server: a small IMAP client of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::mail::{Mail, letters, lf};

/// A connection in the clear. Everything it is asked to do must succeed.
pub(crate) struct Imap {
    stream: BufReader<TcpStream>,
    commands: u32,
}

/// A message on the server.
#[derive(Clone)]
pub(crate) struct ServerMail {
    pub(crate) uid: u32,
    /// The letters of the flags, sorted.
    pub(crate) flags: String,
    /// The octets as they came.
    pub(crate) body: Vec<u8>,
}

impl ServerMail {
    pub(crate) fn into_mail(self) -> Mail {
        Mail { content: lf(&self.body), flags: self.flags }
    }

    pub(crate) fn subject(&self) -> String {
        self.clone().into_mail().subject()
    }
}

/// One untagged answer: its text with the literals taken out.
struct Answer {
    text: String,
    literals: Vec<Vec<u8>>,
}

/// A server that says nothing for so long has failed the test.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);

impl Imap {
    /// Connects and logs in.
    pub(crate) fn connect(server: SocketAddr, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(SILENCE_LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut imap = Self { stream: BufReader::new(stream), commands: 0 };
        let greeting = imap.line();
        assert!(greeting.starts_with(b"* OK"), "{}", String::from_utf8_lossy(&greeting));
        imap.command(&format!("LOGIN {user} {password}"));
        imap
    }

    /// Sends a command and returns the untagged answers as text.
    pub(crate) fn command(&mut self, command: &str) -> Vec<String> {
        let (answers, _) = self.exchange(command);
        answers.into_iter().map(|answer| answer.text).collect()
    }

    /// Stores a message, and returns its UID.
    pub(crate) fn append(&mut self, folder: &str, flags: &str, body: &[u8]) -> u32 {
        self.commands += 1;
        let (tag, flags, len) = (self.commands, imap_flags(flags), body.len());
        self.send(format!("t{tag} APPEND \"{folder}\" ({flags}) {{{len}}}\r\n").as_bytes());
        let go_on = self.line();
        assert!(go_on.starts_with(b"+"), "{}", String::from_utf8_lossy(&go_on));
        self.send(body);
        self.send(b"\r\n");
        let (_, done) = self.answers("APPEND");
        let code = done.split("APPENDUID ").nth(1).unwrap_or_default();
        let uid = code.split([' ', ']']).nth(1).and_then(|uid| uid.parse().ok());
        uid.unwrap_or_else(|| panic!("no UID in {done}"))
    }

    /// Creates a folder.
    pub(crate) fn create(&mut self, folder: &str) {
        self.command(&format!("CREATE \"{folder}\""));
    }

    /// Creates a folder unless it is the INBOX, and uses up its first UIDs: as many as asked for.
    /// Six messages with flags of several kinds follow, each with the text of its number.
    pub(crate) fn fill(
        &mut self,
        folder: &str,
        uids_to_skip: usize,
        text: impl Fn(usize) -> Vec<u8>,
    ) {
        if folder != "INBOX" {
            self.create(folder);
        }
        for number in 0..uids_to_skip {
            let gone = self.append(folder, "", &text(number));
            self.remove(folder, &gone.to_string());
        }
        for (number, flags) in ["", "S", "FS", "RS", "F", "S"].into_iter().enumerate() {
            self.append(folder, flags, &text(number));
        }
    }

    /// Gives a message exactly these flags.
    pub(crate) fn set_flags(&mut self, folder: &str, uid: u32, flags: &str) {
        self.select(folder);
        self.command(&format!("UID STORE {uid} FLAGS.SILENT ({})", imap_flags(flags)));
    }

    /// Removes messages for good.
    pub(crate) fn remove(&mut self, folder: &str, uids: &str) {
        self.select(folder);
        self.command(&format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)"));
        self.command(&format!("UID EXPUNGE {uids}"));
    }

    /// Moves a message to another folder.
    pub(crate) fn shift(&mut self, folder: &str, uid: u32, target: &str) {
        self.select(folder);
        self.command(&format!("UID MOVE {uid} \"{target}\""));
    }

    /// The UID of the one message with this subject.
    pub(crate) fn uid(&mut self, folder: &str, subject: &str) -> u32 {
        let all = self.messages(folder);
        let mut found = all.iter().filter(|mail| mail.subject() == subject);
        let uid = found.next().unwrap_or_else(|| panic!("no {subject} in {folder}")).uid;
        assert!(found.next().is_none(), "{subject} is twice in {folder}");
        uid
    }

    /// All folders that can be opened.
    pub(crate) fn folders(&mut self) -> Vec<String> {
        let mut folders = Vec::new();
        for line in self.command("LIST \"\" *") {
            if line.starts_with("* LIST") && !line.to_ascii_lowercase().contains("\\noselect") {
                // `* LIST (attributes) "separator" name`
                let name = line.split(") ").nth(1).and_then(|rest| rest.split_once(' '));
                folders.push(name.unwrap().1.trim_matches('"').to_owned());
            }
        }
        folders
    }

    /// All messages of a folder.
    pub(crate) fn messages(&mut self, folder: &str) -> Vec<ServerMail> {
        let selected = self.command(&format!("EXAMINE \"{folder}\""));
        if selected.iter().any(|line| line == "* 0 EXISTS") {
            return Vec::new();
        }
        let (answers, _) = self.exchange("UID FETCH 1:* (UID FLAGS BODY.PEEK[])");
        let fetched = answers.into_iter().filter(|answer| answer.text.contains(" FETCH ("));
        fetched.map(ServerMail::from).collect()
    }

    fn select(&mut self, folder: &str) {
        self.command(&format!("SELECT \"{folder}\""));
    }

    fn exchange(&mut self, command: &str) -> (Vec<Answer>, String) {
        self.commands += 1;
        let tag = self.commands;
        self.send(format!("t{tag} {command}\r\n").as_bytes());
        self.answers(command)
    }

    /// The untagged answers to the command in hand, and the tagged one.
    fn answers(&mut self, command: &str) -> (Vec<Answer>, String) {
        let tag = format!("t{} ", self.commands);
        let mut answers = Vec::new();
        loop {
            let answer = self.answer();
            match answer.text.strip_prefix(&tag) {
                Some(done) => {
                    assert!(done.starts_with("OK"), "{command}: {done}");
                    return (answers, done.to_owned());
                }
                None => answers.push(answer),
            }
        }
    }

    fn answer(&mut self) -> Answer {
        let mut answer = Answer { text: String::new(), literals: Vec::new() };
        loop {
            let line = self.line();
            let line = String::from_utf8_lossy(&line);
            let line = line.strip_suffix("\r\n").unwrap_or(&line);
            answer.text.push_str(line);
            let len = line.strip_suffix('}').and_then(|line| line.rsplit_once('{'));
            let Some(len) = len.and_then(|(_, len)| len.parse().ok()) else { return answer };
            let mut literal = vec![0; len];
            self.stream.read_exact(&mut literal).unwrap();
            answer.literals.push(literal);
        }
    }

    fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty(), "the server closed the connection");
        line
    }

    fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }
}

impl Drop for Imap {
    /// Logs out, and waits until the server is done.
    fn drop(&mut self) {
        let said = self.stream.get_mut().write_all(b"bye LOGOUT\r\n");
        if said.is_ok() {
            drop(self.stream.read_to_end(&mut Vec::new()));
        }
    }
}

impl From<Answer> for ServerMail {
    fn from(answer: Answer) -> Self {
        let Answer { text, literals } = answer;
        let behind = |key: &str| text.split_once(key).map(|(_, rest)| rest).unwrap_or_default();
        let uid = behind("UID ").split([' ', ')']).next().unwrap().parse().unwrap();
        let flags = letters(behind("FLAGS (").split(')').next().unwrap());
        // A short message may come in quotes; the tests have only empty ones of those.
        let body = literals.into_iter().next().unwrap_or_else(|| {
            assert!(text.contains("BODY[] \"\"") || text.contains("BODY[] NIL"), "{text}");
            Vec::new()
        });
        Self { uid, flags, body }
    }
}

fn imap_flags(letters: &str) -> String {
    let name = |letter| match letter {
        'S' => "\\Seen",
        'R' => "\\Answered",
        'F' => "\\Flagged",
        'T' => "\\Deleted",
        'D' => "\\Draft",
        other => panic!("no flag of IMAP: {other}"),
    };
    letters.chars().map(name).collect::<Vec<_>>().join(" ")
}
