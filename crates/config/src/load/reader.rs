//! Reading one section by the table of options: types, defaults and complaints.

use std::path::PathBuf;

use crate::document::Entry;
use crate::expression::{Expression, ExpressionError, Scope};
use crate::options::{self, Default, Expansion, Place, Spec, Support, Type};
use crate::source::strip;
use crate::value::{self, ValueError};
use crate::{Computed, Diagnostic, Diagnostics, Document, Environment, Excerpt, SyncRules};

/// One section, seen as places of the table. What is wrong with it goes to `problems`.
pub(super) struct Reader<'a> {
    document: &'a Document,
    section: &'a str,
    places: &'a [Place],
    environment: &'a Environment<'a>,
    pub(super) problems: &'a mut Diagnostics,
}

/// A value that is set.
pub(super) struct Reading<'a> {
    pub(super) text: String,
    spec: Option<&'static Spec>,
    entry: &'a Entry,
}

/// Whether an option is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Set,
    Absent,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        document: &'a Document,
        section: &'a str,
        places: &'a [Place],
        environment: &'a Environment<'a>,
        problems: &'a mut Diagnostics,
    ) -> Self {
        Self { document, section, places, environment, problems }
    }

    /// Whether the section or `[DEFAULT]` sets the option to something other than nothing.
    pub(super) fn presence(&self, option: &str) -> Presence {
        match self.document.raw(self.section, option) {
            Some(raw) if !strip(raw).is_empty() => Presence::Set,
            Some(_) | None => Presence::Absent,
        }
    }

    /// The value of an option that is set, after interpolation.
    pub(super) fn reading(&mut self, option: &str) -> Option<Reading<'a>> {
        let document = self.document;
        let entry = document.entry(self.section, option)?;
        match document.interpolated(self.section, entry) {
            Ok(text) => Some(Reading { text, spec: options::find(self.places, option), entry }),
            Err(fault) => {
                self.problems.push(
                    Diagnostic::error(format!("the value of '{option}' cannot be read"))
                        .at(document.excerpt(&fault.span, &fault.error.to_string()))
                        .help("write %% for a percent sign, or %(name)s for another option"),
                );
                None
            }
        }
    }

    /// Text, or the default of the table; empty if there is none.
    pub(super) fn text(&mut self, option: &str) -> String {
        let set = self.reading(option).map(|reading| strip(&reading.text).to_owned());
        set.filter(|text| !text.is_empty()).unwrap_or_else(|| self.default_text(option).to_owned())
    }

    /// Text that has to be there.
    pub(super) fn required_text(&mut self, option: &str, example: &str) -> Option<String> {
        if self.presence(option) == Presence::Absent {
            self.complain_missing(option, example);
            return None;
        }
        let reading = self.reading(option)?;
        let text = strip(&reading.text);
        if text.is_empty() {
            self.complain_empty(&reading);
            return None;
        }
        Some(text.to_owned())
    }

    /// A truth value, or the default of the table.
    pub(super) fn bool(&mut self, option: &str) -> bool {
        let default = value::bool(self.default_text(option)).unwrap_or_default();
        self.parsed(option, value::bool).unwrap_or(default)
    }

    /// A value that is set, by way of a function that reads its text. A wrong value is a problem,
    /// and gives `None` too.
    pub(super) fn parsed<T>(
        &mut self,
        option: &str,
        parse: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let reading = self.reading(option)?;
        match parse(&reading.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(&reading, &error.to_string(), Some(error.help(&reading.text)));
                None
            }
        }
    }

    /// A path, expanded as the table says, or the default of the table.
    pub(super) fn path(&mut self, option: &str) -> Option<PathBuf> {
        let set = self.presence(option) == Presence::Set;
        let Some(reading) = self.reading(option).filter(|_| set) else {
            if set {
                return None;
            }
            let default = self.default_text(option);
            return match self.environment.expand(default) {
                Ok(expanded) if !default.is_empty() => Some(expanded.path),
                Ok(_) => None,
                Err(error) => {
                    let message = format!("'{option}' has the default '{default}', but {error}");
                    self.problems.push(
                        Diagnostic::error(message).help(format!(
                            "set '{option}' in [{}] to an absolute path",
                            self.section
                        )),
                    );
                    None
                }
            };
        };
        if reading.text.is_empty() {
            self.complain_empty(&reading);
            return None;
        }
        let expansion = match reading.spec.map(|spec| spec.value) {
            Some(Type::Path(Expansion::Tilde)) => {
                self.environment.expand_tilde(&reading.text).map(|path| (path.into(), vec![]))
            }
            _ => self
                .environment
                .expand(&reading.text)
                .map(|expanded| (expanded.path, expanded.unknown)),
        };
        match expansion {
            Ok((path, unknown)) => {
                for name in unknown {
                    let message =
                        format!("the environment variable '{name}' in '{option}' is not set");
                    let problem = Diagnostic::warning(message)
                        .at(self.excerpt(&reading))
                        .help("it stays in the path as it is written");
                    self.problems.push(problem);
                }
                Some(path)
            }
            Err(error) => {
                let message = format!("'{option}' cannot be expanded: {error}");
                let problem = Diagnostic::error(message)
                    .at(self.excerpt(&reading))
                    .help("write an absolute path");
                self.problems.push(problem);
                None
            }
        }
    }

    /// A Python expression, read and checked. What it uses beyond this program's own evaluator is
    /// left to an interpreter if there is a pythonfile, and is a problem otherwise.
    pub(super) fn computed(&mut self, option: &str, scope: Scope) -> Option<Computed> {
        if self.presence(option) == Presence::Absent {
            return None;
        }
        let reading = self.reading(option)?;
        let has_file =
            self.document.raw("general", "pythonfile").is_some_and(|path| !strip(path).is_empty());
        let text = reading.text.clone();
        let seen = if has_file { scope.with_pythonfile() } else { scope };
        match Expression::parse(&text, seen) {
            Ok(expression) if expression.external_names().next().is_none() => {
                Some(Computed::native(text, scope, expression))
            }
            // Names that only the file can provide: a call of Python's own costs the same.
            Ok(_) => Some(Computed::by_interpreter(text, scope)),
            Err(ExpressionError::Unsupported { .. }) if has_file => {
                Some(Computed::by_interpreter(text, scope))
            }
            Err(error) => {
                self.complain_expression(&reading, &error);
                None
            }
        }
    }

    /// Reports what is wrong with an expression, where it stands. A secret is not told.
    fn complain_expression(&mut self, reading: &Reading<'_>, error: &ExpressionError) {
        let option = &reading.entry.name;
        let secret = reading.spec.is_none_or(Spec::is_secret);
        let (what, help) = match error {
            ExpressionError::Syntax { message, .. } => (
                format!("is no Python expression: {message}"),
                "write one expression; text stands in quotes",
            ),
            ExpressionError::Unsupported { construct, .. } => (
                format!("uses {construct}, which only Python can evaluate"),
                "set 'pythonfile' in [general], to an empty file if there is nothing to define, to \
                 have a Python interpreter evaluate it",
            ),
            ExpressionError::UnknownName { name, .. } => (
                format!("uses the name '{name}', which is not defined"),
                "define it in a file, and set 'pythonfile' in [general] to that file; text stands in \
                 quotes",
            ),
            ExpressionError::Pattern { message, .. } => (
                format!("has an invalid regular expression: {message}"),
                "see the documentation of Python's module 're'",
            ),
        };
        let message = if secret {
            format!("'{option}' is no expression that can be evaluated")
        } else {
            format!("'{option}' {what}")
        };
        let offset = error.position().offset_bytes;
        let span = self.document.span_of_value(self.section, reading.entry, offset);
        let problem = Diagnostic::error(message).at(self.document.excerpt(&span, "")).help(help);
        self.problems.push(problem);
    }

    /// What `readonly`, `createfolders` and `sync_deletes` say.
    pub(super) fn sync_rules(&mut self) -> SyncRules {
        let read_only = self.bool("readonly");
        let create_folders = self.bool("createfolders") && !read_only;
        SyncRules { read_only, create_folders, sync_deletes: self.bool("sync_deletes") }
    }

    /// Reports a wrong value, and shows it unless it is secret.
    pub(super) fn complain(&mut self, reading: &Reading<'_>, what: &str, help: Option<String>) {
        let option = &reading.entry.name;
        let secret = reading.spec.is_none_or(Spec::is_secret);
        let message = if secret || reading.text.is_empty() {
            format!("the value of '{option}' is {what}")
        } else {
            format!("'{option}' is {what}: '{}'", reading.text)
        };
        let mut problem = Diagnostic::error(message).at(self.excerpt(reading));
        problem.help = help;
        self.problems.push(problem);
    }

    /// Reports a value that turned out to be empty.
    pub(super) fn complain_empty(&mut self, reading: &Reading<'_>) {
        let error = ValueError::Empty;
        self.complain(reading, &error.to_string(), Some(error.help("")));
    }

    /// Reports an option that has to be there and is not.
    pub(super) fn complain_missing(&mut self, option: &str, example: &str) {
        let mut problem = Diagnostic::error(format!("[{}] has no '{option}'", self.section));
        if let Some(header) = self.header("") {
            problem = problem.at(header);
        }
        self.problems.push(problem.help(format!("add a line such as `{option} = {example}`")));
    }

    /// Names the options that are set and do not work yet.
    pub(super) fn report_unsupported(&mut self) {
        for option in self.document.option_names(self.section) {
            let Some(spec) = options::find(self.places, option) else { continue };
            if matches!(spec.support, Support::Works | Support::Inert) {
                continue;
            }
            let Some(reading) = self.reading(option) else { continue };
            if changes_nothing(spec, &reading.text) {
                continue;
            }
            let problem = match spec.support {
                Support::Works | Support::Inert => continue,
                Support::Planned => Diagnostic::warning(format!(
                    "'{option}' is not supported yet and has no effect"
                )),
                Support::Ignored(reason) => {
                    Diagnostic::warning(format!("'{option}' has no effect in [{}]", self.section))
                        .help(reason)
                }
                Support::Refused => Diagnostic::error(format!("'{option}' is not supported yet"))
                    .help(
                        "a sync without it would not be what you asked for, so the account is left \
                         alone; remove the option if you can do without it",
                    ),
            };
            let span = &reading.entry.name_span;
            self.problems.push(problem.at(self.document.excerpt(span, "")));
        }
    }

    /// The name of the section.
    pub(super) fn section_name(&self) -> &'a str {
        self.section
    }

    /// The present time, if it is known.
    pub(super) fn unix_seconds(&self) -> Option<i64> {
        self.environment.unix_seconds()
    }

    /// Who signs in on a host, as a netrc file says.
    pub(super) fn netrc_login(&self, host: &str) -> Result<Option<String>, String> {
        self.environment.netrc_login(host)
    }

    /// Where the name of an option stands that is set.
    pub(super) fn name_excerpt(&self, option: &str, label: &str) -> Option<Excerpt> {
        let entry = self.document.entry(self.section, option)?;
        Some(self.document.excerpt(&entry.name_span, label))
    }

    /// Where a value stands.
    pub(super) fn excerpt(&self, reading: &Reading<'_>) -> Excerpt {
        self.document.excerpt(&reading.entry.value_span(), "")
    }

    /// Where the section begins.
    pub(super) fn header(&self, label: &str) -> Option<Excerpt> {
        let span = self.document.section(self.section)?.span.as_ref()?;
        Some(self.document.excerpt(span, label))
    }

    fn default_text(&self, option: &str) -> &'static str {
        match options::find(self.places, option).map(|spec| spec.default) {
            Some(Default::Value(text)) => text,
            Some(Default::Required | Default::Unset(_)) | None => "",
        }
    }
}

/// Whether a value means the same as leaving the option out.
fn changes_nothing(spec: &Spec, text: &str) -> bool {
    let text = strip(text);
    if text.is_empty() {
        return true;
    }
    let Default::Value(default) = spec.default else { return false };
    match spec.value {
        Type::Bool => value::bool(text).is_ok_and(|set| value::bool(default) == Ok(set)),
        Type::Int => value::int(text).is_ok_and(|set| value::int(default) == Ok(set)),
        Type::Float => text.parse::<f64>().is_ok_and(|set| default.parse() == Ok(set)),
        Type::Text
        | Type::Secret
        | Type::Choice(_)
        | Type::Path(_)
        | Type::List
        | Type::Renames
        | Type::Expression(_)
        | Type::SecretExpression
        | Type::Command
        | Type::Date
        | Type::Limit => text == default,
    }
}
