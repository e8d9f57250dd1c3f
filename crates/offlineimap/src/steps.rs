//! The debug switch that ends the process in the middle of its work, and the record of all steps.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use offlineimap_core::Steps;
use rustix::process::{Signal, getpid, kill_process};

/// Makes the witness of all steps of this process.
///
/// At step `crash_at`, counted from 1, the process ends at once, as if it were killed: nothing is
/// flushed, closed or tidied. All steps, that one included, are appended to `log`.
pub(crate) fn witness(crash_at: Option<u64>, log: Option<&Path>) -> anyhow::Result<Steps> {
    if crash_at.is_none() && log.is_none() {
        return Ok(Steps::default());
    }
    let log = log.map(open).transpose()?;
    let count = AtomicU64::new(0);
    Ok(Steps::witnessed_by(move |what| {
        let step = count.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(mut log) = log.as_ref() {
            // One write, so that lines of concurrent steps stay whole.
            drop(log.write_all(format!("{step} {what}\n").as_bytes()));
        }
        if crash_at == Some(step) {
            die();
        }
    }))
}

fn open(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.with_context(|| format!("cannot open the record of steps '{}'", path.display()))
}

fn die() -> ! {
    loop {
        // Nobody survives this; the loop is for the type.
        let _ = kill_process(getpid(), Signal::KILL);
        std::thread::park();
    }
}
