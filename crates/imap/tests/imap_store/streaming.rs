//! Large messages in constant memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{Body, Fetched, Key, Receiver, StoreError, Stored};
use offlineimap_imap::ImapStore;
use offlineimap_testkit::message::{self, Body as Mail};
use offlineimap_testkit::server::{Capability, ImapServer};

use crate::desk::{self, config, inbox, key, narrow};

/// As large as a message may be without a thought.
const LARGE: u64 = 200 * 1024 * 1024;

/// What may wait in the system's sockets, which grow on demand.
const SYSTEM_BUFFERS: u64 = 24 * 1024 * 1024;

/// Checks a body against what was stored, and stalls once.
struct Watching {
    expected: Mail,
    read: u64,
    stall: Option<Duration>,
}

#[async_trait]
impl Receiver for Watching {
    async fn receive(&mut self, _: Fetched, body: &mut dyn Body) -> Result<(), StoreError> {
        while let Some(chunk) = body.chunk().await? {
            assert!(chunk == self.expected.chunk(self.read, chunk.len()), "at {}", self.read);
            self.read += chunk.len() as u64;
            if let Some(stall) = self.stall.take() {
                tokio::time::sleep(stall).await;
            }
        }
        Ok(())
    }

    fn failed(&mut self, _: &Key, error: StoreError) {
        panic!("{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_comes_whole_though_its_receiver_is_slow() {
    let server = ImapServer::start().unwrap();
    let letter = message::huge(1, LARGE);
    let size = letter.len();
    server.mail().add("INBOX", letter.clone()).unwrap();
    let mut config = config(&server);
    // Shorter than the stall: our own slowness is not the server's.
    config.timeout = Duration::from_secs(5);
    let mailbox = inbox(&ImapStore::new(config)).await;
    let stall = Some(Duration::from_secs(6));
    let mut watching = Watching { expected: letter, read: 0, stall };
    mailbox.fetch(&[key(1)], &mut watching).await.unwrap();
    assert_eq!(watching.read, size);
}

/// Makes octets as they are asked for, and counts them.
struct Counted {
    letter: Mail,
    given: Arc<AtomicU64>,
}

#[async_trait]
impl Body for Counted {
    fn wire_octets(&self) -> u64 {
        self.letter.len()
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let at = self.given.load(Ordering::SeqCst);
        let chunk = self.letter.chunk(at, 64 * 1024);
        self.given.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_is_sent_whole() {
    for without in [Capability::Esearch, Capability::LiteralPlus] {
        let server = ImapServer::builder().without(without).start().unwrap();
        let mailbox = inbox(&narrow(&server)).await;
        let letter = message::huge(2, 20 * 1024 * 1024);
        let given = Arc::new(AtomicU64::new(0));
        let mut body = Counted { letter: letter.clone(), given: Arc::clone(&given) };
        let staged = mailbox.stage(desk::message(""), &mut body).await.unwrap();
        let stored = mailbox.commit(vec![staged]).await.pop().unwrap().unwrap();
        assert_eq!(stored, Stored::At(key(1)));
        let kept = server.mail().message("INBOX", 1).unwrap().body;
        assert!(kept.to_bytes() == letter.to_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_of_an_upload_is_taken_than_the_server_takes() {
    // Listens and reads nothing behind the announcement of the literal.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let tag = line.split(' ').next().unwrap().to_owned();
            if line.contains("APPEND") {
                std::future::pending::<()>().await;
            }
            let answer = format!("* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n{tag} OK x\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let fake = ImapServer::start().unwrap();
    let mut config = config(&fake);
    config.port = port;
    config.timeout = Duration::from_secs(2);
    let mailbox = inbox(&ImapStore::new(config)).await;
    let given = Arc::new(AtomicU64::new(0));
    let mut body = Counted { letter: message::huge(3, LARGE), given: Arc::clone(&given) };
    let error = match mailbox.stage(desk::message(""), &mut body).await {
        Err(error) => error,
        Ok(staged) => mailbox.commit(vec![staged]).await.pop().unwrap().unwrap_err(),
    };
    assert!(error.to_string().contains("timed out"), "{error}");
    let given = given.load(Ordering::SeqCst);
    assert!(given < SYSTEM_BUFFERS, "{given} octets were taken");
    server.abort();
}
