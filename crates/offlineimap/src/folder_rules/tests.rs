use std::time::Duration;

use offlineimap_config::{Environment, Request, load};

use super::*;
use crate::pythonfile::PythonFile;

/// The rules of a side, with these lines in the section of the account and of the repository.
fn rules(account: &str, side: Side, lines: &str, only: Option<&str>) -> FolderRules {
    let (local, remote) = match side {
        Side::Local => (lines, ""),
        Side::Remote => ("", lines),
    };
    let text = format!(
        "[general]\naccounts = Test\n[Account Test]\nlocalrepository = L\nremoterepository = R\n\
         {account}\n[Repository L]\ntype = Maildir\nlocalfolders = /mail\n{local}\n\
         [Repository R]\ntype = IMAP\nremotehost = localhost\nremoteuser = joe\nssl = no\n{remote}\n"
    );
    let environment = Environment::new(Some("/home/joe".into()), |_| None);
    let config = load(&Request::new("rc", text.as_bytes()), &environment).unwrap();
    let python = "/nonexistent/python".into();
    let python = PythonFile::new(None, python, Duration::from_secs(1), Arc::new(|_| {}));
    let Some(account) = config.accounts.first() else { panic!("{:?}", config.refused) };
    FolderRules::new(account, side, only, &Arc::new(Evaluator::new(python)))
}

fn remote(lines: &str) -> FolderRules {
    rules("", Side::Remote, lines, None)
}

fn included(rules: &FolderRules, names: &[&str]) -> Vec<bool> {
    names.iter().map(|name| rules.includes(name).unwrap()).collect()
}

#[test]
fn the_list_of_folders_is_taken_literally_and_takes_the_place_of_every_other_rule() {
    let lines = "folderfilter = lambda f: 1 / 0\nfolderincludes = ['inbox']";
    let rules = rules("", Side::Remote, lines, Some("INBOX, Z,100%"));
    let names = ["INBOX", " Z", "Z", "100%", "inbox"];
    assert_eq!(included(&rules, &names), [true, true, false, true, false]);
    assert!(rules.included().unwrap().is_empty());
    assert!(remote("").includes("anything").unwrap());
}

#[test]
fn the_list_of_folders_is_not_about_local_ones() {
    let rules = rules("", Side::Local, "folderfilter = lambda f: f != 'Z'", Some("INBOX"));
    assert_eq!(included(&rules, &["Z", "a"]), [false, true]);
}

#[test]
fn a_filter_is_whatever_is_true() {
    let rules = remote("folderfilter = lambda f: re.match('a|b', f)\nfolderincludes = ['c', b'd']");
    assert_eq!(included(&rules, &["ab", "b", "c", "d", "e"]), [true, true, true, true, false]);
    let patterns = remote("includefolders = INBOX, [Gmail]/*\nexcludefolders = *Spam");
    let names = ["INBOX", "[Gmail]/Sent", "[Gmail]/Spam", "Work"];
    assert_eq!(included(&patterns, &names), [true, true, false, false]);
}

#[test]
fn names_are_translated_and_nothing_else_counts_as_a_name() {
    let visible = |rules: &FolderRules, name: &str| rules.visible(name, Some('.'));
    let rules = remote("nametrans = lambda f: re.sub(r'^INBOX\\.', '', f).encode()");
    assert_eq!(visible(&rules, "INBOX.Gäste").unwrap(), "Gäste");
    let rules = remote("nametrans = lambda f: {'a': 'b', 'n': None, 'x': b'\\xff'}[f]");
    assert_eq!(visible(&rules, "a").unwrap(), "b");
    for (name, complaint) in [
        ("c", "repository 'R': 'nametrans' failed for folder 'c': KeyError: 'c'"),
        ("n", "the value is of type NoneType, and not str or bytes"),
        ("x", "the value is of type bytes, and is not UTF-8"),
    ] {
        let error = visible(&rules, name).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let error = visible(&remote("nametrans = 'INBOX'"), "a").unwrap_err().to_string();
    let complaint =
        "repository 'R': 'nametrans' failed: the value is of type str, and not a function";
    assert_eq!(error, complaint);
}

#[test]
fn folders_are_compared_as_the_user_says() {
    let order = |rules: &FolderRules, one, other| rules.compare(one, other).unwrap();
    let plain = remote("");
    assert_eq!(order(&plain, "a", "B"), Ordering::Less);
    let backwards = remote("foldersort = lambda x, y: -cmp(x, y)");
    assert_eq!(order(&backwards, "a", "b"), Ordering::Greater);
    assert_eq!(order(&backwards, "a", "a"), Ordering::Equal);
    let error = remote("foldersort = lambda x, y: x").compare("a", "b").unwrap_err().to_string();
    assert!(error.contains("for the folders 'a' and 'b': the value is of type str"), "{error}");
}

#[test]
fn decoded_names_are_encoded_on_their_way_back() {
    let decoding = remote("decodefoldernames = yes\nnametrans = lambda f: f.replace('G', 'g')");
    assert_eq!(decoding.visible("G&AOQ-ste", Some('/')).unwrap(), "gäste");
    assert_eq!(decoding.spelling("Gäste & co".to_owned()), "G&AOQ-ste &- co");
    // What is no modified UTF-7 is kept.
    assert_eq!(decoding.visible("a & b", Some('/')).unwrap(), "a & b");
    let plain = remote("");
    assert_eq!(plain.visible("G&AOQ-ste", Some('/')).unwrap(), "G&AOQ-ste");
    assert_eq!(plain.spelling("Gäste".to_owned()), "Gäste");
}

#[test]
fn a_table_is_read_forwards_on_one_side_and_knows_whose_a_name_is() {
    let table = remote("renamefolders = INBOX/* -> *");
    assert_eq!(table.visible("INBOX.Sent", Some('.')).unwrap(), "Sent");
    assert_eq!(table.namesake("INBOX.Sent", Some('.')), None);
    assert_eq!(table.namesake("INBOX", Some('.')), None);
    assert_eq!(table.namesake("Sent", Some('.')).as_deref(), Some("INBOX.Sent"));
}

#[test]
fn names_that_would_break_a_command_are_not_sent_to_a_server() {
    let rules = remote("");
    for name in ["", "a\r\nb", "a\nb", "a\0b"] {
        assert!(rules.storable(name).is_err(), "{name:?}");
    }
    assert_eq!(rules.storable("Gäste & \"Co\" {3}"), Ok(()));
}
