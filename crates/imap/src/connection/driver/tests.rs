//! The driver against a peer that the test plays.

use super::*;
use crate::connection::Connection;
use offlineimap_imap_proto::command::{Append, FetchItem, Messages};
use offlineimap_imap_proto::flags::FlagList;
use offlineimap_imap_proto::response::Capabilities;
use offlineimap_imap_proto::session::{Deadlines, Settings};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, duplex};
use tokio_util::sync::CancellationToken;

fn connect(patience: Duration) -> (Connection, DuplexStream) {
    // As little as possible waits on the way.
    let (ours, theirs) = duplex(16);
    let shared = Arc::new(Shared {
        server: "test:143".to_owned(),
        close: CancellationToken::new(),
        retired: AtomicBool::new(false),
        ended: Mutex::new(None),
    });
    let deadlines = Deadlines { greeting: patience, command: patience, stalled_literal: patience };
    let session = Session::new(Settings { deadlines, ..Settings::default() }, Instant::now());
    let (requests, receiver) = mpsc::unbounded_channel();
    tokio::spawn(Driver::new(session, ours, receiver, Arc::clone(&shared)).run());
    let capabilities = Capabilities::default();
    (Connection { requests, shared, capabilities, selected: None }, theirs)
}

#[tokio::test]
async fn of_a_body_that_nobody_takes_little_is_read() {
    const SIZE: usize = 20 * 1024 * 1024;
    let (mut connection, server) = connect(Duration::from_mins(1));
    let written = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&written);
    let server = tokio::spawn(async move {
        let mut server = BufReader::new(server);
        server.write_all(b"* PREAUTH hello\r\n").await.unwrap();
        server.read_line(&mut String::new()).await.unwrap();
        let head = format!("* 1 FETCH (UID 1 BODY[] {{{SIZE}}}\r\n");
        server.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..SIZE / 1024 {
            server.write_all(&[b'x'; 1024]).await.unwrap();
            counted.fetch_add(1024, Ordering::SeqCst);
        }
        server.write_all(b")\r\na1 OK\r\n").await.unwrap();
        server
    });
    let mut conversation = connection.converse();
    conversation.submit(Command::fetch(Messages::UidsFrom(NonZeroU32::MIN), &[FetchItem::Body]));
    let mut taken = 0;
    let mut furthest = 0;
    while conversation.open() > 0 {
        if let Happening::BodyChunk(bytes) = conversation.next().await.unwrap() {
            taken += bytes.len();
            if taken % 1000 < 20 {
                // Everybody else may run as far as they get.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            }
            furthest = furthest.max(written.load(Ordering::SeqCst).saturating_sub(taken));
        }
    }
    assert_eq!(taken, SIZE);
    assert!(furthest < 256 * 1024, "{furthest} octets were read ahead");
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_server_that_only_writes_does_not_stop_us_from_writing() {
    let (mut connection, server) = connect(Duration::from_mins(1));
    let server = tokio::spawn(async move {
        let mut server = BufReader::new(server);
        server.write_all(b"* PREAUTH hello\r\n").await.unwrap();
        // Reads nothing before all of this is taken.
        for _ in 0..100_000 {
            server.write_all(b"* OK still here\r\n").await.unwrap();
        }
        for tag in 1..=200 {
            server.read_line(&mut String::new()).await.unwrap();
            server.write_all(format!("a{tag} OK\r\n").as_bytes()).await.unwrap();
        }
        server
    });
    let mut conversation = connection.converse();
    for _ in 0..200 {
        conversation.submit(Command::noop());
    }
    conversation.finish(|_| {}).await.unwrap();
    drop(server.await.unwrap());
}

#[tokio::test]
async fn an_upload_that_breaks_off_ends_the_connection() {
    let (connection, server) = connect(Duration::from_mins(1));
    let mut server = BufReader::new(server);
    server.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n").await.unwrap();
    let (broken, other) = (connection.upload(append(10)), connection.upload(append(10)));
    broken.send(Bytes::from_static(b"half")).await;
    drop(broken);
    let error = other.sent().await.unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), offlineimap_core::StoreErrorKind::ConnectionLost);
    assert!(!connection.is_open());
    let mut sent = Vec::new();
    server.read_to_end(&mut sent).await.unwrap();
    assert!(!sent.windows(2).any(|pair| pair == b"a2"), "{}", sent.escape_ascii());
}

#[tokio::test]
async fn a_retired_connection_still_brings_the_answers_that_are_due() {
    let (connection, server) = connect(Duration::from_mins(1));
    let mut server = BufReader::new(server);
    server.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n").await.unwrap();
    let (first, second) = (connection.upload(append(1)), connection.upload(append(1)));
    first.send(Bytes::from_static(b"1")).await;
    let mut line = String::new();
    server.read_line(&mut line).await.unwrap();
    server.read_line(&mut line).await.unwrap();
    second.send(Bytes::from_static(b"2")).await;
    server.read_line(&mut line).await.unwrap();
    server.read_line(&mut line).await.unwrap();
    server.write_all(b"a1 BAD what\r\n").await.unwrap();
    let mut first = first.sent().await.unwrap();
    assert!(matches!(first.wait().await, Ok(Outcome::Bad(_))));
    first.retire_connection();
    assert!(!connection.is_open());
    drop(connection);
    server.write_all(b"a2 OK\r\n").await.unwrap();
    assert!(matches!(second.sent().await.unwrap().wait().await, Ok(Outcome::Ok(_))));
}

fn append(size_bytes: u64) -> Command {
    Command::append(&Append {
        mailbox: "INBOX".into(),
        flags: FlagList::default(),
        internal_date: None,
        size_bytes,
    })
}
