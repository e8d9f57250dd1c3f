//! The native form of options that are Python expressions: what `offlineimap check` suggests.

mod command;
mod folders;

use crate::document::Entry;
use crate::expression::{Expression, Scope, Shape};
use crate::source::strip;
use crate::{Document, Position};

/// An option that can be said without Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Where its value stands.
    pub position: Position,
    /// The section.
    pub section: String,
    /// The option that is an expression.
    pub option: String,
    /// The lines to write in its place; a value with a percent sign has it doubled. Empty if the
    /// value is a secret, which is not told.
    pub native: Vec<String>,
    /// What to mind, in words.
    pub note: Option<&'static str>,
}

/// Finds options that can be said without Python. `pythonfile` is the content of the file that is
/// configured, if it is known: it may tell which command a function runs.
///
/// A suggestion for folders was compared with the expression on a number of names; that they agree
/// on all is for the user to see (`offlineimap --dry-run`).
pub fn suggestions(document: &Document, pythonfile: Option<&str>) -> Vec<Suggestion> {
    let mut found = Vec::new();
    for section in document.section_names().filter(|name| name.starts_with("Repository ")) {
        for option in OPTIONS {
            let Some(entry) = document.entry(section, option) else { continue };
            let Ok(text) = document.interpolated(section, entry) else { continue };
            if let Some((native, note)) = native(document, section, option, &text, pythonfile) {
                found.push(Suggestion {
                    position: position(document, entry),
                    section: section.to_owned(),
                    option: option.to_owned(),
                    native: native.iter().map(|line| line.replace('%', "%%")).collect(),
                    note,
                });
            }
        }
    }
    found
}

/// The options that have a native form.
const OPTIONS: [&str; 6] = [
    "folderfilter",
    "nametrans",
    "remotehosteval",
    "remoteporteval",
    "remoteusereval",
    "remotepasseval",
];

type Native = (Vec<String>, Option<&'static str>);

fn native(
    document: &Document,
    section: &str,
    option: &str,
    text: &str,
    pythonfile: Option<&str>,
) -> Option<Native> {
    let scope = match option {
        "folderfilter" | "nametrans" => Scope::folder_option(),
        _ => Scope::other_option(),
    };
    let expression = Expression::parse(text, scope.with_pythonfile()).ok()?;
    let shape = expression.shape();
    match option {
        "folderfilter" => folders::selection(&expression, &shape?),
        "nametrans" => {
            is_remote(document, section).then(|| folders::renaming(&expression, &shape?))?
        }
        "remotepasseval" => password(&expression, shape, pythonfile),
        _ => {
            let plain = option.strip_suffix("eval")?;
            let value = constant(&expression)?;
            Some((vec![format!("{plain} = {value}")], None))
        }
    }
}

fn password(
    expression: &Expression,
    shape: Option<Shape>,
    pythonfile: Option<&str>,
) -> Option<Native> {
    let line = match shape {
        Some(Shape::FileContent(path)) => format!("remotepassfile = {path}"),
        Some(Shape::Variable(name)) => format!("remotepassenv = {name}"),
        Some(Shape::Call { function, arguments }) => {
            let command = command::of(pythonfile?, &function, &arguments)?;
            format!("remotepasscmd = {command}")
        }
        Some(Shape::Selection { .. } | Shape::Renaming(_)) => return None,
        None => {
            constant(expression)?;
            let note = "write the password itself, without quotes, as `remotepass`";
            return Some((Vec::new(), Some(note)));
        }
    };
    Some((vec![line], None))
}

/// The value of an expression that needs nothing.
fn constant(expression: &Expression) -> Option<String> {
    if expression.external_names().next().is_some() {
        return None;
    }
    let value = expression.evaluate(&()).ok()?;
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.repr().ok().filter(|text| text.bytes().all(|it| it.is_ascii_digit()))?,
    };
    let plain = !text.is_empty() && strip(&text) == text && !text.contains('\n');
    plain.then_some(text)
}

/// Whether an account has this repository as its remote one.
fn is_remote(document: &Document, section: &str) -> bool {
    let name = strip(section.strip_prefix("Repository ").unwrap_or(section));
    let mut accounts = document.section_names().filter(|name| name.starts_with("Account "));
    accounts.any(|account| {
        let remote = document.value(account, "remoterepository");
        remote.is_ok_and(|remote| remote.is_some_and(|remote| strip(&remote) == name))
    })
}

fn position(document: &Document, entry: &Entry) -> Position {
    document.excerpt(&entry.name_span, "").position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(repository: &str, pythonfile: &str) -> Vec<String> {
        let text = format!(
            "[Account A]\nremoterepository = R\n[Repository R]\n{repository}\n[Repository L]\n\
             nametrans = lambda f: 'INBOX.' + f\n"
        );
        let document = Document::parse("rc", text.as_bytes()).unwrap();
        suggestions(&document, Some(pythonfile))
            .into_iter()
            .flat_map(|it| {
                // What goes without saying: the note of a table.
                let note = it.note.filter(|_| it.native.is_empty()).map(str::to_owned);
                it.native.into_iter().chain(note)
            })
            .collect()
    }

    #[test]
    fn folder_options_become_patterns_and_tables() {
        for (option, native) in [
            (
                "folderfilter = lambda f: f in ['INBOX', 'Sent']",
                &["includefolders = INBOX, Sent"][..],
            ),
            (
                "folderfilter = lambda f: not re.search('(^Trash$|Del)', f)",
                &["excludefolders = Trash, *Del*"],
            ),
            (
                "folderfilter = lambda f: f.startswith('Work/100%%') and f != 'Work/100%% old'",
                &["includefolders = Work/100%%*", "excludefolders = Work/100%% old"],
            ),
            (r"nametrans = lambda f: re.sub('^INBOX\.', '', f)", &["renamefolders = INBOX/* -> *"]),
            (
                "nametrans = lambda f: {'[Gmail]/Sent Mail': 'sent', '[Gmail]/Trash': 'bin'}.get(f, f)",
                &["renamefolders =", "    [Gmail]/Sent Mail -> sent", "    [Gmail]/Trash -> bin"],
            ),
        ] {
            assert_eq!(suggested(option, ""), native, "{option}");
        }
    }

    #[test]
    fn computed_settings_become_given_ones() {
        let file = "def get_pass(account):\n    out = check_output('pass show mail/' + account)\n    return out\n";
        for (option, native) in [
            ("remoteusereval = 'joe' + '@example.org'", "remoteuser = joe@example.org"),
            ("remoteporteval = 143", "remoteport = 143"),
            ("remotepasseval = open('~/.pw').read().strip()", "remotepassfile = ~/.pw"),
            ("remotepasseval = os.environ['PW']", "remotepassenv = PW"),
            ("remotepasseval = get_pass('work')", "remotepasscmd = pass show mail/work"),
            (
                "remotepasseval = 'hunter2'",
                "write the password itself, without quotes, as `remotepass`",
            ),
        ] {
            assert_eq!(suggested(option, file), [native], "{option}");
        }
    }

    #[test]
    fn what_is_not_sure_is_not_suggested() {
        for option in [
            "folderfilter = lambda f: mine(f)",
            "nametrans = lambda f: f.upper()",
            // Two names would become one.
            "nametrans = lambda f: {'a': 'x', 'b': 'x'}.get(f, f)",
            "remoteusereval = get_user()",
            "remotepasseval = other_pass('work')",
        ] {
            assert_eq!(suggested(option, "def get_pass(a): return a"), [""; 0], "{option}");
        }
    }
}
