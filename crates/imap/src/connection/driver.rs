//! The task that owns a connection's stream and its session.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};
use offlineimap_imap_proto::command::{Command, CommandKind};
use offlineimap_imap_proto::response::{Code, StatusText, Untagged};
use offlineimap_imap_proto::session::{CommandHandle, Event, Outcome, Output, Session};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use crate::connection::Shared;
use crate::connection::clock::{Pace, PatientClock};
use crate::connection::conversation::{Batch, Happening, Ticket};

/// What a handle asks of its task.
#[derive(Debug)]
pub(super) enum Request {
    /// From now on all that the server says goes to this listener.
    Converse { listener: mpsc::Sender<Batch> },
    /// A command of the present conversation.
    Submit { command: Box<Command>, ticket: Ticket },
    /// An APPEND with the octets of its message.
    Upload { command: Box<Command>, source: mpsc::Receiver<Bytes>, done: oneshot::Sender<Outcome> },
}

/// Reads and writes at once, because a peer that only writes would wait for us for ever; and never
/// holds more than a few reads of what nobody has taken yet.
pub(super) struct Driver<S> {
    session: Session,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    requests: mpsc::UnboundedReceiver<Request>,
    shared: Arc<Shared>,
    input: BytesMut,
    output: BytesMut,
    unflushed: Unflushed,
    commands: HashMap<CommandHandle, Waiting>,
    uploads: HashMap<CommandHandle, mpsc::Receiver<Bytes>>,
    /// Uploads whose fate is unknown, until the reason is known.
    lost_uploads: Vec<oneshot::Sender<Outcome>>,
    literal: Option<Literal>,
    listener: Option<mpsc::Sender<Batch>>,
    undelivered: Batch,
    clock: PatientClock,
}

