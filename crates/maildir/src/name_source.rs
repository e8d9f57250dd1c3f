//! Where unique file names come from: the clock, the process and the host.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::system::uname;

/// Makes the unique beginnings of file names, `<seconds>_<seq>.<pid>.<host>`
/// (`spec/ondisk.md` §8.3). A process has one, shared by all its Maildirs.
///
/// It is also the only place of this crate where the clock is read.
pub struct NameSource {
    pid: u32,
    host: String,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    started_seconds: u64,
    last: Mutex<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    seconds: u64,
    next_sequence: u64,
    next_dated: u64,
}

impl NameSource {
    /// Takes the process id, the host name and the clock of the system.
    pub fn of_this_process() -> Self {
        let host = uname().nodename().to_string_lossy().into_owned();
        Self::new(std::process::id(), &host, SystemTime::now)
    }

    /// Takes them as arguments.
    pub fn new(
        pid: u32,
        host: &str,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        let seconds = unix_seconds(clock());
        Self {
            pid,
            // The host would otherwise become a directory.
            host: host.replace('/', "-"),
            clock: Box::new(clock),
            started_seconds: seconds,
            last: Mutex::new(Last { seconds, next_sequence: 0, next_dated: 0 }),
        }
    }

    /// Returns a beginning that this process never returned before.
    pub(crate) fn next(&self) -> String {
        let now = unix_seconds((self.clock)());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that is set back must not bring used names back: seconds never decrease.
        if now > last.seconds {
            (last.seconds, last.next_sequence) = (now, 0);
        }
        let sequence = last.next_sequence;
        last.next_sequence += 1;
        format!("{}_{sequence}.{}.{}", last.seconds, self.pid, self.host)
    }

    /// Returns a beginning with the date of a message, of which there can be many: this process
    /// never returned it before, but an earlier one of the same number may have.
    pub(crate) fn dated(&self, unix_seconds: i64) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = last.next_dated;
        last.next_dated += 1;
        format!("{unix_seconds}_{sequence}.{}.{}", self.pid, self.host)
    }

    /// Tells how long ago something happened; `None` if it is in the future.
    pub(crate) fn age(&self, then: SystemTime) -> Option<Duration> {
        (self.clock)().duration_since(then).ok()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the second before which this process made no names.
    pub(crate) fn started_seconds(&self) -> u64 {
        self.started_seconds
    }
}

impl fmt::Debug for NameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameSource")
            .field("pid", &self.pid)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn names_of_one_second_differ_in_the_sequence() {
        let names = NameSource::new(7, "a/b", || UNIX_EPOCH + Duration::from_secs(5));
        assert_eq!([names.next(), names.next()], ["5_0.7.a-b", "5_1.7.a-b"]);
    }

    #[test]
    fn names_with_the_date_of_a_message_differ_too() {
        let names = NameSource::new(7, "h", || UNIX_EPOCH);
        let dated = [names.dated(-9), names.dated(-9), names.dated(8)];
        assert_eq!(dated, ["-9_0.7.h", "-9_1.7.h", "8_2.7.h"]);
    }

    #[test]
    fn a_clock_set_back_brings_no_name_back() {
        let now = Arc::new(AtomicU64::new(10));
        let clock = Arc::clone(&now);
        let names = NameSource::new(7, "h", move || {
            UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))
        });
        let first = names.next();
        now.store(11, Ordering::Relaxed);
        let second = names.next();
        now.store(10, Ordering::Relaxed);
        assert_eq!([first, second, names.next()], ["10_0.7.h", "11_0.7.h", "11_1.7.h"]);
    }
}
