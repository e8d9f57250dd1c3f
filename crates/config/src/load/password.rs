//! Where the password of a repository comes from.

use secrecy::SecretString;

use super::reader::{Presence, Reader};
use crate::expression::Scope;
use crate::source::strip;
use crate::{Diagnostic, PasswordSource};

/// The options that were always there and may stand beside each other: the first one counts.
const OLD: [&str; 3] = ["remotepasseval", "remotepass", "remotepassfile"];

/// The options that stand alone.
const EXCLUSIVE: [&str; 3] = ["remotepasscmd", "remotepasscredential", "remotepassenv"];

/// Reads the source of the password. `None` after a problem.
pub(super) fn source(reader: &mut Reader<'_>) -> Option<PasswordSource> {
    let set = |options: [&'static str; 3]| {
        let reader = &*reader;
        options.into_iter().filter(|option| reader.presence(option) == Presence::Set)
    };
    let given: Vec<&str> = set(EXCLUSIVE).chain(set(OLD)).collect();
    match given.as_slice() {
        [one, other, ..] if EXCLUSIVE.contains(one) => {
            complain_of_both(reader, one, other);
            None
        }
        ["remotepasscmd"] => text(reader, "remotepasscmd").map(PasswordSource::Command),
        ["remotepasscredential"] => credential(reader).map(PasswordSource::Credential),
        ["remotepassenv"] => variable(reader).map(PasswordSource::Variable),
        _ => old_source(reader),
    }
}

fn old_source(reader: &mut Reader<'_>) -> Option<PasswordSource> {
    if reader.presence("remotepasseval") == Presence::Set {
        let expression = reader.computed("remotepasseval", Scope::other_option())?;
        return Some(PasswordSource::Computed(expression));
    }
    if reader.presence("remotepass") == Presence::Set {
        let password = reader.reading("remotepass")?.text;
        if !password.is_empty() {
            return Some(PasswordSource::Given(SecretString::from(password)));
        }
    }
    if reader.presence("remotepassfile") == Presence::Set {
        return reader.path("remotepassfile").map(PasswordSource::File);
    }
    Some(PasswordSource::Ask)
}

fn complain_of_both(reader: &mut Reader<'_>, one: &str, other: &str) {
    let message = format!("the password has two sources: '{one}' and '{other}'");
    let mut problem = Diagnostic::error(message);
    for (option, label) in [(one, "one is here"), (other, "the other is here")] {
        if let Some(excerpt) = reader.name_excerpt(option, label) {
            problem = problem.at(excerpt);
        }
    }
    reader.problems.push(problem.help("keep one of them"));
}

fn text(reader: &mut Reader<'_>, option: &str) -> Option<String> {
    let reading = reader.reading(option)?;
    let text = strip(&reading.text);
    if text.is_empty() {
        reader.complain_empty(&reading);
        return None;
    }
    Some(text.to_owned())
}

/// A credential is a file in the directory that systemd tells, and nowhere else.
fn credential(reader: &mut Reader<'_>) -> Option<String> {
    let name = text(reader, "remotepasscredential")?;
    if name.contains(['/', '\0']) || name == "." || name == ".." {
        let help = "write just the name, as in `LoadCredential=name:/path`".to_owned();
        let reading = reader.reading("remotepasscredential")?;
        reader.complain(&reading, "not the name of a credential", Some(help));
        return None;
    }
    Some(name)
}

fn variable(reader: &mut Reader<'_>) -> Option<String> {
    let name = text(reader, "remotepassenv")?;
    if name.contains(['=', '$', '\0']) || name.contains(char::is_whitespace) {
        let help = "write just the name, without `$`".to_owned();
        let reading = reader.reading("remotepassenv")?;
        reader.complain(&reading, "not the name of an environment variable", Some(help));
        return None;
    }
    Some(name)
}
