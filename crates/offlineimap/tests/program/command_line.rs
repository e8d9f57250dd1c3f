//! Arguments, and what is said about wrong ones.

use insta::assert_snapshot;

use offlineimap_testkit::message;
use offlineimap_testkit::server::ImapServer;

use crate::sandbox::{Sandbox, account};

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
        &["-ok"],
        &["--delete-folder"],
        &["--allow-deletes="],
    ]
    .iter()
    .map(|arguments| format!("$ offlineimap {}\n{}", arguments.join(" "), sandbox.run(arguments)))
    .collect();
    assert_snapshot!(complaints.join("\n"));
}

#[test]
fn an_unknown_user_interface_is_status_1() {
    let sandbox = Sandbox::configured("[general]\naccounts = Test\n");
    assert_snapshot!(sandbox.run(&["-u", "curses"]));
}

#[test]
fn the_full_screen_is_refused_where_there_is_no_terminal() {
    let server = ImapServer::start().unwrap();
    let sandbox = Sandbox::with_account(&server);
    assert_snapshot!(sandbox.run(&["-o", "-u", "blinkenlights"]));
    assert!(server.log().changing().is_empty());
    // What is to be read is printed line by line anyway.
    let ran = sandbox.run(&["-o", "-u", "blinkenlights", "--dry-run"]);
    assert_eq!(ran.status, Some(0), "{ran}");
    assert!(ran.stderr.contains("[DRYRUN]"), "{ran}");
}

