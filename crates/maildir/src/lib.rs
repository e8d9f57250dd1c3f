//! Maildir on disk: names, delivery, scan; the Maildir store.
//!
//! [`MaildirStore`] implements [`Store`](offlineimap_core::Store) for directories with `cur`, `new`
//! and `tmp`, in the layout and with the file names of OfflineIMAP (`spec/ondisk.md` §8), so that
//! it and its users' other programs go on understanding them.
//!
//! Three promises shape the crate:
//!
//! - A message is visible whole or not at all. It is written to `tmp`, synchronised, renamed, and
//!   only then are the directories synchronised; many messages share each of these waits.
//! - Nothing is ever replaced, and nothing that other programs put into a folder is touched, save
//!   for flags, names and removals that were asked for.
//! - What cannot be read is an error. Only a directory that was read to its end, and that is still
//!   the same directory ([`IDENTITY_FILE`]), proves that a message is gone.
//!
//! ```
//! # use std::sync::Arc;
//! use offlineimap_core::{Access, MailboxName, Steps, Store as _};
//! use offlineimap_maildir::{
//!     Conventions, Fsync, MaildirConfig, MaildirStore, MissingRoot, NameSource,
//! };
//!
//! # let root = tempfile::tempdir().unwrap();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MaildirStore::new(MaildirConfig {
//!     name: "Local".into(),
//!     root: root.path().join("Mail"),
//!     separator: '.',
//!     fsync: Fsync::Sync,
//!     missing_root: MissingRoot::Refuse,
//!     visible: Arc::new(|name| Ok(name.to_owned())),
//!     conventions: Conventions::default(),
//!     names: Arc::new(NameSource::of_this_process()),
//!     steps: Steps::default(),
//! });
//! store.prepare().await?;
//! let inbox = MailboxName::new("INBOX");
//! store.create(&inbox).await?;
//! let mailbox = store.open(&inbox, Access::ReadWrite).await?;
//! assert!(mailbox.observe().await?.items().is_empty());
//! # Ok::<(), offlineimap_core::StoreError>(())
//! # }).unwrap();
//! ```

mod access_times;
mod blocking;
mod change;
mod cleaning;
mod config;
mod delivery;
mod discovery;
mod durable;
mod error;
mod folder;
mod folder_name;
mod header_dates;
mod identity;
mod index;
mod keyword_letters;
mod limits;
mod mail_date;
mod mailbox;
mod mbsync;
mod message_name;
mod migration;
mod name_source;
mod reading;
mod scan;
mod store;

pub use config::{
    Conventions, Dating, DirectoryTimes, Fsync, MaildirConfig, MissingRoot, VisibleName,
};
pub use error::MaildirError;
pub use folder_name::check_name;
pub use identity::IDENTITY_FILE;
pub use keyword_letters::KeywordLetters;
pub use mbsync::{MbsyncMarks, MbsyncUid};
pub use message_name::{FolderHash, InfoMark};
pub use migration::{Migration, Renaming};
pub use name_source::NameSource;
pub use store::{MaildirStore, RootState};
