//! `[mbnames]`, and what `--mbnames-prune` forgets.

use std::fs;
use std::path::{Path, PathBuf};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Fault, ImapServer};

use crate::rig::Rig;

/// The least that an enabled section needs.
const SECTION: &str = "[mbnames]\nenabled = yes\nfilename = ~/list\nheader = 'H\\n'\n\
     peritem = %(accountname)s %(foldername)s\nsep = '\\n'\nfooter = '\\nF\\n'\n";

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("first")).unwrap();
    for folder in ["Lists", "Trash", "archive", "Gr&APw-n"] {
        server.mail().create(folder);
    }
    server
}

fn rig(server: &ImapServer, section: &str) -> Rig {
    Rig::new(server.address(), server.user(), server.password()).section(section)
}

/// What selects both accounts.
const BOTH: [&str; 2] = ["-k", "accounts=Test, Second"];

/// A second account on the same server.
fn with_second_account(rig: Rig, server: &ImapServer) -> Rig {
    let (user, password, port) = (server.user(), server.password(), server.port());
    rig.section(&format!(
        "[Account Second]\nlocalrepository = Local2\nremoterepository = Remote2\n\
         [Repository Local2]\ntype = Maildir\nlocalfolders = ~/Second\n\
         [Repository Remote2]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
         remoteuser = {user}\nremotepass = {password}\nssl = no\nstarttls = no\n"
    ))
}

fn list(rig: &Rig) -> String {
    fs::read_to_string(rig.home().join("list")).unwrap_or_default()
}

fn parts(rig: &Rig) -> PathBuf {
    rig.metadata().join("mbnames")
}

