//! Message flags and their arithmetic.

use std::collections::BTreeSet;
use std::fmt;

/// A system flag that both IMAP (RFC 9051 §2.3.2) and Maildir can store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemFlag {
    /// `\Draft`, Maildir `D`.
    Draft,
    /// `\Flagged`, Maildir `F`.
    Flagged,
    /// `\Answered`, Maildir `R`.
    Answered,
    /// `\Seen`, Maildir `S`.
    Seen,
    /// `\Deleted`, Maildir `T`.
    Deleted,
}

impl SystemFlag {
    /// All system flags in the order of their Maildir letters.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::Flagged, Self::Answered, Self::Seen, Self::Deleted];

    /// Returns the Maildir letter.
    pub fn letter(self) -> char {
        match self {
            Self::Draft => 'D',
            Self::Flagged => 'F',
            Self::Answered => 'R',
            Self::Seen => 'S',
            Self::Deleted => 'T',
        }
    }

    /// Returns the flag of a Maildir letter; other letters are not system flags.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.letter() == letter)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The flags of one message: system flags, and keywords by name.
///
/// Keywords compare by ASCII case-insensitive name (RFC 9051 §2.3.2) and keep their spelling.
#[derive(Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Flags {
    system: u8,
    #[expect(
        clippy::box_collection,
        reason = "flags without keywords are the rule: 16 octets each"
    )]
    keywords: Option<Box<BTreeSet<Keyword>>>,
}

#[derive(Clone)]
struct Keyword(Box<str>);

impl Keyword {
    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Flags {
    /// Returns these flags and one more.
    #[must_use]
    pub fn with(mut self, flag: SystemFlag) -> Self {
        self.system |= flag.bit();
        self
    }

    /// Returns these flags without one of them.
    #[must_use]
    pub fn without(mut self, flag: SystemFlag) -> Self {
        self.system &= !flag.bit();
        self
    }

    /// Returns these flags and one more keyword, spelt as given unless it is there already.
    #[must_use]
    pub fn with_keyword(mut self, keyword: &str) -> Self {
        self.keywords.get_or_insert_default().insert(Keyword(keyword.into()));
        self
    }

    /// Tells whether a system flag is set.
    pub fn contains(&self, flag: SystemFlag) -> bool {
        self.system & flag.bit() != 0
    }

    /// Tells whether no flag at all is set.
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_none()
    }

    /// Iterates over the system flags in the order of their Maildir letters.
    pub fn system(&self) -> impl Iterator<Item = SystemFlag> + '_ {
        SystemFlag::ALL.into_iter().filter(|flag| self.contains(*flag))
    }

    /// Iterates over the keywords in alphabetical order.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords.iter().flat_map(|set| set.iter().map(|keyword| &*keyword.0))
    }

    /// Reads system flags from Maildir letters; other characters are not flags and are left out.
    pub fn from_letters(letters: &str) -> Self {
        letters.chars().filter_map(SystemFlag::from_letter).fold(Self::default(), Self::with)
    }

    /// Returns the Maildir letters of the system flags, sorted.
    pub fn letters(&self) -> String {
        self.system().map(SystemFlag::letter).collect()
    }

    /// Returns the flags that are set here or there.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a | b, |here, there| here || there)
    }

    /// Returns the flags that are set here but not there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & !b, |here, there| here && !there)
    }

    /// Returns the flags that are set both here and there.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b, |here, there| here && there)
    }

    /// Returns the part of these flags that a side can store.
    #[must_use]
    pub fn supported_by(&self, support: &FlagSupport) -> Self {
        let keywords = match &support.keywords {
            Keywords::Any => self.keywords.clone(),
            Keywords::Listed(listed) => self.combine(listed, |_, _| 0, |a, b| a && b).keywords,
        };
        Self { system: self.system & support.system, keywords }
    }

    /// Returns the same flags, with the keywords that both have spelt as they are there: not every
    /// server finds a keyword in another spelling.
    #[must_use]
    pub fn spelt_as_in(&self, there: &Self) -> Self {
        let known = there.keywords.as_deref();
        let spelt =
            |keyword: &Keyword| known.and_then(|it| it.get(keyword)).unwrap_or(keyword).clone();
        let keywords =
            self.keywords.as_deref().map(|set| Box::new(set.iter().map(spelt).collect()));
        Self { system: self.system, keywords }
    }

    fn combine(
        &self,
        other: &Self,
        system: impl Fn(u8, u8) -> u8,
        keep: impl Fn(bool, bool) -> bool,
    ) -> Self {
        let has = |flags: &Self, keyword: &Keyword| {
            flags.keywords.as_ref().is_some_and(|set| set.contains(keyword))
        };
        let keywords: BTreeSet<Keyword> = [self, other]
            .into_iter()
            .filter_map(|flags| flags.keywords.as_deref())
            .flatten()
            .filter(|keyword| keep(has(self, keyword), has(other, keyword)))
            .cloned()
            .collect();
        Self {
            system: system(self.system, other.system),
            keywords: (!keywords.is_empty()).then(|| Box::new(keywords)),
        }
    }
}

