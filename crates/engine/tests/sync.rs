//! What a sync does between two stores in memory, and what it refuses to do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with other test files")]
mod rig;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use offlineimap_core::{Access, Allowed, DeleteLimit, Direction, PerSide, Removal, StoreErrorKind};
use offlineimap_engine::Mode;
use offlineimap_testkit::faults::{Fault, Faulty, Method};
use offlineimap_testkit::memory_store::{AfterCut, Arrival, MemoryStore, PowerSwitch};
use rig::{Rig, Told, delete, deliver, files, key, set_flags};

async fn with_mail(count: usize) -> Rig {
    let rig = Rig::new();
    for n in 0..count {
        deliver(&rig.remote, "INBOX", &format!("{n}"), "S");
    }
    rig.sync_well().await;
    rig.same_mail();
    rig
}

fn subjects(store: &MemoryStore, mailbox: &str) -> BTreeSet<String> {
    let letters = store.user().letters(mailbox);
    let first = |wire: &[u8]| String::from_utf8_lossy(wire).lines().next().unwrap().to_owned();
    letters.iter().map(|letter| first(&letter.wire).replace("Subject: ", "")).collect()
}

#[tokio::test]
async fn a_dry_run_tells_everything_and_writes_nothing() {
    let rig = with_mail(3).await;
    deliver(&rig.remote, "INBOX", "new", "");
    deliver(&rig.local, "New.folder", "elsewhere", "");
    delete(&rig.local, "INBOX", "1");
    set_flags(&rig.remote, "INBOX", "2", "FS");
    let (before, mail) = (files(rig.metadata.path()), rig.mail());
    let steps = rig.power.taken().len();
    let told = rig.run(Mode::DryRun).await;
    assert_eq!(told.errors, Vec::<String>::new());
    assert_eq!(files(rig.metadata.path()), before);
    assert_eq!(rig.mail(), mail);
    assert_eq!(rig.power.taken().len(), steps);
    let planned = told.planned.join("\n");
    for word in ["NewOn(Remote)", "NewOn(Local)", "DeletedOn(Local)", "FlagsChangedOn(Remote)"] {
        assert!(planned.contains(word), "{word} is missing in {planned}");
    }
    // What was planned is what happens.
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 4);
}

#[tokio::test]
async fn a_dry_run_before_the_first_sync_creates_no_metadata() {
    let rig = Rig::new();
    deliver(&rig.remote, "INBOX", "a", "");
    let told = rig.run(Mode::DryRun).await;
    assert_eq!(told.errors, Vec::<String>::new());
    assert_eq!(told.planned.len(), 1);
    assert_eq!(files(rig.metadata.path()), []);
    assert_eq!(rig.local.user().mailboxes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_folder_with_a_new_uidvalidity_is_left_alone() {
    let rig = with_mail(3).await;
    rig.remote.user().replace("INBOX");
    deliver(&rig.remote, "INBOX", "other mail under an old number", "");
    delete(&rig.local, "INBOX", "1");
    let before = rig.mail();
    for _ in 0..2 {
        let told = rig.sync().await;
        assert_eq!(told.epoch_problems, ["Remote:INBOX"]);
        assert_eq!(told.errors, Vec::<String>::new());
        assert_eq!(rig.mail(), before);
    }
}

#[tokio::test]
async fn a_local_server_with_a_new_uidvalidity_is_left_alone() {
    let rig = Rig::over(MemoryStore::numbering("Remote"), MemoryStore::numbering("Local"));
    for subject in ["1", "2", "3"] {
        deliver(&rig.remote, "INBOX", subject, "");
    }
    rig.sync_well().await;
    rig.local.user().replace("INBOX");
    for subject in ["other mail", "under", "old numbers"] {
        deliver(&rig.local, "INBOX", subject, "");
    }
    delete(&rig.remote, "INBOX", "1");
    set_flags(&rig.remote, "INBOX", "2", "F");
    let before = rig.mail();
    for _ in 0..2 {
        let told = rig.sync().await;
        assert_eq!(told.epoch_problems, ["Local:INBOX"]);
        assert_eq!(told.errors, Vec::<String>::new());
        assert_eq!(rig.mail(), before);
    }
}

#[tokio::test]
async fn a_replaced_local_folder_deletes_nothing() {
    let rig = with_mail(4).await;
    rig.local.user().replace("INBOX");
    let told = rig.sync_well().await;
    assert_eq!(told.copied, 4);
    assert_eq!(rig.same_mail().len(), 4);
}

#[tokio::test]
async fn a_vanished_local_folder_is_created_and_filled_again() {
    let rig = with_mail(4).await;
    rig.local.user().delete_mailbox("INBOX");
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 4);
}

#[tokio::test]
async fn a_vanished_remote_folder_is_created_and_filled_again() {
    let rig = with_mail(4).await;
    rig.remote.user().delete_mailbox("INBOX");
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 4);
}

