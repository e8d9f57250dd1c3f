//! Our reading of a file against that of Python's `configparser`, case by case.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use offlineimap_config::{Document, InterpolationError};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Reads one hexadecimal file per line, answers one line each.
const ORACLE: &str = r#"
import configparser, io, sys
def h(text): return text.encode("utf-8").hex() or "-"
for line in sys.stdin:
    data = bytes.fromhex(line.strip())
    parser = configparser.ConfigParser()
    try:
        parser.read_file(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        print("refused", flush=True)
        continue
    words = ["read"]
    for section in ["DEFAULT", *parser.sections()]:
        words += ["section", h(section)]
        names = list(parser.defaults()) if section == "DEFAULT" else parser.options(section)
        for name in names:
            words += ["option", h(name), h(parser.get(section, name, raw=True))]
            try:
                words += ["value", h(parser.get(section, name))]
            except configparser.InterpolationDepthError:
                words += ["depth"]
            except configparser.InterpolationMissingOptionError:
                words += ["missing"]
            except configparser.InterpolationSyntaxError:
                words += ["syntax"]
    print(" ".join(words), flush=True)
"#;

struct Oracle {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Oracle {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-c", ORACLE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed to compare with");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for answer in output.lines().map_while(Result::ok) {
                if sender.send(answer).is_err() {
                    return;
                }
            }
        });
        Self { child, input, answers }
    }

    fn reading(&mut self, file: &[u8]) -> String {
        let hex = file.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        writeln!(self.input, "{hex}").unwrap();
        self.answers.recv_timeout(Duration::from_mins(1)).expect("no answer from python3")
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn our_reading(file: &[u8]) -> String {
    let Ok(document) = Document::parse("rc", file) else { return "refused".to_owned() };
    let hex = |text: &str| {
        let hex = text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        if hex.is_empty() { "-".to_owned() } else { hex }
    };
    let mut words = vec!["read".to_owned()];
    for section in ["DEFAULT"].into_iter().chain(document.section_names()) {
        words.extend(["section".to_owned(), hex(section)]);
        for name in document.option_names(section) {
            let raw = document.raw(section, name).unwrap();
            words.extend(["option".to_owned(), hex(name), hex(raw)]);
            match document.value(section, name) {
                Ok(value) => words.extend(["value".to_owned(), hex(&value.unwrap())]),
                Err(InterpolationError::TooDeep) => words.push("depth".to_owned()),
                Err(InterpolationError::UnknownName { .. }) => words.push("missing".to_owned()),
                Err(InterpolationError::LonePercent | InterpolationError::BadReference) => {
                    words.push("syntax".to_owned());
                }
            }
        }
    }
    words.join(" ")
}

const HAND_WRITTEN: &[&[u8]] = &[
    b"",
    b"\n\n# only a comment\n",
    b"[general]\naccounts = A, B\nui: quiet\n",
    b"[a]\nk = a=b:c\nurl : http://x:1/\n",
    b"[a]\nno delimiter\n",
    b"[a]\n= value\n",
    b"[a]\n: value\nb = 1\n",
    b"[a]\nx =\ny=\n",
    b"x = 1\n[a]\n",
    b"  # comment\n\n ; comment\n[a]\nx=1 ; not a comment # nor this\n",
    b"[a]\nx = 1\n[a]\ny = 2\n",
    b"[a]\nx = 1\nX = 2\n",
    b"[DEFAULT]\nx = 1\n[a]\nx=2\n[b]\n[DEFAULT]\ny = %(x)s\n",
    b"[DEFAULT]\nx = 1\n[DEFAULT]\nX = 2\n",
    b"[]\n",
    b"[]]\nx=1\n",
    b"[a]b]\nx=1\n",
    b"[a] trailing text\nx=1\n",
    b"[a] trailing = text\nx=1\n",
    b"[ a ]\nx=1\n[a]\nx=2\n",
    b"[a\nx=1\n",
    b"[a\n",
    b"[a]\n[b = 1\n",
    b"[a]\nx = 1\n  two\n\n  four\n\n\n[b]\n",
    b"[a]\nx = 1\n  two\n\n# comment\n    # indented comment\n  three\ny = 2\n",
    b"[a]\nx =\n  one\n  two\n",
    b"[a]\n  x = 1\n  y = 2\n z = 3\n    continued\n",
    b"[a]\n  x = 1\n    [b]\n y = 2\n",
    b"[a]\nx = 1\n [b]\n",
    b"[a]\n  [b]\nx = 1\n",
    b"[a]\n\tx = 1\n        y = 2\n",
    b"[a]\n    x = 1\n\ty = 2\n",
    b"[a]\r\nx = 1\r\n  2\r\n\r\n",
    b"[a]\rx = 1\ry = 2\r\r\n",
    b"[a]\nx = 1\x0b\ny\x0c= 2\n\x1c z = 3\n",
    b"[a]\nx y = 1\nx  y = 2\n",
    b"[a]\n\xc3\x84x = \xc3\xa4\n\xc2\xa0y\xc2\xa0=\xc2\xa01\xc2\xa0\n",
    b"[a]\nx = \xe2\x80\xa8 1\xc2\x852\n",
    b"[a]\nx = \xff\n",
    b"[a]\nx = \xc3",
    b"[a]\nx = a\0b\n",
    b"[a]\nx = %\ny = %%\nz = %(x)s\nw = %(y)s\nv = %(V)s\n",
    b"[a]\nx = %(y\ny = %(z)\nz = %()s\n",
    b"[a]\nx = %(b\n c)s\n",
    b"[a]\nx = %(\n y)s\n",
    b"[a]\nx = 1\nbad line\n   continuation\n",
    b"[a]\nx = 1\n#c\n\n  ;c\n\n y\n",
    b"[a]\n\xc4\xb0 = 1\n\xce\xa3\xce\xa3 = %(\xcf\x83\xcf\x82)s\n",
];

#[test]
fn hand_written_files_are_read_as_python_reads_them() {
    let mut oracle = Oracle::start();
    for file in HAND_WRITTEN {
        assert_eq!(our_reading(file), oracle.reading(file), "{:?}", String::from_utf8_lossy(file));
    }
}

#[test]
fn chains_of_references_end_where_python_ends_them() {
    let mut oracle = Oracle::start();
    for length in 1..13 {
        for end in ["end", "%%", "%", "%(none)s"] {
            let mut file = "[a]\n".to_owned();
            for n in 1..length {
                writeln!(file, "v{n} = %(v{})s", n + 1).unwrap();
            }
            writeln!(file, "v{length} = {end}").unwrap();
            assert_eq!(our_reading(file.as_bytes()), oracle.reading(file.as_bytes()), "{file}");
        }
    }
}

fn lines() -> impl Strategy<Value = String> {
    let indent = prop_oneof![5 => Just(""), 2 => Just(" "), 2 => Just("  "), 1 => Just("\t")];
    let name = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just("d"),
        Just("A"),
        Just("DEFAULT"),
        Just("x y"),
        Just("\u{c4}"),
        Just(""),
        Just("a "),
        Just("]"),
        Just("[")
    ];
    let option = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just("d"),
        Just("e"),
        Just("f"),
        Just("g"),
        Just("H"),
        Just("i j"),
        Just("")
    ];
    let delimiter = prop_oneof![
        4 => Just(" = "), 2 => Just("="), 2 => Just(":"), 1 => Just("\u{a0}: "), 1 => Just(" ")
    ];
    let value = prop_oneof![
        6 => "[a-c%=:;# ]{0,6}",
        3 => prop_oneof![Just("%(a)s"), Just("%(b)s%%"), Just("%(C)s x"), Just("%(d)"), Just("%()s")]
            .prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    let ending = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r"), 1 => Just(" \n")];
    let content = prop_oneof![
        3 => name.prop_map(|name| format!("[{name}]")),
        8 => (option, delimiter, value.clone()).prop_map(|(o, d, v)| format!("{o}{d}{v}")),
        3 => value,
        1 => Just("# comment".to_owned()),
        1 => Just("; comment".to_owned()),
        2 => Just(String::new()),
    ];
    (indent, content, ending).prop_map(|(indent, content, end)| format!("{indent}{content}{end}"))
}

