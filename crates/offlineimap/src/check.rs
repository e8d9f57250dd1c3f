//! `offlineimap check`: what a configuration means, and how much of it needs no Python.
//!
//! Nothing is changed, and no server is asked. What can be said about folders is said of those that
//! are known without one: by an earlier sync, and in the Maildir.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use offlineimap_config as config;
use offlineimap_config::{Suggestion, suggestions};
use offlineimap_core::{
    Ignored, IgnoredWhy, Listing, MailboxEntry, MailboxName, PerSide, Side, Store as _,
    StructurePlan, plan_mailboxes,
};
use offlineimap_engine::State;
use tokio::task::block_in_place;

use crate::configuration::ConfigFile;
use crate::ui::{Failure, Level, Message, Thread};
use crate::wiring::{self, Run};

/// Tells what these accounts are, what becomes of their folders, and which options of the file can
/// be said without Python. What is wrong with the file was told before.
pub(crate) async fn check(run: &Run, accounts: &[config::Account], file: &ConfigFile) {
    say(run, format!("Configuration file: {}", file.path().display()));
    for account in accounts {
        say(run, describe(account));
        if let Err(error) = check_folders(run, account).await {
            fail(run, account, format!("{error:#}"));
        }
    }
    suggest(run, file);
}

fn describe(account: &config::Account) -> String {
    let local = match &account.local {
        config::LocalRepository::Maildir(maildir) => {
            let (name, root) = (&maildir.name, maildir.root.display());
            format!("{name}: Maildir {root}, separator '{}'", maildir.separator)
        }
        config::LocalRepository::Imap(imap) => describe_server(imap),
    };
    format!(
        "Account {}\n  remote {}\n  local {local}",
        account.name,
        describe_server(&account.remote)
    )
}

fn describe_server(imap: &config::ImapRepository) -> String {
    let protection = match &imap.tls {
        config::TlsMode::Implicit(_) => "TLS",
        config::TlsMode::StartTls { .. } => "STARTTLS",
        config::TlsMode::Plain => "not encrypted",
    };
    let kind = imap.flavor.name();
    let config::ImapRepository { name, user, host, port, .. } = imap;
    format!("{name}: {kind}, {user} at {host}:{port}, {protection}")
}

/// Tells what becomes of the folders that are known without asking a server.
async fn check_folders(run: &Run, account: &config::Account) -> anyhow::Result<()> {
    let known = known_folders(run, account).await?;
    if known.remote.is_empty() && known.local.is_empty() {
        let text = "  no folder is known yet; 'offlineimap --info' asks the server";
        say(run, text.to_owned());
        return Ok(());
    }
    let listing = listings(account, &known);
    let rules = PerSide::from_fn(|side| run.folder_rules(account, side));
    let plan = block_in_place(|| {
        let rules = PerSide { remote: &*rules.remote as _, local: &*rules.local as _ };
        plan_mailboxes(listing.as_ref(), rules, wiring::policy(account))
    })?;
    let separator = listing.remote.separator.unwrap_or('/');
    let heading = format!(
        "  folders that are known without asking the server (remote <-> local), whose separator is \
         taken to be '{separator}':"
    );
    say(run, heading + &folder_lines(&plan));
    for infinite in &plan.infinite {
        let text = format!(
            "local folder '{}' would become remote '{}', which would come back as '{}': the rules \
             of the two sides do not undo each other",
            infinite.local, infinite.remote, infinite.back
        );
        fail(run, account, text);
    }
    Ok(())
}

