//! Certificates of every kind before the verifier.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use std::time::Duration;

const HOST: &str = "mail.example.org";

/// 2030-01-01.
const NOW: Duration = Duration::from_hours(21_915 * 24);

fn valid(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2029, 1, 1);
    params.not_after = rcgen::date_time_ymd(2031, 1, 1);
    params
}

fn self_signed(params: &CertificateParams) -> CertificateDer<'static> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

/// An authority, and a certificate that it gave.
fn chain(params: &CertificateParams) -> (CertificateDer<'static>, CertificateDer<'static>) {
    let mut authority = valid(&[]);
    authority.distinguished_name.push(DnType::CommonName, "Test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&key).unwrap().der().clone();
    let issuer = Issuer::new(authority, key);
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone();
    (root, leaf)
}

fn check(
    authorities: &[&CertificateDer<'static>],
    leaf: &CertificateDer<'static>,
    host: &str,
) -> Result<(), Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities = authorities.iter().map(|&own| own.clone()).collect();
    let verifier = TrustVerifier::new(Vec::new(), authorities, provider).unwrap();
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(NOW);
    verifier.verify_server_cert(leaf, &[], &host, &[], now).map(drop)
}

#[test]
fn a_certificate_of_an_authority_is_trusted_for_its_names() {
    let (root, leaf) = chain(&valid(&[HOST, "*.example.net", "192.0.2.1"]));
    for host in [HOST, "MAIL.example.org", "a.example.net", "192.0.2.1"] {
        assert!(check(&[&root], &leaf, host).is_ok(), "{host}");
    }
    for host in ["example.org", "a.b.example.net", "192.0.2.2"] {
        assert!(check(&[&root], &leaf, host).is_err(), "{host}");
    }
    let (other, _) = chain(&valid(&[HOST]));
    assert!(check(&[&other], &leaf, HOST).is_err());
}

#[test]
fn dates_count_for_children_and_for_known_certificates() {
    let mut expired = valid(&[HOST]);
    expired.not_after = rcgen::date_time_ymd(2029, 12, 31);
    let mut early = valid(&[HOST]);
    early.not_before = rcgen::date_time_ymd(2030, 1, 2);
    for params in [expired, early] {
        let (root, leaf) = chain(&params);
        assert!(check(&[&root], &leaf, HOST).is_err());
        assert!(check(&[&root, &leaf], &leaf, HOST).is_err());
        let known = self_signed(&params);
        assert!(check(&[&known], &known, HOST).is_err());
    }
}

#[test]
fn a_known_certificate_is_trusted_even_if_it_says_that_it_is_an_authority() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = valid(&[HOST, "192.0.2.1"]);
        params.is_ca = is_ca;
        let known = self_signed(&params);
        assert_eq!(check(&[&known], &known, HOST), Ok(()));
        assert_eq!(check(&[&known], &known, "192.0.2.1"), Ok(()));
        assert!(check(&[&known], &known, "other.example.org").is_err());
        let other = self_signed(&params);
        assert!(check(&[&known], &other, HOST).is_err(), "the same words, another key");
    }
}

#[test]
fn the_common_name_counts_only_where_there_is_nothing_else() {
    let mut bare = valid(&[]);
    bare.distinguished_name.push(DnType::CommonName, HOST);
    let known = self_signed(&bare);
    assert_eq!(check(&[&known], &known, HOST), Ok(()));
    assert!(check(&[&known], &known, "other.example.org").is_err());
    let mut named = valid(&["other.example.org"]);
    named.distinguished_name.push(DnType::CommonName, HOST);
    let known = self_signed(&named);
    assert!(check(&[&known], &known, HOST).is_err());
    let (root, leaf) = chain(&bare);
    assert!(check(&[&root], &leaf, HOST).is_err(), "an authority writes names where they belong");
}

#[test]
fn nothing_to_trust_is_an_error() {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = TrustVerifier::new(Vec::new(), Vec::new(), provider);
    assert!(matches!(verifier, Err(TrustError::Nothing)));
}
