//! Flags of messages: the system flags as bits, keywords as text.

use std::fmt;

/// A flag that the protocol defines (RFC 9051 §2.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SystemFlag {
    /// `\Answered`
    Answered,
    /// `\Deleted`
    Deleted,
    /// `\Draft`
    Draft,
    /// `\Flagged`
    Flagged,
    /// `\Recent` (RFC 3501 §2.3.2); set by servers only.
    Recent,
    /// `\Seen`
    Seen,
}

impl SystemFlag {
    /// All system flags, in the order in which they are written.
    pub const ALL: [Self; 6] =
        [Self::Answered, Self::Deleted, Self::Draft, Self::Flagged, Self::Recent, Self::Seen];

    /// Returns the flag as written, with its backslash.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "\\Answered",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
            Self::Flagged => "\\Flagged",
            Self::Recent => "\\Recent",
            Self::Seen => "\\Seen",
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// The flags of one message, or a list of flags in a response.
///
/// Holding only system flags takes no allocation. Keywords are compared as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlagList {
    system: u8,
    others: Vec<String>,
}

impl FlagList {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a system flag.
    pub fn insert(&mut self, flag: SystemFlag) {
        self.system |= flag.bit();
    }

    /// Adds the flag with this name: a system flag in any case, or else a keyword, an extension
    /// (`\Foo`), or `\*`. A repeated name is added once.
    pub fn insert_name(&mut self, name: &str) {
        if let Some(flag) = system_flag(name.as_bytes()) {
            self.insert(flag);
        } else if !self.others.iter().any(|other| other == name) {
            self.others.push(name.to_owned());
        }
    }

    /// Tells whether the system flag is set.
    pub fn contains(&self, flag: SystemFlag) -> bool {
        self.system & flag.bit() != 0
    }

    /// Lists the system flags.
    pub fn system_flags(&self) -> impl Iterator<Item = SystemFlag> {
        SystemFlag::ALL.into_iter().filter(|&flag| self.contains(flag))
    }

    /// Lists everything but the system flags: keywords, unknown flags with a backslash, and `\*`,
    /// in the order of arrival.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Tells whether clients may make up new keywords (`\*` in PERMANENTFLAGS, RFC 9051 §7.1).
    pub fn allows_new_keywords(&self) -> bool {
        self.others.iter().any(|other| other == "\\*")
    }

    /// Tells whether there is no flag at all.
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.others.is_empty()
    }
}

impl FromIterator<SystemFlag> for FlagList {
    fn from_iter<I: IntoIterator<Item = SystemFlag>>(flags: I) -> Self {
        let mut list = Self::new();
        for flag in flags {
            list.insert(flag);
        }
        list
    }
}

impl fmt::Display for FlagList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for flag in self.system_flags() {
            write!(f, "{separator}{}", flag.as_str())?;
            separator = " ";
        }
        for name in &self.others {
            write!(f, "{separator}{name}")?;
            separator = " ";
        }
        Ok(())
    }
}

/// The FLAGS of a FETCH response.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Flags {
    /// The flags as the server gave them.
    Known(FlagList),
    /// There was a FLAGS item, but it could not be read. This says nothing about the flags: least
    /// of all that there are none.
    Unparsable,
}

/// Reads what stands between the parentheses of a flag list; `None` if any of it is no flag.
pub(crate) fn parse_flags(inside: &[u8]) -> Option<FlagList> {
    let mut list = FlagList::new();
    for name in inside.split(|&byte| byte == b' ').filter(|name| !name.is_empty()) {
        if let Some(flag) = system_flag(name) {
            list.insert(flag);
            continue;
        }
        if !is_flag(name) {
            return None;
        }
        list.insert_name(std::str::from_utf8(name).ok()?);
    }
    Some(list)
}

/// Tells whether the bytes can be a flag: an atom, with or without a backslash, or `\*`. Brackets,
/// braces and 8-bit text are tolerated; what would end or open something else is not.
fn is_flag(name: &[u8]) -> bool {
    if name == b"\\*" {
        return true;
    }
    let atom = name.strip_prefix(b"\\").unwrap_or(name);
    !atom.is_empty()
        && atom.iter().all(|&byte| byte > b' ' && byte != 0x7f && !b"()\"\\*%".contains(&byte))
}

fn system_flag(name: &[u8]) -> Option<SystemFlag> {
    let (b'\\', rest) = name.split_first()? else { return None };
    let candidate = match rest.len() {
        4 => SystemFlag::Seen,
        5 => SystemFlag::Draft,
        6 => SystemFlag::Recent,
        7 if rest.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'd')) => {
            SystemFlag::Deleted
        }
        7 => SystemFlag::Flagged,
        8 => SystemFlag::Answered,
        _ => return None,
    };
    name.eq_ignore_ascii_case(candidate.as_str().as_bytes()).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_flags_are_known_in_any_case_and_keywords_keep_theirs() {
        let list = parse_flags(b"\\seen \\FLAGGED  $Forwarded NonJunk $Forwarded \\X").unwrap();
        assert_eq!(list.to_string(), "\\Flagged \\Seen $Forwarded NonJunk \\X");
        for flag in SystemFlag::ALL {
            let one = parse_flags(flag.as_str().as_bytes()).unwrap();
            assert!(one.system_flags().eq([flag]));
            assert!(one.others().is_empty());
        }
    }

    #[test]
    fn what_is_no_flag_makes_the_list_unparsable() {
        for inside in ["\\", "a\"b", "a (b", "a\\b", "50%", "\\Seen \u{0}"] {
            assert_eq!(parse_flags(inside.as_bytes()), None, "{inside:?}");
        }
        assert_eq!(parse_flags(b"caf\xe9"), None);
    }

    #[test]
    fn an_empty_list_is_no_flags() {
        assert!(parse_flags(b"").unwrap().is_empty());
        assert!(parse_flags(b" ").unwrap().is_empty());
    }
}
