//! Classes of characters as Python's `str` methods and `re` know them.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// `str.isprintable` of a character.
pub(super) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    !matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator
    )
}

/// `str.isalpha` of a character.
pub(super) fn is_alphabetic(c: char) -> bool {
    c.is_ascii_alphabetic()
        || (!c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Letter)
}

/// `str.isdecimal` of a character, `\d`.
pub(super) fn is_decimal(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.general_category() == GeneralCategory::DecimalNumber)
}

/// `str.isdigit` of a character: also superscripts, subscripts and digits in circles.
pub(super) fn is_digit(c: char) -> bool {
    is_decimal(c)
        || matches!(u32::from(c),
            0xb2 | 0xb3 | 0xb9 | 0x1369..=0x1371 | 0x19da | 0x2070 | 0x2074..=0x2079
            | 0x2080..=0x2089 | 0x2460..=0x2468 | 0x2474..=0x247c | 0x2488..=0x2490 | 0x24ea
            | 0x24f5..=0x24fd | 0x24ff | 0x2776..=0x277e | 0x2780..=0x2788 | 0x278a..=0x2792
            | 0x10a40..=0x10a43 | 0x10e60..=0x10e68 | 0x11052..=0x1105a | 0x1f100..=0x1f10a)
}

/// `str.isnumeric` of a character, but for ideographs that mean a number.
pub(super) fn is_numeric(c: char) -> bool {
    c.is_ascii_digit()
        || (!c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Number)
}

/// `str.isalnum` of a character.
pub(super) fn is_alphanumeric(c: char) -> bool {
    is_alphabetic(c) || is_numeric(c)
}

/// `\w`
pub(super) fn is_word(c: char) -> bool {
    c == '_' || is_alphanumeric(c)
}

/// `str.isspace` of a character, `\s`.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Whether `str.islower` counts the character as lower-case.
pub(super) fn is_lower(c: char) -> bool {
    c.is_lowercase()
}

/// Whether `str.isupper` counts the character as upper-case.
pub(super) fn is_upper(c: char) -> bool {
    c.is_uppercase()
}

/// A letter that is half upper-case, like `ǅ`.
pub(super) fn is_title(c: char) -> bool {
    !c.is_ascii() && c.general_category() == GeneralCategory::TitlecaseLetter
}

/// Whether `str.title` takes the character for a part of a word.
pub(super) fn is_cased(c: char) -> bool {
    is_lower(c) || is_upper(c) || is_title(c)
}

/// The character, or characters, that start a word in title case.
pub(super) fn to_title(c: char) -> String {
    match c {
        'ǆ' | 'ǅ' | 'Ǆ' => "ǅ".to_owned(),
        'ǉ' | 'ǈ' | 'Ǉ' => "ǈ".to_owned(),
        'ǌ' | 'ǋ' | 'Ǌ' => "ǋ".to_owned(),
        'ǳ' | 'ǲ' | 'Ǳ' => "ǲ".to_owned(),
        'ა'..='ჿ' => c.to_string(),
        _ => {
            let mut upper = c.to_uppercase();
            let first = upper.next().map(String::from).unwrap_or_default();
            upper.fold(first, |text, more| text + &more.to_lowercase().to_string())
        }
    }
}

/// `str.casefold`.
pub(super) fn fold(text: &str) -> String {
    let folded = |c: char| match c {
        'ß' | 'ẞ' => "ss".to_owned(),
        'ς' => "σ".to_owned(),
        'ŉ' => "ʼn".to_owned(),
        'ﬀ'..='ﬆ' | 'ſ' | 'µ' | 'ϐ' | 'ϑ' | 'ϕ' | 'ϖ' | 'ϰ' | 'ϱ' | 'ϵ' => {
            c.to_uppercase().to_string().to_lowercase()
        }
        _ => c.to_lowercase().to_string(),
    };
    text.chars().map(folded).collect()
}

/// The simple lower-case form that `re` compares without regard to case.
pub(super) fn simple_fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let lower = simple_lower(c);
    let mut upper = lower.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => simple_lower(upper),
        _ => lower,
    }
}

/// The lower-case form of one character in one character.
fn simple_lower(c: char) -> char {
    match c {
        'İ' => 'i',
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}
