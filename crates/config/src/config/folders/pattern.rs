//! Patterns of folder names.

/// A pattern: `*` stands for any text, separators included, `?` for any single character, and every
/// other character for itself, brackets too. Case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPattern(Box<str>);

impl FolderPattern {
    /// Takes a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Tells whether the pattern fits a name as a whole.
    pub fn fits(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(first) = parts.next() else { return false };
        let Some(mut rest) = without_prefix(name, first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // Between asterisks, the first place that fits leaves the most to those behind it.
        for part in parts {
            let found = starts(rest).find_map(|start| without_prefix(start, part));
            let Some(behind) = found else { return false };
            rest = behind;
        }
        starts(rest).any(|start| without_prefix(start, last).is_some_and(str::is_empty))
    }
}

/// The ends of a text, the longest first.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    places.filter_map(|at| text.get(at..))
}

/// What follows a part of a pattern that has no asterisk.
fn without_prefix<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    let mut characters = text.chars();
    for wanted in part.chars() {
        let character = characters.next()?;
        if wanted != '?' && wanted != character {
            return None;
        }
    }
    Some(characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names() {
        for (pattern, fitting, others) in [
            ("INBOX", &["INBOX"][..], &["inbox", "INBOX/a", "xINBOX", ""][..]),
            ("[Gmail]/*", &["[Gmail]/", "[Gmail]/Spam/x"], &["[Gmail]", "G/Spam"]),
            ("*", &["", "a", "a/b"], &[]),
            ("*Spam", &["Spam", "Junk.Spam", "SpamSpam"], &["Spam.old"]),
            ("a*b*c", &["abc", "aXbYc", "abbcc", "abcbc"], &["acb", "ab", "abcX"]),
            ("a*aa", &["aaa", "aXaa"], &["aa", "a"]),
            ("G?ste", &["Gäste", "G/ste"], &["Gste", "Gääste"]),
            ("*?", &["a", "ä"], &[""]),
            ("?*ä", &["xä", "ää"], &["ä"]),
        ] {
            let pattern = FolderPattern::new(pattern);
            for name in fitting {
                assert!(pattern.fits(name), "{pattern:?} {name}");
            }
            for name in others {
                assert!(!pattern.fits(name), "{pattern:?} {name}");
            }
        }
    }
}
