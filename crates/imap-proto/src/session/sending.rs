//! A command on its way out.

use std::collections::VecDeque;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut as _, BytesMut};
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::command::{Command, Part};
use crate::response::NonSyncLiterals;
use crate::sasl::{Mechanism, SaslError};
use crate::session::CommandHandle;

/// The command of which the parts are being sent.
pub(super) struct Sending {
    handle: CommandHandle,
    parts: VecDeque<Part>,
    state: State,
    answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first part comes next.
    Open,
    /// The announcement of the first part was written; the server must ask for it.
    Awaited,
    /// The first part, a literal, may be written.
    Granted,
    /// The driver writes the first part.
    Streaming { missing_bytes: u64 },
}

/// What must happen before more can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing: all is written.
    Nothing,
    /// The bytes written so far must go out, then the driver streams so many bytes.
    Announced { size_bytes: u64 },
    /// The driver must write the rest of the literal.
    Driver,
    /// The server must ask for the literal.
    Server,
}

/// What becomes of the rest of a command that is answered before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The server does not want it.
    Dropped,
    /// It was announced, so it must follow.
    Due,
}

impl Sending {
    /// Begins a command. With SASL-IR the initial response is part of its line.
    pub(super) fn new(
        handle: CommandHandle,
        command: Command,
        has_sasl_ir: bool,
    ) -> (Self, Option<Sasl>) {
        let mut parts: VecDeque<Part> = command.parts.into();
        parts.push_front(Part::Text(format!("{handle} ").into_bytes().into()));
        let sasl = command.mechanism.map(|mechanism| {
            let mut sasl = Sasl { mechanism, first: None, gave_up: None };
            sasl.first = sasl.mechanism.initial_response();
            if has_sasl_ir && let Some(first) = sasl.first.take() {
                parts.push_back(Part::Text(initial_response(&first)));
            }
            sasl
        });
        (Self { handle, parts, state: State::Open, answered: false }, sasl)
    }

    pub(super) fn handle(&self) -> CommandHandle {
        self.handle
    }

    /// Writes as much as possible.
    pub(super) fn write(&mut self, literals: NonSyncLiterals, line: &mut BytesMut) -> Wait {
        loop {
            let Some(part) = self.parts.front() else {
                line.put_slice(b"\r\n");
                return Wait::Nothing;
            };
            match (self.state, part) {
                (State::Streaming { .. }, _) => return Wait::Driver,
                (State::Awaited, _) => return Wait::Server,
                (_, Part::Text(bytes)) | (State::Granted, Part::Literal(bytes)) => {
                    line.put_slice(bytes.expose_secret());
                }
                (State::Open, Part::Literal(_) | Part::Stream { .. }) => {
                    let size_bytes = part.size_bytes();
                    if literals.allow(size_bytes) {
                        line.put_slice(format!("{{{size_bytes}+}}\r\n").as_bytes());
                        self.state = State::Granted;
                    } else if self.answered {
                        // Nobody will ask for it any more.
                        self.parts.clear();
                        return Wait::Nothing;
                    } else {
                        line.put_slice(format!("{{{size_bytes}}}\r\n").as_bytes());
                        self.state = State::Awaited;
                    }
                    continue;
                }
                (State::Granted, Part::Stream { size_bytes }) if *size_bytes > 0 => {
                    return Wait::Announced { size_bytes: *size_bytes };
                }
                (State::Granted, Part::Stream { .. }) => {}
            }
            self.parts.pop_front();
            self.state = State::Open;
        }
    }

    /// Takes note that the driver was told to stream the literal.
    pub(super) fn stream(&mut self) {
        if let Some(Part::Stream { size_bytes }) = self.parts.front() {
            self.state = State::Streaming { missing_bytes: *size_bytes };
        }
    }

    pub(super) fn literal_written(&mut self, written_bytes: u64) {
        let State::Streaming { missing_bytes } = &mut self.state else { return };
        *missing_bytes = missing_bytes.saturating_sub(written_bytes);
        if *missing_bytes == 0 {
            self.parts.pop_front();
            self.state = State::Open;
        }
    }

    /// Takes note of a continuation request; tells whether one was awaited.
    pub(super) fn go_on(&mut self) -> bool {
        let awaited = self.state == State::Awaited;
        if awaited {
            self.state = State::Granted;
        }
        awaited
    }

    /// Takes note that the server completed the command already.
    pub(super) fn is_answered(&mut self) -> Rest {
        self.answered = true;
        if self.state == State::Awaited { Rest::Dropped } else { Rest::Due }
    }

    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.state, State::Streaming { .. })
    }

    /// Tells whether only the line end is left.
    pub(super) fn is_all_but_sent(&self) -> bool {
        self.parts.is_empty()
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("handle", &self.handle)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// An AUTHENTICATE under way.
pub(super) struct Sasl {
    mechanism: Box<dyn Mechanism>,
    /// The initial response that the command could not carry.
    first: Option<SecretSlice<u8>>,
    /// Why the exchange was cancelled from here.
    pub(super) gave_up: Option<SaslError>,
}

impl Sasl {
    /// Answers a challenge in base64, or cancels with `*`.
    pub(super) fn answer(&mut self, challenge: &[u8], line: &mut BytesMut) {
        let answer = match self.first.take() {
            Some(first) => Ok(first),
            None => BASE64_STANDARD
                .decode(challenge)
                .map_err(|_| SaslError::NotBase64 { mechanism: self.mechanism.name() })
                .and_then(|challenge| self.mechanism.respond(&challenge)),
        };
        match answer {
            Ok(answer) => line.put_slice(encode(&answer).expose_secret()),
            Err(error) => {
                self.gave_up = Some(error);
                line.put_slice(b"*");
            }
        }
    }
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sasl").field("mechanism", &self.mechanism.name()).finish_non_exhaustive()
    }
}

/// Writes an initial response as the end of the command line; an empty one is `=` (RFC 4959 §3).
fn initial_response(first: &SecretSlice<u8>) -> SecretSlice<u8> {
    let encoded = encode(first);
    let encoded = encoded.expose_secret();
    let mut text = Vec::with_capacity(encoded.len() + 2);
    text.push(b' ');
    text.extend_from_slice(if encoded.is_empty() { b"=" } else { encoded });
    text.into()
}

fn encode(bytes: &SecretSlice<u8>) -> SecretSlice<u8> {
    BASE64_STANDARD.encode(bytes.expose_secret()).into_bytes().into()
}
