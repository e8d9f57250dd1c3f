//! Restrictions and quick runs between two stores in memory, where a real one cannot be brought
//! into the situation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with other test files")]
mod rig;

use std::fs;

use offlineimap_core::{DeleteLimit, Side, StoreErrorKind};
use offlineimap_engine::{Mode, Pace, Period, Restrictions, Since, export};
use offlineimap_testkit::faults::{Fault, Faulty, Method};
use offlineimap_testkit::memory_store::MemoryStore;
use rig::{Rig, Told, delete, deliver, set_flags};

/// Messages in the memory store have no date, and so none is recent: a start date must have begun
/// before.
fn start_date(side: Side) -> Restrictions {
    let since = Since { day: 20_000, unix_seconds: 20_000 * 86_400 };
    Restrictions { largest: None, period: Period::StartDate(side, since) }
}

async fn quick(rig: &mut Rig) -> Told {
    rig.pace = Pace::Quick;
    let told = rig.sync().await;
    rig.pace = Pace::Full;
    told
}

#[tokio::test]
async fn a_start_date_of_offlineimap_is_gone_on_with_and_given_back() {
    for side in Side::BOTH {
        let mut rig = Rig::over(MemoryStore::numbering("Remote"), MemoryStore::numbering("Local"));
        for subject in ["1", "2", "3", "4"] {
            deliver(&rig.remote, "INBOX", subject, "S");
        }
        rig.sync_well().await;
        let told = export(&rig.account(Mode::Sync, &std::sync::Arc::default())).await.unwrap();
        assert_eq!(told.messages, 4);
        let repository =
            if side == Side::Remote { "Repository-Remote" } else { "Repository-Local" };
        let start = rig.metadata.path().join(repository).join("StartUID/INBOX");
        fs::create_dir_all(start.parent().unwrap()).unwrap();
        fs::write(&start, "3\n").unwrap();

        rig.restrictions = start_date(side);
        let told = rig.sync_well().await;
        assert_eq!((told.adopted, told.copied), (4, 0), "{told:?}");
        delete(&rig.local, "INBOX", "1");
        delete(&rig.local, "INBOX", "3");
        set_flags(&rig.remote, "INBOX", "2", "FS");
        set_flags(&rig.remote, "INBOX", "4", "FS");
        deliver(&rig.remote, "INBOX", "5", "");
        for _ in 0..2 {
            rig.sync_well().await;
            let mail = rig.mail();
            assert_eq!(mail.remote.len(), 4, "{mail:?}");
            assert_eq!(mail.local.len(), 3, "{mail:?}");
            assert!(mail.local.contains(&"INBOX: Subject: 2 [S]".to_owned()), "{mail:?}");
            assert!(mail.local.contains(&"INBOX: Subject: 4 [FS]".to_owned()), "{mail:?}");
        }

        fs::remove_file(&start).unwrap();
        export(&rig.account(Mode::Sync, &std::sync::Arc::default())).await.unwrap();
        assert_eq!(fs::read_to_string(&start).unwrap(), "3\n", "{side}");
    }
}

#[tokio::test]
async fn a_quick_run_skips_folders_without_news_and_no_others() {
    let mut rig = Rig::new();
    for folder in ["A", "B", "C"] {
        deliver(&rig.remote, folder, &format!("1{folder}"), "");
    }
    rig.sync_well().await;
    assert_eq!(quick(&mut rig).await.skipped, ["A", "B", "C"]);
    deliver(&rig.remote, "A", "2A", "");
    set_flags(&rig.local, "C", "1C", "F");
    let told = quick(&mut rig).await;
    assert_eq!((told.skipped, told.copied), (vec!["B".to_owned()], 1));
    assert_eq!(rig.same_mail().len(), 4);
}

#[tokio::test]
async fn a_run_that_did_not_do_everything_is_not_believed() {
    let mut rig = Rig::new();
    deliver(&rig.remote, "INBOX", "1", "");
    rig.sync_well().await;
    let broken = deliver(&rig.remote, "INBOX", "2", "");
    let kind = StoreErrorKind::Message;
    let faulty =
        Faulty::new(rig.remote.clone(), [Fault::for_messages(Method::Fetch, [broken], kind)]);
    rig.stores.remote = std::sync::Arc::new(faulty.clone());
    assert_eq!(rig.sync().await.errors.len(), 1);
    let told = quick(&mut rig).await;
    assert_eq!((told.skipped.len(), told.errors.len()), (0, 1));
    faulty.heal();
    assert_eq!(quick(&mut rig).await.copied, 1);
    assert_eq!(rig.same_mail().len(), 2);
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_for_stamps_is_looked_at_in_full() {
    let mut rig = Rig::new();
    deliver(&rig.remote, "INBOX", "1", "");
    rig.sync_well().await;
    // The second call of this kind asks for the stamps, behind the listing.
    let fault = Fault::nth(Method::List, 2, StoreErrorKind::Mailbox);
    rig.stores.remote = std::sync::Arc::new(Faulty::new(rig.remote.clone(), [fault]));
    let told = quick(&mut rig).await;
    assert_eq!((told.skipped, told.errors), (Vec::<String>::new(), Vec::<String>::new()));
}

#[tokio::test]
async fn the_brake_counts_messages_of_folders_that_are_skipped() {
    // 450 messages, of which 120 are deleted in small folders: more than a quarter.
    let mut rig = Rig::new();
    for folder in 0..10 {
        for n in 0..45 {
            deliver(&rig.remote, &format!("F{folder}"), &format!("{folder}-{n}"), "");
        }
    }
    rig.sync_well().await;
    for folder in 0..3 {
        for n in 0..40 {
            delete(&rig.local, &format!("F{folder}"), &format!("{folder}-{n}"));
        }
    }
    rig.delete_limit = DeleteLimit::Default;
    let told = quick(&mut rig).await;
    assert_eq!(told.skipped.len(), 7, "{told:?}");
    assert_eq!(told.refused.len(), 3, "{told:?}");
    assert_eq!(rig.mail().remote.len(), 450);
}
