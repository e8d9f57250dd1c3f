//! `[Repository X]` of type `IMAP` or `Gmail`.

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};

use super::reader::{Presence, Reader};
use super::{folders, password, period, tls};
use crate::expression::Scope;
use crate::options::nearest;
use crate::source::strip;
use crate::{
    AddressFamily, AuthMechanism, Compression, CopyOrder, Diagnostic, ImapFlavor, ImapRepository,
    Setting, TlsMode, value,
};

pub(super) fn load(
    reader: &mut Reader<'_>,
    name: &str,
    flavor: ImapFlavor,
) -> Option<ImapRepository> {
    reader.report_unsupported();
    let host = host(reader, name, flavor);
    let tls = tls::mode(reader, name, host.as_ref().and_then(Setting::given).map(String::as_str));
    let tls_versions = tls::versions(reader, tls.as_ref());
    let client_certificate = tls::client_certificate(reader);
    let port = port(reader, tls.as_ref());
    let user = user(reader, host.as_ref());
    let password = password::source(reader);
    let auth_mechanisms = auth_mechanisms(reader, name);
    let identity = identity(reader, auth_mechanisms.as_deref());
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
    let compression =
        if reader.bool("usecompression") { Compression::Deflate } else { Compression::Off };
    let copy_order = copy_order(reader);
    let fetch_attempts = reader
        .parsed("retrycount", |text| value::int_within(text, 0, u64::from(u16::MAX)))
        .map_or(FETCH_ATTEMPTS, |count| {
            u32::try_from(count).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
        });
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
        tls_versions: tls_versions?,
        client_certificate,
        auth_mechanisms: auth_mechanisms?,
        identity,
        max_connections,
        compression,
        copy_order,
        fetch_attempts,
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

/// The default of `retrycount`.
const FETCH_ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn copy_order(reader: &mut Reader<'_>) -> CopyOrder {
    let watched = reader.text("idlefolders");
    let is_watched = !watched.trim_matches(['[', ']', ' ']).is_empty();
    match reader.parsed("singlethreadperfolder", value::bool) {
        Some(true) => CopyOrder::OneByOne,
        None if is_watched => CopyOrder::OneByOne,
        Some(false) | None => CopyOrder::Any,
    }
}

/// Only PLAIN can say on whose behalf somebody logs in. To log in without saying so would show
/// another mailbox.
fn identity(reader: &mut Reader<'_>, mechanisms: Option<&[AuthMechanism]>) -> Option<String> {
    let identity = Some(reader.text("remote_identity")).filter(|text| !text.is_empty())?;
    if mechanisms.is_some_and(|known| !known.contains(&AuthMechanism::Plain)) {
        let message = "'remote_identity' needs the authentication mechanism PLAIN";
        let mut problem = Diagnostic::error(message);
        for option in ["remote_identity", "auth_mechanisms"] {
            if let Some(excerpt) = reader.name_excerpt(option, "") {
                problem = problem.at(excerpt);
            }
        }
        reader.problems.push(problem.help("add PLAIN to `auth_mechanisms`"));
    }
    Some(identity)
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
}
