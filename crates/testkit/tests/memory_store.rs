//! The memory store: it is a store, its power fails as power does, and faults hit what they say.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{
    Access, Applied, Binding, Fetched, FlagChange, FlagSupport, Flags, Key, Mailbox, MailboxName,
    NewMessage, Receiver, Removal, Removed, Scope, Store, StoreError, StoreErrorKind, Stored,
};
use offlineimap_testkit::conformance::{self, Dates, Fixture, with_all_lines_ended};
use offlineimap_testkit::faults::{Fault, Faulty, Method};
use offlineimap_testkit::memory_store::{
    AfterCut, Answers, Arrival, Expunging, MemoryStore, PowerSwitch, Unsynced,
};
use offlineimap_testkit::message::{self, Odd};

/// A memory store as a subject of the conformance suite.
struct Numbering(MemoryStore);
struct Naming(MemoryStore);

#[async_trait]
impl Fixture for Numbering {
    async fn empty_store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn dates(&self) -> Dates {
        Dates::Kept
    }
}

#[async_trait]
impl Fixture for Naming {
    async fn empty_store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn dates(&self) -> Dates {
        Dates::NotKept
    }

    fn comes_back(&self, odd: Odd) -> Option<Bytes> {
        Some(with_all_lines_ended(&odd.body().to_bytes()))
    }
}

/// Any store with a fault in front of it.
struct Broken(Faulty<MemoryStore>);

#[async_trait]
impl Fixture for Broken {
    async fn empty_store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn dates(&self) -> Dates {
        Dates::Kept
    }
}

#[tokio::test]
async fn a_numbering_store_keeps_the_contract() {
    conformance::check(&Numbering(MemoryStore::numbering("r"))).await;
}

#[tokio::test]
async fn a_numbering_store_that_stores_on_commit_keeps_the_contract() {
    let store = MemoryStore::numbering("r").arriving(Arrival::OnCommit);
    conformance::check(&Numbering(store)).await;
}

#[tokio::test]
async fn a_numbering_store_that_tells_no_number_keeps_the_contract() {
    let store = MemoryStore::numbering("r").answering(Answers::Nothing).separated_by(None);
    conformance::check(&Numbering(store)).await;
}

#[tokio::test]
async fn a_store_that_only_marks_keeps_the_contract() {
    let store = MemoryStore::numbering("r")
        .expunging(Expunging::MarkOnly)
        .supporting(FlagSupport::system_flags());
    conformance::check(&Numbering(store)).await;
}

#[tokio::test]
async fn a_naming_store_keeps_the_contract() {
    conformance::check(&Naming(MemoryStore::naming("l"))).await;
}

#[tokio::test]
async fn a_store_behind_faults_that_never_come_keeps_the_contract() {
    let never = Fault::nth(Method::Commit, usize::MAX, StoreErrorKind::Store);
    let store = Faulty::new(MemoryStore::numbering("r"), [never]);
    conformance::check(&Broken(store.clone())).await;
    assert!(store.calls(Method::Commit) > 20);
}

#[tokio::test]
async fn the_suite_notices_dates_that_are_not_kept() {
    struct Wrong(MemoryStore);
    #[async_trait]
    impl Fixture for Wrong {
        async fn empty_store(&self) -> Arc<dyn Store> {
            Arc::new(self.0.clone())
        }
        fn dates(&self) -> Dates {
            Dates::Kept
        }
        fn comes_back(&self, odd: Odd) -> Option<Bytes> {
            Some(with_all_lines_ended(&odd.body().to_bytes()))
        }
    }
    let suite = tokio::spawn(async {
        conformance::check(&Wrong(MemoryStore::naming("l"))).await;
    });
    let panic = suite.await.expect_err("the suite must not pass").into_panic();
    let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(text.contains("a date is kept"), "{text}");
}

