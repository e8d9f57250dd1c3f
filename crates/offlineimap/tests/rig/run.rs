//! Runs of the real binary, with an environment that holds nothing of the tester's.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Rig;

/// A run that is under way; dropping it kills it.
pub(crate) struct Running {
    child: Child,
    output: PathBuf,
    peak_kilobytes: u64,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status, if it was not killed.
    pub(crate) status: Option<i32>,
    /// The signal that killed it.
    pub(crate) signal: Option<i32>,
    /// What it printed, errors included.
    pub(crate) output: String,
    /// The most memory it was seen to have, in kilobytes.
    pub(crate) peak_kilobytes: u64,
}

/// No run of a test takes longer, unless it hangs.
const RUN_LIMIT: Duration = Duration::from_mins(3);

impl Rig {
    /// The program with the rig's configuration and `-o`.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offlineimap"));
        command.env_clear().current_dir(self.home());
        command.env("HOME", self.home()).env("TMPDIR", self.scratch()).env("TZ", "UTC");
        command.arg("-c").arg(self.home().join("offlineimaprc")).args(["-o", "-u", "basic"]);
        command
    }

    /// Runs it with these arguments too, until the server is done with it as well.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.start(self.command().args(arguments)).wait();
        self.wait_for_hangup();
        ended
    }

    /// Runs it up to the given step, counted from 1, at which it dies as if it were killed. Returns
    /// the steps it announced, that one included.
    pub(crate) fn crash(&self, step: usize) -> Vec<String> {
        let (ended, steps) = self.recorded(&["--crash-at-step", &step.to_string()]);
        // Not every run takes the same number of steps: two may become one, or the reverse.
        let in_order = ended.signal == Some(9) || (ended.status == Some(0) && steps.len() < step);
        assert!(in_order, "step {step}: {ended:?}");
        steps
    }

    /// Runs it, and returns the steps it took.
    pub(crate) fn steps(&self) -> Vec<String> {
        let (ended, steps) = self.recorded(&[]);
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        steps
    }

    fn recorded(&self, arguments: &[&str]) -> (Ended, Vec<String>) {
        let log = self.home().join("steps");
        let mut command = self.command();
        command.args(arguments).env("OFFLINEIMAP_LOG_STEPS", &log);
        let ended = self.start(&mut command).wait();
        self.wait_for_hangup();
        let steps = fs::read_to_string(&log).unwrap_or_default();
        drop(fs::remove_file(&log));
        (ended, steps.lines().map(str::to_owned).collect())
    }

    /// Starts a command of the rig.
    pub(crate) fn start(&self, command: &mut Command) -> Running {
        let path = self.home().join("output");
        let output = File::create(&path).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        Running { child: command.spawn().unwrap(), output: path, peak_kilobytes: 0 }
    }
}

impl Running {
    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as SIGKILL does.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            self.measure();
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => sleep(Duration::from_millis(3)),
            }
            assert!(started.elapsed() < RUN_LIMIT, "the program hangs: {}", self.text());
        };
        self.ended(status)
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        let (peak_kilobytes, output) = (self.peak_kilobytes, self.text());
        assert!(!output.contains("panicked"), "{output}");
        Ended { status: status.code(), signal: status.signal(), output, peak_kilobytes }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Reads the high-water mark of memory, which is gone with the process.
    fn measure(&mut self) {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = mark.and_then(|mark| mark.trim().strip_suffix(" kB"));
        if let Some(kilobytes) = kilobytes.and_then(|it| it.trim().parse().ok()) {
            self.peak_kilobytes = self.peak_kilobytes.max(kilobytes);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
