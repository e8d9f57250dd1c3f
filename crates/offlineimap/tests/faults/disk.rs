//! A disk that fails or is full, and a process that is killed between two system calls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cases::{Seeded, play};
use crate::scene::Scene;
use crate::server::Server;
use crate::strace;

/// What happens at a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It fails.
    Error(&'static str),
    /// It fails, and so does each after it.
    ErrorsFromHere(&'static str),
    /// The process is killed before it is carried out.
    Kill,
}

use Fault::{Error, ErrorsFromHere, Kill};

/// The calls with which mail and state are read and written, and how often each is hit.
///
/// `write` is missing, because with it threads also wake each other: a disk that is full stands
/// for it. So is `read`, with which the program is loaded.
const FAULTS: [(&str, &[Fault], u64); 9] = [
    ("fsync", &[Error("EIO"), Kill, ErrorsFromHere("EIO")], 4),
    ("renameat2", &[Error("EIO"), Kill], 3),
    ("unlink", &[Error("EIO"), Kill], 2),
    ("mkdir", &[Error("ENOSPC"), Kill], 2),
    ("openat", &[Error("EIO"), Kill], 4),
    ("getdents64", &[Error("EIO")], 4),
    ("pread64", &[Error("EIO")], 3),
    ("pwrite64", &[Error("EIO"), Error("ENOSPC"), Kill, ErrorsFromHere("ENOSPC")], 4),
    ("sendto", &[Kill], 4),
];

#[derive(Debug)]
struct Case {
    call: &'static str,
    fault: Fault,
    /// Which call of a thread, counted from 1: strace counts for each thread.
    number: u64,
}

impl Case {
    fn injection(&self) -> String {
        let Self { call, fault, number } = self;
        match fault {
            Error(error) => format!("inject={call}:error={error}:when={number}"),
            ErrorsFromHere(error) => format!("inject={call}:error={error}:when={number}+"),
            Kill => format!("inject={call}:signal=KILL:when={number}"),
        }
    }
}

/// How often the first thread calls something, and how often the busiest other one does.
fn counts(scene: &Scene) -> BTreeMap<String, (u64, u64)> {
    let traced = strace::run(scene, &["-e", "trace=desc,file,network"], &[]);
    assert_eq!(traced.ended.status, Some(0), "{}", traced.ended.output);
    let first = traced.calls[0].thread;
    let mut by_thread: BTreeMap<(String, u32), u64> = BTreeMap::new();
    for call in traced.calls {
        *by_thread.entry((call.name, call.thread)).or_default() += 1;
    }
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for ((name, thread), count) in by_thread {
        let known = counts.entry(name).or_default();
        if thread == first {
            known.0 = count;
        } else {
            known.1 = known.1.max(count);
        }
    }
    counts
}

fn cases(seeded: &mut Seeded) -> Vec<Case> {
    let counts = counts(&Scene::changed(Server::embedded()));
    let mut cases = Vec::new();
    for (call, faults, count) in FAULTS {
        // The first thread loads the program and reads the configuration; the others work.
        let (loading, working) = counts.get(call).copied().unwrap_or_default();
        assert!(working > 0, "the scenario does without {call}: {counts:?}");
        let from = if working > loading { loading } else { 0 };
        for fault in faults {
            for number in seeded.spread(count, working - from) {
                cases.push(Case { call, fault: *fault, number: from + number + 1 });
            }
        }
    }
    cases
}

#[test]
fn a_failing_disk_or_a_kill_between_two_calls_loses_and_doubles_nothing() {
    let mut seeded = Seeded::or(5);
    let cases = cases(&mut seeded);
    let happened = std::sync::Mutex::new(BTreeMap::<&str, u64>::new());
    play(seeded.seed, &cases, |case| {
        let scene = Scene::changed(Server::embedded());
        let trace = format!("trace={}", case.call);
        let injection = case.injection();
        let traced = strace::run(&scene, &["-e", &trace, "-e", &injection], &[]);
        let failed = traced.calls.iter().any(strace::Call::was_injected);
        if failed || traced.ended.signal.is_some() {
            *happened.lock().unwrap().entry(case.call).or_default() += 1;
        }
        scene.must_be_unharmed(&traced.ended);
        scene.must_recover();
    });
    // Which thread does what differs from run to run, so not every number is reached.
    let happened = happened.into_inner().unwrap();
    for (call, _, _) in FAULTS {
        assert!(happened.contains_key(call), "no {call} was hit: {happened:?}");
    }
}

/// Directories and the calls with which a run looks at them or makes them safe.
const DIRECTORIES: [(&str, &[&str]); 4] = [
    ("", &["openat", "getdents64"]),
    ("INBOX/cur", &["openat", "getdents64", "fsync", "statx"]),
    ("INBOX/new", &["openat", "getdents64", "fsync", "statx"]),
    ("INBOX/tmp", &["getdents64"]),
];

#[test]
fn a_directory_that_fails_is_not_taken_for_an_empty_one() {
    let mut cases = Vec::new();
    for (directory, calls) in DIRECTORIES {
        for call in calls {
            // Once in each thread, and always.
            cases.extend(["1", "1+"].map(|when| (directory, *call, when)));
        }
    }
    play(0, &cases, |(directory, call, when)| {
        let scene = Scene::changed(Server::embedded());
        let path = scene.rig.maildir().folder(directory).canonicalize().unwrap();
        let injection = format!("inject={call}:error=EIO:when={when}");
        let trace = format!("trace={call}");
        let options = ["-P", path.to_str().unwrap(), "-e", &trace, "-e", &injection];
        let traced = strace::run(&scene, &options, &[]);
        assert!(traced.calls.iter().any(strace::Call::was_injected), "{}", traced.ended.output);
        scene.must_be_unharmed(&traced.ended);
        scene.must_recover();
    });
}

/// A small file system in memory, as long as this lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` if mounting is not allowed.
    fn mount(at: &Path, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={kilobytes}k");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
        let mounted = command.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    fn grow(&self) {
        let mut command = Command::new("mount");
        command.args(["-o", "remount,size=64m"]).arg(&self.0);
        assert!(command.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_under_the_maildir_stops_only_what_does_not_fit() {
    let scene = Scene::new(Server::embedded());
    // Room for everything but the long message that comes down: the one that goes up is on it.
    let Some(disk) = SmallDisk::mount(&scene.rig.maildir().root(), 300) else {
        return a_file_that_must_not_grow(&scene);
    };
    scene.rig.sync();
    scene.change();
    for _ in 0..2 {
        let ended = scene.rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains("No space left"), "{}", ended.output);
        scene.must_be_unharmed(&ended);
        assert_eq!(scene.rig.maildir().leftovers(), Vec::<&Path>::new(), "{}", ended.output);
        let mut expected = scene.outcome();
        expected.get_mut("INBOX").unwrap().retain(|mail| mail.subject() != "r2");
        assert!(scene.local_world() == expected, "{}", ended.output);
        assert!(scene.server.world(&scene.rig) == scene.outcome(), "{}", ended.output);
    }
    disk.grow();
    scene.must_recover();
}

#[test]
fn a_full_disk_under_the_state_loses_and_doubles_nothing() {
    for kilobytes in [60, 100, 140, 180, 260] {
        let scene = Scene::changed(Server::embedded());
        let metadata = scene.rig.metadata();
        let kept = scene.rig.home().join("kept");
        std::fs::rename(&metadata, &kept).unwrap();
        let Some(disk) = SmallDisk::mount(&metadata, kilobytes) else {
            std::fs::remove_dir(&metadata).unwrap();
            std::fs::rename(&kept, &metadata).unwrap();
            return a_file_that_must_not_grow(&scene);
        };
        crate::rig::copy_tree(&kept, &metadata);
        let ended = scene.rig.run(&[]);
        scene.must_be_unharmed(&ended);
        disk.grow();
        scene.must_recover();
    }
}

#[test]
fn files_that_must_not_grow_lose_and_double_nothing() {
    for blocks in [16, 64, 150, 300, 420] {
        let scene = Scene::changed(Server::embedded());
        let ended = run_with_small_files(&scene, blocks);
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    }
}

/// Stands for a full disk where there may be none: writes fail in the middle of a file.
fn a_file_that_must_not_grow(scene: &Scene) {
    scene.rig.sync();
    let ended = run_with_small_files(scene, 64);
    scene.must_be_unharmed(&ended);
}

/// Runs the program with no file allowed to be longer than so many half kilobytes. The signal that
/// comes with the error is ignored, as on a system without the limit.
fn run_with_small_files(scene: &Scene, blocks: u32) -> crate::rig::Ended {
    let program = scene.rig.command();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    command.arg(program.get_program()).args(program.get_args());
    command.env_clear().current_dir(scene.rig.home()).env("PATH", "/usr/bin:/bin");
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    scene.rig.start(&mut command).wait()
}
