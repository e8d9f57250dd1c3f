use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A self-signed certificate with its key, made for one test.
#[derive(Clone, Debug)]
pub struct Certificate {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The names are unsuitable.
    #[error("cannot make a certificate for {names:?}")]
    Generate {
        /// The names asked for.
        names: Vec<String>,
        /// What the generator says.
        source: rcgen::Error,
    },
    /// The TLS library refuses it.
    #[error("the TLS library refuses the certificate for {names:?}")]
    Refused {
        /// The names asked for.
        names: Vec<String>,
        /// What the library says.
        source: rustls::Error,
    },
}

impl Certificate {
    /// A certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    ///
    /// The libraries fail.
    pub fn for_localhost() -> Result<Self, CertificateError> {
        Self::for_names(&["localhost", "127.0.0.1"])
    }

    /// A certificate for other names, for example wrong ones.
    ///
    /// # Errors
    ///
    /// A name is neither a host name nor an address.
    pub fn for_names(names: &[&str]) -> Result<Self, CertificateError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names.clone())
            .map_err(|source| CertificateError::Generate { names: names.clone(), source })?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)
            })
            .map_err(|source| CertificateError::Refused { names, source })?;
        Ok(Self {
            pem: cert.pem(),
            key_pem: signing_key.serialize_pem(),
            der: cert.der().clone(),
            config: Arc::new(config),
        })
    }

    /// The certificate in PEM form, for the client's trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its private key in PEM form, for real servers.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificate in DER form, for fingerprints.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}
