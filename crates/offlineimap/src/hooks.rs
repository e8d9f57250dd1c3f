//! `presynchook` and `postsynchook` (`spec/sync.md` §3).

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_config as config;
use offlineimap_engine::{Hooks, Mode, NotPrepared};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::process_output::ProcessOutput;
use crate::ui::{Audience, DRY_RUN, Failure, Level, Message, Thread};
use crate::wiring::{self, Run};

/// How much a hook may say on each of its outputs; the rest is read and dropped.
const KEPT_OCTETS: usize = 1 << 20;

/// Runs the hooks of one account, and sees to its local root in between: a hook may mount it.
///
/// A hook may take as long as it likes. When the run is asked to stop, it is asked to end, and
/// nobody waits for it any more.
pub(crate) struct SyncHooks {
    run: Run,
    account: config::Account,
    audience: Arc<Audience>,
}

impl SyncHooks {
    /// The hooks of this account.
    pub(crate) fn new(run: &Run, account: &config::Account, audience: &Arc<Audience>) -> Self {
        Self { run: run.clone(), account: account.clone(), audience: Arc::clone(audience) }
    }

    async fn call(&self, hook: Option<&str>) {
        let Some(command) = hook else { return };
        match self.run.mode {
            Mode::DryRun => self.info(format!("{DRY_RUN}Calling hook: {command}")),
            Mode::Sync => {
                self.info(format!("Calling hook: {command}"));
                if let Err(error) = self.call_shell(command).await {
                    let failure =
                        Failure { context: Some("Calling hook".into()), text: error.to_string() };
                    self.run.ui.fail(self.thread(), failure);
                }
            }
        }
    }

    async fn call_shell(&self, command: &str) -> std::io::Result<()> {
        // In our own process group: another one could not read from the terminal.
        let child = Command::new("/bin/sh")
            .args(["-c", command])
            .env("OFFLINEIMAPSYNCMODE", "full")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut hook = RunningHook(child);
        let stdout = ProcessOutput::read(hook.0.stdout.take(), KEPT_OCTETS);
        let stderr = ProcessOutput::read(hook.0.stderr.take(), KEPT_OCTETS);
        let status = hook.0.wait().await?;
        let (stdout, stderr) = tokio::join!(stdout.taken(), stderr.taken());
        self.info(format!(
            "Hook stdout: {}\nHook stderr:{}\n",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        ));
        self.info(format!("Hook return code: {}", return_code(status)));
        Ok(())
    }

    fn info(&self, text: String) {
        self.run.ui.tell(Message { level: Level::Info, thread: self.thread(), text });
    }

    fn thread(&self) -> Thread {
        Thread::account(&self.account.name)
    }
}

#[async_trait]
impl Hooks for SyncHooks {
    async fn before(&self) -> Result<(), NotPrepared> {
        self.call(self.account.hooks.before.as_deref()).await;
        let prepared = wiring::prepare_root(&self.run, &self.account).await;
        prepared.map_err(|error| NotPrepared { reason: format!("{error:#}") })
    }

    async fn after(&self) {
        // An account without a folder to sync has failed.
        if self.audience.heard_of_a_folder() {
            self.call(self.account.hooks.after.as_deref()).await;
        }
    }
}

/// A hook; asked to end when dropped before its end.
struct RunningHook(Child);

impl Drop for RunningHook {
    fn drop(&mut self) {
        // Without a number it has ended and was waited for.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id
            && let Err(error) = kill_process(id, Signal::TERM)
        {
            tracing::debug!("the hook cannot be asked to end: {error}");
        }
    }
}

/// The exit status, or the negative number of the signal that ended it.
fn return_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_a_negative_return_code() {
        assert_eq!(return_code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(return_code(ExitStatus::from_raw(15)), -15);
    }
}
