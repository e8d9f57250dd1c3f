//! Expressions mean here what they mean to `CPython`: the same value, or the same exception.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::wildcard_enum_match_arm, reason = "every other exception is Python's")]

#[path = "expression/cpython.rs"]
mod cpython;
#[path = "expression/generator.rs"]
mod generator;

use cpython::{CPython, Row};
use generator::Generator;
use offlineimap_config::expression::{Exception, Expression, ExpressionError, Scope, Value};

#[test]
fn every_expression_of_the_corpus_agrees_with_cpython() {
    let mut python = CPython::start();
    let corpus = include_str!("expression/corpus.txt");
    let expressions = expressions_of(corpus);
    assert!(expressions.len() > 300, "only {} expressions", expressions.len());
    let mut report = Report::default();
    for text in expressions {
        report.compare(&mut python, &text);
    }
    report.assert_agreement();
    assert!(report.refused.is_empty(), "refused: {:?}", report.refused);
}

#[test]
fn generated_expressions_agree_with_cpython() {
    let mut python = CPython::start();
    let seed = std::env::var("EXPRESSION_SEED").ok().and_then(|seed| seed.parse().ok());
    let count = std::env::var("EXPRESSION_COUNT").ok().and_then(|count| count.parse().ok());
    let mut generator = Generator::new(seed.unwrap_or(1));
    let mut report = Report::default();
    for _ in 0..count.unwrap_or(4000) {
        let text = generator.expression();
        report.compare(&mut python, &text);
    }
    report.assert_agreement();
}

/// The expressions of a corpus: lines, continued by a backslash at their end.
fn expressions_of(corpus: &str) -> Vec<String> {
    let mut expressions: Vec<String> = Vec::new();
    let mut continued = false;
    for line in corpus.lines() {
        match expressions.last_mut() {
            Some(last) if continued => last.extend(["\n", line]),
            _ if line.is_empty() || line.starts_with('#') => continue,
            _ => expressions.push(line.to_owned()),
        }
        continued = line.ends_with('\\');
    }
    expressions
}

/// What comparing found.
#[derive(Default)]
struct Report {
    expressions: usize,
    calls: usize,
    raised: usize,
    refused: Vec<String>,
    differences: Vec<String>,
}

impl Report {
    fn compare(&mut self, python: &mut CPython, text: &str) {
        self.expressions += 1;
        let rows = rows();
        let expected = python.evaluate(text, &rows);
        let expression = match Expression::parse(text, Scope::folder_option()) {
            Ok(expression) => expression,
            Err(ExpressionError::Syntax { .. }) => {
                if expected.iter().any(|outcome| outcome != "raise SyntaxError") {
                    self.differences.push(format!("{text}\n  here: a syntax error"));
                }
                return;
            }
            // What can only fail may be refused before it runs.
            Err(ExpressionError::Pattern { .. } | ExpressionError::UnknownName { .. })
                if expected.iter().all(|outcome| outcome.starts_with("raise")) =>
            {
                return;
            }
            Err(error) => {
                self.refused.push(format!("{text}: {error}"));
                return;
            }
        };
        for (row, expected) in rows.iter().zip(&expected) {
            self.calls += 1;
            let found = evaluate(&expression, row);
            self.raised += usize::from(found.starts_with("raise"));
            if found == "refused" {
                self.refused.push(format!("{text} {row:?}"));
            } else if found != *expected {
                let line = format!("{text}  {row:?}\n  CPython: {expected}\n  here:    {found}");
                self.differences.push(line);
                break;
            }
        }
    }

    /// Fails with everything that differs.
    fn assert_agreement(&self) {
        let Self { expressions, calls, raised, refused, differences } = self;
        assert!(differences.is_empty(), "\n{}", differences.join("\n"));
        // A comparison that only ever raises, or runs nothing, would show nothing.
        assert!(raised * 4 < calls * 3, "{raised} of {calls} calls raise");
        let refusals = refused.len();
        assert!(refusals * 20 < *expressions, "{refusals} of {expressions} are refused");
    }
}

fn evaluate(expression: &Expression, row: &Row) -> String {
    let result = expression.evaluate(&()).and_then(|value| {
        let function = value.is_callable() && value.type_name() != "type";
        if !function {
            return Ok(value);
        }
        let arguments: Vec<Value> = row.iter().map(|argument| Value::text(argument)).collect();
        value.call(&arguments, &())
    });
    let described = result.and_then(|value| {
        let lazy = ["generator", "map", "filter", "zip", "enumerate", "reversed"];
        let opaque = value.is_callable()
            || lazy.contains(&value.type_name())
            || value.type_name().ends_with("iterator");
        if opaque { Ok("opaque".to_owned()) } else { value.repr() }
    });
    match described {
        Ok(text) => text,
        Err(error) => match error.exception {
            Exception::Unsupported | Exception::LimitExceeded | Exception::EffectRefused => {
                "refused".to_owned()
            }
            _ => format!("raise {}", error.exception.name()),
        },
    }
}

fn rows() -> Vec<Row> {
    let names = [
        "INBOX",
        "INBOX.Sent",
        "[Gmail]/Sent Mail",
        "Entwürfe",
        "a/b.c",
        "",
        "Trash",
        "INBOX.&AOQ-",
        "日本語 𝄞",
        "x\ny\n",
        "42",
    ];
    let pairs = [["a", "b"], ["INBOX", "a"], ["b", "B"]];
    let singles = names.iter().map(|name| vec![(*name).to_owned()]);
    let pairs = pairs.iter().map(|pair| pair.map(str::to_owned).to_vec());
    singles.chain(pairs).chain([Vec::new()]).collect()
}
