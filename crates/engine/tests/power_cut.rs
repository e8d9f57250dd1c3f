//! The power-cut matrix: for every n, cut the power before effect n, resume, and compare with the
//! uninterrupted run; then one more run does nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with other test files")]
mod rig;

use offlineimap_testkit::memory_store::{
    AfterCut, Answers, Arrival, Expunging, MemoryStore, PowerSwitch, Unsynced,
};
use rig::{Rig, delete, deliver, deliver_anonymous, key, set_flags};

/// How the stores of a row of the matrix behave.
#[derive(Debug, Clone, Copy)]
struct Kind {
    answers: Answers,
    arrival: Arrival,
    unsynced: Unsynced,
    local: Local,
}

#[derive(Debug, Clone, Copy)]
enum Local {
    Maildir,
    Imap,
}

impl Kind {
    fn rig(self) -> Rig {
        let imap =
            |name| MemoryStore::numbering(name).answering(self.answers).arriving(self.arrival);
        let local = match self.local {
            Local::Maildir => MemoryStore::naming("Local"),
            Local::Imap => imap("Local").separated_by(Some('.')),
        };
        Rig::over(imap("Remote"), local)
    }
}

/// The state before the interrupted run: some mail that was synced, then changed on both sides in
/// every way.
async fn changed(kind: Kind) -> Rig {
    let rig = kind.rig();
    let (remote, local) = (&rig.remote, &rig.local);
    for n in 0..12 {
        deliver(remote, "INBOX", &format!("old {n}"), if n % 2 == 0 { "S" } else { "" });
    }
    deliver(remote, "Lists/rust", "list", "");
    rig.sync_well().await;
    rig.same_mail();

    deliver(remote, "INBOX", "new remote 1", "S");
    deliver(remote, "INBOX", "new remote 2", "");
    deliver_anonymous(remote, "INBOX", "new remote anonymous");
    deliver(local, "INBOX", "new local 1", "F");
    deliver(local, "INBOX", "new local 2", "");
    deliver_anonymous(local, "INBOX", "new local anonymous");
    set_flags(remote, "INBOX", "old 0", "FS");
    set_flags(local, "INBOX", "old 1", "RS");
    set_flags(remote, "INBOX", "old 2", "FS");
    set_flags(local, "INBOX", "old 2", "RS");
    set_flags(remote, "INBOX", "old 3", "S");
    set_flags(local, "INBOX", "old 3", "S");
    delete(remote, "INBOX", "old 4");
    delete(local, "INBOX", "old 5");
    delete(remote, "INBOX", "old 6");
    delete(local, "INBOX", "old 6");
    set_flags(remote, "INBOX", "old 7", "FS");
    delete(local, "INBOX", "old 7");
    delete(remote, "INBOX", "old 8");
    set_flags(local, "INBOX", "old 8", "FS");
    // Moved on either side.
    remote.user().move_message("INBOX", &key(remote, "INBOX", "old 9"), "Archive");
    local.user().move_message("INBOX", &key(local, "INBOX", "old 10"), "Lists.rust");
    // A folder only here, one only there.
    deliver(local, "Only.local", "in a new local folder", "S");
    deliver(remote, "Only/remote", "in a new remote folder", "S");
    rig
}

const EXPECTED: &[&str] = &[
    "Archive: Subject: old 9 []",
    "INBOX: Subject: new local 1 [F]",
    "INBOX: Subject: new local 2 []",
    "INBOX: Subject: new local anonymous []",
    "INBOX: Subject: new remote 1 [S]",
    "INBOX: Subject: new remote 2 []",
    "INBOX: Subject: new remote anonymous []",
    "INBOX: Subject: old 0 [FS]",
    "INBOX: Subject: old 1 [RS]",
    "INBOX: Subject: old 11 []",
    "INBOX: Subject: old 2 [FRS]",
    "INBOX: Subject: old 3 [S]",
    "Lists/rust: Subject: list []",
    "Lists/rust: Subject: old 10 [S]",
    "Only/local: Subject: in a new local folder [S]",
    "Only/remote: Subject: in a new remote folder [S]",
];

/// Runs without interruption, and returns how many steps that took.
async fn uninterrupted(kind: Kind) -> usize {
    let mut rig = changed(kind).await;
    let power = PowerSwitch::default();
    rig.repower(&power);
    rig.sync_well().await;
    assert_eq!(rig.same_mail(), EXPECTED, "{kind:?}");
    let steps = power.taken().len();
    assert!(steps > 20, "the scenario is too small to test anything: {:?}", power.taken());
    does_nothing(&mut rig, "after an uninterrupted run").await;
    steps
}

async fn does_nothing(rig: &mut Rig, when: &str) {
    let power = PowerSwitch::default();
    rig.repower(&power);
    let fetched = (rig.remote.bodies_fetched(), rig.local.bodies_fetched());
    let told = rig.sync_well().await;
    let steps: Vec<String> =
        power.taken().into_iter().filter(|step| step != "state open").collect();
    assert_eq!(steps, Vec::<String>::new(), "{when}: one more run must change nothing");
    assert_eq!(told.copied, 0, "{when}");
    assert_eq!((rig.remote.bodies_fetched(), rig.local.bodies_fetched()), fetched, "{when}");
}

