//! One conversation: reads commands, applies scripted faults, answers.

mod authentication;
mod change;
mod fetch;
mod idle;
mod mailboxes;
mod search;
mod select;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::command::{
    Arg, LiteralHead, LiteralKind, Segment, Synchronisation, parse, split_literal_head,
};
use super::fault::Misbehaviour;
use super::features::{Capability, Quirk};
use super::log::{Observed, verb_of};
use super::wire::{Cut, End, Wire};
use super::{Security, Shared};
use select::Selected;

/// The whole life of a connection.
pub(super) async fn run(stream: TcpStream, shared: Arc<Shared>, connection: u64) {
    let mut session = Session {
        wire: Wire::new(stream),
        shared,
        connection,
        phase: Phase::NotAuthenticated,
        modseqs: ModSeqs::Untold,
        next: Next::Command,
    };
    let cut = match session.converse().await {
        Ok(()) | Err(End::Closed) => Cut::Close,
        Err(End::Scripted(cut)) => cut,
        Err(End::Broken) => Cut::Reset,
    };
    session.wire.end(cut).await;
}

struct Session {
    wire: Wire,
    shared: Arc<Shared>,
    connection: u64,
    phase: Phase,
    modseqs: ModSeqs,
    next: Next,
}

/// Whether the client has asked for mod-sequences (RFC 7162 §3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum ModSeqs {
    Told,
    Untold,
}

/// What follows the tagged answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    TlsHandshake,
    Compression,
}

enum Phase {
    NotAuthenticated,
    Authenticated,
    Selected(Selected),
    Logout,
}

/// The tagged answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Completion {
    Ok(String),
    No(String),
    Bad(String),
}

/// A command with its literals.
struct Command {
    tag: String,
    line: String,
    segments: Vec<Segment>,
    literal_kind: LiteralKind,
    fault: Option<Misbehaviour>,
}

/// What reading a command gave.
enum Read {
    Command(Command),
    /// It was answered before it was complete.
    Refused,
}

/// Of messages gone, an answer may not always tell (RFC 9051 §7.5.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expunges {
    Told,
    Withheld,
}

/// A connection in the clear must not be kept open for ever by a test that forgot it.
const SILENCE_LIMIT: Duration = Duration::from_mins(30);

impl Completion {
    fn ok(text: &str) -> Self {
        Self::Ok(text.to_owned())
    }

    fn no(text: &str) -> Self {
        Self::No(text.to_owned())
    }

    fn bad(text: &str) -> Self {
        Self::Bad(text.to_owned())
    }
}

impl Session {
    async fn converse(&mut self) -> Result<(), End> {
        if self.shared.config.security == Security::ImplicitTls {
            self.start_tls().await?;
        }
        self.greet().await?;
        while !matches!(self.phase, Phase::Logout) {
            let read = tokio::time::timeout(SILENCE_LIMIT, self.read_command());
            match read.await.unwrap_or(Err(End::Closed))? {
                Read::Command(command) => self.handle(command).await?,
                Read::Refused => {}
            }
            self.wire.flush().await?;
            match std::mem::replace(&mut self.next, Next::Command) {
                Next::Command => {}
                Next::TlsHandshake => self.start_tls().await?,
                Next::Compression => self.wire.start_compression()?,
            }
        }
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        let certificate = self.shared.config.certificate.as_ref().ok_or(End::Broken)?;
        let config = certificate.server_config();
        self.wire.start_tls(config).await
    }

    async fn greet(&mut self) -> Result<(), End> {
        match self.shared.faults.for_connection() {
            Some(Misbehaviour::Bye(text)) => {
                self.wire.put_line(format!("* BYE {text}"));
                self.wire.flush().await?;
                return Err(End::Closed);
            }
            Some(Misbehaviour::Cut(cut) | Misbehaviour::ExecuteThenCut(cut)) => {
                return Err(End::Scripted(cut));
            }
            Some(Misbehaviour::CutAfterBytes(limit, cut)) => self.wire.cut_after(limit, cut),
            Some(Misbehaviour::Hang | Misbehaviour::ExecuteThenHang) => return self.hang().await,
            Some(Misbehaviour::Raw(answer)) => {
                self.wire.put(answer);
                return self.wire.flush().await;
            }
            Some(Misbehaviour::Untagged(line)) => self.wire.put_line(line),
            Some(
                Misbehaviour::No(_)
                | Misbehaviour::Bad(_)
                | Misbehaviour::Empty
                | Misbehaviour::ExecuteThenNo(_)
                | Misbehaviour::RefuseLiteral(_)
                | Misbehaviour::CutInLiteral(..),
            )
            | None => {}
        }
        let capabilities = if self.shared.config.has(Quirk::SilentGreeting) {
            String::new()
        } else {
            format!("[CAPABILITY {}] ", self.capabilities())
        };
        let condition = if self.shared.config.has(Quirk::Preauth) {
            self.phase = Phase::Authenticated;
            "PREAUTH"
        } else {
            "OK"
        };
        self.wire.put_line(format!("* {condition} {capabilities}ready"));
        self.wire.flush().await
    }

