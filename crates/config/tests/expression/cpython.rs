//! `CPython` as the reference: one process, a line of JSON for each expression.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The arguments of a call.
pub(crate) type Row = Vec<String>;

/// A running interpreter.
pub(crate) struct CPython {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl CPython {
    /// Starts `python3` of the path, which these tests need.
    pub(crate) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expression/cpython.py");
        let mut child = Command::new("python3")
            .args(["-I", "-X", "utf8", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("the reference, python3, does not start: {error}"));
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, requests, answers }
    }

    /// What the expression gives for each row: a `repr`, or `raise` and the exception.
    pub(crate) fn evaluate(&mut self, text: &str, rows: &[Row]) -> Vec<String> {
        let mut request = format!("{{\"expression\": {}, \"arguments\": [", json(text));
        for (index, row) in rows.iter().enumerate() {
            let arguments: Vec<String> = row.iter().map(|argument| json(argument)).collect();
            let comma = if index > 0 { ", " } else { "" };
            write!(request, "{comma}[{}]", arguments.join(", ")).unwrap();
        }
        writeln!(self.requests, "{request}]}}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let outcomes: Vec<String> = answer.trim_end().split('\t').map(unescape).collect();
        assert_eq!(outcomes.len(), rows.len(), "CPython ended at {text}: {answer}");
        outcomes
    }
}

impl Drop for CPython {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => write!(quoted, "\\u{:04x}", u32::from(c)).unwrap(),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Undoes the escapes that keep an answer in one line.
fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (_, false) => plain.push(c),
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => {}
            },
        }
    }
    plain
}
