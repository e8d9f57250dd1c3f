//! `-k [section:]option=value`: one value from the command line (`spec/cli.md` §6).

use std::str::FromStr;

/// A value that replaces one of the file.
///
/// In the section every `_` stands for a blank, as in `Account_Work:autorefresh=5`; without a
/// section, `general` is meant. The value is raw text: interpolation still happens, a percent sign
/// must be doubled.
#[derive(Clone, PartialEq, Eq)]
pub struct Override {
    pub(crate) section: String,
    pub(crate) option: String,
    pub(crate) value: String,
    pub(crate) argument: String,
}

/// Why an argument of `-k` is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There is no `=`. The argument is not repeated: it may be a password.
    #[error("the argument of -k must have the form [section:]option=value, but has no '='")]
    NoEqualsSign,
    /// There is nothing where the name of the option should be.
    #[error("the argument of -k must have the form [section:]option=value, but names no option")]
    NoOption,
}

impl Override {
    /// An override of one option of a section, both named exactly. Percent signs in the value are
    /// literal.
    pub fn literal(section: &str, option: &str, value: &str) -> Self {
        let value = value.replace('%', "%%");
        Self {
            section: section.to_owned(),
            option: option.trim().to_lowercase(),
            argument: format!("{section}:{option}={value}"),
            value,
        }
    }
}

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(argument: &str) -> Result<Self, OverrideError> {
        let (name, value) = argument.split_once('=').ok_or(OverrideError::NoEqualsSign)?;
        let (section, option) = match name.split_once(':') {
            Some((section, option)) => (section.replace('_', " "), option),
            None => ("general".to_owned(), name),
        };
        let option = option.trim().to_lowercase();
        if option.is_empty() {
            return Err(OverrideError::NoOption);
        }
        Ok(Self { section, option, value: value.to_owned(), argument: argument.to_owned() })
    }
}

impl std::fmt::Debug for Override {
    /// Leaves the value out: it may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Override")
            .field("section", &self.section)
            .field("option", &self.option)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscores_stand_for_blanks_in_the_section_only() {
        let given: Override = "Account_My_Mail:some_option=a=b:c".parse().unwrap();
        assert_eq!(given.section, "Account My Mail");
        assert_eq!(given.option, "some_option");
        assert_eq!(given.value, "a=b:c");
    }

    #[test]
    fn without_a_section_general_is_meant() {
        let given: Override = "UI=quiet".parse().unwrap();
        assert_eq!((given.section.as_str(), given.option.as_str()), ("general", "ui"));
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let given: Override = "Repository_R:preauthtunnel=".parse().unwrap();
        assert_eq!(given.value, "");
    }

    #[test]
    fn an_argument_without_equals_sign_or_name_is_refused() {
        assert_eq!("general:ui".parse::<Override>(), Err(OverrideError::NoEqualsSign));
        assert_eq!("general: =quiet".parse::<Override>(), Err(OverrideError::NoOption));
    }

    #[test]
    fn debug_output_hides_the_value() {
        let given: Override = "Repository_R:remotepass=hunter2".parse().unwrap();
        assert!(!format!("{given:?}").contains("hunter2"));
    }
}