/// The folders of each side that the state and the Maildir know.
async fn known_folders(
    run: &Run,
    account: &config::Account,
) -> anyhow::Result<PerSide<BTreeSet<String>>> {
    let mut known = PerSide { remote: BTreeSet::new(), local: BTreeSet::new() };
    let path = run.state_path(&account.name);
    if path.is_file() {
        let state = State::open_copy(&path, &std::env::temp_dir()).await?;
        for mailbox in state.mailboxes().await? {
            known.remote.insert(mailbox.folder.remote.to_string());
            known.local.insert(mailbox.folder.local.to_string());
        }
    }
    if let config::LocalRepository::Maildir(maildir) = &account.local {
        let rules = run.folder_rules(account, Side::Local);
        let listing = wiring::maildir_store(run, account, maildir, &rules).list().await?;
        known.local.extend(listing.mailboxes.into_iter().map(|entry| entry.name.to_string()));
    }
    Ok(known)
}

/// What both sides would list if the server had just the folders that are known of it.
fn listings(account: &config::Account, known: &PerSide<BTreeSet<String>>) -> PerSide<Listing> {
    let guessed = |names: &BTreeSet<String>| {
        let has = |separator: char| names.iter().any(|name| name.contains(separator));
        if has('.') && !has('/') { '.' } else { '/' }
    };
    let local = match &account.local {
        config::LocalRepository::Maildir(maildir) => maildir.separator,
        config::LocalRepository::Imap(_) => guessed(&known.local),
    };
    let listing = |names: &BTreeSet<String>, separator| Listing {
        separator: Some(separator),
        mailboxes: names
            .iter()
            .map(|name| MailboxEntry { name: MailboxName::new(name.as_str()), role: None })
            .collect(),
        unusable: Vec::new(),
        missing: Vec::new(),
    };
    PerSide {
        remote: listing(&known.remote, guessed(&known.remote)),
        local: listing(&known.local, local),
    }
}

fn folder_lines(plan: &StructurePlan) -> String {
    let mut text = String::new();
    for pair in &plan.pairs {
        let _written = write!(text, "\n    {} <-> {}", shown(&pair.remote), shown(&pair.local));
    }
    for (side, there) in [(Side::Local, "local"), (Side::Remote, "remote, if it is not there")] {
        for creation in plan.create.get(side) {
            let (remote, local) = (shown(&creation.pair.remote), shown(&creation.pair.local));
            let _written = write!(text, "\n    {remote} <-> {local} (to be created: {there})");
        }
    }
    for Ignored { side, name, why } in &plan.ignored {
        let why = match why {
            IgnoredWhy::Filtered => "left out by the rules".to_owned(),
            IgnoredWhy::Separator(c) => format!("left alone: '{c}' is the other side's separator"),
            IgnoredWhy::NotStorable(why) => format!("left alone: {why}"),
            IgnoredWhy::Collides(other) => format!("left alone: so is '{other}' called there"),
            IgnoredWhy::CreationOff => "left alone: it may not be created".to_owned(),
        };
        let _written = write!(text, "\n    {side} {}: {why}", shown(name));
    }
    text
}

fn shown(name: &MailboxName) -> &str {
    match name.as_str() {
        "" => "(the root)",
        name => name,
    }
}

/// Tells which options of the file can be said without Python.
fn suggest(run: &Run, file: &ConfigFile) {
    let Some(document) = file.document() else { return };
    let pythonfile = run.general.python.file.as_ref();
    let source = pythonfile.and_then(|path| fs::read_to_string(path).ok());
    let found = suggestions(&document, source.as_deref());
    if found.is_empty() {
        return;
    }
    let mut text = "Options that can be said without Python:".to_owned();
    for Suggestion { position, section, option, native, note } in found {
        let _written = write!(text, "\n  {position}: '{option}' in [{section}]");
        for line in native {
            let _written = write!(text, "\n      {line}");
        }
        if let Some(note) = note {
            let _written = write!(text, "\n      ({note})");
        }
    }
    say(run, text);
}

fn say(run: &Run, text: String) {
    run.ui.tell(Message::main(Level::Info, text));
}

fn fail(run: &Run, account: &config::Account, text: String) {
    let context = Some(format!("account '{}'", account.name));
    run.ui.fail(Thread::Main, Failure { context, text });
}
