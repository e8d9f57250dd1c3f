//! Real pythonfiles in a real interpreter.

use std::fs;
use std::path::Path;

use offlineimap_config::expression::{self, Effects, Exception, Expression, External};

use super::*;

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A directory with a pythonfile and stand-ins for the programs that it runs.
struct Desk {
    directory: tempfile::TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    fn new(pythonfile: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("offlineimap.py"), pythonfile).unwrap();
        Self { directory, heard: Arc::default() }
    }

    /// Adds a program that the pythonfile finds in PATH.
    fn program(self, name: &str, script: &str) -> Self {
        self.script(name, script);
        self
    }

    /// Written by another process: while this one has a file open, it may be inherited by what
    /// another test starts, and cannot be executed.
    fn script(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", write, "sh"])
            .args([path.as_os_str(), script.as_ref()])
            .status();
        assert!(status.unwrap().success());
        path
    }

    fn file(&self, name: &str, content: &str) -> &Self {
        fs::write(self.directory.path().join(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// An interpreter whose PATH and home are the directory.
    fn interpreter(&self) -> PathBuf {
        let here = self.directory.path().display();
        let script = format!("PATH='{here}':\"$PATH\" HOME='{here}' exec python3 \"$@\"");
        self.script("python-here", &script)
    }

    fn open(&self) -> PythonFile {
        self.open_with(&self.interpreter(), PATIENCE)
    }

    fn open_with(&self, interpreter: &Path, deadline: Duration) -> PythonFile {
        let heard = Arc::clone(&self.heard);
        let listener: Listener = Arc::new(move |line| heard.lock().unwrap().push(line.to_owned()));
        let file = Some(self.path("offlineimap.py"));
        PythonFile::new(file, interpreter.to_owned(), deadline, listener)
    }

    /// Waits until a line was heard that contains this text.
    fn hears(&self, text: &str) {
        let until = std::time::Instant::now() + PATIENCE;
        while !self.heard.lock().unwrap().iter().any(|line| line.contains(text)) {
            assert!(std::time::Instant::now() < until, "{:?}", self.heard.lock().unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn text(python: &PythonFile, expression: &str) -> String {
    text_of(&python.evaluate(expression, Scope::Plain).unwrap()).unwrap()
}

fn repr(python: &PythonFile, expression: &str) -> String {
    python.evaluate(expression, Scope::Plain).unwrap().repr().unwrap()
}

fn error(python: &PythonFile, expression: &str) -> PythonFileError {
    python.evaluate(expression, Scope::Plain).unwrap_err()
}

fn raised(python: &PythonFile, expression: &str) -> Raised {
    let error = error(python, expression);
    let PythonFileError::Raised(raised) = error else { panic!("{error}") };
    raised
}

#[test]
fn password_store_gives_bytes_that_are_the_password() {
    let desk = Desk::new(
        "from subprocess import check_output\n\
         def get_pass(account):\n    \
             return check_output('pass Mail/' + account, shell=True).splitlines()[0]\n",
    )
    .program("pass", r#"echo "pässword of $1"; echo "user: joe""#);
    assert_eq!(text(&desk.open(), r#"get_pass("work")"#), "pässword of Mail/work");
}

#[test]
fn gpg_gives_the_password_by_popen() {
    let desk = Desk::new(
        "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nimport os, subprocess\n\
         def mailpasswd(acct):\n    \
             path = os.path.expanduser('~/%s.gpg' % acct)\n    \
             args = ['gpg', '--use-agent', '--quiet', '--batch', '-d', path]\n    \
             try:\n        \
                 return subprocess.check_output(args).strip()\n    \
             except subprocess.CalledProcessError:\n        \
                 return ''\n\
         def by_pipe(acct):\n    \
             return os.popen('gpg -d ~/%s.gpg' % acct).read().rstrip()\n",
    )
    .program("gpg", r#"for file; do :; done; exec cat "$file""#);
    desk.file("work.gpg", "open sesame\n");
    let python = desk.open();
    assert_eq!(text(&python, "mailpasswd('work')"), "open sesame");
    assert_eq!(text(&python, "by_pipe('work')"), "open sesame");
    assert_eq!(text(&python, "mailpasswd('missing')"), "");
}

#[test]
fn a_netrc_file_gives_the_password() {
    let desk = Desk::new(
        "import netrc, os, re\n\
         def of_netrc(host):\n    \
             return netrc.netrc(os.path.expanduser('~/.authinfo')).authenticators(host)\n\
         def of_regex(host):\n    \
             with open(os.path.expanduser('~/.authinfo')) as file:\n        \
                 return re.search(r'machine %s login (\\S+)' % host, file.read()).group(1)\n",
    );
    desk.file(".authinfo", "machine imap.example.org login joe password sesame\n");
    let python = desk.open();
    assert_eq!(text(&python, "of_netrc('imap.example.org')[2]"), "sesame");
    assert_eq!(text(&python, "of_regex('imap.example.org')"), "joe");
}

#[test]
fn a_keyring_is_found_among_the_site_packages() {
    let desk = Desk::new(
        "import keyring\n\
         def password(name):\n    return keyring.get_password('offlineimap', name)\n",
    );
    // The interpreter's site is told of another directory, as a user's installation does.
    fs::create_dir(desk.path("site")).unwrap();
    desk.file("site/keyring.py", "def get_password(service, name): return service + '/' + name\n");
    desk.file("keyring.py", "raise ImportError('of the working directory')\n");
    let script = format!(
        "cd '{0}' && PYTHONPATH='{0}/site' exec python3 \"$@\"",
        desk.directory.path().display()
    );
    let interpreter = desk.script("python-with-keyring", &script);
    let python = desk.open_with(&interpreter, PATIENCE);
    assert_eq!(text(&python, "password('joe')"), "offlineimap/joe");
    let site = python.evaluate("__import__('sys').flags.no_site", Scope::Plain).unwrap();
    assert_eq!(int_of(&site).unwrap(), 0);
}

#[test]
fn what_the_code_prints_is_heard_and_does_not_disturb() {
    let desk = Desk::new(
        "import os, sys\n\
         print('hello from the top')\n\
         def noisy():\n    \
             print('{\"value\": \"wrong\"}')\n    \
             sys.stderr.write('a complaint\\n')\n    \
             os.system('echo from a child')\n    \
             os.write(1, b'raw \\xff\\n')\n    \
             return 'right'\n",
    );
    let python = desk.open();
    assert_eq!(text(&python, "noisy()"), "right");
    for line in ["hello from the top", "wrong", "a complaint", "from a child", "raw \u{fffd}"] {
        desk.hears(line);
    }
}

#[test]
fn the_end_that_user_code_wants_is_an_exception_and_the_process_goes_on() {
    let desk =
        Desk::new("import sys\ncount = [0]\ndef leave():\n    count[0] += 1\n    sys.exit(3)\n");
    let python = desk.open();
    assert_eq!(raised(&python, "leave()").exception, "SystemExit");
    assert_eq!(repr(&python, "count[0]"), "1", "the same process");
}

#[test]
fn a_process_that_ends_is_an_error_and_the_next_request_has_a_new_one() {
    let desk = Desk::new("import os\nnumber = 5\n");
    let python = desk.open();
    let object = python.evaluate("lambda: number", Scope::Plain).unwrap();
    let Value::External(object) = object else { panic!("{object:?}") };
    let told = error(&python, "os._exit(4)").to_string();
    assert!(told.contains("ended without an answer (exit status: 4)"), "{told}");
    assert_eq!(repr(&python, "number"), "5");
    let stale = python.call(&object, &[], &[]).unwrap_err();
    assert_eq!(stale.exception, Exception::Other("ReferenceError".to_owned()));
}

#[test]
fn code_that_does_not_end_is_killed_at_the_deadline() {
    let desk = Desk::new("import os\ndef forever():\n    while True: pass\n");
    let mut python = desk.open();
    let pid = int_of(&python.evaluate("os.getpid()", Scope::Plain).unwrap()).unwrap();
    python.deadline = Duration::from_millis(50);
    let told = error(&python, "forever()").to_string();
    assert!(told.starts_with("the Python code did not finish within 0.05s"), "{told}");
    assert!(!Path::new("/proc").join(pid.to_string()).exists(), "the process is gone");
    python.deadline = PATIENCE;
    assert_ne!(repr(&python, "os.getpid()"), pid.to_string(), "the next request has another one");
}

#[test]
fn the_process_ends_when_it_is_dropped_whatever_it_does() {
    let desk = Desk::new("import os\n");
    let python = desk.open();
    let pid = int_of(&python.evaluate("os.getpid()", Scope::Plain).unwrap()).unwrap();
    let process = Path::new("/proc").join(pid.to_string());
    assert!(process.exists());
    drop(python);
    assert!(!process.exists());
}

#[test]
fn an_exception_comes_with_the_traceback_of_the_users_code_and_no_other() {
    let desk = Desk::new(
        "def outer():\n    return inner()\ndef inner():\n    raise ValueError('no key')\n",
    );
    let python = desk.open();
    let raised = raised(&python, "outer()");
    assert_eq!((raised.exception.as_str(), raised.message.as_str()), ("ValueError", "no key"));
    let path = desk.path("offlineimap.py");
    let expected = format!(
        "Traceback (most recent call last):\n  File \"<expression>\", line 1, in <module>\n  \
         File \"{0}\", line 2, in outer\n    return inner()\n",
        path.display()
    );
    assert!(raised.traceback.starts_with(&expected), "{}", raised.traceback);
    assert!(raised.traceback.ends_with("ValueError: no key\n"), "{}", raised.traceback);
    assert!(!raised.traceback.contains("<string>"), "{}", raised.traceback);
    let told = error(&python, "outer()").to_string();
    assert!(told.starts_with("Python raised ValueError\nTraceback"), "{told}");
}

#[test]
fn the_text_of_an_expression_is_not_told() {
    let desk = Desk::new("");
    let python = desk.open();
    for secret in ["hunter2", "hunter2 hunter2", "'hunter2", "hunter2(", "pass: hunter2"] {
        let error = error(&python, secret);
        assert!(matches!(error, PythonFileError::Raised(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(raised(&python, "get_pass('x')").message, "name 'get_pass' is not defined");
}

#[test]
fn functions_of_the_file_share_its_state() {
    let desk = Desk::new(
        "calls = 0\n\
         def count():\n    global calls\n    calls += 1\n    return calls\n",
    );
    let python = desk.open();
    assert_eq!(repr(&python, "count()"), "1");
    assert_eq!(repr(&python, "(count(), count())"), "(2, 3)");
    let Value::External(count) = python.evaluate("count", Scope::Plain).unwrap() else { panic!() };
    assert_eq!(python.call(&count, &[], &[]).unwrap().repr().unwrap(), "4");
}

#[test]
fn values_come_as_what_they_are() {
    let desk = Desk::new("");
    let python = desk.open();
    for value in [
        "None",
        "True",
        "-9223372036854775807",
        "9223372036854775807",
        "1.5",
        "'a\\u20ac\\n'",
        "b'\\xff\\x00'",
        "[1, 'a', [b'', ()]]",
        "(1,)",
        "{'a': [1], 2: None}",
        "{1}",
        "frozenset({1})",
    ] {
        let direct = Expression::parse(value, expression::Scope::other_option()).unwrap();
        let expected = direct.evaluate(&()).unwrap().repr().unwrap();
        assert_eq!(repr(&python, value), expected, "{value}");
        // And back again.
        let Value::External(same) = python.evaluate("lambda x: x", Scope::Plain).unwrap() else {
            panic!("no function")
        };
        let argument = direct.evaluate(&()).unwrap();
        let returned = python.call(&same, &[argument], &[]).unwrap();
        assert_eq!(returned.repr().unwrap(), expected, "{value}");
    }
    assert_eq!(raised(&python, "2 ** 64").exception, "OverflowError");
    assert_eq!(raised(&python, "'\\ud800'").exception, "UnicodeEncodeError");
}

#[test]
fn only_text_is_text_and_only_a_number_is_a_number() {
    let desk = Desk::new("");
    let python = desk.open();
    let value = |expression| python.evaluate(expression, Scope::Plain).unwrap();
    assert_eq!(text_of(&value("'p\\xe4ss'.encode('utf-8')")).unwrap(), "päss");
    let told = |result: Result<_, PythonFileError>| result.unwrap_err().to_string();
    assert_eq!(told(text_of(&value("b'\\xe4'"))), "the value is of type bytes, and is not UTF-8");
    assert_eq!(
        told(text_of(&value("None"))),
        "the value is of type NoneType, and not str or bytes"
    );
    assert_eq!(int_of(&value("993")).unwrap(), 993);
    for wrong in ["'993'", "True", "993.0"] {
        assert!(int_of(&value(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_lambda_sees_the_names_of_the_file_and_re_if_it_is_in_scope() {
    let desk = Desk::new("prefix = 'INBOX.'\ndef strip(name): return name.replace(prefix, '')\n");
    let python = desk.open();
    let source = r"lambda name: re.sub(r'\.', '/', strip(name))";
    let call = |scope| {
        let Value::External(function) = python.evaluate(source, scope).unwrap() else { panic!() };
        python.call(&function, &[Value::text("INBOX.a.b")], &[])
    };
    assert_eq!(call(Scope::WithRe).unwrap().as_str(), Some("a/b"));
    let error = call(Scope::Plain).unwrap_err();
    assert_eq!(error.exception, Exception::NameError);
    assert_eq!(error.message, "name 're' is not defined");
    desk.hears("Traceback");
}

/// An expression of ours that uses the names of a file.
struct World(PythonFile);

impl Effects for World {
    fn external(&self) -> &dyn External {
        &self.0
    }
}

fn native(world: &World, text: &str) -> Result<String, String> {
    let scope = expression::Scope::other_option().with_pythonfile();
    let value = Expression::parse(text, scope).unwrap().evaluate(world);
    value.map(|value| value.repr().unwrap()).map_err(|error| error.to_string())
}

#[test]
fn our_own_evaluator_uses_the_names_of_the_file() {
    let desk = Desk::new(
        "import os.path\nfolders = ['INBOX', 'Sent']\n\
         def join(*parts, sep='.'): return sep.join(parts)\n\
         def fail(): raise KeyError('x')\n\
         def cmp(a, b): return (a > b) - (a < b)\n",
    );
    let world = World(desk.open());
    for (text, value) in [
        ("[f.lower() for f in folders]", "['inbox', 'sent']"),
        ("join('a', 'b') + join('c', 'd', sep='/')", "'a.bc/d'"),
        ("os.path.join('a', 'b')", "'a/b'"),
        ("cmp(2, 1) + len(folders)", "3"),
    ] {
        assert_eq!(native(&world, text).as_deref(), Ok(value), "{text}");
    }
    assert_eq!(
        native(&world, "missing()").unwrap_err(),
        "NameError: name 'missing' is not defined"
    );
    assert_eq!(native(&world, "fail()").unwrap_err(), "KeyError: 'x'");
    let refused = native(&world, "join(lambda: 1)").unwrap_err();
    assert!(refused.starts_with("TypeError: "), "{refused}");
}

#[test]
fn nothing_is_started_for_builtins() {
    let desk = Desk::new("folders = []\n");
    let world = World(desk.open_with(Path::new("/nonexistent/python"), PATIENCE));
    assert_eq!(native(&world, "len(str(12))").as_deref(), Ok("2"));
    let told = native(&world, "len(folders)").unwrap_err();
    assert!(told.contains("cannot start the Python interpreter '/nonexistent/python'"), "{told}");
}

#[test]
fn a_file_that_does_not_load_is_told_with_the_reason_and_tried_once() {
    let desk = Desk::new(
        "import os\nopen(os.path.expanduser('~/tries'), 'a').write('x')\nimport gnomekeyring\n",
    );
    let python = desk.open();
    for _ in 0..2 {
        let told = error(&python, "1").to_string();
        let path = desk.path("offlineimap.py");
        let start = format!(
            "the pythonfile '{}' cannot be loaded: Python raised ModuleNotFoundError\nTraceback",
            path.display()
        );
        assert!(told.starts_with(&start), "{told}");
        assert!(told.contains("line 3, in <module>"), "{told}");
    }
    assert_eq!(fs::read_to_string(desk.path("tries")).unwrap(), "x");
    let told = error(&Desk::new("print 'Python 2'\n").open(), "1").to_string();
    assert!(told.contains("Python raised SyntaxError\n"), "{told}");
}

#[test]
fn a_missing_file_and_a_missing_interpreter_are_named() {
    let desk = Desk::new("");
    fs::remove_file(desk.path("offlineimap.py")).unwrap();
    let told = error(&desk.open(), "1").to_string();
    assert!(told.starts_with("cannot read the pythonfile '"), "{told}");
    assert!(told.contains("offlineimap.py': No such file"), "{told}");

    let desk = Desk::new("");
    let python = desk.open_with(Path::new("no-such-python"), PATIENCE);
    let told = error(&python, "1").to_string();
    assert!(told.starts_with("cannot start the Python interpreter 'no-such-python': "), "{told}");
    assert!(told.contains("'pythoninterpreter' in [general]"), "{told}");

    let python = desk.open_with(Path::new("false"), PATIENCE);
    let told = error(&python, "1").to_string();
    assert!(told.contains("'false' ended without an answer (exit status: 1)"), "{told}");
}