#[test]
fn overrides_are_applied_in_their_order_and_before_the_user_interface() {
    let server = ImapServer::start().unwrap();
    let general = "[general]\naccounts = Nobody\nui = basic\n\n";
    let sandbox = Sandbox::configured(&format!("{general}{}", account("My Mail", &server)));
    let ran = sandbox.run(&[
        "-k",
        "accounts=Somebody",
        "-kaccounts=My Mail",
        "-k",
        "general:UI=syslog",
        "-k",
        "Repository_Local:localfolders=~/100%% mine",
        "-u",
        "quiet",
    ]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    assert!(sandbox.path("100% mine/INBOX/cur").is_dir());
}

#[test]
fn an_override_that_cannot_be_applied_ends_the_run() {
    let server = ImapServer::start().unwrap();
    let sandbox = Sandbox::with_account(&server);
    let complaints: Vec<String> = ["general:ui", "general:=quiet", "Account_Work:quick=1", "ui=5%"]
        .iter()
        .map(|argument| format!("$ offlineimap -k {argument}\n{}", sandbox.run(&["-k", argument])))
        .collect();
    assert_snapshot!(complaints.join("\n"));
}

#[test]
fn a_missing_file_is_told_before_anything_else_is_looked_at() {
    let sandbox = Sandbox::empty();
    let ran = sandbox.run(&["-c", "none", "-k", "nonsense", "-u", "curses", "-P", "profiles"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(ran.stderr, "ERROR: *** Config file 'none' does not exist; aborting!\n");
    assert!(!sandbox.path("profiles").exists());
}

#[test]
fn a_profile_tells_what_each_account_spent_its_time_on() {
    let server = ImapServer::start().unwrap();
    for subject in ["one", "two"] {
        server.mail().add("INBOX", message::simple(subject)).unwrap();
    }
    let sandbox = Sandbox::with_account(&server);
    let ran = sandbox.run(&["-P", "profiles", "-u", "quiet"]);
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.stdout, "Profile mode: Forcing to singlethreaded.\n");
    let [profile] = std::fs::read_dir(sandbox.path("profiles"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert!(profile.to_string_lossy().ends_with("_Test.txt"), "{}", profile.display());
    let text = std::fs::read_to_string(profile).unwrap();
    let octets = 2 * message::simple("one").len();
    let (none, octets) = ("0".to_owned(), octets.to_string());
    for (row, messages, octets) in [
        ("connect remote", "0", &none),
        ("copy from remote", "2", &octets),
        ("copy to local", "2", &octets),
    ] {
        let found = text.lines().any(|line| {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            let Some(numbers) = line.strip_prefix(row) else { return false };
            let numbers: Vec<&str> = numbers.split_whitespace().collect();
            numbers[1..3] == [messages, octets]
        });
        assert!(found, "{row}\n{text}");
    }
    let again = sandbox.run(&["-1P", "profiles", "-u", "quiet"]);
    assert_eq!(again.stdout, "Profile mode: Directory 'profiles' exists already.\n");
}

#[test]
fn the_system_log_is_told_beside_the_user_interface_or_instead() {
    let server = ImapServer::start().unwrap();
    let sandbox = Sandbox::with_account(&server);
    let plain = sandbox.run(&["-u", "basic"]);
    let beside = sandbox.run(&["-s", "-u", "basic"]);
    // There is not always a daemon.
    let (complaints, told): (Vec<&str>, Vec<&str>) =
        beside.stdout.lines().partition(|line| line.starts_with("cannot write to the system log"));
    assert!(complaints.len() <= 1, "{complaints:?}");
    assert_eq!(
        told,
        plain.stdout.lines().filter(|line| !line.contains("Creating")).collect::<Vec<_>>()
    );
    let instead = sandbox.run(&["-su", "SysLog"]);
    assert_eq!((instead.status, instead.stdout.as_str()), (Some(0), ""));
    assert!(instead.stderr.lines().count() <= 1, "{}", instead.stderr);
}

#[test]
fn a_folder_is_deleted_on_the_server_only() {
    let server = ImapServer::start().unwrap();
    server.mail().create("Old");
    let sandbox = Sandbox::with_account(&server);
    sandbox.run(&["-u", "quiet"]);
    let arguments = ["-u", "basic", "--delete-folder", "Old"];
    let pretended = sandbox.run(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(server.mail().mailboxes(), ["INBOX", "Old"]);
    let done = sandbox.run(&arguments);
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
    assert!(sandbox.path("Mail/Old/cur").is_dir());
    let refused = sandbox.run(&arguments);
    let read_only =
        sandbox.run(&[&arguments[..], &["-k", "Repository_Remote:readonly=yes"]].concat());
    assert_snapshot!(format!("{pretended}\n{done}\n{refused}\n{read_only}"));
}

#[test]
fn a_folder_is_deleted_in_one_account_only() {
    let server = ImapServer::start().unwrap();
    server.mail().create("Old");
    let two = account("Two", &server).replace(" Local", " L2").replace(" Remote", " R2");
    let configuration =
        format!("[general]\naccounts = One, Two\n\n{}\n{two}", account("One", &server));
    let sandbox = Sandbox::configured(&configuration);
    let ran = sandbox.run(&["-u", "quiet", "--delete-folder", "Old"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.contains("you must supply only one account with '-a'"), "{ran}");
    assert_eq!(server.mail().mailboxes(), ["INBOX", "Old"]);
    let ran = sandbox.run(&["-u", "quiet", "--delete-folder", "Old", "-a", "Two"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
}

#[test]
fn a_migration_looks_at_every_message_file_without_a_connection() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", message::simple("one")).unwrap();
    let sandbox = Sandbox::with_account(&server);
    sandbox.run(&["-u", "quiet"]);
    server.log().clear();
    let file = sandbox.files("INBOX").remove(0);
    let wrong = "d41d8cd98f00b204e9800998ecf8427e";
    let name = file.to_string_lossy().replace("7e33429f656f1e6e9d79b29c3f82c57e", wrong);
    std::fs::rename(&file, &name).unwrap();
    let ran = sandbox.run(&["-u", "basic", "--migrate-fmd5-using-nametrans"]);
    assert_eq!(ran.status, Some(0));
    assert!(ran.stdout.contains("Inconsistent FMD5 for file `[HOME]/Mail/INBOX/"), "{ran}");
    assert!(!sandbox.path(".offlineimap/Test.lock").exists());
    assert!(server.log().changing().is_empty() && server.log().count("LOGIN") == 0);
}
