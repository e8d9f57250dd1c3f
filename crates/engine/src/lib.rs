//! One account's sync, from observation to confirmed outcome.
//!
//! [`sync_account`] recovers what a crash left open, lists and observes both stores, plans and
//! reviews with the pure functions of `offlineimap-core`, and executes what the review passed:
//! each operation is journalled, performed, and confirmed in the base in one transaction. Front
//! ends subscribe to [`Event`]s; nothing here prints, prompts or reads the environment. The engine
//! does not know which stores exist.

mod account;
mod event;
mod execute;
mod hooks;
mod legacy;
mod lock;
mod mbsync;
mod moves;
mod quick;
mod recover;
mod restriction;
mod state;
mod survey;

pub use account::{Account, CopyOrder, Durability, Mode, sync_account};
pub use event::{Event, Events, FolderLabel, RepositoryLabel};
pub use hooks::{Hooks, NotPrepared};
pub use legacy::{ExportError, Exported, LeftOut, LeftOutWhy, export, old_status};
pub use lock::{AccountLock, LockError};
pub use mbsync::{
    BadState, End, Ends, Entry, ImportError, Imported, ImportedFolder, Mark, MbsyncFolder,
    MbsyncMaildir, MbsyncSetup, NotImported, Numbered, Numbering, StateLocation, SyncState,
    import_from_mbsync,
};
pub use quick::Pace;
pub use restriction::{Period, Restrictions, Since};
pub use state::{
    Change, Content, Era, Known, MailboxId, MailboxRow, Settled, Standing, StartedAt, State,
    StateError,
};
