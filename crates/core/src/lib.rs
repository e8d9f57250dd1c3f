//! The vocabulary, the pure planner and the store contract of a mail synchroniser.
//!
//! One sync is data before it is an effect. Two stores are *observed* ([`Observation`]); [`plan`]
//! compares what was seen with the [`Base`] (what both sides last agreed on) and returns a
//! [`MailboxPlan`]; [`review`] refuses plans that look like an accident and is the only door to
//! [`Reviewed`], the value that an executor accepts.
//!
//! This crate performs no I/O, reads no clock and no environment, and knows no UID, no file name
//! and no second: keys are opaque and time is an argument. It therefore cannot fail for outside
//! reasons.
//!
//! ```
//! use offlineimap_core::{Access, Base, Coverage, Epoch, Flags, Item, Key, Observation, PerSide, Policy, plan};
//!
//! let message = Item::new(Key::name(*b"1.host"), Flags::default());
//! let seen = PerSide {
//!     remote: Observation::complete(Epoch::new("7"), vec![]),
//!     local: Observation::complete(Epoch::new("42"), vec![message]),
//! };
//! let plan = plan(seen.as_ref(), &Base::default(), Policy::default()).unwrap();
//! assert_eq!(plan.copies.remote.len(), 1);
//! # let _ = (Access::ReadWrite, Coverage::Complete);
//! ```

mod base;
mod fingerprint;
mod flags;
mod header_filter;
mod key;
mod linebreak;
mod mailbox;
mod name_rules;
mod observation;
mod op;
mod plan;
mod policy;
mod review;
mod settle;
mod side;
mod step;
mod store;
mod structure;
mod unchanged;
mod window;

pub use base::{Base, Bounds, Pair};
pub use fingerprint::{Digest, Fingerprint, Fingerprinter};
pub use flags::{FlagChange, FlagSupport, Flags, SystemFlag};
pub use header_filter::{HeaderFilter, Rest};
pub use key::{Epoch, Frontier, Key, Token};
pub use linebreak::{CrLfToLf, LfToCrLf, WireForm};
pub use mailbox::{Listing, MailboxEntry, MailboxName, Role};
pub use name_rules::{FolderRules, NameRules, RuleError};
pub use observation::{Access, Coverage, Hints, Item, Observation, Presence, Reach};
pub use op::{Adopt, CopyOp, DeleteOp, FlagOp, Reason, Rebind, Removal, Withheld, Withholding};
pub use plan::{EpochChanged, MailboxPlan, plan};
pub use policy::{Direction, Policy, SidePolicy};
pub use review::{
    Allowed, DeleteLimit, Deletions, MailboxTally, Refusal, RefusalScope, Review, Reviewed, review,
    trips, unexplained,
};
pub use settle::{Intent, IntentKind, Settled, Settlement, settle};
pub use side::{PerSide, Side};
pub use step::Steps;
pub use store::{
    Applied, Binding, Body, Delivery, Fetched, InternalDate, Mailbox, NewMessage, Receiver,
    Removed, Scope, Staged, Store, StoreError, StoreErrorKind, Stored,
};
pub use structure::{
    Creation, FolderPair, Ignored, IgnoredWhy, InfiniteCreation, Ordered, Renamed, StructurePlan,
    plan_mailboxes,
};
pub use unchanged::is_unchanged;
pub use window::{Limit, Start, Window};
