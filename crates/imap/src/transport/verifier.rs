//! Whether a server's certificate is trusted.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::transport::certificate::{CertificateFields, Validity, common_name_matches};
use crate::transport::fingerprint::CertificateFingerprint;

/// Checks a server against fingerprints, against CA certificates, or against both.
///
/// A fingerprint alone is sufficient: it names the very certificate. Where there are CA
/// certificates too, both must agree. A certificate that is itself in the CA file is trusted
/// although it is no CA's child, if name and dates are right: users put the self-signed
/// certificate of their server there, and those say CA:TRUE more often than not, which webpki
/// refuses for a server.
#[derive(Debug)]
pub(crate) struct TrustVerifier {
    fingerprints: Vec<CertificateFingerprint>,
    authorities: Option<Authorities>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    webpki: Arc<WebPkiServerVerifier>,
}

/// Why a verifier could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// There is nothing to check a server against.
    #[error("nothing to check the server's certificate against")]
    Nothing,
    /// None of the certificates can be used.
    #[error("no usable CA certificate")]
    NoUsableCertificate(#[source] rustls::client::VerifierBuilderError),
}

/// The server's certificate is none of the pinned ones.
#[derive(Debug, thiserror::Error)]
#[error("certificate has the SHA-256 fingerprint {seen}, which is not a configured one")]
struct UnknownFingerprint {
    seen: CertificateFingerprint,
}

impl TrustVerifier {
    pub(crate) fn new(
        fingerprints: Vec<CertificateFingerprint>,
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TrustError> {
        if fingerprints.is_empty() && certificates.is_empty() {
            return Err(TrustError::Nothing);
        }
        let mut authorities = None;
        if !certificates.is_empty() {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates.iter().cloned());
            let webpki =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .map_err(TrustError::NoUsableCertificate)?;
            authorities = Some(Authorities { certificates, webpki });
        }
        Ok(Self { fingerprints, authorities, provider })
    }
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = self.fingerprints.iter().any(|fingerprint| fingerprint.matches(end_entity));
        if !pinned && !self.fingerprints.is_empty() {
            let seen = CertificateFingerprint::sha256(end_entity);
            let other = OtherError(Arc::new(UnknownFingerprint { seen }));
            return Err(Error::InvalidCertificate(CertificateError::Other(other)));
        }
        match &self.authorities {
            Some(authorities) if authorities.certificates.contains(end_entity) => {
                verify_known(end_entity, server_name, now)
            }
            Some(authorities) => authorities.webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            // `new` demands one of the two, so this certificate is pinned.
            None if pinned => Ok(ServerCertVerified::assertion()),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Checks name and dates of a certificate that the user trusts as it is.
fn verify_known(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let invalid = |reason| Err(Error::InvalidCertificate(reason));
    let Some(fields) = CertificateFields::parse(certificate) else {
        return invalid(CertificateError::BadEncoding);
    };
    match fields.validity_at(now) {
        Validity::NotYet => return invalid(CertificateError::NotValidYet),
        Validity::Expired => return invalid(CertificateError::Expired),
        Validity::Valid => {}
    }
    match verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name) {
        Ok(()) => Ok(ServerCertVerified::assertion()),
        // Without alternative names the commonName counts (RFC 6125 §6.4.4): certificates made by
        // hand for one's own server have nothing else.
        Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        })) if presented.is_empty()
            && fields
                .common_name
                .is_some_and(|name| common_name_matches(name, &server_name.to_str())) =>
        {
            Ok(ServerCertVerified::assertion())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
