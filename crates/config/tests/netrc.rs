//! Our reading of a netrc file against that of Python's `netrc`, case by case.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use offlineimap_config::Netrc;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use secrecy::ExposeSecret as _;

/// Reads one hexadecimal file per line, answers one line each.
const ORACLE: &str = r#"
import netrc, os, sys, tempfile
def h(text): return text.encode("utf-8").hex() or "-"
with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "netrc")
    for line in sys.stdin:
        with open(path, "wb") as file:
            file.write(bytes.fromhex(line.strip()))
        try:
            hosts = netrc.netrc(path).hosts
        except netrc.NetrcParseError:
            print("refused")
            continue
        words = ["read"]
        for host in sorted(hosts):
            login, account, password = hosts[host]
            words += [h(host), h(login), h(password)]
        print(" ".join(words))
"#;

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// What Python makes of these files.
fn python(files: &[String]) -> Vec<String> {
    let mut child = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to compare with");
    let mut input = child.stdin.take().unwrap();
    let lines: String = files.iter().map(|file| hex(file) + "\n").collect();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The same in our words. Python keeps the last entry of a host.
fn ours(file: &str) -> String {
    let Ok(netrc) = Netrc::parse(file) else { return "refused".to_owned() };
    let last: BTreeMap<&str, _> =
        netrc.entries().iter().map(|entry| (entry.machine.as_str(), entry)).collect();
    let mut answer = "read".to_owned();
    for (machine, entry) in last {
        for text in [machine, &entry.login, entry.password.expose_secret()] {
            let hex = hex(text);
            write!(answer, " {}", if hex.is_empty() { "-" } else { &hex }).unwrap();
        }
    }
    answer
}

fn compare(files: &[String]) {
    let answers = python(files);
    assert_eq!(answers.len(), files.len());
    for (file, answer) in files.iter().zip(answers) {
        assert_eq!(ours(file), answer, "{file:?}");
    }
}

#[test]
fn files_as_people_write_them_are_read_as_by_python() {
    let files = [
        "",
        "machine h login joe password p",
        "machine h\n\tlogin joe\n\tpassword p\n\nmachine i login ann password q\n",
        "machine h login \"joe doe\" password \"a b\\\"c\\\\\"\n",
        "machine h user joe password p#1 account x",
        "machine h login joe password \"\"\nmachine i",
        "machine h login joe password ba\\ ck\\\\slash",
        "machine h password",
        "default login anonymous password me@",
        "machine default login a password b\ndefault login c",
        "# first\nmachine h login joe # his\n# own\npassword p\n# last\n",
        "machine h login joe password p macdef init\ncd /\nls\n\nmachine i login ann password q",
        "macdef init\ncd /\nls",
        "machine h login joe pass p",
        "login joe password p",
        "machine",
        "machine h login joe\r\npassword p\r\n",
        "machine a\"b login \"x\"password y",
        "machine g\u{e4}ste login j\u{f6} password \u{1f600}",
        "machine h login joe password p\n\"\"\nmachine i login x",
    ];
    compare(&files.map(str::to_owned));
}

#[test]
fn any_words_are_read_as_by_python() {
    let word = prop_oneof![
        4 => Just("machine"), 2 => Just("default"), 4 => Just("login"), 4 => Just("password"),
        1 => Just("user"), 1 => Just("account"), 1 => Just("macdef"), 3 => Just("h"),
        3 => Just("i"), 3 => Just("joe"), 1 => Just("\"a b\""), 1 => Just("\"\""),
        1 => Just("a\\ b"), 1 => Just("q\"x\\"), 1 => Just("\"open"),
    ];
    let blank = prop_oneof![5 => Just(" "), 2 => Just("\n"), 1 => Just("\t"), 1 => Just("\n\n")];
    let words = prop::collection::vec((word, blank).prop_map(<[&str; 2]>::from), 0..14);
    let file = words.prop_map(|words| words.concat().concat());
    let mut runner = TestRunner::deterministic();
    let files: Vec<String> =
        (0..4000).map(|_| file.new_tree(&mut runner).unwrap().current()).collect();
    let understood = files.iter().filter(|file| ours(file) != "refused").count();
    assert!(understood > 300, "only {understood} of the files mean anything");
    compare(&files);
}
