//! Another mail program on the local side: it reads and changes the Maildir by its file names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::mail::Mail;

/// The directory that holds a directory for each folder.
pub(crate) struct Maildir {
    root: PathBuf,
    /// What separates the flags from the rest of a file's name.
    flag_mark: &'static str,
}

/// The usual one, and that of systems on which file names have no colons.
const FLAG_MARKS: [&str; 2] = [":2,", "!2,"];

/// A message in a file.
#[derive(Clone)]
pub(crate) struct LocalMail {
    pub(crate) path: PathBuf,
    /// The letters of the flags, sorted.
    pub(crate) flags: String,
    pub(crate) content: Vec<u8>,
}

impl LocalMail {
    pub(crate) fn into_mail(self) -> Mail {
        Mail { content: self.content, flags: self.flags }
    }

    pub(crate) fn subject(&self) -> String {
        self.clone().into_mail().subject()
    }
}

static DELIVERED: AtomicU64 = AtomicU64::new(0);

impl Maildir {
    pub(crate) fn new(root: PathBuf) -> Self {
        let [flag_mark, _] = FLAG_MARKS;
        Self { root, flag_mark }
    }

    /// For a mail program that writes no colons.
    pub(crate) fn without_colons(self) -> Self {
        let [_, flag_mark] = FLAG_MARKS;
        Self { flag_mark, ..self }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.clone()
    }

    pub(crate) fn folder(&self, folder: &str) -> PathBuf {
        self.root.join(folder)
    }

    /// Creates a folder.
    pub(crate) fn create(&self, folder: &str) {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.folder(folder).join(part)).unwrap();
        }
    }

    /// Stores a message the way mail programs do, and returns its file.
    pub(crate) fn deliver(&self, folder: &str, flags: &str, content: &[u8]) -> PathBuf {
        let number = DELIVERED.fetch_add(1, Ordering::Relaxed);
        let path = self
            .folder(folder)
            .join(format!("cur/1600000000.{number}.other{}{flags}", self.flag_mark));
        fs::write(&path, content).unwrap();
        path
    }

    /// Gives the message with this subject exactly these flags.
    pub(crate) fn set_flags(&self, folder: &str, subject: &str, flags: &str) {
        let mail = self.find(folder, subject);
        let name = mail.path.file_name().unwrap().to_str().unwrap();
        let (base, _) = parts(name);
        let target = self.folder(folder).join(format!("cur/{base}{}{flags}", self.flag_mark));
        fs::rename(&mail.path, target).unwrap();
    }

    /// Removes the message with this subject.
    pub(crate) fn remove(&self, folder: &str, subject: &str) {
        fs::remove_file(self.find(folder, subject).path).unwrap();
    }

    /// Moves the message with this subject, with a new name as mail programs give it.
    pub(crate) fn shift(&self, folder: &str, subject: &str, target: &str) {
        let mail = self.find(folder, subject);
        let delivered = self.deliver(target, &mail.flags, b"");
        fs::rename(mail.path, delivered).unwrap();
    }

    /// The one message with this subject.
    pub(crate) fn find(&self, folder: &str, subject: &str) -> LocalMail {
        let all = self.messages(folder);
        let mut found = all.into_iter().filter(|mail| mail.subject() == subject);
        let mail = found.next().unwrap_or_else(|| panic!("no {subject} in {folder}"));
        assert!(found.next().is_none(), "{subject} is twice in {folder}");
        mail
    }

    /// All folders.
    pub(crate) fn folders(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        let entries = entries.map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.path().join("cur").is_dir());
        folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    /// All messages of a folder.
    pub(crate) fn messages(&self, folder: &str) -> Vec<LocalMail> {
        let parts = ["cur", "new"].map(|part| self.folder(folder).join(part));
        parts.iter().flat_map(|part| files(part)).map(read).collect()
    }

    /// Files in the `tmp` directories.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let folders = self.folders();
        folders.iter().flat_map(|folder| files(&self.folder(folder).join("tmp"))).collect()
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A file's name without its flags, and the flags.
fn parts(name: &str) -> (&str, &str) {
    let splits = FLAG_MARKS.into_iter().find_map(|mark| name.split_once(mark));
    splits.unwrap_or((name, ""))
}

fn read(path: PathBuf) -> LocalMail {
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut letters: Vec<char> = parts(name).1.chars().collect();
    letters.sort_unstable();
    let content = fs::read(&path).unwrap();
    LocalMail { flags: letters.into_iter().collect(), content, path }
}
