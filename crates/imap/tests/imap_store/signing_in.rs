//! Trust, TLS, and who we are.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use offlineimap_core::{Access, Store as _, StoreError, StoreErrorKind, Stored};
use offlineimap_imap::{
    Authorities, ImapConfig, ImapStore, KnownSecret, LoginMethod, SecretProvider, Security,
    StartTlsWish, TlsOptions,
};
use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::server::{
    Capability, Certificate, Fault, ImapServer, Misbehaviour, Quirk,
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::desk::{self, config, name};

/// A client that talks TLS with a server of this certificate.
fn tls(server: &ImapServer, trust: TlsOptions) -> ImapConfig {
    let mut config = config(server);
    "localhost".clone_into(&mut config.host);
    config.security = Security::Implicit;
    config.tls = trust;
    config
}

fn trusting_file(directory: &TempDir, pem: &str) -> TlsOptions {
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    TlsOptions { authorities: Authorities::File(path), ..TlsOptions::default() }
}

fn trusting_fingerprint(text: &str) -> TlsOptions {
    TlsOptions { fingerprints: vec![text.parse().unwrap()], ..TlsOptions::default() }
}

async fn sign_in(config: ImapConfig) -> Result<(), StoreError> {
    ImapStore::new(config).list().await.map(drop)
}

/// Expects that the store cannot be used, and why, without a word about the password.
async fn refused(config: ImapConfig, why: &str) {
    let error = sign_in(config).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store, "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains(why), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_self_signed_certificate_in_the_ca_file_is_trusted() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_localhost().unwrap();
    let pem = certificate.pem().to_owned();
    let server = ImapServer::builder().implicit_tls(certificate).start().unwrap();
    sign_in(tls(&server, trusting_file(&directory, &pem))).await.unwrap();
    assert!(server.log().all().iter().all(|observed| observed.tls));
    let mut by_address = tls(&server, trusting_file(&directory, &pem));
    by_address.host = "127.0.0.1".to_owned();
    sign_in(by_address).await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_nobody_we_trust_is_refused() {
    let directory = TempDir::new().unwrap();
    let other = Certificate::for_localhost().unwrap();
    let server =
        ImapServer::builder().implicit_tls(Certificate::for_localhost().unwrap()).start().unwrap();
    let trust = trusting_file(&directory, other.pem());
    refused(tls(&server, trust), "no trusted TLS connection with localhost").await;
    assert!(server.log().lines().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_names(&["mail.example.org"]).unwrap();
    let trust = trusting_file(&directory, certificate.pem());
    let server = ImapServer::builder().implicit_tls(certificate).start().unwrap();
    refused(tls(&server, trust), "not valid for name").await;
}

#[tokio::test]
async fn a_fingerprint_of_each_kind_is_enough() {
    let certificate = Certificate::for_names(&["mail.example.org"]).unwrap();
    let der = certificate.der().clone();
    let server = ImapServer::builder().implicit_tls(certificate).start().unwrap();
    for text in fingerprints(&der) {
        sign_in(tls(&server, trusting_fingerprint(&text))).await.unwrap();
        let wrong: String = text.chars().rev().collect();
        refused(tls(&server, trusting_fingerprint(&wrong)), "which is not a configured one").await;
    }
}

/// The five digests of a certificate.
fn fingerprints(der: &[u8]) -> [String; 5] {
    use sha1::{Digest as _, Sha1};
    use sha2::{Sha224, Sha256, Sha384, Sha512};
    fn hex(digest: &[u8]) -> String {
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
    [
        hex(&Sha1::digest(der)),
        hex(&Sha224::digest(der)),
        hex(&Sha256::digest(der)),
        hex(&Sha384::digest(der)),
        hex(&Sha512::digest(der)),
    ]
}

#[tokio::test]
async fn fingerprint_and_ca_file_must_agree() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_localhost().unwrap();
    let other = Certificate::for_localhost().unwrap();
    let (pem, der) = (certificate.pem().to_owned(), certificate.der().clone());
    let server = ImapServer::builder().implicit_tls(certificate).start().unwrap();
    let right = fingerprints(&der)[2].parse().unwrap();
    let wrong = fingerprints(other.der())[2].parse().unwrap();
    let both = |pem, fingerprint| TlsOptions {
        fingerprints: vec![fingerprint],
        ..trusting_file(&directory, pem)
    };
    sign_in(tls(&server, both(&pem, right))).await.unwrap();
    refused(tls(&server, both(&pem, wrong)), "fingerprint").await;
    let right = fingerprints(&der)[2].parse().unwrap();
    refused(tls(&server, both(other.pem(), right)), "no trusted TLS").await;
}

#[tokio::test]
async fn without_anything_to_trust_there_is_no_connection() {
    let server =
        ImapServer::builder().implicit_tls(Certificate::for_localhost().unwrap()).start().unwrap();
    let nothing = "no CA certificates and no server fingerprints configured";
    refused(tls(&server, TlsOptions::default()), nothing).await;
}

#[tokio::test]
async fn a_missing_or_useless_ca_file_is_named() {
    let directory = TempDir::new().unwrap();
    let server = ImapServer::start().unwrap();
    let path = PathBuf::from("/does/not/exist.pem");
    let gone = TlsOptions { authorities: Authorities::File(path), ..TlsOptions::default() };
    refused(tls(&server, gone), "/does/not/exist.pem").await;
    let trust = trusting_file(&directory, "no certificate at all\n");
    refused(tls(&server, trust), "no usable CA certificate in").await;
}

#[tokio::test]
async fn start_tls_is_verified_like_tls() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_localhost().unwrap();
    let pem = certificate.pem().to_owned();
    let server = ImapServer::builder().start_tls(certificate).start().unwrap();
    let client = |trust| ImapConfig {
        security: Security::StartTls(StartTlsWish::Explicit),
        ..tls(&server, trust)
    };
    sign_in(client(trusting_file(&directory, &pem))).await.unwrap();
    let in_the_clear: Vec<String> = server
        .log()
        .all()
        .into_iter()
        .filter(|observed| !observed.tls)
        .map(|observed| observed.line)
        .collect();
    assert_eq!(in_the_clear.last().map(String::as_str), Some("STARTTLS"));
    server.log().clear();
    let other = Certificate::for_localhost().unwrap();
    refused(client(trusting_file(&directory, other.pem())), "no trusted TLS").await;
    refused(client(TlsOptions::default()), "no CA certificates").await;
    assert!(server.log().all().iter().all(|observed| !observed.line.contains("AUTHENTICATE")));
}

#[tokio::test]
async fn dovecot_speaks_tls_in_both_ways() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::for_localhost().unwrap();
    let trust = trusting_file(&directory, certificate.pem());
    let server = Dovecot::builder().certificate(certificate).start().unwrap();
    let endpoint = server.endpoint();
    for (port, security) in [
        (endpoint.tls_address.unwrap().port(), Security::Implicit),
        (endpoint.address.port(), Security::StartTls(StartTlsWish::Explicit)),
    ] {
        let config = ImapConfig { port, security, tls: trust.clone(), ..desk::real(endpoint) };
        let store = ImapStore::new(config);
        let mailbox = desk::inbox(&store).await;
        let letter = offlineimap_testkit::message::random(1, 700_000).to_bytes();
        let stored = desk::put(&*mailbox, &letter, desk::message("S")).await.unwrap();
        let Stored::At(key) = stored else { panic!("Dovecot tells the UID") };
        let mut basket = desk::Basket::default();
        mailbox.fetch(std::slice::from_ref(&key), &mut basket).await.unwrap();
        assert!(basket.received[&key].1 == letter);
        store.close().await;
    }
}

#[tokio::test]
async fn start_tls_is_never_given_up_silently() {
    let fingerprint = fingerprints(Certificate::for_localhost().unwrap().der())[2].clone();
    let server = ImapServer::start().unwrap();
    let client = |wish, host: &str| ImapConfig {
        host: host.to_owned(),
        security: Security::StartTls(wish),
        ..tls(&server, trusting_fingerprint(&fingerprint))
    };
    refused(client(StartTlsWish::Explicit, "localhost"), "does not offer STARTTLS").await;
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
    // Asked for by nobody, and nobody can listen: with a warning.
    sign_in(client(StartTlsWish::Default, "localhost")).await.unwrap();
    sign_in(client(StartTlsWish::Default, "127.0.0.1")).await.unwrap();
}

#[tokio::test]
async fn a_refused_start_tls_ends_the_attempt() {
    let certificate = Certificate::for_localhost().unwrap();
    let fingerprint = fingerprints(certificate.der())[2].clone();
    let server = ImapServer::builder().start_tls(certificate).start().unwrap();
    let client = || ImapConfig {
        security: Security::StartTls(StartTlsWish::Default),
        ..tls(&server, trusting_fingerprint(&fingerprint))
    };
    server.fail(Fault::on("STARTTLS").every_time().then_no("broken"));
    refused(client(), "broken").await;
    server.clear_faults();
    // What somebody put into the stream in the clear must not count behind TLS.
    let injected = "{tag} OK go ahead\r\n* PREAUTH welcome\r\n".to_owned();
    server.fail(Fault::on("STARTTLS").every_time().then(Misbehaviour::Raw(injected)));
    refused(client(), "in the open behind the answer to STARTTLS").await;
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
}

#[tokio::test]
async fn a_preauthenticated_server_cannot_start_tls() {
    let certificate = Certificate::for_localhost().unwrap();
    let fingerprint = fingerprints(certificate.der())[2].clone();
    let server =
        ImapServer::builder().start_tls(certificate).quirk(Quirk::Preauth).start().unwrap();
    let client = ImapConfig {
        security: Security::StartTls(StartTlsWish::Default),
        ..tls(&server, trusting_fingerprint(&fingerprint))
    };
    refused(client, "PREAUTH").await;
}

#[tokio::test]
async fn every_method_signs_in() {
    for (method, verb) in [
        (LoginMethod::CramMd5, "AUTHENTICATE"),
        (LoginMethod::Plain, "AUTHENTICATE"),
        (LoginMethod::Login, "LOGIN"),
    ] {
        let server = ImapServer::builder()
            .credentials("t\u{e4}ster \"x\"", "s\u{e9}cret \\ }{")
            .start()
            .unwrap();
        let config = ImapConfig { login_methods: vec![method], ..config(&server) };
        sign_in(config).await.unwrap();
        assert_eq!(server.log().count(verb), 1, "{method:?}");
        assert_eq!(server.log().count("ID"), 1, "we introduce ourselves");
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = ImapServer::start().unwrap();
    let mut config = config(&server);
    config.secret = Arc::new(KnownSecret("open sesame".into()));
    config.max_connections = NonZeroUsize::new(5).unwrap();
    let store = Arc::new(ImapStore::new(config));
    let attempts: Vec<_> = (0..5)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.open(&name("INBOX"), Access::ReadWrite).await.err() })
        })
        .collect();
    for attempt in attempts {
        let error = attempt.await.unwrap().unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Store);
        let text = error.to_string();
        for word in ["127.0.0.1", &server.port().to_string(), "tester", "CRAM-MD5"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
    }
    let tries = server.log().count("AUTHENTICATE") + server.log().count("LOGIN");
    assert_eq!(tries, 1, "{:?}", server.log().lines());
}

