//! A configuration file as Python's `ConfigParser` understands it (`spec/config.md` §1).

use crate::options;
use crate::source::{Source, Span};
use crate::{Diagnostic, Diagnostics, Excerpt, Override};

mod interpolation;
mod parser;

pub use interpolation::InterpolationError;
pub(crate) use interpolation::{Fault, references};

/// The section whose options are visible in every other one.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// The sections and options of a configuration file, with their places.
#[derive(Debug, Clone)]
pub struct Document {
    sources: Vec<Source>,
    defaults: Section,
    sections: Vec<Section>,
    warnings: Vec<Diagnostic>,
}

/// A section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) name: String,
    /// The header; `None` for a `[DEFAULT]` that is not in the file.
    pub(crate) span: Option<Span>,
    pub(crate) entries: Vec<Entry>,
}

/// An option that is set in a section.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The name in lower case.
    pub(crate) name: String,
    pub(crate) name_span: Span,
    /// The value before interpolation.
    pub(crate) raw: String,
    /// One for each line of the value: where it begins in `raw`, and where it stands.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    offset: usize,
    span: Span,
}

impl Document {
    /// Understands the contents of a file, whose name serves for messages.
    ///
    /// # Errors
    ///
    /// When the contents are not UTF-8 or not a configuration: every mistake that was found.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Diagnostics> {
        parser::parse(name, bytes)
    }

    /// The sections in the order of the file, without `[DEFAULT]`.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// The options that can be read in a section: its own, then those of `[DEFAULT]`.
    pub fn option_names(&self, section: &str) -> Vec<&str> {
        let own = self.section(section).into_iter().flat_map(|section| &section.entries);
        let mut names: Vec<&str> = own.map(|entry| entry.name.as_str()).collect();
        for entry in &self.defaults.entries {
            if !names.contains(&entry.name.as_str()) {
                names.push(&entry.name);
            }
        }
        names
    }

    /// The value of an option as written, or `None` if neither the section nor `[DEFAULT]` has it.
    pub fn raw(&self, section: &str, option: &str) -> Option<&str> {
        self.entry(section, option).map(|entry| entry.raw.as_str())
    }

    /// The value of an option after interpolation.
    ///
    /// # Errors
    ///
    /// When a percent sign is not followed by what it should be followed by, a name is unknown, or
    /// references are nested too deep.
    pub fn value(&self, section: &str, option: &str) -> Result<Option<String>, InterpolationError> {
        let entry = self.entry(section, option);
        entry
            .map(|entry| self.interpolated(section, entry))
            .transpose()
            .map_err(|fault| fault.error)
    }

    /// The value of an entry seen from a section, after interpolation.
    pub(crate) fn interpolated(&self, section: &str, entry: &Entry) -> Result<String, Fault> {
        interpolation::interpolate(self, section, entry)
    }

    /// Where an octet of an interpolated value stands, up to the end of its line.
    pub(crate) fn span_of_value(&self, section: &str, entry: &Entry, offset: usize) -> Span {
        entry.span_from(interpolation::raw_offset(self, section, entry, offset))
    }

    pub(crate) fn entry(&self, section: &str, option: &str) -> Option<&Entry> {
        let own = self.section(section).and_then(|section| section.entry(option));
        own.or_else(|| self.defaults.entry(option))
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        if name == DEFAULT {
            return Some(&self.defaults);
        }
        self.sections.iter().find(|section| section.name == name)
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub(crate) fn defaults(&self) -> &Section {
        &self.defaults
    }

    /// What looks like a mistake although it is none.
    pub(crate) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The line around a place, as far as it may be shown.
    pub(crate) fn excerpt(&self, span: &Span, label: &str) -> Excerpt {
        let nowhere = || Source::new("", String::new()).excerpt(&(0..0), label);
        self.sources
            .get(span.source)
            .map_or_else(nowhere, |source| source.excerpt(&span.bytes, label))
    }

    /// Removes an option from a section.
    pub(crate) fn remove(&mut self, section: &str, option: &str) {
        if let Some(section) = self.section_mut(section) {
            section.entries.retain(|entry| entry.name != option);
        }
    }

    /// Sets a value from the command line.
    pub(crate) fn set(&mut self, given: &Override) -> Result<(), Box<Diagnostic>> {
        let index = self.sources.len();
        let mut source = Source::new("-k", given.argument.clone());
        let value_start = given.argument.find('=').map_or(0, |equals| equals + 1);
        if options::may_be_secret(&given.option) {
            source.hide_from(0, value_start);
        }
        self.sources.push(source);
        let name_span = Span { source: index, bytes: 0..value_start.saturating_sub(1) };
        let span = Span { source: index, bytes: value_start..given.argument.len() };
        let Some(section) = self.section_mut(&given.section) else {
            return Err(Box::new(
                Diagnostic::error(format!("there is no section [{}]", given.section))
                    .at(self.excerpt(&name_span, ""))
                    .help("in the section, every '_' stands for a blank"),
            ));
        };
        section.entries.retain(|entry| entry.name != given.option);
        section.entries.push(Entry {
            name: given.option.clone(),
            name_span,
            raw: given.value.clone(),
            pieces: vec![Piece { offset: 0, span: span.clone() }],
        });
        if interpolation::is_well_formed(&given.value) {
            return Ok(());
        }
        Err(Box::new(
            Diagnostic::error("a percent sign in the value is not followed by '%' or '(name)s'")
                .at(self.excerpt(&span, ""))
                .help("write %% for a percent sign"),
        ))
    }

    fn section_mut(&mut self, name: &str) -> Option<&mut Section> {
        if name == DEFAULT {
            return Some(&mut self.defaults);
        }
        self.sections.iter_mut().find(|section| section.name == name)
    }
}

