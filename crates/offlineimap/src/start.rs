//! The start of a run, in the order that users rely on (`spec/cli.md` §2).

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use offlineimap_config::{Color, Config, Override, Python, UserInterface};
use offlineimap_engine::Mode;
use offlineimap_maildir::NameSource;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, Ended};
use crate::args::{self, Action, Args, Command};
use crate::configuration::ConfigFile;
use crate::evaluator::Evaluator;
use crate::exit::{NotStarted, Status};
use crate::pythonfile::PythonFile;
use crate::signals::Signals;
use crate::ui::{
    Failure, Level, LogFile, Message, Moment, Records, Request, Syslog, Thread, Ui, Verbosity,
    console, machine_console,
};
use crate::wiring::{Concurrency, PaceWish, Run};
use crate::{
    NAME, VERSION, check, debug, delete_folder, environment, info, mbnames, migrate, profile,
    state_command, steps, terminal,
};

/// Threads that drive connections. One could; with two, a slow step of one account does not keep
/// the others waiting.
const WORKERS: usize = 2;

/// Threads that wait for the disk, the database, names and passwords, at most: as many as the
/// Maildir synchronises files at once, and some for everything else.
const BLOCKING_THREADS: usize = 24;

/// The user interface for what is done.
///
/// What `--info` lists is always to be read. A full screen is gone when the program ends: where
/// the output is what matters, and there is nothing to watch, plain lines stay.
fn shown_on(args: &Args, wanted: UserInterface, mode: Mode) -> UserInterface {
    match (args.action(), mode, wanted) {
        (Action::Sync, Mode::Sync, wanted) => wanted,
        (Action::Info | Action::Check, ..) | (_, _, UserInterface::Blinkenlights) => {
            UserInterface::Ttyui
        }
        (_, _, wanted) => wanted,
    }
}

/// Runs the program with these arguments.
pub(crate) fn run(arguments: &[OsString]) -> Status {
    let args = match args::parse(arguments) {
        Command::Run(args) => args,
        Command::Show(text) => {
            print(io::stdout(), &text);
            return Status::Success;
        }
        Command::Complain(text) => {
            print(io::stderr(), &text);
            return Status::Usage;
        }
    };
    start(&args, arguments).unwrap_or_else(|not_started| {
        let text = match not_started {
            NotStarted::Told(text) => text,
            NotStarted::Because(error) => format!("ERROR: {error:#}\n"),
        };
        let wanted = args.ui.as_deref().and_then(UserInterface::by_name);
        if wanted == Some(UserInterface::Machineui) {
            return tell_machine(&text);
        }
        print(io::stderr(), &text);
        Status::Failure
    })
}

/// A program that reads lines is told in lines why nothing happens.
fn tell_machine(text: &str) -> Status {
    let ui = Ui::new(machine_console(), Records::default(), Verbosity::Ordinary);
    ui.banner(&banner());
    ui.tell(Message::main(Level::Error, text.trim_end()));
    ui.conclude(Ended::CutShort)
}

fn banner() -> String {
    format!("{NAME} {VERSION}\n  Licensed under the MIT license or Apache-2.0")
}

fn start(args: &Args, arguments: &[OsString]) -> Result<Status, NotStarted> {
    let file = ConfigFile::find(args.config.as_deref())?;
    let profiles = args.profile.as_deref().map(profile::Directory::create).transpose()?;
    let config = file.understand(args, overrides(args)?)?;
    let selection = args.debug.as_deref().map(debug::Selection::parse);
    let verbosity = match &selection {
        Some(selection) => Verbosity::Debug(selection.types.clone()),
        None => Verbosity::Ordinary,
    };

    let steps = witness(args)?;
    let wanted = shown_on(args, config.general.ui, mode(args, &config));
    let log = args.log.as_deref().map(|path| open_log(path, arguments)).transpose()?;
    // The user interface of that name is the system log already.
    let syslog = (args.syslog && wanted != UserInterface::Syslog).then(Syslog::local);
    let (request, requests) = unbounded_channel();
    let console = console(wanted, request)?;
    let ui = Arc::new(Ui::new(console, Records { log, syslog }, verbosity));
    ui.banner(&banner());
    if !config.warnings.is_empty() {
        warn(&ui, config.warnings.render(Color::Never).trim_end());
    }

    let mut concurrency = Concurrency::AsConfigured;
    if args.single_threaded() {
        concurrency = Concurrency::Single;
    }
    if let Some(profiles) = &profiles {
        announce_profile(&ui, args, profiles);
    }
    if let Some(selection) = &selection {
        for (what, text) in selection.announcements() {
            let message = Message::main(Level::Debug, text);
            ui.tell(message.about(Moment::Debugging { what }));
        }
        for word in &selection.invalid {
            warn(&ui, format!("Invalid debug type: {word}"));
        }
        if !selection.keeps_concurrency || args.single_threaded() {
            let text = "Debug mode: Forcing to singlethreaded.";
            ui.tell(Message::main(Level::Info, text).about(Moment::Remark));
            concurrency = Concurrency::Single;
        }
    }
    debug::listen(Arc::clone(&ui), selection.as_ref());
    for account in &config.refused {
        let context = Some(format!("account '{}' is not configured well", account.name));
        let text = account.problems.render(Color::Never).trim_end().to_owned();
        ui.fail(Thread::Main, Failure { context, text });
    }
    let run = Run {
        ui: Arc::clone(&ui),
        mode: mode(args, &config),
        folders: args.folders.clone(),
        allowed: args.allowed(),
        concurrency,
        pace: if args.quick { PaceWish::Quick } else { PaceWish::AsConfigured },
        steps,
        names: Arc::new(NameSource::of_this_process()),
        evaluator: Arc::new(Evaluator::new(python(&config.general.python, &ui))),
        mbnames: None,
        stop: CancellationToken::new(),
        general: config.general.clone(),
        profiles,
    };
    let ended = work(args, &file, run, config, requests).unwrap_or_else(|error| {
        ui.fail(Thread::Main, Failure { context: None, text: format!("{error:#}") });
        Ended::InOrder
    });
    terminal::restore();
    Ok(ui.conclude(ended))
}

