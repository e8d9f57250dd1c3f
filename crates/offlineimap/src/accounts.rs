//! The accounts of a run: one after the other or several at once, each on its own.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use offlineimap_config as config;
use offlineimap_engine::sync_account;
use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::mbnames;
use crate::profile::Profile;
use crate::signals::{Demand, Signals};
use crate::terminal;
use crate::ui::{Audience, Failure, Level, Message, Moment, Request, Thread, give_terminal_back};
use crate::wiring::{self, Run};

/// How long a run may take to end in good order. Users are promised two seconds.
const GRACE: Duration = Duration::from_millis(1800);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything was done, or was left in good order because that was asked for.
    InOrder,
    /// It was cut short. What was under way is settled by the next run.
    CutShort,
}

/// Syncs the accounts, and ends early if a signal asks for it: the first one lets the operations in
/// hand finish, the second one does not.
pub(crate) async fn sync(
    run: Run,
    accounts: Vec<config::Account>,
    mbnames: Option<config::Mbnames>,
    mut signals: Signals,
) -> Ended {
    // On their own task, so that nothing they do keeps signals waiting.
    let mut syncing = JoinSet::new();
    syncing.spawn(sync_all(run.clone(), accounts, mbnames));
    let request = tokio::select! {
        _ = syncing.join_next() => return Ended::InOrder,
        request = shutdown(&run, &mut signals) => request,
    };
    if request == Request::Quit {
        run.warn("Requested shutdown via 'q'");
    }
    run.warn(
        "Preparing to shutdown after sync (this may take some time), press CTRL-C again to \
         shutdown immediately",
    );
    run.tell_activity();
    run.stop.cancel();
    tokio::select! {
        _ = syncing.join_next() => return Ended::InOrder,
        _ = shutdown(&run, &mut signals) => run.warn("Signaled twice. Aborting!"),
        () = sleep(GRACE) => run.warn("The shutdown takes too long. Aborting!"),
    }
    Ended::CutShort
}

/// Waits until the end is asked for, and does what is asked for until then. Cancellation safe.
async fn shutdown(run: &Run, signals: &mut Signals) -> Request {
    loop {
        match signals.next().await {
            Demand::Shutdown(request) => return request,
            // After each sync there is an end: nothing else need change.
            Demand::Finish => run.warn("Terminating after this sync..."),
            Demand::Abort => abort(run),
        }
    }
}

/// Says on the standard error, whatever the user interface, what everything was doing, and dies. The
/// image of the memory says the rest. What was under way is settled by the next run.
fn abort(run: &Run) -> ! {
    give_terminal_back();
    terminal::restore();
    // If nobody can read it, the image remains.
    drop(io::stderr().write_all(run.ui.activity().as_bytes()));
    process::abort()
}

async fn sync_all(mut run: Run, accounts: Vec<config::Account>, mbnames: Option<config::Mbnames>) {
    if let Some(settings) = mbnames {
        run.mbnames = mbnames::evaluated(&run, settings).await;
    }
    let mut syncing = JoinSet::new();
    let mut names = BTreeMap::new();
    for account in accounts {
        if syncing.len() >= run.accounts_at_once()
            && let Some(Err(error)) = syncing.join_next().await
        {
            run.fail_broken(&names, &error);
        }
        if run.stop.is_cancelled() {
            break;
        }
        let name = account.name.clone();
        let task = syncing.spawn(sync_one(run.clone(), account));
        names.insert(task.id(), name);
    }
    while let Some(ended) = syncing.join_next().await {
        if let Err(error) = ended {
            run.fail_broken(&names, &error);
        }
    }
    if let Some(list) = run.mbnames {
        // If it does not come to its end, the program is ending.
        drop(spawn_blocking(move || list.write()).await);
    }
}

async fn sync_one(run: Run, account: config::Account) {
    let ui = Arc::clone(&run.ui);
    let audience = Audience::new(ui, &account.name, run.mode, run.stop.clone());
    let audience = Arc::new(audience.with_read_only_warnings(run.general.read_only_warnings));
    let profile = run.profiles.as_ref().map(|_| Profile::new(&account.name));
    match wiring::account(&run, &account, &audience, profile.as_ref()) {
        Ok(account) => sync_account(&account).await,
        Err(error) => audience.fail_account(format!("{error:#}")),
    }
    if let (Some(profile), Some(directory)) = (profile, &run.profiles)
        && let Err(error) = profile.write_into(directory)
    {
        audience.fail_account(format!("{error:#}"));
    }
}

impl Run {
    /// Tells what everything is doing, for `-d thread`.
    fn tell_activity(&self) {
        for line in self.ui.activity().lines() {
            let message = Message::main(Level::Debug, format!("[thread]: {line}"));
            self.ui.tell(message.about(Moment::Activity));
        }
    }

    fn warn(&self, text: &str) {
        self.ui.tell(Message::main(Level::Warning, text));
    }

    /// A defect of this program ends one account, and not the others.
    fn fail_broken(&self, names: &BTreeMap<tokio::task::Id, String>, error: &JoinError) {
        let context = names.get(&error.id()).map(|name| format!("account '{name}'"));
        let text = format!("the sync ended unexpectedly: {error}");
        self.ui.fail(Thread::Main, Failure { context, text });
    }
}
