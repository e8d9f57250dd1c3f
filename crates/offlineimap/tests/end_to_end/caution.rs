//! What looks like an accident is left alone.

use std::fs;

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::simple;

use crate::rig::{Rig, Snapshot, copy_tree, lf, summary};
use crate::scenario::{FIRST, SECOND, Stage, changes_on_both_sides, mail_on_both_sides, text};

#[test]
fn a_recreated_folder_is_left_alone_and_the_others_are_synced() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    imap.create("Box");
    for n in 1..=4 {
        imap.append("Box", "", &text(&format!("before {n}")));
    }
    rig.sync();
    imap.command("DELETE Box");
    imap.create("Box");
    for n in 1..=4 {
        imap.append("Box", "", &text(&format!("another {n}")));
    }
    // Its UIDs are those of messages that have nothing to do with it now.
    maildir.remove("Box", "before 1");
    maildir.set_flags("Box", "before 2", "F");
    maildir.deliver("Box", "", &lf(&text("new here")));
    imap.append("INBOX", "", &text("for the inbox"));

    for when in ["at first", "and ever after"] {
        let there = rig.remote_world();
        let here = Snapshot::of(&maildir.folder("Box"));
        drop(rig.overheard());
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(2), "{when}: {}", ended.output);
        assert!(ended.output.contains("UID validity"), "{}", ended.output);
        assert_eq!(rig.remote_world(), there, "{when}");
        here.assert_same(&Snapshot::of(&maildir.folder("Box")), when);
        let local = rig.local_world();
        assert_eq!(local.get("INBOX"), there.get("INBOX"), "{when}: the other folder is synced");
        assert_eq!(local.get("INBOX").map(Vec::len), Some(1));
    }
}

/// Of a folder that cannot be written, only what is there counts.
#[test]
fn a_read_only_folder_is_downloaded_and_never_changed() {
    let server = Dovecot::builder()
        .configuration("mail_plugins = acl\nplugin {\n acl = vfile\n}")
        .start()
        .unwrap();
    let rig = Rig::of(server.endpoint());
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    imap.create("Shared");
    for n in 1..=4 {
        imap.append("Shared", "", &text(&format!("shared {n}")));
    }
    let acl = server.mail_directory().join(".Shared/dovecot-acl");
    fs::write(&acl, "owner lr\n").unwrap();
    let selected = rig.imap().command("SELECT Shared");
    assert!(
        selected.iter().any(|line| line.contains("FLAGS ()")),
        "it is not read-only: {selected:?}"
    );
    rig.sync();
    rig.same_mail("after the first sync");
    rig.does_nothing("after the first sync");

    let there = rig.remote_world();
    maildir.deliver("Shared", "", &lf(&text("new here")));
    maildir.set_flags("Shared", "shared 1", "F");
    maildir.remove("Shared", "shared 2");
    for when in ["at first", "and ever after"] {
        drop(rig.overheard());
        let here = rig.local_world();
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(0), "{when}: {}", ended.output);
        assert_eq!(rig.remote_world(), there, "{when}");
        assert_eq!(summary(&rig.local_world()), summary(&here), "{when}: nothing is undone");
        let said = rig.overheard();
        let changing = ["APPEND", "STORE", "EXPUNGE"];
        let changing: Vec<_> =
            said.iter().filter(|line| changing.iter().any(|verb| line.contains(verb))).collect();
        assert!(changing.is_empty(), "{when}: {changing:?}");
    }
    // Permission comes back, and with it everything that waited.
    fs::remove_file(&acl).unwrap();
    rig.sync();
    let world = rig.same_mail("when it may be written again");
    assert_eq!(
        summary(&world),
        [
            "INBOX:",
            "Shared: new here []",
            "Shared: shared 1 [F]",
            "Shared: shared 3 []",
            "Shared: shared 4 []"
        ]
    );
    rig.does_nothing("after that");
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    for (prepare, expected) in
        [(mail_on_both_sides as fn(&Rig), FIRST), (changes_on_both_sides, SECOND)]
    {
        let stage = Stage::set(prepare);
        let rig = &stage.rig;
        let there = rig.remote_world();
        drop(rig.overheard());
        fs::write(rig.home().join("output"), "").unwrap();
        let output = rig.home().join("output");
        // The rig itself writes down what the program prints.
        let everything = || Snapshot::of(rig.home()).without(&output);
        let before = everything();
        let ended = rig.run(&["--dry-run"]);
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        assert!(ended.output.contains("[DRYRUN]"), "{}", ended.output);
        before.without(&rig.scratch()).assert_same(&everything().without(&rig.scratch()), "dry");
        assert_eq!(fs::read_dir(rig.scratch()).unwrap().count(), 0);
        let said = rig.overheard();
        let opened: Vec<_> = said.iter().filter(|line| line.contains(" SELECT ")).collect();
        assert!(opened.is_empty(), "a dry run opens folders for reading only: {opened:?}");
        assert_eq!(rig.remote_world(), there);
        rig.sync();
        stage.assert_holds(expected, "after the dry run");
    }
}

