//! The order in which a run makes things durable, checked in a record of its system calls: after
//! a loss of power only what `fsync` promised is there.
//!
//! | Before | must be on the disk |
//! |---|---|
//! | a new file gets its visible name | its content, and the intent to store it |
//! | a change is committed to the state | the directories of the files that it is about |
//! | an upload begins | the intent to upload |

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::scene::Scene;
use crate::server::Server;
use crate::strace::{self, Call};

/// With strings long enough that what is written to the state can be read.
const RECORD: [&str; 4] = ["-s", "8192", "-e", "trace=%file,%desc,%network"];

/// What a run did to the disk and said to the server.
struct Record {
    /// The directory of the Maildir.
    root: PathBuf,
    calls: Vec<Call>,
}

impl Record {
    fn of(scene: &Scene) -> Self {
        // One thing after the other: then every commit is about what was done just before it.
        let traced = strace::run(scene, &RECORD, &["-1"]);
        assert_eq!(traced.ended.status, Some(0), "{}", traced.ended.output);
        Self { root: scene.rig.maildir().root(), calls: traced.calls }
    }

    /// What is done in an order that a loss of power would punish.
    fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for call in self.calls.iter().filter(|call| call.succeeded()) {
            match call.name.as_str() {
                "rename" | "renameat" | "renameat2" => self.judge_rename(call, &mut violations),
                "unlink" | "unlinkat" | "mkdir" | "mkdirat" => {
                    let path = call.paths().remove(0);
                    self.judge_entry(&path, call, &mut violations);
                }
                "openat" if call.arguments.contains("O_CREAT") => {
                    let path = call.paths().remove(0);
                    if is_visible(&path) && path.starts_with(&self.root) {
                        violations
                            .push(format!("{} is visible from its first octet", path.display()));
                    }
                }
                _ => {}
            }
        }
        self.judge_uploads(&mut violations);
        violations
    }

    fn judge_rename(&self, call: &Call, violations: &mut Vec<String>) {
        let paths = call.paths();
        let [from, to] = [&paths[0], &paths[1]];
        if !to.starts_with(&self.root) {
            return;
        }
        let about = |other: &&Call| other.file().as_ref() == Some(from);
        let writes = || self.calls.iter().filter(about).filter(|it| it.name.contains("write"));
        if let Some(last) = writes().map(|it| it.ended).max() {
            if !self.syncs(from).any(|it| it.began > last && it.ended < call.began) {
                violations.push(format!("{} is visible before its content is safe", to.display()));
            }
            let first = writes().map(|it| it.began).min().unwrap();
            let intended = |it: &Call| it.began > first && it.ended < call.began;
            if is_visible(to) && !self.commits().any(intended) {
                violations.push(format!("{} is visible before it is intended", to.display()));
            }
        }
        self.judge_entry(to, call, violations);
        self.judge_entry(from, call, violations);
    }

    /// The directory of an entry that came or went is safe before the next commit.
    fn judge_entry(&self, path: &Path, call: &Call, violations: &mut Vec<String>) {
        let directory = path.parent().unwrap();
        let above = self.root.parent().unwrap();
        let concerns_mail = path.starts_with(&self.root) && directory.starts_with(above);
        // What is in `tmp` may come and go: the next run cleans it up.
        if !concerns_mail || directory.ends_with("tmp") {
            return;
        }
        let commit = self.commits().find(|it| it.began > call.ended);
        let deadline = commit.map_or(usize::MAX, |it| it.began);
        if !self.syncs(directory).any(|it| it.began > call.ended && it.ended < deadline) {
            let (name, path) = (&call.name, path.display());
            violations.push(format!("the {name} of {path} is committed before it is safe"));
        }
    }

    /// Before the uploads to each mailbox their intents are safe.
    fn judge_uploads(&self, violations: &mut Vec<String>) {
        let mut announced = BTreeSet::new();
        for call in self.uploads() {
            if !announced.insert(call.mailbox) {
                continue;
            }
            // Kind and side of an intent stand side by side in its row.
            let intents = self.calls.iter().filter(|it| {
                it.name == "pwrite64" && is_wal(it) && it.arguments.contains("appendremote")
            });
            let safe: BTreeSet<usize> = intents
                .filter_map(|it| self.commits().find(|commit| commit.began > it.ended))
                .filter(|commit| commit.ended < call.began)
                .map(|commit| commit.began)
                .collect();
            if safe.len() < announced.len() {
                violations.push(format!("the uploads of line {} are not intended", call.began));
            }
        }
    }

    fn uploads(&self) -> Vec<Upload> {
        let mut uploads = Vec::new();
        for call in self.calls.iter().filter(|it| it.name.contains("send") || it.name == "write") {
            for part in call.arguments.split(" APPEND ").skip(1) {
                let mailbox = part.split(' ').next().unwrap().to_owned();
                uploads.push(Upload { mailbox, began: call.began });
            }
        }
        uploads
    }

    fn commits(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|it| is_sync(it) && is_wal(it))
    }

    fn syncs<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |it| is_sync(it) && it.file().as_deref() == Some(path))
    }

    /// The files that were written and the directories that were changed, as far as they are
    /// synchronised.
    fn synced_paths(&self) -> BTreeSet<PathBuf> {
        let parent = |path: PathBuf| path.parent().unwrap().to_owned();
        let touched: BTreeSet<PathBuf> = self
            .calls
            .iter()
            .filter(|it| it.succeeded())
            .flat_map(|it| match it.name.as_str() {
                "write" => it.file().into_iter().collect(),
                "renameat2" | "unlink" | "mkdir" => it.paths().into_iter().map(parent).collect(),
                _ => Vec::new(),
            })
            .collect();
        let synced = self.calls.iter().filter(|it| is_sync(it)).filter_map(Call::file);
        let above = self.root.parent();
        synced
            .filter(|path| touched.contains(path))
            .filter(|path| path.starts_with(&self.root) || above == Some(path))
            .collect()
    }

    /// The same run as if it had never synchronised this path.
    fn without_syncs_of(&self, forgotten: &Path) -> Self {
        let kept = |it: &&Call| !is_sync(it) || it.file().as_deref() != Some(forgotten);
        Self { root: self.root.clone(), calls: self.calls.iter().filter(kept).cloned().collect() }
    }
}

