//! Classes of characters: `[…]`, `\d`, `\s`, `\w`.

use super::super::unicode;
use super::syntax::{Alphabet, Case, Sense};

/// A class.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) sense: Sense,
    pub(super) case: Case,
    pub(super) alphabet: Alphabet,
    pub(super) members: Vec<Member>,
}

/// A member of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Range(char, char),
    Category(Category, Sense),
}

/// A named set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Digit,
    Space,
    Word,
}

impl Class {
    /// Whether a character belongs to the class.
    pub(super) fn contains(&self, c: char) -> bool {
        let found = match self.case {
            Case::Counts => self.has(c),
            Case::Ignored => {
                let folded = fold(c, self.alphabet);
                self.has(c)
                    || self.has(folded)
                    || match self.alphabet {
                        Alphabet::Ascii => self.has(folded.to_ascii_uppercase()),
                        Alphabet::Unicode => {
                            let mut upper = folded.to_uppercase();
                            let single = upper.next().filter(|_| upper.next().is_none());
                            single.is_some_and(|upper| self.has(upper))
                        }
                    }
            }
        };
        found == (self.sense == Sense::Positive)
    }

    fn has(&self, c: char) -> bool {
        self.members.iter().any(|member| match member {
            Member::Range(first, last) => (*first..=*last).contains(&c),
            Member::Category(category, sense) => {
                category.contains(c, self.alphabet) == (*sense == Sense::Positive)
            }
        })
    }
}

impl Category {
    /// Whether a character belongs to the category.
    pub(super) fn contains(self, c: char, alphabet: Alphabet) -> bool {
        match (self, alphabet) {
            (Self::Digit, Alphabet::Unicode) => unicode::is_decimal(c),
            (Self::Digit, Alphabet::Ascii) => c.is_ascii_digit(),
            (Self::Space, Alphabet::Unicode) => unicode::is_space(c),
            (Self::Space, Alphabet::Ascii) => matches!(c, '\t'..='\r' | ' '),
            (Self::Word, Alphabet::Unicode) => unicode::is_word(c),
            (Self::Word, Alphabet::Ascii) => c == '_' || c.is_ascii_alphanumeric(),
        }
    }
}

/// The character that stands for all that differ from it in case only.
pub(super) fn fold(c: char, alphabet: Alphabet) -> char {
    match alphabet {
        Alphabet::Ascii => c.to_ascii_lowercase(),
        Alphabet::Unicode => unicode::simple_fold(c),
    }
}
