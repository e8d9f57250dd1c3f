//! Arguments, and what is said about wrong ones.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[test]
fn help_lists_the_options() {
    assert_snapshot!(Sandbox::empty().run(&["-o", "--help"]));
}

#[test]
fn the_version_stands_alone() {
    assert_snapshot!(Sandbox::empty().run(&["--version", "--nonsense"]), @r"
    status: 0
    --- stdout
    0.1.0
    --- stderr
    ");
}

#[test]
fn capital_v_shows_one_line_without_a_configuration() {
    let ran = Sandbox::empty().run(&["-V"]);
    assert_eq!(ran.status, Some(0));
    assert!(ran.stdout.starts_with("offlineimap v0.1.0, "), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 1);
}

#[test]
fn wrong_usage_is_status_2_and_says_why() {
    let sandbox = Sandbox::empty();
    let complaints: Vec<String> = [
        ["--m"].as_slice(),
        &["-x"],
        &["-o", "-a"],
        &["--dryrun"],
        &["-k", "ui=quiet"],
        &["--delete-folder", "Old"],
        &["--allow-deletes="],
    ]
    .iter()
    .map(|arguments| format!("$ offlineimap {}\n{}", arguments.join(" "), sandbox.run(arguments)))
    .collect();
    assert_snapshot!(complaints.join("\n"));
}

#[test]
fn an_unknown_user_interface_is_status_1() {
    let sandbox = Sandbox::empty();
    assert_snapshot!(sandbox.run(&["-u", "curses"]));
    assert_snapshot!(sandbox.run(&["-u", "blinkenlights"]));
}
