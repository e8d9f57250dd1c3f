use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::Shared;
use super::framing::{Framing, Piece, is_immediate, literal_len};
use super::plan::{Direction, SubstitutedAnswer, Verdict};
use crate::server::Cut;

/// What travels in one direction, in order.
enum Parcel {
    Octets(Bytes),
    /// The sender has nothing more to say.
    EndOfStream,
    Cut(Cut),
    Hang,
}

/// How a connection came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ended,
    Cut(Cut),
    Hung,
}

/// A parcel on its way.
struct Delayed {
    due: Instant,
    /// How many round trips came before it: its place in the chain of cause and effect.
    trip: u64,
    parcel: Parcel,
}

/// Forwards both directions until both have ended or a fault ends them.
pub(super) async fn run(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    let (from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let (up_sender, up_receiver) = unbounded_channel();
    let (down_sender, down_receiver) = unbounded_channel();
    let (inject, injected) = unbounded_channel();
    // What the server of this connection has heard.
    let heard_by_server = AtomicU64::new(0);
    let outcome = {
        let forwarding = async {
            tokio::join!(
                read_client(from_client, up_sender, inject, &shared),
                read_server(from_server, down_sender, injected, &shared, &heard_by_server),
            );
            std::future::pending::<Outcome>().await
        };
        let delivering = async {
            let up = deliver(up_receiver, &mut to_server, &heard_by_server);
            let down = deliver(down_receiver, &mut to_client, &shared.counters.heard_by_client);
            tokio::pin!(up, down);
            // A cut in one direction ends both; a regular end lets the other one finish.
            tokio::select! {
                outcome = &mut up => if outcome == Outcome::Ended { down.await } else { outcome },
                outcome = &mut down => if outcome == Outcome::Ended { up.await } else { outcome },
            }
        };
        tokio::select! {
            outcome = forwarding => outcome,
            outcome = delivering => outcome,
        }
    };
    if outcome == Outcome::Hung {
        // Both connections stay open, and silent, until the proxy is dropped.
        std::future::pending::<()>().await;
    }
    if outcome == Outcome::Cut(Cut::Reset) {
        drop(to_client.as_ref().set_zero_linger());
        drop(to_server.as_ref().set_zero_linger());
        // Dropped, a write half would first end its direction in order.
        to_client.forget();
        to_server.forget();
    }
}

/// Writes parcels when their time has come.
async fn deliver(
    mut parcels: UnboundedReceiver<Delayed>,
    target: &mut OwnedWriteHalf,
    heard: &AtomicU64,
) -> Outcome {
    while let Some(Delayed { due, trip, parcel }) = parcels.recv().await {
        // The timer counts milliseconds and rounds up, which is much where nothing is to wait for.
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        heard.fetch_max(trip, Ordering::SeqCst);
        match parcel {
            Parcel::Octets(octets) => {
                if target.write_all(&octets).await.is_err() {
                    return Outcome::Ended;
                }
            }
            Parcel::EndOfStream => {
                drop(target.shutdown().await);
                return Outcome::Ended;
            }
            Parcel::Cut(cut) => return Outcome::Cut(cut),
            Parcel::Hang => return Outcome::Hung,
        }
    }
    Outcome::Ended
}

async fn read_client(
    mut source: OwnedReadHalf,
    parcels: UnboundedSender<Delayed>,
    inject: UnboundedSender<Parcel>,
    shared: &Shared,
) {
    let mut commands = shared.plan.substitutes().then(Commands::default);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(64 * 1024);
        let read = source.read_buf(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            send(&parcels, shared, 0, Parcel::EndOfStream);
            return;
        }
        let octets = buffer.split().freeze();
        let trip = shared.counters.begin_trip();
        shared.counters.count(Direction::ToServer, octets.len());
        let octets = match &mut commands {
            Some(commands) => commands.filter(&octets, shared, &inject),
            None => octets,
        };
        if !forward(&parcels, shared, Direction::ToServer, trip, &octets) {
            return;
        }
    }
}

async fn read_server(
    mut source: OwnedReadHalf,
    parcels: UnboundedSender<Delayed>,
    mut injected: UnboundedReceiver<Parcel>,
    shared: &Shared,
    heard: &AtomicU64,
) {
    let mut framing = shared.plan.substitutes().then(Framing::default);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(64 * 1024);
        // An answer of ours must not fall into a line or literal of the server's.
        let may_inject = framing.as_ref().is_some_and(Framing::at_boundary);
        tokio::select! {
            read = source.read_buf(&mut buffer) => {
                if read.unwrap_or(0) == 0 {
                    send(&parcels, shared, 0, Parcel::EndOfStream);
                    return;
                }
                let octets = buffer.split().freeze();
                if let Some(framing) = &mut framing {
                    drop(framing.feed(&octets));
                }
                let trip = heard.load(Ordering::SeqCst);
                shared.counters.count(Direction::ToClient, octets.len());
                if !forward(&parcels, shared, Direction::ToClient, trip, &octets) {
                    return;
                }
            }
            Some(parcel) = injected.recv(), if may_inject => {
                send(&parcels, shared, shared.counters.last_trip(), parcel);
            }
        }
    }
}

