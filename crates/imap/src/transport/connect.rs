//! Finding a server, reaching it, and shaking hands.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{CertificateError, ClientConfig, OtherError};
use rustls_pki_types::{InvalidDnsNameError, ServerName};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::transport::Transport;

/// Which addresses of a host are used (`ipv6`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// All, the two families in turns.
    #[default]
    Any,
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

/// A server and how long it may take for each step.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) family: AddressFamily,
    pub(crate) timeout: Duration,
}

/// What was being done when a deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Resolve,
    Connect,
    Handshake,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up its address",
            Self::Connect => "connecting",
            Self::Handshake => "waiting for the TLS handshake",
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host has no address.
    #[error("cannot find the address of {host}")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The host has no address of the family that is asked for.
    #[error("{host} has no {family} address")]
    NoAddress {
        /// The host.
        host: String,
        /// The family, in words.
        family: &'static str,
    },
    /// No address of the host could be reached.
    #[error("cannot connect to {host}:{port} ({address})")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The address that was tried last.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A deadline passed.
    #[error("{host}:{port} timed out after {} s while {during}", after.as_secs_f32())]
    TimedOut {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What was being done.
        during: String,
        /// How long it was waited.
        after: Duration,
    },
    /// The host's name cannot stand in a certificate.
    #[error("{host:?} is no valid host name")]
    HostName {
        /// The host.
        host: String,
        /// What is wrong.
        source: InvalidDnsNameError,
    },
    /// The TLS handshake failed; above all, the certificate is not trusted.
    #[error("no trusted TLS connection with {host}:{port}: {reason}")]
    Handshake {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What is wrong, in words.
        reason: String,
        /// What the TLS library said.
        source: io::Error,
    },
}

impl Endpoint {
    /// Connects over TCP.
    pub(crate) async fn connect(&self) -> Result<TcpStream, ConnectError> {
        let addresses = self.resolve().await?;
        match timeout(self.timeout, self.race(&addresses)).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(Phase::Connect)),
        }
    }

    /// Shakes hands and verifies the server.
    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
        config: Arc<ClientConfig>,
    ) -> Result<Transport, ConnectError> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|source| ConnectError::HostName { host: self.host.clone(), source })?;
        let handshake = TlsConnector::from(config).connect(name, stream);
        match timeout(self.timeout, handshake).await {
            Ok(Ok(stream)) => Ok(Transport::Tls(Box::new(stream))),
            Ok(Err(source)) => {
                let (host, port, reason) = (self.host.clone(), self.port, reason(&source));
                Err(ConnectError::Handshake { host, port, reason, source })
            }
            Err(_) => Err(self.timed_out(Phase::Handshake)),
        }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        let lookup = lookup_host((self.host.as_str(), self.port));
        let found: Vec<SocketAddr> = match timeout(self.timeout, lookup).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(source)) => {
                return Err(ConnectError::Resolve { host: self.host.clone(), source });
            }
            Err(_) => return Err(self.timed_out(Phase::Resolve)),
        };
        let addresses = in_turns(found, self.family);
        if addresses.is_empty() {
            let family = match self.family {
                AddressFamily::Any => "IPv4 or IPv6",
                AddressFamily::V4 => "IPv4",
                AddressFamily::V6 => "IPv6",
            };
            return Err(ConnectError::NoAddress { host: self.host.clone(), family });
        }
        Ok(addresses)
    }

    /// Tries the addresses one after another, without waiting long for a slow one: the first
    /// connection wins (RFC 8305 §5).
    async fn race(&self, addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
        let mut waiting = addresses.iter().copied();
        let mut attempts = JoinSet::new();
        let mut failure = None;
        loop {
            let next = waiting.next();
            match next {
                Some(address) => {
                    attempts.spawn(async move { (address, connect_to(address).await) });
                }
                None if attempts.is_empty() => break,
                None => {}
            }
            let ended = tokio::select! {
                ended = attempts.join_next() => ended,
                () = sleep(HEAD_START), if next.is_some() => continue,
            };
            match ended {
                Some(Ok((_, Ok(stream)))) => return Ok(stream),
                Some(Ok((address, Err(error)))) => failure = Some((address, error)),
                Some(Err(_)) | None => {}
            }
        }
        let unspecified = SocketAddr::from(([0, 0, 0, 0], self.port));
        let (address, source) =
            failure.unwrap_or_else(|| (unspecified, io::ErrorKind::NotConnected.into()));
        let (host, port) = (self.host.clone(), self.port);
        Err(ConnectError::Connect { host, port, address, source })
    }

    fn timed_out(&self, during: Phase) -> ConnectError {
        ConnectError::TimedOut {
            host: self.host.clone(),
            port: self.port,
            during: during.to_string(),
            after: self.timeout,
        }
    }
}

/// Finds the words of our own verifier within the error of the TLS library.
fn reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))) => {
            why.to_string()
        }
        _ => error.to_string(),
    }
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

/// Keeps the addresses of a family, and lets the families alternate, beginning with the one that
/// the resolver prefers.
fn in_turns(found: Vec<SocketAddr>, family: AddressFamily) -> Vec<SocketAddr> {
    let wanted = found.into_iter().filter(|address| match family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    });
    let mut wanted = wanted.peekable();
    let Some(preferred) = wanted.peek().map(SocketAddr::is_ipv6) else { return Vec::new() };
    let (first, second): (Vec<_>, Vec<_>) =
        wanted.partition(|address| address.is_ipv6() == preferred);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair.iter().all(Option::is_none) {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

/// How long an address is tried before the next one is tried too (RFC 8305 §8).
const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"]);
        let expected = addresses(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(in_turns(found.clone(), AddressFamily::Any), expected);
        assert_eq!(in_turns(found.clone(), AddressFamily::V4), addresses(&["1.0.0.1:1"]));
        assert_eq!(in_turns(found, AddressFamily::V6).len(), 3);
        assert!(in_turns(Vec::new(), AddressFamily::Any).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        let endpoint = Endpoint {
            host: "localhost".to_owned(),
            port: open.port(),
            family: AddressFamily::Any,
            timeout: Duration::from_mins(1),
        };
        let stream = endpoint.race(&[closed, open]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let refused = endpoint.race(&[closed]).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Connect { address, .. } if address == closed));
    }
}
