//! The real servers come to life, take a message, give it back, and leave nothing behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use offlineimap_testkit::courier::Courier;
use offlineimap_testkit::cyrus::Cyrus;
use offlineimap_testkit::dovecot::{Dovecot, Fsync, MailFormat};
use offlineimap_testkit::real_server::Endpoint;
use offlineimap_testkit::server::Certificate;
use offlineimap_testkit::transcript::Peer;

/// Logs in, selects, appends and fetches.
fn exercise(endpoint: &Endpoint) {
    let mut peer = Peer::connect(endpoint.address);
    peer.play("S: * OK...");
    peer.send(&format!("a LOGIN {} {}", endpoint.user, endpoint.password));
    let login = peer.lines_until("a ");
    assert!(login.last().unwrap().starts_with("a OK"), "{login:?}");
    peer.send("b SELECT INBOX");
    let selected = peer.lines_until("b ");
    assert!(selected.last().unwrap().starts_with("b OK"), "{selected:?}");
    assert!(selected.contains(&"* 0 EXISTS".to_owned()), "{selected:?}");
    peer.play("C: c APPEND INBOX (\\Seen) {18}\nS: +...\nC: Subject: x\nC:\nC: hi");
    peer.send("");
    let appended = peer.lines_until("c ");
    assert!(appended.last().unwrap().starts_with("c OK"), "{appended:?}");
    // Courier does not look for new mail at a FETCH.
    peer.send("n NOOP");
    peer.lines_until("n OK");
    peer.send("d UID FETCH 1:* (FLAGS BODY.PEEK[])");
    let fetched = peer.lines_until("d ");
    assert!(fetched.last().unwrap().starts_with("d OK"), "{fetched:?}");
    for expected in ["{18}", "Subject: x", "hi", "\\Seen"] {
        assert!(fetched.iter().any(|line| line.contains(expected)), "{expected}: {fetched:?}");
    }
    peer.send("e LOGOUT");
    peer.lines_until("e OK");
}

/// Whether a process of the system has this in its command line.
fn runs(text: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

#[test]
fn dovecot_serves_every_mail_format() {
    for format in [MailFormat::Maildir, MailFormat::Sdbox, MailFormat::Mdbox] {
        let server = Dovecot::builder().format(format).fsync(Fsync::Optimized).start().unwrap();
        exercise(server.endpoint());
        assert!(server.mail_directory().is_dir());
    }
}

#[test]
fn dovecot_offers_cram_md5_and_literals_without_waiting() {
    let server = Dovecot::start().unwrap();
    let mut peer = Peer::connect(server.endpoint().address);
    let greeting = peer.line();
    assert!(greeting.contains("AUTH=CRAM-MD5"), "{greeting}");
    peer.play("C: a AUTHENTICATE PLAIN AHRlc3RlcgBzZWNyZXQ=");
    let answer = peer.lines_until("a ");
    assert!(answer.last().unwrap().contains("CONDSTORE"), "{answer:?}");
}

#[test]
fn dovecot_offers_tls_with_a_certificate() {
    let certificate = Certificate::for_localhost().unwrap();
    let server = Dovecot::builder().certificate(certificate).start().unwrap();
    let mut peer = Peer::connect(server.endpoint().address);
    assert!(peer.line().contains("STARTTLS"));
    assert!(server.endpoint().tls_address.is_some());
    exercise(server.endpoint());
}

#[test]
fn cyrus_serves() {
    let server = Cyrus::start().unwrap();
    exercise(server.endpoint());
}

#[test]
fn courier_serves() {
    let server = Courier::start().unwrap();
    exercise(server.endpoint());
    assert!(server.mail_directory().join("cur").is_dir());
}

#[test]
fn courier_serves_a_tunnel_without_login() {
    let server = Courier::start().unwrap();
    let mut child = std::process::Command::new("sh")
        .arg("-c")
        .arg(server.tunnel_command())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"a LOGOUT\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let output = String::from_utf8_lossy(&output.stdout);
    assert!(output.contains("* PREAUTH"), "{output}");
    assert!(output.contains("a OK"), "{output}");
}

#[test]
fn a_dropped_server_leaves_no_process_and_no_file() {
    let server = Dovecot::start().unwrap();
    let directory = server.mail_directory().parent().unwrap().parent().unwrap().to_owned();
    let name = directory.file_name().unwrap().to_string_lossy().into_owned();
    assert!(runs(&name));
    let address = server.endpoint().address;
    let panicked = std::thread::spawn(move || {
        let _server = server;
        std::panic::resume_unwind(Box::new("a test fails"));
    });
    assert!(panicked.join().is_err());
    assert!(!runs(&name));
    assert!(!directory.exists());
    assert!(std::net::TcpStream::connect(address).is_err());
}