/// Runs the suite on a store with one fault and returns the complaint.
async fn complaint_about(fault: Fault) -> String {
    let store = Faulty::new(MemoryStore::numbering("r"), [fault]);
    let suite = tokio::spawn(async move { conformance::check(&Broken(store)).await });
    let panic = suite.await.expect_err("the suite must not pass").into_panic();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_suite_notices_every_method_that_fails_once_in_a_while() {
    // The second mailbox to be opened does not exist, and some early batches are empty.
    for (method, call) in [
        (Method::List, 2),
        (Method::Create, 2),
        (Method::Open, 3),
        (Method::Observe, 2),
        (Method::Fetch, 2),
        (Method::Fingerprints, 2),
        (Method::Stage, 2),
        (Method::Commit, 3),
        (Method::Bind, 2),
        (Method::ChangeFlags, 2),
        (Method::Present, 2),
        (Method::Remove, 3),
    ] {
        let fault = Fault::nth(method, call, StoreErrorKind::Mailbox);
        for fault in [fault.clone(), fault.losing_the_answer()] {
            let complaint = complaint_about(fault).await;
            assert!(complaint.contains("injected fault"), "{method}: {complaint}");
        }
    }
}

const INBOX: &str = "INBOX";

async fn open(store: &dyn Store) -> Arc<dyn Mailbox> {
    store.create(&MailboxName::new(INBOX)).await.unwrap();
    store.open(&MailboxName::new(INBOX), Access::ReadWrite).await.unwrap()
}

fn new_message(letters: &str, counterpart: Option<u32>) -> NewMessage {
    NewMessage {
        counterpart: counterpart.map(number),
        flags: Flags::from_letters(letters),
        date: None,
    }
}

fn number(number: u32) -> Key {
    Key::number(NonZeroU32::new(number).unwrap())
}

fn flags(letters: &str) -> Flags {
    Flags::from_letters(letters)
}

fn adding(letters: &str) -> FlagChange {
    FlagChange { add: flags(letters), remove: Flags::default() }
}

/// Stores messages that are counterparts of 1, 2, 3, ... through `mailbox`.
async fn put(mailbox: &dyn Mailbox, count: u32) -> Vec<Result<Stored, StoreError>> {
    let mut staged = Vec::new();
    for counterpart in 1..=count {
        let body = message::simple(&format!("m {counterpart}"));
        let source = MemoryStore::numbering("source");
        let key = source.user().deliver(INBOX, &body, Flags::default());
        let mut relay = Relay { to: mailbox, counterpart, staged: None };
        open(&source).await.fetch(&[key], &mut relay).await.unwrap();
        match relay.staged.unwrap() {
            Ok(message) => staged.push(message),
            Err(error) => return vec![Err(error)],
        }
    }
    mailbox.commit(staged).await
}

/// Streams a message from one store into another.
struct Relay<'a> {
    to: &'a dyn Mailbox,
    counterpart: u32,
    staged: Option<Result<offlineimap_core::Staged, StoreError>>,
}

#[async_trait]
impl Receiver for Relay<'_> {
    async fn receive(
        &mut self,
        _: Fetched,
        body: &mut dyn offlineimap_core::Body,
    ) -> Result<(), StoreError> {
        let message = new_message("S", Some(self.counterpart));
        self.staged = Some(self.to.stage(message, body).await);
        Ok(())
    }

    fn failed(&mut self, key: &Key, error: StoreError) {
        panic!("{key}: {error}");
    }
}

fn kinds<T>(results: &[Result<T, StoreError>]) -> Vec<Option<StoreErrorKind>> {
    results.iter().map(|result| result.as_ref().err().map(StoreError::kind)).collect()
}

#[tokio::test]
async fn every_change_of_a_store_is_one_step() {
    let power = PowerSwitch::default();
    let store = MemoryStore::naming("l").powered_by(&power);
    let mailbox = open(&store).await;
    put(&*mailbox, 1).await;
    let [letter] = &store.user().letters(INBOX)[..] else { panic!("one message") };
    drop(mailbox.change_flags(vec![(letter.key.clone(), adding("F"))]).await);
    drop(mailbox.change_flags(vec![(letter.key.clone(), adding("F"))]).await);
    let binding = Binding { key: letter.key.clone(), counterpart: number(7) };
    let bound = mailbox.bind(vec![binding]).await;
    let Ok(Applied::Done(key)) = &bound[0] else { panic!("bound") };
    drop(mailbox.remove(std::slice::from_ref(key), Removal::Expunge).await);
    assert_eq!(
        power.taken(),
        [
            "create mailbox INBOX",
            "store a message in INBOX",
            "change flags +F of m1,U=1 in INBOX",
            "rename m1,U=1 in INBOX",
            "expunge m1,U=7 in INBOX",
        ],
        "and a change that changes nothing is none"
    );
}

