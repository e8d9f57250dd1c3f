//! A store in memory that keeps the contract of [`Store`] to the letter, and the power of a
//! machine that can fail at every step.
//!
//! It comes in two temperaments. [`MemoryStore::numbering`] behaves like IMAP: messages are
//! numbered, an epoch is a UIDVALIDITY, the frontier is UIDNEXT, octets are kept as on the wire,
//! and nothing is written into messages. [`MemoryStore::naming`] behaves like Maildir: messages
//! are named, the name carries the hint and changes with it, and octets are kept in LF form.
//!
//! Clones share their mail. [`MemoryStore::user`] looks at it and changes it as the user would,
//! behind the back of whoever has the store open.

mod mailbox;
mod power;
mod user;
mod world;

pub use power::{AfterCut, PowerSwitch};
pub use user::{Letter, User};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use offlineimap_core::{
    Access, FlagSupport, Listing, Mailbox, MailboxEntry, MailboxName, Role, Steps, Store,
    StoreError, StoreErrorKind, Token,
};

use mailbox::OpenMailbox;
use world::World;

/// How a store names its messages, and what follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temperament {
    /// Like IMAP.
    Numbering,
    /// Like Maildir.
    Naming,
}

/// When a message handed over to a numbering store becomes visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As soon as its last octet is there; only the answer waits for the commit (APPEND).
    OnStage,
    /// On commit.
    OnCommit,
}

/// What a numbering store answers to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// The number of the message (UIDPLUS).
    Number,
    /// Only that the message was stored.
    Nothing,
}

/// Whether a store can expunge single messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expunging {
    /// It can.
    Single,
    /// It can only mark them.
    MarkOnly,
}

/// What becomes, when the power is cut, of changes that were visible but not yet promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// They are there afterwards: the process died, the machine did not.
    Kept,
    /// They are gone.
    Lost,
}

/// A store in memory.
#[derive(Clone)]
pub struct MemoryStore {
    name: Arc<str>,
    identity: Option<String>,
    temperament: Temperament,
    separator: Option<char>,
    support: FlagSupport,
    arrival: Arrival,
    answers: Answers,
    expunging: Expunging,
    power: PowerSwitch,
    steps: Steps,
    world: Arc<Mutex<World>>,
    bodies_fetched: Arc<AtomicUsize>,
}

impl MemoryStore {
    /// An empty store like IMAP: `/` separates folders, any keyword can be stored.
    pub fn numbering(name: &str) -> Self {
        Self::new(name, Temperament::Numbering, '/', FlagSupport::any())
    }

    /// An empty store like Maildir: `.` separates folders, no keyword can be stored.
    pub fn naming(name: &str) -> Self {
        Self::new(name, Temperament::Naming, '.', FlagSupport::system_flags())
    }

    fn new(name: &str, temperament: Temperament, separator: char, support: FlagSupport) -> Self {
        let power = PowerSwitch::default();
        Self {
            name: name.into(),
            identity: None,
            temperament,
            separator: Some(separator),
            support,
            arrival: match temperament {
                Temperament::Numbering => Arrival::OnStage,
                Temperament::Naming => Arrival::OnCommit,
            },
            answers: Answers::Number,
            expunging: Expunging::Single,
            steps: power.steps(),
            power,
            world: Arc::default(),
            bodies_fetched: Arc::default(),
        }
    }

    /// The same store under another identity, as if another account had been configured.
    #[must_use]
    pub fn identified_as(self, identity: &str) -> Self {
        Self { identity: Some(identity.to_owned()), ..self }
    }

    /// The same store with another separator; `None` for a flat name space.
    #[must_use]
    pub fn separated_by(self, separator: Option<char>) -> Self {
        Self { separator, ..self }
    }

    /// The same store able to store just these flags; it drops others without an error.
    #[must_use]
    pub fn supporting(self, support: FlagSupport) -> Self {
        Self { support, ..self }
    }

    /// The same numbering store with another moment of arrival. A naming store always waits for
    /// the commit.
    #[must_use]
    pub fn arriving(self, arrival: Arrival) -> Self {
        match self.temperament {
            Temperament::Numbering => Self { arrival, ..self },
            Temperament::Naming => self,
        }
    }