/// Sends octets on their way as far as the plan lets them. False if nothing may follow.
fn forward(
    parcels: &UnboundedSender<Delayed>,
    shared: &Shared,
    direction: Direction,
    trip: u64,
    octets: &Bytes,
) -> bool {
    let (passing, end) = match shared.plan.judge(direction, octets.len()) {
        Verdict::Pass => (octets.len(), None),
        Verdict::Cut(passing, cut) => (passing, Some(Parcel::Cut(cut))),
        Verdict::Hang(passing) => (passing, Some(Parcel::Hang)),
    };
    if passing > 0 {
        send(parcels, shared, trip, Parcel::Octets(octets.slice(..passing)));
    }
    match end {
        None => true,
        Some(end) => {
            send(parcels, shared, trip, end);
            false
        }
    }
}

fn send(parcels: &UnboundedSender<Delayed>, shared: &Shared, trip: u64, parcel: Parcel) {
    let due = Instant::now() + shared.one_way_delay;
    // Nobody listens only when the connection is already at its end.
    drop(parcels.send(Delayed { due, trip, parcel }));
}

/// The commands of a client, some of which are answered here.
#[derive(Default)]
struct Commands {
    framing: Framing,
    state: CommandState,
}

#[derive(Default, PartialEq, Eq)]
enum CommandState {
    /// The next line begins a command.
    #[default]
    Start,
    /// A command goes on behind a literal.
    Passing,
    /// The rest of a command that is answered here is dropped.
    Dropping { answer: Answer },
}

#[derive(Clone, PartialEq, Eq)]
struct Answer {
    tag: String,
    answer: SubstitutedAnswer,
}

impl Commands {
    /// The octets that go on to the server.
    fn filter(
        &mut self,
        octets: &[u8],
        shared: &Shared,
        inject: &UnboundedSender<Parcel>,
    ) -> Bytes {
        let mut passing = BytesMut::new();
        for piece in self.framing.feed(octets) {
            match piece {
                Piece::Literal(literal) => {
                    if !matches!(self.state, CommandState::Dropping { .. }) {
                        passing.extend_from_slice(&literal);
                    }
                }
                Piece::Line(line) => self.line(&line, shared, inject, &mut passing),
            }
        }
        passing.freeze()
    }

    fn line(
        &mut self,
        line: &[u8],
        shared: &Shared,
        inject: &UnboundedSender<Parcel>,
        passing: &mut BytesMut,
    ) {
        let continues = literal_len(line).is_some();
        let state = std::mem::take(&mut self.state);
        let answer = match state {
            CommandState::Start => substituted(line, shared),
            CommandState::Passing => None,
            CommandState::Dropping { answer } => Some(answer),
        };
        let Some(answer) = answer else {
            passing.extend_from_slice(line);
            if continues {
                self.state = CommandState::Passing;
            }
            return;
        };
        if continues && is_immediate(line) {
            self.state = CommandState::Dropping { answer };
            return;
        }
        if continues {
            // The client waits for leave to send the literal, and will not send it now.
            self.framing = Framing::default();
        }
        answer.give(inject);
    }
}

impl Answer {
    fn give(self, inject: &UnboundedSender<Parcel>) {
        let Self { tag, answer } = self;
        let (line, end) = match answer {
            SubstitutedAnswer::No(text) => (format!("{tag} NO {text}\r\n"), None),
            SubstitutedAnswer::Bad(text) => (format!("{tag} BAD {text}\r\n"), None),
            SubstitutedAnswer::Bye(text) => {
                (format!("* BYE {text}\r\n"), Some(Parcel::Cut(Cut::Close)))
            }
        };
        // Nobody listens only when the server has already closed the connection.
        drop(inject.send(Parcel::Octets(Bytes::from(line))));
        if let Some(end) = end {
            drop(inject.send(end));
        }
    }
}

/// The answer to the command that begins with this line, if it is given here.
fn substituted(line: &[u8], shared: &Shared) -> Option<Answer> {
    let line = String::from_utf8_lossy(line);
    let (tag, command) = line.trim_end().split_once(' ')?;
    let answer = shared.plan.substitute_for(&crate::server::verb_of(command))?;
    Some(Answer { tag: tag.to_owned(), answer })
}
