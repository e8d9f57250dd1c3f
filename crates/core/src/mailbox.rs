//! Mailboxes as a store lists them.

use std::fmt;

/// The full name of a mailbox as its own store spells it, separators included.
///
/// For IMAP this is the name as the server sent it (modified UTF-7 and all), for a Maildir the
/// path below the root. The empty name is the Maildir root itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Box<str>);

impl MailboxName {
    /// Wraps a name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// What a mailbox is for (SPECIAL-USE, RFC 6154), as far as it changes how it is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Deleted messages.
    Trash,
    /// Unwanted messages.
    Junk,
}

impl Role {
    /// Guesses the role from the last component of a name, where the server does not tell.
    pub fn from_name(name: &str, separator: Option<char>) -> Option<Self> {
        let leaf = match separator {
            Some(separator) => name.rsplit(separator).next().unwrap_or(name),
            None => name,
        };
        match leaf.to_lowercase().as_str() {
            "trash" | "bin" | "deleted" | "deleted items" | "deleted messages" | "wastebasket"
            | "papierkorb" | "corbeille" | "papelera" | "cestino" => Some(Self::Trash),
            "junk" | "spam" | "junk e-mail" | "junk email" | "junk mail" | "bulk" | "bulk mail" => {
                Some(Self::Junk)
            }
            _ => None,
        }
    }
}

/// One mailbox of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxEntry {
    /// Its name.
    pub name: MailboxName,
    /// Its role, as the server tells it.
    pub role: Option<Role>,
}

impl MailboxEntry {
    /// An entry of which nothing but the name is known.
    pub fn named(name: &str) -> Self {
        Self { name: MailboxName::new(name), role: None }
    }
}

/// Everything that a store answered when asked for its mailboxes.
///
/// A store that was refused the listing returns an error, never an empty or invented listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The hierarchy separator; `None` for a flat name space.
    pub separator: Option<char>,
    /// The mailboxes that can hold messages, in no particular order.
    pub mailboxes: Vec<MailboxEntry>,
    /// Names that could not be used, with the reason in words.
    pub unusable: Vec<(String, String)>,
    /// Mailboxes that the user named and that cannot be opened, with the reason in words.
    pub missing: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_guessed_from_the_last_component() {
        assert_eq!(Role::from_name("INBOX.Trash", Some('.')), Some(Role::Trash));
        assert_eq!(Role::from_name("[Gmail]/Spam", Some('/')), Some(Role::Junk));
        assert_eq!(Role::from_name("Trash/2020", Some('/')), None);
        assert_eq!(Role::from_name("a/Trash", None), None);
    }
}
