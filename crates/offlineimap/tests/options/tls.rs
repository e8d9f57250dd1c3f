//! How a server is recognised, and how it recognises us.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::server::Certificate;
use tempfile::TempDir;

use crate::rig::Rig;

/// A Dovecot with TLS, and a directory with certificates.
struct Scene {
    server: Dovecot,
    directory: TempDir,
}

impl Scene {
    /// `configuration` may speak of the directory as `DIR`.
    fn new(configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Dovecot's processes read from here.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let certificate = Certificate::for_localhost().unwrap();
        let ours = Certificate::for_names(&["tester"]).unwrap();
        for (name, text) in [
            ("server.pem", certificate.pem()),
            ("ours.pem", ours.pem()),
            ("ours.key", ours.key_pem()),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let configuration = configuration.replace("DIR", &directory.path().display().to_string());
        let builder = Dovecot::builder().certificate(certificate).configuration(&configuration);
        Self { server: builder.start().unwrap(), directory }
    }

    /// Syncs an account that is reached over TLS, with these lines in the section of the server;
    /// they may speak of the directory as `DIR`. Returns which folders came, and what was said.
    fn sync(&self, lines: &str) -> (Vec<String>, String) {
        let endpoint = self.server.endpoint();
        let port = if lines.contains("ssl = no") {
            endpoint.address.port()
        } else {
            endpoint.tls_address.unwrap().port()
        };
        let lines = lines.replace("DIR", &self.directory.path().display().to_string());
        let rig = Rig::of(endpoint).section(&format!(
            "[Account Secure]\nlocalrepository = Local\nremoterepository = Secure\n\n\
             [Repository Secure]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\n\
             remoteuser = {}\nremotepass = {}\n{lines}",
            endpoint.user, endpoint.password,
        ));
        let ended = rig.run(&["-a", "Secure"]);
        let came = rig.maildir().folders();
        assert_eq!(ended.status, Some(i32::from(came.is_empty())), "{lines}: {}", ended.output);
        (came, ended.output)
    }

    fn assert_syncs(&self, lines: &str) {
        let (came, output) = self.sync(lines);
        assert_eq!(came, ["INBOX"], "{lines}: {output}");
    }

    /// What is said of the failure.
    fn refusal(&self, lines: &str) -> String {
        let (came, output) = self.sync(lines);
        assert!(came.is_empty(), "{lines}: {output}");
        output
    }
}

#[test]
fn a_server_is_recognised_by_the_ca_file() {
    let scene = Scene::new("");
    scene.assert_syncs("sslcacertfile = DIR/server.pem");
    scene.assert_syncs("ssl = no\nstarttls = yes\nsslcacertfile = DIR/server.pem");
    let told = scene.refusal("sslcacertfile = DIR/ours.pem");
    assert!(told.contains("certificate"), "{told}");
    let told = scene.refusal("sslcacertfile = OS-DEFAULT");
    assert!(told.contains("certificate"), "{told}");
    let told = scene.refusal("sslcacertfile = DIR/nowhere.pem");
    assert!(told.contains("nowhere.pem"), "{told}");
    let told = scene.refusal("");
    assert!(told.contains("sslcacertfile") && told.contains("cert_fingerprint"), "{told}");
}

#[test]
fn a_server_is_recognised_by_the_fingerprint_that_an_error_names() {
    let scene = Scene::new("");
    let wrong = "cert_fingerprint = 0123456789abcdef0123456789abcdef01234567";
    let told = scene.refusal(wrong);
    let seen = told.split_once("has the SHA-256 fingerprint ").unwrap().1;
    let seen = seen.split_once(',').unwrap().0;
    scene.assert_syncs(&format!("cert_fingerprint = {seen}"));
    scene.assert_syncs(&format!("ssl = no\nstarttls = yes\ncert_fingerprint = {seen}"));
}

#[test]
fn a_server_that_asks_who_we_are_is_shown_our_certificate() {
    let scene = Scene::new(
        "ssl_ca = <DIR/ours.pem\nssl_require_crl = no\nssl_verify_client_cert = yes\n\
         auth_ssl_require_client_cert = yes",
    );
    let known = "sslcacertfile = DIR/server.pem";
    scene.assert_syncs(&format!(
        "{known}\nsslclientcert = DIR/ours.pem\nsslclientkey = DIR/ours.key"
    ));
    scene.refusal(known);
    let told =
        scene.refusal(&format!("{known}\nsslclientcert = DIR/ours.pem\nsslclientkey = DIR/no.key"));
    assert!(told.contains("no.key"), "{told}");
}

#[test]
fn just_the_version_of_tls_is_spoken_that_the_level_permits() {
    let scene = Scene::new("ssl_min_protocol = TLSv1.2");
    let known = "sslcacertfile = DIR/server.pem";
    scene.assert_syncs(&format!("{known}\ntls_level = tls_secure\nssl_version = tls1_2"));
    for (version, level) in [("tls1", "tls_secure"), ("ssl3", "tls_no_ssl")] {
        let lines = format!("{known}\ntls_level = {level}\nssl_version = {version}");
        let told = scene.refusal(&lines);
        assert!(told.contains("ssl_version"), "{told}");
    }
    let told = scene.refusal(&format!("{known}\ntls_level = tls_secure"));
    assert!(told.contains("tls_level") && told.contains("ssl_version"), "{told}");
}
