//! Which folder names a repository has, shows and can hold.

use std::collections::BTreeSet;

use offlineimap_core::NameRules;
use offlineimap_maildir::check_name;

/// The names of an IMAP repository.
#[derive(Debug, Clone)]
pub(crate) struct ImapNames {
    only: Option<BTreeSet<String>>,
}

impl ImapNames {
    /// With the argument of `-f`, only the folders it lists, separated by commas and nothing else:
    /// blanks belong to names.
    pub(crate) fn new(only: Option<&str>) -> Self {
        Self { only: only.map(|list| list.split(',').map(str::to_owned).collect()) }
    }
}

impl NameRules for ImapNames {
    fn visible(&self, name: &str) -> String {
        name.to_owned()
    }

    fn includes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|names| names.contains(name))
    }

    fn storable(&self, name: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err("a server cannot hold a folder without a name".to_owned());
        }
        match name.chars().find(|c| matches!(c, '\r' | '\n' | '\0')) {
            Some(character) => Err(format!("a name on a server cannot contain {character:?}")),
            None => Ok(()),
        }
    }
}

/// The names of a Maildir repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaildirNames {
    /// `sep`
    pub(crate) separator: char,
}

impl NameRules for MaildirNames {
    fn visible(&self, name: &str) -> String {
        name.to_owned()
    }

    fn includes(&self, _name: &str) -> bool {
        true
    }

    fn storable(&self, name: &str) -> Result<(), String> {
        check_name(name, self.separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_folders_is_taken_literally() {
        let names = ImapNames::new(Some("INBOX, Z,100%"));
        for (name, included) in
            [("INBOX", true), (" Z", true), ("Z", false), ("100%", true), ("inbox", false)]
        {
            assert_eq!(names.includes(name), included, "{name}");
        }
        assert!(ImapNames::new(None).includes("anything"));
    }

    #[test]
    fn names_that_would_break_a_command_are_not_sent_to_a_server() {
        let names = ImapNames::new(None);
        for name in ["", "a\r\nb", "a\nb", "a\0b"] {
            assert!(names.storable(name).is_err(), "{name:?}");
        }
        assert_eq!(names.storable("Gäste & \"Co\" {3}"), Ok(()));
    }
}
