//! Names of folders, and folders that are missing.

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Fault, ImapServer, Misbehaviour, Quirk};

use crate::rig::{LocalMail, lf};
use crate::rig_for;

#[test]
fn a_name_with_the_separator_of_the_maildir_is_left_alone_with_a_warning() {
    let server = ImapServer::start().unwrap();
    for folder in ["INBOX", "a.b", "c"] {
        server.mail().create(folder);
        server.mail().add(folder, simple(folder)).unwrap();
    }
    let rig = rig_for(&server);
    for when in ["the first run", "the second run"] {
        let ended = rig.sync();
        let warning = "Ignoring folder 'a.b' due to unsupported '.' character";
        assert!(ended.output.contains(warning), "{when}: {}", ended.output);
        assert_eq!(server.mail().mailboxes(), ["INBOX", "a.b", "c"], "{when}");
        let mut local = rig.maildir().folders();
        local.sort();
        assert_eq!(local, ["INBOX", "c"], "{when}");
    }
    assert_eq!(server.mail().uids("a.b").unwrap(), [1]);
}

#[test]
fn a_name_that_a_maildir_cannot_hold_is_left_alone_with_a_warning() {
    let server = ImapServer::builder().delimiter('.').start().unwrap();
    for folder in ["INBOX", "x/y", "c"] {
        server.mail().create(folder);
        server.mail().add(folder, simple(folder)).unwrap();
    }
    let rig = rig_for(&server);
    for when in ["the first run", "the second run"] {
        let ended = rig.sync();
        assert!(ended.output.contains("Ignoring folder 'x/y'"), "{when}: {}", ended.output);
        assert_eq!(server.mail().mailboxes(), ["INBOX", "c", "x/y"], "{when}");
        let mut entries: Vec<String> = std::fs::read_dir(rig.maildir().root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        entries.sort();
        assert_eq!(entries, ["INBOX", "c"], "{when}: no directory is left behind");
    }
}

#[test]
fn folders_whose_files_were_once_the_same_are_kept_apart() {
    let server = ImapServer::start().unwrap();
    for folder in ["a.b", "a/b"] {
        server.mail().create(folder);
        for number in 1..=2 {
            server.mail().add(folder, simple(&format!("{folder} {number}"))).unwrap();
        }
    }
    let rig = rig_for(&server).local("sep = /");
    rig.sync();
    server.mail().expunge("a.b", 1).unwrap();
    rig.maildir().remove("a/b", "a/b 2");
    rig.sync();
    assert_eq!(server.mail().uids("a.b").unwrap(), [2]);
    assert_eq!(server.mail().uids("a/b").unwrap(), [1]);
    for (folder, left) in [("a.b", "a.b 2"), ("a/b", "a/b 1")] {
        let subjects: Vec<String> =
            rig.maildir().messages(folder).iter().map(LocalMail::subject).collect();
        assert_eq!(subjects, [left]);
    }
    rig.does_nothing("after deletions in both");
}

#[test]
fn a_folder_that_is_missing_locally_and_not_to_be_created_is_passed_over() {
    for option in ["createfolders = no", "readonly = yes"] {
        let server = ImapServer::start().unwrap();
        server.mail().create("News");
        for folder in ["INBOX", "News"] {
            server.mail().add(folder, simple(folder)).unwrap();
        }
        let rig = rig_for(&server).local(option);
        rig.maildir().create("INBOX");
        let ended = rig.sync();
        assert!(!ended.output.contains("ERROR"), "{option}: {}", ended.output);
        assert_eq!(rig.maildir().folders(), ["INBOX"], "{option}");
        let copied = rig.maildir().messages("INBOX").len();
        assert_eq!(copied, usize::from(option == "createfolders = no"), "{option}");
    }
}

#[test]
fn a_parent_that_the_server_makes_on_the_way_is_a_folder_like_any_other() {
    let server = ImapServer::start().unwrap();
    let rig = rig_for(&server);
    rig.maildir().create("INBOX");
    rig.maildir().create("Lists.rust.users");
    rig.maildir().deliver("Lists.rust.users", "", &lf(&simple("hello").to_bytes()));
    let ended = rig.sync();
    let expected = ["INBOX", "Lists", "Lists/rust", "Lists/rust/users"];
    assert_eq!(server.mail().mailboxes(), expected, "{}", ended.output);
    assert_eq!(server.mail().uids("Lists/rust/users").unwrap(), [1]);
    let mut local = rig.maildir().folders();
    local.sort();
    assert_eq!(local, ["INBOX", "Lists", "Lists.rust", "Lists.rust.users"]);
    rig.does_nothing("after the parents were made");
}

#[test]
fn a_percent_sign_in_the_name_of_a_folder_is_an_ordinary_character() {
    let server = ImapServer::start().unwrap();
    for folder in ["100%", "%s", "News"] {
        server.mail().create(folder);
        server.mail().add(folder, simple(folder)).unwrap();
    }
    let rig = rig_for(&server);
    let ended = rig.run(&["-f", "100%,%s"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let mut local = rig.maildir().folders();
    local.sort();
    assert_eq!(local, ["%s", "100%"], "{}", ended.output);
}

#[test]
fn names_that_need_quotes_go_both_ways() {
    let names =
        ["back\\slash", "per%cent", "st*ar", "brack]et", "quo\"te", "two  blanks", "bra{ce}"];
    let server = ImapServer::builder().quirk(Quirk::LiteralNames).start().unwrap();
    let rig = rig_for(&server);
    rig.maildir().create("INBOX");
    for name in names {
        server.mail().create(&format!("there {name}"));
        server.mail().add(&format!("there {name}"), simple(name)).unwrap();
        rig.maildir().create(&format!("here {name}"));
        rig.maildir().deliver(&format!("here {name}"), "", &lf(&simple(name).to_bytes()));
    }
    rig.sync();
    for name in names {
        assert_eq!(rig.maildir().messages(&format!("there {name}")).len(), 1, "{name}");
        assert_eq!(server.mail().uids(&format!("here {name}")).unwrap(), [1], "{name}");
    }
    rig.does_nothing("with names that need quotes");
}

#[test]
fn a_folder_that_the_server_lists_twice_is_synced_once() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("hello")).unwrap();
    let again = Misbehaviour::Untagged("* LIST () \"/\" INBOX".to_owned());
    server.fail(Fault::on("LIST").every_time().then(again));
    let rig = rig_for(&server);
    let ended = rig.sync();
    assert_eq!(ended.output.matches("Syncing INBOX").count(), 1, "{}", ended.output);
    assert_eq!(rig.maildir().messages("INBOX").len(), 1);
}
