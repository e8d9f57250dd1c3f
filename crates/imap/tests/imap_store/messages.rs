//! Looking at messages, fetching, storing, changing and removing them.

use std::collections::BTreeSet;
use std::sync::Arc;

use offlineimap_core::{
    Applied, FlagChange, FlagSupport, Flags, InternalDate, Key, Mailbox, NewMessage, Removal,
    Removed, Scope, StoreErrorKind, Stored,
};
use offlineimap_imap::ImapStore;
use offlineimap_testkit::server::{
    Breakage, Capability, Fault, ImapServer, Misbehaviour, NewMessage as Mail, Quirk,
};

use crate::desk::{Basket, config, inbox, key, keys, message, narrow, put, store};

const LETTER: &[u8] = b"Message-ID: <1@x>\r\nSubject: x\r\n\r\nhello\r\n";

/// A server with so many messages, of which the n-th has n in its subject.
fn stocked(count: u32) -> ImapServer {
    let server = ImapServer::start().unwrap();
    for number in 1..=count {
        server.mail().add("INBOX", letter(number)).unwrap();
    }
    server
}

fn letter(number: u32) -> String {
    format!("Message-ID: <{number}@x>\r\nSubject: {number}\r\n\r\nhello\r\n")
}

#[tokio::test]
async fn an_observation_has_epoch_frontier_flags_and_support() {
    let server = stocked(1);
    let mail = Mail::new(LETTER).with_flags(&["\\Seen", "$Junk"]);
    server.mail().add("INBOX", mail).unwrap();
    let seen = inbox(&store(&server)).await.observe().await.unwrap();
    assert_eq!(seen.epoch.as_str(), server.mail().uid_validity("INBOX").unwrap().to_string());
    assert_eq!(seen.frontier.as_ref().unwrap().as_str(), "3");
    let flags: Vec<String> = seen.items().iter().map(|item| item.flags.to_string()).collect();
    assert_eq!(flags, ["", "S{$Junk}"]);
    assert_eq!(seen.support, FlagSupport::any());
}

#[tokio::test]
async fn the_first_look_costs_no_second_select() {
    let server = stocked(2);
    let mailbox = inbox(&narrow(&server)).await;
    server.mail().expunge("INBOX", 1).unwrap();
    server.mail().add("INBOX", LETTER).unwrap();
    let seen = mailbox.observe().await.unwrap();
    assert_eq!(seen.items().iter().map(|item| item.key.clone()).collect::<Vec<_>>(), keys([2, 3]));
    let lines = server.log().lines();
    assert_eq!(lines[lines.len() - 3..], ["SELECT INBOX", "NOOP", "UID FETCH 1:* (FLAGS)"]);
    // A later one asks for the UIDVALIDITY again.
    mailbox.observe().await.unwrap();
    assert_eq!(server.log().count("SELECT"), 2);
}

#[tokio::test]
async fn without_uidnext_the_frontier_is_above_the_highest_uid() {
    let server = ImapServer::builder().quirk(Quirk::NoUidNext).start().unwrap();
    let mailbox = inbox(&store(&server)).await;
    assert_eq!(mailbox.observe().await.unwrap().frontier.unwrap().as_str(), "1");
    server.mail().skip_to_uid("INBOX", 70).unwrap();
    server.mail().add("INBOX", LETTER).unwrap();
    assert_eq!(mailbox.observe().await.unwrap().frontier.unwrap().as_str(), "71");
}

#[tokio::test]
async fn only_flags_that_the_server_keeps_are_supported() {
    let server = ImapServer::builder().quirk(Quirk::NoNewKeywords).start().unwrap();
    let seen = inbox(&store(&server)).await.observe().await.unwrap();
    let keyword = Flags::default().with_keyword("never-heard-of");
    assert!(keyword.supported_by(&seen.support).is_empty());
}

