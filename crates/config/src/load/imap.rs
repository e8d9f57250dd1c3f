//! `[Repository X]` of type `IMAP` or `Gmail`.

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroUsize};

use super::reader::{Presence, Reader};
use super::{folders, password, period};
use crate::expression::Scope;
use crate::options::nearest;
use crate::source::strip;
use crate::{
    AddressFamily, AuthMechanism, CaFile, Diagnostic, ImapFlavor, ImapRepository, Setting,
    StartTlsDemand, TlsMode, Trust, value,
};

pub(super) fn load(
    reader: &mut Reader<'_>,
    name: &str,
    flavor: ImapFlavor,
) -> Option<ImapRepository> {
    reader.report_unsupported();
    let host = host(reader, name, flavor);
    let tls = tls_mode(reader, name, host.as_ref().and_then(Setting::given).map(String::as_str));
    let port = port(reader, tls.as_ref());
    let user = user(reader, host.as_ref());
    let password = password::source(reader);
    let auth_mechanisms = auth_mechanisms(reader, name);
    let max_connections = reader
        .parsed("maxconnections", |text| value::int_within(text, 1, u64::from(u16::MAX)))
        .and_then(|number| usize::try_from(number).ok())
        .and_then(NonZeroUsize::new);
    let family = match reader.parsed("ipv6", value::bool) {
        None => AddressFamily::Any,
        Some(true) => AddressFamily::Ipv6,
        Some(false) => AddressFamily::Ipv4,
    };
    let reference = unquoted(&reader.text("reference"));
    let subscribed_only = reader.bool("subscribedonly");
    let expunge = reader.bool("expunge");
    let new_mail_hook = reader.computed("newmail_hook", Scope::other_option());
    let copy_ignore = reader.computed("copy_ignore_eval", Scope::other_option());
    let rules = reader.sync_rules();
    let start_date = period::start_date(reader);
    let folders = folders::load(reader);
    Some(ImapRepository {
        name: name.to_owned(),
        flavor,
        host: host?,
        port: port?,
        family,
        user: user?,
        password: password?,
        tls: tls?,
        auth_mechanisms: auth_mechanisms?,
        max_connections,
        reference,
        subscribed_only,
        expunge,
        new_mail_hook,
        copy_ignore,
        rules,
        start_date,
        folders,
    })
}

fn host(reader: &mut Reader<'_>, name: &str, flavor: ImapFlavor) -> Option<Setting<String>> {
    if reader.presence("remotehosteval") == Presence::Set {
        return computed(reader, "remotehosteval");
    }
    if reader.presence("remotehost") == Presence::Absent {
        if flavor == ImapFlavor::Gmail {
            return Some(Setting::Given("imap.gmail.com".to_owned()));
        }
        let mut problem =
            Diagnostic::error(format!("no remote host for repository '{name}' specified"));
        if let Some(header) = reader.header("") {
            problem = problem.at(header);
        }
        reader.problems.push(problem.help("add a line such as `remotehost = imap.example.org`"));
        return None;
    }
    let reading = reader.reading("remotehost")?;
    let host = strip(&reading.text);
    if host.is_empty() {
        reader.complain_empty(&reading);
        return None;
    }
    if host.contains(['/', '@', '"', '\'']) || host.contains(char::is_whitespace) {
        let help = "write only the name or the address, such as imap.example.org; the port goes \
                    to `remoteport`";
        reader.complain(&reading, "not the name or address of a server", Some(help.to_owned()));
        return None;
    }
    Some(Setting::Given(host.to_owned()))
}

fn computed<T>(reader: &mut Reader<'_>, option: &str) -> Option<Setting<T>> {
    reader.computed(option, Scope::other_option()).map(Setting::Computed)
}

