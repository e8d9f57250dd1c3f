//! The command line, with the options and the habits of OfflineIMAP (`spec/cli.md` §1).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Parser};
use offlineimap_core::Allowed;
use offlineimap_engine::End;

use crate::state_command::{ImportOptions, Origin, StateCommand};
use crate::{NAME, VERSION};

/// What clap puts in place of the argument that `--allow-deletes` may lack. No argument can be
/// this, so that an empty one (`--allow-deletes=$FOLDER`, the variable being unset) is noticed.
const EVERY_FOLDER: &str = "\0";

/// The options of one run.
#[expect(clippy::struct_excessive_bools, reason = "each is an option without a value")]
#[derive(Debug, Clone, Parser)]
#[command(
    name = NAME,
    about = "Keeps IMAP accounts and Maildirs the same, in both directions.",
    override_usage = "offlineimap [options]",
    version = VERSION,
    disable_version_flag = true,
    disable_help_flag = true,
    infer_long_args = true,
    args_override_self = true,
    max_term_width = 100,
    after_help = "Instead of a sync, 'offlineimap state export [-c FILE] [-a ACCOUNT]' writes the \
                  state back into the files of OfflineIMAP, without a connection.\n\
                  'offlineimap state import --from mbsync [-a ACCOUNT] [--dry-run]' begins with \
                  what mbsync has synced, without a transfer. \
                  'offlineimap check' says what the configuration means, without a connection, and \
                  which of its options can be said without Python."
)]
pub(crate) struct Args {
    /// Show the version and exit
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,

    /// Show this text and exit
    #[arg(short = 'h', long, action = ArgAction::Help)]
    help: Option<bool>,

    /// Show the version and the platform in one line, and exit
    #[arg(short = 'V')]
    pub(crate) version_line: bool,

    /// Show the exact plan of a sync, and change nothing at all
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Show the repositories of the accounts and their folders, without a sync
    #[arg(long)]
    info: bool,

    /// One account and one connection at a time
    #[arg(short = '1')]
    pub(crate) single: bool,

    /// Write into this directory what each account spent its time on; implies -1
    #[arg(short = 'P', value_name = "DIR", allow_hyphen_values = true)]
    pub(crate) profile: Option<PathBuf>,

    /// Sync these accounts instead of those of the configuration
    #[arg(short = 'a', value_name = "ACCOUNT[,ACCOUNT...]", allow_hyphen_values = true)]
    pub(crate) accounts: Option<String>,

    /// Read this configuration file
    #[arg(short = 'c', value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// Show what happens inside: imap, maildir, thread, or all
    #[arg(short = 'd', value_name = "TYPE[,TYPE...]", allow_hyphen_values = true)]
    pub(crate) debug: Option<String>,

    /// Append every message to this file, with its time
    #[arg(short = 'l', value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) log: Option<PathBuf>,

    /// Tell the system log every message, too
    #[arg(short = 's')]
    pub(crate) syslog: bool,

    /// Sync only these folders, by their exact names on the server
    #[arg(short = 'f', value_name = "FOLDER[,FOLDER...]", allow_hyphen_values = true)]
    pub(crate) folders: Option<String>,

    /// Replace a value of the configuration file; can be repeated. In the section, which is general
    /// if it is left out, an underscore stands for a blank
    #[arg(
        short = 'k',
        value_name = "[SECTION:]OPTION=VALUE",
        allow_hyphen_values = true,
        action = ArgAction::Append
    )]
    pub(crate) overrides: Vec<String>,

    /// Sync once, whatever autorefresh says
    #[arg(short = 'o')]
    pub(crate) once: bool,

    /// Skip folders in which nothing has happened
    #[arg(short = 'q')]
    pub(crate) quick: bool,

    /// Use this user interface: ttyui, basic, quiet or syslog
    #[arg(short = 'u', value_name = "UI", allow_hyphen_values = true)]
    pub(crate) ui: Option<String>,

    /// Allow any number of deletions in this run, in this folder or in all
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = EVERY_FOLDER,
        action = ArgAction::Append,
        value_parser = parse_allowed_folder
    )]
    allow_deletes: Vec<AllowedFolder>,

    /// Never ask the system keyring for a password
    #[arg(long)]
    pub(crate) ignore_keyring: bool,

    /// Store passwords in the system keyring, after the server has accepted them
    #[arg(long)]
    pub(crate) update_keyring: bool,

    /// End the process, as SIGKILL does, just before the change of this number
    #[arg(long, value_name = "NUMBER", hide = true)]
    pub(crate) crash_at_step: Option<u64>,

    /// Delete this folder of one account on the server, without a sync
    #[arg(long, value_name = "FOLDER", allow_hyphen_values = true)]
    delete_folder: Option<String>,

    /// Give message files from before OfflineIMAP 6.3.5 their present names, without a sync
    #[arg(long)]
    migrate_fmd5_using_nametrans: bool,

    /// For 'state import': the program from which to take over what it has synced
    #[arg(long, value_name = "PROGRAM", value_parser = parse_origin)]
    from: Option<Origin>,

    /// For 'state import': where mbsync keeps its sync states, if neither in the folders nor in
    /// ~/.mbsync/
    #[arg(long, value_name = "PATH", allow_hyphen_values = true)]
    mbsync_state: Option<PathBuf>,

    /// For 'state import': which end of the channel of mbsync the Maildir is, if not near
    #[arg(long, value_name = "near|far", value_parser = parse_end)]
    mbsync_maildir: Option<End>,

    /// Forget the mailboxes of accounts that are not configured any more, without a sync
    #[arg(long)]
    mbnames_prune: bool,

    /// Words without meaning, as ever; save for a first one that is `state` or `check`
    #[arg(hide = true)]
    pub(crate) words: Vec<OsString>,
}

