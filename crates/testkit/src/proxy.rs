//! A TCP proxy on loopback in front of any server.
//!
//! It delays like a distant server, counts octets and round trips, cuts connections at an exact
//! octet, hangs, and answers chosen commands in place of the server. It does nothing at random,
//! so a failure can be reproduced from its faults. It runs on a thread of its own and ends when
//! it is dropped.

mod connection;
mod framing;
mod plan;

pub use plan::{Direction, ProxyFault, SubstitutedAnswer, Substitution};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use plan::Plan;

/// A running proxy; dropping it cuts every connection and stops it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// What went through a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted.
    pub connections: u64,
    /// Octets from the client.
    pub to_server_bytes: u64,
    /// Octets from the server.
    pub to_client_bytes: u64,
    /// The longest chain of command after answer over all connections: how often the client
    /// can at most have waited for the network. What is sent while earlier answers are still
    /// under way costs no round trip of its own.
    pub round_trips: u64,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    /// By how much every octet is late in each direction.
    one_way_delay: Duration,
    counters: Counters,
    plan: Plan,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    to_server_bytes: AtomicU64,
    to_client_bytes: AtomicU64,
    /// The round trip that was begun last, in the chain of cause and effect.
    last_trip: AtomicU64,
    /// The round trip whose answer a client heard last.
    heard_by_client: AtomicU64,
    /// The last round trip that has been taken out of the counts.
    taken_trips: AtomicU64,
}

impl Proxy {
    /// A proxy without delay.
    ///
    /// # Errors
    ///
    /// The loopback interface has no free port, or no thread can be started.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        Self::with_round_trip(server, Duration::ZERO)
    }

    /// A proxy that makes the server look as far away as this round trip. Octets are delayed,
    /// not throttled: however many are under way, each is late by the same time.
    ///
    /// # Errors
    ///
    /// The loopback interface has no free port, or no thread can be started.
    pub fn with_round_trip(server: SocketAddr, round_trip: Duration) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            one_way_delay: round_trip / 2,
            counters: Counters::default(),
            plan: Plan::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&shared), stop.clone());
        let thread = std::thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || runtime.block_on(serving))?;
        Ok(Self { address, shared, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What went through it since it was started, or since the counts were last taken.
    pub fn traffic(&self) -> Traffic {
        let counters = &self.shared.counters;
        Traffic {
            connections: counters.connections.load(Ordering::SeqCst),
            to_server_bytes: counters.to_server_bytes.load(Ordering::SeqCst),
            to_client_bytes: counters.to_client_bytes.load(Ordering::SeqCst),
            round_trips: counters.last_trip() - counters.taken_trips.load(Ordering::SeqCst),
        }
    }

    /// What went through it, and counts from nothing again.
    pub fn take_traffic(&self) -> Traffic {
        let counters = &self.shared.counters;
        Traffic {
            connections: counters.connections.swap(0, Ordering::SeqCst),
            to_server_bytes: counters.to_server_bytes.swap(0, Ordering::SeqCst),
            to_client_bytes: counters.to_client_bytes.swap(0, Ordering::SeqCst),
            round_trips: counters.take_trips(),
        }
    }

    /// Scripts a fault, which happens once.
    pub fn fail(&self, fault: ProxyFault) {
        self.shared.plan.add_fault(fault);
    }

    /// Answers a command in place of the server, once. Applies to connections in the clear that
    /// are opened from now on.
    pub fn substitute(&self, substitution: Substitution) {
        self.shared.plan.add_substitution(substitution);
    }

    /// Takes back faults and substitutions that have not happened yet.
    pub fn clear(&self) {
        self.shared.plan.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A connection that panicked has already printed why.
            drop(thread.join());
        }
    }
}

impl Counters {
    fn count(&self, direction: Direction, bytes: usize) {
        let counter = match direction {
            Direction::ToServer => &self.to_server_bytes,
            Direction::ToClient => &self.to_client_bytes,
        };
        counter.fetch_add(bytes as u64, Ordering::SeqCst);
    }

    /// What a client says now may follow from anything it has heard on any connection.
    fn begin_trip(&self) -> u64 {
        let trip = self.heard_by_client.load(Ordering::SeqCst) + 1;
        self.last_trip.fetch_max(trip, Ordering::SeqCst);
        trip
    }

    fn last_trip(&self) -> u64 {
        self.last_trip.load(Ordering::SeqCst)
    }

    fn take_trips(&self) -> u64 {
        let last = self.last_trip();
        // An answer nobody waited for, such as that to LOGOUT, must not hide the next trip.
        self.heard_by_client.fetch_max(last, Ordering::SeqCst);
        last - self.taken_trips.swap(last, Ordering::SeqCst)
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                shared.counters.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    // A client whose server is not there sees its connection closed.
                    if let Ok(server) = TcpStream::connect(shared.server).await {
                        connection::run(client, server, shared).await;
                    }
                });
            }
        }
    }
}
