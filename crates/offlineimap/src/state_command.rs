//! `offlineimap state`: what is done with the state instead of a sync. `state export` writes what is
//! known about accounts in the files of OfflineIMAP, so that a user can go back to it without a
//! transfer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use offlineimap_config as config;
use offlineimap_engine::{End, Exported, LeftOut, LeftOutWhy, Mode, export};

use crate::mbsync_import::{self, MbsyncOptions};
use crate::ui::{Audience, Level, Message, Thread};
use crate::wiring::{self, Run};

/// What is to be done with the state instead of a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StateCommand {
    /// `state export`
    Export,
    /// `state import --from mbsync`
    ImportFromMbsync(MbsyncOptions),
}

/// A program of which the state can be imported (`--from`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// mbsync, of the package isync.
    Mbsync,
}

impl StateCommand {
    /// Understands the words of a command line that are no options. `None` if the first is not
    /// `state`: such words have no meaning.
    ///
    /// # Errors
    ///
    /// If there is no such sub-command of `state`, with a complaint.
    pub(crate) fn of(words: &[OsString], import: &ImportOptions) -> Result<Option<Self>, String> {
        let command = Self::of_words(words, import)?;
        match &command {
            Some(Self::ImportFromMbsync(_)) => {}
            Some(Self::Export) | None if *import == ImportOptions::default() => {}
            Some(Self::Export) | None => {
                return Err("--from, --mbsync-state and --mbsync-maildir belong to \
                            'state import --from mbsync'"
                    .to_owned());
            }
        }
        Ok(command)
    }

    fn of_words(words: &[OsString], import: &ImportOptions) -> Result<Option<Self>, String> {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        match words.as_slice() {
            ["state", "export"] => Ok(Some(Self::Export)),
            ["state", "import"] => match import.from {
                Some(Origin::Mbsync) => Ok(Some(Self::ImportFromMbsync(MbsyncOptions {
                    state: import.mbsync_state.clone(),
                    maildir_end: import.mbsync_maildir.unwrap_or(End::Near),
                }))),
                None => Err("state import: say from where (--from mbsync)".to_owned()),
            },
            ["state", command @ ("export" | "import"), word, ..] => {
                Err(format!("state {command}: '{word}' has no meaning here; name accounts with -a"))
            }
            ["state", word, ..] => {
                Err(format!("state: no such command: '{word}' (try export or import)"))
            }
            ["state"] => Err("state: what about it? (try state export or state import)".to_owned()),
            _ => Ok(None),
        }
    }
}

/// The options of `state import`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ImportOptions {
    /// `--from`
    pub(crate) from: Option<Origin>,
    /// `--mbsync-state`
    pub(crate) mbsync_state: Option<PathBuf>,
    /// `--mbsync-maildir`
    pub(crate) mbsync_maildir: Option<End>,
}

/// Does it for these accounts, one after the other, and tells what came of it.
pub(crate) async fn run(command: StateCommand, run: Run, accounts: Vec<config::Account>) {
    match command {
        StateCommand::Export => export_all(run, accounts).await,
        StateCommand::ImportFromMbsync(options) => {
            mbsync_import::import(&options, &run, accounts).await;
        }
    }
}

async fn export_all(mut run: Run, accounts: Vec<config::Account>) {
    let asked_for = run.mode;
    // Nothing is created on either side, and no server is asked.
    run.mode = Mode::DryRun;
    for account in accounts {
        let stop = run.stop.clone();
        let audience = Arc::new(Audience::new(Arc::clone(&run.ui), &account.name, run.mode, stop));
        if asked_for == Mode::DryRun {
            audience.fail_account("nothing is exported in a dry run");
            continue;
        }
        match export_one(&run, &account, &audience).await {
            Ok(exported) => tell(&run, &account.name, &exported),
            Err(error) => audience.fail_account(format!("{error:#}")),
        }
    }
}

async fn export_one(
    run: &Run,
    account: &config::Account,
    audience: &Arc<Audience>,
) -> anyhow::Result<Exported> {
    wiring::prepare_root(run, account).await?;
    Ok(export(&wiring::account(run, account, audience, None)?).await?)
}

fn tell(run: &Run, account: &str, exported: &Exported) {
    let Exported { folders, messages, left_out } = exported;
    let message = |level, text| Message::new(level, Thread::account(account), text);
    for LeftOut { folder, why } in left_out {
        let why = match why {
            LeftOutWhy::NotWhole => "no sync of it has got to its end yet".to_owned(),
            LeftOutWhy::SharesFile(other) => {
                format!("OfflineIMAP keeps it in the same file as '{}'", other.remote)
            }
        };
        let text = format!(
            "Folder '{}' was left out: {why}. OfflineIMAP will recognise its messages by their \
             UIDs.",
            folder.remote
        );
        run.ui.tell(message(Level::Warning, text));
    }
    let text = format!(
        "Exported the state of account '{account}': {messages} messages in {folders} folders. \
         OfflineIMAP can go on from here; so can this program, which takes its files over again."
    );
    run.ui.tell(message(Level::Info, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Result<Option<StateCommand>, String> {
        with(words, &ImportOptions::default())
    }

    fn with(words: &str, import: &ImportOptions) -> Result<Option<StateCommand>, String> {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        StateCommand::of(&words, import)
    }

    #[test]
    fn only_a_first_word_that_is_state_means_something() {
        for words in ["", "export", "sync now", "my state export"] {
            assert_eq!(of(words), Ok(None), "{words}");
        }
        assert_eq!(of("state export"), Ok(Some(StateCommand::Export)));
        for words in
            ["state", "state expotr", "state export Work", "state import", "state import mbsync"]
        {
            of(words).unwrap_err();
        }
    }

    #[test]
    fn an_import_says_from_where_and_nothing_else_does() {
        let from = ImportOptions { from: Some(Origin::Mbsync), ..ImportOptions::default() };
        let near = MbsyncOptions { state: None, maildir_end: End::Near };
        let expected = Ok(Some(StateCommand::ImportFromMbsync(near)));
        assert_eq!(with("state import", &from), expected);
        let far = ImportOptions { mbsync_maildir: Some(End::Far), ..ImportOptions::default() };
        for (words, options) in
            [("", &from), ("state export", &from), ("state import", &far), ("", &far)]
        {
            with(words, options).unwrap_err();
        }
    }
}