impl fmt::Display for Flags {
    /// Writes the Maildir letters, and the keywords in braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters())?;
        for keyword in self.keywords() {
            write!(f, "{{{keyword}}}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// The flags that a side can store in a mailbox (PERMANENTFLAGS, RFC 9051 §7.1).
///
/// A flag that one side cannot store is left alone on both: its absence there means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagSupport {
    system: u8,
    keywords: Keywords,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Keywords {
    Any,
    Listed(Flags),
}

impl FlagSupport {
    /// All system flags and no keyword.
    pub fn system_flags() -> Self {
        Self::listed(&SystemFlag::ALL.into_iter().fold(Flags::default(), Flags::with))
    }

    /// All system flags and any keyword.
    pub fn any() -> Self {
        Self { keywords: Keywords::Any, ..Self::system_flags() }
    }

    /// Exactly the given flags.
    pub fn listed(flags: &Flags) -> Self {
        Self { system: flags.system, keywords: Keywords::Listed(flags.clone()) }
    }

    /// Returns the keywords among flags that the side cannot store although it can store others:
    /// those that somebody may have forgotten. A side without keywords misses none.
    pub fn missing_keywords<'a>(&self, flags: &'a Flags) -> impl Iterator<Item = &'a str> {
        let listed = match &self.keywords {
            Keywords::Listed(listed) => listed.keywords.as_deref(),
            Keywords::Any => None,
        };
        let all = listed.and(flags.keywords.as_deref()).into_iter().flatten();
        all.filter(move |keyword| listed.is_some_and(|listed| !listed.contains(*keyword)))
            .map(|keyword| &*keyword.0)
    }

    /// The given system flags and any keyword (`\*` among PERMANENTFLAGS).
    pub fn listed_and_any_keyword(flags: &Flags) -> Self {
        Self { system: flags.system, keywords: Keywords::Any }
    }
}

/// Flags to add to and to remove from a message; the two never share a flag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagChange {
    /// Flags to set.
    pub add: Flags,
    /// Flags to clear.
    pub remove: Flags,
}

impl FlagChange {
    /// Returns the change that leads from one set of flags to another.
    pub fn between(from: &Flags, to: &Flags) -> Self {
        Self { add: to.difference(from), remove: from.difference(to) }
    }

    /// Tells whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Returns the flags after this change.
    #[must_use]
    pub fn apply(&self, flags: &Flags) -> Flags {
        flags.difference(&self.remove).union(&self.add)
    }
}

impl fmt::Display for FlagChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.add.is_empty() {
            write!(f, "+{}", self.add)?;
        }
        if !self.remove.is_empty() {
            write!(f, "-{}", self.remove)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_sorted_and_unknown_ones_are_left_out() {
        assert_eq!(Flags::from_letters("TSaPFx").letters(), "FST");
    }

    #[test]
    fn keywords_differing_in_case_are_one_keyword() {
        let flags = Flags::default().with_keyword("$Junk").with_keyword("$JUNK");
        assert_eq!(flags.keywords().collect::<Vec<_>>(), ["$Junk"]);
        assert!(flags.difference(&Flags::default().with_keyword("$junk")).is_empty());
    }

    #[test]
    fn keywords_are_spelt_as_elsewhere() {
        let here = Flags::from_letters("S").with_keyword("work").with_keyword("home");
        let there = Flags::from_letters("F").with_keyword("WORK").with_keyword("other");
        assert_eq!(here.spelt_as_in(&there).to_string(), "S{home}{WORK}");
        assert_eq!(here.spelt_as_in(&Flags::default()).to_string(), "S{home}{work}");
    }

    #[test]
    fn a_change_leads_from_one_set_to_the_other() {
        let from = Flags::from_letters("FS").with_keyword("a");
        let to = Flags::from_letters("RS").with_keyword("b");
        let change = FlagChange::between(&from, &to);
        assert_eq!(change.to_string(), "+R{b}-F{a}");
        assert_eq!(change.apply(&from), to);
    }

    #[test]
    fn a_side_misses_keywords_only_if_it_has_some() {
        let flags = Flags::from_letters("S").with_keyword("Work").with_keyword("other");
        let missing = |support: &FlagSupport| -> Vec<String> {
            support.missing_keywords(&flags).map(str::to_owned).collect()
        };
        let some = FlagSupport::listed(&Flags::default().with_keyword("WORK"));
        assert_eq!(missing(&some), ["other"]);
        assert!(missing(&FlagSupport::any()).is_empty());
        assert!(missing(&FlagSupport::system_flags()).is_empty());
    }

    #[test]
    fn a_side_without_keywords_supports_none() {
        let flags = Flags::from_letters("S").with_keyword("x");
        assert_eq!(flags.supported_by(&FlagSupport::system_flags()), Flags::from_letters("S"));
        assert_eq!(flags.supported_by(&FlagSupport::any()), flags);
    }
}
