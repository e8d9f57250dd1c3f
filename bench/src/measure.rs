//! Measures one process: time, processor time, peak memory, and what crossed the network.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use offlineimap_testkit::proxy::{Proxy, Traffic};

use crate::supervise::{Account, End, Order};

/// A process behind a supervisor; dropping it ends the process.
pub(crate) struct Supervised {
    supervisor: Child,
    /// Its end tells the supervisor to end the process.
    lifeline: Option<ChildStdin>,
}

/// What one run took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) elapsed: Duration,
    /// Processor time of the program, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The largest resident set.
    pub(crate) peak_memory_kib: u64,
    /// What crossed the network.
    pub(crate) traffic: Traffic,
}

impl Supervised {
    /// Starts a supervisor, which is this program again, and through it the process.
    pub(crate) fn start(order: &Order) -> anyhow::Result<Self> {
        let mut supervisor = Command::new(std::env::current_exe()?)
            .args(order.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lifeline = supervisor.stdin.take();
        Ok(Self { supervisor, lifeline })
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> anyhow::Result<Account> {
        let stdout = self.supervisor.stdout.take().context("a supervisor without output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        line.trim().parse()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // The supervisor ends soon after its process, which it kills when it does not obey.
        drop(self.supervisor.wait());
    }
}

/// Runs a process that reaches its server through this proxy.
///
/// # Errors
///
/// The process does not exit with status 0; the error ends with the last lines of its log.
pub(crate) fn measure(order: &Order, proxy: &Proxy) -> anyhow::Result<Sample> {
    // What earlier runs left to be written is not this run's work.
    rustix::fs::sync();
    // Directories that were changed within the grain of their time stamps are looked at twice, or
    // waited for; that happens to users seldom, and here it would happen always.
    std::thread::sleep(GRAIN);
    let _ = proxy.take_traffic();
    let account = Supervised::start(order)?.wait()?;
    let traffic = settled_traffic(proxy);
    match account.end {
        End::Exit(0) => {}
        End::Exit(_) | End::Signal(_) | End::Deadline | End::Abandoned => {
            bail!("{}{}", describe(account.end, order.deadline), log_tail(order))
        }
    }
    Ok(Sample {
        elapsed: account.elapsed,
        cpu: account.cpu,
        peak_memory_kib: account.peak_memory_kib,
        traffic,
    })
}

/// The traffic after the last octets of a process that has ended have passed.
fn settled_traffic(proxy: &Proxy) -> Traffic {
    let started = Instant::now();
    let mut before = proxy.traffic();
    loop {
        std::thread::sleep(QUIET);
        let now = proxy.traffic();
        if now == before || started.elapsed() > PATIENCE {
            return now;
        }
        before = now;
    }
}

const GRAIN: Duration = Duration::from_secs(3);
const QUIET: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

fn describe(end: End, deadline: Duration) -> String {
    match end {
        End::Exit(code) => format!("exit status {code}"),
        End::Signal(signal) => format!("ended by signal {signal}"),
        End::Deadline => format!("not done within {} s", deadline.as_secs()),
        End::Abandoned => "ended with its supervisor".to_owned(),
    }
}

fn log_tail(order: &Order) -> String {
    let log = fs::read(&order.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.iter().skip(lines.len().saturating_sub(LOG_LINES));
    tail.fold(String::new(), |text, line| format!("{text}; {}", line.trim()))
}

const LOG_LINES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_the_end_of_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        fs::write(&log, "one\ntwo\n\nthree\nfour\n").unwrap();
        let order = Order {
            deadline: Duration::from_secs(9),
            log,
            home: "/".into(),
            command: vec!["false".into()],
        };
        assert_eq!(log_tail(&order), "; two; three; four");
        assert_eq!(describe(End::Deadline, order.deadline), "not done within 9 s");
    }
}
