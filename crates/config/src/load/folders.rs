//! Which folders of a repository are synced, and under which names.

use super::reader::{Presence, Reader};
use crate::expression::Scope;
use crate::{
    Diagnostic, FilterAsking, FolderNames, FolderOptions, FolderPattern, FolderSelection,
    RenameTable, value,
};

/// Loads what a section says about folders. What is wrong with it is a problem of the account.
pub(super) fn load(reader: &mut Reader<'_>) -> FolderOptions {
    for functions in ["folderfilter", "folderincludes"] {
        for patterns in ["includefolders", "excludefolders"] {
            refuse_both(reader, functions, patterns);
        }
    }
    refuse_both(reader, "nametrans", "renamefolders");
    let names = names(reader);
    let selection = selection(reader);
    let sort = reader.computed("foldersort", Scope::folder_option());
    FolderOptions { names, selection, sort }
}

fn names(reader: &mut Reader<'_>) -> FolderNames {
    if let Some(function) = reader.computed("nametrans", Scope::folder_option()) {
        return FolderNames::Translated(function);
    }
    if reader.presence("renamefolders") == Presence::Absent {
        return FolderNames::Same;
    }
    let Some(reading) = reader.reading("renamefolders") else { return FolderNames::Same };
    match RenameTable::parse(&reading.text) {
        Ok(table) => FolderNames::Renamed(table),
        Err(error) => {
            let message = format!("'renamefolders' cannot be used: {error}");
            let problem = Diagnostic::error(message).at(reader.excerpt(&reading)).help(
                "write lines such as `[Gmail]/Sent Mail -> sent` and `INBOX/* -> *`, with `/` \
                 between the parts of names, so that each name on the right belongs to one on the \
                 left",
            );
            reader.problems.push(problem);
            FolderNames::Same
        }
    }
}

fn selection(reader: &mut Reader<'_>) -> FolderSelection {
    let has_patterns = ["includefolders", "excludefolders"]
        .into_iter()
        .any(|option| reader.presence(option) == Presence::Set);
    if has_patterns {
        let mut patterns =
            |option| value::list(&reader.text(option)).map(FolderPattern::new).collect();
        let (include, exclude) = (patterns("includefolders"), patterns("excludefolders"));
        return FolderSelection::Patterns { include, exclude };
    }
    let asking = if reader.bool("dynamic_folderfilter") {
        FilterAsking::EachTime
    } else {
        FilterAsking::Once
    };
    FolderSelection::Computed {
        filter: reader.computed("folderfilter", Scope::folder_option()),
        includes: reader.computed("folderincludes", Scope::folder_option()),
        asking,
    }
}

/// Refuses two options that say the same thing in different ways.
fn refuse_both(reader: &mut Reader<'_>, one: &str, other: &str) {
    let both = [one, other];
    if both.iter().any(|option| reader.presence(option) == Presence::Absent) {
        return;
    }
    let mut problem = Diagnostic::error(format!("'{one}' and '{other}' cannot be used together"));
    for option in both {
        if let Some(excerpt) = reader.name_excerpt(option, "") {
            problem = problem.at(excerpt);
        }
    }
    reader.problems.push(problem.help("keep the one of them that says what you mean"));
}
