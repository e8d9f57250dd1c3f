//! Listing, creating, opening and observing.

use offlineimap_core::{Access, Coverage, Listing, MailboxName, StoreErrorKind};

use super::desk::{Desk, flagged, must};
use crate::message;

pub(super) async fn check(desk: &Desk<'_>) {
    created_mailboxes_are_listed_once(desk).await;
    a_mailbox_can_be_created_below_a_missing_one(desk).await;
    a_missing_mailbox_cannot_be_opened(desk).await;
    an_empty_mailbox_is_seen_completely(desk).await;
    stamps_tell_of_every_change(desk).await;
    nothing_to_do_is_done(desk).await;
}

async fn created_mailboxes_are_listed_once(desk: &Desk<'_>) {
    for leaf in ["plain", "with blank"] {
        let name = &desk.fixture.mailbox(leaf);
        must(desk.store.create(name).await, "creating a mailbox");
        must(desk.store.create(name).await, "creating a mailbox that exists");
        let listing = must(desk.store.list().await, "listing");
        assert_eq!(times_listed(&listing, name), 1, "{name} is listed once: {listing:?}");
    }
}

async fn a_mailbox_can_be_created_below_a_missing_one(desk: &Desk<'_>) {
    let separator = must(desk.store.list().await, "listing").separator;
    let Some(separator) = separator else { return };
    let parent = desk.fixture.mailbox("parent");
    let child = MailboxName::new(format!("{parent}{separator}child"));
    must(desk.store.create(&child).await, "creating a mailbox below one that is missing");
    let listing = must(desk.store.list().await, "listing");
    assert_eq!(times_listed(&listing, &child), 1, "the child is listed: {listing:?}");
    assert!(times_listed(&listing, &parent) <= 1, "the parent is not listed twice: {listing:?}");
    desk.open(&child, Access::ReadWrite).await;
}

async fn a_missing_mailbox_cannot_be_opened(desk: &Desk<'_>) {
    let name = desk.fixture.mailbox("nowhere");
    let opened = match desk.store.open(&name, Access::ReadWrite).await {
        Ok(mailbox) => mailbox.observe().await.map(drop),
        Err(error) => Err(error),
    };
    let Err(error) = opened else { panic!("a mailbox that does not exist was opened") };
    assert_eq!(error.kind(), StoreErrorKind::Mailbox, "{error}");
    let listing = must(desk.store.list().await, "listing");
    assert_eq!(times_listed(&listing, &name), 0, "opening does not create");
}

async fn an_empty_mailbox_is_seen_completely(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("empty").await;
    let seen = must(mailbox.observe().await, "observing an empty mailbox");
    assert!(seen.items().is_empty(), "a new mailbox is empty");
    assert_eq!(*seen.coverage(), Coverage::Complete, "an observation is complete");
    assert_eq!(seen.access, Access::ReadWrite, "one's own mailbox can be changed");
    let again = desk.look(&name).await;
    assert_eq!(seen.epoch, again.epoch, "looking does not begin an epoch");
    if seen.token.is_some() && again.token.is_some() {
        assert_eq!(seen.token, again.token, "looking does not change the stamp");
    }
}

async fn stamps_tell_of_every_change(desk: &Desk<'_>) {
    let (name, mailbox) = desk.mailbox("stamps").await;
    let before = desk.look(&name).await;
    let wire = message::simple("stamp").to_bytes();
    let key = desk.put(&name, &*mailbox, &wire, flagged("")).await;
    let added = desk.look(&name).await;
    assert_eq!(before.epoch, added.epoch, "a new message does not begin an epoch");
    let seen_again = must(mailbox.observe().await, "observing on the handle that stored");
    assert_eq!(seen_again.items(), added.items(), "both handles see the same");
    let removed = mailbox.remove(&[key], offlineimap_core::Removal::Expunge).await;
    assert_eq!(removed.len(), 1);
    for removed in removed {
        must(removed, "removing");
    }
    let after = desk.look(&name).await;
    for (earlier, later) in [(&before, &added), (&added, &after), (&before, &after)] {
        if let (Some(earlier), Some(later)) = (&earlier.token, &later.token) {
            assert_ne!(earlier, later, "equal stamps mean that nothing has changed");
        }
    }
}

async fn nothing_to_do_is_done(desk: &Desk<'_>) {
    let (_, mailbox) = desk.mailbox("idle").await;
    assert!(mailbox.commit(Vec::new()).await.is_empty());
    assert!(mailbox.bind(Vec::new()).await.is_empty());
    assert!(mailbox.change_flags(Vec::new()).await.is_empty());
    assert!(mailbox.remove(&[], offlineimap_core::Removal::Expunge).await.is_empty());
    assert!(must(mailbox.present(&[]).await, "asking for nobody").is_empty());
    assert!(desk.fetch(&*mailbox, &[]).await.messages.is_empty());
    let scope = offlineimap_core::Scope::Keys(&[]);
    assert!(must(mailbox.fingerprints(scope).await, "fingerprints of nobody").is_empty());
}

fn times_listed(listing: &Listing, name: &MailboxName) -> usize {
    listing.mailboxes.iter().filter(|entry| entry.name == *name).count()
}
