//! Which folders a repository has, shows and can hold, as its section says (`spec/config.md` §8.1).

mod answers;
mod function;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use offlineimap_config as config;
use offlineimap_config::expression::Value;
use offlineimap_config::{FilterAsking, FolderEncoding, FolderNames, FolderSelection};
use offlineimap_core::{NameRules, RuleError, Side};
use offlineimap_imap::utf7;
use offlineimap_maildir::check_name;

use crate::evaluator::Evaluator;
use crate::pythonfile::text_of;
use answers::Answers;
use function::{Function, Subject};

/// The rules of one repository of an account.
///
/// Functions of the user's are evaluated when they are asked for the first time, and their answers
/// are kept as long as the rules are. Everything that may ask them blocks.
#[derive(Debug)]
pub(crate) struct FolderRules {
    names: Names,
    selection: Selection,
    sort: Option<Function>,
    decoding: Decoding,
    holder: Holder,
}

/// What becomes of a name on the way to the other side.
#[derive(Debug)]
enum Names {
    Same,
    Translated(Function, Answers<String>),
    Renamed(config::RenameTable),
    Restored(config::RenameTable),
}

#[derive(Debug)]
enum Selection {
    /// `-f`
    Only(BTreeSet<String>),
    Functions(Box<Functions>),
    Patterns {
        include: Vec<config::FolderPattern>,
        exclude: Vec<config::FolderPattern>,
    },
}

#[derive(Debug)]
struct Functions {
    filter: Option<(Function, Answers<bool>)>,
    asking: FilterAsking,
    includes: Option<Function>,
    included: OnceLock<Result<BTreeSet<String>, RuleError>>,
}

/// Whether visible names are decoded from modified UTF-7 (`decodefoldernames`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decoding {
    Decoded,
    Kept,
}

/// What holds the folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Server,
    Maildir { separator: char },
}

impl FolderRules {
    /// The rules of one side of an account. `only` is the argument of `-f`, which takes the place of
    /// what the remote repository says: the names of folders, separated by commas and nothing else,
    /// since blanks belong to names. Nothing is evaluated yet.
    pub(crate) fn new(
        account: &config::Account,
        side: Side,
        only: Option<&str>,
        evaluator: &Arc<Evaluator>,
    ) -> Self {
        let (repository, options, holder) = match (side, &account.local) {
            (Side::Remote, _) => (&account.remote.name, &account.remote.folders, Holder::Server),
            (Side::Local, config::LocalRepository::Imap(imap)) => {
                (&imap.name, &imap.folders, Holder::Server)
            }
            (Side::Local, config::LocalRepository::Maildir(maildir)) => {
                let holder = Holder::Maildir { separator: maildir.separator };
                (&maildir.name, &maildir.folders, holder)
            }
        };
        let function = |option, expression: &config::Computed| {
            Function::new(repository, option, expression.clone(), Arc::clone(evaluator))
        };
        let names = match &options.names {
            FolderNames::Same => Names::Same,
            FolderNames::Translated(expression) => {
                Names::Translated(function("nametrans", expression), Answers::default())
            }
            FolderNames::Renamed(table) => Names::Renamed(table.clone()),
            FolderNames::Restored(table) => Names::Restored(table.clone()),
        };
        let selection = match (&options.selection, only) {
            (_, Some(list)) if side == Side::Remote => {
                Selection::Only(list.split(',').map(str::to_owned).collect())
            }
            (FolderSelection::Computed { filter, includes, asking }, _) => {
                let filter = filter.as_ref().map(|filter| function("folderfilter", filter));
                Selection::Functions(Box::new(Functions {
                    filter: filter.map(|filter| (filter, Answers::default())),
                    asking: *asking,
                    includes: includes.as_ref().map(|list| function("folderincludes", list)),
                    included: OnceLock::new(),
                }))
            }
            (FolderSelection::Patterns { include, exclude }, _) => {
                Selection::Patterns { include: include.clone(), exclude: exclude.clone() }
            }
        };
        let decodes = account.folder_encoding == FolderEncoding::DecodedAfterRules;
        Self {
            names,
            selection,
            sort: options.sort.as_ref().map(|sort| function("foldersort", sort)),
            decoding: if decodes && side == Side::Remote {
                Decoding::Decoded
            } else {
                Decoding::Kept
            },
            holder,
        }
    }

