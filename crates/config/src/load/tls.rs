//! How a connection is protected: trust, versions, and who we are to the server.

use std::net::IpAddr;

use super::reader::{Presence, Reader};
use crate::source::strip;
use crate::{
    CaFile, ClientCertificate, Diagnostic, StartTlsDemand, TlsMode, TlsVersions, Trust, value,
};

/// TLS is never without a way to recognise the server (`spec/config.md` §8.6).
pub(super) fn mode(reader: &mut Reader<'_>, name: &str, host: Option<&str>) -> Option<TlsMode> {
    let ssl = reader.bool("ssl");
    let starttls = reader.bool("starttls");
    let demand = match reader.presence("starttls") {
        Presence::Set => StartTlsDemand::Explicit,
        Presence::Absent => StartTlsDemand::ByDefault,
    };
    let before = reader.problems.len();
    let ca = ca_file(reader);
    let fingerprints = reader.parsed("cert_fingerprint", value::fingerprints).unwrap_or_default();
    if reader.problems.len() > before && (ca.is_none() && fingerprints.is_empty()) {
        // What was meant to be trusted could not be read; that was said already.
        return None;
    }
    if !ssl && !starttls {
        return Some(TlsMode::Plain);
    }
    if ca.is_some() || !fingerprints.is_empty() {
        let trust = Trust { ca, fingerprints };
        return Some(if ssl {
            TlsMode::Implicit(trust)
        } else {
            TlsMode::StartTls { trust, demand }
        });
    }
    if !ssl && demand == StartTlsDemand::ByDefault && host.is_some_and(is_loopback) {
        return Some(TlsMode::Plain);
    }
    let mut problem = Diagnostic::error(format!(
        "no CA certificates and no server fingerprints configured for repository '{name}': you \
         must configure at least something, otherwise having SSL helps nothing"
    ));
    if let Some(header) = reader.header("") {
        problem = problem.at(header);
    }
    let mut help = "add `sslcacertfile = OS-DEFAULT` to trust the authorities that this system \
                    trusts, or `cert_fingerprint` with the SHA-256 digest of the server's \
                    certificate"
        .to_owned();
    if !ssl {
        help.push_str("; or `starttls = no` to send mail and password unprotected");
    }
    reader.problems.push(problem.help(help));
    None
}

fn ca_file(reader: &mut Reader<'_>) -> Option<CaFile> {
    if reader.presence("sslcacertfile") == Presence::Absent {
        return None;
    }
    if strip(&reader.reading("sslcacertfile")?.text) == "OS-DEFAULT" {
        return Some(CaFile::OsDefault);
    }
    reader.path("sslcacertfile").map(CaFile::Path)
}

/// What `tls_level` demands of `ssl_version`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Compatible,
    NoSsl,
    Secure,
}

impl Level {
    const NAMES: [&'static str; 3] = ["tls_compat", "tls_no_ssl", "tls_secure"];

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "tls_compat" => Some(Self::Compatible),
            "tls_no_ssl" => Some(Self::NoSsl),
            "tls_secure" => Some(Self::Secure),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compatible => "tls_compat",
            Self::NoSsl => "tls_no_ssl",
            Self::Secure => "tls_secure",
        }
    }
}

/// What `ssl_version` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Best,
    Tls12,
    /// One that nobody should speak any more (RFC 8996).
    Outdated,
}

impl Version {
    /// Those that work.
    const NAMES: [&'static str; 2] = ["tls1_2", "ssl23"];

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "ssl23" => Some(Self::Best),
            "tls1_2" => Some(Self::Tls12),
            "tls1_1" | "tls1" | "ssl3" => Some(Self::Outdated),
            _ => None,
        }
    }
}

/// Reads `tls_level` and `ssl_version`. `None` after a problem.
///
/// What depends on the mode is left out if that is not known, because of a problem of its own.
pub(super) fn versions(reader: &mut Reader<'_>, mode: Option<&TlsMode>) -> Option<TlsVersions> {
    let level = word(reader, "tls_level", Level::by_name, "a level of TLS", &Level::NAMES);
    let version =
        word(reader, "ssl_version", Version::by_name, "a version of TLS", &Version::NAMES);
    let (Ok(level), Ok(version)) = (level, version) else { return None };
    let level = level.unwrap_or(Level::Compatible);
    let is_implicit = matches!(mode, Some(TlsMode::Implicit(_)));
    match version {
        Some(Version::Outdated) if mode.is_some_and(|mode| *mode != TlsMode::Plain) => {
            let help = "write `ssl_version = tls1_2`, or remove the option to use the best version \
                        that the server has";
            let reading = reader.reading("ssl_version")?;
            reader.complain(&reading, "a version that is not safe any more", Some(help.to_owned()));
            None
        }
        None if level != Level::Compatible && is_implicit => {
            complain_of_level(
                reader,
                "when 'tls_level' is not 'tls_compat' the 'ssl_version' must be set explicitly",
                "add `ssl_version = tls1_2`; or remove `tls_level`: no version before 1.2 is used \
                 without it either",
            );
            None
        }
        Some(Version::Best) if level != Level::Compatible && is_implicit => {
            let message =
                format!("'tls_level = {}' does not allow 'ssl_version = ssl23'", level.name());
            let help = "write `ssl_version = tls1_2`; or remove both options to use the best version \
                        that the server has";
            complain_of_level(reader, &message, help);
            None
        }
        Some(Version::Tls12) => Some(TlsVersions::Only12),
        Some(Version::Best | Version::Outdated) | None => Some(TlsVersions::Best),
    }
}

/// A word that is set, or none. Another word than the known ones is a problem.
fn word<T>(
    reader: &mut Reader<'_>,
    option: &str,
    by_name: fn(&str) -> Option<T>,
    kind: &str,
    choice: &[&str],
) -> Result<Option<T>, Complained> {
    if reader.presence(option) == Presence::Absent {
        return Ok(None);
    }
    let reading = reader.reading(option).ok_or(Complained)?;
    let found = by_name(strip(&reading.text));
    if found.is_none() {
        let help = format!("choose one of: {}", choice.join(", "));
        reader.complain(&reading, &format!("not {kind}"), Some(help));
        return Err(Complained);
    }
    Ok(found)
}

/// The problem is told already.
struct Complained;

fn complain_of_level(reader: &mut Reader<'_>, message: &str, help: &str) {
    let mut problem = Diagnostic::error(message);
    if let Some(reading) = reader.reading("tls_level") {
        problem = problem.at(reader.excerpt(&reading));
    }
    reader.problems.push(problem.help(help));
}

/// Reads `sslclientcert` and `sslclientkey`; a problem gives `None` too.
pub(super) fn client_certificate(reader: &mut Reader<'_>) -> Option<ClientCertificate> {
    let has_key = reader.presence("sslclientkey") == Presence::Set;
    if reader.presence("sslclientcert") == Presence::Absent {
        if has_key {
            let mut problem = Diagnostic::error("'sslclientkey' is set without 'sslclientcert'");
            if let Some(excerpt) = reader.name_excerpt("sslclientkey", "") {
                problem = problem.at(excerpt);
            }
            let help = "add `sslclientcert` with the file of the certificate, or remove the key";
            reader.problems.push(problem.help(help));
        }
        return None;
    }
    let certificate = reader.path("sslclientcert")?;
    let key = if has_key { reader.path("sslclientkey")? } else { certificate.clone() };
    Some(ClientCertificate { certificate, key })
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_known_without_asking_anybody() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "mail.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.org", "example.org", "128.0.0.1", "::2", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
