//! A table of new names for folders, which can be read backwards.

use std::borrow::Cow;

use crate::source::strip;

/// New names for folders on the other side (`renamefolders`).
///
/// In the table `/` stands between the parts of a name, whatever the separator of a repository is.
/// Of the lines that fit a name, the most specific one counts; a name that no line fits is kept.
/// What each line is for comes back by [`RenameTable::original`], which was checked. Single names can
/// still meet (`INBOX/* -> *` gives `INBOX/Sent` the name of another `Sent`): then one of them comes
/// back, and the other is known by not doing so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameTable {
    lines: Vec<Rename>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rename {
    from: Box<str>,
    to: Box<str>,
    kind: Kind,
}

/// What a line fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One name.
    Name,
    /// Every name that begins so.
    Prefix,
}

/// Which of the names of a line is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Forwards,
    Backwards,
}

/// Why a text is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// A line is not of the form `name -> name`.
    #[error("the line '{line}' is not of the form 'name -> name' or 'start* -> start*'")]
    Form {
        /// The line.
        line: String,
    },
    /// Two lines are for the same names.
    #[error("two lines are for '{name}'")]
    Twice {
        /// The names.
        name: String,
    },
    /// A name would not come back.
    #[error("folder '{name}' would become '{visible}', which would come back as '{back}'")]
    Irreversible {
        /// The name of a folder.
        name: String,
        /// The name that it would have on the other side.
        visible: String,
        /// The name that it would come back under.
        back: String,
    },
}

impl RenameTable {
    /// Reads a table: a line for each name, as in `[Gmail]/Sent Mail -> sent`, or for all names
    /// that begin alike, as in `INBOX/* -> *`. The name `/` on the right is the root of the other
    /// side. INBOX keeps its name unless a line says otherwise.
    ///
    /// # Errors
    ///
    /// If a line cannot be read, or what it is for would not come back.
    pub fn parse(text: &str) -> Result<Self, RenameError> {
        let lines = text.lines().map(strip).filter(|line| !line.is_empty());
        let mut table = Self { lines: lines.map(Rename::parse).collect::<Result<_, _>>()? };
        for (index, line) in table.lines.iter().enumerate() {
            let same = |it: &&Rename| it.kind == line.kind && it.from == line.from;
            if table.lines.iter().skip(index + 1).find(same).is_some() {
                return Err(RenameError::Twice { name: line.shown(&line.from) });
            }
        }
        let has_inbox = table.line_for(INBOX, Reading::Forwards).is_some()
            || table.lines.iter().any(|line| line.kind == Kind::Name && &*line.to == INBOX);
        if !has_inbox {
            table.lines.push(Rename { from: INBOX.into(), to: INBOX.into(), kind: Kind::Name });
        }
        table.check()?;
        Ok(table)
    }

    /// The name that a folder has on the other side, with its own separator.
    pub fn visible(&self, name: &str, separator: Option<char>) -> String {
        self.read(name, separator, Reading::Forwards)
    }

    /// The name that a folder of the other side has here, with its own separator.
    pub fn original(&self, name: &str, separator: Option<char>) -> String {
        self.read(name, separator, Reading::Backwards)
    }

    fn read(&self, name: &str, separator: Option<char>, reading: Reading) -> String {
        let Some(plain) = with_slashes(name, separator) else { return name.to_owned() };
        if self.line_for(&plain, reading).is_none() {
            return name.to_owned();
        }
        let renamed = self.renamed(&plain, reading);
        match separator {
            Some(separator) => renamed.replace('/', separator.encode_utf8(&mut [0; 4])),
            None => renamed,
        }
    }

    fn renamed(&self, name: &str, reading: Reading) -> String {
        let Some(line) = self.line_for(name, reading) else { return name.to_owned() };
        let (from, to) = line.ends(reading);
        format!("{to}{}", name.strip_prefix(from).unwrap_or_default())
    }

    /// The most specific line that fits a name.
    fn line_for(&self, name: &str, reading: Reading) -> Option<&Rename> {
        let fitting = self.lines.iter().filter(|line| {
            let (from, _) = line.ends(reading);
            match line.kind {
                Kind::Name => name == from,
                Kind::Prefix => name.starts_with(from),
            }
        });
        fitting.max_by_key(|line| (line.kind == Kind::Name, line.ends(reading).0.len()))
    }

    /// Makes sure that what each line is for comes back, and so does INBOX.
    fn check(&self) -> Result<(), RenameError> {
        // No name has this character.
        const ANYTHING: &str = "\u{1}";
        let of_lines = self.lines.iter().map(|line| match line.kind {
            Kind::Name => line.from.to_string(),
            Kind::Prefix => format!("{}{ANYTHING}", line.from),
        });
        for name in of_lines.chain([INBOX.to_owned()]) {
            let visible = self.renamed(&name, Reading::Forwards);
            let back = self.renamed(&visible, Reading::Backwards);
            if back != name {
                let shown = |name: String| name.replace(ANYTHING, "*");
                let (name, visible, back) = (shown(name), shown(visible), shown(back));
                return Err(RenameError::Irreversible { name, visible, back });
            }
        }
        Ok(())
    }
}

const INBOX: &str = "INBOX";