fn keep(rig: &Rig, account: &str, folder: &str) {
    fs::create_dir_all(parts(rig)).unwrap();
    let part = format!(
        r#"[{{"accountname": "{account}", "foldername": "{folder}", "localfolders": null}}]"#
    );
    fs::write(parts(rig).join(format!("{account}.json")), part).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_folders_of_an_account_are_kept_in_the_order_of_the_sync_and_listed_in_their_own() {
    let server = server();
    let rig = rig(&server, SECTION);
    rig.sync();
    let root = rig.home().join("Mail");
    let part = fs::read_to_string(parts(&rig).join("Test.json")).unwrap();
    let expected: Vec<String> = ["archive", "Gr&APw-n", "INBOX", "Lists", "Trash"]
        .map(|folder| {
            format!(
                r#"{{"accountname": "Test", "foldername": "{folder}", "localfolders": "{}"}}"#,
                root.display()
            )
        })
        .into();
    assert_eq!(part, format!("[{}]", expected.join(", ")));
    assert_eq!(
        list(&rig),
        "H\nTest Gr&APw-n\nTest INBOX\nTest Lists\nTest Trash\nTest archive\nF\n"
    );
    assert_eq!(names(&parts(&rig)), ["Test.json"]);
    rig.does_nothing("with a list");
}

#[test]
fn a_section_that_is_not_enabled_needs_nothing_and_does_nothing() {
    let server = server();
    let rig = rig(&server, "[mbnames]\nenabled = no\nfilename = ~/list\n");
    rig.sync();
    assert_eq!(list(&rig), "");
    assert!(!parts(&rig).exists());
}

#[test]
fn an_enabled_section_that_is_incomplete_is_refused_with_everything_that_is_missing() {
    let server = server();
    let section = "[mbnames]\nenabled = yes\nsep = ' '\nheader = 'open\nperitem = %(folder)s\n";
    let rig = rig(&server, section);
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    for told in [
        "[mbnames] has no 'filename'",
        "[mbnames] has no 'footer'",
        "'header' is no Python expression: unterminated string literal",
        "'peritem' cannot be formatted: KeyError: 'folder'",
        "| header = 'open",
        "| peritem = %(folder)s",
    ] {
        assert!(ended.output.contains(told), "{told}: {}", ended.output);
    }
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
}

#[test]
fn folders_are_left_out_and_sorted_as_the_functions_say() {
    let server = server();
    let more = "folderfilter = lambda account, folder: account == 'Test' and \
                not re.search('^(Trash|Gr)', folder)\n\
                sort_keyfunc = lambda d: (len(d['foldername']), d['accountname'])\n";
    let native = rig(&server, &format!("{SECTION}{more}"));
    native.sync();
    assert_eq!(list(&native), "H\nTest INBOX\nTest Lists\nTest archive\nF\n");
    let part = fs::read_to_string(parts(&native).join("Test.json")).unwrap();
    assert!(part.contains("archive") && !part.contains("Trash"), "{part}");

    let more = "folderfilter = wanted\nsort_keyfunc = key\n";
    let python = rig(&server, &format!("{SECTION}{more}")).general("pythonfile = ~/functions.py");
    let functions = "def wanted(account, folder):\n    return folder[0].isupper()\n\
                     def key(mailbox):\n    return mailbox['foldername'][::-1]\n";
    fs::write(python.home().join("functions.py"), functions).unwrap();
    python.sync();
    assert_eq!(list(&python), "H\nTest INBOX\nTest Trash\nTest Gr&APw-n\nTest Lists\nF\n");
}

#[test]
fn a_function_that_fails_is_an_error_and_mail_is_synced() {
    for (more, complaint, kept) in [
        ("folderfilter = lambda a, f: 1 / 0", "'folderfilter' in [mbnames], called for", false),
        ("sort_keyfunc = lambda d: d['x']", "'sort_keyfunc' in [mbnames], called for", true),
        ("sort_keyfunc = lambda d: d", "the values of 'sort_keyfunc' in [mbnames]", true),
        ("folderfilter = {}['x']", "no value of 'folderfilter' in [mbnames]", false),
    ] {
        let server = server();
        let rig = rig(&server, &format!("{SECTION}{more}\n"));
        fs::write(rig.home().join("list"), "as it was").unwrap();
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{more}: {}", ended.output);
        assert!(ended.output.contains(complaint), "{more}: {}", ended.output);
        assert_eq!(rig.same_mail(more).values().flatten().count(), 1);
        assert_eq!(parts(&rig).join("Test.json").exists(), kept, "{more}");
        assert_eq!(list(&rig), "as it was", "{more}");
    }
}

#[test]
fn accounts_that_are_not_synced_now_stay_in_the_list_and_one_that_failed_keeps_its_folders() {
    let server = server();
    let rig = rig(&server, SECTION);
    keep(&rig, "Other", "INBOX");
    keep(&rig, "Test", "old");
    fs::write(parts(&rig).join("Broken.json"), "[{\"accountname\"").unwrap();
    fs::write(parts(&rig).join(".Hidden.json"), "").unwrap();
    server.fail(Fault::on("LIST").every_time().then_no("not today"));
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert_eq!(list(&rig), "H\nOther INBOX\nTest old\nF\n");
    assert!(ended.output.contains("Broken.json' are left out of the list"), "{}", ended.output);
    assert!(!ended.output.contains("Hidden"), "{}", ended.output);

    server.clear_faults();
    fs::remove_file(parts(&rig).join("Broken.json")).unwrap();
    rig.run(&["-f", "INBOX"]);
    assert_eq!(list(&rig), "H\nOther INBOX\nTest INBOX\nF\n");
}

#[test]
fn the_list_is_written_at_the_end_or_after_each_account() {
    for (more, seen) in [("", ""), ("incremental = yes\n", "H\nTest INBOX\nF\n")] {
        let server = server();
        let rig = with_second_account(rig(&server, &format!("{SECTION}{more}")), &server);
        let rig = rig.account("postsynchook = cp list seen; true");
        let ended = rig.run(&[BOTH.as_slice(), &["-f", "INBOX"]].concat());
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        let after_first = fs::read_to_string(rig.home().join("seen")).unwrap_or_default();
        assert_eq!(after_first, seen, "{more}");
        assert_eq!(list(&rig), "H\nSecond INBOX\nTest INBOX\nF\n", "{more}");
        assert_eq!(names(&parts(&rig)), ["Second.json", "Test.json"]);
    }
}

#[test]
fn a_dry_run_names_the_files_and_writes_none() {
    let server = server();
    let rig = rig(&server, SECTION);
    let ended = rig.run(&["--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    for file in [parts(&rig).join("Test.json"), rig.home().join("list")] {
        let told = format!("mbnames would write {}\n", file.display());
        assert_eq!(ended.output.matches(&told).count(), 1, "{}", ended.output);
        assert!(!file.exists());
    }
}

#[test]
fn a_run_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let server = server();
    let rig = rig(&server, SECTION);
    rig.sync();
    let part = parts(&rig).join("Test.json");
    let old = (fs::read_to_string(&part).unwrap(), list(&rig));
    server.mail().create("New");
    rig.sync();
    let new = (fs::read_to_string(&part).unwrap(), list(&rig));
    assert!(new.0.contains("New") && new.1.contains("New"), "{new:?}");
    let half = (new.0.clone(), old.1.clone());
    // The state is opened, and then each of the two files is written and renamed.
    for (step, expected) in (1..).zip([&old, &old, &old, &half, &half, &new]) {
        fs::write(&part, &old.0).unwrap();
        fs::write(rig.home().join("list"), &old.1).unwrap();
        let steps = rig.crash(step);
        let found = (fs::read_to_string(&part).unwrap(), list(&rig));
        assert_eq!(found, *expected, "step {step}: {steps:#?}");
    }
}

#[test]
fn accounts_that_are_gone_are_forgotten_by_their_whole_names() {
    let server = server();
    let rig = with_second_account(rig(&server, SECTION), &server);
    // The first is a part of the name of an account that there is; the last is not selected.
    for account in ["Tes", "Gone", "Test"] {
        keep(&rig, account, "INBOX");
    }
    fs::write(parts(&rig).join("notes.txt"), "").unwrap();
    let prune = [BOTH.as_slice(), &["-a", "Second", "--mbnames-prune"]].concat();
    let dry = [prune.as_slice(), &["--dry-run", "--delete-folder", "INBOX"]].concat();
    let dry = rig.run(&dry);
    assert_eq!(dry.status, Some(0), "{}", dry.output);
    for account in ["Gone", "Tes"] {
        let path = parts(&rig).join(format!("{account}.json"));
        let told = format!("mbnames would remove {}\n", path.display());
        assert_eq!(dry.output.matches(&told).count(), 1, "{}", dry.output);
    }
    assert!(dry.output.contains(&format!("would write {}/list\n", rig.home().display())));
    assert_eq!(names(&parts(&rig)), ["Gone.json", "Tes.json", "Test.json", "notes.txt"]);
    assert_eq!(list(&rig), "");

    let ended = rig.run(&prune);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(ended.output.matches("removed ").count(), 2, "{}", ended.output);
    assert_eq!(names(&parts(&rig)), ["Test.json", "notes.txt"]);
    assert_eq!(list(&rig), "H\nTest INBOX\nF\n");
    let again = rig.run(&prune);
    assert!(again.output.contains("no cache file to remove\n"), "{}", again.output);
    assert_eq!(server.log().count("LOGIN") + server.log().count("AUTHENTICATE"), 0);
}

#[test]
fn without_a_list_everything_is_forgotten_and_with_a_broken_one_nothing() {
    let server = server();
    let broken = rig(&server, &SECTION.replace("'H\\n'", "{}['x']"));
    keep(&broken, "Gone", "INBOX");
    let ended = broken.run(&["--mbnames-prune"]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert_eq!(names(&parts(&broken)), ["Gone.json"]);

    let disabled = rig(&server, "[mbnames]\nenabled = no\n");
    for account in ["Gone", "Test"] {
        keep(&disabled, account, "INBOX");
    }
    let ended = disabled.run(&["--mbnames-prune"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(names(&parts(&disabled)), Vec::<String>::new());
}
