//! Values of options: from text to what the type says (`spec/config.md` §1).

use crate::source::{is_space, strip};
use crate::{DeleteLimit, Fingerprint, FingerprintError};

/// Why a text is not a value of its type. The text itself is left to the caller, who knows whether
/// it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("not a boolean")]
    Bool,
    #[error("not a whole number")]
    Int,
    #[error("a number outside of {least} to {most}")]
    Range { least: u64, most: u64 },
    #[error("neither a count, nor a percentage from 0% to 100%, nor 'none'")]
    Limit,
    #[error("not a certificate fingerprint: {0}")]
    Fingerprint(FingerprintError),
    #[error("not a single character")]
    Character,
    #[error("not an IMAP keyword")]
    Keyword,
    #[error("empty")]
    Empty,
}

impl ValueError {
    /// What to write instead.
    pub(crate) fn help(&self, text: &str) -> String {
        let comment = text.find([' ', '\t']).is_some_and(|blank| {
            let rest = text.get(blank..).unwrap_or_default();
            rest.trim_start_matches(is_space).starts_with(['#', ';'])
        });
        if comment {
            return "a comment must stand on a line of its own; here it is a part of the value"
                .to_owned();
        }
        match self {
            Self::Bool => "write yes or no".to_owned(),
            Self::Int => "write digits only, such as 30".to_owned(),
            Self::Range { least, most } => format!("write a number from {least} to {most}"),
            Self::Limit => "write a count such as 50, a percentage such as 25%% (doubled, as a \
                            percent sign is special in this file), or none"
                .to_owned(),
            Self::Fingerprint(_) => "write the SHA-256 digest of the server's certificate as 64 \
                                     hexadecimal digits"
                .to_owned(),
            Self::Character => {
                let inner = text
                    .strip_prefix(['"', '\''])
                    .and_then(|rest| rest.strip_suffix(['"', '\'']))
                    .filter(|inner| inner.chars().count() == 1);
                match inner {
                    Some(inner) => format!("quotes are not special: write {inner} without them"),
                    None => "write one character, such as . or /".to_owned(),
                }
            }
            Self::Keyword => {
                "write one word such as Important or $Forwarded, without a backslash, \
                              quotes, parentheses, braces, brackets, percent signs or asterisks"
                    .to_owned()
            }
            Self::Empty => "write a value, or remove the option".to_owned(),
        }
    }
}

/// Reads a truth value: `1 yes true on` or `0 no false off`, in any case.
pub(crate) fn bool(text: &str) -> Result<bool, ValueError> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(ValueError::Bool),
    }
}

/// Reads a whole number as Python's `int` does: blanks around it, a sign, and single underscores
/// between digits are allowed.
pub(crate) fn int(text: &str) -> Result<i64, ValueError> {
    let text = strip(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let well_formed = digits
        .split('_')
        .all(|group| !group.is_empty() && group.chars().all(|digit| digit.is_ascii_digit()));
    if !well_formed {
        return Err(ValueError::Int);
    }
    let magnitude: i64 = digits.replace('_', "").parse().unwrap_or(i64::MAX);
    Ok(if negative { -magnitude } else { magnitude })
}

/// Reads a whole number and checks that it is from `least` to `most`.
pub(crate) fn int_within(text: &str, least: u64, most: u64) -> Result<u64, ValueError> {
    let number = u64::try_from(int(text)?).ok().filter(|number| (least..=most).contains(number));
    number.ok_or(ValueError::Range { least, most })
}

/// Reads a list: items separated by commas, without blanks around them; empty items do not count.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(strip).filter(|item| !item.is_empty())
}

/// Reads a limit of deletions.
pub(crate) fn limit(text: &str) -> Result<DeleteLimit, ValueError> {
    let text = strip(text);
    if text.eq_ignore_ascii_case("none") {
        return Ok(DeleteLimit::Unlimited);
    }
    let number = |text| int(text).ok().and_then(|number| u64::try_from(number).ok());
    let limit = match text.strip_suffix('%') {
        Some(percent) => number(percent)
            .and_then(|number| u8::try_from(number).ok())
            .filter(|percent| *percent <= 100)
            .map(DeleteLimit::Percent),
        None => number(text).map(DeleteLimit::Count),
    };
    limit.ok_or(ValueError::Limit)
}

