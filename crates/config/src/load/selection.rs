//! Which accounts are to be synced (`spec/cli.md` §5).

use super::{ACCOUNT, REPOSITORY};
use crate::document::{Document, Section};
use crate::options::nearest;
use crate::source::strip;
use crate::{Diagnostic, Diagnostics, value};

/// The names of the selected accounts: those of `-a` if given, else those of `accounts`. All of
/// them exist.
pub(super) fn select(
    document: &Document,
    argument: Option<&str>,
    problems: &mut Diagnostics,
) -> Vec<String> {
    let known = known_names(document, ACCOUNT, problems);
    known_names(document, REPOSITORY, problems);
    let (list, span) = match argument {
        Some(list) => (list.to_owned(), None),
        None => match from_file(document, problems) {
            Some((list, span)) => (list, Some(span)),
            None => return vec![],
        },
    };
    let complaint = |diagnostic: Diagnostic| match &span {
        Some(span) => diagnostic.at(document.excerpt(span, "")),
        None => diagnostic,
    };
    let mut selected: Vec<String> = Vec::new();
    for name in value::list(&list) {
        if !known.contains(&name) {
            let error = Diagnostic::error(format!("the account '{name}' does not exist"));
            problems.push(complaint(error).help(valid_accounts(name, &known)));
        } else if selected.iter().any(|earlier| earlier == name) {
            let message = format!("the account '{name}' is listed twice, and is synced once");
            problems.push(complaint(Diagnostic::warning(message)));
        } else {
            selected.push(name.to_owned());
        }
    }
    if value::list(&list).next().is_none() {
        let error = Diagnostic::error("the list of accounts to sync is empty");
        problems.push(complaint(error).help(valid_accounts("", &known)));
    }
    selected
}

/// The section of that kind and name, blanks around the name not counted.
pub(super) fn find_section<'a>(
    document: &'a Document,
    kind: &str,
    name: &str,
) -> Option<&'a Section> {
    document
        .sections()
        .iter()
        .find(|section| section.name.strip_prefix(kind).map(strip) == Some(name))
}

/// The names of all sections of a kind. Names that cannot be used, and names that differ by blanks
/// only, are problems.
fn known_names<'a>(document: &'a Document, kind: &str, problems: &mut Diagnostics) -> Vec<&'a str> {
    let mut names = Vec::new();
    for section in document.sections() {
        let Some(name) = section.name.strip_prefix(kind).map(strip) else { continue };
        let header = section.span.as_ref().map(|span| document.excerpt(span, "again here"));
        let problem = if name.is_empty() {
            Diagnostic::error(format!("section [{}] has no name", section.name))
        } else if name.contains(['/', '\0']) {
            Diagnostic::error(format!("the name in [{}] contains '/'", section.name))
                .help("the name becomes part of a file name")
        } else if names.contains(&name) {
            Diagnostic::error(format!("section [{}] is there twice", section.name))
                .help("blanks around a name do not count")
        } else {
            names.push(name);
            continue;
        };
        problems.push(match header {
            Some(header) if names.contains(&name) => problem.at(header),
            Some(header) => problem.at(crate::Excerpt { label: String::new(), ..header }),
            None => problem,
        });
    }
    names
}

fn from_file(
    document: &Document,
    problems: &mut Diagnostics,
) -> Option<(String, crate::source::Span)> {
    let general = document.section("general")?;
    let Some(entry) = document.entry("general", "accounts") else {
        let mut problem = Diagnostic::error("[general] has no 'accounts'");
        if let Some(span) = &general.span {
            problem = problem.at(document.excerpt(span, ""));
        }
        problems.push(problem.help("add a line such as `accounts = NAME`"));
        return None;
    };
    match document.interpolated("general", entry) {
        Ok(list) => Some((list, entry.value_span())),
        Err(fault) => {
            let label = fault.error.to_string();
            problems.push(
                Diagnostic::error("the value of 'accounts' cannot be read")
                    .at(document.excerpt(&fault.span, &label)),
            );
            None
        }
    }
}

fn valid_accounts(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        _ if known.is_empty() => "no accounts are defined: add a section [Account NAME]".to_owned(),
        Some(near) if !name.is_empty() => format!("did you mean '{near}'?"),
        Some(_) | None => format!("valid accounts are: {}", known.join(", ")),
    }
}