    async fn hang(&mut self) -> Result<(), End> {
        self.wire.read_to_end().await;
        Err(End::Closed)
    }

    /// Reads a command up to its end, with its literals; logs what has arrived of it.
    async fn read_command(&mut self) -> Result<Read, End> {
        let line = self.wire.read_line().await?;
        let space = line.iter().position(|&octet| octet == b' ');
        let (tag, rest) = match space {
            Some(at) => (line.slice(..at), line.slice(at + 1..)),
            None => (line.clone(), Bytes::new()),
        };
        let tag = String::from_utf8_lossy(&tag).into_owned();
        if tag.is_empty() || rest.is_empty() || tag.contains(['+', '*', '(', ')', '{', '"', '%']) {
            self.log(String::from_utf8_lossy(&line).into_owned());
            self.wire.put_line("* BAD no command");
            return Ok(Read::Refused);
        }
        let mut shown = String::from_utf8_lossy(&rest).into_owned();
        let fault = self.shared.faults.for_command(&shown);
        let mut command = Command {
            tag,
            line: String::new(),
            segments: Vec::new(),
            literal_kind: LiteralKind::Ordinary,
            fault,
        };
        let result = self.read_literals(rest, &mut command, &mut shown).await;
        self.log(shown.clone());
        command.line = shown;
        Ok(if result? { Read::Command(command) } else { Read::Refused })
    }

    fn log(&self, line: String) {
        let selected = match &self.phase {
            Phase::Selected(selected) => Some(selected.name.clone()),
            Phase::NotAuthenticated | Phase::Authenticated | Phase::Logout => None,
        };
        let tls = self.wire.is_tls();
        self.shared.log.push(Observed { connection: self.connection, line, selected, tls });
    }

    /// Reads what follows the first line. False if the command was refused on the way.
    async fn read_literals(
        &mut self,
        first: Bytes,
        command: &mut Command,
        shown: &mut String,
    ) -> Result<bool, End> {
        let mut line = first;
        loop {
            let (text, head) = split_literal_head(&line);
            let Some(head) = head else {
                command.segments.push(Segment { line: text, literal: None });
                return Ok(true);
            };
            command.segments.push(Segment { line: text, literal: None });
            if let Some(refusal) = self.literal_refusal(head, command) {
                if head.sync == Synchronisation::Immediate {
                    // The client sends the rest of the command whatever we answer.
                    self.wire.read_exactly(head.len).await?;
                    drop(self.wire.read_line().await?);
                }
                self.complete(&command.tag, &refusal);
                return Ok(false);
            }
            if head.sync == Synchronisation::Waits {
                self.wire.put_line("+ go ahead");
                self.wire.flush().await?;
            }
            if let Some(Misbehaviour::CutInLiteral(limit, cut)) = command.fault {
                let arrived = usize::try_from(limit).unwrap_or(usize::MAX).min(head.len);
                self.wire.read_exactly(arrived).await?;
                return Err(End::Scripted(cut));
            }
            let literal = self.wire.read_exactly(head.len).await?;
            command.literal_kind = head.kind;
            if let Some(segment) = command.segments.last_mut() {
                segment.literal = Some(literal);
            }
            line = self.wire.read_line().await?;
            shown.push_str(&String::from_utf8_lossy(&line));
        }
    }

