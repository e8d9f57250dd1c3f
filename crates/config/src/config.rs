//! The typed configuration: what the rest of the program sees of an offlineimaprc.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::Diagnostics;

mod computed;
mod fingerprint;
mod folders;
mod mbnames;
mod period;

pub use computed::Computed;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use folders::{
    FilterAsking, FolderEncoding, FolderNames, FolderOptions, FolderPattern, FolderSelection,
    RenameError, RenameTable,
};
pub use mbnames::{ItemFormat, ListWriting, ListedMailbox, Mbnames};
pub(crate) use period::DateError;
pub use period::{Date, MaxAge, Quick};

/// A configuration that was understood, for the accounts that were selected.
#[derive(Debug, Clone)]
pub struct Config {
    /// What holds for the whole program.
    pub general: General,
    /// `[mbnames]`; `None` if it is not there or not enabled.
    pub mbnames: Option<Mbnames>,
    /// The selected accounts that can be synced, in the order of selection.
    pub accounts: Vec<Account>,
    /// The selected accounts that cannot be synced, each with its reasons. The other accounts are
    /// not affected (`spec/config.md` §9).
    pub refused: Vec<RefusedAccount>,
    /// Everything worth a warning: options without effect, unknown names, old settings.
    pub warnings: Diagnostics,
}

/// A selected account whose sections contain mistakes.
#[derive(Debug, Clone)]
pub struct RefusedAccount {
    /// The name, as in `[Account name]`.
    pub name: String,
    /// Why the account cannot be synced: at least one error.
    pub problems: Diagnostics,
}

/// The `[general]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct General {
    /// The names that `accounts` lists, whatever was selected; `None` if it is not in the file.
    pub accounts: Option<Vec<String>>,
    /// The metadata directory, expanded. It need not exist.
    pub metadata: PathBuf,
    /// The user interface that `ui` names.
    pub ui: UserInterface,
    /// Whether message files are synced to disk before they are renamed into place.
    pub fsync: bool,
    /// The longest wait for the network; `None` means that the defaults of each wait hold.
    pub socket_timeout: Option<Duration>,
    /// How many accounts may run at once.
    pub max_sync_accounts: NonZeroUsize,
    /// Whether `dry-run` is set in the file.
    pub dry_run: bool,
    /// `ignore-readonly`: what is said about changes that a server's folder does not take.
    pub read_only_warnings: ReadOnlyWarnings,
    /// What is done with the keyring of the system.
    pub keyring: KeyringUse,
    /// What evaluates expressions that this program does not evaluate itself.
    pub python: Python,
}

/// Whether it is told that a folder that a server keeps read-only has not taken a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadOnlyWarnings {
    /// It is.
    #[default]
    Told,
    /// It is not; errors are.
    Suppressed,
}

/// What the keyring of the system is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyringUse {
    /// Whether it is asked for passwords that are nowhere else; `ignore-keyring` says that it is
    /// not.
    pub is_asked: bool,
    /// `update-keyring`: whether a password that a server accepted is stored there.
    pub is_updated: bool,
}

/// A Python interpreter, and what it is to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// `pythonfile`, expanded: the file whose names expressions can use. It need not exist.
    pub file: Option<PathBuf>,
    /// `pythoninterpreter`, expanded: a path, or a name that is looked for in `PATH`.
    pub interpreter: PathBuf,
    /// `pythontimeout`: the longest wait for the file to load, and for each value.
    pub deadline: Duration,
}

/// A setting that is written down, or computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// The value itself.
    Given(T),
    /// A Python expression for the value, to be evaluated each time it is needed.
    Computed(Computed),
}

impl<T> Setting<T> {
    /// The value, if it is known without evaluating anything.
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Computed(_) => None,
        }
    }
}

/// The value, or that there is none yet: it is not computed for the show, as that may ask for a
/// passphrase.
impl<T: fmt::Display> fmt::Display for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(value) => value.fmt(f),
            Self::Computed(_) => f.write_str("(computed)"),
        }
    }
}

