//! How a repository's connections are protected.

use std::path::PathBuf;

use offlineimap_config as config;
use offlineimap_imap::{
    Authorities, CertificateFingerprint, ClientCertificate, Security, StartTlsWish, TlsOptions,
    TlsVersions,
};

use crate::environment;

/// Gathers what a repository says about TLS.
///
/// # Errors
///
/// If a fingerprint cannot be checked.
pub(super) fn security(imap: &config::ImapRepository) -> anyhow::Result<(Security, TlsOptions)> {
    let (security, trust) = match &imap.tls {
        config::TlsMode::Implicit(trust) => (Security::Implicit, trust),
        config::TlsMode::StartTls { trust, demand } => {
            let wish = match demand {
                config::StartTlsDemand::Explicit => StartTlsWish::Explicit,
                config::StartTlsDemand::ByDefault => StartTlsWish::Default,
            };
            (Security::StartTls(wish), trust)
        }
        config::TlsMode::Plain => return Ok((Security::PlainAllowed, TlsOptions::default())),
    };
    let client_certificate = imap.client_certificate.as_ref().map(|own| ClientCertificate {
        certificate: own.certificate.clone(),
        key: own.key.clone(),
    });
    let versions = match imap.tls_versions {
        config::TlsVersions::Best => TlsVersions::Best,
        config::TlsVersions::Only12 => TlsVersions::Only12,
    };
    let fingerprints = fingerprints(trust)?;
    let authorities = authorities(trust);
    Ok((security, TlsOptions { authorities, fingerprints, versions, client_certificate }))
}

fn authorities(trust: &config::Trust) -> Authorities {
    match &trust.ca {
        None => Authorities::None,
        Some(config::CaFile::Path(path)) => Authorities::File(path.clone()),
        Some(config::CaFile::OsDefault) => Authorities::OsDefault(
            environment::variable("SSL_CERT_FILE").map(PathBuf::from).into_iter().collect(),
        ),
    }
}

/// Both crates tell digests by their length; what one printed the other reads.
fn fingerprints(trust: &config::Trust) -> anyhow::Result<Vec<CertificateFingerprint>> {
    let parsed = trust.fingerprints.iter().map(|it| it.to_string().parse());
    Ok(parsed.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fingerprint_that_can_be_configured_can_be_checked() {
        for digits in [40, 56, 64, 96, 128] {
            let fingerprint: config::Fingerprint = "0f".repeat(digits / 2).parse().unwrap();
            let trust = config::Trust { ca: None, fingerprints: vec![fingerprint] };
            assert_eq!(fingerprints(&trust).unwrap().len(), 1, "{digits} digits");
        }
    }
}
