//! The lines of a file, read by the rules of Python's `ConfigParser` with default settings.
//!
//! Python stops at the first duplicate and at text before the first section; here reading goes on
//! behind every mistake, so that all of them are reported at once. A file is refused here exactly
//! when Python refuses it, the byte-order mark excepted, which is accepted.

use std::ops::Range;

use super::{DEFAULT, Document, Entry, Piece, Section};
use crate::options;
use crate::source::{Source, Span, is_space, strip};
use crate::{Diagnostic, Diagnostics};

pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Document, Diagnostics> {
    let source = Source::decode(name, bytes).map_err(|problem| {
        let mut problems = Diagnostics::default();
        problems.push(*problem);
        problems
    })?;
    let mut parser = Parser::new();
    for (number, place, text) in source.lines() {
        parser.line(Line { number, start: place.start, text });
    }
    parser.finish(source)
}

struct Parser {
    defaults: Section,
    sections: Vec<Section>,
    /// The section that options go to.
    current: Current,
    /// The option that continuation lines belong to, as an index into the current section.
    option: Option<usize>,
    /// How far the last line was indented that was not a continuation.
    indent: usize,
    findings: Vec<Finding>,
    hidden: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Current {
    None,
    Defaults,
    Section(usize),
}

/// A mistake, or what looks like one; it gets its excerpts when the whole text was seen.
struct Finding {
    diagnostic: Diagnostic,
    places: Vec<(Range<usize>, &'static str)>,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    /// Where the line starts in the source.
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    /// The line without blanks at both ends, and where that stands.
    fn stripped(&self) -> (&str, Range<usize>) {
        let text = strip(self.text);
        let blanks = self.text.len() - self.text.trim_start_matches(is_space).len();
        let start = self.start + blanks;
        (text, start..start + text.len())
    }

    /// How many characters of white space the line begins with.
    fn indent(&self) -> usize {
        self.text.chars().take_while(|c| is_space(*c)).count()
    }
}

impl Parser {
    fn new() -> Self {
        Self {
            defaults: Section { name: DEFAULT.to_owned(), span: None, entries: vec![] },
            sections: vec![],
            current: Current::None,
            option: None,
            indent: 0,
            findings: vec![],
            hidden: vec![],
        }
    }

    fn line(&mut self, line: Line<'_>) {
        let (text, place) = line.stripped();
        if text.starts_with(['#', ';']) {
            return;
        }
        if text.is_empty() {
            // An empty line belongs to the value if more of it follows; else it is cut off.
            self.continue_value("", place);
            return;
        }
        if self.option.is_some() && line.indent() > self.indent {
            self.warn_of_swallowed(text, &place);
            if self.current_option_may_be_secret() {
                self.hidden.push((line.number, place.start));
            }
            self.continue_value(text, place);
            return;
        }
        self.indent = line.indent();
        if let Some(name) = section_name(text) {
            self.begin_section(name, place);
        } else if self.current == Current::None {
            self.refuse_text_before_sections(line.number, text, place);
        } else {
            self.option_line(line.number, text, &place);
        }
    }

    fn begin_section(&mut self, name: &str, place: Range<usize>) {
        self.option = None;
        let span = Some(Span { source: 0, bytes: place.clone() });
        if name == DEFAULT {
            self.current = Current::Defaults;
            self.defaults.span = self.defaults.span.take().or(span);
            return;
        }
        let earlier = self.sections.iter().find(|section| section.name == name);
        if let Some(earlier) = earlier.and_then(|section| section.span.as_ref()) {
            let places = vec![(place, "again here"), (earlier.bytes.clone(), "first here")];
            let diagnostic = Diagnostic::error(format!("section [{name}] is there twice"))
                .help("put the options of both into one section");
            self.findings.push(Finding { diagnostic, places });
        }
        self.current = Current::Section(self.sections.len());
        self.sections.push(Section { name: name.to_owned(), span, entries: vec![] });
    }

    fn option_line(&mut self, number: usize, text: &str, place: &Range<usize>) {
        let Some(delimiter) = text.find(['=', ':']) else {
            self.refuse_line_without_delimiter(number, text, place);
            return;
        };
        let (before, after) = text.split_at(delimiter);
        let written = before.trim_end_matches(is_space);
        let after = after.get(1..).unwrap_or_default();
        let value = strip(after);
        let value_start = place.end - after.trim_start_matches(is_space).len();
        let name = written.to_lowercase();
        let name_place = place.start..place.start + written.len();
        if options::may_be_secret(&name) {
            self.hidden.push((number, value_start));
        }
        if name.is_empty() {
            let diagnostic = Diagnostic::error("the name of the option is missing")
                .help("write the name of an option before '=' or ':'");
            let at = place.start..place.start + 1;
            self.findings.push(Finding { diagnostic, places: vec![(at, "")] });
        }
        let Some(section) = self.section() else { return };
        let earlier = section.entry(&name).map(|entry| entry.name_span.bytes.clone());
        let section_name = section.name.clone();
        let index = section.entries.len();
        section.entries.push(Entry {
            name: name.clone(),
            name_span: Span { source: 0, bytes: name_place.clone() },
            raw: value.to_owned(),
            pieces: vec![Piece {
                offset: 0,
                span: Span { source: 0, bytes: value_start..value_start + value.len() },
            }],
        });
        self.option = Some(index);
        if let Some(earlier) = earlier
            && !name.is_empty()
        {
            let message = format!("option '{name}' is set twice in [{section_name}]");
            let diagnostic = Diagnostic::error(message).help("remove one of the two");
            let places = vec![(name_place, "again here"), (earlier, "first here")];
            self.findings.push(Finding { diagnostic, places });
        }
    }