    /// The folders that are synced in any case.
    ///
    /// # Errors
    ///
    /// If the user's list cannot be evaluated.
    pub(crate) fn included(&self) -> Result<&BTreeSet<String>, RuleError> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        let Selection::Functions(functions) = &self.selection else { return Ok(&NONE) };
        let Some(list) = &functions.includes else { return Ok(&NONE) };
        functions.included.get_or_init(|| list.names()).as_ref().map_err(RuleError::clone)
    }
}

impl NameRules for FolderRules {
    fn visible(&self, name: &str, separator: Option<char>) -> Result<String, RuleError> {
        let visible = match &self.names {
            Names::Same => name.to_owned(),
            Names::Translated(function, answers) => answers.of(name, || {
                let subject = Subject::Folder(name);
                let value = function.call(&[Value::text(name)], subject)?;
                text_of(&value).map_err(|error| function.error(subject, &error))
            })?,
            Names::Renamed(table) => table.visible(name, separator),
            Names::Restored(table) => table.original(name, separator),
        };
        match self.decoding {
            Decoding::Decoded => Ok(utf7::decode(visible.as_bytes()).unwrap_or(visible)),
            Decoding::Kept => Ok(visible),
        }
    }

    fn includes(&self, name: &str) -> Result<bool, RuleError> {
        match &self.selection {
            Selection::Only(names) => Ok(names.contains(name)),
            Selection::Patterns { include, exclude } => {
                let fits = |pattern: &config::FolderPattern| pattern.fits(name);
                Ok((include.is_empty() || include.iter().any(fits)) && !exclude.iter().any(fits))
            }
            Selection::Functions(functions) => {
                let Functions { filter, asking, .. } = &**functions;
                if self.included()?.contains(name) {
                    return Ok(true);
                }
                let Some((filter, answers)) = filter else { return Ok(true) };
                let ask = || filter.truth(&[Value::text(name)], Subject::Folder(name));
                match asking {
                    FilterAsking::Once => answers.of(name, ask),
                    FilterAsking::EachTime => ask(),
                }
            }
        }
    }

    fn storable(&self, name: &str) -> Result<(), String> {
        match self.holder {
            Holder::Maildir { separator } => check_name(name, separator),
            Holder::Server => storable_on_a_server(name),
        }
    }

    fn spelling(&self, visible: String) -> String {
        match self.decoding {
            Decoding::Decoded => utf7::encode(&visible),
            Decoding::Kept => visible,
        }
    }

    fn namesake(&self, name: &str, separator: Option<char>) -> Option<String> {
        let Names::Renamed(table) = &self.names else { return None };
        let owner = table.original(&table.visible(name, separator), separator);
        (owner != name).then_some(owner)
    }

    fn compare(&self, one: &str, other: &str) -> Result<Ordering, RuleError> {
        match &self.sort {
            None => Ok(one.to_lowercase().cmp(&other.to_lowercase())),
            Some(function) => {
                let subject = Subject::Folders(one, other);
                let value = function.call(&[Value::text(one), Value::text(other)], subject)?;
                function::sign_of(&value).map_err(|error| function.error(subject, &error))
            }
        }
    }
}

/// Tells whether a server can hold a folder of this name, or why not.
///
/// # Errors
///
/// The reason, in words for the user.
pub(crate) fn storable_on_a_server(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a server cannot hold a folder without a name".to_owned());
    }
    match name.chars().find(|c| matches!(c, '\r' | '\n' | '\0')) {
        Some(character) => Err(format!("a name on a server cannot contain {character:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
