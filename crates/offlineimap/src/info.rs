//! `--info`: what the repositories of the accounts are, and which folders they have
//! (`spec/cli.md` §7).

use offlineimap_config as config;
use offlineimap_config::{FolderNames, FolderSelection};
use offlineimap_core::{Listing, NameRules, RuleError, Side, Store};
use tokio::task::block_in_place;

use crate::ui::{Failure, Level, Message, Thread, Ui};
use crate::wiring::{Folders, Run, imap_store, maildir_store};

/// Shows the repositories of the accounts, remote ones first. Changes nothing.
pub(crate) async fn show(run: Run, accounts: Vec<config::Account>) {
    for account in &accounts {
        let rules = run.folder_rules(account, Side::Remote);
        let folders = Folders { encoding: account.folder_encoding, rules: &rules };
        describe_remote(&run.ui, &account.remote);
        describe_folders(&run.ui, &account.remote.folders);
        match imap_store(&run, &account.remote, folders, Thread::Main) {
            Ok(store) => list(&run.ui, &store, &*rules).await,
            Err(error) => fail(&run.ui, &account.remote.name, format!("{error:#}")),
        }
        let rules = run.folder_rules(account, Side::Local);
        let name = account.local.name();
        match &account.local {
            config::LocalRepository::Maildir(maildir) => {
                say(&run.ui, format!("Local repository '{name}': type 'Maildir'"));
                say(&run.ui, format!("Directory: {}", maildir.root.display()));
                describe_folders(&run.ui, &maildir.folders);
                let store = maildir_store(&run, account, maildir, &rules);
                list(&run.ui, &store, &*rules).await;
            }
            config::LocalRepository::Imap(imap) => {
                say(&run.ui, format!("Local repository '{name}': type 'MappedIMAP'"));
                describe_server(&run.ui, imap);
                describe_folders(&run.ui, &imap.folders);
                let folders = Folders { encoding: account.folder_encoding, rules: &rules };
                match imap_store(&run, imap, folders, Thread::Main) {
                    Ok(store) => list(&run.ui, &store, &*rules).await,
                    Err(error) => fail(&run.ui, name, format!("{error:#}")),
                }
            }
        }
    }
}

fn describe_remote(ui: &Ui, remote: &config::ImapRepository) {
    let kind = remote.flavor.name();
    say(ui, format!("Remote repository '{}': type '{kind}'", remote.name));
    describe_server(ui, remote);
}

fn describe_server(ui: &Ui, server: &config::ImapRepository) {
    let protection = match &server.tls {
        config::TlsMode::Implicit(_) => "SSL: True",
        config::TlsMode::StartTls { .. } => "SSL: False STARTTLS: True",
        config::TlsMode::Plain => "SSL: False",
    };
    say(ui, format!("Host: {} Port: {} {protection}", server.host, server.port));
}

async fn list(ui: &Ui, store: &dyn Store, rules: &(dyn NameRules + Sync)) {
    let listing = store.list().await;
    store.close().await;
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => {
            let error = anyhow::Error::new(error);
            return fail(ui, store.name(), format!("{error:#}"));
        }
    };
    match block_in_place(|| folder_lines(&listing, rules)) {
        Ok(folders) => say(ui, format!("Folderlist:{}\n", folders.concat())),
        Err(error) => fail(ui, store.name(), error.to_string()),
    }
    for (name, why) in listing.unusable {
        ui.tell(Message::main(Level::Warning, format!("Folder '{name}' cannot be used: {why}")));
    }
    for (name, why) in listing.missing {
        fail(ui, store.name(), format!("folder '{name}' (folderincludes): {why}"));
    }
}

/// A line for each folder: its name, the one that it has on the other side if that is another one,
/// and whether it is left out.
fn folder_lines(
    listing: &Listing,
    rules: &(dyn NameRules + Sync),
) -> Result<Vec<String>, RuleError> {
    let mut lines = Vec::new();
    for entry in &listing.mailboxes {
        let name = entry.name.as_str();
        let visible = rules.visible(name, listing.separator)?;
        let arrow = if visible == name { String::new() } else { format!(" -> {visible}") };
        let disabled = if rules.includes(name)? { "" } else { " (disabled)" };
        lines.push(format!("\n {name}{arrow}{disabled}"));
    }
    lines.sort_by_cached_key(|line| line.to_lowercase());
    Ok(lines)
}

/// Shows the options that are functions, as they are written.
fn describe_folders(ui: &Ui, options: &config::FolderOptions) {
    let (filter, includes) = match &options.selection {
        FolderSelection::Computed { filter, includes, .. } => (filter.as_ref(), includes.as_ref()),
        FolderSelection::Patterns { .. } => (None, None),
    };
    let names = match &options.names {
        FolderNames::Translated(function) => Some(function),
        FolderNames::Same | FolderNames::Renamed(_) | FolderNames::Restored(_) => None,
    };
    let written = [("folderfilter", filter), ("folderincludes", includes), ("nametrans", names)];
    for (option, expression) in written {
        if let Some(expression) = expression {
            say(ui, format!("{option}= {}\n", expression.text()));
        }
    }
}

fn say(ui: &Ui, text: String) {
    ui.tell(Message::main(Level::Info, text));
}

fn fail(ui: &Ui, repository: &str, text: String) {
    let context = Some(format!("repository '{repository}'"));
    ui.fail(Thread::Main, Failure { context, text });
}