#[tokio::test]
async fn a_listing_that_does_not_add_up_is_looked_at_again() {
    let server = stocked(3);
    let mailbox = inbox(&narrow(&server)).await;
    let short = "* 1 FETCH (UID 1 FLAGS ())\r\n{tag} OK done\r\n".to_owned();
    server.fail(Fault::on("UID FETCH").then(Misbehaviour::Raw(short.clone())));
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 3);
    server.clear_faults();
    server.fail(Fault::on("UID FETCH").every_time().then(Misbehaviour::Raw(short)));
    let error = mailbox.observe().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("lists 1 messages but says that it has 3"), "{error}");
}

#[tokio::test]
async fn unreadable_flags_are_never_no_flags() {
    let server = stocked(2);
    let mailbox = inbox(&narrow(&server)).await;
    let broken = "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n\
                  * 2 FETCH (UID 2 FLAGS (a\"b))\r\n{tag} OK done\r\n";
    server.fail(Fault::on("UID FETCH").then(Misbehaviour::Raw(broken.to_owned())));
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 2);
    server.fail(Fault::on("UID FETCH").every_time().then(Misbehaviour::Raw(broken.to_owned())));
    let error = mailbox.observe().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("UID 2"), "{error}");
}

#[tokio::test]
async fn news_within_a_listing_are_merged_into_it() {
    let server = stocked(2);
    let news = "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n\
                * 1 FETCH (FLAGS (\\Flagged))\r\n* 1 FETCH (FLAGS (\\Seen) UID 1)\r\n\
                * 3 EXISTS\r\n{tag} OK done\r\n";
    let mailbox = inbox(&narrow(&server)).await;
    server.fail(Fault::on("UID FETCH").then(Misbehaviour::Raw(news.to_owned())));
    let seen = mailbox.observe().await.unwrap();
    let flags: Vec<String> = seen.items().iter().map(|item| item.flags.to_string()).collect();
    assert_eq!(flags, ["S", ""]);
}

#[tokio::test]
async fn a_refused_listing_of_an_emptied_mailbox_is_an_empty_listing() {
    let server = stocked(1);
    let mailbox = inbox(&narrow(&server)).await;
    let gone = "* 1 EXPUNGE\r\n{tag} BAD no matching messages\r\n".to_owned();
    server.fail(Fault::on("UID FETCH").then(Misbehaviour::Raw(gone)));
    // Looked at again, because it changed; and then it is as it is.
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 1);
}

#[tokio::test]
async fn many_messages_are_fetched_in_few_commands() {
    let server = stocked(700);
    let mailbox = inbox(&store(&server)).await;
    server.log().clear();
    let mut basket = Basket::default();
    mailbox.fetch(&keys(1..=700), &mut basket).await.unwrap();
    assert_eq!(basket.received.len(), 700);
    assert_eq!(basket.octets(345), letter(345).as_bytes());
    assert_eq!(server.log().count("UID FETCH"), 5);
    assert_eq!(basket.received[&key(1)].0, Some(InternalDate { unix_seconds: 1_604_311_200 }));
}

#[tokio::test]
async fn long_lists_of_uids_stay_within_the_line_that_servers_take() {
    let server = ImapServer::start().unwrap();
    server.mail().skip_to_uid("INBOX", 3_000_000_000).unwrap();
    let mut uids = Vec::new();
    for _ in 0..1500 {
        let uid = server.mail().add("INBOX", LETTER).unwrap();
        uids.push(uid);
        server.mail().skip_to_uid("INBOX", uid + 2).unwrap();
    }
    let mailbox = inbox(&store(&server)).await;
    assert_eq!(mailbox.present(&keys(uids.clone())).await.unwrap().len(), 1500);
    let change = FlagChange { add: Flags::from_letters("S"), ..FlagChange::default() };
    let changes = uids.iter().map(|uid| (key(*uid), change.clone())).collect();
    let applied = mailbox.change_flags(changes).await;
    assert!(applied.into_iter().all(|applied| applied.unwrap() == Applied::Done(())));
    let longest = server.log().lines().iter().map(String::len).max().unwrap();
    assert!(longest < 8000, "a line of {longest} octets");
}

