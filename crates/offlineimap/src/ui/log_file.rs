//! `-l`: every message in a file, with its time (`spec/ui.md` §8).

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use jiff::Zoned;

use super::Level;

/// A file to which messages are appended.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: File,
    clock: fn() -> Zoned,
}

impl LogFile {
    /// Opens or creates the file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().append(true).create(true).open(path);
        let file = opened.with_context(|| format!("cannot open log file '{}'", path.display()))?;
        Ok(Self { file, clock: Zoned::now })
    }

    /// Appends a record. What follows the first line of the text stays as it is.
    pub(crate) fn write(&mut self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        };
        let time = (self.clock)().strftime("%Y-%m-%d %H:%M:%S").to_string();
        // A full disk must not keep mail from being synced, and the console tells the same.
        drop(self.file.write_all(format!("{time} {level}: {text}\n").as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_a_time_and_a_level_and_are_appended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for text in ["*** Processing account Test", "ERROR: one\n  two"] {
            let mut log = LogFile::open(&path).unwrap();
            log.clock = || "2026-11-22T08:44:37+01:00[+01:00]".parse().unwrap();
            log.write(Level::Info, text);
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "2026-11-22 08:44:37 INFO: *** Processing account Test\n\
             2026-11-22 08:44:37 INFO: ERROR: one\n  two\n"
        );
    }
}
