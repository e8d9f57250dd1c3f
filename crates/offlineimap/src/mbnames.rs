//! `[mbnames]`: a list of the mailboxes for a mail reader (`spec/config.md` §6, `spec/ondisk.md` §9).
//!
//! What each account has is kept in a file of its own, in the form of OfflineIMAP, and the list is
//! made of all these files: it also has the accounts that are not synced now.

mod cache;
mod json;
mod prune;
mod replacement;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use offlineimap_config::expression::Value;
use offlineimap_config::{Computed, ListWriting, ListedMailbox, Mbnames};
use offlineimap_engine::Mode;
use tokio::task::spawn_blocking;

use crate::evaluator::Evaluator;
use crate::pythonfile::text_of;
use crate::ui::{Failure, Level, Message, Thread, Ui};
use crate::wiring::Run;

use cache::Cache;

pub(crate) use prune::prune;

/// The list of mailboxes, and where its parts are kept. Everything it does blocks: user code, and
/// files.
pub(crate) struct MailboxList {
    settings: Mbnames,
    header: String,
    separator: String,
    footer: String,
    folder_filter: Option<Value>,
    sort_key: Option<Value>,
    cache: Cache,
    mode: Mode,
    evaluator: Arc<Evaluator>,
    ui: Arc<Ui>,
    /// Accounts may end at the same time; one writes after the other.
    writing: Mutex<()>,
    /// Whether what an account has could not be kept: the list would lack it.
    lacks_an_account: AtomicBool,
}

/// What an account has to say about its mailboxes.
#[derive(Debug, Clone)]
pub(crate) struct SyncedFolders {
    /// The name of the account.
    pub(crate) account: String,
    /// The local names of its folders, in the order in which they were synced.
    pub(crate) folders: Vec<String>,
    /// The root of its local repository; `None` for what is no directory.
    pub(crate) root: Option<String>,
}

/// Evaluates the settings of a run. What is wrong with them is told, and there is no list then: mail
/// is synced all the same.
pub(crate) async fn evaluated(run: &Run, settings: Mbnames) -> Option<Arc<MailboxList>> {
    let its_run = run.clone();
    match spawn_blocking(move || MailboxList::evaluate(&its_run, settings)).await {
        Ok(Ok(list)) => Some(Arc::new(list)),
        Ok(Err(error)) => {
            let context = Some("the list of mailboxes is not written".to_owned());
            run.ui.fail(Thread::Main, Failure { context, text: format!("{error:#}") });
            None
        }
        // The program ends.
        Err(_) => None,
    }
}

impl MailboxList {
    fn evaluate(run: &Run, settings: Mbnames) -> anyhow::Result<Self> {
        let evaluator = Arc::clone(&run.evaluator);
        let value = |option: &str, computed: &Computed| {
            evaluator
                .value(computed)
                .with_context(|| format!("no value of '{option}' in [mbnames]"))
        };
        let text = |option: &str, computed: &Computed| {
            let text = text_of(&value(option, computed)?);
            text.with_context(|| format!("'{option}' in [mbnames] is no text"))
        };
        let function = |option: &str, computed: Option<&Computed>| {
            computed.map(|computed| value(option, computed)).transpose()
        };
        Ok(Self {
            header: text("header", &settings.header)?,
            separator: text("sep", &settings.separator)?,
            footer: text("footer", &settings.footer)?,
            folder_filter: function("folderfilter", settings.folder_filter.as_ref())?,
            sort_key: function("sort_keyfunc", settings.sort_key.as_ref())?,
            cache: Cache::of(run),
            mode: run.mode,
            evaluator,
            ui: Arc::clone(&run.ui),
            writing: Mutex::new(()),
            lacks_an_account: AtomicBool::new(false),
            settings,
        })
    }

    /// Keeps what an account has that was synced, and writes the list if that is to be done after
    /// each account. A dry run tells which files it would write.
    ///
    /// # Errors
    ///
    /// If the account cannot be kept; the list stays as it is then. What is wrong with the list is
    /// told.
    pub(crate) fn keep(&self, synced: &SyncedFolders) -> anyhow::Result<()> {
        self.try_to_keep(synced).inspect_err(|_| {
            self.lacks_an_account.store(true, Ordering::Relaxed);
        })?;
        if self.settings.writing == ListWriting::AfterEachAccount {
            self.write();
        }
        Ok(())
    }