#[tokio::test]
async fn a_message_that_cannot_be_fetched_fails_alone() {
    let why = [
        (Breakage::RefuseContent, "cannot be fetched"),
        (Breakage::OmitContent, "does not have it"),
        (Breakage::Omit, "does not have it"),
        (Breakage::NilContent, "no body"),
        (Breakage::EmptyContent, "does not give"),
    ];
    for (breakage, text) in why {
        let server = stocked(9);
        server.mail().break_message("INBOX", 4, breakage).unwrap();
        let mut basket = Basket::default();
        inbox(&store(&server)).await.fetch(&keys(1..=9), &mut basket).await.unwrap();
        assert_eq!(basket.uids(), [1, 2, 3, 5, 6, 7, 8, 9], "{breakage:?}");
        let failures = basket.failures();
        assert_eq!(failures.len(), 1, "{breakage:?}");
        assert!(failures[0].0 == 4 && failures[0].1.contains(text), "{breakage:?}: {failures:?}");
        assert_eq!(basket.failed[&key(4)].kind(), StoreErrorKind::Message);
    }
}

#[tokio::test]
async fn an_empty_message_that_is_said_to_be_empty_is_received() {
    let server = stocked(1);
    server.mail().add("INBOX", "").unwrap();
    let mut basket = Basket::default();
    inbox(&store(&server)).await.fetch(&keys(1..=2), &mut basket).await.unwrap();
    assert!(basket.failed.is_empty(), "{:?}", basket.failed);
    assert_eq!(basket.octets(2), b"");
}

#[tokio::test]
async fn uid_and_date_behind_the_body_are_found_all_the_same() {
    let server = ImapServer::builder().quirk(Quirk::UidLast).start().unwrap();
    for number in 1..=30 {
        server.mail().add("INBOX", letter(number)).unwrap();
    }
    let mut basket = Basket::default();
    inbox(&store(&server)).await.fetch(&keys(1..=30), &mut basket).await.unwrap();
    for number in 1..=30 {
        assert_eq!(basket.octets(number), letter(number).as_bytes());
        assert!(basket.received[&key(number)].0.is_some());
    }
}

#[tokio::test]
async fn keys_of_other_stores_fail_alone() {
    let server = stocked(1);
    let mailbox = inbox(&store(&server)).await;
    let strange = Key::name(*b"1.host");
    let mut basket = Basket::default();
    mailbox.fetch(&[strange.clone(), key(1)], &mut basket).await.unwrap();
    assert_eq!((basket.received.len(), basket.failed.len()), (1, 1));
    let removed = mailbox.remove(&[strange, key(1)], Removal::MarkDeleted).await;
    assert!(removed[0].is_err());
    assert_eq!(removed[1].as_ref().unwrap(), &Removed::MarkedOnly);
}

#[tokio::test]
async fn a_stored_message_has_flags_date_and_a_key() {
    for capability in [Capability::LiteralPlus, Capability::LiteralMinus] {
        let server = ImapServer::builder()
            .without(Capability::LiteralPlus)
            .with(capability)
            .start()
            .unwrap();
        let mut config = config(&server);
        config.local_offset = Arc::new(|_| -12_600);
        let mailbox = inbox(&ImapStore::new(config)).await;
        let stored = put(&*mailbox, LETTER, message("FS")).await.unwrap();
        assert_eq!(stored, Stored::At(key(1)));
        let kept = server.mail().message("INBOX", 1).unwrap();
        assert_eq!(kept.body.to_bytes(), LETTER);
        assert_eq!(kept.flags, BTreeSet::from(["\\Flagged".to_owned(), "\\Seen".to_owned()]));
        assert_eq!(kept.internal_date.unix_seconds(), 1_000_000_000);
        let line = server.log().changing().remove(0);
        assert!(line.contains("\"08-Sep-2001 22:16:40 -0330\""), "{line}");
    }
}