#[tokio::test]
async fn a_lost_state_costs_no_transfer() {
    let rig = with_mail(5).await;
    std::fs::remove_dir_all(rig.metadata.path().join("Account-Test")).unwrap();
    set_flags(&rig.local, "INBOX", "1", "FS");
    let told = rig.sync_well().await;
    assert_eq!(told.copied, 0);
    assert_eq!(rig.same_mail().len(), 5);
}

#[tokio::test]
async fn a_damaged_state_is_set_aside_and_found_out_again() {
    let rig = with_mail(5).await;
    std::fs::write(rig.state_file(), b"this was a database once").unwrap();
    let told = rig.sync_well().await;
    assert_eq!(told.copied, 0);
    assert_eq!(told.warnings.len(), 1, "{:?}", told.warnings);
    assert!(rig.metadata.path().join("Account-Test/state.sqlite.damaged-1").exists());
    assert_eq!(rig.same_mail().len(), 5);
}

#[tokio::test]
async fn a_hint_of_another_account_is_not_believed() {
    // The Maildir of one account is put in the place of another's; numbers and folders agree.
    let mine = with_mail(3).await;
    let yours = Rig::new();
    for n in 0..3 {
        deliver(&yours.remote, "INBOX", &format!("yours {n}"), "S");
    }
    let mixed = Rig::over(yours.remote.clone(), mine.local.clone());
    mixed.sync_well().await;
    let mail = mixed.same_mail();
    assert_eq!(mail.len(), 6, "both are kept: {mail:?}");
}

async fn wiped(count: usize, left: usize) -> (Rig, Told) {
    let rig = with_mail(count).await;
    for n in left..count {
        delete(&rig.local, "INBOX", &format!("{n}"));
    }
    let told = rig.sync().await;
    (rig, told)
}

#[tokio::test]
async fn deleting_more_than_half_of_a_big_folder_is_refused_until_allowed() {
    let (mut rig, told) = wiped(120, 50).await;
    assert_eq!(told.refused.len(), 1);
    assert!(told.refused.join("").contains("--allow-deletes=INBOX"), "{:?}", told.refused);
    assert_eq!(rig.mail().remote.len(), 120);
    rig.allowed = Allowed::In(BTreeSet::from(["INBOX".to_owned()]));
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 50);
}

#[tokio::test]
async fn emptying_a_small_folder_is_work() {
    let (rig, told) = wiped(100, 0).await;
    assert_eq!(told.refused, Vec::<String>::new());
    assert_eq!(rig.same_mail().len(), 0);
}

#[tokio::test]
async fn filing_away_a_whole_inbox_is_work() {
    let rig = with_mail(150).await;
    for n in 0..150 {
        let key = key(&rig.local, "INBOX", &format!("{n}"));
        rig.local.user().move_message("INBOX", &key, "Archive");
    }
    rig.sync_well().await;
    let mail = rig.same_mail();
    assert_eq!(mail.len(), 150);
    assert!(mail.iter().all(|line| line.starts_with("Archive: ")));
}

