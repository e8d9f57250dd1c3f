//! What mbsync has written into a Maildir: the UIDs of its messages.
//!
//! mbsync puts a UID into the name of each file (`<base>,U=<uid>:2,<flags>`), and the UIDVALIDITY
//! and the last UID on two lines of a file in the folder; or else both into a database.

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use offlineimap_core::Key;

use crate::error::MaildirError;
use crate::message_name::first_uid;

/// What mbsync has written into a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MbsyncMarks {
    /// The directory of the folder.
    pub directory: PathBuf,
    /// UIDVALIDITY, if the folder has one that can be understood.
    pub validity: Option<u32>,
    /// The database in which the UIDs are instead (`AltMap yes`).
    pub database: Option<PathBuf>,
}

/// What a file name says about the UID that mbsync gave to its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MbsyncUid {
    /// It is this one.
    Given(NonZeroU32),
    /// It has none.
    None,
    /// The name was given by OfflineIMAP or this program (`FMD5`): a UID in it is the server's.
    Replaced,
}

/// The UIDVALIDITY and the last UID of a folder.
const VALIDITY: &str = ".uidvalidity";

/// The database of the other way of numbering.
const DATABASE: &str = ".isyncuidmap.db";

impl MbsyncUid {
    /// Reads the UID in the name of a message that a Maildir has listed.
    pub fn of(key: &Key) -> Self {
        let name = key.as_name().unwrap_or_default();
        // A key abbreviates the hash of its own folder by a slash.
        if name.ends_with(b"/") || name.windows(6).any(|window| window == b",FMD5=") {
            return Self::Replaced;
        }
        first_uid(name).map_or(Self::None, Self::Given)
    }
}

impl MbsyncMarks {
    /// Looks into the directory of a folder.
    pub(crate) fn of(directory: PathBuf) -> Result<Self, MaildirError> {
        let database = directory.join(DATABASE);
        let found = database.try_exists().map_err(MaildirError::read(&database))?;
        Ok(Self { validity: validity(&directory)?, database: found.then_some(database), directory })
    }
}

fn validity(directory: &Path) -> Result<Option<u32>, MaildirError> {
    let path = directory.join(VALIDITY);
    match fs::read(&path) {
        Ok(text) => Ok(parse_validity(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MaildirError::read(&path)(error)),
    }
}

/// Reads the first of the two numbers. Both must be there: mbsync writes the file in place.
fn parse_validity(text: &[u8]) -> Option<u32> {
    let mut lines = std::str::from_utf8(text).ok()?.lines();
    let validity = lines.next()?.trim().parse().ok()?;
    lines.next()?.trim().parse::<u32>().ok()?;
    Some(validity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_behind_the_first_mark_of_a_name_of_mbsync() {
        for (name, uid) in [
            ("1795660554.10620_1.vm,U=1", Some(1)),
            ("1795660554.10620_1.vm,U=17,S=500", Some(17)),
            ("1795660554.R2.vm,S=500,U=3", Some(3)),
            ("1795660554.10620_1.vm", None),
            ("1795660554.10620_1.vm,U=", None),
            ("1795660554.10620_1.vm,U=0", None),
            ("1795660554.10620_1.vm,U=4294967296", None),
        ] {
            let expected = uid.and_then(NonZeroU32::new).map_or(MbsyncUid::None, MbsyncUid::Given);
            assert_eq!(MbsyncUid::of(&Key::name(name.as_bytes())), expected, "{name}");
        }
    }

    #[test]
    fn a_name_of_offlineimap_has_no_uid_of_mbsync() {
        for name in ["1_0.2.vm,U=17/", "1_0.2.vm,U=17,FMD5=7e33429f656f1e6e9d79b29c3f82c57e"] {
            assert_eq!(MbsyncUid::of(&Key::name(name.as_bytes())), MbsyncUid::Replaced, "{name}");
        }
    }

    #[test]
    fn a_validity_comes_with_the_last_uid() {
        for (text, validity) in [
            ("1795660554\n7\n", Some(1_795_660_554)),
            ("17\n0", Some(17)),
            ("17\n", None),
            ("17\nx\n", None),
            ("", None),
            ("\u{fffd}\n1\n", None),
        ] {
            assert_eq!(parse_validity(text.as_bytes()), validity, "{text:?}");
        }
    }
}