    /// The same numbering store with other answers to a commit. A naming store always tells.
    #[must_use]
    pub fn answering(self, answers: Answers) -> Self {
        match self.temperament {
            Temperament::Numbering => Self { answers, ..self },
            Temperament::Naming => self,
        }
    }

    /// The same store with another way to expunge.
    #[must_use]
    pub fn expunging(self, expunging: Expunging) -> Self {
        Self { expunging, ..self }
    }

    /// The same store at a power switch: each of its changes is a step of it, and when it is off
    /// nothing works.
    #[must_use]
    pub fn powered_by(self, power: &PowerSwitch) -> Self {
        Self { steps: power.steps(), power: power.clone(), ..self }
    }

    /// The same store with its changes announced to another witness.
    #[must_use]
    pub fn witnessed_by(self, steps: Steps) -> Self {
        Self { steps, ..self }
    }

    /// The user of the store, who needs no power.
    pub fn user(&self) -> User {
        User::of(self.clone())
    }

    /// Forgets, or keeps, all changes whose call has not returned. The power is on afterwards
    /// only if its switch says so.
    pub fn power_cut(&self, unsynced: Unsynced) {
        self.world().power_cut(unsynced);
    }

    /// The number of messages of which a body was offered to a receiver so far.
    pub fn bodies_fetched(&self) -> usize {
        self.bodies_fetched.load(Ordering::SeqCst)
    }

    fn count_body(&self) {
        self.bodies_fetched.fetch_add(1, Ordering::SeqCst);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a change that is about to be made. On an error it must not be made.
    async fn step(&self, what: &str) -> Result<(), StoreError> {
        self.steps.step(what);
        self.powered().await
    }

    async fn powered(&self) -> Result<(), StoreError> {
        match self.power.state() {
            None => Ok(()),
            Some(AfterCut::Fail | AfterCut::Panic) => Err(self.off()),
            Some(AfterCut::Hang) => std::future::pending().await,
        }
    }

    /// The parents of a mailbox, outermost first, and itself.
    fn levels(&self, name: &MailboxName) -> Vec<MailboxName> {
        let ends = self
            .separator
            .into_iter()
            .flat_map(|separator| name.as_str().match_indices(separator).map(|(at, _)| at));
        let parents = ends.filter_map(|end| name.as_str().get(..end));
        parents.chain([name.as_str()]).map(MailboxName::new).collect()
    }

    fn off(&self) -> StoreError {
        let message = format!("store '{}': the power is off", self.name);
        StoreError::new(StoreErrorKind::ConnectionLost, message)
    }

    fn no_mailbox(&self, mailbox: &MailboxName) -> StoreError {
        let message = format!("store '{}' has no mailbox '{mailbox}'", self.name);
        StoreError::new(StoreErrorKind::Mailbox, message)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        match self.temperament {
            Temperament::Numbering => "Memory (numbering)",
            Temperament::Naming => "Memory (naming)",
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn parallelism(&self) -> usize {
        2
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        self.powered().await?;
        let world = self.world();
        let mailboxes = world
            .folders
            .keys()
            .map(|name| MailboxEntry {
                name: name.clone(),
                role: Role::from_name(name.as_str(), self.separator),
            })
            .collect();
        Ok(Listing { separator: self.separator, mailboxes, ..Listing::default() })
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        self.powered().await?;
        let world = self.world();
        let stamp = |name: &MailboxName| match self.temperament {
            Temperament::Numbering => {
                world.folders.get(name).map(|folder| Token::new(folder.stamp()))
            }
            // Like a directory, which nobody stamps.
            Temperament::Naming => None,
        };
        Ok(names.iter().map(stamp).collect())
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        for level in self.levels(name) {
            self.powered().await?;
            if !self.world().folders.contains_key(&level) {
                self.step(&format!("create mailbox {level}")).await?;
                self.world().create(&level);
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        self.powered().await?;
        let epoch = match self.world().folders.get(name) {
            Some(folder) => folder.epoch,
            None => return Err(self.no_mailbox(name)),
        };
        Ok(Arc::new(OpenMailbox::new(self.clone(), name.clone(), access, epoch)))
    }

    async fn close(&self) {}
}
