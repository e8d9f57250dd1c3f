//! `docs/quirks.md` names every trap, and a test for each, and keeps up with what works.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use offlineimap_config::options::{self, Support};

/// The groups of traps, and how many there are of each.
const GROUPS: [(&str, usize); 5] = [("A", 20), ("B", 22), ("C", 7), ("D", 37), ("E", 19)];

/// A row of a table.
#[derive(Debug)]
struct Row {
    id: String,
    /// The options that it is about.
    options: Vec<String>,
    says_not_there_yet: bool,
    tests: Vec<String>,
}

impl Row {
    /// Reads `| A1 | about | what is done | tests |`; `None` for any other line.
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
        let [id, about, what, tests] = cells.as_slice() else { return None };
        let id = id.trim();
        let is_id = id.starts_with(|c: char| c.is_ascii_uppercase())
            && id.chars().skip(1).all(|c| c.is_ascii_digit())
            && id.len() > 1;
        // The first word of a value in quotes, as in `retrycount = 0`.
        let option = |text: &str| text.split_whitespace().next().map(str::to_owned);
        is_id.then(|| Self {
            id: id.to_owned(),
            options: quoted(about).filter_map(option).collect(),
            says_not_there_yet: what.contains("not there yet"),
            tests: quoted(tests).map(str::to_owned).collect(),
        })
    }

    /// Tells which options of the row work although it says that they are not there yet.
    fn outdated(&self) -> impl Iterator<Item = String> + '_ {
        let named = self.options.iter().filter(|_| self.says_not_there_yet);
        let working = named.filter(|name| {
            options::all().any(|spec| spec.name == **name && spec.support == Support::Works)
        });
        working.map(|name| format!("{}: '{name}' works by now; say what it does", self.id))
    }
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Tells why a test that is written `crate/path/file.rs::test_name` is not there.
fn missing(test: &str) -> Option<String> {
    let Some((file, name)) = test.split_once("::") else {
        return Some("it is not of the form `file.rs::test_name`".to_owned());
    };
    let path = workspace().join("crates").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        return Some(format!("there is no file crates/{file}"));
    };
    (!has_test(&text, name)).then(|| format!("crates/{file} has no such test"))
}

/// Tells whether a function of this name is marked as a test.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &&str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ").is_some_and(|rest| rest.split('(').next() == Some(name))
    };
    lines.iter().enumerate().filter(|(_, line)| is_it(line)).any(|(at, _)| {
        let before = lines.iter().take(at).rev();
        let mut marks = before.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        marks.any(|mark| mark.starts_with("#[test]") || mark.starts_with("#[tokio::test"))
    })
}

/// Everything that is wrong with a page.
fn complaints(page: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in page.lines().filter_map(Row::parse) {
        complaints.extend(row.outdated());
        let Row { id, tests, .. } = row;
        if rows.insert(id.clone(), tests).is_some() {
            complaints.push(format!("{id} is there twice"));
        }
    }
    for (group, count) in GROUPS {
        for number in 1..=count {
            let id = format!("{group}{number}");
            match rows.remove(&id) {
                None => complaints.push(format!("{id} is missing")),
                Some(tests) if tests.is_empty() => complaints.push(format!("{id} has no test")),
                Some(tests) => complaints.extend(tests.iter().filter_map(|test| {
                    missing(test).map(|why| format!("{id} names `{test}`: {why}"))
                })),
            }
        }
    }
    complaints.extend(rows.into_keys().map(|id| format!("{id} is not a known trap")));
    complaints
}

#[test]
fn the_page_names_a_test_for_every_trap() {
    let page = fs::read_to_string(workspace().join("docs/quirks.md")).unwrap();
    let complaints = complaints(&page);
    assert!(complaints.is_empty(), "docs/quirks.md:\n{}", complaints.join("\n"));
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let here = "offlineimap/tests/quirks/page.rs";
    let mut page = String::new();
    for (group, count) in GROUPS {
        for number in 1..=count {
            let test = "what_is_wrong_with_a_page_is_found";
            writeln!(page, "| {group}{number} | about | what | `{here}::{test}` |").unwrap();
        }
    }
    assert_eq!(complaints(&page), Vec::<String>::new());
    let test = format!("`{here}::what_is_wrong_with_a_page_is_found`");
    let row = |id: &str| format!("| {id} | about | what | {test} |\n");
    for (row, instead, complaint) in [
        (row("C7"), String::new(), "C7 is missing"),
        (row("E9"), "| E9 | about | what | none |\n".to_owned(), "E9 has no test"),
        (row("A1"), row("A1") + &row("A1"), "A1 is there twice"),
        (row("A1"), row("A1") + &row("F1"), "F1 is not a known trap"),
        (row("D37"), row("D37").replace("page.rs", "pages.rs"), "there is no file"),
        (row("B2"), row("B2").replace("::what", "::that"), "has no such test"),
        (row("B2"), row("B2").replace(&test, "`complaints`"), "not of the form"),
        (
            row("C2"),
            row("C2").replace("about", "`fsync = no`").replace("what |", "not there yet |"),
            "'fsync' works",
        ),
        // A function, but no test.
        (
            row("B3"),
            row("B3").replace("::what_is_wrong_with_a_page_is_found", "::missing"),
            "no such",
        ),
    ] {
        let found = complaints(&page.replace(&row, &instead));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.concat().contains(complaint), "{found:?}");
    }
}