    fn try_to_keep(&self, synced: &SyncedFolders) -> anyhow::Result<()> {
        let mut mailboxes = Vec::new();
        for folder in &synced.folders {
            let (account, folder) = (synced.account.clone(), folder.clone());
            let mailbox = ListedMailbox { account, folder, local_folders: synced.root.clone() };
            if self.includes(&mailbox)? {
                mailboxes.push(mailbox);
            }
        }
        let _one_writer = self.one_writer();
        match self.mode {
            Mode::DryRun => self.would_write(&self.cache.file_of(&synced.account)),
            Mode::Sync => self.cache.store(&synced.account, &mailboxes)?,
        }
        Ok(())
    }

    /// Writes the list, and tells what is wrong with it. A dry run tells that it would.
    ///
    /// When an account of this run could not be kept, the list is not made without it.
    pub(crate) fn write(&self) {
        if self.lacks_an_account.load(Ordering::Relaxed) {
            return;
        }
        let _one_writer = self.one_writer();
        let file = &self.settings.file;
        match self.mode {
            Mode::DryRun => self.would_write(file),
            Mode::Sync => {
                if let Err(error) = self.try_to_write() {
                    let context = format!("writing the list of mailboxes '{}'", file.display());
                    self.fail(context, &error);
                }
            }
        }
    }

    fn try_to_write(&self) -> anyhow::Result<()> {
        let kept = self.cache.load()?;
        for error in &kept.unreadable {
            self.fail("reading what the list of mailboxes is made of".to_owned(), error);
        }
        let mailboxes = self.in_order(kept.mailboxes)?;
        let items = mailboxes.iter().map(|mailbox| self.settings.item.text(mailbox));
        let items = items.collect::<Result<Vec<_>, _>>().context("'peritem' in [mbnames]")?;
        let text = format!("{}{}{}", self.header, items.join(&self.separator), self.footer);
        self.cache.replace(&self.settings.file, text.as_bytes())
    }

    fn includes(&self, mailbox: &ListedMailbox) -> anyhow::Result<bool> {
        let Some(filter) = &self.folder_filter else { return Ok(true) };
        let names = [Value::text(&mailbox.account), Value::text(&mailbox.folder)];
        let included = filter.call(&names, &*self.evaluator).with_context(|| {
            format!("'folderfilter' in [mbnames], called for the folder '{}'", mailbox.folder)
        })?;
        Ok(included.is_true())
    }

    fn in_order(&self, mut mailboxes: Vec<ListedMailbox>) -> anyhow::Result<Vec<ListedMailbox>> {
        let Some(sort_key) = &self.sort_key else {
            mailboxes.sort_by(|a, b| (&a.account, &a.folder).cmp(&(&b.account, &b.folder)));
            return Ok(mailboxes);
        };
        let mut keys = Vec::with_capacity(mailboxes.len());
        for (place, mailbox) in mailboxes.iter().enumerate() {
            let key =
                sort_key.call(&[mailbox.as_dict()?], &*self.evaluator).with_context(|| {
                    format!(
                        "'sort_keyfunc' in [mbnames], called for the folder '{}'",
                        mailbox.folder
                    )
                })?;
            // What has equal keys stays in order.
            keys.push(Value::tuple([key, Value::Int(i64::try_from(place)?)]));
        }
        let sorted = Value::list(keys).sorted(&*self.evaluator);
        let sorted = sorted.context("the values of 'sort_keyfunc' in [mbnames]")?;
        let places = sorted.iter().filter_map(|key| match key.as_items() {
            Some([_, Value::Int(place)]) => usize::try_from(*place).ok(),
            Some(_) | None => None,
        });
        Ok(places.filter_map(|place| mailboxes.get(place).cloned()).collect())
    }

    fn would_write(&self, path: &Path) {
        let text = format!("mbnames would write {}", path.display());
        self.ui.tell(Message::main(Level::Info, text));
    }

    fn fail(&self, context: String, error: &anyhow::Error) {
        let failure = Failure { context: Some(context), text: format!("{error:#}") };
        self.ui.fail(Thread::Main, failure);
    }

    fn one_writer(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MailboxList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxList").field("settings", &self.settings).finish_non_exhaustive()
    }
}