/// Reads a single character.
pub(crate) fn character(text: &str) -> Result<char, ValueError> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => Err(ValueError::Character),
    }
}

/// Reads an IMAP keyword: an atom (RFC 9051 §9).
pub(crate) fn keyword(text: &str) -> Result<String, ValueError> {
    const SPECIAL: &str = "(){%*\"\\]";
    let text = strip(text);
    let is_atom = |octet: char| octet.is_ascii_graphic() && !SPECIAL.contains(octet);
    if text.is_empty() || !text.chars().all(is_atom) {
        return Err(ValueError::Keyword);
    }
    Ok(text.to_owned())
}

/// Reads a list of certificate fingerprints.
pub(crate) fn fingerprints(text: &str) -> Result<Vec<Fingerprint>, ValueError> {
    list(text).map(|item| item.parse().map_err(ValueError::Fingerprint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_values_in_any_case() {
        for text in ["1", "yes", "true", "on", "YES", "True", "oN"] {
            assert_eq!(bool(text), Ok(true), "{text}");
        }
        for text in ["0", "no", "false", "off", "NO", "False"] {
            assert_eq!(bool(text), Ok(false), "{text}");
        }
        for text in ["", "2", "y", "yes # really", "\nyes", "None"] {
            assert_eq!(bool(text), Err(ValueError::Bool), "{text}");
        }
    }

    #[test]
    fn whole_numbers_as_python_reads_them() {
        for (text, number) in [
            ("0", 0),
            ("007", 7),
            (" 12 ", 12),
            ("\n5", 5),
            ("1_000", 1000),
            ("-3", -3),
            ("+4", 4),
            ("99999999999999999999", i64::MAX),
        ] {
            assert_eq!(int(text), Ok(number), "{text}");
        }
        for text in ["", "5.5", "1__0", "_1", "1_", "- 3", "0x10", "--1", "five", "1 # one"] {
            assert_eq!(int(text), Err(ValueError::Int), "{text}");
        }
    }

    #[test]
    fn keywords_are_atoms() {
        for text in ["$Forwarded", " Work ", "NonJunk", "$label1", "a.b/c-d}"] {
            assert_eq!(keyword(text).as_deref(), Ok(strip(text)), "{text}");
        }
        for text in ["", "\\Seen", "two words", "a,b c", "Gr\u{fc}n", "\"x\"", "50%", "a*", "[x]"] {
            assert_eq!(keyword(text), Err(ValueError::Keyword), "{text}");
        }
    }

    #[test]
    fn limits_of_deletions() {
        for (text, expected) in [
            ("50", DeleteLimit::Count(50)),
            ("0", DeleteLimit::Count(0)),
            ("25%", DeleteLimit::Percent(25)),
            ("100 %", DeleteLimit::Percent(100)),
            ("0%", DeleteLimit::Percent(0)),
            ("none", DeleteLimit::Unlimited),
            ("None", DeleteLimit::Unlimited),
        ] {
            assert_eq!(limit(text), Ok(expected), "{text}");
        }
        for text in ["", "%", "101%", "-1", "-1%", "12.5%", "all", "300%"] {
            assert_eq!(limit(text), Err(ValueError::Limit), "{text}");
        }
    }

    #[test]
    fn lists_are_trimmed_on_both_sides() {
        let items: Vec<&str> = list(" A , B,\n  C,, ").collect();
        assert_eq!(items, ["A", "B", "C"]);
    }

    #[test]
    fn quotes_around_a_character_are_pointed_out() {
        let error = character("\"/\"").unwrap_err();
        assert_eq!(error.help("\"/\""), "quotes are not special: write / without them");
        assert_eq!(character("é"), Ok('é'));
        assert_eq!(character(""), Err(ValueError::Character));
    }

    #[test]
    fn a_comment_behind_a_value_is_pointed_out() {
        let error = int("30 # seconds").unwrap_err();
        assert!(error.help("30 # seconds").contains("line of its own"));
        assert!(!error.help("thirty").contains("line of its own"));
    }
}
