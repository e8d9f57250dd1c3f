//! What the user has done around a sync: `presynchook`, `postsynchook`, `newmail_hook`,
//! `copy_ignore_eval` and the list of mailboxes (`spec/sync.md` §3, §6.4).

mod copy_ignore;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use offlineimap_config as config;
use offlineimap_core::{Key, MailboxName, PerSide, Side};
use offlineimap_engine::{Hooks, Mode, NotPrepared, Pace};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;

use crate::mbnames::SyncedFolders;
use crate::process_output::ProcessOutput;
use crate::pythonfile::PythonFileError;
use crate::ui::{Audience, DRY_RUN, Failure, Level, Message, Moment, Thread};
use crate::wiring::{self, Run};

use copy_ignore::CopyIgnore;

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
    never_copied: PerSide<Option<Arc<CopyIgnore>>>,
}

impl SyncHooks {
    /// The hooks of this account.
    pub(crate) fn new(run: &Run, account: &config::Account, audience: &Arc<Audience>) -> Self {
        let never_copied = PerSide::from_fn(|side| {
            let ignore = CopyIgnore::of(imap_of(account, side)?, &run.evaluator)?;
            Some(Arc::new(ignore))
        });
        let (run, account, audience) = (run.clone(), account.clone(), Arc::clone(audience));
        Self { run, account, audience, never_copied }
    }

    async fn call(&self, hook: Option<&str>) {
        let Some(command) = hook else { return };
        match self.run.mode {
            Mode::DryRun => self.info(DRY_RUN, format!("Calling hook: {command}")),
            Mode::Sync => {
                self.info("", format!("Calling hook: {command}"));
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
            .env("OFFLINEIMAPSYNCMODE", self.sync_mode())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut hook = RunningHook(child);
        let stdout = ProcessOutput::read(hook.0.stdout.take(), KEPT_OCTETS);
        let stderr = ProcessOutput::read(hook.0.stderr.take(), KEPT_OCTETS);
        let status = hook.0.wait().await?;
        let (stdout, stderr) = tokio::join!(stdout.taken(), stderr.taken());
        let said = format!(
            "Hook stdout: {}\nHook stderr:{}\n",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        self.info("", said);
        self.info("", format!("Hook return code: {}", return_code(status)));
        Ok(())
    }

    fn sync_mode(&self) -> &'static str {
        match wiring::pace(&self.run, &self.account) {
            Pace::Quick => "quick",
            Pace::Full | Pace::FullBeforeQuick => "full",
        }
    }

    /// Keeps the mailboxes of the account for the list.
    async fn keep_mailboxes(&self) {
        let Some(list) = self.run.mbnames.clone() else { return };
        let root = self.account.local.path().map(|root| root.to_string_lossy().into_owned());
        let (account, folders) = (self.account.name.clone(), self.audience.local_folders());
        let synced = SyncedFolders { account, folders, root };
        if let Ok(Err(error)) = spawn_blocking(move || list.keep(&synced)).await {
            self.audience.fail_account(format!("{error:#}"));
        }
    }

    fn info(&self, prefix: &str, text: String) {
        let message = Message::new(Level::Info, self.thread(), format!("{prefix}{text}"));
        self.run.ui.tell(message.about(Moment::Hook { text }));
    }

    fn thread(&self) -> Thread {
        Thread::account(&self.account.name)
    }
}

#[async_trait]
impl Hooks for SyncHooks {
    async fn before(&self) -> Result<(), NotPrepared> {
        self.call(self.account.hooks.before.as_deref()).await;
        prepared(wiring::prepare_root(&self.run, &self.account).await)?;
        for side in Side::BOTH {
            if let Some(ignore) = self.never_copied.get(side).clone() {
                let evaluated = spawn_blocking(move || ignore.prepare()).await;
                prepared(evaluated.map_err(anyhow::Error::from).flatten())?;
            }
        }
        Ok(())
    }

    async fn never_copied(&self, from: Side, visible: &str) -> Result<BTreeSet<Key>, NotPrepared> {
        let Some(ignore) = self.never_copied.get(from).clone() else { return Ok(BTreeSet::new()) };
        let visible = visible.to_owned();
        let keys = spawn_blocking(move || ignore.keys(&visible)).await;
        prepared(keys.map_err(anyhow::Error::from).flatten())
    }

    async fn new_mail(&self, from: Side, folder: &MailboxName) {
        let Some(imap) = imap_of(&self.account, from) else { return };
        let Some(hook) = imap.new_mail_hook.clone() else { return };
        if folder.as_str() != INBOX {
            return;
        }
        if self.run.mode == Mode::DryRun {
            return self.info(DRY_RUN, "Calling hook: newmail_hook".to_owned());
        }
        self.info("", "Calling hook: newmail_hook".to_owned());
        let evaluator = Arc::clone(&self.run.evaluator);
        let called = spawn_blocking(move || -> Result<(), PythonFileError> {
            evaluator.value(&hook)?.call(&[], &*evaluator)?;
            Ok(())
        });
        if let Ok(Err(error)) = called.await {
            let text = format!("'newmail_hook' of repository '{}': {error}", imap.name);
            self.audience.fail_account(text);
        }
    }

    async fn after(&self) {
        // An account without a folder to sync has failed.
        if self.audience.heard_of_a_folder() {
            self.keep_mailboxes().await;
            self.call(self.account.hooks.after.as_deref()).await;
        }
    }
}

/// The only folder whose new mail is told.
const INBOX: &str = "INBOX";

/// The repository of a side, if it is one on a server.
fn imap_of(account: &config::Account, side: Side) -> Option<&config::ImapRepository> {
    match (side, &account.local) {
        (Side::Remote, _) => Some(&account.remote),
        (Side::Local, config::LocalRepository::Imap(imap)) => Some(imap),
        (Side::Local, config::LocalRepository::Maildir(_)) => None,
    }
}

fn prepared<T>(done: anyhow::Result<T>) -> Result<T, NotPrepared> {
    done.map_err(|error| NotPrepared { reason: format!("{error:#}") })
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
