//! The same over a compressed connection (RFC 4978).

use offlineimap_core::{Store as _, Stored};
use offlineimap_imap::{Compress, ImapConfig, ImapStore, Security};
use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message;
use offlineimap_testkit::server::{
    Capability, Certificate, Cut, Fault, ImapServer, ImapServerBuilder, Misbehaviour,
};
use tempfile::TempDir;

use crate::desk::{self, Basket, config, inbox, keys, put};

fn compressing() -> ImapServerBuilder {
    ImapServer::builder().with(Capability::CompressDeflate)
}

fn compressed(server: &ImapServer) -> ImapConfig {
    ImapConfig {
        compress: Compress::IfOffered,
        max_connections: std::num::NonZeroUsize::MIN,
        ..config(server)
    }
}

/// Stores a message that compresses well and one that does not, and fetches both.
async fn there_and_back(store: &ImapStore) {
    let mailbox = inbox(store).await;
    let well = [b"Subject: well\r\n\r\n".as_slice(), &b"again \r\n".repeat(100_000)].concat();
    let badly = message::random(1, 700_000).to_bytes().to_vec();
    for letter in [&well, &badly] {
        let stored = put(&*mailbox, letter, desk::message("S")).await.unwrap();
        let Stored::At(key) = stored else { panic!("the server tells the UID") };
        let mut basket = Basket::default();
        mailbox.fetch(std::slice::from_ref(&key), &mut basket).await.unwrap();
        assert!(basket.received[&key].1 == *letter);
    }
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 2);
    store.close().await;
}

#[tokio::test]
async fn messages_go_through_a_compressed_connection_unchanged() {
    let server = compressing().start().unwrap();
    there_and_back(&ImapStore::new(compressed(&server))).await;
    assert_eq!(server.log().count("COMPRESS"), 1);
}

#[tokio::test]
async fn nobody_is_asked_to_compress_who_does_not_offer_it_or_was_not_to_be_asked() {
    let server = ImapServer::start().unwrap();
    there_and_back(&ImapStore::new(compressed(&server))).await;
    assert_eq!(server.log().count("COMPRESS"), 0);
    let server = compressing().start().unwrap();
    there_and_back(&ImapStore::new(config(&server))).await;
    assert_eq!(server.log().count("COMPRESS"), 0);
}

#[tokio::test]
async fn a_server_that_refuses_to_compress_is_used_all_the_same() {
    let server = compressing().start().unwrap();
    server.fail(Fault::on("COMPRESS").every_time().then_no("[COMPRESSIONACTIVE] TLS does"));
    there_and_back(&ImapStore::new(compressed(&server))).await;
    assert_eq!(server.log().count("COMPRESS"), 1);
}

#[tokio::test]
async fn a_compressed_fetch_goes_on_wherever_it_is_cut() {
    let stocked = || {
        let server = compressing().start().unwrap();
        for number in 0..5 {
            server.mail().add("INBOX", message::random(number, 3_000)).unwrap();
        }
        server
    };
    let whole = {
        let server = stocked();
        let mut basket = Basket::default();
        let mailbox = inbox(&ImapStore::new(compressed(&server))).await;
        mailbox.fetch(&keys(1..=5), &mut basket).await.unwrap();
        basket.received
    };
    for cut in (0..16_000).step_by(531) {
        for how in [Cut::Close, Cut::Reset] {
            let server = stocked();
            let mailbox = inbox(&ImapStore::new(compressed(&server))).await;
            server.fail(Fault::on("UID FETCH").then(Misbehaviour::CutAfterBytes(cut, how)));
            let mut basket = Basket::default();
            mailbox.fetch(&keys(1..=5), &mut basket).await.unwrap();
            assert!(basket.received == whole, "cut after {cut} octets by {how:?}");
        }
    }
}

#[tokio::test]
async fn dovecot_compresses_in_the_clear_and_within_tls() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_localhost().unwrap();
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, certificate.pem()).unwrap();
    let server = Dovecot::builder()
        .certificate(certificate)
        .configuration("protocol imap {\n mail_plugins = imap_zlib\n}")
        .start()
        .unwrap();
    let endpoint = server.endpoint();
    let clear = desk::real(endpoint);
    let mut secured = desk::real(endpoint);
    secured.port = endpoint.tls_address.unwrap().port();
    secured.security = Security::Implicit;
    secured.tls.authorities = offlineimap_imap::Authorities::File(path);
    for mut config in [clear, secured] {
        config.compress = Compress::IfOffered;
        let store = ImapStore::new(config);
        let mailbox = inbox(&store).await;
        let before = mailbox.observe().await.unwrap().items().len();
        let letter = [b"a: b\r\n\r\n".as_slice(), &b"text \r\n".repeat(50_000)].concat();
        let stored = put(&*mailbox, &letter, desk::message("")).await.unwrap();
        let Stored::At(key) = stored else { panic!("Dovecot tells the UID") };
        let mut basket = Basket::default();
        mailbox.fetch(std::slice::from_ref(&key), &mut basket).await.unwrap();
        assert!(basket.received[&key].1 == letter);
        assert_eq!(mailbox.observe().await.unwrap().items().len(), before + 1);
        store.close().await;
    }
}
