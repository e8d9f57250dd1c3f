//! Plays a transcript against a session and writes down what the session tells.

use std::time::Instant;

use bytes::Bytes;
use offlineimap_imap_proto::command::Command;
use offlineimap_imap_proto::flags::Flags;
use offlineimap_imap_proto::opening::{
    Compression, Opening, OpeningError, OpeningPolicy, Step as Stage,
};
use offlineimap_imap_proto::response::{BodyForm, Section, Untagged};
use offlineimap_imap_proto::session::{
    CommandHandle, Event, Outcome, Output, Session, SessionError, Settings,
};

/// An exchange: what is submitted, what the client must send, what the server sends, and what the
/// session must tell.
#[derive(Default)]
pub(crate) struct Transcript {
    steps: Vec<Step>,
    opening: Option<OpeningPolicy>,
    told: Vec<String>,
    failure: Option<SessionError>,
    refusal: Option<OpeningError>,
}

enum Step {
    Submit(fn() -> Command),
    Client(Vec<u8>),
    Server(Vec<u8>),
}

#[derive(Clone, Copy)]
enum Pieces {
    Whole,
    Bytes,
    SplitAt(usize),
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Begins behind the greeting and CAPABILITY of a server with these capabilities.
    pub(crate) fn with(capabilities: &str) -> Self {
        Self::new()
            .s(&format!("* OK [CAPABILITY {capabilities}] ready\r\n"))
            .told("greeting LoginNeeded")
    }

    pub(crate) fn opening(policy: OpeningPolicy) -> Self {
        Self { opening: Some(policy), ..Self::default() }
    }

    pub(crate) fn submit(mut self, command: fn() -> Command) -> Self {
        self.steps.push(Step::Submit(command));
        self
    }

    /// What the client must send here, all of it. A streamed literal is a row of `m`.
    pub(crate) fn c(mut self, bytes: &str) -> Self {
        self.steps.push(Step::Client(bytes.as_bytes().to_vec()));
        self
    }

    pub(crate) fn s(self, bytes: &str) -> Self {
        self.s_bytes(bytes.as_bytes())
    }

    pub(crate) fn s_bytes(mut self, bytes: &[u8]) -> Self {
        self.steps.push(Step::Server(bytes.to_vec()));
        self
    }

    /// One line of what the session must tell, in order.
    pub(crate) fn told(mut self, line: &str) -> Self {
        self.told.push(line.to_owned());
        self
    }

    pub(crate) fn fails(mut self, error: SessionError) -> Self {
        self.failure = Some(error);
        self
    }

    pub(crate) fn refused(mut self, error: OpeningError) -> Self {
        self.refusal = Some(error);
        self
    }

    /// Plays it in every way.
    pub(crate) fn check(&self) {
        let whole = self.play(Pieces::Whole, usize::MAX);
        assert_eq!(whole.log, self.told);
        assert_eq!(whole.failure, self.failure);
        assert_eq!(whole.refusal, self.refusal);
        let bytes = self.play(Pieces::Bytes, usize::MAX);
        assert_eq!(bytes.log, self.told, "byte by byte");
        assert_eq!(bytes.failure, self.failure, "byte by byte");
        let (longest, total) =
            self.steps.iter().fold((0, 0), |(longest, total), step| match step {
                Step::Server(bytes) => (bytes.len().max(longest), total + bytes.len()),
                Step::Submit(_) | Step::Client(_) => (longest, total),
            });
        for at in 1..longest {
            let split = self.play(Pieces::SplitAt(at), usize::MAX);
            assert_eq!(split.log, self.told, "split at {at}");
            assert_eq!(split.failure, self.failure, "split at {at}");
        }
        for cut in 0..total {
            let mut played = self.play(Pieces::Whole, cut);
            played.session.handle_eof();
            played.drain();
            let submitted = played.submitted.len();
            assert!(played.session.poll_timeout().is_none());
            assert_eq!(played.session.open_commands(), 0);
            for handle in &played.submitted {
                let ends = played.completed.iter().filter(|own| *own == handle).count();
                assert_eq!(ends, 1, "{handle} of {submitted}, cut at {cut}");
            }
            assert!(
                played.log.last().is_some_and(|line| line.starts_with("closed")),
                "cut at {cut}"
            );
        }
    }

