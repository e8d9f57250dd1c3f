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
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, Ended};
use crate::args::{self, Action, Args, Command};
use crate::configuration::ConfigFile;
use crate::evaluator::Evaluator;
use crate::exit::{NotStarted, Status};
use crate::pythonfile::PythonFile;
use crate::signals::Signals;
use crate::ui::{
    Failure, Level, LogFile, Message, Records, Syslog, Thread, Ui, Verbosity, console,
};
use crate::wiring::{Concurrency, Run};
use crate::{
    NAME, VERSION, debug, delete_folder, environment, info, mbnames, migrate, profile,
    state_command, steps, terminal,
};

/// Threads that drive connections. One could; with two, a slow step of one account does not keep
/// the others waiting.
const WORKERS: usize = 2;

/// Threads that wait for the disk, the database, names and passwords, at most: as many as the
/// Maildir synchronises files at once, and some for everything else.
const BLOCKING_THREADS: usize = 24;

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
    match start(&args, arguments) {
        Ok(status) => status,
        Err(NotStarted::Told(text)) => {
            print(io::stderr(), &text);
            Status::Failure
        }
        Err(NotStarted::Because(error)) => {
            print(io::stderr(), &format!("ERROR: {error:#}\n"));
            Status::Failure
        }
    }
}

fn start(args: &Args, arguments: &[OsString]) -> Result<Status, NotStarted> {
    let file = ConfigFile::find(args.config.as_deref())?;
    let profiles = args.profile.as_deref().map(profile::Directory::create).transpose()?;
    let config = file.understand(args, overrides(args)?)?;
    let selection = args.debug.as_deref().map(debug::Selection::parse);
    let verbosity = if selection.is_some() { Verbosity::Debug } else { Verbosity::Ordinary };

    let wanted =
        if args.action() == Action::Info { UserInterface::Ttyui } else { config.general.ui };
    // Only the file can name one that does not exist yet: the option was checked.
    let (console, stand_in) = match console(wanted) {
        Some(console) => (Some(console), None),
        None => (console(UserInterface::Ttyui), Some(wanted)),
    };
    let console = console.context("there is no user interface")?;
    let log = args.log.as_deref().map(|path| open_log(path, arguments)).transpose()?;
    // The user interface of that name is the system log already.
    let syslog = (args.syslog && wanted != UserInterface::Syslog).then(Syslog::local);
    let ui = Arc::new(Ui::new(console, Records { log, syslog }, verbosity));
    ui.banner(&format!("{NAME} {VERSION}\n  Licensed under the MIT license or Apache-2.0"));
    if let Some(wanted) = stand_in {
        warn(&ui, format!("The user interface '{wanted}' is not available yet; using ttyui"));
    }
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
        for text in selection.announcements() {
            ui.tell(Message::main(Level::Debug, text));
        }
        for word in &selection.invalid {
            warn(&ui, format!("Invalid debug type: {word}"));
        }
        if !selection.keeps_concurrency || args.single_threaded() {
            ui.tell(Message::main(Level::Info, "Debug mode: Forcing to singlethreaded."));
            concurrency = Concurrency::Single;
        }
    }
    debug::listen(Arc::clone(&ui), selection.as_ref());
    if args.quick {
        warn(&ui, "Quick syncs (-q) are not available yet; every sync is a full one");
    }
    for account in &config.refused {
        let context = Some(format!("account '{}' is not configured well", account.name));
        let text = account.problems.render(Color::Never).trim_end().to_owned();
        ui.fail(Thread::Main, Failure { context, text });
    }
    let dry = args.dry_run || args.action() == Action::Info || config.general.dry_run;
    let run = Run {
        ui: Arc::clone(&ui),
        mode: if dry { Mode::DryRun } else { Mode::Sync },
        folders: args.folders.clone(),
        allowed: args.allowed(),
        concurrency,
        steps: witness(args)?,
        names: Arc::new(NameSource::of_this_process()),
        evaluator: Arc::new(Evaluator::new(python(&config.general.python, &ui))),
        mbnames: None,
        stop: CancellationToken::new(),
        general: config.general.clone(),
        profiles,
    };
    let ended = work(args, run, config)?;
    terminal::restore();
    let reported = ui.report();
    Ok(match ended {
        Ended::InOrder => reported,
        Ended::CutShort => Status::Failure,
    })
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
fn work(args: &Args, run: Run, config: Config) -> anyhow::Result<Ended> {
    let runtime = runtime()?;
    let ended = runtime.block_on(act(args.action(), run, config))?;
    runtime.shutdown_background();
    Ok(ended)
}

async fn act(action: Action<'_>, run: Run, config: Config) -> anyhow::Result<Ended> {
    let Config { accounts, refused, mbnames, .. } = config;
    match action {
        Action::Sync => {
            let signals = Signals::install().context("cannot handle signals")?;
            return Ok(accounts::sync(run, accounts, mbnames, signals).await);
        }
        Action::State(command) => state_command::run(command, run, accounts).await,
        Action::Info => info::show(run, accounts).await,
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
    let names: Vec<&str> = UserInterface::ALL
        .into_iter()
        .filter(|ui| console(*ui).is_some())
        .map(UserInterface::name)
        .collect();
    let names = names.join(", ");
    match UserInterface::by_name(name) {
        Some(ui) if console(ui).is_some() => Ok(ui),
        Some(ui) => anyhow::bail!("UI '{ui}' is not available yet, choose one of: {names}"),
        None => anyhow::bail!("UI '{name}' does not exist, choose one of: {names}"),
    }
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

/// What `-k` and `-u` replace in the file, in the order in which it happens.
fn overrides(args: &Args) -> anyhow::Result<Vec<Override>> {
    let given = args.overrides.iter().map(|argument| argument.parse());
    let mut overrides: Vec<Override> = given.collect::<Result<_, _>>()?;
    if let Some(name) = &args.ui {
        overrides.push(Override::literal("general", "ui", user_interface(name)?.name()));
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
