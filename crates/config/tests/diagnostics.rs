//! How problems look to the user.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use offlineimap_config::{Color, Environment, Request, load};

/// Everything that is said about a file, account by account.
fn said_about(file: &[u8]) -> String {
    let environment = Environment::new(Some("/home/joe".into()), |_| None);
    match load(&Request::new("/home/joe/.offlineimaprc", file), &environment) {
        Err(problems) => problems.render(Color::Never),
        Ok(config) => {
            let mut said = config.warnings.render(Color::Never);
            for refused in config.refused {
                write!(said, "--- {}\n{}", refused.name, refused.problems)
                    .expect("strings take everything");
            }
            said
        }
    }
}

macro_rules! snapshot {
    ($name:literal, $file:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, said_about($file));
        });
    };
}

#[test]
fn mistakes_of_syntax_are_shown_all_at_once() {
    snapshot!(
        "syntax",
        b"stray text\n\n[general]\naccounts = Work\nui ttyui\nAccounts = Home\n[Account Work\n\
          = value\n[Repository R]\ntype = IMAP\n[Repository R]\ntype = Maildir\n"
    );
}

#[test]
fn secrets_stay_hidden_where_their_lines_are_shown() {
    snapshot!(
        "secrets",
        b"[general]\naccounts = Work\n[Repository R]\nremotepass = hunter2\nremotepass: hunter3\n\
          remotepas hunter4\nsecret = hunter5\n  hunter6\n hunter7\nhunter8\n"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_refused_with_the_place() {
    snapshot!("encoding", b"[general]\naccounts = Work\n[Account B\xfcro]\n");
}

#[test]
fn each_account_has_its_own_mistakes() {
    snapshot!(
        "accounts",
        b"[general]\naccounts = Work, Home\nmaxsyncaccount = 2\n\n\
          [Account Work]\nlocalrepository = L\nremoterepository = R\nmaxage = never\n\n\
          [Account Home]\nlocalrepository = M\nremoterepository = S\n\n\
          [Repository L]\ntype = Maildir\nlocalfolders = ~/Mail\nsep = \"/\"\n\n\
          [Repository R]\ntype = IMAP\nremotehost = imap.example.org\nremoteuser = joe\n\
          ssl = yes # of course\nnametrans = lambda f: f\nremotepass = 100%\n\n\
          [Repository M]\ntype = Maildir\nlocalfolders = ~/Home\n    sep = /\n"
    );
}

#[test]
fn wide_and_many_byte_characters_are_marked_where_they_stand() {
    snapshot!(
        "characters",
        "[general]\naccounts = W\u{f6}rk, \u{4ed5}\u{4e8b}\n[Account W\u{f6}rk]\n\
         localrepository = \u{4ed5}\n"
            .as_bytes()
    );
}

#[test]
fn mistakes_of_the_command_line_are_shown_like_those_of_the_file() {
    let environment = Environment::new(Some("/home/joe".into()), |_| None);
    let request = Request::new("rc", b"[general]\naccounts = A\n[Account A]\n").with_overrides(
        ["fsync=maybe", "Account_B:quick=1", "Account_A:remotepass=hunter2%"]
            .into_iter()
            .filter_map(|argument| argument.parse().ok()),
    );
    let problems = load(&request, &environment).expect_err("three mistakes");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("command_line", problems.to_string());
    });
}

#[test]
fn colours_are_only_there_when_asked_for() {
    let environment = Environment::new(None, |_| None);
    let problems = load(&Request::new("rc", b"nonsense\n"), &environment).expect_err("no section");
    assert!(problems.render(Color::Always).contains("\u{1b}["));
    assert!(!problems.render(Color::Never).contains('\u{1b}'));
}