#[tokio::test]
async fn a_method_that_the_server_cannot_do_is_passed_over() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("AUTHENTICATE").containing("CRAM").then_no("[CANNOT] no secrets here"));
    sign_in(config(&server)).await.unwrap();
    let server = ImapServer::builder().only(&[Capability::LoginDisabled]).start().unwrap();
    refused(config(&server), "offers none of the allowed ways").await;
}

struct Asked {
    times: AtomicUsize,
}

#[async_trait]
impl SecretProvider for Asked {
    async fn secret(&self) -> Result<SecretString, StoreError> {
        self.times.fetch_add(1, Ordering::SeqCst);
        Ok("secret".into())
    }
}

#[tokio::test]
async fn the_password_is_asked_for_once() {
    let server = ImapServer::start().unwrap();
    let asked = Arc::new(Asked { times: AtomicUsize::new(0) });
    let mut config = config(&server);
    config.secret = Arc::clone(&asked) as Arc<dyn SecretProvider>;
    let store = ImapStore::new(config);
    for _ in 0..3 {
        let mailbox = store.open(&name("INBOX"), Access::ReadWrite).await.unwrap();
        server.fail(Fault::on("UID FETCH").then_bye("restarting"));
        server.mail().add("INBOX", "a: b\r\n\r\n").unwrap();
        mailbox.observe().await.unwrap();
        server.clear_faults();
    }
    assert!(server.log().connections() > 1);
    assert_eq!(asked.times.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_connection_names_host_and_port() {
    let server = ImapServer::start().unwrap();
    let config = config(&server);
    let port = server.port();
    drop(server);
    refused(config, &format!("cannot connect to 127.0.0.1:{port}")).await;
}

#[tokio::test]
async fn a_server_with_enough_of_us_gets_fewer_connections() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", "a: b\r\n\r\n").unwrap();
    let full = "[UNAVAILABLE] Maximum number of connections from user+IP exceeded";
    server.fail(Fault::on("AUTHENTICATE").from_nth(3).then_no(full));
    let mut config = config(&server);
    config.max_connections = NonZeroUsize::new(6).unwrap();
    let store = Arc::new(ImapStore::new(config));
    let users: Vec<_> = (0..12)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mailbox = store.open(&name("INBOX"), Access::ReadWrite).await?;
                mailbox.observe().await.map(|seen| seen.items().len())
            })
        })
        .collect();
    for user in users {
        assert_eq!(user.await.unwrap().unwrap(), 1);
    }
}