fn mode(args: &Args, config: &Config) -> Mode {
    let only_shows = matches!(args.action(), Action::Info | Action::Check);
    if args.dry_run || only_shows || config.general.dry_run { Mode::DryRun } else { Mode::Sync }
}

fn announce_profile(ui: &Ui, args: &Args, profiles: &profile::Directory) {
    if profiles.existed_before {
        warn(ui, format!("Profile mode: Directory '{}' exists already.", profiles.path.display()));
    }
    if !args.single {
        warn(ui, "Profile mode: Forcing to singlethreaded.");
    }
}

/// Does what the run is for. On return nothing is waited for, not even what hangs.
fn work(
    args: &Args,
    file: &ConfigFile,
    run: Run,
    config: Config,
    requests: UnboundedReceiver<Request>,
) -> anyhow::Result<Ended> {
    let runtime = runtime()?;
    let ended = runtime.block_on(act(args.action(), file, run, config, requests))?;
    runtime.shutdown_background();
    Ok(ended)
}

async fn act(
    action: Action<'_>,
    file: &ConfigFile,
    run: Run,
    config: Config,
    requests: UnboundedReceiver<Request>,
) -> anyhow::Result<Ended> {
    let Config { accounts, refused, mbnames, .. } = config;
    match action {
        Action::Sync => {
            let signals = Signals::install(requests).context("cannot handle signals")?;
            return Ok(accounts::sync(run, accounts, mbnames, signals).await);
        }
        Action::State(command) => state_command::run(command, run, accounts).await,
        Action::Info => info::show(run, accounts).await,
        Action::Check => check::check(&run, &accounts, file).await,
        Action::Migrate => migrate::migrate(run, &accounts).await,
        Action::PruneMailboxes => mbnames::prune(run, mbnames).await,
        // What is wrong with the only account was told already.
        Action::DeleteFolder(_) if accounts.is_empty() && refused.len() == 1 => {}
        Action::DeleteFolder(folder) => delete_folder::delete(run, &accounts, folder).await,
    }
    // What is no sync has no end in good order before its end.
    Ok(Ended::InOrder)
}

/// Few threads: each has a heap of its own, and memory is what a small machine lacks.
fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start threads")
}

fn user_interface(name: &str) -> anyhow::Result<UserInterface> {
    UserInterface::by_name(name).with_context(|| {
        let names = UserInterface::ALL.map(UserInterface::name).join(", ");
        format!("UI '{name}' does not exist, choose one of: {names}")
    })
}

fn open_log(path: &Path, arguments: &[OsString]) -> anyhow::Result<LogFile> {
    let mut log = LogFile::open(path)?;
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let system = std::env::consts::OS;
    log.write(
        Level::Info,
        &format!("{NAME} {VERSION} starting...\n  Platform: {system}\n  Args: {}", words.join(" ")),
    );
    Ok(log)
}

fn witness(args: &Args) -> anyhow::Result<offlineimap_core::Steps> {
    let crash_at = match (args.crash_at_step, environment::variable(environment::CRASH_AT_STEP)) {
        (Some(step), _) => Some(step),
        (None, Some(text)) => {
            let step = text.to_string_lossy().parse();
            Some(step.with_context(|| format!("{} is no number", environment::CRASH_AT_STEP))?)
        }
        (None, None) => None,
    };
    let log = environment::variable(environment::LOG_STEPS);
    steps::witness(crash_at, log.as_deref().map(Path::new))
}

fn warn(ui: &Ui, text: impl Into<String>) {
    ui.tell(Message::main(Level::Warning, text));
}

/// What `-k`, `-u` and the options about the keyring replace in the file, in the order in which it
/// happens.
fn overrides(args: &Args) -> anyhow::Result<Vec<Override>> {
    let given = args.overrides.iter().map(|argument| argument.parse());
    let mut overrides: Vec<Override> = given.collect::<Result<_, _>>()?;
    if let Some(name) = &args.ui {
        overrides.push(Override::literal("general", "ui", user_interface(name)?.name()));
    }
    for (option, given) in
        [("ignore-keyring", args.ignore_keyring), ("update-keyring", args.update_keyring)]
    {
        if given {
            overrides.push(Override::literal("general", option, "yes"));
        }
    }
    Ok(overrides)
}

/// What the user's code says is told as soon as it is said.
fn python(settings: &Python, ui: &Arc<Ui>) -> PythonFile {
    let Python { file, interpreter, deadline } = settings.clone();
    let ui = Arc::clone(ui);
    let listener = move |line: &str| {
        ui.tell(Message::main(Level::Info, format!("Python: {line}")));
    };
    PythonFile::new(file, interpreter, deadline, Arc::new(listener))
}

/// Prints where there is no user interface yet. Whoever closed the pipe does not want to know.
fn print(mut to: impl Write, text: &str) {
    drop(to.write_all(text.as_bytes()).and_then(|()| to.flush()));
}