async fn matrix(kind: Kind) {
    silence_power_cuts();
    let steps = uninterrupted(kind).await;
    for cut in 1..=steps {
        let mut rig = changed(kind).await;
        let power = PowerSwitch::cutting_at(cut, AfterCut::Panic);
        rig.repower(&power);
        rig.sync().await;
        assert!(power.is_off(), "{kind:?}: step {cut} of {steps} was not reached");
        let last = power.taken().last().cloned();
        rig.power_cut(kind.unsynced);
        rig.repower(&PowerSwitch::default());
        rig.sync_well().await;
        let when = format!("{kind:?}: cut at {cut} of {steps}, behind {last:?}");
        assert_eq!(rig.mail().remote, EXPECTED, "{when}: remote");
        assert_eq!(rig.mail().local, EXPECTED, "{when}: local");
        does_nothing(&mut rig, &when).await;
    }
}

/// A cut power shows as a panic of the step; everything else is a failure to be seen.
fn silence_power_cuts() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with("the power was cut")) {
            usual(info);
        }
    }));
}

#[tokio::test]
async fn the_process_dies_over_a_server_with_uidplus() {
    matrix(Kind {
        answers: Answers::Number,
        arrival: Arrival::OnStage,
        unsynced: Unsynced::Kept,
        local: Local::Maildir,
    })
    .await;
}

#[tokio::test]
async fn the_power_fails_over_a_server_with_uidplus() {
    matrix(Kind {
        answers: Answers::Number,
        arrival: Arrival::OnStage,
        unsynced: Unsynced::Lost,
        local: Local::Maildir,
    })
    .await;
}

#[tokio::test]
async fn the_process_dies_over_a_server_without_uidplus() {
    matrix(Kind {
        answers: Answers::Nothing,
        arrival: Arrival::OnStage,
        unsynced: Unsynced::Kept,
        local: Local::Maildir,
    })
    .await;
}

#[tokio::test]
async fn the_power_fails_over_a_server_without_uidplus() {
    matrix(Kind {
        answers: Answers::Nothing,
        arrival: Arrival::OnCommit,
        unsynced: Unsynced::Lost,
        local: Local::Maildir,
    })
    .await;
}

#[tokio::test]
async fn the_process_dies_between_two_servers() {
    matrix(Kind {
        answers: Answers::Number,
        arrival: Arrival::OnStage,
        unsynced: Unsynced::Kept,
        local: Local::Imap,
    })
    .await;
}

/// The very first sync, with messages that are on both sides already, after the state was lost.
#[tokio::test]
async fn the_process_dies_while_a_lost_state_is_rebuilt() {
    silence_power_cuts();
    let lost = || async {
        let rig = Rig::new();
        for n in 0..3 {
            deliver(&rig.remote, "INBOX", &format!("known {n}"), "S");
            deliver(&rig.remote, "INBOX", &format!("copied by hand {n}"), "");
        }
        rig.sync_well().await;
        // Without their hints only the content tells.
        for n in 0..3 {
            let subject = format!("copied by hand {n}");
            delete(&rig.local, "INBOX", &subject);
            std::fs::remove_dir_all(rig.metadata.path().join("Account-Test")).ok();
            deliver(&rig.local, "INBOX", &subject, "");
        }
        rig
    };
    let expected = lost().await.mail().remote;
    let mut whole = lost().await;
    let power = PowerSwitch::default();
    whole.repower(&power);
    let told = whole.sync_well().await;
    assert_eq!(told.copied, 0, "nothing has to be transferred");
    assert_eq!(whole.same_mail(), expected);
    for cut in 1..=power.taken().len() {
        let mut rig = lost().await;
        rig.repower(&PowerSwitch::cutting_at(cut, AfterCut::Panic));
        rig.sync().await;
        rig.repower(&PowerSwitch::default());
        rig.sync_well().await;
        assert_eq!(rig.same_mail(), expected, "cut at {cut}");
        does_nothing(&mut rig, &format!("cut at {cut}")).await;
    }
}

#[tokio::test]
async fn a_server_that_only_marks_keeps_its_marked_messages_out_of_sight() {
    let rig = Rig::over(
        MemoryStore::numbering("Remote").expunging(Expunging::MarkOnly),
        MemoryStore::naming("Local"),
    );
    deliver(&rig.remote, "INBOX", "kept", "");
    deliver(&rig.remote, "INBOX", "deleted", "");
    rig.sync_well().await;
    delete(&rig.local, "INBOX", "deleted");
    rig.sync_well().await;
    let told = rig.sync_well().await;
    assert_eq!(told.copied, 0);
    assert_eq!(rig.mail().local, ["INBOX: Subject: kept []"]);
    assert_eq!(rig.mail().remote, ["INBOX: Subject: deleted [T]", "INBOX: Subject: kept []"]);
}
