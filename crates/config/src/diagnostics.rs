//! Problems of a configuration, with the place where each stands.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something has no effect, or not the expected one; the run goes on.
    Warning,
    /// The configuration, or the account, cannot be used.
    Error,
}

/// Whether rendered text carries terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Escape sequences of a colour terminal.
    Always,
    /// Plain text.
    Never,
}

/// A place in a configuration file, or in a `-k` argument.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The path of the file, or `-k`.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// One line of a source with the part that matters. Secrets are hidden in it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Where the part begins.
    pub position: Position,
    /// What is said about the part; may be empty.
    pub label: String,
    /// The line, with values that may be secret replaced by asterisks. `None` when the line
    /// cannot be shown.
    pub text: Option<String>,
    /// The bytes of `text` that matter.
    pub span: Range<usize>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, no secrets.
    pub message: String,
    /// Where it is, the main place first. Empty when something is missing altogether.
    pub excerpts: Vec<Excerpt>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), excerpts: vec![], help: None }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    pub(crate) fn at(mut self, excerpt: Excerpt) -> Self {
        self.excerpts.push(excerpt);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where the problem is, if it is at a place.
    pub fn position(&self) -> Option<&Position> {
        self.excerpts.first().map(|excerpt| &excerpt.position)
    }
}

impl fmt::Display for Diagnostic {
    /// Writes one line: position, severity, message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position() {
            write!(f, "{position}: ")?;
        }
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}", self.message)
    }
}

/// Every problem that was found, in the order of the file as far as it has one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The problems.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of the problems is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Renders every problem with its excerpts and its help, separated by empty lines and ended by
    /// a newline; nothing at all when there is no problem.
    pub fn render(&self, color: Color) -> String {
        let renderer = match color {
            Color::Always => Renderer::styled(),
            Color::Never => Renderer::plain(),
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let rendered: Vec<String> =
            self.list.iter().map(|problem| render_one(&renderer, problem)).collect();
        if rendered.is_empty() { String::new() } else { rendered.join("\n\n") + "\n" }
    }

    /// Adds a problem unless the same one is there already.
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// Adds problems unless they are there already.
    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Diagnostic>) {
        for problem in problems {
            self.push(problem);
        }
    }

    /// Brings the problems into the order of the file; those without a place come last.
    pub(crate) fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| (problem.position().is_none(), problem.position().cloned()));
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    /// Writes what [`Diagnostics::render`] gives without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Color::Never))
    }
}

fn render_one(renderer: &Renderer, problem: &Diagnostic) -> String {
    let level = match problem.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut group = Group::with_title(level.primary_title(problem.message.as_str()));
    for (index, excerpt) in problem.excerpts.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        group = with_excerpt(group, excerpt, kind);
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn with_excerpt<'a>(group: Group<'a>, excerpt: &'a Excerpt, kind: AnnotationKind) -> Group<'a> {
    let position = &excerpt.position;
    let Some(text) = &excerpt.text else {
        return group.element(
            Origin::path(position.source.as_str()).line(position.line).char_column(position.column),
        );
    };
    let mut annotation = kind.span(excerpt.span.clone());
    if !excerpt.label.is_empty() {
        annotation = annotation.label(excerpt.label.as_str());
    }
    group.element(
        Snippet::source(text.as_str())
            .path(position.source.as_str())
            .line_start(position.line)
            .annotation(annotation),
    )
}