#[test]
fn a_mass_deletion_is_refused_until_it_is_allowed() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    imap.create("Big");
    for n in 0..150 {
        imap.append("Big", "", &text(&format!("big {n}")));
    }
    rig.sync();
    for n in 0..100 {
        maildir.remove("Big", &format!("big {n}"));
    }
    imap.append("INBOX", "", &text("for the inbox"));

    let here = Snapshot::of(&maildir.folder("Big"));
    let there = rig.remote_world();
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("--allow-deletes=Big"), "{}", ended.output);
    assert_eq!(rig.remote_world(), there);
    here.assert_same(&Snapshot::of(&maildir.folder("Big")), "refused");
    assert_eq!(rig.local_world().get("INBOX").map(Vec::len), Some(1), "the rest goes on");

    let ended = rig.run(&["--allow-deletes=INBOX"]);
    assert_eq!(ended.status, Some(1), "another folder was allowed: {}", ended.output);
    assert_eq!(rig.remote_world(), there);

    let ended = rig.run(&["--allow-deletes=Big"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let world = rig.same_mail("allowed");
    assert_eq!(world.get("Big").map(Vec::len), Some(50));
    rig.does_nothing("allowed");
}

#[test]
fn the_limit_is_as_the_account_or_the_program_is_configured() {
    let server = Dovecot::start().unwrap();
    for (rig, deleted) in [
        (Rig::of(server.endpoint()).general("deletelimit = 2"), 0),
        (Rig::of(server.endpoint()).account("deletelimit = 2"), 0),
        (Rig::of(server.endpoint()).general("deletelimit = 2").account("deletelimit = none"), 3),
    ] {
        let mut imap = rig.imap();
        for n in 0..5 {
            imap.append("INBOX", "", &text(&format!("old {n}")));
        }
        rig.sync();
        let before = imap.messages("INBOX").len();
        for mail in rig.maildir().messages("INBOX").iter().take(3) {
            fs::remove_file(&mail.path).unwrap();
        }
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(i32::from(deleted == 0)), "{}", ended.output);
        assert_eq!(before - imap.messages("INBOX").len(), deleted, "{}", ended.output);
    }
}

#[test]
fn a_dry_run_can_be_asked_for_in_the_file() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint()).general("dry-run = yes");
    rig.imap().append("INBOX", "", &text("one"));
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(ended.output.contains("[DRYRUN]"), "{}", ended.output);
    assert!(!rig.maildir().root().exists() && !rig.metadata().exists(), "{}", ended.output);
}

/// Filing away is no deletion, however much it is.
#[test]
fn moving_a_whole_folder_is_no_mass_deletion() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    for n in 0..150 {
        imap.append("INBOX", "", &text(&format!("mail {n}")));
    }
    imap.create("Archive");
    rig.sync();
    for n in 0..75 {
        maildir.shift("INBOX", &format!("mail {n}"), "Archive");
    }
    imap.command("SELECT INBOX");
    imap.command("UID MOVE 76:150 Archive");
    rig.sync();
    let world = rig.same_mail("after the move");
    assert_eq!(world.get("INBOX").map(Vec::len), Some(0));
    let mut subjects: Vec<_> =
        world.get("Archive").unwrap().iter().map(|mail| mail.content.clone()).collect();
    let mut expected: Vec<_> =
        (0..150).map(|n| lf(&simple(&format!("mail {n}")).to_bytes())).collect();
    subjects.sort();
    expected.sort();
    assert!(subjects == expected, "something was lost, or is twice");
    rig.does_nothing("after the move");
}

