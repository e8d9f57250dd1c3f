//! The offlineimaprc language: sections, options, interpolation, diagnostics with positions.
//!
//! A configuration file is read in three steps, none of which touches the file system, the
//! environment or the network:
//!
//! 1. [`Document::parse`] understands the *text* exactly as Python's `ConfigParser` does (default
//!    settings), and remembers where everything stands.
//! 2. [`options`] is the one table of every option: its section, type, default and meaning. The
//!    reference page `docs/options.md` is generated from it.
//! 3. [`load`] turns text and table into a typed [`Config`] for the accounts to be synced, and
//!    reports every problem at once as [`Diagnostics`] with file, line, column and an excerpt.
//!
//! Options that are Python expressions are read and evaluated by [`expression`]; [`suggestions`]
//! tells how many of them can be said without Python.
//!
//! ```
//! use offlineimap_config::{Environment, Request, load};
//!
//! let rc = b"[general]\naccounts = Work\n\n\
//!     [Account Work]\nlocalrepository = Here\nremoterepository = There\n\n\
//!     [Repository Here]\ntype = Maildir\nlocalfolders = ~/Mail\n\n\
//!     [Repository There]\ntype = IMAP\nremotehost = imap.example.org\nremoteuser = joe\n\
//!     sslcacertfile = OS-DEFAULT\n";
//! let environment = Environment::new(Some("/home/joe".into()), |_| None);
//! let request = Request::new("/home/joe/.offlineimaprc", rc);
//! let config = load(&request, &environment).map_err(|problems| problems.to_string())?;
//! assert_eq!(config.accounts[0].local.path(), Some("/home/joe/Mail".as_ref()));
//! assert_eq!(config.accounts[0].remote.port.given().map(|port| port.get()), Some(993));
//! # Ok::<(), String>(())
//! ```

mod config;
mod diagnostics;
mod document;
mod environment;
pub mod expression;
mod load;
mod netrc;
pub mod options;
mod overrides;
mod source;
mod suggestion;
mod value;

pub use config::{
    Account, AddressFamily, AuthMechanism, CaFile, ClientCertificate, Compression, Computed,
    Config, CopyOrder, Date, DeleteLimit, FilterAsking, Fingerprint, FingerprintError,
    FolderEncoding, FolderNames, FolderOptions, FolderPattern, FolderSelection, General,
    HeaderDates, ImapFlavor, ImapRepository, ItemFormat, KeyringUse, ListWriting, ListedMailbox,
    LocalRepository, MaildirFlavor, MaildirRepository, MaxAge, Mbnames, PasswordSource, Python,
    Quick, ReadOnlyWarnings, RefusedAccount, RenameError, RenameTable, Setting, StartTlsDemand,
    SyncHooks, SyncRules, TlsMode, TlsVersions, Trust, UserInterface,
};
pub use diagnostics::{Color, Diagnostic, Diagnostics, Excerpt, Position, Severity};
pub use document::{Document, InterpolationError};
pub use environment::{ConfigFileError, Environment, ExpansionError, find_config_file};
pub use load::{Request, RunMode, load};
pub use netrc::{Netrc, NetrcEntry, NetrcError};
pub use overrides::{Override, OverrideError};
pub use suggestion::{Suggestion, suggestions};
