//! Putting back the access times of directories (`restoreatime`).

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use crate::folder::{Folder, Subdir};

/// Remembers when the directories of a folder were last read by others, and puts that back on
/// drop: programs that look for new mail by comparing times do not notice that a sync read them.
#[derive(Debug)]
pub(crate) struct AccessTimes {
    directories: Vec<(PathBuf, Timespec)>,
}

impl AccessTimes {
    /// Looks at `new` and `cur`. What cannot be looked at is left alone.
    pub(crate) fn of(folder: &Folder) -> Self {
        let known = |path: PathBuf| {
            let about = fs::metadata(&path).ok()?;
            Some((path, Timespec { tv_sec: about.atime(), tv_nsec: about.atime_nsec() }))
        };
        let paths = Subdir::ALL.map(|subdir| folder.subdir(subdir));
        Self { directories: paths.into_iter().filter_map(known).collect() }
    }
}

impl Drop for AccessTimes {
    fn drop(&mut self) {
        for (path, time) in &self.directories {
            if let Err(error) = put_back(path, *time) {
                // Nothing of the mail depends on it.
                let path = path.display();
                tracing::debug!(%path, %error, "the access time of a directory is not put back");
            }
        }
    }
}

fn put_back(path: &Path, last_access: Timespec) -> io::Result<()> {
    let last_modification = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let times = Timestamps { last_access, last_modification };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}
