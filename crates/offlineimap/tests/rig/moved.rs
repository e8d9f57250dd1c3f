//! What of a conversation moved a message or changed one.

/// What a client said that moves a message or changes one, by command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) downloads: Vec<String>,
    pub(crate) uploads: usize,
    pub(crate) changes: Vec<String>,
}

/// Commands that change messages or mailboxes that are there.
const CHANGES: [&str; 6] =
    ["STORE ", "UID STORE ", "UID EXPUNGE ", "EXPUNGE", "CREATE ", "DELETE "];

impl Moved {
    /// Of what was said, line by line.
    pub(crate) fn by(lines: Vec<String>) -> Self {
        let mut moved = Self::default();
        for line in lines {
            let upper = line.to_ascii_uppercase();
            let command = upper.split_once(' ').map_or("", |(_, command)| command);
            if command.contains("BODY.PEEK[]") || command.contains("BODY[]") {
                moved.downloads.push(line);
            } else if command.starts_with("APPEND ") {
                moved.uploads += 1;
            } else if CHANGES.iter().any(|it| command.starts_with(it)) {
                moved.changes.push(line);
            }
        }
        moved
    }
}
