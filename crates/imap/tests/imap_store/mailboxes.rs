//! Listing, creating and opening mailboxes.

use offlineimap_core::{Access, Role, Store as _, StoreErrorKind};
use offlineimap_imap::{ImapStore, ListedMailboxes};
use offlineimap_testkit::server::{Capability, Cut, Fault, ImapServer, Misbehaviour, Quirk};

use crate::desk::{config, inbox, name, store};

async fn names(store: &ImapStore) -> Vec<String> {
    let listing = store.list().await.unwrap();
    listing.mailboxes.iter().map(|entry| entry.name.to_string()).collect()
}

#[tokio::test]
async fn mailboxes_are_listed_with_roles_and_separator() {
    for quirk in [Quirk::LowerCaseAttributes, Quirk::LiteralNames] {
        let server = ImapServer::builder().delimiter('.').quirk(quirk).start().unwrap();
        for (mailbox, attributes) in [
            ("Bin", &["\\Trash"][..]),
            ("Bad", &["\\Junk"]),
            ("box", &["\\Noselect"]),
            ("box.in \"it\"", &[]),
            ("caf&AOk-", &[]),
        ] {
            server.mail().create(mailbox);
            server.mail().set_attributes(mailbox, attributes).unwrap();
        }
        let listing = store(&server).list().await.unwrap();
        assert_eq!(listing.separator, Some('.'));
        let mut found: Vec<(String, Option<Role>)> =
            listing.mailboxes.iter().map(|entry| (entry.name.to_string(), entry.role)).collect();
        found.sort();
        let expected = [
            ("Bad", Some(Role::Junk)),
            ("Bin", Some(Role::Trash)),
            ("INBOX", None),
            ("box.in \"it\"", None),
            ("caf&AOk-", None),
        ];
        assert_eq!(found, expected.map(|(name, role)| (name.to_owned(), role)));
    }
}

#[tokio::test]
async fn a_separator_of_nil_is_a_flat_name_space() {
    let server = ImapServer::builder().quirk(Quirk::NilDelimiter).start().unwrap();
    assert_eq!(store(&server).list().await.unwrap().separator, None);
}

#[tokio::test]
async fn only_subscribed_mailboxes_are_listed_on_demand() {
    let server = ImapServer::start().unwrap();
    for mailbox in ["a", "b"] {
        server.mail().create(mailbox);
    }
    server.mail().subscribe("b");
    let mut config = config(&server);
    config.listed = ListedMailboxes::Subscribed;
    assert_eq!(names(&ImapStore::new(config)).await, ["b"]);
    assert_eq!(server.log().count("LSUB"), 1);
}

#[tokio::test]
async fn without_subscriptions_the_separator_is_known_all_the_same() {
    let server = ImapServer::start().unwrap();
    let mut config = config(&server);
    config.listed = ListedMailboxes::Subscribed;
    let listing = ImapStore::new(config).list().await.unwrap();
    assert!(listing.mailboxes.is_empty());
    assert_eq!(listing.separator, Some('/'));
}

#[tokio::test]
async fn a_refused_listing_is_an_error() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("LIST").every_time().then_no("not today"));
    let error = store(&server).list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store);
    assert!(error.to_string().contains("not today"), "{error}");
}

#[tokio::test]
async fn an_empty_listing_is_an_error() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("LIST").every_time().then(Misbehaviour::Empty));
    let error = store(&server).list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store);
}

#[tokio::test]
async fn a_listing_with_an_unreadable_line_is_an_error() {
    let server = ImapServer::start().unwrap();
    let line = "* LIST (\\HasNoChildren \"/\" broken";
    server.fail(Fault::on("LIST").every_time().then(Misbehaviour::Untagged(line.to_owned())));
    let error = store(&server).list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Store);
}

#[tokio::test]
async fn an_extended_list_that_is_not_understood_is_asked_plainly() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("LIST").containing("RETURN").every_time().then_bad("what?"));
    assert_eq!(names(&store(&server)).await, ["INBOX"]);
}

#[tokio::test]
async fn parents_are_created_first_and_only_if_missing() {
    let server = ImapServer::start().unwrap();
    let store = store(&server);
    store.create(&name("a/b*/c d")).await.unwrap();
    assert_eq!(server.mail().mailboxes(), ["INBOX", "a", "a/b*", "a/b*/c d"]);
    server.log().clear();
    store.create(&name("a/b*/e")).await.unwrap();
    assert_eq!(server.log().count("CREATE"), 1);
}

#[tokio::test]
async fn a_mailbox_that_exists_is_as_good_as_created() {
    let server = ImapServer::start().unwrap();
    server.mail().create("there");
    let store = store(&server);
    store.create(&name("there")).await.unwrap();
    server.fail(Fault::on("CREATE").every_time().then_no("CREATE Folder exist"));
    store.create(&name("there")).await.unwrap();
    store.create(&name("INBOX")).await.unwrap();
    let error = store.create(&name("not there")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("not there"), "{error}");
}