    fn play(&self, pieces: Pieces, cut: usize) -> Played {
        let now = Instant::now();
        let mut played = Played {
            session: Session::new(Settings::default(), now),
            opening: self.opening.clone().map(Opening::new),
            log: Vec::new(),
            submitted: Vec::new(),
            completed: Vec::new(),
            failure: None,
            refusal: None,
            handshake: false,
            deflate: false,
        };
        let mut left = cut;
        for step in &self.steps {
            match step {
                Step::Submit(command) => {
                    let handle = played.session.submit(command());
                    played.submitted.push(handle);
                }
                Step::Client(expected) => {
                    let sent = played.send(now);
                    assert_eq!(
                        sent.escape_ascii().to_string(),
                        expected.escape_ascii().to_string()
                    );
                }
                Step::Server(bytes) => {
                    let (here, _) = bytes.split_at(bytes.len().min(left));
                    left -= here.len();
                    for piece in divide(here, pieces) {
                        played.receive(piece, now);
                    }
                    if here.len() < bytes.len() {
                        return played;
                    }
                }
            }
        }
        played
    }
}

fn divide(bytes: &[u8], pieces: Pieces) -> Vec<&[u8]> {
    match pieces {
        Pieces::Bytes => bytes.chunks(1).collect(),
        Pieces::SplitAt(at) if at < bytes.len() => {
            let (before, behind) = bytes.split_at(at);
            vec![before, behind]
        }
        Pieces::Whole | Pieces::SplitAt(_) => vec![bytes],
    }
}

struct Played {
    session: Session,
    opening: Option<Opening>,
    log: Vec<String>,
    submitted: Vec<CommandHandle>,
    completed: Vec<CommandHandle>,
    failure: Option<SessionError>,
    refusal: Option<OpeningError>,
    handshake: bool,
    deflate: bool,
}

impl Played {
    fn send(&mut self, now: Instant) -> Vec<u8> {
        let mut sent = Vec::new();
        while let Some(output) = self.session.poll_output(now) {
            match output {
                Output::Bytes(bytes) => sent.extend_from_slice(&bytes),
                Output::Literal { size_bytes, .. } => {
                    // In two steps, as a driver would that reads a file in pieces.
                    let half = size_bytes / 2;
                    sent.resize(sent.len() + usize::try_from(size_bytes).unwrap(), b'm');
                    self.session.literal_written(half, now);
                    assert_eq!(self.session.poll_output(now), None);
                    self.session.literal_written(size_bytes - half, now);
                }
            }
        }
        sent
    }

    fn receive(&mut self, piece: &[u8], now: Instant) {
        let result = self.session.handle_input(&Bytes::copy_from_slice(piece), now);
        if self.failure.is_none() {
            self.failure = result.err();
        }
        self.drain();
        if self.handshake {
            self.handshake = false;
            self.session.tls_established(now);
            if let Some(opening) = &mut self.opening {
                opening.tls_established(&mut self.session);
            }
        }
        if self.deflate {
            self.deflate = false;
            let compressed = self.session.compression_established(now);
            if let Some(opening) = &mut self.opening {
                opening.compression_established(&mut self.session);
                assert_eq!(*opening.compression(), Compression::On);
                self.log.push("ready".to_owned());
            }
            self.receive(&compressed, now);
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let Event::Completed { handle, .. } = &event {
                self.completed.push(*handle);
            }
            if let Some(opening) = &mut self.opening {
                match opening.handle_event(&mut self.session, &event) {
                    Ok(Stage::Continue) => {}
                    Ok(Stage::Ready) => {
                        self.log.push("ready".to_owned());
                        match opening.compression() {
                            Compression::Off | Compression::On => {}
                            without @ (Compression::NotOffered | Compression::Refused { .. }) => {
                                self.log.push(format!("without compression: {without:?}"));
                            }
                        }
                    }
                    Ok(Stage::Compress) => {
                        self.deflate = true;
                        self.log.push("deflate".to_owned());
                    }
                    Ok(Stage::StartTls) => {
                        self.handshake = true;
                        self.log.push("handshake".to_owned());
                    }
                    Err(error) => {
                        self.refusal.get_or_insert(error);
                    }
                }
                if !matches!(event, Event::Closed { .. }) {
                    continue;
                }
            }
            self.tell(&event);
        }
    }

