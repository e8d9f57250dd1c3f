//! One connection's state: what was sent, what is awaited, what the server said about itself.

mod deadline;
mod event;
mod order;
mod routing;
mod selected;
mod sending;

pub use deadline::Deadlines;
pub use event::{Awaited, CommandHandle, Event, Greeting, Lost, Outcome, Output, SessionError};
pub use selected::{Access, Selected};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memchr;

use crate::command::{Command, CommandKind};
use crate::response::{
    Capabilities, Code, Condition, NonSyncLiterals, Response, StatusText, Tagged, Untagged,
    UntaggedCondition,
};
use crate::scanner::Scanner;

use sending::{Sending, Wait};

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long to wait for what.
    pub deadlines: Deadlines,
    /// How many commands may be under way at once.
    pub window: NonZeroUsize,
}

impl Default for Settings {
    /// Waits a minute for everything and keeps at most 50 commands under way.
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            window: NonZeroUsize::new(50).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The state machine of one IMAP connection.
///
/// The driver's loop:
///
/// 1. Send everything that [`Session::poll_output`] gives, until it gives `None`.
/// 2. Wait for bytes, for the end of the stream, or for [`Session::poll_timeout`], and report it:
///    [`Session::handle_input`], [`Session::handle_eof`], [`Session::handle_timeout`].
/// 3. Take all events from [`Session::poll_event`].
///
/// Reading must not wait for writing: a server may stop reading until its answers are taken. After
/// an error of any `handle_` method, or [`Event::Closed`], the session is over; every command still
/// open has been completed as [`Outcome::Lost`].
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    scanner: Scanner,
    phase: Phase,
    events: VecDeque<Event>,
    last_number: u64,
    queued: VecDeque<(CommandHandle, Command)>,
    sending: Option<Sending>,
    in_flight: BTreeMap<CommandHandle, InFlight>,
    /// Bytes that answer a challenge; they go before everything else.
    reply: Bytes,
    capabilities: Option<Capabilities>,
    /// Whether `capabilities` was said after the login in flight was sent.
    capabilities_are_fresh: bool,
    enabled: BTreeSet<String>,
    selected: Option<Selected>,
    bye: Option<StatusText>,
    /// What came behind the answer to COMPRESS: the beginning of the compressed stream.
    compressed: Bytes,
    last_progress: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The greeting is awaited.
    Greeting,
    /// Commands flow.
    Running,
    /// STARTTLS was accepted; the handshake is the driver's.
    Handshake,
    /// COMPRESS was accepted; what follows is for the driver to inflate.
    Compression,
    /// The server said BYE; only reading goes on.
    Bye,
    /// Over.
    Closed,
}

/// A command of which at least the beginning was sent.
#[derive(Debug)]
struct InFlight {
    kind: CommandKind,
    /// Whether all that makes it a command was given to the driver.
    is_sent: bool,
    /// What the answer to an Open has said so far.
    opened: Option<Selected>,
    sasl: Option<sending::Sasl>,
}

/// How long a server may take to close the connection after its BYE.
const BYE_GRACE: Duration = Duration::from_secs(5);

