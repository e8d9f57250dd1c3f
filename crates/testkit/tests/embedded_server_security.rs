//! The embedded server's TLS, and the mechanisms that need more than a transcript.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use offlineimap_testkit::server::{Capability, Certificate, ImapServer};
use offlineimap_testkit::transcript::Peer;

type TlsStream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// A client that trusts this certificate alone.
fn handshake(stream: TcpStream, trusted: &Certificate) -> TlsStream {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    BufReader::new(StreamOwned::new(connection, stream))
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

#[test]
fn implicit_tls_serves_who_trusts_the_certificate() {
    let certificate = Certificate::for_localhost().unwrap();
    let server = ImapServer::builder().implicit_tls(certificate.clone()).start().unwrap();
    let mut stream = handshake(TcpStream::connect(server.address()).unwrap(), &certificate);
    let greeting = line(&mut stream);
    assert!(greeting.starts_with("* OK") && !greeting.contains("STARTTLS"), "{greeting}");
    stream.get_mut().write_all(b"a LOGIN tester secret\r\n").unwrap();
    assert!(line(&mut stream).starts_with("a OK"));
    assert!(server.log().all().iter().all(|observed| observed.tls));
}

#[test]
fn a_stranger_to_the_certificate_is_not_served() {
    let server =
        ImapServer::builder().implicit_tls(Certificate::for_localhost().unwrap()).start().unwrap();
    let other = Certificate::for_localhost().unwrap();
    let mut stream = handshake(TcpStream::connect(server.address()).unwrap(), &other);
    assert!(stream.read_line(&mut String::new()).is_err());
}

#[test]
fn starttls_makes_login_possible_and_drops_what_was_pipelined() {
    let certificate = Certificate::for_localhost().unwrap();
    let server = ImapServer::builder()
        .start_tls(certificate.clone())
        .with(Capability::LoginDisabled)
        .start()
        .unwrap();
    let mut stream = BufReader::new(TcpStream::connect(server.address()).unwrap());
    let greeting = line(&mut stream);
    assert!(greeting.contains("STARTTLS") && greeting.contains("LOGINDISABLED"), "{greeting}");
    stream.get_mut().write_all(b"a LOGIN tester secret\r\n").unwrap();
    assert!(line(&mut stream).starts_with("a NO [PRIVACYREQUIRED]"));
    stream.get_mut().write_all(b"b STARTTLS\r\nc NOOP\r\n").unwrap();
    assert!(line(&mut stream).starts_with("b OK"));
    let mut stream = handshake(stream.into_inner(), &certificate);
    stream.get_mut().write_all(b"d CAPABILITY\r\ne LOGIN tester secret\r\n").unwrap();
    let capabilities = line(&mut stream);
    assert!(capabilities.starts_with("* CAPABILITY"), "{capabilities}");
    assert!(!capabilities.contains("STARTTLS") && !capabilities.contains("LOGINDISABLED"));
    assert!(line(&mut stream).starts_with("d OK"));
    assert!(line(&mut stream).starts_with("e OK"));
}

#[test]
fn cram_md5_accepts_the_right_digest_only() {
    let server = ImapServer::start().unwrap();
    let mut peer = Peer::connect(server.address());
    peer.play("S: * OK...");
    for (password, condition) in [("wrong", "NO"), ("secret", "OK")] {
        peer.send("a AUTHENTICATE CRAM-MD5");
        let challenge = peer.line();
        let nonce = STANDARD.decode(challenge.strip_prefix("+ ").unwrap()).unwrap();
        let mut mac = Hmac::<md5::Md5>::new_from_slice(password.as_bytes()).unwrap();
        mac.update(&nonce);
        let response = format!("tester {:x}", mac.finalize().into_bytes());
        peer.send(&STANDARD.encode(response));
        peer.play(&format!("S: a {condition}..."));
    }
}