#[tokio::test]
async fn a_date_before_1981_is_not_told() {
    let server = ImapServer::start().unwrap();
    let mailbox = inbox(&store(&server)).await;
    let old = InternalDate { unix_seconds: 86_400 };
    put(&*mailbox, LETTER, NewMessage { date: Some(old), ..message("") }).await.unwrap();
    assert!(!server.log().changing()[0].contains("-19"), "{:?}", server.log().changing());
}

#[tokio::test]
async fn many_uploads_are_under_way_at_once() {
    let server = ImapServer::start().unwrap();
    let mailbox = inbox(&narrow(&server)).await;
    let mut staged = Vec::new();
    for number in 1..=40 {
        let body = &mut crate::desk::Octets::new(letter(number).as_bytes());
        staged.push(mailbox.stage(message(""), body).await.unwrap());
    }
    let stored = mailbox.commit(staged).await;
    let expected: Vec<Stored> = (1..=40).map(|uid| Stored::At(key(uid))).collect();
    let stored: Vec<Stored> = stored.into_iter().map(Result::unwrap).collect();
    assert_eq!(stored, expected);
    assert_eq!(server.mail().message("INBOX", 7).unwrap().body.to_bytes(), letter(7));
}

#[tokio::test]
async fn without_appenduid_the_place_is_unknown() {
    let server = ImapServer::builder().quirk(Quirk::NoAppendUid).start().unwrap();
    let mailbox = inbox(&store(&server)).await;
    let frontier = mailbox.observe().await.unwrap().frontier;
    server.mail().add("INBOX", letter(5)).unwrap();
    assert_eq!(put(&*mailbox, LETTER, message("")).await.unwrap(), Stored::Unknown);
    let found = mailbox.fingerprints(Scope::Since(frontier.as_ref())).await.unwrap();
    let ids: Vec<Option<&str>> =
        found.iter().map(|(_, print)| print.message_id.as_deref()).collect();
    assert_eq!(ids, [Some("<5@x>"), Some("<1@x>")]);
    assert_eq!(found[1].1.wire_octets, LETTER.len() as u64);
}

