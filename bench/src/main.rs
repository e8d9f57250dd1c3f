//! Development only: measures this program beside mbsync and OfflineIMAP.
//!
//! All run against the same private server, in the same run and in alternating order, with their
//! fsync on; times are comparable with one another and not with those of other machines.

mod contender;
mod imap;
mod limits;
mod mail;
mod measure;
mod scenario;
mod server;
mod supervise;
mod table;

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;

use contender::Contender;
use limits::{Limit, Verdict};
use scenario::{Arena, Scenario, Workload};
use server::{MailAccount, Server};
use supervise::{Order, SUBCOMMAND};
use table::{Cell, Results};

/// Measures this program beside mbsync and OfflineIMAP against the same private Dovecot.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Messages on the server at the beginning.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..))]
    messages: u32,
    /// The size of each message, in bytes.
    #[arg(long, default_value_t = 8_192)]
    size: u64,
    /// How often everything is run; OfflineIMAP runs once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Round trips to put between, in milliseconds.
    #[arg(long, default_value = "0,40", value_delimiter = ',')]
    rtt: Vec<u64>,
    /// Also measure a folder of 200,000 messages.
    #[arg(long)]
    big: bool,
    /// Run only these programs.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// `maxconnections` of this program and of OfflineIMAP instead of what they choose themselves.
    #[arg(long)]
    connections: Option<u16>,
    /// Measure this build of the program instead of making one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the mail is put; on a real disk, so that fsync costs what it costs.
    #[arg(long, default_value = "/var/tmp")]
    directory: PathBuf,
    /// How long one sync may take, in seconds.
    #[arg(long, default_value_t = 1_800)]
    deadline: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == SUBCOMMAND) {
        Order::parse(arguments)?.carry_out()?;
        return Ok(ExitCode::SUCCESS);
    }
    run(&Arguments::parse())
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut contenders = arguments.only.clone();
    if contenders.is_empty() {
        contenders = vec![Contender::ThisProgram, Contender::Mbsync, Contender::OfflineImap];
    }
    let alone = contenders.contains(&Contender::ThisProgram);
    let this_program = match &arguments.program {
        Some(program) => program.canonicalize().context("the given program")?,
        None => build_this_program(alone)?,
    };
    let file_system = file_system(&arguments.directory)?;
    ensure!(
        !["tmpfs", "ramfs"].contains(&file_system.as_str()),
        "{} is on {file_system}, where fsync costs nothing",
        arguments.directory.display()
    );
    let directory = tempfile::Builder::new().prefix("bench-").tempdir_in(&arguments.directory)?;
    // Dovecot's processes have users of their own and must be able to pass.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    let server = Server::start(directory.path())?;
    let arena = Arena {
        server: &server,
        directory: directory.path(),
        this_program: &this_program,
        deadline: Duration::from_secs(arguments.deadline),
        connections: arguments.connections,
        contests: AtomicU32::new(0),
    };
    let workload = Workload { messages: arguments.messages, size_bytes: arguments.size };

    print(&preamble(arguments, &contenders, &this_program, &file_system))?;
    let template = server.fill("template", 0..u64::from(workload.messages), workload.size_bytes)?;
    let mut results = Results::default();
    for &milliseconds in &arguments.rtt {
        let round_trip = Duration::from_millis(milliseconds);
        for repetition in 0..arguments.repeat {
            for &contender in &rotated(&contenders, repetition) {
                if repetition < contender.repetitions(arguments.repeat) {
                    compete(&arena, contender, &template, round_trip, workload, &mut results)?;
                }
            }
        }
    }
    print(&results.to_markdown(workload))?;
    if !alone {
        return Ok(exit_code(results.has_failures()));
    }

    let mut verdicts = limits::large_message(&arena)?;
    if arguments.big {
        verdicts.extend(limits::large_folder(&arena)?);
    }
    print(&usual_limit(&results, workload))?;
    print(&table::limits_to_markdown(&verdicts))?;
    Ok(exit_code(results.has_failures() || verdicts.iter().any(is_failure)))
}