/// One argument of `--allow-deletes`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AllowedFolder {
    Every,
    Named(String),
}

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// `state ...`
    State(StateCommand),
    /// `check`
    Check,
    /// `--info`
    Info,
    /// `--migrate-fmd5-using-nametrans`
    Migrate,
    /// `--mbnames-prune`
    PruneMailboxes,
    /// `--delete-folder`
    DeleteFolder(&'a str),
    /// None of these.
    Sync,
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// A run of the program.
    Run(Box<Args>),
    /// A text on standard output, and success.
    Show(String),
    /// A complaint on standard error, and the status for wrong usage.
    Complain(String),
}

/// Understands the arguments, the first of which is the program's name.
pub(crate) fn parse(arguments: &[OsString]) -> Command {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Command::Show(error.render().to_string());
        }
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            return Command::Show(format!("{VERSION}\n"));
        }
        Err(error) => return Command::Complain(complaint(&reason(&error))),
    };
    if args.version_line {
        let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
        return Command::Show(format!("{NAME} v{VERSION}, {system} {machine}\n"));
    }
    if let Err(reason) = args.state_command() {
        return Command::Complain(complaint(&reason));
    }
    if let (Action::Check, [_, word, ..]) = (args.action(), args.words.as_slice()) {
        let word = word.to_string_lossy();
        let reason = format!("check: '{word}' has no meaning here; name accounts with -a");
        return Command::Complain(complaint(&reason));
    }
    Command::Run(Box::new(args))
}

impl Args {
    /// What the run is for: of several things, the first in an order of old.
    pub(crate) fn action(&self) -> Action<'_> {
        if let Ok(Some(command)) = self.state_command() {
            return Action::State(command);
        }
        if self.words.first().is_some_and(|word| word == "check") {
            return Action::Check;
        }
        match &self.delete_folder {
            _ if self.info => Action::Info,
            _ if self.migrate_fmd5_using_nametrans => Action::Migrate,
            _ if self.mbnames_prune => Action::PruneMailboxes,
            Some(folder) => Action::DeleteFolder(folder),
            None => Action::Sync,
        }
    }

    fn state_command(&self) -> Result<Option<StateCommand>, String> {
        let import = ImportOptions {
            from: self.from,
            mbsync_state: self.mbsync_state.clone(),
            mbsync_maildir: self.mbsync_maildir,
        };
        StateCommand::of(&self.words, &import)
    }

    /// Whether one thing is done after the other: `-1`, which profiles need too.
    pub(crate) fn single_threaded(&self) -> bool {
        self.single || self.profile.is_some()
    }

    /// The folders whose deletions are allowed in this run.
    pub(crate) fn allowed(&self) -> Allowed {
        let mut names = BTreeSet::new();
        for folder in &self.allow_deletes {
            match folder {
                AllowedFolder::Every => return Allowed::Everywhere,
                AllowedFolder::Named(name) => names.insert(name.clone()),
            };
        }
        if names.is_empty() { Allowed::Nowhere } else { Allowed::In(names) }
    }
}

fn parse_origin(argument: &str) -> Result<Origin, String> {
    match argument {
        "mbsync" => Ok(Origin::Mbsync),
        _ => Err("only mbsync can be imported".to_owned()),
    }
}

fn parse_end(argument: &str) -> Result<End, String> {
    match argument {
        "near" => Ok(End::Near),
        "far" => Ok(End::Far),
        _ => Err("an end is near or far".to_owned()),
    }
}

fn parse_allowed_folder(argument: &str) -> Result<AllowedFolder, String> {
    match argument {
        EVERY_FOLDER => Ok(AllowedFolder::Every),
        "" => Err("name a folder after the '=', or leave the '=' out to allow every folder".into()),
        name => Ok(AllowedFolder::Named(name.to_owned())),
    }
}

/// What clap complains about, without its decoration; of its advice, only what was perhaps meant.
fn reason(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut paragraphs = text.trim_end().split("\n\n");
    let complaint = paragraphs.next().unwrap_or_default();
    let complaint = complaint.strip_prefix("error: ").unwrap_or(complaint);
    match paragraphs.find(|paragraph| paragraph.contains("similar argument")) {
        Some(advice) => format!("{complaint}\n{advice}"),
        None => complaint.to_owned(),
    }
}