/// A user interface by name (`spec/cli.md` §4). Whether it exists in this program is for the
/// binary to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserInterface {
    /// `ttyui`: colours and thread names, prompts on the terminal.
    Ttyui,
    /// `basic`: plain lines, no prompts.
    Basic,
    /// `quiet`: errors only.
    Quiet,
    /// `syslog`: plain lines to the system log.
    Syslog,
    /// `machineui`: one line per event, for programs.
    Machineui,
    /// `blinkenlights`: the full-screen interface.
    Blinkenlights,
}

impl UserInterface {
    /// Every user interface, in the order in which messages list them.
    pub const ALL: [Self; 6] =
        [Self::Ttyui, Self::Basic, Self::Quiet, Self::Syslog, Self::Machineui, Self::Blinkenlights];

    /// The name as written in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttyui => "ttyui",
            Self::Basic => "basic",
            Self::Quiet => "quiet",
            Self::Syslog => "syslog",
            Self::Machineui => "machineui",
            Self::Blinkenlights => "blinkenlights",
        }
    }

    /// Finds a user interface by name: case does not count, and of an old dotted name
    /// (`Curses.Blinkenlights`) only what follows the last dot counts.
    pub fn by_name(name: &str) -> Option<Self> {
        let last = name.rsplit('.').next().unwrap_or(name).trim();
        Self::ALL.into_iter().find(|ui| ui.name().eq_ignore_ascii_case(last))
    }
}

impl fmt::Display for UserInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An account: two repositories to be kept the same.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name, without surrounding blanks. It contains no `/` and is not empty.
    pub name: String,
    /// The repository that `remoterepository` names.
    pub remote: ImapRepository,
    /// The repository that `localrepository` names.
    pub local: LocalRepository,
    /// How many deletions are still believed to be meant.
    pub delete_limit: DeleteLimit,
    /// `maildir-windows-compatible`: whether `!` stands for `:` in the names of message files.
    pub windows_compatible_names: bool,
    /// `filterheaders`: header fields that messages lose on their way to the server.
    pub filter_headers: Vec<String>,
    /// `utf8foldernames` and `decodefoldernames`: how names of folders are spelt.
    pub folder_encoding: FolderEncoding,
    /// What is run around each sync.
    pub hooks: SyncHooks,
    /// `quick`: which syncs are quick ones.
    pub quick: Quick,
    /// `maxsize`: the bytes that a message may have at most.
    pub max_size: Option<u64>,
    /// `maxage`: how old messages may be. Never set together with a `startdate`, nor if the local
    /// repository is a server.
    pub max_age: Option<MaxAge>,
}

/// `presynchook` and `postsynchook`: commands for the shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncHooks {
    /// Run before a sync.
    pub before: Option<String>,
    /// Run after a sync.
    pub after: Option<String>,
}

/// The brake of `deletelimit`: how many messages one run may delete before it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeleteLimit {
    /// Over half of a folder of more than 100 messages, or over a quarter of an account of more
    /// than 400, is refused.
    #[default]
    Standard,
    /// More than this number of messages of a folder is refused.
    Count(u64),
    /// More than this part of a folder is refused; 0 to 100.
    Percent(u8),
    /// Nothing is refused.
    Unlimited,
}

/// The repository of the local side.
#[derive(Debug, Clone)]
pub enum LocalRepository {
    /// A tree of Maildirs.
    Maildir(Box<MaildirRepository>),
    /// Another account on a server.
    Imap(Box<ImapRepository>),
}

impl LocalRepository {
    /// The name, as in `[Repository name]`.
    pub fn name(&self) -> &str {
        match self {
            Self::Maildir(maildir) => &maildir.name,
            Self::Imap(imap) => &imap.name,
        }
    }

    /// What may be done there.
    pub fn rules(&self) -> SyncRules {
        match self {
            Self::Maildir(maildir) => maildir.rules,
            Self::Imap(imap) => imap.rules,
        }
    }

    /// `startdate`: from when on messages there are synced. Never set on both sides.
    pub fn start_date(&self) -> Option<Date> {
        match self {
            Self::Maildir(maildir) => maildir.start_date,
            Self::Imap(imap) => imap.start_date,
        }
    }

    /// What is said about its folders.
    pub fn folders(&self) -> &FolderOptions {
        match self {
            Self::Maildir(maildir) => &maildir.folders,
            Self::Imap(imap) => &imap.folders,
        }
    }

