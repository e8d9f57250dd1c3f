//! Keywords that stand in file names as lower-case letters (`customflag_a` to `customflag_z`).

use std::collections::BTreeMap;

use offlineimap_core::{FlagSupport, Flags, SystemFlag};

/// Which keywords the lower-case letters in the names of message files stand for. A letter
/// without a keyword is of other programs: it is neither read nor changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeywordLetters(BTreeMap<u8, Box<str>>);

impl KeywordLetters {
    /// Takes letters with their keywords. Other characters than `a` to `z` can stand for no
    /// keyword and are left out; of two keywords for one letter the last counts.
    pub fn new(letters: impl IntoIterator<Item = (char, String)>) -> Self {
        let letters = letters.into_iter().filter(|(letter, _)| letter.is_ascii_lowercase());
        let octets = letters.filter_map(|(letter, keyword)| {
            Some((u8::try_from(letter).ok()?, keyword.into_boxed_str()))
        });
        Self(octets.collect())
    }

    /// Returns what letters say, as far as they are known.
    pub(crate) fn flags(&self, letters: &[u8]) -> Flags {
        let system = Flags::from_letters(&String::from_utf8_lossy(letters));
        let keywords = letters.iter().filter_map(|letter| self.0.get(letter));
        keywords.fold(system, |flags, keyword| flags.with_keyword(keyword))
    }

    /// Returns the letters of flags, as far as there are any. A keyword with several letters gets
    /// them all.
    pub(crate) fn letters(&self, flags: &Flags) -> impl Iterator<Item = u8> {
        let has = |keyword: &str| flags.keywords().any(|it| it.eq_ignore_ascii_case(keyword));
        let keywords = self.0.iter().filter(|(_, keyword)| has(keyword)).map(|(letter, _)| *letter);
        let letters: Vec<u8> = keywords.collect();
        flags.letters().into_bytes().into_iter().chain(letters)
    }

    /// Tells whether a letter stands for a flag or a keyword.
    pub(crate) fn is_known(&self, letter: u8) -> bool {
        SystemFlag::from_letter(char::from(letter)).is_some() || self.0.contains_key(&letter)
    }

    /// Returns what can be stored.
    pub(crate) fn support(&self) -> FlagSupport {
        let system = SystemFlag::ALL.into_iter().fold(Flags::default(), Flags::with);
        FlagSupport::listed(&self.0.values().fold(system, |all, it| all.with_keyword(it)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_for_keywords() {
        let letters = [('a', "Work"), ('b', "$Label1"), ('c', "WORK"), ('S', "no"), ('é', "no")];
        let letters =
            KeywordLetters::new(letters.map(|(letter, keyword)| (letter, keyword.to_owned())));
        for (name, flags, again) in [
            ("FSa", "FS{Work}", "FSac"),
            ("Sc", "S{WORK}", "Sac"),
            ("bz", "{$Label1}", "b"),
            ("P9_", "", ""),
        ] {
            let read = letters.flags(name.as_bytes());
            assert_eq!(read.to_string(), flags, "{name}");
            assert_eq!(letters.letters(&read).map(char::from).collect::<String>(), again);
            assert_eq!(read.supported_by(&letters.support()), read);
        }
        let other = Flags::from_letters("S").with_keyword("work").with_keyword("Other");
        assert_eq!(letters.letters(&other).map(char::from).collect::<String>(), "Sac");
        assert_eq!(other.supported_by(&letters.support()), letters.flags(b"Sa"));
        assert!(letters.is_known(b'a') && letters.is_known(b'T') && !letters.is_known(b'z'));
    }
}