/// Runs all scenarios with one account; the first failure ends the row.
fn compete(
    arena: &Arena<'_>,
    contender: Contender,
    template: &MailAccount,
    round_trip: Duration,
    workload: Workload,
    results: &mut Results,
) -> anyhow::Result<()> {
    let contest = arena.contest(contender, template, round_trip)?;
    for scenario in Scenario::ALL {
        let outcome = contest.run(scenario, workload);
        let told = match &outcome {
            Ok(sample) => format!("{:.2} s", sample.elapsed.as_secs_f64()),
            Err(error) => format!("failed: {error:#}"),
        };
        let milliseconds = round_trip.as_millis();
        writeln!(
            io::stderr(),
            "{milliseconds} ms, {}, {}: {told}",
            contender.name(),
            scenario.name(workload)
        )?;
        let failed = outcome.is_err();
        results.record(Cell { round_trip, scenario, contender }, outcome);
        if failed {
            break;
        }
    }
    Ok(())
}

/// The same programs, a different one first in each repetition.
fn rotated(contenders: &[Contender], repetition: u32) -> Vec<Contender> {
    let mut rotated = contenders.to_vec();
    let by = repetition as usize % contenders.len().max(1);
    rotated.rotate_left(by);
    rotated
}

/// The path of the release build, which is made first if it is wanted.
fn build_this_program(wanted: bool) -> anyhow::Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    if wanted {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--release", "-p", "offlineimap"])
            .current_dir(workspace)
            .status()?;
        ensure!(status.success(), "the program does not build");
    }
    // This program is target/<profile>/bench.
    let own = env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("no target directory")?;
    Ok(target.join("release/offlineimap"))
}

/// The type of the file system that holds a directory.
fn file_system(directory: &Path) -> anyhow::Result<String> {
    let directory =
        directory.canonicalize().with_context(|| format!("directory {}", directory.display()))?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let holding = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (mounted, kind) = (words.next()?, words.next()?);
        directory.starts_with(mounted).then_some((mounted.len(), kind))
    });
    // The last one of equal length lies on top.
    let (_, kind) = holding.max_by_key(|&(length, _)| length).context("no mounted file system")?;
    Ok(kind.to_owned())
}

fn preamble(
    arguments: &Arguments,
    contenders: &[Contender],
    this_program: &Path,
    file_system: &str,
) -> String {
    let versions: Vec<String> = contenders
        .iter()
        .map(|contender| format!("{} ({})", contender.name(), contender.version(this_program)))
        .collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} messages of {} bytes, {} repetitions (OfflineIMAP 1), medians; fsync on, {file_system}, \
         {processors} processors.\n\
         Server: Dovecot {}, Maildir, fsync off. Programs: {}.\n\n",
        arguments.messages,
        arguments.size,
        arguments.repeat,
        Server::version(),
        versions.join(", "),
    )
}

/// The limit of the usual first sync, if that is what was measured.
fn usual_limit(results: &Results, workload: Workload) -> String {
    let usual = workload.messages == 10_000 && workload.size_bytes == 8_192;
    let peak = results.peak_memory_kib(Scenario::FirstSync, Contender::ThisProgram);
    let Some(peak) = peak.filter(|_| usual) else { return String::new() };
    let allowed = limits::USUAL_FIRST_SYNC_KIB;
    let verdict = if peak <= allowed { "within" } else { "**above**" };
    format!(
        "The peak memory of the first sync is {verdict} the limit of {} MiB.\n\n",
        allowed / 1024
    )
}

fn is_failure(verdict: &Verdict) -> bool {
    let (Limit { peak_memory_kib, .. }, outcome) = verdict;
    !outcome.as_ref().is_ok_and(|sample| sample.peak_memory_kib <= *peak_memory_kib)
}

fn exit_code(failed: bool) -> ExitCode {
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