    fn continue_value(&mut self, text: &str, place: Range<usize>) {
        let Some(entry) = self.entry() else { return };
        entry.raw.push('\n');
        let offset = entry.raw.len();
        entry.raw.push_str(text);
        entry.pieces.push(Piece { offset, span: Span { source: 0, bytes: place } });
    }

    fn refuse_text_before_sections(&mut self, number: usize, text: &str, place: Range<usize>) {
        self.hide_doubtful(number, text, &place);
        let message = "text before the first section";
        let reported = self.findings.iter().any(|finding| finding.diagnostic.message == message);
        if !reported {
            let diagnostic = Diagnostic::error(message)
                .help("begin with a section header such as [general], or a comment sign '#'");
            self.findings.push(Finding { diagnostic, places: vec![(place, "")] });
        }
    }

    fn refuse_line_without_delimiter(&mut self, number: usize, text: &str, place: &Range<usize>) {
        self.hide_doubtful(number, text, place);
        let help = if text.starts_with('[') {
            "a section header ends with ']' and has a name"
        } else if self.option.is_some() {
            "write `name = value`; a line that continues a value must be indented deeper than the \
             name of its option; a comment begins with '#'"
        } else {
            "write `name = value`; a comment begins with '#'"
        };
        let diagnostic = Diagnostic::error("a line has neither '=' nor ':'").help(help);
        self.findings.push(Finding { diagnostic, places: vec![(place.clone(), "")] });
    }

    /// Hides a line that is not understood, but for the first word, unless it begins with the name
    /// of an option whose value is no secret.
    fn hide_doubtful(&mut self, number: usize, text: &str, place: &Range<usize>) {
        let first = text.split([' ', '\t', '=', ':']).next().unwrap_or_default();
        if self.current_option_may_be_secret() {
            self.hidden.push((number, place.start));
        } else if !first.starts_with('[') && options::may_be_secret(&first.to_lowercase()) {
            let rest = text.get(first.len()..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '=', ':']).len();
            self.hidden.push((number, place.start + first.len() + blanks));
        }
    }

    /// Indentation turns a header or an option into a part of the value above: hardly ever meant.
    fn warn_of_swallowed(&mut self, text: &str, place: &Range<usize>) {
        let Some(entry) = self.entry() else { return };
        let owner = entry.name.clone();
        let what = if section_name(text).is_some_and(options::is_known_section) {
            "a section header"
        } else if text.find(['=', ':']).is_some_and(|end| {
            let name = text.get(..end).unwrap_or_default();
            options::is_known(&strip(name).to_lowercase())
        }) {
            "an option"
        } else {
            return;
        };
        let message = format!("this looks like {what}, but continues the value of '{owner}'");
        let diagnostic = Diagnostic::warning(message)
            .help("a line indented deeper than the option above it belongs to that option's value");
        self.findings.push(Finding { diagnostic, places: vec![(place.clone(), "")] });
    }

    fn section(&mut self) -> Option<&mut Section> {
        match self.current {
            Current::None => None,
            Current::Defaults => Some(&mut self.defaults),
            Current::Section(index) => self.sections.get_mut(index),
        }
    }

    fn entry(&mut self) -> Option<&mut Entry> {
        let index = self.option?;
        self.section()?.entries.get_mut(index)
    }

    fn current_option_may_be_secret(&mut self) -> bool {
        self.entry().is_some_and(|entry| options::may_be_secret(&entry.name))
    }

    fn finish(mut self, mut source: Source) -> Result<Document, Diagnostics> {
        for (line, byte) in self.hidden {
            source.hide_from(line, byte);
        }
        let mut problems = Diagnostics::default();
        for Finding { mut diagnostic, places } in self.findings {
            for (place, label) in places {
                diagnostic = diagnostic.at(source.excerpt(&place, label));
            }
            problems.push(diagnostic);
        }
        if problems.has_errors() {
            return Err(problems);
        }
        for section in self.sections.iter_mut().chain([&mut self.defaults]) {
            for entry in &mut section.entries {
                let length = entry.raw.trim_end_matches(is_space).len();
                entry.raw.truncate(length);
            }
        }
        Ok(Document {
            sources: vec![source],
            defaults: self.defaults,
            sections: self.sections,
            warnings: problems.into_iter().collect(),
        })
    }
}

/// The name in a section header: what is between the first `[` and the last `]`, if anything.
fn section_name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}