impl Section {
    pub(crate) fn entry(&self, option: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == option)
    }
}

impl Entry {
    /// Where the value stands: its first line that is not empty.
    pub(crate) fn value_span(&self) -> Span {
        let lines = self.pieces.iter().map(|piece| &piece.span);
        lines.clone().find(|span| !span.bytes.is_empty()).unwrap_or(&self.name_span).clone()
    }

    /// Where a byte of the raw value stands, up to the end of its line.
    fn span_from(&self, offset: usize) -> Span {
        let piece = self.pieces.iter().rev().find(|piece| piece.offset <= offset);
        let Some(Piece { offset: start, span }) = piece else { return self.value_span() };
        let begin = (span.bytes.start + (offset - start)).min(span.bytes.end);
        Span { source: span.source, bytes: begin..span.bytes.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document::parse("rc", b"[DEFAULT]\na = 1\n[general]\nb = %(a)s\n").unwrap()
    }

    #[test]
    fn overrides_replace_add_and_reach_the_defaults() {
        let mut document = document();
        for argument in ["b=%(a)s%%", "DEFAULT:A=2", "new="] {
            document.set(&argument.parse().unwrap()).unwrap();
        }
        assert_eq!(document.value("general", "b"), Ok(Some("2%".to_owned())));
        assert_eq!(document.value("general", "new"), Ok(Some(String::new())));
    }

    #[test]
    fn an_override_of_a_missing_section_is_refused() {
        let problem = document().set(&"Account_Work:quick=1".parse().unwrap()).unwrap_err();
        assert_eq!(problem.to_string(), "-k:1:1: error: there is no section [Account Work]");
    }

    #[test]
    fn an_override_with_a_lone_percent_sign_is_refused_without_showing_secrets() {
        let problem = document().set(&"remotepass=hunter2%".parse().unwrap()).unwrap_err();
        let rendered = format!("{problem:?}");
        assert!(rendered.contains("percent sign"), "{rendered}");
        assert!(!rendered.contains("hunter2"), "{rendered}");
    }

    #[test]
    fn literal_overrides_need_no_doubled_percent_sign() {
        let mut document = document();
        document.set(&Override::literal("general", "b", "100%(x)")).unwrap();
        assert_eq!(document.value("general", "b"), Ok(Some("100%(x)".to_owned())));
    }
}
