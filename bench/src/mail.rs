//! Mail in Maildirs: generated messages, and the changes a user makes with a mail reader.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use offlineimap_testkit::message::Generated;

/// A generated message, the same for the same seed and size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// What tells it from others.
    pub(crate) seed: u64,
    /// Its size with CRLF at the line ends.
    pub(crate) size_bytes: u64,
}

/// One file of a Maildir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageFile {
    path: PathBuf,
    /// The UID in the name, where all three programs keep it (`,U=`).
    uid: Option<u32>,
}

impl Message {
    /// The message with CRLF at the line ends, as IMAP carries it. For small ones.
    pub(crate) fn wire_form(self) -> Vec<u8> {
        let limit = usize::try_from(self.size_bytes).unwrap_or(usize::MAX);
        Generated::new(self.seed, self.size_bytes).chunk(0, limit).to_vec()
    }

    /// Writes it with LF at the line ends, as Maildirs keep it; returns the size of the file.
    fn write_file(self, path: &Path) -> io::Result<u64> {
        let generated = Generated::new(self.seed, self.size_bytes);
        let mut file = BufWriter::new(File::create_new(path)?);
        let mut offset = 0;
        let mut written = 0;
        while offset < generated.len() {
            let chunk = generated.chunk(offset, CHUNK_BYTES);
            offset += chunk.len() as u64;
            // A generated message has a CR nowhere but before LF.
            for piece in chunk.split(|&octet| octet == b'\r') {
                file.write_all(piece)?;
                written += piece.len() as u64;
            }
        }
        file.flush()?;
        Ok(written)
    }
}

const CHUNK_BYTES: usize = 1024 * 1024;

/// Creates the three directories of a Maildir where they are missing.
pub(crate) fn create_maildir(maildir: &Path) -> io::Result<()> {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part))?;
    }
    Ok(())
}

/// Fills a Dovecot Maildir, with the sizes in the names as Dovecot writes them.
pub(crate) fn fill(maildir: &Path, seeds: Range<u64>, size_bytes: u64) -> io::Result<()> {
    create_maildir(maildir)?;
    let temporary = maildir.join("tmp/filling");
    for seed in seeds {
        let message = Message { seed, size_bytes };
        let on_disk = message.write_file(&temporary)?;
        let virtual_size = Generated::new(seed, size_bytes).len();
        let name = format!("{}.M{seed}.bench,S={on_disk},W={virtual_size}:2,", EPOCH + seed);
        fs::rename(&temporary, maildir.join("cur").join(name))?;
    }
    Ok(())
}

/// Delivers messages as a mail reader or delivery agent does: unseen, in `new`.
pub(crate) fn deliver(maildir: &Path, seeds: Range<u64>, size_bytes: u64) -> io::Result<()> {
    for seed in seeds {
        let temporary = maildir.join(format!("tmp/{}.L{seed}.bench", EPOCH + seed));
        Message { seed, size_bytes }.write_file(&temporary)?;
        fs::rename(&temporary, maildir.join(format!("new/{}.L{seed}.bench", EPOCH + seed)))?;
    }
    Ok(())
}

/// The time in the names of the first file.
const EPOCH: u64 = 1_600_000_000;

/// The messages of a Maildir.
pub(crate) fn list(maildir: &Path) -> anyhow::Result<Vec<MessageFile>> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        let directory = maildir.join(part);
        let entries = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
        for entry in entries {
            files.push(MessageFile::new(entry?.path()));
        }
    }
    Ok(files)
}

impl MessageFile {
    fn new(path: PathBuf) -> Self {
        let uid = file_name(&path).split(',').find_map(|field| {
            let digits = field.strip_prefix("U=")?;
            digits.split(':').next()?.parse().ok()
        });
        Self { path, uid }
    }

    /// The UID in the name.
    pub(crate) fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Whether the name carries the flag `\Flagged`.
    pub(crate) fn is_flagged(&self) -> bool {
        file_name(&self.path).split_once(":2,").is_some_and(|(_, flags)| flags.contains('F'))
    }

    /// The size of the file.
    pub(crate) fn size_bytes(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }

    /// Sets `\Flagged` by renaming the file.
    pub(crate) fn set_flagged(&self) -> io::Result<()> {
        let name = file_name(&self.path);
        let (unique, flags) = name.split_once(":2,").unwrap_or((&name, ""));
        let mut flags: Vec<char> = flags.chars().chain(['F']).collect();
        flags.sort_unstable();
        flags.dedup();
        let name = format!("{unique}:2,{}", flags.into_iter().collect::<String>());
        let maildir = self.path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        fs::rename(&self.path, maildir.join("cur").join(name))
    }

    /// Removes the file.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_is_read_from_the_names_of_all_programs() {
        let uid = |name: &str| MessageFile::new(PathBuf::from(name)).uid();
        assert_eq!(uid("cur/1700000000_0.77.host,U=12,FMD5=abc:2,S"), Some(12));
        assert_eq!(uid("new/1700000000.77_1.host,U=9"), Some(9));
        assert_eq!(uid("cur/1700000000.77_1.host,U=9:2,"), Some(9));
        assert_eq!(uid("new/1700000000.L3.bench"), None);
    }

    #[test]
    fn a_flag_is_set_beside_the_others_and_moves_the_file_to_cur() {
        let directory = tempfile::tempdir().unwrap();
        create_maildir(directory.path()).unwrap();
        fs::write(directory.path().join("cur/a,U=1:2,RS"), "x").unwrap();
        fs::write(directory.path().join("new/b,U=2"), "x").unwrap();
        for file in list(directory.path()).unwrap() {
            assert!(!file.is_flagged());
            file.set_flagged().unwrap();
        }
        assert!(directory.path().join("cur/a,U=1:2,FRS").exists());
        assert!(directory.path().join("cur/b,U=2:2,F").exists());
        assert!(list(directory.path()).unwrap().iter().all(MessageFile::is_flagged));
    }

    #[test]
    fn files_have_lf_and_the_wire_has_crlf() {
        let directory = tempfile::tempdir().unwrap();
        create_maildir(directory.path()).unwrap();
        deliver(directory.path(), 5..6, 5_000).unwrap();
        let files = list(directory.path()).unwrap();
        let text = fs::read(&files.first().unwrap().path).unwrap();
        let wire = Message { seed: 5, size_bytes: 5_000 }.wire_form();
        assert_eq!(wire.len(), 5_000);
        let without_cr: Vec<u8> = wire.into_iter().filter(|&octet| octet != b'\r').collect();
        assert_eq!(text, without_cr);
    }
}