/// Who waits for the completion of a command.
enum Waiting {
    Conversation { ticket: Ticket, opens: Opens },
    Upload(oneshot::Sender<Outcome>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    Mailbox,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unflushed {
    Some,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Handle {
    Held,
    Dropped,
}

/// The literal that is being sent.
struct Literal {
    remaining_bytes: u64,
    source: mpsc::Receiver<Bytes>,
}

/// Why the task ends, in words for the user.
type End = String;

impl<S: AsyncRead + AsyncWrite> Driver<S> {
    pub(super) fn new(
        session: Session,
        stream: S,
        requests: mpsc::UnboundedReceiver<Request>,
        shared: Arc<Shared>,
    ) -> Self {
        let (reader, writer) = split(stream);
        Self {
            session,
            reader,
            writer,
            requests,
            shared,
            input: BytesMut::new(),
            output: BytesMut::new(),
            unflushed: Unflushed::Nothing,
            commands: HashMap::new(),
            uploads: HashMap::new(),
            lost_uploads: Vec::new(),
            literal: None,
            listener: None,
            undelivered: Vec::new(),
            clock: PatientClock::default(),
        }
    }

    /// Serves until the connection ends, in whatever way. Everybody who waits is answered.
    pub(super) async fn run(mut self) {
        let mut why = match self.serve().await {
            Ok(()) => "it was closed".to_owned(),
            Err(why) => why,
        };
        self.requests.close();
        self.session.handle_eof();
        while let Some(event) = self.session.poll_event() {
            if let Event::Closed { bye: Some(bye) } = event {
                why = farewell(Some(bye));
            } else {
                self.take_event(event);
            }
        }
        // Whoever learns of the end can ask why.
        self.shared.end(why);
        self.lost_uploads.clear();
        if let Some(listener) = self.listener.take()
            && !self.undelivered.is_empty()
        {
            // A listener that no longer listens needs no answer, and who closes waits for nobody.
            tokio::select! {
                () = self.shared.close.cancelled() => {}
                _ = listener.send(std::mem::take(&mut self.undelivered)) => {}
            }
        }
    }

    /// Returns when the handle is gone and nothing is under way any more.
    async fn serve(&mut self) -> Result<(), End> {
        let mut handle = Handle::Held;
        loop {
            while let Some(event) = self.session.poll_event() {
                if let Event::Closed { bye } = event {
                    return Err(farewell(bye));
                }
                self.take_event(event);
            }
            if handle == Handle::Dropped && self.commands.is_empty() {
                return Ok(());
            }
            self.fill_output()?;
            self.deliver();
            let held_up = !self.undelivered.is_empty();
            let starved = self.literal.is_some() && self.output.is_empty();
            let real = Instant::now();
            self.clock.set(if held_up || starved { Pace::Standing } else { Pace::Running }, real);
            let deadline = match self.session.poll_timeout() {
                Some(moment) if !held_up && !starved => Some(self.clock.real(moment)),
                _ => None,
            };
            if self.input.capacity() - self.input.len() < READ_BYTES / 4 {
                self.input.reserve(READ_BYTES);
            }
            let writable = !self.output.is_empty() || self.unflushed == Unflushed::Some;
            let room = self.output.len() < WRITE_BYTES;
            let listener = self.listener.clone().filter(|_| held_up);
            let timer = pin!(sleep_until(deadline.unwrap_or(real).into()));

            tokio::select! {
                () = self.shared.close.cancelled() => return Ok(()),
                request = self.requests.recv(), if handle == Handle::Held => match request {
                    Some(request) => self.take_request(request),
                    None => handle = Handle::Dropped,
                },
                permit = reserve(listener.as_ref()), if held_up => {
                    let batch = std::mem::take(&mut self.undelivered);
                    match permit {
                        Some(permit) => permit.send(batch),
                        None => self.listener = None,
                    }
                }
                read = self.reader.read_buf(&mut self.input), if !held_up => self.take_input(read)?,
                wrote = write_some(&mut self.writer, &mut self.output), if writable => {
                    self.unflushed = wrote.map_err(|error| format!("cannot send: {error}"))?;
                    if self.unflushed == Unflushed::Some {
                        // On a slow line what is buffered takes long: it is under way all the same.
                        self.session.literal_written(0, self.clock.now(Instant::now()));
                    }
                }
                chunk = next_chunk(self.literal.as_mut()), if self.literal.is_some() && room => {
                    self.take_chunk(chunk)?;
                }
                () = timer, if deadline.is_some() => {
                    let now = self.clock.now(Instant::now());
                    self.session.handle_timeout(now).map_err(|error| error.to_string())?;
                }
            }
        }
    }

    fn take_request(&mut self, request: Request) {
        match request {
            Request::Converse { listener } => {
                self.listener = Some(listener);
                self.undelivered.clear();
            }
            Request::Submit { command, ticket } => {
                let is_open = matches!(command.kind(), CommandKind::Open { .. });
                let opens = if is_open { Opens::Mailbox } else { Opens::Nothing };
                let handle = self.session.submit(*command);
                self.commands.insert(handle, Waiting::Conversation { ticket, opens });
            }
            Request::Upload { command, source, done } => {
                let handle = self.session.submit(*command);
                self.commands.insert(handle, Waiting::Upload(done));
                self.uploads.insert(handle, source);
            }
        }
    }

    fn take_input(&mut self, read: io::Result<usize>) -> Result<(), End> {
        match read {
            Ok(0) => {
                self.session.handle_eof();
                Ok(())
            }
            Ok(_) => {
                let bytes = self.input.split().freeze();
                let now = self.clock.now(Instant::now());
                self.session.handle_input(&bytes, now).map_err(|error| error.to_string())
            }
            Err(error) => Err(format!("cannot receive: {error}")),
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Completed { handle, outcome } => self.complete(handle, outcome),
            Event::BodyStart { handle, start } => {
                let ticket = handle.and_then(|handle| match self.commands.get(&handle) {
                    Some(Waiting::Conversation { ticket, .. }) => Some(*ticket),
                    Some(Waiting::Upload(_)) | None => None,
                });
                self.tell(Happening::BodyStart { ticket, start });
            }
            Event::BodyChunk(bytes) => self.tell(Happening::BodyChunk(bytes)),
            Event::BodyEnd => self.tell(Happening::BodyEnd),
            Event::Untagged { data, .. } => {
                if let Untagged::Status {
                    text: StatusText { code: Some(Code::Alert), text }, ..
                } = &data
                {
                    tracing::warn!("{} says: {text}", self.shared.server);
                }
                self.tell(Happening::Untagged(data));
            }
            Event::Greeting(_) | Event::Closed { .. } => {}
        }
    }

    fn complete(&mut self, handle: CommandHandle, outcome: Outcome) {
        match self.commands.remove(&handle) {
            Some(Waiting::Conversation { ticket, opens }) => {
                let selected = match opens {
                    Opens::Mailbox if matches!(outcome, Outcome::Ok(_)) => {
                        self.session.selected().cloned().map(Box::new)
                    }
                    Opens::Mailbox | Opens::Nothing => None,
                };
                self.tell(Happening::Completed { ticket, outcome, selected });
            }
            Some(Waiting::Upload(done)) => {
                // Refused before the literal was asked for: nobody needs its octets any more.
                drop(self.uploads.remove(&handle));
                if matches!(outcome, Outcome::Lost(_)) {
                    self.lost_uploads.push(done);
                } else {
                    // Who dropped the answer does not want it.
                    drop(done.send(outcome));
                }
            }
            None => {}
        }
    }

    fn tell(&mut self, happening: Happening) {
        if self.listener.is_some() {
            self.undelivered.push(happening);
        }
    }

    fn deliver(&mut self) {
        if self.undelivered.is_empty() {
            return;
        }
        let Some(listener) = &self.listener else {
            self.undelivered.clear();
            return;
        };
        match listener.try_send(std::mem::take(&mut self.undelivered)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(batch)) => self.undelivered = batch,
            Err(mpsc::error::TrySendError::Closed(_)) => self.listener = None,
        }
    }

    /// Takes from the session what is to be sent, up to the next literal.
    fn fill_output(&mut self) -> Result<(), End> {
        while self.literal.is_none() && self.output.len() < WRITE_BYTES {
            let now = self.clock.now(Instant::now());
            match self.session.poll_output(now) {
                None => break,
                Some(Output::Bytes(bytes)) => self.output.extend_from_slice(&bytes),
                Some(Output::Literal { handle, size_bytes }) => {
                    let source = self.uploads.remove(&handle);
                    let source = source.ok_or("message to be sent is gone")?;
                    self.literal = Some(Literal { remaining_bytes: size_bytes, source });
                }
            }
        }
        Ok(())
    }

    fn take_chunk(&mut self, chunk: Option<Bytes>) -> Result<(), End> {
        let Some(literal) = &mut self.literal else { return Ok(()) };
        let chunk = chunk.ok_or("message to be sent ended early")?;
        let size_bytes = chunk.len() as u64;
        literal.remaining_bytes = literal
            .remaining_bytes
            .checked_sub(size_bytes)
            .ok_or("message to be sent is longer than announced")?;
        self.output.extend_from_slice(&chunk);
        // Whatever we waited for the chunk does not count against the server.
        self.clock.set(Pace::Running, Instant::now());
        let now = self.clock.now(Instant::now());
        self.session.literal_written(size_bytes, now);
        if literal.remaining_bytes == 0 {
            self.literal = None;
        }
        Ok(())
    }
}

fn farewell(bye: Option<StatusText>) -> End {
    match bye {
        Some(StatusText { text, .. }) if !text.is_empty() => format!("server said BYE {text}"),
        Some(_) => "server said BYE".to_owned(),
        None => "server closed the connection".to_owned(),
    }
}

async fn reserve(listener: Option<&mpsc::Sender<Batch>>) -> Option<mpsc::Permit<'_, Batch>> {
    listener?.reserve().await.ok()
}

async fn next_chunk(literal: Option<&mut Literal>) -> Option<Bytes> {
    literal?.source.recv().await
}

/// Writes once, or flushes if all is written. Losing the race to another branch loses nothing.
async fn write_some(
    writer: &mut WriteHalf<impl AsyncWrite>,
    output: &mut BytesMut,
) -> io::Result<Unflushed> {
    if output.is_empty() {
        writer.flush().await?;
        return Ok(Unflushed::Nothing);
    }
    match writer.write(output).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => {
            output.advance(written);
            Ok(Unflushed::Some)
        }
    }
}

/// The most that is read at once.
const READ_BYTES: usize = 64 * 1024;

/// No more octets are taken from an upload while so many wait to be sent.
const WRITE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