    /// Why a literal is refused before it is read.
    fn literal_refusal(&self, head: LiteralHead, command: &Command) -> Option<Completion> {
        let config = &self.shared.config;
        if let Some(Misbehaviour::RefuseLiteral(text)) = &command.fault {
            return Some(Completion::no(text));
        }
        let immediate_allowed = config.can(Capability::LiteralPlus)
            || (config.can(Capability::LiteralMinus) && head.len <= 4096);
        if head.sync == Synchronisation::Immediate && !immediate_allowed {
            return Some(Completion::bad("no such non-synchronising literals"));
        }
        if head.kind == LiteralKind::Binary && !config.can(Capability::Binary) {
            return Some(Completion::bad("no binary literals"));
        }
        self.append_refusal(head, &command.segments)
    }

    /// Executes a command, unless a scripted fault says otherwise, and answers it.
    async fn handle(&mut self, command: Command) -> Result<(), End> {
        let tag = command.tag.clone();
        let completion = match command.fault.clone() {
            None | Some(Misbehaviour::CutInLiteral(..)) => self.execute(command).await?,
            Some(Misbehaviour::No(text) | Misbehaviour::RefuseLiteral(text)) => {
                Completion::No(text)
            }
            Some(Misbehaviour::Bad(text)) => Completion::Bad(text),
            Some(Misbehaviour::Empty) => Completion::ok("nothing to say"),
            Some(Misbehaviour::Untagged(line)) => {
                self.wire.put_line(line);
                self.execute(command).await?
            }
            Some(Misbehaviour::ExecuteThenNo(text)) => {
                drop(self.execute(command).await?);
                Completion::No(text)
            }
            Some(Misbehaviour::Bye(text)) => {
                self.wire.put_line(format!("* BYE {text}"));
                self.wire.flush().await?;
                return Err(End::Closed);
            }
            Some(Misbehaviour::Raw(answer)) => {
                self.wire.put(answer.replace("{tag}", &tag));
                return Ok(());
            }
            Some(Misbehaviour::Cut(cut)) => return Err(End::Scripted(cut)),
            Some(Misbehaviour::Hang) => return self.hang().await,
            Some(Misbehaviour::ExecuteThenCut(cut)) => {
                self.wire.cut_after(0, cut);
                self.execute(command).await?
            }
            Some(Misbehaviour::CutAfterBytes(limit, cut)) => {
                self.wire.cut_after(limit, cut);
                self.execute(command).await?
            }
            Some(Misbehaviour::ExecuteThenHang) => {
                self.wire.cut_after(0, Cut::Close);
                drop(self.execute(command).await);
                return self.hang().await;
            }
        };
        self.complete(&tag, &completion);
        Ok(())
    }

    fn complete(&mut self, tag: &str, completion: &Completion) {
        let (condition, text) = match completion {
            Completion::Ok(text) => ("OK", text),
            Completion::No(text) => ("NO", text),
            Completion::Bad(text) => ("BAD", text),
        };
        let bare = condition == "OK" && self.shared.config.has(Quirk::NoTextAfterOk);
        let line = match (bare, text.rsplit_once(']')) {
            (false, _) => format!("{tag} {condition} {text}"),
            (true, Some((code, _))) => format!("{tag} {condition} {code}]"),
            (true, None) => format!("{tag} {condition}"),
        };
        self.wire.put_line(line);
    }

    async fn execute(&mut self, command: Command) -> Result<Completion, End> {
        let verb = verb_of(&command.line);
        let mut args = match parse(&command.segments) {
            Ok(args) => args,
            Err(reason) => return Ok(Completion::bad(reason)),
        };
        args.drain(..args.len().min(verb.split(' ').count()));
        let completion = match self.execute_anywhere(&verb, &args) {
            Some(completion) => completion,
            None => match self.phase {
                Phase::NotAuthenticated => self.execute_unauthenticated(&verb, &args).await?,
                Phase::Authenticated | Phase::Selected(_) => {
                    self.execute_authenticated(&verb, &args, &command).await?
                }
                Phase::Logout => Completion::bad("logging out"),
            },
        };
        let withheld = matches!(verb.as_str(), "FETCH" | "STORE" | "SEARCH");
        if !matches!(verb.as_str(), "SELECT" | "EXAMINE" | "LOGOUT") {
            self.tell_changes(if withheld { Expunges::Withheld } else { Expunges::Told })?;
        }
        Ok(completion)
    }