    fn tell(&mut self, event: &Event) {
        if let (Event::BodyChunk(chunk), Some(last)) = (event, self.log.last_mut())
            && last.starts_with("chunk ")
        {
            last.push_str(&chunk.escape_ascii().to_string());
            return;
        }
        self.log.push(match event {
            Event::Greeting(greeting) => format!("greeting {greeting:?}"),
            Event::Completed { handle, outcome } => format!("{handle} {}", outcome_text(outcome)),
            Event::BodyStart { handle, start } => {
                let uid = start.uid.map_or("?".to_owned(), |uid| uid.to_string());
                let section = match &start.section {
                    Section::Full => "",
                    Section::Other(name) => name,
                };
                let form = match start.form {
                    BodyForm::Literal => "",
                    BodyForm::Literal8 | BodyForm::Quoted | BodyForm::Nil => {
                        &format!(" {:?}", start.form)
                    }
                };
                let owner = owner(*handle);
                format!("{owner}body uid={uid} [{section}] {} bytes{form}", start.size_bytes)
            }
            Event::BodyChunk(chunk) => format!("chunk {}", chunk.escape_ascii()),
            Event::BodyEnd => "body end".to_owned(),
            Event::Untagged { handle, data } => format!("{}{}", owner(*handle), data_text(data)),
            Event::Closed { bye: None } => "closed".to_owned(),
            Event::Closed { bye: Some(text) } => format!("closed, bye {:?}", text.text),
        });
    }
}

fn owner(handle: Option<CommandHandle>) -> String {
    handle.map_or("* ".to_owned(), |handle| format!("{handle}: "))
}

fn outcome_text(outcome: &Outcome) -> String {
    let (name, text) = match outcome {
        Outcome::Ok(text) => ("OK", text),
        Outcome::No(text) => ("NO", text),
        Outcome::Bad(text) => ("BAD", text),
        Outcome::Cancelled(error) => return format!("cancelled: {error}"),
        Outcome::Lost(lost) => return format!("lost {lost:?}"),
    };
    let code = text.code.as_ref().map(|code| format!(" {code:?}")).unwrap_or_default();
    format!("{name}{code} {:?}", text.text)
}

fn data_text(data: &Untagged) -> String {
    match data {
        Untagged::Fetch(fetch) => {
            let flags = fetch.flags.as_ref().map(|flags| match flags {
                Flags::Known(flags) => format!("flags=({flags})"),
                Flags::Unparsable => "flags=?".to_owned(),
            });
            let items = [
                Some(format!("fetch {}", fetch.seq)),
                fetch.uid.map(|uid| format!("uid={uid}")),
                flags,
                fetch.internal_date.map(|date| format!("date={date}")),
                fetch.size_bytes.map(|size| format!("size={size}")),
                fetch.mod_seq.map(|mod_seq| format!("modseq={mod_seq}")),
            ];
            items.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        Untagged::Search(result) => format!("search {}", result.uids),
        Untagged::Vanished(vanished) => format!("vanished {:?} {}", vanished.age, vanished.uids),
        Untagged::Status { condition, text } => {
            format!("{condition:?} {:?} {:?}", text.code, text.text)
        }
        Untagged::List(entry) => format!(
            "list ({}) {:?} {:?}",
            entry.attributes.join(" "),
            entry.delimiter.map(char::from),
            entry.name
        ),
        other @ (Untagged::Capability(_)
        | Untagged::Enabled(_)
        | Untagged::Id(_)
        | Untagged::Lsub(_)
        | Untagged::MailboxStatus(_)
        | Untagged::Esearch(_)
        | Untagged::Flags(_)
        | Untagged::Exists(_)
        | Untagged::Recent(_)
        | Untagged::Expunge(_)
        | Untagged::Unknown { .. }
        | Untagged::Malformed(_)) => format!("{other:?}"),
    }
}