#[tokio::test]
async fn at_the_chosen_step_and_after_it_nothing_happens_any_more() {
    // Steps: create, store, store, store.
    let power = PowerSwitch::cutting_at(3, AfterCut::Fail);
    let store = MemoryStore::naming("l").powered_by(&power);
    let mailbox = open(&store).await;
    let lost = Some(StoreErrorKind::ConnectionLost);
    assert_eq!(kinds(&put(&*mailbox, 3).await), [lost, lost, lost], "nobody hears an answer");
    assert!(power.is_off());
    assert_eq!(power.taken().len(), 2);
    assert_eq!(mailbox.observe().await.unwrap_err().kind(), StoreErrorKind::ConnectionLost);
    assert!(store.list().await.is_err());

    power.restore();
    assert_eq!(store.user().letters(INBOX).len(), 1, "the first was stored before the cut");
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 1);
}

#[tokio::test]
async fn power_cut_before_the_answer_takes_what_was_not_promised() {
    for (unsynced, left) in [(Unsynced::Kept, 2), (Unsynced::Lost, 0)] {
        let power = PowerSwitch::cutting_at(4, AfterCut::Fail);
        let store = MemoryStore::numbering("r").powered_by(&power);
        let mailbox = open(&store).await;
        drop(put(&*mailbox, 3).await);
        store.power_cut(unsynced);
        assert_eq!(store.user().letters(INBOX).len(), left, "{unsynced:?}");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_power_cut() {
    let store = MemoryStore::naming("l");
    let mailbox = open(&store).await;
    put(&*mailbox, 3).await;
    let keys: Vec<Key> = store.user().letters(INBOX).into_iter().map(|it| it.key).collect();
    drop(mailbox.change_flags(vec![(keys[0].clone(), adding("F"))]).await);
    drop(mailbox.bind(vec![Binding { key: keys[1].clone(), counterpart: number(9) }]).await);
    drop(mailbox.remove(&keys[2..], Removal::Expunge).await);
    let before = store.user().letters(INBOX);
    store.power_cut(Unsynced::Lost);
    assert_eq!(store.user().letters(INBOX), before);
    assert_eq!(before.len(), 2);
    assert_eq!(before[0].flags, flags("FS"));
    assert_eq!(before[1].hint, Some(number(9)));
}

#[tokio::test]
async fn a_run_without_power_hangs_and_can_be_dropped() {
    let power = PowerSwitch::cutting_at(2, AfterCut::Hang);
    let store = MemoryStore::naming("l").powered_by(&power);
    let run = async {
        let mailbox = open(&store).await;
        put(&*mailbox, 1).await;
    };
    tokio::select! {
        () = run => panic!("the run must not end"),
        () = power.wait_until_off() => {}
        () = tokio::time::sleep(Duration::from_mins(1)) => panic!("nobody cut the power"),
    }
    power.restore();
    assert_eq!(store.user().letters(INBOX), []);
}

#[test]
fn a_step_without_power_panics_if_asked_to() {
    let power = PowerSwitch::cutting_at(1, AfterCut::Panic);
    let steps = power.steps();
    let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| steps.step("write row")));
    let text = step.unwrap_err().downcast_ref::<String>().cloned().unwrap();
    assert_eq!(text, "the power was cut at step 1: write row");
    assert!(power.is_off());
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_found_from_the_frontier_on() {
    let fault = Fault::nth(Method::Commit, 1, StoreErrorKind::ConnectionLost).losing_the_answer();
    let store = Faulty::new(MemoryStore::numbering("r"), [fault]);
    let mailbox = open(&store).await;
    let frontier = mailbox.observe().await.unwrap().frontier;
    let lost = Some(StoreErrorKind::ConnectionLost);
    assert_eq!(kinds(&put(&*mailbox, 2).await), [lost, lost]);
    let found = mailbox.fingerprints(Scope::Since(frontier.as_ref())).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(kinds(&put(&*mailbox, 1).await) == [None], "the fault hits once");
}

#[tokio::test]
async fn faults_of_single_messages_leave_the_others_alone() {
    let store = Faulty::new(MemoryStore::numbering("r"), []);
    let user = store.inner().user();
    let keys: Vec<Key> = ["a", "b", "c"]
        .map(|subject| user.deliver(INBOX, &message::simple(subject), flags("")))
        .into();
    let refused = Some(StoreErrorKind::Message);
    for method in [Method::ChangeFlags, Method::Remove, Method::Fetch] {
        store.inject(Fault::for_messages(method, [keys[1].clone()], StoreErrorKind::Message));
    }
    let mailbox = open(&store).await;
    let changes = keys.iter().map(|key| (key.clone(), adding("F"))).collect();
    assert_eq!(kinds(&mailbox.change_flags(changes).await), [None, refused, None]);
    let letters = || -> Vec<String> {
        user.letters(INBOX).iter().map(|letter| letter.flags.letters()).collect()
    };
    assert_eq!(letters(), ["F", "", "F"], "refused before the effect");

    store.heal();
    let fault = Fault::for_messages(Method::Remove, [keys[1].clone()], StoreErrorKind::Message);
    store.inject(fault.losing_the_answer());
    let removed = mailbox.remove(&keys[1..], Removal::Expunge).await;
    assert_eq!(kinds(&removed), [refused, None]);
    assert!(matches!(removed[1], Ok(Removed::Expunged)));
    assert_eq!(letters(), ["F"], "the answer was lost, not the effect");
}

#[tokio::test]
async fn a_fetch_can_break_off_in_the_middle_of_a_message() {
    struct Measuring(u64, Option<StoreErrorKind>);
    #[async_trait]
    impl Receiver for Measuring {
        async fn receive(
            &mut self,
            _: Fetched,
            body: &mut dyn offlineimap_core::Body,
        ) -> Result<(), StoreError> {
            loop {
                match body.chunk().await {
                    Ok(Some(chunk)) => self.0 += chunk.len() as u64,
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        self.1 = Some(error.kind());
                        return Ok(());
                    }
                }
            }
        }
        fn failed(&mut self, key: &Key, _: StoreError) {
            panic!("{key} failed");
        }
    }
    let store = MemoryStore::numbering("r");
    let key = store.user().deliver(INBOX, &message::random(1, 300_000), flags(""));
    let fault = Fault::for_messages(Method::Fetch, [key.clone()], StoreErrorKind::ConnectionLost);
    let store = Faulty::new(store, [fault.losing_the_answer()]);
    let mut measuring = Measuring(0, None);
    open(&store).await.fetch(&[key], &mut measuring).await.unwrap();
    assert_eq!((measuring.0, measuring.1), (150_000, Some(StoreErrorKind::ConnectionLost)));
    assert_eq!(store.inner().bodies_fetched(), 1);
}

