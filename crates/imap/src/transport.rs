//! Byte streams to a server: TCP, or TLS over it, and perhaps compression over either.

mod certificate;
mod connect;
mod deflate;
mod fingerprint;
mod tls;
mod verifier;

pub use connect::{AddressFamily, ConnectError};
pub use fingerprint::{CertificateFingerprint, FingerprintError};
pub use tls::{Authorities, ClientCertificate, TlsConfigError, TlsOptions, TlsVersions};

pub(crate) use connect::Endpoint;
pub(crate) use deflate::Deflate;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An open stream to a server.
#[derive(Debug)]
pub(crate) enum Transport {
    /// In the clear.
    Tcp(TcpStream),
    /// Encrypted, with the server's certificate verified.
    Tls(Box<TlsStream<TcpStream>>),
    /// Compressed over one of the others.
    Deflated(Box<Deflate<Self>>),
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => {
                Pin::new(stream).poll_read(cx, buf).map(|read| match read {
                    // Many servers (Gmail) close without close_notify. IMAP marks its own ends, so
                    // a cut is noticed without it: an end like any other.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                    read => read,
                })
            }
            Self::Deflated(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Deflated(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Deflated(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Deflated(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
