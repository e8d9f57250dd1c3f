//! What the comparison with `CPython` cannot see: refusals and their places, scopes, effects,
//! bounds.

use std::sync::{Arc, Mutex};

use super::{
    Effects, Exception, Expression, ExpressionError, External, ExternalObject, PythonError, Scope,
    Value,
};

fn refusal(text: &str) -> String {
    match Expression::parse(text, Scope::folder_option()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn value(text: &str, effects: &dyn Effects) -> Result<String, PythonError> {
    let expression = Expression::parse(text, Scope::folder_option().with_pythonfile()).unwrap();
    let value = expression.evaluate(effects)?;
    let value = if value.type_name() == "function" { value.call(&[], effects)? } else { value };
    value.repr()
}

#[test]
fn what_is_outside_the_subset_is_named_with_its_column() {
    for (text, expected) in [
        ("lambda f: (g := f)", "an assignment expression (:=) at column 14 is not supported"),
        ("lambda f: f.translate({})", "the attribute .translate at column 13 is not supported"),
        ("lambda f: [f].append(f)", "the attribute .append at column 15 is not supported"),
        ("lambda f: {}.iteritems()", "the attribute .iteritems at column 14 is not supported"),
        ("lambda f: f.__class__", "the attribute .__class__ at column 13 is not supported"),
        ("lambda é: é", "a name with letters outside ASCII at column 8 is not supported"),
        ("lambda f: f <> 'a'", "the Python 2 operator <> at column 13 is not supported"),
        ("lambda (a, b): a", "a Python 2 tuple parameter at column 8 is not supported"),
        ("lambda f: print(f)", "the builtin 'print' at column 11 is not supported"),
        ("lambda f: eval(f)", "the builtin 'eval' at column 11 is not supported"),
        ("lambda f: os.remove(f)", "os.remove at column 14 is not supported"),
        ("lambda f: re.purge()", "re.purge at column 14 is not supported"),
        ("__import__('sys').exit()", "the module 'sys' at column 12 is not supported"),
        ("lambda: (yield)", "a coroutine or generator function at column 10 is not supported"),
        ("import os", "a statement at column 1 is not supported"),
        ("x = 1", "an assignment at column 3 is not supported"),
        ("'\\ud800'", "a surrogate character at column 2 is not supported"),
        ("99999999999999999999", "an integer beyond 64 bits at column 1 is not supported"),
        ("1j", "a complex number at column 1 is not supported"),
        ("[*a for a in [1]]", "invalid syntax at column 5: unexpected 'for'"),
        ("f'{1}{x}'", "name 'x' at column 7 is not defined"),
        ("f'{\n1}'", "invalid syntax at column 1: unterminated string literal"),
        (
            "lambda f:\n f",
            "invalid syntax at line 2, column 2: the expression ends at the line \
            break before; put it into parentheses",
        ),
        ("(lambda f:\n nt(f))", "name 'nt' at line 2, column 2 is not defined"),
        ("lambda f: f +", "invalid syntax at column 14: the expression ends too early"),
        ("lambda f: 'a", "invalid syntax at column 11: unterminated string literal"),
        ("", "invalid syntax at column 1: the expression ends too early"),
        (
            "lambda f: re.sub('(', '', f)",
            "invalid regular expression at column 18: missing ), unterminated subpattern at \
             position 0",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_and_long_rows_are_not() {
    let nested = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    assert!(refusal(&nested).contains("nested this deeply"));
    assert!(refusal(&"not ".repeat(1000)).contains("nested this deeply"));
    assert!(refusal(&"[".repeat(100_000)).contains("nested this deeply"));
    assert!(refusal("re.search('((a{100}){100}){100}', 'a')").contains("too large"));
    assert!(refusal(&format!("re.search('{}', '')", "(".repeat(60))).contains("deeply"));
    assert_eq!(refusal(&vec!["'a'"; 5000].join(" + ")), "accepted");
    assert_eq!(refusal(&format!("0{}", " if 1 else 0".repeat(5000))), "accepted");
    assert_eq!(refusal(&format!("''{}", ".lower()".repeat(5000))), "accepted");
}

#[test]
fn names_of_a_pythonfile_are_listed_and_others_are_not() {
    let text = "lambda f, d={}: helper(f) + re.sub(a, len(f), keyring.get(f)) or [x for x in f][z]";
    let scope = Scope::folder_option();
    let expression = Expression::parse(text, scope.with_pythonfile()).unwrap();
    let names: Vec<&str> = expression.external_names().collect();
    assert_eq!(names, ["a", "helper", "keyring", "z"]);
    let error = Expression::parse(text, scope).unwrap_err();
    assert!(matches!(error, ExpressionError::UnknownName { name, .. } if name == "helper"));
}

#[test]
fn re_is_in_scope_for_folder_options_only() {
    let text = "lambda f: re.sub('a', '', f)";
    let error = Expression::parse(text, Scope::other_option()).unwrap_err();
    assert_eq!(error.to_string(), "name 're' at column 11 is not defined");
    let expression = Expression::parse("re", Scope::other_option().with_pythonfile()).unwrap();
    assert_eq!(expression.external_names().collect::<Vec<_>>(), ["re"]);
}

#[derive(Default)]
struct Recorder {
    commands: Mutex<Vec<String>>,
}

impl Effects for Recorder {
    fn system(&self, command: &str) -> Result<i64, PythonError> {
        self.commands.lock().unwrap().push(command.to_owned());
        Ok(256)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, PythonError> {
        if path == "/home/joe/secret" {
            return Ok("pässwort\r\nmore\n".into());
        }
        let kind = Exception::Other("FileNotFoundError".to_owned());
        Err(PythonError::new(kind, "[Errno 2] No such file or directory"))
    }

    fn environment_variable(&self, name: &str) -> Result<Option<String>, PythonError> {
        Ok((name == "USER").then(|| "joe".to_owned()))
    }

    fn expand_user(&self, path: &str) -> Result<String, PythonError> {
        Ok(path.replacen('~', "/home/joe", 1))
    }

    fn external(&self) -> &dyn External {
        self
    }
}

impl External for Recorder {
    fn replaces(&self, name: &str) -> bool {
        name == "len"
    }

    fn get(&self, name: &str) -> Result<Value, PythonError> {
        if !matches!(name, "helper" | "len") {
            let message = format!("name '{name}' is not defined");
            return Err(PythonError::new(Exception::NameError, message));
        }
        Ok(Value::External(ExternalObject { handle: 1, description: name.into() }))
    }

    fn attribute(&self, object: &ExternalObject, name: &str) -> Result<Value, PythonError> {
        let description = format!("{}.{name}", object.description);
        Ok(Value::External(ExternalObject { handle: 2, description: description.into() }))
    }

    fn call(
        &self,
        object: &ExternalObject,
        positional: &[Value],
        keywords: &[(Arc<str>, Value)],
    ) -> Result<Value, PythonError> {
        let count = positional.len() + keywords.len();
        Ok(format!("{} of {count}", object.description).into())
    }
}

#[test]
fn effects_are_asked_of_the_caller() {
    let effects = Recorder::default();
    for (text, expected) in [
        ("lambda: os.system('afplay ping')", "256"),
        ("lambda: __import__(\"os\").system(\"mail\")", "256"),
        ("open('/home/joe/secret').read().splitlines()[0]", "'pässwort'"),
        ("open(os.path.expanduser('~/secret')).readline().strip()", "'pässwort'"),
        ("[line for line in open('/home/joe/secret')]", "['pässwort\\n', 'more\\n']"),
        ("open('/home/joe/secret', 'rb').read()", "b'p\\xc3\\xa4sswort\\r\\nmore\\n'"),
        ("os.environ['USER'] + os.getenv('USER', 'x')", "'joejoe'"),
        (
            "os.environ.get('NONE'), os.getenv('NONE', 'x'), 'USER' in os.environ",
            "(None, 'x', True)",
        ),
        ("helper(1, a=2)", "'helper of 2'"),
        ("helper.inner.deep(1)", "'helper.inner.deep of 1'"),
        // As in OfflineIMAP, the pythonfile's names come before the builtins.
        ("len('abc')", "'len of 1'"),
    ] {
        assert_eq!(value(text, &effects).unwrap(), expected, "{text}");
    }
    assert_eq!(*effects.commands.lock().unwrap(), ["afplay ping", "mail"]);
    let missing = value("open('/nowhere').read()", &effects).unwrap_err();
    assert_eq!(missing.to_string(), "FileNotFoundError: [Errno 2] No such file or directory");
    let key = value("os.environ['NONE']", &effects).unwrap_err();
    assert_eq!(key.to_string(), "KeyError: 'NONE'");
}

#[test]
fn no_effect_is_permitted_by_default() {
    for text in ["os.system('x')", "open('x').read()", "os.getenv('x')"] {
        let error = value(text, &()).unwrap_err();
        assert_eq!(error.exception, Exception::EffectRefused, "{text}");
    }
}

#[test]
fn no_expression_runs_without_end() {
    for text in [
        "[0 for a in range(10**4) for b in range(10**4)]",
        "all(True for a in range(10**5) for b in range(10**5) for c in range(10**5))",
        "'a' * 10 ** 12",
        "[0] * 10 ** 12",
        "'%*d' % (10 ** 9, 1)",
        "'{:>{}}'.format(1, 10 ** 9)",
        "'a'.ljust(10 ** 9)",
        "'a'.replace('', 'b' * 10 ** 5).replace('', 'c' * 10 ** 5)",
        "list(range(10 ** 9))",
        "re.search('(a+)+b', 'a' * 40)",
        "re.search('(x+x+)+y', 'x' * 10 ** 5)",
        "re.sub('', 'x' * 10 ** 5, 'a' * 10 ** 5)",
        "(lambda f: f(f, 2))(lambda s, n: s(s, n * 1) and 1)",
        "(lambda f, x: [f(f, [x, x]) for _ in range(9)])(lambda f, x: f(f, [x, x]), 1)",
        "repr((lambda x: [x] * 100)((lambda x: [x] * 1000)([1] * 1000)))",
    ] {
        let error = value(text, &()).unwrap_err();
        assert!(
            matches!(error.exception, Exception::LimitExceeded | Exception::RecursionError),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_function_is_called_again_and_again_with_a_fresh_budget() {
    let text = "lambda f: re.sub('^INBOX[.]', '', f) if f in ['x'] * 999 + [f] else f";
    let function = Expression::parse(text, Scope::folder_option()).unwrap().evaluate(&()).unwrap();
    for index in 0..500 {
        let name = Value::from(format!("INBOX.{index}"));
        let result = function.call(&[name], &()).unwrap();
        assert_eq!(result.as_str(), Some(index.to_string().as_str()));
    }
}

#[test]
fn errors_read_as_those_of_python() {
    for (text, expected) in [
        ("{'a': 1}['é']", "KeyError: 'é'"),
        ("'a' + 1", "TypeError: can only concatenate str (not \"int\") to str"),
        ("1 < 'a'", "TypeError: '<' not supported between instances of 'int' and 'str'"),
        ("''.decode()", "AttributeError: 'str' object has no attribute 'decode'"),
        ("''[0]", "IndexError: string index out of range"),
        ("(lambda f: f)()", "TypeError: <lambda>() missing 1 required positional argument: 'f'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("[].index(1)", "ValueError: 1 is not in list"),
        ("re.search('a', 1)", "TypeError: expected string or bytes-like object, got 'int'"),
        ("re.sub('(a)', r'\\2', 'a')", "re.error: invalid group reference 2 at position 1"),
        ("None()", "TypeError: 'NoneType' object is not callable"),
    ] {
        assert_eq!(value(text, &()).unwrap_err().to_string(), expected, "{text}");
    }
}
