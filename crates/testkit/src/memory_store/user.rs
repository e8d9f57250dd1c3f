//! The user behind a [`MemoryStore`]: what another mail program would see and do.

use bytes::Bytes;
use offlineimap_core::{Access, Flags, InternalDate, Key, MailboxName};

use super::MemoryStore;
use super::world::Message;
use crate::message::Body;

/// One message as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its key.
    pub key: Key,
    /// Its octets in wire form.
    pub wire: Bytes,
    /// Its flags.
    pub flags: Flags,
    /// The hint written into it.
    pub hint: Option<Key>,
    /// The date that the store keeps with it.
    pub date: Option<InternalDate>,
}

/// Looks at a store and changes it without asking anybody. All changes are durable at once, are
/// no steps, and happen even while the power is off.
///
/// Mailboxes that do not exist are created when they are written to.
///
/// # Panics
///
/// All methods that take a key panic if there is no such message: the test is wrong.
pub struct User {
    store: MemoryStore,
}

impl User {
    pub(super) fn of(store: MemoryStore) -> Self {
        Self { store }
    }

    /// Creates a mailbox.
    pub fn create(&self, mailbox: &str) {
        self.store.world().create(&MailboxName::new(mailbox));
    }

    /// Lists the names of the mailboxes.
    pub fn mailboxes(&self) -> Vec<String> {
        self.store.world().folders.keys().map(ToString::to_string).collect()
    }

    /// Delivers a message in wire form.
    pub fn deliver(&self, mailbox: &str, body: &Body, flags: Flags) -> Key {
        self.deliver_dated(mailbox, body, flags, InternalDate { unix_seconds: 1_600_000_000 })
    }

    /// Delivers a message with a date; a naming store takes the time of delivery instead.
    pub fn deliver_dated(
        &self,
        mailbox: &str,
        body: &Body,
        flags: Flags,
        date: InternalDate,
    ) -> Key {
        let wire = body.to_bytes();
        let message = self.store.world().message(self.store.temperament, &wire, flags, Some(date));
        self.insert(mailbox, message)
    }

    /// Lists the messages of a mailbox by key; none if the mailbox does not exist.
    pub fn letters(&self, mailbox: &str) -> Vec<Letter> {
        let world = self.store.world();
        let Some(folder) = world.folders.get(&MailboxName::new(mailbox)) else {
            return Vec::new();
        };
        folder
            .messages()
            .iter()
            .map(|(key, message)| Letter {
                key: key.clone(),
                wire: message.wire(self.store.temperament),
                flags: message.flags.clone(),
                hint: message.hint.clone(),
                date: message.date,
            })
            .collect()
    }

    /// Sets the flags of a message to exactly these, storable or not.
    pub fn set_flags(&self, mailbox: &str, key: &Key, flags: Flags) {
        let message = self.message(mailbox, key);
        self.put(mailbox, key, Some(Message { flags, ..message }));
    }

    /// Deletes a message for good.
    pub fn delete(&self, mailbox: &str, key: &Key) {
        self.message(mailbox, key);
        self.put(mailbox, key, None);
    }

    /// Moves a message to another mailbox, hint and all, and returns its key there.
    pub fn move_message(&self, from: &str, key: &Key, to: &str) -> Key {
        let message = self.message(from, key);
        self.put(from, key, None);
        self.insert(to, message)
    }

    /// Copies a message within its mailbox, hint and all, and returns the key of the copy.
    pub fn duplicate(&self, mailbox: &str, key: &Key) -> Key {
        let message = self.message(mailbox, key);
        let copy = self.store.world().copy_of(&message);
        self.insert(mailbox, copy)
    }

    /// Gives a message another key and leaves everything else, the hint included, as it is; a
    /// mail program renames files so.
    pub fn rename(&self, mailbox: &str, key: &Key) -> Key {
        let renamed = self.duplicate(mailbox, key);
        self.put(mailbox, key, None);
        renamed
    }

    /// Replaces a mailbox by an empty one of the same name, which has another epoch.
    pub fn replace(&self, mailbox: &str) {
        self.store.world().replace(&MailboxName::new(mailbox));
    }

    /// Deletes a mailbox with all its messages.
    pub fn delete_mailbox(&self, mailbox: &str) {
        self.store.world().folders.remove(&MailboxName::new(mailbox));
    }

    /// Opens a mailbox for changes by programs, or closes it. The user may always change it.
    pub fn set_access(&self, mailbox: &str, access: Access) {
        let name = MailboxName::new(mailbox);
        let mut world = self.store.world();
        world.create(&name);
        if let Some(folder) = world.folders.get_mut(&name) {
            folder.access = access;
        }
    }

    fn insert(&self, mailbox: &str, message: Message) -> Key {
        let name = MailboxName::new(mailbox);
        let mut world = self.store.world();
        world.create(&name);
        let Some(key) = world.insert(&name, self.store.temperament, message) else {
            panic!("mailbox '{mailbox}' was just created");
        };
        world.make_durable(&name, std::slice::from_ref(&key));
        key
    }

    fn put(&self, mailbox: &str, key: &Key, message: Option<Message>) {
        let name = MailboxName::new(mailbox);
        let mut world = self.store.world();
        world.set(&name, key, message);
        world.make_durable(&name, std::slice::from_ref(key));
    }

    fn message(&self, mailbox: &str, key: &Key) -> Message {
        let world = self.store.world();
        let folder = world.folders.get(&MailboxName::new(mailbox));
        match folder.and_then(|folder| folder.messages().get(key)) {
            Some(message) => message.clone(),
            None => panic!("mailbox '{mailbox}' has no message {key}"),
        }
    }
}