    fn compress(&mut self, args: &[Arg]) -> Completion {
        let [mechanism] = args else { return Completion::bad("mechanism expected") };
        if mechanism.text().is_none_or(|text| !text.eq_ignore_ascii_case("DEFLATE")) {
            return Completion::no("[CANNOT] no such compression");
        }
        if self.wire.is_compressed() {
            return Completion::no("[COMPRESSIONACTIVE] it is compressed already");
        }
        self.next = Next::Compression;
        Completion::ok("compressing")
    }

    /// Commands of every phase.
    fn execute_anywhere(&mut self, verb: &str, args: &[Arg]) -> Option<Completion> {
        let completion = match verb {
            "CAPABILITY" | "NOOP" | "LOGOUT" if !args.is_empty() => {
                Completion::bad("no arguments expected")
            }
            "CAPABILITY" => {
                let line = format!("* CAPABILITY {}", self.capabilities());
                self.wire.put_line(line);
                Completion::ok("capabilities listed")
            }
            "NOOP" => Completion::ok("nothing done"),
            "LOGOUT" => {
                self.wire.put_line("* BYE logging out");
                self.phase = Phase::Logout;
                Completion::ok("logged out")
            }
            "ID" if self.shared.config.can(Capability::Id) => self.id(args),
            _ => return None,
        };
        Some(completion)
    }

    fn id(&mut self, args: &[Arg]) -> Completion {
        let well_formed = match args {
            [arg] => arg.is("NIL") || arg.list().is_some_and(|pairs| pairs.len() % 2 == 0),
            _ => false,
        };
        if !well_formed {
            return Completion::bad("a list of pairs expected");
        }
        self.wire.put_line("* ID (\"name\" \"embedded test server\")");
        Completion::ok("pleased to meet you")
    }

    async fn execute_authenticated(
        &mut self,
        verb: &str,
        args: &[Arg],
        command: &Command,
    ) -> Result<Completion, End> {
        let config = &self.shared.config;
        Ok(match verb {
            "COMPRESS" if config.can(Capability::CompressDeflate) => self.compress(args),
            "ENABLE" if config.can(Capability::Enable) => self.enable(args),
            "NAMESPACE" if config.can(Capability::Namespace) => self.namespace(),
            "IDLE" if config.can(Capability::Idle) => self.idle().await?,
            "APPEND" => self.append(args, command.literal_kind),
            "SELECT" => self.select(args, select::Access::ReadWrite),
            "EXAMINE" => self.select(args, select::Access::ReadOnly),
            _ => match self.execute_on_mailboxes(verb, args) {
                Some(completion) => completion,
                None => self.execute_on_messages(verb, args).await?,
            },
        })
    }

    async fn execute_on_messages(&mut self, verb: &str, args: &[Arg]) -> Result<Completion, End> {
        use select::Numbering::{Sequence, Uid};
        let Phase::Selected(_) = &self.phase else {
            return Ok(Completion::bad("no such command, or no mailbox selected"));
        };
        let config = &self.shared.config;
        Ok(match verb {
            "FETCH" => self.fetch(args, Sequence).await?,
            "UID FETCH" => self.fetch(args, Uid).await?,
            "STORE" => self.store(args, Sequence),
            "UID STORE" => self.store(args, Uid),
            "SEARCH" => self.search(args, Sequence),
            "UID SEARCH" => self.search(args, Uid),
            "COPY" => self.copy(args, Sequence),
            "UID COPY" => self.copy(args, Uid),
            "MOVE" if config.can(Capability::Move) => self.move_messages(args, Sequence),
            "UID MOVE" if config.can(Capability::Move) => self.move_messages(args, Uid),
            "EXPUNGE" => self.expunge(args),
            "UID EXPUNGE" if config.can(Capability::Uidplus) => self.uid_expunge(args),
            "CHECK" => Completion::ok("checked"),
            "CLOSE" => self.close(),
            "UNSELECT" if config.can(Capability::Unselect) => self.unselect(),
            _ => Completion::bad("no such command"),
        })
    }

    fn enable(&mut self, args: &[Arg]) -> Completion {
        let can_condstore = self.shared.config.can(Capability::Condstore);
        if args.iter().any(|arg| arg.is("CONDSTORE")) && can_condstore {
            self.modseqs = ModSeqs::Told;
            self.wire.put_line("* ENABLED CONDSTORE");
        } else {
            self.wire.put_line("* ENABLED");
        }
        Completion::ok("enabled")
    }
}
