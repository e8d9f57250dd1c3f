//! The supervising process that stands between this program and every process it starts.
//!
//! It exists for two reasons. The peak memory that the kernel reports for children
//! (`ru_maxrss`) is the maximum over all of them, so each measured process needs a parent of its
//! own. And nothing may outlive the run: the supervisor stops its child at the deadline, and as
//! soon as its standard input ends, which happens when its starter ends in whatever way.

use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// The first argument that makes this program a supervisor.
pub(crate) const SUBCOMMAND: &str = "supervise";

/// How one process ended and what it took, as the kernel accounts for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Account {
    /// How it ended.
    pub(crate) end: End,
    /// From start to end.
    pub(crate) elapsed: Duration,
    /// Processor time in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The largest resident set. Never below that of the supervisor, about 3 MB.
    pub(crate) peak_memory_kib: u64,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with this status.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was ended because its deadline had come.
    Deadline,
    /// It was ended because nobody wanted it any more.
    Abandoned,
}

/// What a supervisor is to do; its command line.
#[derive(Debug)]
pub(crate) struct Order {
    /// When to end the process.
    pub(crate) deadline: Duration,
    /// The file to which standard output and error are appended.
    pub(crate) log: PathBuf,
    /// The home directory of the process.
    pub(crate) home: PathBuf,
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
}

impl Order {
    /// The arguments from which [`Order::parse`] makes the same order.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            SUBCOMMAND.into(),
            self.deadline.as_secs().to_string().into(),
            self.log.clone().into(),
            self.home.clone().into(),
        ];
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// Reads the arguments behind [`SUBCOMMAND`].
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Self> {
        let mut arguments = arguments;
        let mut next = |what: &str| arguments.next().with_context(|| format!("no {what} given"));
        let deadline = next("deadline")?.to_string_lossy().parse().context("deadline")?;
        Ok(Self {
            deadline: Duration::from_secs(deadline),
            log: next("log file")?.into(),
            home: next("home directory")?.into(),
            command: arguments.collect(),
        })
    }

    /// Runs the process to its end and prints its account on standard output.
    pub(crate) fn carry_out(&self) -> anyhow::Result<()> {
        let account = self.run(std::io::stdin().as_fd())?;
        writeln!(std::io::stdout(), "{account}")?;
        Ok(())
    }

    fn run(&self, stdin: BorrowedFd<'_>) -> anyhow::Result<Account> {
        let [program, arguments @ ..] = self.command.as_slice() else { bail!("no command given") };
        let log = open_log(&self.log)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // The user's own configuration and caches are not part of the measurement.
        command.env("HOME", &self.home).env_remove("XDG_CONFIG_HOME").current_dir(&self.home);
        let started = Instant::now();
        let mut child =
            command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let forced = loop {
            let left = self.deadline.saturating_sub(started.elapsed());
            match wait(pidfd.as_fd(), Some(stdin), left)? {
                Woken::Ended => break None,
                Woken::Stdin => break Some(End::Abandoned),
                Woken::Timeout if left.is_zero() => break Some(End::Deadline),
                Woken::Timeout => {}
            }
        };
        if forced.is_some() {
            kill_process(pid, Signal::TERM)?;
            if wait(pidfd.as_fd(), None, PATIENCE)? != Woken::Ended {
                kill_process(pid, Signal::KILL)?;
            }
        }
        let elapsed = started.elapsed();
        let status = child.wait()?;
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let cpu_microseconds =
            usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        let end = forced.unwrap_or_else(|| match (status.code(), status.signal()) {
            (Some(code), _) => End::Exit(code),
            (None, Some(signal)) => End::Signal(signal),
            (None, None) => End::Abandoned,
        });
        Ok(Account {
            end,
            elapsed,
            cpu: Duration::from_micros(u64::try_from(cpu_microseconds)?),
            peak_memory_kib: u64::try_from(usage.max_rss())?,
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, detail) = match self.end {
            End::Exit(code) => ("exit", code),
            End::Signal(signal) => ("signal", signal),
            End::Deadline => ("deadline", 0),
            End::Abandoned => ("abandoned", 0),
        };
        write!(
            formatter,
            "{kind} {detail} {} {} {}",
            self.elapsed.as_micros(),
            self.cpu.as_micros(),
            self.peak_memory_kib
        )
    }
}

impl FromStr for Account {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, detail, elapsed, cpu, memory] = words.as_slice() else {
            bail!("not the account of a process: {line:?}");
        };
        let end = match *kind {
            "exit" => End::Exit(detail.parse()?),
            "signal" => End::Signal(detail.parse()?),
            "deadline" => End::Deadline,
            "abandoned" => End::Abandoned,
            other => bail!("not the end of a process: {other:?}"),
        };
        Ok(Self {
            end,
            elapsed: Duration::from_micros(elapsed.parse()?),
            cpu: Duration::from_micros(cpu.parse()?),
            peak_memory_kib: memory.parse()?,
        })
    }
}

/// How long a process may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Ended,
    Stdin,
    Timeout,
}

/// Waits for the end of a process or of standard input, at most this long.
fn wait(
    pidfd: BorrowedFd<'_>,
    stdin: Option<BorrowedFd<'_>>,
    timeout: Duration,
) -> anyhow::Result<Woken> {
    let mut awaited = vec![PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
    awaited.extend(stdin.map(|stdin| PollFd::from_borrowed_fd(stdin, PollFlags::IN)));
    let timeout = Timespec::try_from(timeout)?;
    match poll(&mut awaited, Some(&timeout)) {
        // Nothing is ever written to the standard input: what wakes is its end.
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(Woken::Timeout),
        Ok(_) if awaited.first().is_some_and(|fd| !fd.revents().is_empty()) => Ok(Woken::Ended),
        Ok(_) => Ok(Woken::Stdin),
        Err(error) => Err(error.into()),
    }
}

fn open_log(path: &Path) -> anyhow::Result<std::fs::File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_survives_its_text_form() {
        for end in [End::Exit(3), End::Signal(9), End::Deadline, End::Abandoned] {
            let account = Account {
                end,
                elapsed: Duration::from_micros(1_234_567),
                cpu: Duration::from_micros(7),
                peak_memory_kib: 24_000,
            };
            assert_eq!(account.to_string().parse::<Account>().unwrap(), account);
        }
        assert!("exit 0 1 2".parse::<Account>().is_err());
    }

    #[test]
    fn an_order_survives_its_command_line() {
        let order = order("60", &["sh", "-c", "exit 3"]);
        let parsed = Order::parse(order.arguments().into_iter().skip(1)).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{order:?}"));
    }

    #[test]
    fn the_exit_status_is_that_of_the_process() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let account = order("60", &["sh", "-c", "exit 3"]).run(reader.as_fd()).unwrap();
        assert_eq!(account.end, End::Exit(3));
        assert!(account.peak_memory_kib > 0);
    }

    #[test]
    fn a_process_ends_at_its_deadline() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let account = order("0", &["sleep", "1000"]).run(reader.as_fd()).unwrap();
        assert_eq!(account.end, End::Deadline);
    }

    #[test]
    fn a_process_ends_with_the_one_who_wanted_it() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(writer);
        let account = order("1000", &["sleep", "1000"]).run(reader.as_fd()).unwrap();
        assert_eq!(account.end, End::Abandoned);
    }

    fn order(deadline: &str, command: &[&str]) -> Order {
        Order {
            deadline: Duration::from_secs(deadline.parse().unwrap()),
            log: "/dev/null".into(),
            home: "/".into(),
            command: command.iter().map(Into::into).collect(),
        }
    }
}
