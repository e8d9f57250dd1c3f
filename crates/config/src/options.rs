//! The one table of every option: where it belongs, its type, its default, what it does, and
//! whether it works yet. Loading, warnings and the reference page all read it.

mod account;
mod general;
mod imap;
mod nearest;
mod reference;
mod repository;

pub(crate) use nearest::nearest;
pub use reference::reference_page;

/// A kind of section, or of repository, that options belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `[general]`
    General,
    /// `[mbnames]`
    Mbnames,
    /// `[Account X]`
    Account,
    /// `[Repository X]` of every type.
    Repository,
    /// `[Repository X]` of type `Maildir` or `GmailMaildir`.
    Maildir,
    /// `[Repository X]` of type `IMAP` or `Gmail`.
    Imap,
}

impl Place {
    /// Every place, in the order of the reference page.
    pub const ALL: [Self; 6] =
        [Self::General, Self::Mbnames, Self::Account, Self::Repository, Self::Maildir, Self::Imap];

    /// How the place is named in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "[general]",
            Self::Mbnames => "[mbnames]",
            Self::Account => "[Account X]",
            Self::Repository => "[Repository X]",
            Self::Maildir => "[Repository X] of type Maildir or GmailMaildir",
            Self::Imap => "[Repository X] of type IMAP or Gmail",
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `1 yes true on` or `0 no false off`, in any case.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Any text.
    Text,
    /// Text that is never shown.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path, expanded as said.
    Path(Expansion),
    /// Items separated by commas.
    List,
    /// New names for folders, one a line.
    Renames,
    /// A Python expression with this result.
    Expression(&'static str),
    /// A Python expression that may contain a secret.
    SecretExpression,
    /// A command for the shell.
    Command,
    /// A date, `YYYY-MM-DD`, or as described.
    Date,
    /// A count, a percentage or `none`.
    Limit,
}

/// What is replaced in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expansion {
    /// `~` and `~user` at the start.
    Tilde,
    /// The same, and `$NAME` and `${NAME}` anywhere.
    TildeAndVariables,
}

/// What happens without the option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// The option must be there.
    Required,
    /// There is no value; the words say what that means.
    Unset(&'static str),
    /// This value holds.
    Value(&'static str),
}

/// Whether an option has its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It works.
    Works,
    /// It does not work yet; when set, a warning says so.
    Planned,
    /// It does not work yet; as the run without it would sync other mail, or log in differently,
    /// or be less safe, the account is refused when it is set.
    Refused,
    /// It is accepted and has no effect by its nature.
    Inert,
    /// It is not for this place; when set, a warning gives the reason.
    Ignored(&'static str),
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Where the option belongs.
    pub place: Place,
    /// Its name. `customflag_<letter>` stands for twenty-six.
    pub name: &'static str,
    /// What its value is.
    pub value: Type,
    /// What holds without it.
    pub default: Default,
    /// Whether it works.
    pub support: Support,
    /// What it does.
    pub doc: &'static str,
}

impl Spec {
    /// Whether this row describes the option of that name, which is in lower case.
    pub fn matches(&self, name: &str) -> bool {
        match self.name.strip_suffix("<letter>") {
            None => self.name == name,
            Some(stem) => name.strip_prefix(stem).is_some_and(|rest| {
                rest.len() == 1 && rest.chars().all(|letter| letter.is_ascii_lowercase())
            }),
        }
    }

    /// Whether the value must never be shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.value, Type::Secret | Type::SecretExpression)
    }
}

/// Every row of the table.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    [general::ROWS, general::MBNAMES_ROWS, account::ROWS]
        .into_iter()
        .chain([repository::ROWS, repository::MAILDIR_ROWS, imap::ROWS])
        .flatten()
}

/// The row of an option in one of these places.
pub(crate) fn find(places: &[Place], name: &str) -> Option<&'static Spec> {
    all().find(|spec| places.contains(&spec.place) && spec.matches(name))
}

/// Whether an option of this name belongs anywhere.
pub(crate) fn is_known(name: &str) -> bool {
    all().any(|spec| spec.matches(name))
}

/// Whether the value of an option of this name is to be kept out of messages: it is a secret, or
/// the name is not known and may be a mistyped one, or a variable that a secret is made of.
pub(crate) fn may_be_secret(name: &str) -> bool {
    let mut rows = all().filter(|spec| spec.matches(name)).peekable();
    rows.peek().is_none() || rows.any(Spec::is_secret)
}

/// Whether a section of this name is read.
pub(crate) fn is_known_section(name: &str) -> bool {
    matches!(name, "general" | "mbnames" | "DEFAULT")
        || ["Account ", "Repository ", "ui."].iter().any(|prefix| name.starts_with(prefix))
}

const fn row(
    place: Place,
    name: &'static str,
    value: Type,
    default: Default,
    support: Support,
    doc: &'static str,
) -> Spec {
    Spec { place, name, value, default, support, doc }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_is_described_twice_in_the_same_place() {
        let mut seen = std::collections::BTreeSet::new();
        for spec in all() {
            assert!(seen.insert((spec.place, spec.name)), "{} twice", spec.name);
            let also_everywhere = matches!(spec.place, Place::Maildir | Place::Imap)
                && find(&[Place::Repository], spec.name).is_some();
            assert!(!also_everywhere, "{} in every repository and in one type", spec.name);
        }
    }

    #[test]
    fn names_are_in_lower_case_and_descriptions_are_sentences() {
        for spec in all() {
            assert_eq!(spec.name, spec.name.to_lowercase());
            assert!(spec.doc.ends_with('.'), "{}", spec.name);
        }
    }

    #[test]
    fn a_custom_flag_has_one_letter() {
        let spec = find(&[Place::Maildir], "customflag_b").unwrap();
        assert!(!spec.matches("customflag_"));
        assert!(!spec.matches("customflag_ab"));
        assert!(!spec.matches("customflag_1"));
    }

    #[test]
    fn values_of_unknown_names_are_treated_as_secrets() {
        assert!(may_be_secret("remotepass"));
        assert!(may_be_secret("remotepas"));
        assert!(may_be_secret("oauth2_client_secret_eval"));
        assert!(!may_be_secret("remotehost"));
    }
}
