//! The mail of a [`MemoryStore`](super::MemoryStore): what is visible, and what is promised.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use offlineimap_core::{Access, CrLfToLf, Flags, InternalDate, Key, LfToCrLf, MailboxName};

use super::{Temperament, Unsynced};

/// All mailboxes. Counters only grow, so that no name, epoch or stamp is ever used twice.
#[derive(Default)]
pub(super) struct World {
    pub(super) folders: BTreeMap<MailboxName, Folder>,
    epochs: u32,
    names: u32,
    changes: u64,
}

/// One mailbox.
pub(super) struct Folder {
    pub(super) epoch: NonZeroU32,
    pub(super) access: Access,
    visible: Content,
    durable: Content,
    stamp: u64,
}

#[derive(Clone)]
struct Content {
    next: NonZeroU32,
    messages: BTreeMap<Key, Message>,
}

/// One message as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) octets: Bytes,
    /// Makes its name unique in a naming store.
    pub(super) unique: u32,
    pub(super) flags: Flags,
    pub(super) hint: Option<Key>,
    pub(super) date: Option<InternalDate>,
}

impl World {
    pub(super) fn create(&mut self, name: &MailboxName) {
        if !self.folders.contains_key(name) {
            self.epochs += 1;
            self.changes += 1;
            let epoch = NonZeroU32::MIN.saturating_add(self.epochs);
            self.folders.insert(name.clone(), Folder::new(epoch, self.changes));
        }
    }

    /// Makes a message that is not in any mailbox yet.
    pub(super) fn message(
        &mut self,
        temperament: Temperament,
        wire: &[u8],
        flags: Flags,
        date: Option<InternalDate>,
    ) -> Message {
        self.names += 1;
        let octets = match temperament {
            Temperament::Numbering => Bytes::copy_from_slice(wire),
            Temperament::Naming => lf_form(wire),
        };
        let date = match temperament {
            Temperament::Numbering => date,
            // A file bears the time of its delivery, whatever the date of the message.
            Temperament::Naming => {
                Some(InternalDate { unix_seconds: 1_700_000_000 + i64::from(self.names) })
            }
        };
        Message { octets, unique: self.names, flags, hint: None, date }
    }

    /// The same message under another name, as a copied file is.
    pub(super) fn copy_of(&mut self, message: &Message) -> Message {
        self.names += 1;
        Message { unique: self.names, ..message.clone() }
    }

    /// Puts a message into a mailbox, visibly and not yet durably.
    pub(super) fn insert(
        &mut self,
        mailbox: &MailboxName,
        temperament: Temperament,
        message: Message,
    ) -> Option<Key> {
        let stamp = self.next_stamp();
        let folder = self.folders.get_mut(mailbox)?;
        let key = match temperament {
            Temperament::Naming => message.name(),
            Temperament::Numbering => {
                let number = folder.visible.next;
                folder.visible.next = number.saturating_add(1);
                Key::number(number)
            }
        };
        folder.stamp = stamp;
        folder.visible.messages.insert(key.clone(), message);
        Some(key)
    }

    /// Replaces a message, or takes it away, visibly and not yet durably.
    pub(super) fn set(&mut self, mailbox: &MailboxName, key: &Key, message: Option<Message>) {
        let stamp = self.next_stamp();
        if let Some(folder) = self.folders.get_mut(mailbox) {
            folder.stamp = stamp;
            match message {
                Some(message) => folder.visible.messages.insert(key.clone(), message),
                None => folder.visible.messages.remove(key),
            };
        }
    }

    /// Promises that these messages are now for ever as they are seen.
    pub(super) fn make_durable(&mut self, mailbox: &MailboxName, keys: &[Key]) {
        let Some(folder) = self.folders.get_mut(mailbox) else { return };
        folder.durable.next = folder.visible.next;
        for key in keys {
            match folder.visible.messages.get(key) {
                Some(message) => folder.durable.messages.insert(key.clone(), message.clone()),
                None => folder.durable.messages.remove(key),
            };
        }
    }

    /// Empties a mailbox and gives it a new epoch, durably.
    pub(super) fn replace(&mut self, mailbox: &MailboxName) {
        self.folders.remove(mailbox);
        self.create(mailbox);
    }

    pub(super) fn power_cut(&mut self, unsynced: Unsynced) {
        for folder in self.folders.values_mut() {
            match unsynced {
                Unsynced::Kept => folder.durable = folder.visible.clone(),
                Unsynced::Lost => folder.visible = folder.durable.clone(),
            }
            self.changes += 1;
            folder.stamp = self.changes;
        }
    }

    fn next_stamp(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

impl Folder {
    fn new(epoch: NonZeroU32, stamp: u64) -> Self {
        let empty = Content { next: NonZeroU32::MIN, messages: BTreeMap::new() };
        Self { epoch, access: Access::ReadWrite, visible: empty.clone(), durable: empty, stamp }
    }

    pub(super) fn messages(&self) -> &BTreeMap<Key, Message> {
        &self.visible.messages
    }

    pub(super) fn next(&self) -> NonZeroU32 {
        self.visible.next
    }

    /// A text that is never the same again once anything changed.
    pub(super) fn stamp(&self) -> String {
        format!("{}.{}", self.epoch, self.stamp)
    }
}

impl Message {
    /// The name in a naming store.
    pub(super) fn name(&self) -> Key {
        let name = match &self.hint {
            Some(hint) => format!("m{},U={hint}", self.unique),
            None => format!("m{}", self.unique),
        };
        Key::name(name.into_bytes())
    }

    /// The octets in wire form.
    pub(super) fn wire(&self, temperament: Temperament) -> Bytes {
        match temperament {
            Temperament::Numbering => self.octets.clone(),
            Temperament::Naming => {
                let mut measure = LfToCrLf::default();
                measure.measure(&self.octets);
                let mut wire = Vec::new();
                measure.form().convert(&self.octets, &mut wire);
                wire.into()
            }
        }
    }
}

fn lf_form(wire: &[u8]) -> Bytes {
    let mut lf = Vec::new();
    let mut converter = CrLfToLf::default();
    converter.push(wire, &mut lf);
    converter.finish(&mut lf);
    lf.into()
}