#[tokio::test]
async fn a_read_only_mailbox_says_so_and_refuses_changes() {
    let store = MemoryStore::numbering("r");
    let key = store.user().deliver(INBOX, &message::simple("a"), flags(""));
    store.user().set_access(INBOX, Access::ReadOnly);
    let mailbox = open(&store).await;
    assert_eq!(mailbox.observe().await.unwrap().access, Access::ReadOnly);
    let refused = Some(StoreErrorKind::Mailbox);
    assert_eq!(kinds(&mailbox.change_flags(vec![(key, adding("S"))]).await), [refused]);
    assert_eq!(kinds(&put(&*mailbox, 1).await), [refused]);
    assert_eq!(store.user().letters(INBOX)[0].flags, flags(""));
}

#[tokio::test]
async fn a_mailbox_replaced_while_it_is_open_is_of_no_use() {
    let store = MemoryStore::numbering("r");
    let key = store.user().deliver(INBOX, &message::simple("a"), flags(""));
    let mailbox = open(&store).await;
    let before = mailbox.observe().await.unwrap();
    store.user().replace(INBOX);
    store.user().deliver(INBOX, &message::simple("b"), flags(""));
    let removed = mailbox.remove(&[key], Removal::Expunge).await;
    assert_eq!(kinds(&removed), [Some(StoreErrorKind::Mailbox)], "it is another message now");
    assert_eq!(store.user().letters(INBOX).len(), 1);
    let after = open(&store).await.observe().await.unwrap();
    assert_ne!(before.epoch, after.epoch);
}

#[tokio::test]
async fn the_user_moves_renames_and_duplicates() {
    let store = MemoryStore::naming("l");
    let user = store.user();
    let first = user.deliver(INBOX, &message::simple("a"), flags("F"));
    let renamed = user.rename(INBOX, &first);
    let copy = user.duplicate(INBOX, &renamed);
    assert_ne!(renamed, first);
    let moved = user.move_message(INBOX, &copy, "Archive");
    assert_eq!(user.mailboxes(), ["Archive", "INBOX"]);
    let [left] = &user.letters(INBOX)[..] else { panic!("one is left") };
    assert_eq!((&left.key, &left.flags), (&renamed, &flags("F")));
    assert_eq!(left.wire, message::simple("a").to_bytes());
    user.set_flags("Archive", &moved, flags("S"));
    assert_eq!(user.letters("Archive")[0].flags, flags("S"));
    user.delete("Archive", &moved);
    user.delete_mailbox("Archive");
    assert_eq!(user.mailboxes(), ["INBOX"]);
}