impl Session {
    /// Begins with a connection that is just open; the greeting is awaited from `now` on.
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            scanner: Scanner::new(),
            phase: Phase::Greeting,
            events: VecDeque::new(),
            last_number: 0,
            queued: VecDeque::new(),
            sending: None,
            in_flight: BTreeMap::new(),
            reply: Bytes::new(),
            capabilities: None,
            capabilities_are_fresh: false,
            enabled: BTreeSet::new(),
            selected: None,
            bye: None,
            compressed: Bytes::new(),
            last_progress: now,
        }
    }

    /// Queues a command. It is sent as soon as the order of the protocol and the window allow;
    /// until then it costs only memory. Commands are begun in the order of submission.
    ///
    /// Every submitted command ends in exactly one [`Event::Completed`].
    pub fn submit(&mut self, command: Command) -> CommandHandle {
        self.last_number += 1;
        let handle = CommandHandle::new(self.last_number);
        if self.phase == Phase::Closed {
            let outcome = Outcome::Lost(Lost::NotSent);
            self.events.push_back(Event::Completed { handle, outcome });
        } else {
            self.queued.push_back((handle, command));
        }
        handle
    }

    /// Takes bytes from the server. Bodies are passed on as slices of `input`.
    ///
    /// # Errors
    ///
    /// Fails if the stream cannot be understood any more; the connection must be closed.
    pub fn handle_input(&mut self, input: &Bytes, now: Instant) -> Result<(), SessionError> {
        if input.is_empty() {
            return Ok(());
        }
        if self.phase == Phase::Closed {
            return Err(SessionError::Closed);
        }
        // Where the stream may change, line by line: what follows the answer is no IMAP yet.
        let mut rest = input.clone();
        while !rest.is_empty() {
            if self.phase == Phase::Compression {
                self.compressed = join(&self.compressed, &rest);
                break;
            }
            let line_end = memchr(b'\n', &rest).filter(|_| self.may_compress());
            let piece = rest.split_to(line_end.map_or(rest.len(), |line_feed| line_feed + 1));
            self.scan(&piece, now)?;
        }
        Ok(())
    }

    fn may_compress(&self) -> bool {
        self.in_flight.values().any(|command| command.kind == CommandKind::Compress)
    }

    fn scan(&mut self, input: &Bytes, now: Instant) -> Result<(), SessionError> {
        let mut scanner = std::mem::take(&mut self.scanner);
        let was_within_literal = scanner.is_within_literal();
        let mut failure = None;
        let scanned = scanner.scan(input, &mut |response| {
            if failure.is_none() {
                failure = self.handle_response(response, now).err();
            }
        });
        if was_within_literal || scanner.is_within_literal() {
            self.last_progress = now;
        }
        if self.phase == Phase::Handshake && !scanner.is_between_responses() {
            failure.get_or_insert(SessionError::DataBehindStartTls);
        }
        self.scanner = scanner;
        let result = failure.map_or(Ok(()), Err).and_then(|()| Ok(scanned?));
        if result.is_err() {
            self.close();
        }
        result
    }

    /// Takes note that the server closed the stream, in whatever way. All open commands are lost.
    pub fn handle_eof(&mut self) {
        self.close();
    }

    /// Checks the deadline.
    ///
    /// # Errors
    ///
    /// Fails with [`SessionError::TimedOut`] if it has passed; the connection must be closed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let Some((deadline, awaited)) = self.deadline() else { return Ok(()) };
        if now < deadline {
            return Ok(());
        }
        let said_bye = self.phase == Phase::Bye;
        self.close();
        if said_bye { Ok(()) } else { Err(SessionError::TimedOut { awaited }) }
    }

    /// Returns when [`Session::handle_timeout`] must be called, if nothing happens before. `None`
    /// while nothing is awaited. It changes with every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline().map(|(deadline, _)| deadline)
    }

    /// Returns the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns the next thing to send, several commands at once where possible. `None` if there is
    /// nothing to send now, or if the driver has not yet written the literal it was asked for.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        if self.phase != Phase::Running {
            // The rest of an announced literal is not worth sending after a BYE.
            return None;
        }
        if !self.reply.is_empty() {
            self.last_progress = now;
            return Some(Output::Bytes(std::mem::take(&mut self.reply)));
        }
        let literals = self.literals();
        let mut line = BytesMut::new();
        loop {
            let Some(sending) = &mut self.sending else {
                if !self.begin_next(now) {
                    break;
                }
                continue;
            };
            let handle = sending.handle();
            match sending.write(literals, &mut line) {
                Wait::Nothing => {
                    if let Some(command) = self.in_flight.get_mut(&handle) {
                        command.is_sent = true;
                    }
                    self.sending = None;
                }
                Wait::Announced { size_bytes } if line.is_empty() => {
                    sending.stream();
                    return Some(Output::Literal { handle, size_bytes });
                }
                Wait::Announced { .. } | Wait::Driver | Wait::Server => break,
            }
        }
        if line.is_empty() { None } else { Some(Output::Bytes(line.freeze())) }
    }

    /// Takes note that the driver wrote so many more bytes of the literal that
    /// [`Output::Literal`] asked for. When all are reported, output goes on.
    pub fn literal_written(&mut self, written_bytes: u64, now: Instant) {
        self.last_progress = now;
        let Some(sending) = &mut self.sending else { return };
        sending.literal_written(written_bytes);
        if sending.is_all_but_sent()
            && let Some(command) = self.in_flight.get_mut(&sending.handle())
        {
            command.is_sent = true;
        }
    }

    /// Takes note that TLS is established after STARTTLS: what the server said before is
    /// forgotten (RFC 9051 §6.2.1).
    pub fn tls_established(&mut self, now: Instant) {
        if self.phase == Phase::Handshake {
            self.phase = Phase::Running;
            self.capabilities = None;
            self.last_progress = now;
        }
    }

    /// Takes note that from now on everything is deflated on its way out and inflated on its way
    /// in (RFC 4978 §3), and returns what has come of the server's compressed stream already.
    pub fn compression_established(&mut self, now: Instant) -> Bytes {
        if self.phase == Phase::Compression {
            self.phase = Phase::Running;
            self.last_progress = now;
        }
        std::mem::take(&mut self.compressed)
    }

    /// Returns what the server can do, as far as it said since the last login or TLS handshake.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Tells whether the server confirmed that the extension is on (RFC 5161).
    pub fn is_enabled(&self, extension: &str) -> bool {
        self.enabled.contains(&extension.to_ascii_uppercase())
    }

    /// Returns the view of the selected mailbox.
    pub fn selected(&self) -> Option<&Selected> {
        self.selected.as_ref()
    }

    /// Tells whether one more command would be within the window: a driver with much to do
    /// submits while this holds.
    pub fn has_room(&self) -> bool {
        self.open_commands() < self.settings.window.get()
    }

    /// Counts the commands that are submitted and not completed.
    pub fn open_commands(&self) -> usize {
        self.queued.len() + self.in_flight.len()
    }

    fn literals(&self) -> NonSyncLiterals {
        self.capabilities.as_ref().map_or(NonSyncLiterals::None, Capabilities::literals)
    }

    /// Moves the first queued command into `sending` if it may be begun.
    fn begin_next(&mut self, now: Instant) -> bool {
        let Some((_, command)) = self.queued.front() else { return false };
        let others = || self.in_flight.values().map(|other| &other.kind);
        if self.in_flight.len() >= self.settings.window.get()
            || !order::may_begin(command.kind(), others)
        {
            return false;
        }
        let Some((handle, command)) = self.queued.pop_front() else { return false };
        if self.in_flight.is_empty() {
            self.last_progress = now;
        }
        let mut opened = None;
        if let CommandKind::Open { mailbox, mode } = &command.kind {
            self.selected = None;
            opened = Some(Selected::new(mailbox.clone(), *mode));
        }
        if matches!(command.kind, CommandKind::Login | CommandKind::Authenticate) {
            self.capabilities_are_fresh = false;
        }
        let kind = command.kind.clone();
        let has_sasl_ir = self.capabilities.as_ref().is_some_and(|own| own.has("SASL-IR"));
        let (sending, sasl) = Sending::new(handle, command, has_sasl_ir);
        self.sending = Some(sending);
        self.in_flight.insert(handle, InFlight { kind, is_sent: false, opened, sasl });
        true
    }

    fn handle_response(&mut self, response: Response, now: Instant) -> Result<(), SessionError> {
        self.last_progress = now;
        match self.phase {
            Phase::Greeting => return self.handle_greeting(response),
            Phase::Handshake => return Err(SessionError::DataBehindStartTls),
            Phase::Running | Phase::Compression | Phase::Bye | Phase::Closed => {}
        }
        match response {
            Response::Tagged(tagged) => self.handle_tagged(tagged)?,
            Response::Continuation(text) => self.handle_continuation(&text)?,
            Response::Untagged(data) => self.handle_untagged(data),
            Response::BodyStart(start) => {
                let handle = routing::body_handle(&self.in_flight, start.uid);
                self.events.push_back(Event::BodyStart { handle, start });
            }
            Response::BodyChunk(chunk) => self.events.push_back(Event::BodyChunk(chunk)),
            Response::BodyEnd => self.events.push_back(Event::BodyEnd),
        }
        Ok(())
    }

    fn handle_greeting(&mut self, response: Response) -> Result<(), SessionError> {
        let Response::Untagged(Untagged::Status { condition, text }) = response else {
            return Err(SessionError::NoGreeting);
        };
        // Courier may say `* OK [ALERT]` before `* PREAUTH`: the first is taken as the greeting, so
        // that a server which says OK alone is not waited for; the second corrects it.
        let greeting = match condition {
            UntaggedCondition::Ok => Greeting::LoginNeeded,
            UntaggedCondition::PreAuth => Greeting::PreAuthenticated,
            UntaggedCondition::Bye => {
                self.handle_untagged(Untagged::Status { condition, text });
                return Ok(());
            }
            UntaggedCondition::No | UntaggedCondition::Bad => {
                return Err(SessionError::NoGreeting);
            }
        };
        self.phase = Phase::Running;
        self.note_code(text.code.as_ref());
        self.events.push_back(Event::Greeting(greeting));
        if text.code == Some(Code::Alert) {
            let data = Untagged::Status { condition, text };
            self.events.push_back(Event::Untagged { handle: None, data });
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "other commands change nothing here")]
    fn handle_tagged(&mut self, tagged: Tagged) -> Result<(), SessionError> {
        let handle = CommandHandle::from_tag(&tagged.tag);
        let Some((handle, mut command)) = handle.and_then(|h| self.in_flight.remove_entry(&h))
        else {
            let start = tagged.tag.get(..tagged.tag.len().min(32)).unwrap_or_default();
            return Err(SessionError::UnknownTag { tag: start.escape_ascii().to_string() });
        };
        if self.sending.as_mut().is_some_and(|sending| {
            sending.handle() == handle && sending.is_answered() == sending::Rest::Dropped
        }) {
            self.sending = None;
        }
        let is_ok = tagged.condition == Condition::Ok;
        self.note_code(tagged.text.code.as_ref());
        match &command.kind {
            CommandKind::Login | CommandKind::Authenticate
                if is_ok && !self.capabilities_are_fresh =>
            {
                self.capabilities = None;
            }
            CommandKind::StartTls if is_ok => self.phase = Phase::Handshake,
            CommandKind::Compress if is_ok => self.phase = Phase::Compression,
            CommandKind::Open { .. } => {
                self.selected = command.opened.take().filter(|_| is_ok).map(|mut opened| {
                    opened.note_code(tagged.text.code.as_ref());
                    opened
                });
            }
            CommandKind::Shut if is_ok => self.selected = None,
            _ => {}
        }
        let gave_up = command.sasl.and_then(|sasl| sasl.gave_up);
        let outcome = match (tagged.condition, gave_up) {
            (Condition::Ok, _) => Outcome::Ok(tagged.text),
            (_, Some(error)) => Outcome::Cancelled(error),
            (Condition::No, None) => Outcome::No(tagged.text),
            (Condition::Bad, None) => Outcome::Bad(tagged.text),
        };
        self.events.push_back(Event::Completed { handle, outcome });
        Ok(())
    }

    fn handle_continuation(&mut self, text: &[u8]) -> Result<(), SessionError> {
        if let Some(sending) = &mut self.sending
            && sending.go_on()
        {
            return Ok(());
        }
        let sasl = self.in_flight.values_mut().find_map(|command| command.sasl.as_mut());
        let Some(sasl) = sasl else {
            return Err(SessionError::UnexpectedContinuation);
        };
        let mut line = BytesMut::new();
        sasl.answer(text, &mut line);
        line.put_slice(b"\r\n");
        self.reply = line.freeze();
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "other data changes nothing here")]
    fn handle_untagged(&mut self, data: Untagged) {
        let handle = routing::handle_of(&self.in_flight, &data);
        let view = self
            .in_flight
            .values_mut()
            .find_map(|command| command.opened.as_mut())
            .or(self.selected.as_mut());
        if let Some(view) = view {
            view.note(&data);
        }
        match &data {
            Untagged::Status { condition, text } => {
                if *condition == UntaggedCondition::Bye {
                    self.bye = Some(text.clone());
                    self.phase = Phase::Bye;
                    return;
                }
                let code = text.code.clone();
                self.note_code(code.as_ref());
                if *condition == UntaggedCondition::PreAuth {
                    self.events.push_back(Event::Greeting(Greeting::PreAuthenticated));
                    return;
                }
            }
            Untagged::Capability(capabilities) => self.note_capabilities(capabilities),
            Untagged::Enabled(names) => self.enabled.extend(names.iter().cloned()),
            _ => {}
        }
        self.events.push_back(Event::Untagged { handle, data });
    }

    fn note_code(&mut self, code: Option<&Code>) {
        if let Some(Code::Capability(capabilities)) = code {
            self.note_capabilities(capabilities);
        }
    }

    fn note_capabilities(&mut self, capabilities: &Capabilities) {
        self.capabilities = Some(capabilities.clone());
        self.capabilities_are_fresh = true;
    }

    fn deadline(&self) -> Option<(Instant, Awaited)> {
        let Deadlines { greeting, command, stalled_literal } = self.settings.deadlines;
        let streams = self.sending.as_ref().is_some_and(Sending::is_streaming);
        let (wait, awaited) = match self.phase {
            Phase::Greeting => (greeting, Awaited::Greeting),
            Phase::Bye => (BYE_GRACE, Awaited::Answer),
            Phase::Running if streams || self.scanner.is_within_literal() => {
                (stalled_literal, Awaited::Literal)
            }
            Phase::Running if !self.in_flight.is_empty() => (command, Awaited::Answer),
            Phase::Running | Phase::Closed | Phase::Handshake | Phase::Compression => return None,
        };
        Some((self.last_progress.checked_add(wait)?, awaited))
    }

    fn close(&mut self) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.sending = None;
        self.selected = None;
        self.reply = Bytes::new();
        for (handle, command) in std::mem::take(&mut self.in_flight) {
            let lost = if command.is_sent { Lost::Unknown } else { Lost::NotSent };
            let outcome = Outcome::Lost(lost);
            self.events.push_back(Event::Completed { handle, outcome });
        }
        for (handle, _) in std::mem::take(&mut self.queued) {
            let outcome = Outcome::Lost(Lost::NotSent);
            self.events.push_back(Event::Completed { handle, outcome });
        }
        self.events.push_back(Event::Closed { bye: self.bye.take() });
    }
}

fn join(first: &Bytes, second: &Bytes) -> Bytes {
    if first.is_empty() { second.clone() } else { [&**first, &**second].concat().into() }
}
