//! The list of what a server can do.

use std::collections::BTreeSet;

/// The capabilities of a server, compared without regard to case (RFC 9051 §7.2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    names: BTreeSet<String>,
}

impl Capabilities {
    /// Tells whether the server announces the capability, such as `UIDPLUS` or `AUTH=PLAIN`.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&name.to_ascii_uppercase())
    }

    /// Tells whether the server announces this SASL mechanism.
    pub fn has_auth(&self, mechanism: &str) -> bool {
        self.has(&format!("AUTH={mechanism}"))
    }

    /// Lists the SASL mechanisms, upper case.
    pub fn auth_mechanisms(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| name.strip_prefix("AUTH="))
    }

    /// Lists all capabilities, upper case, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Tells which literals may be sent without waiting (RFC 7888).
    pub fn literals(&self) -> NonSyncLiterals {
        if self.has("LITERAL+") {
            NonSyncLiterals::Any
        } else if self.has("LITERAL-") || self.has("IMAP4REV2") {
            NonSyncLiterals::UpTo4096
        } else {
            NonSyncLiterals::None
        }
    }

    /// Returns the largest message that APPEND takes, if announced (RFC 7889).
    pub fn append_limit_bytes(&self) -> Option<u64> {
        self.names.iter().find_map(|name| name.strip_prefix("APPENDLIMIT=")?.parse().ok())
    }

    /// Tells whether nothing is announced.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for Capabilities {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self { names: names.into_iter().map(str::to_ascii_uppercase).collect() }
    }
}

/// Which literals need no continuation request (RFC 7888 §4 and §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonSyncLiterals {
    /// None: every literal waits.
    None,
    /// LITERAL-: those of at most 4096 bytes.
    UpTo4096,
    /// LITERAL+: all.
    Any,
}

impl NonSyncLiterals {
    /// Tells whether a literal of this size may be sent at once.
    pub fn allow(self, size_bytes: u64) -> bool {
        match self {
            Self::None => false,
            Self::UpTo4096 => size_bytes <= 4096,
            Self::Any => true,
        }
    }
}