/// A complaint in the form of Python's `optparse`.
fn complaint(reason: &str) -> String {
    format!("Usage: {NAME} [options]\n\n{NAME}: error: {reason}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mbsync_import::MbsyncOptions;

    fn run(words: &str) -> Args {
        match command(words) {
            Command::Run(args) => *args,
            other @ (Command::Show(_) | Command::Complain(_)) => panic!("{words}: {other:?}"),
        }
    }

    fn command(words: &str) -> Command {
        let arguments: Vec<OsString> =
            std::iter::once(NAME).chain(words.split_whitespace()).map(OsString::from).collect();
        parse(&arguments)
    }

    #[test]
    fn the_definition_of_the_options_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn short_options_can_be_bundled_and_arguments_attached() {
        let args = run("-oa Work -uquiet -fINBOX,Sent -1q");
        assert!(args.once && args.single && args.quick);
        assert_eq!(args.accounts.as_deref(), Some("Work"));
        assert_eq!(args.ui.as_deref(), Some("quiet"));
        assert_eq!(args.folders.as_deref(), Some("INBOX,Sent"));
    }

    #[test]
    fn long_options_can_be_shortened_as_long_as_they_are_clear() {
        assert!(run("--dry").dry_run);
        assert!(matches!(command("--m"), Command::Complain(text) if text.contains("'--m'")));
    }

    #[test]
    fn the_last_value_of_an_option_wins() {
        let args = run("-a One -u quiet -a Two -o -o -u basic");
        assert_eq!((args.accounts.as_deref(), args.ui.as_deref()), (Some("Two"), Some("basic")));
    }

    #[test]
    fn of_several_actions_the_first_in_their_order_is_done() {
        for (words, action) in [
            ("--delete-folder Old --migrate --info", Action::Info),
            ("--delete-folder Old --mbnames-prune --migrate", Action::Migrate),
            ("--delete-folder Old --mbnames-prune", Action::PruneMailboxes),
            ("-o --delete-folder=--odd", Action::DeleteFolder("--odd")),
            ("-o", Action::Sync),
        ] {
            assert_eq!(run(words).action(), action, "{words}");
        }
    }

    #[test]
    fn an_import_is_an_action_with_options_of_its_own() {
        let options = MbsyncOptions { state: Some("/s/p-".into()), maildir_end: End::Far };
        let words = "state import --from mbsync --mbsync-state /s/p- --mbsync-maildir=far -a Work";
        let action = Action::State(StateCommand::ImportFromMbsync(options));
        assert_eq!(run(words).action(), action);
        for words in [
            "state import",
            "state import --from isync",
            "state import --from mbsync --mbsync-maildir middle",
            "state import mbsync --from mbsync",
            "--from mbsync",
        ] {
            assert!(matches!(command(words), Command::Complain(_)), "{words}");
        }
    }

    #[test]
    fn a_first_word_can_ask_for_a_check_and_nothing_more_can_follow() {
        assert_eq!(run("check -a Work").action(), Action::Check);
        assert_eq!(run("now check").action(), Action::Sync);
        assert!(
            matches!(command("check Work"), Command::Complain(text) if text.contains("'Work'"))
        );
    }

    #[test]
    fn overrides_accumulate_in_their_order() {
        let args = run("-kui=quiet -o -k Account_A:autorefresh=5 -k ui=");
        assert_eq!(args.overrides, ["ui=quiet", "Account_A:autorefresh=5", "ui="]);
    }

    #[test]
    fn a_profile_implies_that_one_thing_is_done_after_the_other() {
        assert!(run("-P dir").single_threaded() && run("-1").single_threaded());
        assert!(!run("-s").single_threaded());
    }

    #[test]
    fn words_between_the_options_and_after_two_dashes_have_no_meaning() {
        let args = run("one -o two -- -a three");
        assert!(args.once);
        assert_eq!(args.accounts, None);
    }

    #[test]
    fn an_argument_may_look_like_an_option() {
        assert_eq!(run("-a -o").accounts.as_deref(), Some("-o"));
    }

    #[test]
    fn deletions_can_be_allowed_by_folder_and_everywhere() {
        assert_eq!(run("-o").allowed(), Allowed::Nowhere);
        let named = run("--allow-deletes=INBOX --allow-deletes=Old/2020").allowed();
        let names = ["INBOX", "Old/2020"].map(str::to_owned);
        assert_eq!(named, Allowed::In(names.into()));
        let everywhere = run("--allow-deletes=INBOX --allow-deletes -o").allowed();
        assert_eq!(everywhere, Allowed::Everywhere);
        assert!(
            matches!(command("--allow-deletes="), Command::Complain(_)),
            "an empty name must not allow everything"
        );
    }
}