#[tokio::test]
async fn emptying_trash_is_work() {
    let rig = Rig::new();
    for n in 0..150 {
        deliver(&rig.remote, "Trash", &format!("{n}"), "S");
    }
    rig.sync_well().await;
    for n in 0..150 {
        delete(&rig.remote, "Trash", &format!("{n}"));
    }
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 0);
}

#[tokio::test]
async fn one_folder_refused_does_not_stop_the_others() {
    let mut rig = with_mail(10).await;
    rig.delete_limit = DeleteLimit::Count(2);
    for n in 0..5 {
        delete(&rig.local, "INBOX", &format!("{n}"));
    }
    deliver(&rig.remote, "Other", "new", "");
    let told = rig.sync().await;
    assert_eq!(told.refused.len(), 1);
    assert_eq!(subjects(&rig.local, "Other").len(), 1);
    assert_eq!(subjects(&rig.remote, "INBOX").len(), 10);
}

#[tokio::test]
async fn nothing_flows_into_a_readonly_repository() {
    let mut rig = with_mail(3).await;
    rig.policy.sides.remote.changes = Direction::Closed;
    deliver(&rig.local, "INBOX", "mine", "");
    delete(&rig.local, "INBOX", "1");
    set_flags(&rig.local, "INBOX", "2", "FS");
    deliver(&rig.remote, "INBOX", "theirs", "");
    set_flags(&rig.remote, "INBOX", "2", "RS");
    let remote = rig.mail().remote;
    rig.sync_well().await;
    assert_eq!(rig.mail().remote, remote);
    assert_eq!(
        subjects(&rig.local, "INBOX"),
        ["0", "2", "mine", "theirs"].map(str::to_owned).into()
    );
    assert!(rig.mail().local.contains(&"INBOX: Subject: 2 [FRS]".to_owned()));
}

#[tokio::test]
async fn a_mailbox_opened_read_only_is_never_written_to() {
    let rig = with_mail(3).await;
    rig.remote.user().set_access("INBOX", Access::ReadOnly);
    deliver(&rig.local, "INBOX", "mine", "");
    delete(&rig.local, "INBOX", "1");
    set_flags(&rig.remote, "INBOX", "2", "RS");
    let remote = rig.mail().remote;
    for _ in 0..2 {
        rig.sync_well().await;
        assert_eq!(rig.mail().remote, remote);
    }
    assert!(rig.mail().local.contains(&"INBOX: Subject: mine []".to_owned()));
    assert!(rig.mail().local.contains(&"INBOX: Subject: 2 [RS]".to_owned()));
}

#[tokio::test]
async fn without_expunge_a_deleted_message_is_marked_and_does_not_come_back() {
    let mut rig = with_mail(3).await;
    rig.policy.sides.remote.removal = Removal::MarkDeleted;
    delete(&rig.local, "INBOX", "1");
    for _ in 0..3 {
        rig.sync_well().await;
        assert!(rig.mail().remote.contains(&"INBOX: Subject: 1 [ST]".to_owned()));
        assert_eq!(subjects(&rig.local, "INBOX"), ["0", "2"].map(str::to_owned).into());
    }
    // Unmarked by somebody: it comes back.
    set_flags(&rig.remote, "INBOX", "1", "S");
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 3);
}

#[tokio::test]
async fn deletions_that_are_not_carried_over_leave_the_message() {
    let mut rig = with_mail(3).await;
    rig.policy.sides.local.deletions = Direction::Closed;
    delete(&rig.local, "INBOX", "1");
    for _ in 0..2 {
        let told = rig.sync_well().await;
        assert_eq!(told.copied, 0);
        assert_eq!(rig.mail().remote.len(), 3);
        assert_eq!(rig.mail().local.len(), 2);
    }
}

#[tokio::test]
async fn folders_are_not_created_where_that_is_off() {
    let mut rig = with_mail(1).await;
    rig.policy.sides.local.creation = Direction::Closed;
    deliver(&rig.remote, "New", "a", "");
    let told = rig.sync_well().await;
    assert_eq!(told.ignored.len(), 1);
    assert_eq!(rig.local.user().mailboxes(), ["INBOX"]);
}

