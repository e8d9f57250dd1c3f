//! `--migrate-fmd5-using-nametrans`: the names of message files from before OfflineIMAP 6.3.5
//! (`spec/cli.md` §9).

use anyhow::Context as _;
use offlineimap_config as config;
use offlineimap_core::{Side, Store as _};
use offlineimap_engine::{AccountLock, Mode};
use offlineimap_maildir::{Migration, Renaming};

use crate::ui::{Failure, Level, Message, Thread};
use crate::wiring::{Run, maildir_store};

/// Renames the files of all accounts whose local repository is a `Maildir`.
pub(crate) async fn migrate(run: Run, accounts: &[config::Account]) {
    for account in accounts {
        if let Err(error) = migrate_account(&run, account).await {
            let context = Some(format!("account '{}'", account.name));
            let failure = Failure { context, text: format!("{error:#}") };
            run.ui.fail(Thread::account(&account.name), failure);
        }
    }
}

async fn migrate_account(run: &Run, account: &config::Account) -> anyhow::Result<()> {
    let config::LocalRepository::Maildir(maildir) = &account.local else { return Ok(()) };
    if maildir.flavor != config::MaildirFlavor::Plain {
        return Ok(());
    }
    let (renaming, _lock) = match run.mode {
        Mode::DryRun => (Renaming::Pretended, None),
        Mode::Sync if maildir.rules.read_only => {
            anyhow::bail!("repository '{}' is read-only", maildir.name)
        }
        Mode::Sync => {
            let metadata = &run.general.metadata;
            std::fs::create_dir_all(metadata).with_context(|| {
                format!("cannot create the metadata directory '{}'", metadata.display())
            })?;
            (Renaming::Real, Some(AccountLock::take(metadata, &account.name)?))
        }
    };
    let rules = run.folder_rules(account, Side::Local);
    let store = maildir_store(run, account, maildir, &rules);
    for folder in store.list().await?.mailboxes {
        for migration in store.migrate_hashes(&folder.name, renaming).await? {
            let (level, text) = told(&migration);
            let thread = Thread::folder(folder.name.as_str(), &account.name);
            run.ui.tell(Message::new(level, thread, text));
        }
    }
    Ok(())
}

fn told(migration: &Migration) -> (Level, String) {
    match migration {
        Migration::Migrated { path, hash } => {
            let path = path.display();
            (Level::Info, format!("Migrating file `{path}' to FMD5 `{hash}'"))
        }
        Migration::Inconsistent { path, expected: [own, visible] } => {
            let path = path.display();
            let text = format!(
                "Inconsistent FMD5 for file `{path}': Neither `{own}' nor `{visible}' found"
            );
            (Level::Warning, text)
        }
        Migration::Unmarked { path } => {
            (Level::Debug, format!("[maildir]: No FMD5 in file `{}'", path.display()))
        }
    }
}
