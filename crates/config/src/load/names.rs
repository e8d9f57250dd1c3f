//! Names that mean nothing: unknown sections, unknown options, options in the wrong place.

use std::collections::BTreeSet;

use super::{ACCOUNT, REPOSITORY};
use crate::document::{Document, Entry, Section, references};
use crate::options::{self, Place, Spec, nearest};
use crate::source::strip;
use crate::{Diagnostic, Diagnostics};

/// A warning for each name in the file that nothing reads.
pub(super) fn check(document: &Document) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let referenced = all_references(document);
    for section in document.sections() {
        let Some(places) = places_of(document, section) else {
            if !section.name.starts_with("ui.") {
                problems.push(unknown_section(document, section));
            }
            continue;
        };
        for entry in &section.entries {
            if options::find(&places, &entry.name).is_none() && !referenced.contains(&entry.name) {
                problems.push(useless(document, section, &places, entry));
            }
        }
    }
    for entry in &document.defaults().entries {
        if !options::is_known(&entry.name) && !referenced.contains(&entry.name) {
            problems.push(useless(document, document.defaults(), &Place::ALL, entry));
        }
    }
    problems
}

/// The places of the table whose options a section may have; `None` for a section that is not read.
fn places_of(document: &Document, section: &Section) -> Option<Vec<Place>> {
    match section.name.as_str() {
        "general" => Some(vec![Place::General]),
        "mbnames" => Some(vec![Place::Mbnames]),
        name if name.starts_with(ACCOUNT) => Some(vec![Place::Account]),
        name if name.starts_with(REPOSITORY) => {
            let kind = document.value(name, "type").ok().flatten().unwrap_or_default();
            Some(match strip(&kind) {
                "Maildir" | "GmailMaildir" => vec![Place::Repository, Place::Maildir],
                "IMAP" | "Gmail" => vec![Place::Repository, Place::Imap],
                _ => vec![Place::Repository, Place::Maildir, Place::Imap],
            })
        }
        _ => None,
    }
}

/// Every name that some value refers to: such an option is a variable of the user's.
fn all_references(document: &Document) -> BTreeSet<String> {
    let sections = document.sections().iter().chain([document.defaults()]);
    sections
        .flat_map(|section| &section.entries)
        // `mbnames/peritem` is read raw, but its keys are no options either way.
        .flat_map(|entry| references(&entry.raw))
        .collect()
}

fn unknown_section(document: &Document, section: &Section) -> Diagnostic {
    let name = section.name.as_str();
    let mut warning =
        Diagnostic::warning(format!("section [{name}] is not known and has no effect"));
    if let Some(span) = &section.span {
        warning = warning.at(document.excerpt(span, ""));
    }
    let stripped = strip(name);
    let (first, rest) = stripped.split_once(char::is_whitespace).unwrap_or((stripped, ""));
    let capital = if rest.is_empty() {
        nearest(&first.to_lowercase(), ["general", "mbnames", "default"])
            .map(|near| if near == "default" { "DEFAULT" } else { near }.to_owned())
    } else {
        nearest(&first.to_lowercase(), ["account", "repository"]).map(|near| {
            let word = if near == "account" { ACCOUNT } else { REPOSITORY };
            format!("{word}{}", strip(rest))
        })
    };
    match capital {
        Some(meant) => warning.help(format!(
            "did you mean [{meant}]? in the names of sections, case and blanks count"
        )),
        None => warning,
    }
}

fn useless(document: &Document, section: &Section, places: &[Place], entry: &Entry) -> Diagnostic {
    let name = entry.name.as_str();
    let excerpt = document.excerpt(&entry.name_span, "");
    let homes: Vec<&str> =
        options::all().filter(|spec| spec.matches(name)).map(|spec| spec.place.name()).collect();
    if !homes.is_empty() {
        return Diagnostic::warning(format!("'{name}' has no effect in [{}]", section.name))
            .at(excerpt)
            .help(format!("it belongs to {}", homes.join(" or ")));
    }
    let warning =
        Diagnostic::warning(format!("'{name}' is not an option and has no effect")).at(excerpt);
    let here = |spec: &&Spec| places.contains(&spec.place);
    let near_here = nearest(name, options::all().filter(here).map(|spec| spec.name));
    let near = near_here.or_else(|| nearest(name, options::all().map(|spec| spec.name)));
    match near {
        Some(near) => warning.help(format!("did you mean '{near}'?")),
        None => warning,
    }
}
