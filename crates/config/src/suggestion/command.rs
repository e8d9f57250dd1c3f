//! Which command a function of the pythonfile runs, as far as its text shows.

use crate::expression::{Expression, Scope, Value};

/// What runs a command and returns what it printed.
const RUNNERS: [&str; 5] = ["check_output", "Popen", "popen", "getoutput", "run"];

/// The command that a call of a function runs. `None` unless the function runs exactly one, whose
/// text follows from the arguments alone.
pub(super) fn of(source: &str, function: &str, arguments: &[String]) -> Option<String> {
    let (parameters, body) = definition(source, function)?;
    let mut runs = RUNNERS.iter().flat_map(|runner| calls_of(&body, runner));
    let mut argument = runs.next()?;
    if runs.next().is_some() {
        return None;
    }
    // `args = ["pass", account]`, and then `check_output(args)`.
    if let Some(value) = assigned(&body, argument) {
        argument = value;
    }
    let lambda = format!("lambda {}: ({argument})", parameters.join(", "));
    let expression = Expression::parse(&lambda, Scope::other_option()).ok()?;
    let values: Vec<Value> = arguments.iter().map(|argument| Value::text(argument)).collect();
    let command = expression.evaluate(&()).ok()?.call(&values, &()).ok()?;
    if let Some(text) = command.as_str() {
        return Some(text.to_owned()).filter(|text| !text.contains('\n'));
    }
    let words = command.as_items()?.iter();
    let words = words.map(|word| word.as_str().map(quoted)).collect::<Option<Vec<_>>>()?;
    Some(words.join(" "))
}

/// The parameters and the body of a function.
fn definition(source: &str, function: &str) -> Option<(Vec<String>, String)> {
    let mut lines = source.lines();
    let head = lines.by_ref().find(|line| {
        let rest = line.strip_prefix("def ").map(str::trim_start);
        rest.and_then(|rest| rest.strip_prefix(function))
            .is_some_and(|rest| rest.trim_start().starts_with('('))
    })?;
    let (_, parameters) = head.split_once('(')?;
    let (parameters, same_line) = parameters.split_once("):")?;
    let parameters: Vec<String> =
        parameters.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    let inside = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
    let body: Vec<&str> = std::iter::once(same_line).chain(lines.take_while(inside)).collect();
    Some((parameters, body.join("\n")))
}

/// The first arguments of the calls of a runner.
fn calls_of<'a>(body: &'a str, runner: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in body.match_indices(runner) {
        let before = body.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let behind = body.get(at + runner.len()..).and_then(|behind| behind.strip_prefix('('));
        found.extend(behind.and_then(first_argument));
    }
    found
}

/// The text up to the comma or bracket that ends an argument.
fn first_argument(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ',' | ')') if depth == 0 => return text.get(..at).map(str::trim),
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// What a name was given, if that was done once and on one line.
fn assigned<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let mut values = body.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?;
        (!rest.starts_with('=')).then(|| rest.trim())
    });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// A word as the shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(source: &str) -> Option<String> {
        of(source, "get_pass", &["work mail".to_owned()])
    }

    #[test]
    fn the_usual_functions_are_recognised() {
        for (body, expected) in [
            (
                "return check_output(['pass', 'show', account]).splitlines()[0]",
                "pass show 'work mail'",
            ),
            (
                "args = ['gpg', '-q', '-d', '/home/joe/' + account]\n    p = Popen(args, stdout=PIPE)",
                "gpg -q -d '/home/joe/work mail'",
            ),
            (
                "return subprocess.check_output('pass \"%s\" | head -1' % account, shell=True)",
                "pass \"work mail\" | head -1",
            ),
            (
                "return os.popen(f'secret-tool lookup user \"{account}\"').read()",
                "secret-tool lookup user \"work mail\"",
            ),
        ] {
            let source =
                format!("import os\n\ndef get_pass(account):\n    {body}\n\ndef f(x): pass\n");
            assert_eq!(command(&source).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn what_does_not_follow_from_the_text_is_not_guessed() {
        for source in [
            "",
            "def get_pass(account): return keyring.get_password('x', account)",
            "def get_pass(account):\n    return check_output(make(account))",
            "def get_pass(account):\n    check_output('a')\n    return check_output('b')",
            "def get_password(account):\n    return check_output(['pass', account])",
        ] {
            assert_eq!(command(source), None, "{source}");
        }
    }
}