struct Upload {
    mailbox: String,
    began: usize,
}

fn is_sync(call: &Call) -> bool {
    ["fsync", "fdatasync"].contains(&call.name.as_str()) && call.succeeded()
}

fn is_wal(call: &Call) -> bool {
    call.file().is_some_and(|path| path.ends_with("state.sqlite-wal"))
}

fn is_visible(path: &Path) -> bool {
    path.parent().is_some_and(|it| it.ends_with("cur") || it.ends_with("new"))
}

/// A first sync, and one of all kinds of changes.
fn records() -> [Record; 2] {
    let scene = Scene::new(Server::embedded());
    let first = Record::of(&scene);
    scene.change();
    let second = Record::of(&scene);
    scene.must_recover();
    [first, second]
}

#[test]
fn nothing_is_visible_or_committed_before_it_is_safe() {
    let [first, second] = records();
    assert_eq!(first.violations(), Vec::<String>::new());
    assert_eq!(second.violations(), Vec::<String>::new());
    // What the records are about.
    let deliveries = first.calls.iter().filter(|it| it.name == "renameat2" && it.succeeded());
    assert!(deliveries.count() >= 9, "the first sync delivers nine messages");
    assert!(second.calls.iter().any(|it| it.name == "unlink" && is_visible(&it.paths()[0])));
    let mailboxes: BTreeSet<String> = second.uploads().into_iter().map(|it| it.mailbox).collect();
    assert_eq!(mailboxes.len(), 2, "{mailboxes:?}");
}

#[test]
fn every_synchronisation_is_needed_by_the_rules() {
    for record in records() {
        let paths = record.synced_paths();
        assert!(paths.len() > 5, "{paths:?}");
        for path in paths {
            let violations = record.without_syncs_of(&path).violations();
            assert!(!violations.is_empty(), "nobody misses the fsync of {}", path.display());
        }
        let wal = record.commits().next().unwrap().file().unwrap();
        assert!(!record.without_syncs_of(&wal).violations().is_empty());
    }
}

#[test]
fn what_a_killed_run_made_visible_is_safe_before_it_is_relied_on() {
    let scene = Scene::changed(Server::embedded());
    let inbox = scene.rig.maildir().folder("INBOX/new");
    // Nothing happened here for long: the first fsync is then the one behind the deliveries.
    let long_ago = SystemTime::now() - Duration::from_hours(24);
    File::open(&inbox).unwrap().set_modified(long_ago).unwrap();
    let only = ["-P", inbox.to_str().unwrap()];
    let kill = ["-e", "trace=fsync", "-e", "inject=fsync:signal=KILL:when=1"];
    let before = fs::read_dir(&inbox).unwrap().count();
    let killed = strace::run(&scene, &[only.as_slice(), kill.as_slice()].concat(), &["-1"]);
    assert_eq!(killed.ended.signal, Some(9), "{}", killed.ended.output);
    let delivered = fs::read_dir(&inbox).unwrap().count() - before;
    assert!(delivered > 0, "nothing was delivered before the process was killed");

    let recovery = Record::of(&scene);
    let relied_on = |it: &&Call| it.name == "pwrite64" && is_wal(it) && it.file().is_some();
    let first = recovery.calls.iter().find(relied_on).unwrap();
    assert!(
        recovery.syncs(&inbox).any(|it| it.ended < first.began),
        "{delivered} messages are relied on before they are safe"
    );
}
