//! The root of an account's Maildir, before it is used.

use anyhow::Context as _;
use offlineimap_config as config;
use offlineimap_core::{Side, Store as _};
use offlineimap_engine::{Mode, old_status};
use offlineimap_maildir::RootState;

use super::{Run, maildir_store};

/// Makes sure that the root of the local Maildir is there, and that it is the one from before. An
/// account without a Maildir needs nothing.
///
/// A root that vanished is most likely a disk that is not mounted: creating it anew would bring all
/// mail into the wrong place.
///
/// # Errors
///
/// If the root cannot be created, or is missing although the account was synced before.
pub(crate) async fn prepare_root(run: &Run, account: &config::Account) -> anyhow::Result<()> {
    let config::LocalRepository::Maildir(maildir) = &account.local else { return Ok(()) };
    let account_name = &account.name;
    let rules = run.folder_rules(account, Side::Local);
    let store = maildir_store(run, account, maildir, &rules);
    let state_path = run.state_path(account_name);
    let has_state = state_path
        .try_exists()
        .with_context(|| format!("cannot look for '{}'", state_path.display()))?;
    let witness = if has_state {
        Some(state_path)
    } else {
        // What OfflineIMAP has synced was synced before as well.
        old_status(&run.general.metadata, account_name).with_context(|| {
            format!("cannot look for the old status of account '{account_name}'")
        })?
    };
    if let Some(witness) = witness
        && match store.root_state().await? {
            RootState::Missing => true,
            RootState::Unmarked => store.list().await?.mailboxes.is_empty(),
            RootState::Marked(_) => false,
        }
    {
        anyhow::bail!(
            "the Maildir '{}' is missing or empty, although account '{account_name}' was synced \
             before: is the disk mounted? If the mail was removed on purpose and is to be \
             downloaded again, remove '{}' too",
            maildir.root.display(),
            witness.display()
        );
    }
    if run.mode == Mode::Sync && !maildir.rules.read_only {
        store.prepare().await?;
    }
    Ok(())
}
