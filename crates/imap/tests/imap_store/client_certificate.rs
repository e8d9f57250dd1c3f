//! What a server learns of us in the TLS handshake, and in which version of TLS.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use offlineimap_core::{Store as _, StoreError, StoreErrorKind};
use offlineimap_imap::{
    Authorities, ClientCertificate, ImapConfig, ImapStore, Security, TlsOptions, TlsVersions,
};
use offlineimap_testkit::dovecot::{Dovecot, DovecotBuilder};
use offlineimap_testkit::server::Certificate;
use tempfile::TempDir;

use crate::desk;

/// A Dovecot with TLS, and a directory with its certificate and with ours.
struct Scene {
    directory: TempDir,
    server: Dovecot,
}

impl Scene {
    fn new(configure: impl FnOnce(DovecotBuilder, &Path) -> DovecotBuilder) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        // Dovecot's processes read the authority from here.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let certificate = Certificate::for_localhost().unwrap();
        std::fs::write(path.join("server.pem"), certificate.pem()).unwrap();
        for name in ["own", "other"] {
            let own = Certificate::for_names(&["tester"]).unwrap();
            std::fs::write(path.join(format!("{name}.pem")), own.pem()).unwrap();
            std::fs::write(path.join(format!("{name}.key")), own.key_pem()).unwrap();
            std::fs::write(path.join(format!("{name}.both")), [own.key_pem(), own.pem()].concat())
                .unwrap();
        }
        let builder = Dovecot::builder().certificate(certificate);
        let server = configure(builder, path).start().unwrap();
        Self { directory, server }
    }

    /// A server that talks to nobody without a certificate that it knows.
    fn demanding() -> Self {
        Self::new(|builder, directory| {
            builder.configuration(&format!(
                "ssl_ca = <{}\nssl_require_crl = no\nssl_verify_client_cert = yes\n\
                 auth_ssl_require_client_cert = yes",
                directory.join("own.pem").display()
            ))
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn config(&self, security: Security) -> ImapConfig {
        let endpoint = self.server.endpoint();
        let address = match security {
            Security::Implicit => endpoint.tls_address.unwrap(),
            Security::StartTls(_) | Security::PlainAllowed => endpoint.address,
        };
        let tls = TlsOptions {
            authorities: Authorities::File(self.file("server.pem")),
            ..TlsOptions::default()
        };
        ImapConfig { port: address.port(), security, tls, ..desk::real(endpoint) }
    }

    /// Signs in with a certificate and a key of these names, in either version of TLS.
    async fn sign_in(&self, certificate: &str, key: &str) -> Result<(), StoreError> {
        for security in
            [Security::Implicit, Security::StartTls(offlineimap_imap::StartTlsWish::Explicit)]
        {
            for versions in [TlsVersions::Best, TlsVersions::Only12] {
                let mut config = self.config(security);
                config.tls.versions = versions;
                let (certificate, key) = (self.file(certificate), self.file(key));
                config.tls.client_certificate = Some(ClientCertificate { certificate, key });
                sign_in(config).await?;
            }
        }
        Ok(())
    }
}

async fn sign_in(config: ImapConfig) -> Result<(), StoreError> {
    let store = ImapStore::new(config);
    let listed = store.list().await.map(drop);
    store.close().await;
    listed
}

/// What is told about an error, with its causes.
fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        write!(text, ": {error}").unwrap();
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_ours() {
    let scene = Scene::demanding();
    scene.sign_in("own.pem", "own.key").await.unwrap();
    scene.sign_in("own.both", "own.both").await.unwrap();
}

#[tokio::test]
async fn without_the_right_certificate_there_is_no_sign_in() {
    let scene = Scene::demanding();
    for config in [scene.config(Security::Implicit)] {
        let error = sign_in(config).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Store, "{}", told(&error));
    }
    let error = scene.sign_in("other.pem", "other.key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store, "{}", told(&error));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_before_anything_is_connected() {
    let scene = Scene::new(|builder, _| builder);
    std::fs::write(scene.file("text"), "no PEM at all\n").unwrap();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(scene.file("locked.key"), locked).unwrap();
    for (certificate, key, why) in [
        ("gone.pem", "own.key", "cannot read the client certificate in"),
        ("text", "own.key", "there is no certificate in PEM form"),
        ("own.pem", "gone.key", "cannot read the key of the client certificate in"),
        ("own.pem", "own.pem", "cannot read the key of the client certificate in"),
        ("own.pem", "locked.key", "is encrypted: write the key without a passphrase"),
        ("own.pem", "other.key", "cannot be used with the key in"),
    ] {
        let error = scene.sign_in(certificate, key).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Store);
        let text = told(&error);
        assert!(text.contains(why), "{certificate}, {key}: {text}");
        let named = if why.contains("key") { key } else { certificate };
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn exactly_one_version_of_tls_is_spoken_when_that_is_asked_for() {
    let version = |scene: &Scene, versions| {
        let mut config = scene.config(Security::Implicit);
        config.tls.versions = versions;
        sign_in(config)
    };
    let modern = Scene::new(|builder, _| builder.configuration("ssl_min_protocol = TLSv1.3"));
    version(&modern, TlsVersions::Best).await.unwrap();
    let error = version(&modern, TlsVersions::Only12).await.unwrap_err();
    assert!(told(&error).contains("no trusted TLS connection with"), "{}", told(&error));
    let ordinary = Scene::new(|builder, _| builder);
    version(&ordinary, TlsVersions::Only12).await.unwrap();
}
