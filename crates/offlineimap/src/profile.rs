//! `-P`: what the sync of an account spent its time on, in a file for people to read.

mod timed_store;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Zoned;
use offlineimap_core::{PerSide, Side, Store};

use timed_store::TimedStore;

/// The directory for the profiles of a run.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    /// Whether it was there already.
    pub(crate) existed_before: bool,
}

impl Directory {
    /// Creates the directory if it is missing.
    ///
    /// # Errors
    ///
    /// If it cannot be created, or something else is in its place.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let existed_before = match std::fs::create_dir(path) {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => true,
            Err(error) => {
                let context = format!("cannot create the profile directory '{}'", path.display());
                return Err(anyhow::Error::new(error).context(context));
            }
        };
        Ok(Self { path: path.to_owned(), existed_before })
    }
}

/// A kind of work of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Opening a connection and signing in. Also part of the phase that needed the connection.
    Connect,
    /// Listing the folders.
    List,
    /// Creating folders.
    Create,
    /// Opening folders and listing their messages.
    Survey,
    /// Finding out what messages look like, without a transfer.
    Identify,
    /// The reading half of copying messages.
    CopyFrom,
    /// The writing half of copying messages.
    CopyTo,
    /// Writing UIDs into the names of files.
    Rename,
    /// Changing flags.
    Flags,
    /// Looking once more whether messages exist.
    Verify,
    /// Deleting messages.
    Delete,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::List => "list",
            Self::Create => "create",
            Self::Survey => "survey",
            Self::Identify => "identify",
            Self::CopyFrom => "copy from",
            Self::CopyTo => "copy to",
            Self::Rename => "rename",
            Self::Flags => "flags",
            Self::Verify => "verify",
            Self::Delete => "delete",
        })
    }
}

/// How much was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Amount {
    /// Messages, or folders of a listing.
    items: usize,
    octets: u64,
}

impl Amount {
    fn of(items: usize) -> Self {
        Self { items, octets: 0 }
    }
}

#[derive(Debug, Clone)]
struct Row {
    calls: u64,
    amount: Amount,
    busy: Duration,
    /// From the beginning of the account to the beginning of the phase.
    from: Duration,
    /// From the beginning of the account to the end of the phase.
    to: Duration,
}

/// What the stores of one account do, while they do it.
#[derive(Debug)]
pub(crate) struct Profile {
    account: String,
    date: Zoned,
    began: Instant,
    rows: Mutex<BTreeMap<(Phase, Side), Row>>,
}

impl Profile {
    /// Begins to look at an account.
    pub(crate) fn new(account: &str) -> Arc<Self> {
        Arc::new(Self {
            account: account.to_owned(),
            date: Zoned::now(),
            began: Instant::now(),
            rows: Mutex::default(),
        })
    }

    /// Puts itself between the stores and who uses them.
    pub(crate) fn watch(
        self: &Arc<Self>,
        stores: &PerSide<Arc<dyn Store>>,
    ) -> PerSide<Arc<dyn Store>> {
        let watched = |side, inner: &Arc<dyn Store>| {
            Arc::new(TimedStore::new(Arc::clone(inner), side, Arc::clone(self))) as _
        };
        PerSide::from_fn(|side| watched(side, stores.get(side)))
    }

    /// Takes down that a connection was opened.
    pub(crate) fn connected(&self, side: Side, took: Duration) {
        self.note(Phase::Connect, side, took, Amount::default());
    }

    /// Writes `<date and time>_<account>.txt`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write_into(&self, directory: &Directory) -> anyhow::Result<()> {
        let name = format!("{}_{}.txt", self.date.strftime("%Y%m%d%H%M%S"), self.account);
        let path = directory.path.join(name);
        std::fs::write(&path, self.text(self.began.elapsed()))
            .with_context(|| format!("cannot write the profile '{}'", path.display()))
    }

    fn note(&self, phase: Phase, side: Side, busy: Duration, amount: Amount) {
        let to = self.began.elapsed();
        let from = to.saturating_sub(busy);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry((phase, side)).or_insert(Row {
            calls: 0,
            amount: Amount::default(),
            busy: Duration::ZERO,
            from,
            to,
        });
        row.calls += 1;
        row.amount.items += amount.items;
        row.amount.octets += amount.octets;
        row.busy += busy;
        row.from = row.from.min(from);
        row.to = row.to.max(to);
    }

    fn text(&self, elapsed: Duration) -> String {
        let mut text = format!(
            "account  {}\nbegan    {}\nelapsed  {:.3} s\n\n\
             phase      side       calls     items          bytes      busy s   from s     to s\n",
            self.account,
            self.date.strftime("%Y-%m-%d %H:%M:%S %z"),
            elapsed.as_secs_f64()
        );
        for ((phase, side), row) in &*self.rows.lock().unwrap_or_else(PoisonError::into_inner) {
            let Row { calls, amount, busy, from, to } = row;
            let [busy, from, to] = [busy, from, to].map(Duration::as_secs_f64);
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{phase:<10} {:<6} {calls:>9} {:>9} {:>14} {busy:>11.3} {from:>8.3} {to:>8.3}",
                side.to_string(),
                amount.items,
                amount.octets,
            );
        }
        text.push_str(EXPLANATION);
        text
    }
}

/// What the numbers mean.
const EXPLANATION: &str = "
items   folders of a listing, messages everywhere else
bytes   of messages, with CRLF as line break
busy    the time that this side took; what goes on at once is counted twice, and the time for a
        connection also counts for the phase that needed it
from, to    when the phase began and ended, since the beginning of the account
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_same_kind_on_the_same_side_are_added_up() {
        let profile = Profile::new("Test");
        let second = Duration::from_secs(1);
        let two = Amount { items: 2, octets: 100 };
        profile.note(Phase::CopyTo, Side::Local, second, two);
        profile.note(Phase::CopyTo, Side::Local, second, two);
        profile.note(Phase::CopyTo, Side::Remote, second, Amount::of(1));
        let text = profile.text(second);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("copy to"))
            .map(|line| line.split_whitespace().skip(2).take(5).collect())
            .collect();
        assert_eq!(rows, [["remote", "1", "1", "0", "1.000"], ["local", "2", "4", "200", "2.000"]]);
    }

    #[test]
    fn a_directory_is_created_or_accepted_and_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles");
        assert!(!Directory::create(&path).unwrap().existed_before);
        assert!(Directory::create(&path).unwrap().existed_before);
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Directory::create(&file).is_err());
    }
}
