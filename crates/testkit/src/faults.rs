//! Stores that fail on command: a decorator around any other store.
//!
//! A [`Fault`] hits a call of a [`Method`], or single messages of it, with an error of a chosen
//! kind, before anything happened or after everything did (the answer was lost).

mod faulty_mailbox;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use offlineimap_core::{
    Access, Key, Listing, Mailbox, MailboxName, Store, StoreError, StoreErrorKind, Token,
};

use faulty_mailbox::FaultyMailbox;

/// A method of [`Store`] or [`Mailbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named after its method")]
pub enum Method {
    List,
    Create,
    Open,
    Observe,
    Fetch,
    Fingerprints,
    Stage,
    Commit,
    Bind,
    ChangeFlags,
    Present,
    Remove,
}

/// Which calls are hit.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trigger {
    Call(usize),
    Always,
    Keys(BTreeSet<Key>),
}

/// Whether the effect of a call that failed is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

/// One way to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    method: Method,
    trigger: Trigger,
    kind: StoreErrorKind,
    moment: Moment,
}

impl Fault {
    /// The call number `call` of a method fails, counted from 1 over all mailboxes of the store.
    pub fn nth(method: Method, call: usize, kind: StoreErrorKind) -> Self {
        Self { method, trigger: Trigger::Call(call), kind, moment: Moment::Before }
    }

    /// Every call of a method fails.
    pub fn always(method: Method, kind: StoreErrorKind) -> Self {
        Self { method, trigger: Trigger::Always, kind, moment: Moment::Before }
    }

    /// A method fails for these messages, and does its work for all others.
    ///
    /// A message that is staged or committed is known by its counterpart, as it has no key of its
    /// own yet. A method that answers for all messages together (observe, fingerprints, present)
    /// fails as a whole if one of these is asked for; observing asks for none.
    pub fn for_messages(
        method: Method,
        keys: impl IntoIterator<Item = Key>,
        kind: StoreErrorKind,
    ) -> Self {
        let trigger = Trigger::Keys(keys.into_iter().collect());
        Self { method, trigger, kind, moment: Moment::Before }
    }

    /// The same fault with its effect: the call does its work, and only its answer is lost. Of a
    /// fetch, a body ends with the error after its first half.
    #[must_use]
    pub fn losing_the_answer(self) -> Self {
        Self { moment: Moment::After, ..self }
    }

    fn error(&self) -> StoreError {
        let message = format!("injected fault: {}", self.method);
        StoreError::new(self.kind, message)
    }
}

/// A store that does what the inner one does, and fails on command. Clones share their faults.
#[derive(Clone)]
pub struct Faulty<S> {
    inner: S,
    script: Script,
}

impl<S: Store> Faulty<S> {
    /// Puts faults in front of a store.
    pub fn new(inner: S, faults: impl IntoIterator<Item = Fault>) -> Self {
        let script = Script::default();
        faults.into_iter().for_each(|fault| script.add(fault));
        Self { inner, script }
    }

    /// Adds one more fault.
    pub fn inject(&self, fault: Fault) {
        self.script.add(fault);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.script.lines().faults.clear();
    }

    /// The number of calls of a method so far, failed ones included.
    pub fn calls(&self, method: Method) -> usize {
        self.script.lines().calls.get(&method).copied().unwrap_or(0)
    }

    /// The store without faults.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

/// The faults that are still to come, and the calls that were made.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    faults: Vec<Fault>,
    calls: BTreeMap<Method, usize>,
}

/// What is going to happen to one call.
#[derive(Default)]
struct Fate {
    whole: Option<Fault>,
    single: Vec<Fault>,
}

impl Script {
    fn add(&self, fault: Fault) {
        self.lines().faults.push(fault);
    }

    /// Counts a call and tells its fate.
    fn call(&self, method: Method) -> Fate {
        let mut lines = self.lines();
        let call = lines.calls.entry(method).or_default();
        *call += 1;
        let call = *call;
        let mut fate = Fate::default();
        for fault in lines.faults.iter().filter(|fault| fault.method == method) {
            match &fault.trigger {
                Trigger::Call(hit) if *hit != call => {}
                Trigger::Call(_) | Trigger::Always => {
                    fate.whole.get_or_insert_with(|| fault.clone());
                }
                Trigger::Keys(_) => fate.single.push(fault.clone()),
            }
        }
        fate
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fate {
    /// The fault of one message.
    fn of(&self, key: &Key) -> Option<&Fault> {
        self.single.iter().find(|fault| match &fault.trigger {
            Trigger::Keys(keys) => keys.contains(key),
            Trigger::Call(_) | Trigger::Always => false,
        })
    }

    /// The fate of a call that answers for all these messages together.
    fn together(mut self, keys: &[Key]) -> Self {
        if self.whole.is_none() {
            self.whole = keys.iter().find_map(|key| self.of(key)).cloned();
        }
        self
    }

    /// Fails a call before it was made.
    fn before(&self) -> Result<(), StoreError> {
        self.fail_at(Moment::Before)
    }

    /// Fails a call after it was made.
    fn after(&self) -> Result<(), StoreError> {
        self.fail_at(Moment::After)
    }

    fn fail_at(&self, moment: Moment) -> Result<(), StoreError> {
        match &self.whole {
            Some(fault) if fault.moment == moment => Err(fault.error()),
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    fn parallelism(&self) -> usize {
        self.inner.parallelism()
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let fate = self.script.call(Method::List);
        fate.before()?;
        let listing = self.inner.list().await?;
        fate.after().map(|()| listing)
    }

    async fn stamps(&self, names: &[MailboxName]) -> Result<Vec<Option<Token>>, StoreError> {
        let fate = self.script.call(Method::List);
        fate.before()?;
        let stamps = self.inner.stamps(names).await?;
        fate.after().map(|()| stamps)
    }

    async fn create(&self, name: &MailboxName) -> Result<(), StoreError> {
        let fate = self.script.call(Method::Create);
        fate.before()?;
        self.inner.create(name).await?;
        fate.after()
    }

    async fn open(
        &self,
        name: &MailboxName,
        access: Access,
    ) -> Result<Arc<dyn Mailbox>, StoreError> {
        let fate = self.script.call(Method::Open);
        fate.before()?;
        let inner = self.inner.open(name, access).await?;
        fate.after()?;
        Ok(Arc::new(FaultyMailbox { inner, script: self.script.clone() }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
