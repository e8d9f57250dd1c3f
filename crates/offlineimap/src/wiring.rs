//! From a configured account to one that can be synced.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use offlineimap_config as config;
use offlineimap_core::{
    Allowed, DeleteLimit, Direction, NameRules as _, PerSide, Policy, Removal, Side, SidePolicy,
    Steps, Store,
};
use offlineimap_engine::{Account, CopyOrder, Durability, Mode};
use offlineimap_imap::{
    AddressFamily, Compress, ImapConfig, ImapStore, ListedMailboxes, LoginMethod, NameEncoding,
};
use offlineimap_maildir::{Fsync, MaildirConfig, MaildirStore, MissingRoot, NameSource};
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use crate::environment;
use crate::evaluator::Evaluator;
use crate::filtered_store::filtered;
use crate::folder_rules::FolderRules;
use crate::hooks::SyncHooks;
use crate::keyring::{self, Login};
use crate::mbnames::MailboxList;
use crate::netrc::NetrcFiles;
use crate::password::{Password, Sources};
use crate::profile::{self, Profile};
use crate::ui::{Audience, Thread, Ui};

mod conventions;
mod restrictions;
mod root;
mod server;
mod tls;

pub(crate) use restrictions::pace;
pub(crate) use root::prepare_root;

use server::Server;

/// What all accounts of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) general: config::General,
    pub(crate) ui: Arc<Ui>,
    pub(crate) mode: Mode,
    /// The argument of `-f`.
    pub(crate) folders: Option<String>,
    pub(crate) allowed: Allowed,
    /// How much may go on at once.
    pub(crate) concurrency: Concurrency,
    /// How thorough syncs are.
    pub(crate) pace: PaceWish,
    pub(crate) steps: Steps,
    /// One for the whole process: it makes names unique.
    pub(crate) names: Arc<NameSource>,
    /// Evaluates what is computed; one for the whole process.
    pub(crate) evaluator: Arc<Evaluator>,
    /// The list of mailboxes, if there is to be one and it can be made.
    pub(crate) mbnames: Option<Arc<MailboxList>>,
    pub(crate) stop: CancellationToken,
    /// `-P`
    pub(crate) profiles: Option<profile::Directory>,
}

/// How much may go on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concurrency {
    /// As configured.
    AsConfigured,
    /// `-1`: one account, one connection.
    Single,
}

/// How thorough syncs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceWish {
    /// As configured.
    AsConfigured,
    /// `-q`: all are quick.
    Quick,
}

/// The default of `maxconnections`, as in OfflineIMAP (`spec/cli.md` §2).
const DEFAULT_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

impl Run {
    /// How many accounts may be synced at once.
    pub(crate) fn accounts_at_once(&self) -> usize {
        match self.concurrency {
            Concurrency::AsConfigured => self.general.max_sync_accounts.get(),
            Concurrency::Single => 1,
        }
    }

    /// Where the state of an account is kept.
    pub(crate) fn state_path(&self, account: &str) -> PathBuf {
        self.general.metadata.join(format!("Account-{account}")).join("state.sqlite")
    }

    /// The rules for the folders of one side of an account. Nothing is evaluated yet.
    pub(crate) fn folder_rules(&self, account: &config::Account, side: Side) -> Arc<FolderRules> {
        let only = self.folders.as_deref();
        Arc::new(FolderRules::new(account, side, only, &self.evaluator))
    }
}

