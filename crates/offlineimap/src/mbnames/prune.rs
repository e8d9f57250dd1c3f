//! `--mbnames-prune`: forgets the mailboxes of accounts that are gone (`spec/cli.md` §10).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use offlineimap_config::{ListWriting, Mbnames};
use offlineimap_engine::Mode;
use tokio::task::spawn_blocking;

use super::cache::Cache;
use super::evaluated;
use crate::ui::{Failure, Level, Message, Thread};
use crate::wiring::Run;

/// Removes the files of accounts that `accounts` in the configuration does not list, by their whole
/// names, and writes the list of mailboxes anew. Without a list, all files are removed.
pub(crate) async fn prune(run: Run, settings: Option<Mbnames>) {
    let list = match settings {
        None => None,
        Some(settings) => match evaluated(&run, settings).await {
            Some(list) => Some(list),
            // What is wrong was told.
            None => return,
        },
    };
    let wanted = match (&list, &run.general.accounts) {
        (None, _) => BTreeSet::new(),
        (Some(_), Some(accounts)) => accounts.iter().cloned().collect(),
        (Some(_), None) => {
            let text = "[general] has no 'accounts', so that every account would be gone; nothing \
                        is removed"
                .to_owned();
            return fail(&run, text);
        }
    };
    let done = spawn_blocking(move || {
        let removed = remove(&run, |account| wanted.contains(account));
        let Some(list) = list else { return };
        if removed == 0 {
            run.ui.tell(Message::main(Level::Info, "no cache file to remove"));
        }
        if list.settings.writing == ListWriting::AtTheEnd {
            list.write();
        }
    });
    // If it did not come to its end, the program is ending.
    drop(done.await);
}

/// Removes the files of accounts that are not wanted, and returns how many there were.
fn remove(run: &Run, is_wanted: impl Fn(&str) -> bool) -> usize {
    let cache = Cache::of(run);
    let files = match cache.files() {
        Ok(files) => files,
        Err(error) => {
            fail(run, format!("{error:#}"));
            return 0;
        }
    };
    let unwanted: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| !path.file_stem().and_then(OsStr::to_str).is_some_and(&is_wanted))
        .collect();
    for path in &unwanted {
        let shown = path.display();
        let text = match run.mode {
            Mode::DryRun => format!("mbnames would remove {shown}"),
            Mode::Sync => match cache.remove(path) {
                Ok(()) => format!("removed {shown}"),
                Err(error) => {
                    fail(run, format!("{error:#}"));
                    continue;
                }
            },
        };
        run.ui.tell(Message::main(Level::Info, text));
    }
    unwanted.len()
}

fn fail(run: &Run, text: String) {
    let context = Some("removing mailboxes of accounts that are gone".to_owned());
    run.ui.fail(Thread::Main, Failure { context, text });
}