#[test]
fn a_folder_directory_that_vanished_is_filled_again() {
    type Damage = fn(&Rig);
    let damages: [(&str, Damage); 3] = [
        ("removed", |rig| fs::remove_dir_all(rig.maildir().folder("INBOX")).unwrap()),
        ("replaced by an empty folder", |rig| {
            fs::remove_dir_all(rig.maildir().folder("INBOX")).unwrap();
            rig.maildir().create("INBOX");
        }),
        ("emptied with its identity", |rig| {
            // As by a restore of directories without files.
            for part in ["cur", "new", "tmp"] {
                fs::remove_dir_all(rig.maildir().folder("INBOX").join(part)).unwrap();
            }
            let id = rig.maildir().folder("INBOX").join(".offlineimap-id");
            fs::remove_file(id).unwrap();
            rig.maildir().create("INBOX");
        }),
    ];
    for (what, damage) in damages {
        let stage = Stage::set(|rig| {
            mail_on_both_sides(rig);
            rig.sync();
        });
        damage(&stage.rig);
        let there = stage.rig.remote_world();
        stage.rig.sync();
        assert_eq!(stage.rig.remote_world(), there, "{what}: nothing is deleted on the server");
        stage.assert_holds(FIRST, what);
        stage.rig.does_nothing(what);
    }
}

/// A root that is gone is most likely not mounted: nothing is done until somebody says otherwise.
#[test]
fn a_root_that_vanished_is_not_filled_before_it_is_back() {
    let stage = Stage::set(|rig| {
        mail_on_both_sides(rig);
        rig.sync();
    });
    let rig = &stage.rig;
    let (root, away) = (rig.maildir().root(), rig.home().join("away"));
    let there = rig.remote_world();
    for what in ["removed", "an empty directory"] {
        fs::rename(&root, &away).unwrap();
        if what != "removed" {
            fs::create_dir(&root).unwrap();
        }
        drop(rig.overheard());
        let ended = rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{what}: {}", ended.output);
        assert!(ended.output.contains("is missing or empty"), "{what}: {}", ended.output);
        assert_eq!(rig.remote_world(), there, "{what}");
        drop(fs::remove_dir(&root));
        assert!(!root.exists(), "{what}: nothing is put there");
        fs::rename(&away, &root).unwrap();
        rig.does_nothing("when the root is back");
    }

    // Removed on purpose, and the state with it.
    fs::remove_dir_all(&root).unwrap();
    fs::remove_file(rig.state()).unwrap();
    rig.sync();
    assert_eq!(rig.remote_world(), there, "nothing is deleted on the server");
    stage.assert_holds(FIRST, "after everything was removed on purpose");
    rig.does_nothing("after that");
}

/// A root that was replaced by another one, with some of its folders and other mail.
#[test]
fn a_root_that_was_replaced_is_completed() {
    let stage = Stage::set(|rig| {
        mail_on_both_sides(rig);
        rig.sync();
    });
    let rig = &stage.rig;
    let root = rig.maildir().root();
    let backup = rig.home().join("backup");
    copy_tree(&root.join("INBOX"), &backup.join("INBOX"));
    fs::remove_dir_all(&root).unwrap();
    copy_tree(&backup, &root);
    fs::remove_file(root.join("INBOX/.offlineimap-id")).unwrap();
    rig.maildir().remove("INBOX", "old 3");
    let there = rig.remote_world();
    rig.sync();
    assert_eq!(rig.remote_world(), there, "nothing is deleted on the server");
    stage.assert_holds(FIRST, "after the root was replaced");
    rig.does_nothing("after the root was replaced");
}
