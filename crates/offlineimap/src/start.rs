//! The start of a run, in the order that users rely on (`spec/cli.md` §2).

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use offlineimap_config::{
    Color, Config, Diagnostics, Document, Override, Request, RunMode, UserInterface,
    find_config_file, load,
};
use offlineimap_engine::Mode;
use offlineimap_maildir::NameSource;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, Ended};
use crate::args::{self, Args, Command};
use crate::exit::Status;
use crate::signals::Signals;
use crate::ui::{Failure, Level, LogFile, Message, Thread, Ui, Verbosity, console};
use crate::wiring::{Concurrency, Run};
use crate::{NAME, VERSION, debug, environment, info, steps, terminal};

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
        Err(NotStarted::Told) => Status::Failure,
        Err(NotStarted::Because(error)) => {
            print(io::stderr(), &format!("ERROR: {error:#}\n"));
            Status::Failure
        }
    }
}

/// Why a run ended before there was a user interface.
enum NotStarted {
    /// The user knows already.
    Told,
    Because(anyhow::Error),
}

impl From<anyhow::Error> for NotStarted {
    fn from(error: anyhow::Error) -> Self {
        Self::Because(error)
    }
}

fn start(args: &Args, arguments: &[OsString]) -> Result<Status, NotStarted> {
    let chosen = args.ui.as_deref().map(user_interface).transpose()?;
    let config = configuration(args, chosen)?;
    let selection = args.debug.as_deref().map(debug::Selection::parse);
    let verbosity = if selection.is_some() { Verbosity::Debug } else { Verbosity::Ordinary };

    let wanted = if args.info { UserInterface::Ttyui } else { config.general.ui };
    // Only the file can name one that does not exist yet: the option was checked.
    let (console, stand_in) = match console(wanted) {
        Some(console) => (Some(console), None),
        None => (console(UserInterface::Ttyui), Some(wanted)),
    };
    let console = console.context("there is no user interface")?;
    let log = args.log.as_deref().map(|path| open_log(path, arguments)).transpose()?;
    let ui = Arc::new(Ui::new(console, log, verbosity));
    ui.banner(&format!("{NAME} {VERSION}\n  Licensed under the MIT license or Apache-2.0"));
    if let Some(wanted) = stand_in {
        warn(&ui, format!("The user interface '{wanted}' is not available yet; using ttyui"));
    }
    if !config.warnings.is_empty() {
        warn(&ui, config.warnings.render(Color::Never).trim_end());
    }

    let mut concurrency = if args.single { Concurrency::Single } else { Concurrency::AsConfigured };
    if let Some(selection) = &selection {
        for text in selection.announcements() {
            ui.tell(Message::main(Level::Debug, text));
        }
        for word in &selection.invalid {
            warn(&ui, format!("Invalid debug type: {word}"));
        }
        if !selection.keeps_concurrency || args.single {
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
    let dry = args.dry_run || args.info || config.general.dry_run;
    let run = Run {
        ui: Arc::clone(&ui),
        mode: if dry { Mode::DryRun } else { Mode::Sync },
        folders: args.folders.clone(),
        allowed: args.allowed(),
        concurrency,
        steps: witness(args)?,
        names: Arc::new(NameSource::of_this_process()),
        stop: CancellationToken::new(),
        general: config.general.clone(),
    };
    let ended = work(args, run, config)?;
    terminal::restore();
    let reported = ui.report();
    Ok(match ended {
        Ended::InOrder => reported,
        Ended::CutShort => Status::Failure,
    })
}

/// Does what the run is for. On return nothing is waited for, not even what hangs.
fn work(args: &Args, run: Run, config: Config) -> anyhow::Result<Ended> {
    let runtime = runtime()?;
    let ended = if args.info {
        runtime.block_on(info::show(run, config.accounts));
        Ended::InOrder
    } else {
        runtime.block_on(async {
            let signals = Signals::install().context("cannot handle signals")?;
            Ok::<_, anyhow::Error>(accounts::sync(run, config.accounts, signals).await)
        })?
    };
    runtime.shutdown_background();
    Ok(ended)
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

/// Finds, reads and understands the configuration. What is wrong with it is told with the places.
fn configuration(args: &Args, ui: Option<UserInterface>) -> Result<Config, NotStarted> {
    let surroundings = environment::surroundings();
    let found = find_config_file(args.config.as_deref(), &surroundings, Path::exists);
    let path = found.map_err(|error| {
        let error = error.to_string();
        let capital = error.replacen("config file", "Config file", 1);
        NotStarted::Because(anyhow::anyhow!("*** {capital}; aborting!"))
    })?;
    let bytes = std::fs::read(&path)
        .with_context(|| format!("cannot read config file '{}'", path.display()))?;
    let mut request = Request::new(&path, &bytes);
    if let Some(accounts) = &args.accounts {
        request = request.with_accounts(accounts);
    }
    if let Some(ui) = ui {
        request = request.with_overrides([Override::literal("general", "ui", ui.name())]);
    }
    if args.once {
        request = request.with_mode(RunMode::Once);
    }
    load(&request, &surroundings).map_err(|problems| {
        complain(&problems, &path, &bytes, args.accounts.as_deref());
        NotStarted::Told
    })
}

/// Tells what is wrong with the configuration as a whole, and which accounts there are if one was
/// named that does not exist.
fn complain(problems: &Diagnostics, path: &Path, bytes: &[u8], asked_for: Option<&str>) {
    let in_color = io::stderr().is_terminal() && environment::variable("NO_COLOR").is_none();
    let color = if in_color { Color::Always } else { Color::Never };
    let mut text = problems.render(color);
    if let Some(line) = valid_accounts(path, bytes, asked_for) {
        text.push_str(&line);
    }
    print(io::stderr(), &text);
}

fn valid_accounts(path: &Path, bytes: &[u8], asked_for: Option<&str>) -> Option<String> {
    let document = Document::parse(&path.display().to_string(), bytes).ok()?;
    let known: Vec<&str> = document
        .section_names()
        .filter_map(|name| name.strip_prefix("Account "))
        .map(str::trim)
        .collect();
    let asked_for = match asked_for {
        Some(list) => list.to_owned(),
        None => document.value("general", "accounts").ok()??,
    };
    let mut names = asked_for.split(',').map(str::trim).filter(|name| !name.is_empty());
    if names.all(|name| known.contains(&name)) {
        return None;
    }
    Some(if known.is_empty() {
        "No accounts are defined!\n".to_owned()
    } else {
        format!("Valid accounts are: {}\n", known.join(", "))
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

/// Prints where there is no user interface yet. Whoever closed the pipe does not want to know.
fn print(mut to: impl Write, text: &str) {
    drop(to.write_all(text.as_bytes()).and_then(|()| to.flush()));
}
