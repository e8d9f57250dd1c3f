//! `[mbnames]`, which counts only if it is enabled (`spec/quirks.md` D26).

use super::reader::{Presence, Reader};
use crate::expression::Scope;
use crate::options::Place;
use crate::{
    Computed, Diagnostic, Diagnostics, Document, Environment, ItemFormat, ListWriting, Mbnames,
};

/// What the section says; `None` if it is not there, not enabled, or has mistakes.
pub(super) fn load(
    document: &Document,
    environment: &Environment<'_>,
    problems: &mut Diagnostics,
) -> Option<Mbnames> {
    document.section(SECTION)?;
    let mut reader = Reader::new(document, SECTION, &[Place::Mbnames], environment, problems);
    if !reader.bool("enabled") {
        return None;
    }
    let file = match reader.presence("filename") {
        Presence::Set => reader.path("filename"),
        Presence::Absent => {
            reader.complain_missing("filename", "~/.mutt/mailboxes");
            None
        }
    };
    let header = required(&mut reader, "header", r#""mailboxes ""#);
    let item = item(document, &mut reader);
    let separator = required(&mut reader, "sep", r#"" ""#);
    let footer = required(&mut reader, "footer", r#""\n""#);
    let writing = if reader.bool("incremental") {
        ListWriting::AfterEachAccount
    } else {
        ListWriting::AtTheEnd
    };
    let folder_filter = reader.computed("folderfilter", Scope::folder_option());
    let sort_key = reader.computed("sort_keyfunc", Scope::folder_option());
    Some(Mbnames {
        file: file?,
        header: header?,
        item: item?,
        separator: separator?,
        footer: footer?,
        writing,
        folder_filter,
        sort_key,
    })
}

const SECTION: &str = "mbnames";

fn required(reader: &mut Reader<'_>, option: &str, example: &str) -> Option<Computed> {
    if reader.presence(option) == Presence::Absent {
        reader.complain_missing(option, example);
    }
    reader.computed(option, Scope::other_option())
}

/// The raw text: its percent signs are not those of this file (`spec/config.md` §1).
fn item(document: &Document, reader: &mut Reader<'_>) -> Option<ItemFormat> {
    let Some(entry) = document.entry(SECTION, "peritem") else {
        reader.complain_missing("peritem", r#""+%(accountname)s/%(foldername)s""#);
        return None;
    };
    match ItemFormat::parse(&entry.raw) {
        Ok(format) => Some(format),
        Err(error) => {
            let problem = Diagnostic::error(format!("'peritem' cannot be formatted: {error}"))
                .at(document.excerpt(&entry.value_span(), ""))
                .help(
                    "use %(accountname)s, %(foldername)s and %(localfolders)s, and write %% for a \
                     percent sign",
                );
            reader.problems.push(problem);
            None
        }
    }
}
