//! Every option that works is set by some test of the program as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use offlineimap_config::options::{self, Spec, Support};

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// Whether a line of a configuration, or a `-k` of the command line, gives the option a value.
fn sets(text: &str, option: &Spec) -> bool {
    let stem = option.name.trim_end_matches("<letter>");
    text.match_indices(stem).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let begins = before.is_empty()
            || before.ends_with("\\n")
            || before.ends_with(|c: char| !c.is_alphanumeric() && !['_', '-'].contains(&c));
        let rest = text.get(at + stem.len()..).unwrap_or_default();
        let rest = match option.name.strip_suffix("<letter>") {
            Some(_) => rest.trim_start_matches(|c: char| c.is_ascii_lowercase()),
            None => rest,
        };
        let value = rest.trim_start_matches(' ');
        begins && value.starts_with('=') && !value.starts_with("==")
    })
}

#[test]
fn every_option_that_works_is_set_by_a_test() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut files);
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let untested: Vec<&str> = options::all()
        .filter(|option| option.support == Support::Works)
        .filter(|option| !texts.iter().any(|text| sets(text, option)))
        .map(|option| option.name)
        .collect();
    assert!(untested.is_empty(), "no test of the program sets {untested:?}");
}

#[test]
fn what_sets_an_option_is_told_from_what_only_looks_like_it() {
    let option = |name| options::all().find(|spec| spec.name == name).unwrap();
    for (text, name, expected) in [
        ("\"fsync = no\"", "fsync", true),
        ("socktimeout = 1\\nfsync=no", "fsync", true),
        ("general:fsync=no", "fsync", true),
        ("let fsync == 1", "fsync", false),
        ("mail_fsync = never", "fsync", false),
        ("customflag_b = $Label", "customflag_<letter>", true),
        ("remotehosteval = 'localhost'", "remotehost", false),
    ] {
        assert_eq!(sets(text, option(name)), expected, "{text}");
    }
}