fn port(reader: &mut Reader<'_>, tls: Option<&TlsMode>) -> Option<Setting<NonZeroU16>> {
    if reader.presence("remoteporteval") == Presence::Set {
        return computed(reader, "remoteporteval");
    }
    if reader.reading("remoteport").is_some() {
        return reader
            .parsed("remoteport", |text| value::int_within(text, 1, u64::from(u16::MAX)))
            .and_then(|port| u16::try_from(port).ok())
            .and_then(NonZeroU16::new)
            .map(Setting::Given);
    }
    let port = NonZeroU16::new(match tls? {
        TlsMode::Implicit(_) => 993,
        TlsMode::StartTls { .. } | TlsMode::Plain => 143,
    });
    port.map(Setting::Given)
}

fn user(reader: &mut Reader<'_>, host: Option<&Setting<String>>) -> Option<Setting<String>> {
    if reader.presence("remoteusereval") == Presence::Set {
        return computed(reader, "remoteusereval");
    }
    if reader.presence("remoteuser") == Presence::Absent
        && let Setting::Given(host) = host?
    {
        match reader.netrc_login(host) {
            Ok(Some(user)) => return Some(Setting::Given(user)),
            Ok(None) => {}
            Err(error) => {
                let message =
                    format!("[{}] has no 'remoteuser', and {error}", reader.section_name());
                let mut problem = Diagnostic::error(message);
                if let Some(header) = reader.header("") {
                    problem = problem.at(header);
                }
                reader.problems.push(problem);
                return None;
            }
        }
    }
    reader.required_text("remoteuser", "you@example.org").map(Setting::Given)
}

/// TLS is never without a way to recognise the server (`spec/config.md` §8.6).
fn tls_mode(reader: &mut Reader<'_>, name: &str, host: Option<&str>) -> Option<TlsMode> {
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

fn auth_mechanisms(reader: &mut Reader<'_>, name: &str) -> Option<Vec<AuthMechanism>> {
    let Some(reading) = reader.reading("auth_mechanisms") else {
        return Some(vec![AuthMechanism::CramMd5, AuthMechanism::Plain, AuthMechanism::Login]);
    };
    let mut mechanisms = Vec::new();
    let mut wrong = false;
    for item in value::list(&reading.text) {
        let mechanism = match item {
            "CRAM-MD5" => AuthMechanism::CramMd5,
            "PLAIN" => AuthMechanism::Plain,
            "LOGIN" => AuthMechanism::Login,
            "GSSAPI" | "XOAUTH2" => {
                let message = format!(
                    "authentication mechanism '{item}' is not supported yet and is passed over"
                );
                let problem = Diagnostic::warning(message).at(reader.excerpt(&reading));
                reader.problems.push(problem);
                continue;
            }
            _ => {
                wrong = true;
                let message =
                    format!("repository {name}: unknown authentication mechanism '{item}'");
                let known = ["GSSAPI", "XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN"];
                let help = match nearest(&item.to_uppercase(), known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("choose from: {}", known.join(", ")),
                };
                let problem = Diagnostic::error(message).at(reader.excerpt(&reading)).help(help);
                reader.problems.push(problem);
                continue;
            }
        };
        if !mechanisms.contains(&mechanism) {
            mechanisms.push(mechanism);
        }
    }
    if mechanisms.is_empty() && !wrong {
        let message = format!("repository '{name}' has no authentication mechanism that works yet");
        let problem = Diagnostic::error(message)
            .at(reader.excerpt(&reading))
            .help("add one of CRAM-MD5, PLAIN and LOGIN");
        reader.problems.push(problem);
    }
    (!mechanisms.is_empty() && !wrong).then_some(mechanisms)
}

/// The text of an IMAP quoted string (RFC 9051 §4.3); other text as it is.
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut unquoted = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        unquoted.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    unquoted
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
    fn quotes_around_a_reference_do_not_count() {
        for (text, reference) in [
            ("\"\"", ""),
            ("", ""),
            ("Mail/", "Mail/"),
            ("\"a b\"", "a b"),
            (r#""a\"b""#, "a\"b"),
            ("\"", "\""),
        ] {
            assert_eq!(unquoted(text), reference, "{text}");
        }
    }

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