    /// The root directory; `None` for what is no directory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Maildir(maildir) => Some(&maildir.root),
            Self::Imap(_) => None,
        }
    }
}

/// What may be done to a repository, and what is carried away from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncRules {
    /// Whether messages and folders here are never changed (`readonly`).
    pub read_only: bool,
    /// Whether folders may be created here (`createfolders`; never when `readonly`).
    pub create_folders: bool,
    /// Whether deletions made here are carried to the other side (`sync_deletes`).
    pub sync_deletes: bool,
}

/// A `[Repository X]` of type `Maildir` or `GmailMaildir`.
#[derive(Debug, Clone)]
pub struct MaildirRepository {
    /// The name, as in `[Repository name]`, without surrounding blanks.
    pub name: String,
    /// Which of the two types was written.
    pub flavor: MaildirFlavor,
    /// `localfolders`, expanded. It need not exist.
    pub root: PathBuf,
    /// `sep`: the character between the parts of a folder's name; `/` means nested directories.
    pub separator: char,
    /// What may be done here.
    pub rules: SyncRules,
    /// Which folders are synced, and under which names.
    pub folders: FolderOptions,
    /// For what the dates in messages are used.
    pub header_dates: HeaderDates,
    /// `restoreatime`: whether the access times of directories are put back after a sync.
    pub restore_access_times: bool,
    /// `customflag_a` to `customflag_z`: the keywords that letters in file names stand for.
    pub custom_flags: BTreeMap<char, String>,
    /// `startdate`: from when on messages here are synced.
    pub start_date: Option<Date>,
}

/// For what the date in the header of a message is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderDates {
    /// `filename_use_mail_timestamp`: whether names of new files begin with it.
    pub in_names: bool,
    /// `utime_from_header`: whether it is the time of new files.
    pub of_files: bool,
}

/// The two Maildir types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaildirFlavor {
    /// `Maildir`
    Plain,
    /// `GmailMaildir`, which differs by labels only.
    Gmail,
}

/// A `[Repository X]` of type `IMAP` or `Gmail`.
#[derive(Debug, Clone)]
pub struct ImapRepository {
    /// The name, as in `[Repository name]`, without surrounding blanks.
    pub name: String,
    /// Which of the two types was written.
    pub flavor: ImapFlavor,
    /// `remotehost`, never empty; or `remotehosteval`.
    pub host: Setting<String>,
    /// `remoteport`, or the standard port of the TLS mode; or `remoteporteval`.
    pub port: Setting<NonZeroU16>,
    /// `ipv6`: which addresses of the host are tried.
    pub family: AddressFamily,
    /// `remoteuser`, never empty; or `remoteusereval`.
    pub user: Setting<String>,
    /// Where the password comes from.
    pub password: PasswordSource,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// `tls_level` and `ssl_version`: which versions of TLS are spoken, where it is.
    pub tls_versions: TlsVersions,
    /// `sslclientcert` and `sslclientkey`: what is shown to a server that asks who we are.
    pub client_certificate: Option<ClientCertificate>,
    /// The mechanisms to try, in this order; never empty, no duplicates. With an identity PLAIN is
    /// among them, and the only one that counts.
    pub auth_mechanisms: Vec<AuthMechanism>,
    /// `remote_identity`: whose mail it is, if somebody else's than the user's; never empty.
    pub identity: Option<String>,
    /// `maxconnections`; `None` when not set.
    pub max_connections: Option<NonZeroUsize>,
    /// `usecompression`: whether the connection is compressed, if the server can.
    pub compression: Compression,
    /// `singlethreadperfolder`: how the messages of a folder are copied from here.
    pub copy_order: CopyOrder,
    /// `retrycount`: how often one message is tried to be fetched over a connection that breaks.
    pub fetch_attempts: NonZeroU32,
    /// `reference`: the first argument of LIST; empty by default.
    pub reference: String,
    /// `subscribedonly`: whether only subscribed mailboxes are synced.
    pub subscribed_only: bool,
    /// `expunge`: whether deleted messages are expunged or only marked.
    pub expunge: bool,
    /// `newmail_hook`: a function that is called after new mail was copied from the inbox.
    pub new_mail_hook: Option<Computed>,
    /// `copy_ignore_eval`: a function of a folder's name that gives the UIDs of messages that are
    /// never copied from here.
    pub copy_ignore: Option<Computed>,
    /// `startdate`: from when on messages here are synced.
    pub start_date: Option<Date>,
    /// What may be done here.
    pub rules: SyncRules,
    /// Which folders are synced, and under which names.
    pub folders: FolderOptions,
}