/// Makes an account of the engine. Nothing is read or connected yet; code of the user's may run,
/// for which is waited.
///
/// # Errors
///
/// If a setting cannot be used.
pub(crate) fn account(
    run: &Run,
    account: &config::Account,
    audience: &Arc<Audience>,
    profile: Option<&Arc<Profile>>,
) -> anyhow::Result<Account> {
    let connected = |side| {
        let profile = profile.map(Arc::clone);
        Arc::new(move |took| {
            if let Some(profile) = &profile {
                profile.connected(side, took);
            }
        })
    };
    let thread = || Thread::account(&account.name);
    let rules = PerSide::from_fn(|side| run.folder_rules(account, side));
    let local = match &account.local {
        config::LocalRepository::Maildir(maildir) => {
            Arc::new(maildir_store(run, account, maildir, &rules.local)) as Arc<dyn Store>
        }
        config::LocalRepository::Imap(imap) => {
            let folders = Folders { encoding: account.folder_encoding, rules: &rules.local };
            let mut settings = imap_config(run, imap, folders, thread())?;
            settings.kind = "MappedIMAP";
            settings.connected = connected(Side::Local);
            Arc::new(ImapStore::new(settings))
        }
    };
    let folders = Folders { encoding: account.folder_encoding, rules: &rules.remote };
    let mut remote = imap_config(run, &account.remote, folders, thread())?;
    remote.connected = connected(Side::Remote);
    let mut stores = PerSide { remote: Arc::new(ImapStore::new(remote)) as Arc<dyn Store>, local };
    if let Some(profile) = profile {
        stores = profile.watch(&stores);
    }
    Ok(Account {
        name: account.name.clone(),
        metadata: run.general.metadata.clone(),
        scratch: std::env::temp_dir(),
        stores: filtered(account, stores),
        rules: rules.map(|rules| rules as _),
        policy: policy(account),
        restrictions: restrictions::restrictions(account),
        pace: pace(run, account),
        copy_order: PerSide {
            remote: copy_order(&account.remote),
            local: match &account.local {
                config::LocalRepository::Imap(imap) => copy_order(imap),
                config::LocalRepository::Maildir(_) => CopyOrder::Any,
            },
        },
        delete_limit: delete_limit(account.delete_limit),
        allowed: run.allowed.clone(),
        mode: run.mode,
        durability: if run.general.fsync { Durability::Full } else { Durability::Relaxed },
        steps: run.steps.clone(),
        stop: run.stop.clone(),
        events: Arc::clone(audience) as _,
        hooks: Arc::new(SyncHooks::new(run, account, audience)),
    })
}

/// Makes the store of the Maildir repository of an account, with the rules of the local side.
pub(crate) fn maildir_store(
    run: &Run,
    account: &config::Account,
    maildir: &config::MaildirRepository,
    rules: &Arc<FolderRules>,
) -> MaildirStore {
    let (rules, separator) = (Arc::clone(rules), Some(maildir.separator));
    MaildirStore::new(MaildirConfig {
        name: maildir.name.clone(),
        root: maildir.root.clone(),
        separator: maildir.separator,
        fsync: if run.general.fsync { Fsync::Sync } else { Fsync::NoSync },
        missing_root: match run.mode {
            Mode::Sync => MissingRoot::Refuse,
            Mode::DryRun => MissingRoot::Empty,
        },
        visible: Arc::new(move |name| rules.visible(name, separator)),
        conventions: conventions::conventions(account, maildir),
        names: Arc::clone(&run.names),
        steps: run.steps.clone(),
    })
}

/// What the store of a server is told of folders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folders<'a> {
    /// How their names are spelt.
    pub(crate) encoding: config::FolderEncoding,
    /// The rules of its side.
    pub(crate) rules: &'a FolderRules,
}

/// Makes the store of an IMAP repository. Nothing is connected yet; that it is going to be is told
/// in the name of `thread`.
pub(crate) fn imap_store(
    run: &Run,
    imap: &config::ImapRepository,
    folders: Folders<'_>,
    thread: Thread,
) -> anyhow::Result<ImapStore> {
    Ok(ImapStore::new(imap_config(run, imap, folders, thread)?))
}

