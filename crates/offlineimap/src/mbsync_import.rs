//! `offlineimap state import --from mbsync`: begins with what mbsync knew, instead of with nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use offlineimap_config as config;
use offlineimap_core::{Key, MailboxName, Side, StoreError};
use offlineimap_engine::{
    End, Imported, ImportedFolder, MbsyncFolder, MbsyncMaildir, MbsyncSetup, Mode, NotImported,
    Numbered, Numbering, StateLocation, import_from_mbsync,
};
use offlineimap_maildir::{MaildirStore, MbsyncMarks, MbsyncUid, RootState};

use crate::environment;
use crate::ui::{Audience, DRY_RUN, Failure, Level, Message, Thread};
use crate::wiring::{self, Run, maildir_store};

/// How mbsync was used, as the command line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MbsyncOptions {
    /// `--mbsync-state`
    pub(crate) state: Option<PathBuf>,
    /// `--mbsync-maildir`
    pub(crate) maildir_end: End,
}

/// Imports these accounts, one after the other, and tells what came of it.
pub(crate) async fn import(options: &MbsyncOptions, run: &Run, accounts: Vec<config::Account>) {
    for account in accounts {
        let stop = run.stop.clone();
        let audience = Arc::new(Audience::new(Arc::clone(&run.ui), &account.name, run.mode, stop));
        match import_one(options, run, &account, &audience).await {
            Ok(folders) => tell(run, &account.name, folders),
            Err(error) => audience.fail_account(format!("{error:#}")),
        }
    }
}

async fn import_one(
    options: &MbsyncOptions,
    run: &Run,
    account: &config::Account,
    audience: &Arc<Audience>,
) -> anyhow::Result<Vec<ImportedFolder>> {
    let config::LocalRepository::Maildir(maildir) = &account.local else {
        anyhow::bail!("its local repository is no Maildir; only a Maildir can be imported");
    };
    let rules = run.folder_rules(account, Side::Local);
    let store = maildir_store(run, account, maildir, &rules);
    if store.root_state().await? == RootState::Missing {
        anyhow::bail!(
            "the Maildir '{}' is not there: is the disk mounted?",
            maildir.root.display()
        );
    }
    wiring::prepare_root(run, account).await?;
    let location = match &options.state {
        Some(path) => StateLocation::At(path.clone()),
        None => StateLocation::InFolders {
            otherwise: environment::home().context("there is no home directory")?.join(".mbsync"),
        },
    };
    let setup = MbsyncSetup {
        location,
        maildir_end: options.maildir_end,
        maildir: Arc::new(SeenByMbsync(store)),
    };
    Ok(import_from_mbsync(&wiring::account(run, account, audience, None)?, &setup).await?)
}

fn tell(run: &Run, account: &str, folders: Vec<ImportedFolder>) {
    let (mut imported, mut messages) = (0_usize, 0_usize);
    for ImportedFolder { folder, outcome } in folders {
        let name = folder.remote.as_str();
        let thread = Thread::folder(name, account);
        let message = |level, text: String| Message::new(level, thread.clone(), text);
        match outcome {
            Ok(of_folder) => {
                imported += 1;
                messages += of_folder.messages;
                let verb = match run.mode {
                    Mode::Sync => "Imported folder".to_owned(),
                    Mode::DryRun => format!("{DRY_RUN}Would import folder"),
                };
                let text = format!("{verb} '{name}': {}", in_words(&of_folder));
                run.ui.tell(message(Level::Info, text));
            }
            Err(NotImported::Known) => {
                let text = format!("Folder '{name}' is known already; nothing was imported");
                run.ui.tell(message(Level::Info, text));
            }
            Err(why) => {
                let context = Some(format!("folder '{name}' was not imported"));
                let mut text = why.to_string();
                if !matches!(why, NotImported::NoCounterpart) {
                    text.push_str(
                        ". Import it once that is mended; a sync before then recognises its \
                         messages by their contents",
                    );
                }
                run.ui.fail(thread, Failure { context, text });
            }
        }
    }
    let (verb, next) = match run.mode {
        Mode::Sync => ("Imported", "Stop using mbsync for this account now, and sync."),
        Mode::DryRun => ("Would import", "Nothing was written."),
    };
    let text = format!(
        "{verb} from mbsync for account '{account}': {messages} messages in {imported} folders. \
         {next}"
    );
    run.ui.tell(Message::new(Level::Info, Thread::account(account), text));
}

fn in_words(imported: &Imported) -> String {
    let Imported { messages, deletions, expired, doubtful } = imported;
    let all = format!("{messages} messages");
    let special = [
        (deletions, "of them deleted on one side since"),
        (expired, "that MaxMessages had removed here will be downloaded"),
        (doubtful, "to be recognised by content, because their UIDs are in doubt"),
    ];
    let special = special.into_iter().filter(|(count, _)| **count > 0);
    let words = special.map(|(count, what)| format!("{count} {what}"));
    std::iter::once(all).chain(words).collect::<Vec<_>>().join(", ")
}

/// A Maildir with the eyes of mbsync.
struct SeenByMbsync(MaildirStore);

#[async_trait]
impl MbsyncMaildir for SeenByMbsync {
    async fn folder(&self, name: &MailboxName) -> Result<MbsyncFolder, StoreError> {
        let MbsyncMarks { directory, validity, database } = self.0.mbsync_marks(name).await?;
        let numbering = match (database, validity) {
            (Some(path), _) => Numbering::InDatabase { path },
            (None, Some(validity)) => Numbering::InNames { validity },
            (None, None) => Numbering::Unknown,
        };
        Ok(MbsyncFolder { directory, numbering })
    }

    fn numbered(&self, key: &Key) -> Numbered {
        match MbsyncUid::of(key) {
            MbsyncUid::Given(uid) => Numbered::As(uid),
            MbsyncUid::None => Numbered::Not,
            MbsyncUid::Replaced => Numbered::ByOthers,
        }
    }
}