/// Files that are mostly right, so that most are read rather than refused.
fn plausible_files() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-c=:;# ]{0,6}",
        Just("%(a)s".to_owned()),
        Just("%(b)s%%".to_owned()),
        Just("%(z)s".to_owned()),
        Just("50%".to_owned()),
        Just("x\n  y\n\n\tz".to_owned()),
        Just("\n  # comment\n  [a]\n  b = c".to_owned()),
    ];
    let entries = proptest::collection::btree_map("[a-d]", value, 0..4);
    proptest::collection::btree_map("[A-C]|DEFAULT", entries, 0..4).prop_map(|sections| {
        let mut file = String::new();
        for (section, entries) in sections {
            writeln!(file, "[{section}]").unwrap();
            for (name, value) in entries {
                writeln!(file, "{name} = {value}").unwrap();
            }
        }
        file
    })
}

fn compare(strategy: &(impl Strategy<Value = String> + 'static)) {
    let oracle = std::cell::RefCell::new(Oracle::start());
    let mut runner = TestRunner::new(ProptestConfig { cases: 1500, ..ProptestConfig::default() });
    let outcome = runner.run(strategy, |file| {
        let python = oracle.borrow_mut().reading(file.as_bytes());
        prop_assert_eq!(our_reading(file.as_bytes()), python);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

#[test]
fn generated_lines_are_read_as_python_reads_them() {
    compare(&proptest::collection::vec(lines(), 0..9).prop_map(|lines| lines.concat()));
}

#[test]
fn generated_files_are_read_as_python_reads_them() {
    compare(&plausible_files());
}

#[test]
fn a_byte_order_mark_is_accepted_where_python_refuses_it() {
    let file = b"\xef\xbb\xbf[a]\nx = 1\n";
    assert_eq!(Oracle::start().reading(file), "refused");
    let document = Document::parse("rc", file).unwrap();
    assert_eq!(document.raw("a", "x"), Some("1"));
}
