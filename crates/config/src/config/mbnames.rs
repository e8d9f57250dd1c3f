//! `[mbnames]`: a list of the mailboxes for a mail reader (`spec/config.md` §6).

use std::path::PathBuf;

use super::Computed;
use crate::expression::{self, Dict, PythonError, Value};

/// How the list of mailboxes is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mbnames {
    /// `filename`, expanded: where the list goes. The file need not exist.
    pub file: PathBuf,
    /// `header`: the text before the first mailbox.
    pub header: Computed,
    /// `peritem`: what is written for each mailbox.
    pub item: ItemFormat,
    /// `sep`: the text between two mailboxes.
    pub separator: Computed,
    /// `footer`: the text after the last mailbox.
    pub footer: Computed,
    /// `incremental`: when the list is written.
    pub writing: ListWriting,
    /// `folderfilter`: a function of an account and a folder that tells whether it is listed.
    pub folder_filter: Option<Computed>,
    /// `sort_keyfunc`: a function of a dictionary that gives the place in the list.
    pub sort_key: Option<Computed>,
}

/// When the list of mailboxes is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListWriting {
    /// Once, when all accounts are done.
    AtTheEnd,
    /// After each account, and at the end.
    AfterEachAccount,
}

/// A mailbox of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedMailbox {
    /// The name of the account.
    pub account: String,
    /// The name of the folder in the local repository, with its separator.
    pub folder: String,
    /// The root of the local repository; `None` for what is no directory.
    pub local_folders: Option<String>,
}

impl ListedMailbox {
    /// The dictionary that `peritem` and `sort_keyfunc` see.
    ///
    /// # Errors
    ///
    /// None in practice: its keys are texts.
    pub fn as_dict(&self) -> Result<Value, PythonError> {
        let root = self.local_folders.as_deref().map_or(Value::None, Value::text);
        let entries = [
            ("accountname", Value::text(&self.account)),
            ("foldername", Value::text(&self.folder)),
            ("localfolders", root),
        ];
        let dict = Dict::new(entries.map(|(key, value)| (Value::text(key), value)))?;
        Ok(Value::Dict(dict.into()))
    }
}

/// `peritem`: text with `%(key)s` in it, which can be formatted.
///
/// It is no expression: quotes in it are quotes in the list (`spec/quirks.md` A14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFormat(String);

impl ItemFormat {
    /// Takes the raw text, and tries it on a mailbox.
    pub(crate) fn parse(text: &str) -> Result<Self, PythonError> {
        let format = Self(text.to_owned());
        let (account, folder) = ("account".to_owned(), "folder".to_owned());
        format.text(&ListedMailbox { account, folder, local_folders: None })?;
        Ok(format)
    }

    /// The text for a mailbox.
    ///
    /// # Errors
    ///
    /// When a name is longer than any that exists.
    pub fn text(&self, mailbox: &ListedMailbox) -> Result<String, PythonError> {
        expression::percent(&self.0, &mailbox.as_dict()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> ListedMailbox {
        ListedMailbox {
            account: "Work".to_owned(),
            folder: "Lists/rust 50%".to_owned(),
            local_folders: Some("/home/joe/Mail".to_owned()),
        }
    }

    #[test]
    fn names_are_put_in_and_everything_else_stays() {
        for (format, text) in [
            ("\"+%(accountname)s/%(foldername)s\"", "\"+Work/Lists/rust 50%\""),
            ("%(localfolders)s/%(foldername)-16s| 100%%", "/home/joe/Mail/Lists/rust 50%  | 100%"),
            ("'%(foldername).5s' \\n", "'Lists' \\n"),
            ("", ""),
        ] {
            assert_eq!(ItemFormat::parse(format).unwrap().text(&mailbox()).unwrap(), text);
        }
        let on_a_server = ListedMailbox { local_folders: None, ..mailbox() };
        let format = ItemFormat::parse("%(localfolders)s").unwrap();
        assert_eq!(format.text(&on_a_server).unwrap(), "None");
    }

    #[test]
    fn what_can_never_be_formatted_is_refused() {
        for (format, why) in [
            ("%(folder)s", "KeyError: 'folder'"),
            ("100%", "ValueError: incomplete format"),
            ("%(foldername)d", "TypeError: %d format: a real number is required, not str"),
        ] {
            assert_eq!(ItemFormat::parse(format).unwrap_err().to_string(), why, "{format}");
        }
    }
}