/// Whether a connection is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// It is not.
    #[default]
    Off,
    /// COMPRESS=DEFLATE (RFC 4978) after the login.
    Deflate,
}

/// How the messages of a folder are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyOrder {
    /// Over several connections at once where that is worth it.
    #[default]
    Any,
    /// One after another, in the order of UIDs.
    OneByOne,
}

/// The two IMAP types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImapFlavor {
    /// `IMAP`
    Generic,
    /// `Gmail`: IMAP with Gmail's host and port as defaults.
    Gmail,
}

impl ImapFlavor {
    /// The value of `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generic => "IMAP",
            Self::Gmail => "Gmail",
        }
    }
}

/// Which addresses of a host are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// Both families, whichever answers first.
    #[default]
    Any,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}

/// Where the password of a repository comes from. None of them is asked before connecting.
#[derive(Debug, Clone)]
pub enum PasswordSource {
    /// `remotepass`; never empty.
    Given(SecretString),
    /// `remotepassfile`, tilde expanded: the first line of this file, stripped.
    File(PathBuf),
    /// `remotepasscmd`: the first line that this command of the shell writes; never empty.
    Command(String),
    /// `remotepasscredential`: the first line of the credential of this name that systemd passes;
    /// never empty, and a single component of a path.
    Credential(String),
    /// `remotepassenv`: the value of this environment variable; never empty.
    Variable(String),
    /// `remotepasseval`: a Python expression. It may contain a secret itself.
    Computed(Computed),
    /// Not configured: netrc files are looked at, then the user is asked.
    Ask,
}

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// TLS from the first byte (`ssl = yes`).
    Implicit(Trust),
    /// TLS by the STARTTLS command (`ssl = no`, `starttls = yes`).
    StartTls {
        /// How the server is recognised.
        trust: Trust,
        /// Whether the user asked for it.
        demand: StartTlsDemand,
    },
    /// No TLS: `ssl = no` and `starttls = no`; or `ssl = no` for a loopback host without any
    /// means to recognise the server.
    Plain,
}

/// Whether STARTTLS was asked for. When the server does not offer it, an explicit demand means
/// failure; otherwise plain text may be used with a loopback host, and with no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTlsDemand {
    /// `starttls = yes` is in the file.
    Explicit,
    /// `starttls` is not in the file; its default holds.
    ByDefault,
}

/// How a TLS server is recognised. At least one of the two is given; when both are, both must
/// hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// `sslcacertfile`: the authorities that may vouch for the host name.
    pub ca: Option<CaFile>,
    /// `cert_fingerprint`: digests of acceptable certificates; empty when not set.
    pub fingerprints: Vec<Fingerprint>,
}

/// Certificate authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaFile {
    /// `OS-DEFAULT`: those of the operating system.
    OsDefault,
    /// A PEM bundle; the path is expanded, and relative to the working directory if not absolute.
    /// It need not exist.
    Path(PathBuf),
}

/// Which versions of TLS are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// The best of 1.2 and 1.3 that both sides have.
    #[default]
    Best,
    /// 1.2 and no other.
    Only12,
}

/// What a server learns of us in the TLS handshake. The paths are expanded, and relative to the
/// working directory if not absolute. The files need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// A PEM file with the certificate, and with those between it and its authority.
    pub certificate: PathBuf,
    /// A PEM file with the private key; it may be the same one.
    pub key: PathBuf,
}

/// A way to log in that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthMechanism {
    /// SASL CRAM-MD5 (RFC 2195).
    CramMd5,
    /// SASL PLAIN (RFC 4616).
    Plain,
    /// The LOGIN command (RFC 9051 §6.2.3).
    Login,
}