/// A name with `/` between its parts, the root being `/`; `None` if it has a `/` that is none.
fn with_slashes(name: &str, separator: Option<char>) -> Option<Cow<'_, str>> {
    match separator {
        _ if name.is_empty() => Some("/".into()),
        None | Some('/') => Some(name.into()),
        Some(_) if name.contains('/') => None,
        Some(separator) => Some(name.replace(separator, "/").into()),
    }
}

impl Rename {
    fn parse(line: &str) -> Result<Self, RenameError> {
        let wrong = || RenameError::Form { line: line.to_owned() };
        let (from, to) = line.split_once("->").ok_or_else(wrong)?;
        let (from, to) = (strip(from), strip(to));
        let (kind, from, to) = match (from.strip_suffix('*'), to.strip_suffix('*')) {
            (Some(from), Some(to)) => (Kind::Prefix, from, to),
            (None, None) if !from.is_empty() && !to.is_empty() => (Kind::Name, from, to),
            _ => return Err(wrong()),
        };
        if [from, to].iter().any(|name| name.contains('*') || name.contains("->")) {
            return Err(wrong());
        }
        Ok(Self { from: from.into(), to: to.into(), kind })
    }

    /// The name that is looked for, and the one that takes its place.
    fn ends(&self, reading: Reading) -> (&str, &str) {
        match reading {
            Reading::Forwards => (&self.from, &self.to),
            Reading::Backwards => (&self.to, &self.from),
        }
    }

    fn shown(&self, name: &str) -> String {
        match self.kind {
            Kind::Name => name.to_owned(),
            Kind::Prefix => format!("{name}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(text: &str) -> RenameTable {
        RenameTable::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn names_go_there_and_back() {
        let table = table("INBOX/* -> *\n INBOX/Sent Items -> sent\nShared/* -> others/*");
        for (name, visible) in [
            ("INBOX", "INBOX"),
            ("INBOX/Lists/rust", "Lists/rust"),
            ("INBOX/Sent Items", "sent"),
            ("INBOX/Sent Items/2020", "Sent Items/2020"),
            ("Shared/ann", "others/ann"),
        ] {
            for separator in ['/', '.', '^'] {
                let spelt = |name: &str| name.replace('/', &separator.to_string());
                let (name, visible) = (spelt(name), spelt(visible));
                assert_eq!(table.visible(&name, Some(separator)), visible);
                assert_eq!(table.original(&visible, Some(separator)), name);
            }
        }
        // What no line fits stays, and does not come back if a line fits it backwards.
        assert_eq!(table.visible("Other", Some('/')), "Other");
        assert_eq!(table.original("Other", Some('/')), "INBOX/Other");
        // A slash that separates nothing.
        assert_eq!(table.visible("INBOX.a/b", Some('.')), "INBOX.a/b");
    }

    #[test]
    fn inbox_can_be_the_root_of_the_other_side() {
        let table = table("INBOX -> /\nINBOX/* -> /*");
        assert_eq!(table.visible("INBOX", Some('.')), ".");
        assert_eq!(table.visible("INBOX.Sent", Some('.')), ".Sent");
        assert_eq!(table.original("", Some('.')), "INBOX");
        assert_eq!(table.original(".Sent", Some('.')), "INBOX.Sent");
    }

    #[test]
    fn a_table_that_cannot_be_read_backwards_is_refused() {
        for (text, complaint) in [
            ("a -> x\nb -> x", "folder 'a' would become 'x', which would come back as 'b'"),
            ("a/* -> *\nb/* -> *", "folder 'a/*' would become '*', which would come back as 'b/*'"),
            ("a -> INBOX", "folder 'INBOX' would become 'INBOX', which would come back as 'a'"),
            ("a -> b\na -> c", "two lines are for 'a'"),
            ("a* -> b*\na* -> c*", "two lines are for 'a*'"),
            ("a", "the line 'a' is not of the form"),
            ("a* -> b", "is not of the form"),
            ("a -> ", "is not of the form"),
            ("a*b* -> c*", "is not of the form"),
        ] {
            let error = RenameTable::parse(text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }

    #[test]
    fn a_table_that_can_is_not() {
        for text in [
            "",
            "a -> b\nb -> a",
            "[Gmail]/* -> gmail/*\n[Gmail]/Sent Mail -> gmail/sent",
            "* -> old/*",
            "INBOX -> in\nINBOX/* -> *",
            "INBOX -> in\na -> INBOX",
            "a/* -> x/*\na/c -> y\nb -> x/c",
        ] {
            table(text);
        }
    }

    fn name() -> impl Strategy<Value = String> {
        "[ab/]{1,4}"
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            (name(), name()).prop_map(|(from, to)| format!("{from} -> {to}")),
            ("[ab/]{0,3}", "[ab/]{0,3}").prop_map(|(from, to)| format!("{from}* -> {to}*")),
        ]
    }

    proptest! {
        /// Of the names that become one, at most one comes back.
        #[test]
        fn what_was_checked_holds(
            lines in prop::collection::vec(line(), 1..5),
            names in prop::collection::vec("[ab/c]{1,6}", 32),
        ) {
            let Ok(table) = RenameTable::parse(&lines.join("\n")) else { return Ok(()) };
            let mut owners = std::collections::BTreeMap::new();
            for name in std::collections::BTreeSet::from_iter(names) {
                let visible = table.renamed(&name, Reading::Forwards);
                if table.renamed(&visible, Reading::Backwards) == name {
                    let other = owners.insert(visible, name);
                    prop_assert_eq!(other, None, "{:?}", table);
                }
            }
        }
    }
}