#[tokio::test]
async fn the_last_message_is_not_taken_for_one_beyond_the_frontier() {
    let server = stocked(3);
    let mailbox = inbox(&store(&server)).await;
    let frontier = mailbox.observe().await.unwrap().frontier;
    assert!(mailbox.fingerprints(Scope::Since(frontier.as_ref())).await.unwrap().is_empty());
    assert_eq!(mailbox.fingerprints(Scope::Since(None)).await.unwrap().len(), 3);
    assert_eq!(mailbox.fingerprints(Scope::Keys(&keys([2, 9]))).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_upload_says_why_and_others_go_on() {
    let server = ImapServer::start().unwrap();
    let mailbox = inbox(&store(&server)).await;
    for (text, kind, words) in [
        ("[OVERQUOTA] full", StoreErrorKind::Message, "over quota"),
        ("[TOOBIG] no", StoreErrorKind::Message, "too large"),
        ("[TRYCREATE] no such mailbox", StoreErrorKind::Mailbox, "no such mailbox"),
        ("go away", StoreErrorKind::Message, "go away"),
    ] {
        for misbehaviour in [
            Misbehaviour::No(text.to_owned()),
            Misbehaviour::Bad(text.to_owned()),
            Misbehaviour::RefuseLiteral(text.to_owned()),
        ] {
            server.fail(Fault::on("APPEND").then(misbehaviour.clone()));
            let error = put(&*mailbox, LETTER, message("")).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{misbehaviour:?}: {error}");
            assert!(error.to_string().contains(words), "{error}");
            server.clear_faults();
        }
    }
    assert_eq!(server.mail().uids("INBOX").unwrap(), Vec::<u32>::new());
    put(&*mailbox, LETTER, message("")).await.unwrap();
}

#[tokio::test]
async fn an_upload_refused_before_its_octets_is_skipped() {
    let server = ImapServer::builder().without(Capability::LiteralPlus).start().unwrap();
    let mailbox = inbox(&narrow(&server)).await;
    let refusal = Misbehaviour::RefuseLiteral("[OVERQUOTA] full".to_owned());
    server.fail(Fault::on("APPEND").then(refusal));
    let large = vec![b'x'; 500_000];
    let error = put(&*mailbox, &large, message("")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Message);
    put(&*mailbox, LETTER, message("")).await.unwrap();
    assert_eq!(server.log().connections(), 1, "the connection is still good");
}

#[tokio::test]
async fn a_message_beyond_the_announced_limit_is_not_even_offered() {
    let server = ImapServer::builder().append_limit_bytes(20).start().unwrap();
    let mailbox = inbox(&store(&server)).await;
    let error = put(&*mailbox, LETTER, message("")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Message);
    assert!(error.to_string().contains("at most 20"), "{error}");
    assert!(server.log().changing().is_empty());
}

#[tokio::test]
async fn equal_changes_go_together_and_keywords_with_them() {
    let server = stocked(6);
    let mailbox = inbox(&store(&server)).await;
    server.log().clear();
    let add = FlagChange {
        add: Flags::from_letters("S").with_keyword("$Done"),
        remove: Flags::from_letters("F"),
    };
    let changes = (1..=6).map(|uid| (key(uid), add.clone())).collect();
    let applied = mailbox.change_flags(changes).await;
    assert!(applied.into_iter().all(|applied| applied.unwrap() == Applied::Done(())));
    assert_eq!(
        server.log().changing(),
        ["UID STORE 1:6 +FLAGS.SILENT (\\Seen $Done)", "UID STORE 1:6 -FLAGS.SILENT (\\Flagged)",]
    );
}

#[tokio::test]
async fn nothing_is_sent_for_changes_that_change_nothing() {
    let server = stocked(1);
    let mailbox = inbox(&store(&server)).await;
    let recent = Flags::default().with_keyword("\\Recent");
    let changes = vec![
        (key(1), FlagChange::default()),
        (key(1), FlagChange { add: recent, ..FlagChange::default() }),
    ];
    for applied in mailbox.change_flags(changes).await {
        assert_eq!(applied.unwrap(), Applied::Done(()));
    }
    assert!(server.log().changing().is_empty(), "{:?}", server.log().changing());
}

#[tokio::test]
async fn a_change_refused_for_one_message_is_made_for_the_others() {
    let server = stocked(3);
    let mailbox = inbox(&store(&server)).await;
    server.fail(Fault::on("UID STORE").containing(" 1:3 ").then_no("one of them is odd"));
    server.fail(Fault::on("UID STORE").containing(" 2 ").every_time().then_no("it is odd"));
    server.mail().expunge("INBOX", 3).unwrap();
    let change = FlagChange { add: Flags::from_letters("S"), ..FlagChange::default() };
    let changes = (1..=3).map(|uid| (key(uid), change.clone())).collect();
    let applied = mailbox.change_flags(changes).await;
    assert_eq!(applied[0].as_ref().unwrap(), &Applied::Done(()));
    let error = applied[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Message);
    assert!(error.to_string().contains("it is odd"), "{error}");
    assert_eq!(applied[2].as_ref().unwrap(), &Applied::Stale);
}

async fn expunge(mailbox: &dyn Mailbox, uids: &[u32]) -> Vec<Result<Removed, StoreErrorKind>> {
    let removed = mailbox.remove(&keys(uids.iter().copied()), Removal::Expunge).await;
    removed.into_iter().map(|removed| removed.map_err(|error| error.kind())).collect()
}

#[tokio::test]
async fn only_the_given_messages_are_expunged() {
    for (builder, verb) in [
        (ImapServer::builder(), "UID EXPUNGE"),
        (ImapServer::builder().without(Capability::Uidplus), "EXPUNGE"),
    ] {
        let server = builder.start().unwrap();
        for number in 1..=4 {
            server.mail().add("INBOX", letter(number)).unwrap();
        }
        let mailbox = inbox(&store(&server)).await;
        assert_eq!(expunge(&*mailbox, &[3, 1]).await, [Ok(Removed::Expunged); 2]);
        assert_eq!(server.mail().uids("INBOX").unwrap(), [2, 4]);
        assert_eq!(server.log().count(verb), 1);
        assert_eq!(expunge(&*mailbox, &[3]).await, [Ok(Removed::Expunged)]);
    }
}

#[tokio::test]
async fn without_uidplus_messages_marked_by_others_are_spared() {
    let server = ImapServer::builder().without(Capability::Uidplus).start().unwrap();
    server.mail().add("INBOX", letter(1)).unwrap();
    server.mail().add("INBOX", Mail::new(LETTER).with_flags(&["\\Deleted"])).unwrap();
    let mailbox = inbox(&store(&server)).await;
    assert_eq!(expunge(&*mailbox, &[1]).await, [Ok(Removed::MarkedOnly)]);
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2]);
    assert_eq!(server.log().count("EXPUNGE"), 0);
}

