//! `--delete-folder`: one folder of one account, on the server (`spec/cli.md` §8).

use offlineimap_config as config;
use offlineimap_core::{MailboxName, Side, Store as _};
use offlineimap_engine::Mode;

use crate::folder_rules::storable_on_a_server;
use crate::ui::{Failure, Level, Message, Thread};
use crate::wiring::{Folders, Run, imap_store};

/// Deletes the folder of this exact name on the remote side of the only account. The local folder
/// and the state stay as they are.
pub(crate) async fn delete(run: Run, accounts: &[config::Account], name: &str) {
    let [account] = accounts else {
        let text = "you must supply only one account with '-a'".to_owned();
        return run.ui.fail(Thread::Main, Failure { context: None, text });
    };
    let say = |text| run.ui.tell(Message::main(Level::Info, text));
    let account_name = &account.name;
    if run.mode == Mode::DryRun {
        return say(format!("would try to remove '{name}' on remote of '{account_name}' account"));
    }
    match try_to_delete(&run, account, name).await {
        Ok(()) => say(format!("Folder '{name}' deleted.")),
        Err(error) => {
            let context = format!("deleting folder '{name}' of account '{account_name}'");
            let failure = Failure { context: Some(context), text: format!("{error:#}") };
            run.ui.fail(Thread::Main, failure);
        }
    }
}

async fn try_to_delete(run: &Run, account: &config::Account, name: &str) -> anyhow::Result<()> {
    let repository = &account.remote;
    if repository.rules.read_only {
        anyhow::bail!("repository '{}' is read-only", repository.name);
    }
    if let Err(why) = storable_on_a_server(name) {
        anyhow::bail!("{why}");
    }
    let rules = run.folder_rules(account, Side::Remote);
    let folders = Folders { encoding: account.folder_encoding, rules: &rules };
    let store = imap_store(run, repository, folders, Thread::Main)?;
    let deleted = store.delete(&MailboxName::new(name)).await;
    store.close().await;
    Ok(deleted?)
}
