//! What a TLS connection trusts, and the client configuration that follows from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::transport::fingerprint::CertificateFingerprint;
use crate::transport::verifier::{TrustError, TrustVerifier};

/// What the server's certificate is checked against. With several, all must agree.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// The CA certificates.
    pub authorities: Authorities,
    /// Accepted certificates themselves; one of them must be the server's. Sufficient without CA
    /// certificates.
    pub fingerprints: Vec<CertificateFingerprint>,
}

/// Where CA certificates come from (`sslcacertfile`).
#[derive(Debug, Clone, Default)]
pub enum Authorities {
    /// There are none.
    #[default]
    None,
    /// A file in PEM form.
    File(PathBuf),
    /// `OS-DEFAULT`: the first existing of the usual places, then of these. (`$SSL_CERT_FILE`
    /// belongs here: this crate does not read the environment.)
    OsDefault(Vec<PathBuf>),
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// Neither CA certificates nor fingerprints are configured.
    #[error(
        "no CA certificates and no server fingerprints configured: there is nothing to check \
         the server's certificate against (see sslcacertfile and cert_fingerprint)"
    )]
    NothingToTrust,
    /// A file of certificates cannot be read.
    #[error("cannot read the CA certificates in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or the PEM reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file has no certificate that can be used.
    #[error("no usable CA certificate in {}", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// `OS-DEFAULT` found nothing.
    #[error("default CA bundle was requested, but no existing locations available; tried {tried}")]
    NoDefaultBundle {
        /// The places, separated by commas.
        tried: String,
    },
    /// The cryptography cannot be set up.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

impl TlsOptions {
    /// Reads the certificates and builds the configuration of a TLS client. Blocks on files.
    ///
    /// # Errors
    ///
    /// If there is nothing to trust, or what is configured cannot be read.
    pub(crate) fn client_config(&self) -> Result<Arc<ClientConfig>, TlsConfigError> {
        let (path, certificates) = match &self.authorities {
            Authorities::None => (None, Vec::new()),
            Authorities::File(path) => (Some(path.clone()), pem_file(path)?),
            Authorities::OsDefault(more) => {
                let path = default_bundle(more)?;
                let found = rustls_native_certs::load_certs_from_paths(Some(&path), None);
                for error in &found.errors {
                    tracing::warn!("{}: {error}", path.display());
                }
                (Some(path), found.certs)
            }
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let fingerprints = self.fingerprints.clone();
        let verifier = match (path, certificates.is_empty()) {
            (Some(path), true) => return Err(TlsConfigError::NoCertificate { path }),
            (path, _) => TrustVerifier::new(fingerprints, certificates, Arc::clone(&provider))
                .map_err(|error| match (error, path) {
                    (TrustError::NoUsableCertificate(_), Some(path)) => {
                        TlsConfigError::NoCertificate { path }
                    }
                    _ => TlsConfigError::NothingToTrust,
                })?,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsConfigError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn pem_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let unreadable = |source| TlsConfigError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
    CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.into()))
}

fn default_bundle(more: &[PathBuf]) -> Result<PathBuf, TlsConfigError> {
    let candidates: Vec<PathBuf> =
        DEFAULT_BUNDLES.iter().map(PathBuf::from).chain(more.iter().cloned()).collect();
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let tried: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        TlsConfigError::NoDefaultBundle { tried: tried.join(", ") }
    })
}

/// Where systems keep their CA certificates (`spec/config.md` §8.6).
const DEFAULT_BUNDLES: [&str; 10] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/opt/local/share/curl/curl-ca-bundle.crt",
    "/opt/local/etc/openssl/cert.pem",
    "/usr/local/etc/openssl/cert.pem",
    "/usr/local/etc/openssl@3/cert.pem",
    "/opt/homebrew/etc/openssl@3/cert.pem",
];
