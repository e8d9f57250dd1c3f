//! What OfflineIMAP left behind, and giving it back.
//!
//! An account that OfflineIMAP has synced is taken over at the first look at each of its folders:
//! the rows of its status become the base, so that no message is transferred and what changed since
//! its last run is still carried over. [`export`] is the way back. Files of OfflineIMAP are only
//! read until then; they are described in `spec/ondisk.md`.

mod export;
mod files;
mod names;
mod takeover;
mod text;

pub use export::{ExportError, Exported, LeftOut, LeftOutWhy, export};
pub use files::old_status;

pub(crate) use files::OldFiles;
pub(crate) use takeover::{Takeover, key_of_nobody};
pub(crate) use text::{StatusRow, row as status_row};
