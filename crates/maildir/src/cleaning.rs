//! Removing what an interrupted run left in `tmp`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use offlineimap_core::Steps;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::error::MaildirError;
use crate::folder::Folder;
use crate::message_name::OwnName;
use crate::name_source::NameSource;

/// By the rules of Maildir no delivery takes longer.
const LONGEST_DELIVERY: Duration = Duration::from_hours(36);

/// Removes own files from the `tmp` of a folder, as far as no delivery can still be using them.
/// Other programs' files stay. It is no reason not to use the folder if that fails.
pub(crate) fn remove_leftovers(folder: &Folder, names: &NameSource, steps: &Steps) {
    if let Err(error) = try_removing(&folder.tmp(), names, steps) {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(%error, cause, "leftovers of an interrupted run remain");
    }
}

fn try_removing(tmp: &Path, names: &NameSource, steps: &Steps) -> Result<(), MaildirError> {
    for entry in fs::read_dir(tmp).map_err(MaildirError::list(tmp))? {
        let entry = entry.map_err(MaildirError::list(tmp))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(own) = name.to_str().and_then(OwnName::parse) else { continue };
        let age = entry
            .metadata()
            .ok()
            .filter(fs::Metadata::is_file)
            .and_then(|metadata| metadata.modified().ok())
            .and_then(|modified| names.age(modified));
        let Some(age) = age else { continue };
        if !is_abandoned(own, age, names) {
            continue;
        }
        steps.step(&format!("maildir unlink {}", path.display()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(MaildirError::remove(&path))?,
        }
    }
    Ok(())
}

fn is_abandoned(own: OwnName<'_>, age: Duration, names: &NameSource) -> bool {
    if own.host != names.host() {
        return false;
    }
    if own.pid == names.pid() {
        // An earlier process had the same number.
        return own.seconds < names.started_seconds();
    }
    !is_running(own.pid) || age > LONGEST_DELIVERY
}

fn is_running(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // A process of somebody else cannot be signalled, but it runs.
    test_kill_process(pid) != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_name::FolderHash;
    use std::time::SystemTime;

    const HASH: &str = "7e33429f656f1e6e9d79b29c3f82c57e";
    /// Larger than the system's largest process number.
    const NOBODY: u32 = 99_999_999;

    struct Fixture {
        dir: tempfile::TempDir,
        names: NameSource,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("tmp")).unwrap();
            Self { dir, names: NameSource::new(std::process::id(), "host", SystemTime::now) }
        }

        /// Tells whether a file of that name and age stays.
        fn stays(&self, name: &str, hours: u64) -> bool {
            let path = self.dir.path().join("tmp").join(name);
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(hours)).unwrap();
            let folder = Folder { path: self.dir.path().into(), hash: FolderHash::of("", '.') };
            remove_leftovers(&folder, &self.names, &Steps::default());
            path.exists()
        }
    }

    #[test]
    fn leftovers_of_a_process_that_ended_go() {
        assert!(!Fixture::new().stays(&format!("5_0.{NOBODY}.host,U=3,FMD5={HASH}:2,S"), 0));
        assert!(!Fixture::new().stays(&format!("5_0.0.host,FMD5={HASH}:2,"), 0));
    }

    #[test]
    fn files_of_a_running_process_stay_for_as_long_as_a_delivery_can_take() {
        let name = format!("5_0.1.host,U=3,FMD5={HASH}:2,S");
        assert!(Fixture::new().stays(&name, 35));
        assert!(!Fixture::new().stays(&name, 37));
    }

    #[test]
    fn files_of_this_process_stay_and_those_of_an_earlier_one_of_its_number_go() {
        let fixture = Fixture::new();
        let name = |seconds| format!("{seconds}_0.{}.host,FMD5={HASH}:2,", fixture.names.pid());
        assert!(fixture.stays(&name(fixture.names.started_seconds()), 0));
        assert!(!fixture.stays(&name(fixture.names.started_seconds() - 1), 0));
    }

    #[test]
    fn files_of_other_hosts_and_programs_stay() {
        for name in [
            format!("5_0.{NOBODY}.other,U=3,FMD5={HASH}:2,S"),
            format!("5.M1P{NOBODY}.host"),
            "draft".into(),
        ] {
            assert!(Fixture::new().stays(&name, 100), "{name}");
        }
    }
}