fn faulty_remote(rig: &mut Rig, faults: impl IntoIterator<Item = Fault>) {
    let remote = Faulty::new(rig.remote.clone(), faults);
    rig.stores = PerSide { remote: Arc::new(remote), local: Arc::new(rig.local.clone()) };
}

fn heal(rig: &mut Rig) {
    rig.repower(&PowerSwitch::default());
}

#[tokio::test]
async fn one_message_that_cannot_be_fetched_does_not_stop_the_others() {
    let mut rig = with_mail(2).await;
    let bad = deliver(&rig.remote, "INBOX", "bad", "");
    deliver(&rig.remote, "INBOX", "good", "");
    delete(&rig.remote, "INBOX", "1");
    faulty_remote(&mut rig, [Fault::for_messages(Method::Fetch, [bad], StoreErrorKind::Message)]);
    let told = rig.sync().await;
    assert_eq!(told.errors.len(), 1, "{:?}", told.errors);
    assert_eq!(subjects(&rig.local, "INBOX"), ["0", "good"].map(str::to_owned).into());
    heal(&mut rig);
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 3);
}

#[tokio::test]
async fn a_refused_upload_is_offered_again() {
    let remote = MemoryStore::numbering("Remote").arriving(Arrival::OnCommit);
    let mut rig = Rig::over(remote, MemoryStore::naming("Local"));
    deliver(&rig.local, "INBOX", "mine", "");
    faulty_remote(&mut rig, [Fault::always(Method::Commit, StoreErrorKind::Message)]);
    for _ in 0..2 {
        let told = rig.sync().await;
        assert_eq!(told.errors.len(), 1, "{:?}", told.errors);
        assert_eq!(subjects(&rig.local, "INBOX").len(), 1);
    }
    heal(&mut rig);
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_stored_although_it_was_refused_is_not_stored_twice() {
    let mut rig = with_mail(1).await;
    deliver(&rig.local, "INBOX", "mine", "");
    // This store shows a message as soon as its last octet is there, before it answers.
    faulty_remote(&mut rig, [Fault::always(Method::Commit, StoreErrorKind::Message)]);
    assert_eq!(rig.sync().await.errors.len(), 1);
    heal(&mut rig);
    assert_eq!(rig.sync_well().await.copied, 0);
    assert_eq!(rig.same_mail().len(), 2);
}

#[tokio::test]
async fn a_moved_message_that_cannot_be_stored_is_not_deleted_in_its_old_folder() {
    let mut rig = with_mail(3).await;
    rig.local.user().move_message("INBOX", &key(&rig.local, "INBOX", "1"), "Archive");
    delete(&rig.local, "INBOX", "2");
    faulty_remote(&mut rig, [Fault::always(Method::Stage, StoreErrorKind::Message)]);
    let told = rig.sync().await;
    assert_eq!(told.errors.len(), 1, "{:?}", told.errors);
    // "2" was deleted and goes; "1" is the last one on the server and stays.
    assert_eq!(subjects(&rig.remote, "INBOX"), ["0", "1"].map(str::to_owned).into());
    heal(&mut rig);
    rig.sync_well().await;
    assert_eq!(rig.same_mail(), ["Archive: Subject: 1 [S]", "INBOX: Subject: 0 [S]"]);
}

#[tokio::test]
async fn one_folder_that_cannot_be_opened_does_not_stop_the_others() {
    let mut rig = with_mail(1).await;
    deliver(&rig.remote, "Other", "a", "");
    faulty_remote(&mut rig, [Fault::nth(Method::Observe, 1, StoreErrorKind::Mailbox)]);
    let told = rig.sync().await;
    assert_eq!(told.errors.len(), 1, "{:?}", told.errors);
    assert_eq!(subjects(&rig.local, "Other").len(), 1);
}

#[tokio::test]
async fn a_refused_listing_creates_nothing() {
    let mut rig = with_mail(2).await;
    faulty_remote(&mut rig, [Fault::always(Method::List, StoreErrorKind::Store)]);
    let before = rig.mail();
    let told = rig.sync().await;
    assert_eq!(told.errors.len(), 1, "{:?}", told.errors);
    assert_eq!(rig.mail(), before);
}

#[tokio::test]
async fn answers_that_are_lost_duplicate_nothing() {
    for method in [Method::Commit, Method::ChangeFlags, Method::Remove, Method::Stage] {
        let mut rig = with_mail(3).await;
        deliver(&rig.local, "INBOX", "mine", "F");
        set_flags(&rig.local, "INBOX", "0", "FS");
        delete(&rig.local, "INBOX", "1");
        let lost = Fault::nth(method, 1, StoreErrorKind::ConnectionLost).losing_the_answer();
        faulty_remote(&mut rig, [lost]);
        rig.sync().await;
        heal(&mut rig);
        rig.sync_well().await;
        assert_eq!(rig.same_mail().len(), 3, "{method:?}");
        assert_eq!(rig.sync_well().await.copied, 0, "{method:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_can_be_resumed() {
    let mut rig = with_mail(1).await;
    for n in 0..50 {
        deliver(&rig.remote, "INBOX", &format!("later {n}"), "");
    }
    rig.stop.cancel();
    let told = rig.sync().await;
    assert_eq!(told.errors, Vec::<String>::new());
    rig.stop = tokio_util::sync::CancellationToken::new();
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 51);
}

#[tokio::test]
async fn a_run_that_hangs_ends_when_it_is_asked_to_stop() {
    let changed = || async {
        let rig = with_mail(2).await;
        deliver(&rig.remote, "New", "download", "");
        deliver(&rig.local, "INBOX", "upload", "");
        set_flags(&rig.local, "INBOX", "0", "FS");
        rig
    };
    let mut whole = changed().await;
    let power = PowerSwitch::default();
    whole.repower(&power);
    whole.sync_well().await;
    // State is written by this process and does not hang; the stores do.
    let steps = power.taken();
    let hangs = |step: &str| step.contains(" in ") || step.starts_with("create");
    let hanging = (1..=steps.len()).filter(|at| steps.get(at - 1).is_some_and(|it| hangs(it)));
    let hanging: Vec<usize> = hanging.collect();
    assert!(hanging.len() > 3, "{steps:?}");
    for step in hanging {
        let mut rig = changed().await;
        let power = PowerSwitch::cutting_at(step, AfterCut::Hang);
        rig.repower(&power);
        let ask = async {
            power.wait_until_off().await;
            rig.stop.cancel();
        };
        let ended =
            tokio::time::timeout(Duration::from_mins(1), async { tokio::join!(rig.sync(), ask) });
        ended.await.unwrap_or_else(|_| panic!("step {step}: the run did not end"));
        rig.stop = tokio_util::sync::CancellationToken::new();
        rig.repower(&PowerSwitch::default());
        rig.sync_well().await;
        assert_eq!(rig.same_mail().len(), 4, "step {step}");
    }
}

#[tokio::test]
async fn a_second_instance_is_refused() {
    let rig = with_mail(1).await;
    let lock = offlineimap_engine::AccountLock::take(rig.metadata.path(), "Test").unwrap();
    deliver(&rig.remote, "INBOX", "new", "");
    let told = rig.sync().await;
    assert!(told.errors.join("").contains("Could not lock account Test"), "{:?}", told.errors);
    assert_eq!(rig.mail().local.len(), 1);
    drop(lock);
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 2);
}

#[tokio::test]
async fn two_files_that_claim_one_number_are_two_messages() {
    let rig = with_mail(2).await;
    let key = key(&rig.local, "INBOX", "1");
    rig.local.user().duplicate("INBOX", &key);
    rig.sync_well().await;
    assert_eq!(rig.same_mail().len(), 3);
    assert_eq!(rig.sync_well().await.copied, 0);
}