#[tokio::test]
async fn without_uidplus_and_without_search_nothing_is_expunged() {
    for misbehaviour in [Misbehaviour::No("index broken".to_owned()), Misbehaviour::Empty] {
        let server = ImapServer::builder().without(Capability::Uidplus).start().unwrap();
        server.mail().add("INBOX", letter(1)).unwrap();
        let mailbox = inbox(&store(&server)).await;
        server.fail(Fault::on("UID SEARCH").every_time().then(misbehaviour));
        assert_eq!(expunge(&*mailbox, &[1]).await, [Err(StoreErrorKind::Message)]);
        assert_eq!(server.mail().uids("INBOX").unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_refused_removal_is_an_error() {
    for verb in ["UID STORE", "UID EXPUNGE"] {
        let server = stocked(2);
        let mailbox = inbox(&store(&server)).await;
        for misbehaviour in [Misbehaviour::No("no".to_owned()), Misbehaviour::Bad("no".to_owned())]
        {
            server.fail(Fault::on(verb).every_time().then(misbehaviour));
            assert_eq!(expunge(&*mailbox, &[1]).await, [Err(StoreErrorKind::Message)], "{verb}");
            server.clear_faults();
        }
        // Said to be done, and not done.
        server.fail(Fault::on(verb).every_time().then(Misbehaviour::Empty));
        assert_eq!(expunge(&*mailbox, &[2]).await, [Err(StoreErrorKind::Message)], "{verb}");
        assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2]);
    }
}

#[tokio::test]
async fn every_change_is_announced_before_it_is_made() {
    let server = stocked(1);
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let witness = Arc::clone(&steps);
    let mut config = config(&server);
    config.steps = offlineimap_core::Steps::witnessed_by(move |what| {
        witness.lock().unwrap().push(what.to_owned());
    });
    let store = ImapStore::new(config);
    offlineimap_core::Store::create(&store, &crate::desk::name("new")).await.unwrap();
    let mailbox = inbox(&store).await;
    mailbox.observe().await.unwrap();
    put(&*mailbox, LETTER, message("")).await.unwrap();
    let change = FlagChange { add: Flags::from_letters("S"), ..FlagChange::default() };
    let applied = mailbox.change_flags(vec![(key(1), change)]).await.remove(0);
    assert_eq!(applied.unwrap(), Applied::Done(()));
    expunge(&*mailbox, &[1]).await.remove(0).unwrap();
    assert_eq!(
        *steps.lock().unwrap(),
        [
            "imap CREATE new",
            "imap APPEND of 40 octets in INBOX",
            "imap STORE 1 +(\\Seen) in INBOX",
            "imap STORE 1 +(\\Deleted) in INBOX",
            "imap UID EXPUNGE 1 in INBOX",
        ]
    );
    assert_eq!(server.log().changing().len(), steps.lock().unwrap().len());
}