#[tokio::test]
async fn mailboxes_are_created_under_the_reference() {
    let server = ImapServer::builder().delimiter('.').start().unwrap();
    let mut config = config(&server);
    config.reference = "INBOX".to_owned();
    ImapStore::new(config).create(&name("Sent")).await.unwrap();
    assert_eq!(server.mail().mailboxes(), ["INBOX", "INBOX.Sent"]);
}

#[tokio::test]
async fn a_mailbox_is_deleted_by_its_exact_name() {
    let server = ImapServer::start().unwrap();
    for mailbox in ["caf&AOk-", "say \"no\"", "other"] {
        server.mail().create(mailbox);
    }
    let store = store(&server);
    for mailbox in ["caf&AOk-", "say \"no\""] {
        store.delete(&name(mailbox)).await.unwrap();
    }
    assert_eq!(server.mail().mailboxes(), ["INBOX", "other"]);
}

#[tokio::test]
async fn a_refused_deletion_is_an_error_with_the_words_of_the_server() {
    let server = ImapServer::start().unwrap();
    let store = store(&server);
    for mailbox in ["gone", "INBOX"] {
        let error = store.delete(&name(mailbox)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Mailbox);
        assert!(error.to_string().contains(mailbox), "{error}");
    }
    let error = store.delete(&name("INBOX")).await.unwrap_err();
    assert!(error.to_string().contains("INBOX cannot be deleted"), "{error}");
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_not_repeated() {
    let server = ImapServer::start().unwrap();
    server.mail().create("old");
    server.fail(Fault::on("DELETE").then(Misbehaviour::ExecuteThenCut(Cut::Close)));
    let error = store(&server).delete(&name("old")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ConnectionLost);
    assert_eq!(server.log().count("DELETE"), 1);
}

#[tokio::test]
async fn names_reach_the_server_as_they_are() {
    let server = ImapServer::start().unwrap();
    let store = store(&server);
    for mailbox in ["back\\slash", "st*r", "pct%40", "br]cket", "quo\"te", "uml\u{e4}ut", "NIL"] {
        store.create(&name(mailbox)).await.unwrap();
        assert!(server.mail().mailboxes().iter().any(|own| own == mailbox), "{mailbox}");
        let opened = store.open(&name(mailbox), Access::ReadWrite).await.unwrap();
        opened.observe().await.unwrap();
    }
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_cannot_be_opened() {
    let server = ImapServer::start().unwrap();
    let error = store(&server).open(&name("gone"), Access::ReadWrite).await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("gone"), "{error}");
}

#[tokio::test]
async fn a_mailbox_without_uidvalidity_cannot_be_synced() {
    let server = ImapServer::builder().quirk(Quirk::NoUidValidity).start().unwrap();
    let error = store(&server).open(&name("INBOX"), Access::ReadWrite).await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Mailbox);
    assert!(error.to_string().contains("UIDVALIDITY"), "{error}");
}

#[tokio::test]
async fn a_read_only_mailbox_says_so_and_is_left_alone() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", "Subject: x\r\n\r\n").unwrap();
    server.mail().make_read_only("INBOX").unwrap();
    let mailbox = inbox(&store(&server)).await;
    assert_eq!(mailbox.observe().await.unwrap().access, Access::ReadOnly);
    let put = crate::desk::put(&*mailbox, b"Subject: y\r\n\r\n", crate::desk::message(""));
    assert_eq!(put.await.unwrap_err().kind(), StoreErrorKind::Mailbox);
    let removed = mailbox.remove(&[crate::desk::key(1)], offlineimap_core::Removal::Expunge).await;
    assert!(removed[0].is_err());
    assert!(server.log().changing().is_empty(), "{:?}", server.log().changing());
}

#[tokio::test]
async fn looking_only_opens_by_examine_and_never_changes() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", "Subject: x\r\n\r\n").unwrap();
    let store = store(&server);
    let mailbox = store.open(&name("INBOX"), Access::ReadOnly).await.unwrap();
    assert_eq!(mailbox.observe().await.unwrap().items().len(), 1);
    let mut basket = crate::desk::Basket::default();
    mailbox.fetch(&[crate::desk::key(1)], &mut basket).await.unwrap();
    let removed = mailbox.remove(&[crate::desk::key(1)], offlineimap_core::Removal::Expunge).await;
    assert!(removed[0].is_err());
    assert_eq!(server.log().count("SELECT"), 0);
    assert!(server.log().changing().is_empty());
}

#[tokio::test]
async fn a_store_says_goodbye() {
    let server = ImapServer::builder().without(Capability::Id).start().unwrap();
    let store = store(&server);
    store.list().await.unwrap();
    store.close().await;
    assert_eq!(server.log().lines().last().map(String::as_str), Some("LOGOUT"));
    let after = store.list().await.unwrap_err();
    assert_eq!(after.kind(), StoreErrorKind::Cancelled);
}
