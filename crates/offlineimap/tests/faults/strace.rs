//! Runs of the program under `strace`, which records system calls and lets chosen ones fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::rig::Ended;
use crate::scene::Scene;

/// One system call, in the words of `strace -y`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The thread, or the process if it was its only thread.
    pub(crate) thread: u32,
    pub(crate) name: String,
    /// Everything between the parentheses.
    pub(crate) arguments: String,
    /// What was returned; empty if the process ended before.
    pub(crate) result: String,
    /// When it began and ended, in lines of the record.
    pub(crate) began: usize,
    pub(crate) ended: usize,
}

/// What a run did.
pub(crate) struct Traced {
    pub(crate) ended: Ended,
    pub(crate) calls: Vec<Call>,
}

impl Call {
    pub(crate) fn succeeded(&self) -> bool {
        !self.result.is_empty() && !self.result.starts_with("-1") && !self.result.starts_with('?')
    }

    /// Whether it failed, or was the last call, because a test wanted that.
    pub(crate) fn was_injected(&self) -> bool {
        self.result.contains("(INJECTED)")
    }

    /// The path of the open file it is about, from `3</path>`.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let (descriptor, rest) = self.arguments.split_once('<')?;
        let is_number = descriptor.bytes().all(|octet| octet.is_ascii_digit());
        let (path, _) = rest.split_once('>')?;
        (is_number && path.starts_with('/')).then(|| PathBuf::from(path))
    }

    /// The paths it names, in order.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.arguments.split('"').skip(1).step_by(2).map(PathBuf::from).collect()
    }
}

/// Runs the program under strace with these options.
pub(crate) fn run(scene: &Scene, options: &[&str], arguments: &[&str]) -> Traced {
    let log = scene.rig.home().join("strace.log");
    let program = scene.rig.command();
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-o"]).arg(&log).args(options);
    command.arg(program.get_program()).args(program.get_args()).args(arguments);
    command.env_clear().current_dir(scene.rig.home());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("PATH", "/usr/bin:/bin");
    let ended = scene.rig.start(&mut command).wait();
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    fs::remove_file(&log).unwrap();
    Traced { ended, calls: calls(&text) }
}

/// Understands a record. Signals and ends of processes are left out.
fn calls(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: BTreeMap<u32, usize> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let (thread, rest) = (thread.parse().unwrap(), rest.trim_start());
        if let Some((_, end)) = rest.split_once(" resumed>") {
            let Some(at) = unfinished.remove(&thread) else { continue };
            let (arguments, result) = split_result(end);
            calls[at].arguments.push_str(arguments);
            result.clone_into(&mut calls[at].result);
            calls[at].ended = number;
            continue;
        }
        let Some((name, rest)) = rest.split_once('(') else { continue };
        if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            continue;
        }
        let (arguments, result) = match rest.strip_suffix("<unfinished ...>") {
            Some(arguments) => {
                unfinished.insert(thread, calls.len());
                (arguments.trim_end(), "")
            }
            None => split_result(rest),
        };
        let ended = if result.is_empty() { usize::MAX } else { number };
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        let result = result.to_owned();
        calls.push(Call { thread, name, arguments, result, began: number, ended });
    }
    calls
}

/// `arguments) = result`
fn split_result(text: &str) -> (&str, &str) {
    let Some((arguments, result)) = text.rsplit_once(" = ") else { return (text, "") };
    (arguments.trim_end().strip_suffix(')').unwrap_or(arguments), result)
}

#[test]
fn a_record_is_understood() {
    let record = "7 openat(AT_FDCWD</h>, \"/h/m = x\", O_RDONLY) = 9</h/m = x>\n\
                  7 fsync(9</h/m> <unfinished ...>\n\
                  8 rename(\"/a\", \"/b\") = -1 EIO (Input/output error) (INJECTED)\n\
                  7 <... fsync resumed>)             = 0\n\
                  8 +++ killed by SIGKILL +++\n";
    let calls = calls(record);
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["openat", "fsync", "rename"]);
    assert_eq!(calls[1].file(), Some("/h/m".into()));
    assert_eq!((calls[1].began, calls[1].ended), (1, 3));
    assert!(calls[1].succeeded() && !calls[2].succeeded() && calls[2].was_injected());
    assert_eq!(calls[2].paths(), [PathBuf::from("/a"), PathBuf::from("/b")]);
}
