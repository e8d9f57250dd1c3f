//! `--info`: what the repositories of the accounts are, and which folders they have
//! (`spec/cli.md` §7).

use offlineimap_config as config;
use offlineimap_core::{NameRules, Store};

use crate::names::{ImapNames, MaildirNames};
use crate::ui::{Failure, Level, Message, Thread, Ui};
use crate::wiring::{Run, imap_store, maildir_store};

/// Shows the repositories of the accounts, remote ones first. Changes nothing.
pub(crate) async fn show(run: Run, accounts: Vec<config::Account>) {
    for account in &accounts {
        let names = ImapNames::new(run.folders.as_deref());
        describe_remote(&run.ui, &account.remote);
        match imap_store(&run, &account.remote, Thread::Main) {
            Ok(store) => list(&run.ui, &store, &names).await,
            Err(error) => fail(&run.ui, &account.remote.name, format!("{error:#}")),
        }
        let name = account.local.name();
        match &account.local {
            config::LocalRepository::Maildir(maildir) => {
                say(&run.ui, format!("Local repository '{name}': type 'Maildir'"));
                say(&run.ui, format!("Directory: {}", maildir.root.display()));
                let names = MaildirNames { separator: maildir.separator };
                list(&run.ui, &maildir_store(&run, account, maildir), &names).await;
            }
            config::LocalRepository::Imap(imap) => {
                say(&run.ui, format!("Local repository '{name}': type 'MappedIMAP'"));
                describe_server(&run.ui, imap);
                match imap_store(&run, imap, Thread::Main) {
                    Ok(store) => list(&run.ui, &store, &ImapNames::new(None)).await,
                    Err(error) => fail(&run.ui, name, format!("{error:#}")),
                }
            }
        }
    }
}

fn describe_remote(ui: &Ui, remote: &config::ImapRepository) {
    let kind = match remote.flavor {
        config::ImapFlavor::Generic => "IMAP",
        config::ImapFlavor::Gmail => "Gmail",
    };
    say(ui, format!("Remote repository '{}': type '{kind}'", remote.name));
    describe_server(ui, remote);
}

fn describe_server(ui: &Ui, server: &config::ImapRepository) {
    let protection = match &server.tls {
        config::TlsMode::Implicit(_) => "SSL: True",
        config::TlsMode::StartTls { .. } => "SSL: False STARTTLS: True",
        config::TlsMode::Plain => "SSL: False",
    };
    // They are not computed for the show: that may ask for a passphrase.
    let host = server.host.given().map_or("(computed)", String::as_str);
    let port = server.port.given().map_or("(computed)".to_owned(), ToString::to_string);
    say(ui, format!("Host: {host} Port: {port} {protection}"));
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
    let mut folders: Vec<String> = listing
        .mailboxes
        .iter()
        .map(|entry| {
            let name = entry.name.as_str();
            let disabled = if rules.includes(name) { "" } else { " (disabled)" };
            format!("\n {name}{disabled}")
        })
        .collect();
    folders.sort_by_cached_key(|line| line.to_lowercase());
    say(ui, format!("Folderlist:{}\n", folders.concat()));
    for (name, why) in listing.unusable {
        ui.tell(Message::main(Level::Warning, format!("Folder '{name}' cannot be used: {why}")));
    }
}

fn say(ui: &Ui, text: String) {
    ui.tell(Message::main(Level::Info, text));
}

fn fail(ui: &Ui, repository: &str, text: String) {
    let context = Some(format!("repository '{repository}'"));
    ui.fail(Thread::Main, Failure { context, text });
}
