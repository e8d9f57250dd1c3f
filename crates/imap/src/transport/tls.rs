//! What a TLS connection trusts, speaks and shows, and the client configuration that follows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::transport::fingerprint::CertificateFingerprint;
use crate::transport::verifier::{TrustError, TrustVerifier};

/// What the server's certificate is checked against (with several, all must agree), which versions
/// are spoken, and what the server learns of us.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// The CA certificates.
    pub authorities: Authorities,
    /// Accepted certificates themselves; one of them must be the server's. Sufficient without CA
    /// certificates.
    pub fingerprints: Vec<CertificateFingerprint>,
    /// The versions of TLS.
    pub versions: TlsVersions,
    /// What is shown to a server that asks for a certificate.
    pub client_certificate: Option<ClientCertificate>,
}

/// Which versions of TLS are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// The best of 1.2 and 1.3 that the server has.
    #[default]
    Best,
    /// 1.2 and no other.
    Only12,
}

/// A certificate of the user's own, with its key. The files are read before the first connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// A PEM file with the certificate, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// A PEM file with the private key, without a passphrase; it may be the same file.
    pub key: PathBuf,
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
    /// The file of the client certificate cannot be read, or has no certificate.
    #[error("cannot read the client certificate in {}", path.display())]
    ClientCertificate {
        /// The file.
        path: PathBuf,
        /// What the system or the PEM reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file of the client certificate's key cannot be read, or has no key.
    #[error("cannot read the key of the client certificate in {}", path.display())]
    ClientKey {
        /// The file.
        path: PathBuf,
        /// What the system or the PEM reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key is locked with a passphrase.
    #[error(
        "the key of the client certificate in {} is encrypted: write the key without a passphrase, to a \
         file that only you can read (`openssl pkey -in {} -out FILE`)",
        path.display(),
        path.display()
    )]
    EncryptedClientKey {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error(
        "the client certificate in {} cannot be used with the key in {}",
        certificate.display(),
        key.display()
    )]
    ClientPair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What the TLS library said.
        source: rustls::Error,
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
        let versions: &[&SupportedProtocolVersion] = match self.versions {
            TlsVersions::Best => &[&TLS13, &TLS12],
            TlsVersions::Only12 => &[&TLS12],
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(TlsConfigError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &self.client_certificate {
            None => builder.with_no_client_auth(),
            Some(own) => {
                builder.with_client_auth_cert(own.chain()?, own.key()?).map_err(|source| {
                    let ClientCertificate { certificate, key } = own.clone();
                    TlsConfigError::ClientPair { certificate, key, source }
                })?
            }
        };
        Ok(Arc::new(config))
    }
}

impl ClientCertificate {
    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
        let unreadable =
            |source| TlsConfigError::ClientCertificate { path: self.certificate.clone(), source };
        let text = std::fs::read(&self.certificate).map_err(|error| unreadable(error.into()))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(error.into()))?;
        if chain.is_empty() {
            return Err(unreadable("there is no certificate in PEM form".into()));
        }
        Ok(chain)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
        let unreadable = |source| TlsConfigError::ClientKey { path: self.key.clone(), source };
        let text = std::fs::read(&self.key).map_err(|error| unreadable(error.into()))?;
        let has = |words: &[u8]| text.windows(words.len()).any(|window| window == words);
        if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
            return Err(TlsConfigError::EncryptedClientKey { path: self.key.clone() });
        }
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| unreadable(error.into()))
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