fn imap_config(
    run: &Run,
    imap: &config::ImapRepository,
    folders: Folders<'_>,
    thread: Thread,
) -> anyhow::Result<ImapConfig> {
    let server = Server::of(run, imap)?;
    let password = Password::new(Sources {
        configured: imap.password.clone(),
        login: Login { host: server.host.clone(), user: server.user.clone() },
        port: server.port.get(),
        repository: imap.name.clone(),
        netrc: NetrcFiles::of_user(environment::home().as_deref()),
        keyring: keyring::of_the_system(),
        keyring_use: match run.mode {
            Mode::Sync => run.general.keyring,
            Mode::DryRun => config::KeyringUse { is_updated: false, ..run.general.keyring },
        },
        thread,
        ui: Arc::clone(&run.ui),
        evaluator: Arc::clone(&run.evaluator),
    });
    let mut settings = ImapConfig::new(&imap.name, server.host, server.user, Arc::new(password));
    settings.kind = imap.flavor.name();
    settings.port = server.port.get();
    settings.address_family = match imap.family {
        config::AddressFamily::Any => AddressFamily::Any,
        config::AddressFamily::Ipv4 => AddressFamily::V4,
        config::AddressFamily::Ipv6 => AddressFamily::V6,
    };
    (settings.security, settings.tls) = tls::security(imap)?;
    settings.identity.clone_from(&imap.identity);
    settings.compress = match imap.compression {
        config::Compression::Off => Compress::No,
        config::Compression::Deflate => Compress::IfOffered,
    };
    settings.fetch_attempts = imap.fetch_attempts;
    settings.login_methods = imap.auth_mechanisms.iter().copied().map(login_method).collect();
    settings.reference.clone_from(&imap.reference);
    settings.listed =
        if imap.subscribed_only { ListedMailboxes::Subscribed } else { ListedMailboxes::All };
    settings.included.clone_from(block_in_place(|| folders.rules.included())?);
    settings.name_encoding = match folders.encoding {
        config::FolderEncoding::Utf8 => NameEncoding::Utf8,
        config::FolderEncoding::AsOnServer | config::FolderEncoding::DecodedAfterRules => {
            NameEncoding::AsOnServer
        }
    };
    settings.max_connections = match run.concurrency {
        Concurrency::AsConfigured => imap.max_connections.unwrap_or(DEFAULT_CONNECTIONS),
        Concurrency::Single => NonZeroUsize::MIN,
    };
    if let Some(timeout) = run.general.socket_timeout {
        settings.timeout = timeout;
    }
    let zone = TimeZone::system();
    settings.local_offset = Arc::new(move |seconds| offset(&zone, seconds));
    settings.steps = run.steps.clone();
    Ok(settings)
}

fn login_method(mechanism: config::AuthMechanism) -> LoginMethod {
    match mechanism {
        config::AuthMechanism::CramMd5 => LoginMethod::CramMd5,
        config::AuthMechanism::Plain => LoginMethod::Plain,
        config::AuthMechanism::Login => LoginMethod::Login,
    }
}

fn copy_order(imap: &config::ImapRepository) -> CopyOrder {
    match imap.copy_order {
        config::CopyOrder::Any => CopyOrder::Any,
        config::CopyOrder::OneByOne => CopyOrder::OneByOne,
    }
}

/// What may be changed on each side of an account.
pub(crate) fn policy(account: &config::Account) -> Policy {
    let direction = |open: bool| if open { Direction::Open } else { Direction::Closed };
    let side = |rules: config::SyncRules, removal| SidePolicy {
        changes: direction(!rules.read_only),
        creation: direction(rules.create_folders),
        deletions: direction(rules.sync_deletes),
        removal,
    };
    let removal = |imap: &config::ImapRepository| {
        if imap.expunge { Removal::Expunge } else { Removal::MarkDeleted }
    };
    let local_removal = match &account.local {
        config::LocalRepository::Imap(imap) => removal(imap),
        config::LocalRepository::Maildir(_) => Removal::Expunge,
    };
    Policy {
        sides: PerSide {
            remote: side(account.remote.rules, removal(&account.remote)),
            local: side(account.local.rules(), local_removal),
        },
    }
}

fn delete_limit(limit: config::DeleteLimit) -> DeleteLimit {
    match limit {
        config::DeleteLimit::Standard => DeleteLimit::Default,
        config::DeleteLimit::Count(count) => {
            DeleteLimit::Count(usize::try_from(count).unwrap_or(usize::MAX))
        }
        config::DeleteLimit::Percent(percent) => DeleteLimit::Percent(percent),
        config::DeleteLimit::Unlimited => DeleteLimit::None,
    }
}

/// Seconds east of UTC at a time; UTC for times that no calendar reaches.
fn offset(zone: &TimeZone, unix_seconds: i64) -> i32 {
    Timestamp::from_second(unix_seconds).map_or(0, |time| zone.to_offset(time).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_follows_daylight_saving() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let [winter, summer] = [1_700_000_000, 1_690_000_000].map(|time| offset(&zone, time));
        assert_eq!([winter, summer], [3600, 7200]);
        assert_eq!(offset(&zone, i64::MAX), 0, "a time beyond the calendar");
    }
}
