//! The reference page of all options, made from the table.

use std::fmt::Write as _;

use super::{Default, Expansion, Place, Spec, Support, Type, all};

/// The text of `docs/options.md`.
pub fn reference_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for place in Place::ALL {
        write_place(&mut page, place);
    }
    page
}

const INTRODUCTION: &str = "\
<!-- This page is made from the table of options in crates/config/src/options/.
     After a change there, run: UPDATE_DOCS=1 cargo test -p offlineimap-config --test reference -->

# Options

The configuration file has sections in brackets, and in each section options of the form `name = value`.
A line that is indented deeper than the option above it continues that option's value.
A comment is a line of its own that begins with `#` or `;`; there are no comments behind a value.
Quotes are not special.
`%(name)s` stands for another option of the same section or of `[DEFAULT]`, and `%%` for a percent sign.
Every option of `[DEFAULT]` is visible in every other section.

Options marked *not yet* are known and have no effect; a warning says so when one is set.
Options marked *refused* are known and do not work yet either.
As mail would be synced or protected differently without them, an account that uses one is not synced.
A value that means the same as leaving the option out is always accepted.
";

fn write_place(page: &mut String, place: Place) {
    let heading = match place {
        Place::General => "`[general]`",
        Place::Mbnames => "`[mbnames]`",
        Place::Account => "`[Account X]`",
        Place::Repository => "`[Repository X]`, every type",
        Place::Maildir => "`[Repository X]`, types `Maildir` and `GmailMaildir`",
        Place::Imap => "`[Repository X]`, types `IMAP` and `Gmail`",
    };
    let _infallible = writeln!(page, "\n## {heading}");
    for spec in all().filter(|spec| spec.place == place) {
        write_option(page, spec);
    }
}

fn write_option(page: &mut String, spec: &Spec) {
    let default = match spec.default {
        Default::Required => "required".to_owned(),
        Default::Unset(meaning) => format!("not set: {meaning}"),
        Default::Value(value) => format!("`{value}`"),
    };
    let support = match spec.support {
        Support::Works => "works",
        Support::Planned => "*not yet*",
        Support::Refused => "*refused*",
        Support::Inert => "no effect",
        Support::Ignored(_) => "not used",
    };
    let _infallible = writeln!(
        page,
        "\n### `{}`\n\n- Value: {}\n- Default: {default}\n- State: {support}\n\n{}",
        spec.name,
        describe(spec.value),
        one_sentence_per_line(spec.doc),
    );
}

fn describe(value: Type) -> String {
    match value {
        Type::Bool => "yes or no (`1 yes true on`, `0 no false off`)".to_owned(),
        Type::Int => "whole number".to_owned(),
        Type::Float => "number".to_owned(),
        Type::Text => "text".to_owned(),
        Type::Secret => "text, kept out of all messages".to_owned(),
        Type::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        Type::Path(Expansion::Tilde) => "path; `~` is expanded".to_owned(),
        Type::Path(Expansion::TildeAndVariables) => {
            "path; `~`, `$NAME` and `${NAME}` are expanded".to_owned()
        }
        Type::List => "list, separated by commas".to_owned(),
        Type::Renames => "lines of the form `name -> name`".to_owned(),
        Type::Expression(result) => format!("Python expression: {result}"),
        Type::SecretExpression => "Python expression: text, kept out of all messages".to_owned(),
        Type::Command => "command for the shell".to_owned(),
        Type::Date => "date".to_owned(),
        Type::Limit => "count, percentage or `none`".to_owned(),
    }
}

fn one_sentence_per_line(text: &str) -> String {
    text.replace(". ", ".\n")
}
