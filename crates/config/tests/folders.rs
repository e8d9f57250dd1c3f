//! What a configuration says about folders, and what it cannot say.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use offlineimap_config::{
    Account, Color, Config, Environment, FilterAsking, FolderEncoding, FolderNames,
    FolderSelection, Request, load,
};

/// More lines for the sections of an account.
#[derive(Default, Clone, Copy)]
struct Rc<'a> {
    general: &'a str,
    account: &'a str,
    local: &'a str,
    remote: &'a str,
}

const MAILDIR: &str = "type = Maildir\nlocalfolders = ~/Mail";
const SERVER: &str = "type = IMAP\nremotehost = imap.example.net\nremoteuser = ann\n\
                      sslcacertfile = OS-DEFAULT";

impl Rc<'_> {
    fn load(&self, local: &str) -> Config {
        let Self { general, account, local: more, remote } = self;
        let text = format!(
            "[general]\naccounts = Work\n{general}\n[Account Work]\nlocalrepository = Here\n\
             remoterepository = There\n{account}\n[Repository Here]\n{local}\n{more}\n\
             [Repository There]\ntype = IMAP\nremotehost = imap.example.org\nremoteuser = joe\n\
             sslcacertfile = OS-DEFAULT\n{remote}\n"
        );
        let environment = Environment::new(Some("/home/joe".into()), |_| None);
        load(&Request::new("rc", text.as_bytes()), &environment)
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// The account, about which there is nothing to complain.
    fn account(&self) -> Account {
        let config = self.load(MAILDIR);
        assert!(config.warnings.is_empty(), "{}", config.warnings);
        assert!(config.refused.is_empty(), "{}", config.refused[0].problems);
        config.accounts[0].clone()
    }

    /// Why the account is refused, with excerpts.
    fn refusal(&self) -> String {
        let config = self.load(MAILDIR);
        assert!(config.accounts.is_empty(), "the account was accepted");
        assert_eq!(config.refused[0].problems.len(), 1, "{}", config.refused[0].problems);
        config.refused[0].problems.render(Color::Never)
    }
}

fn remote(lines: &str) -> Account {
    Rc { remote: lines, ..Rc::default() }.account()
}

#[test]
fn rules_are_functions_of_either_side() {
    let plain = Rc::default().account();
    assert_eq!(plain.remote.folders, *plain.local.folders());
    assert_eq!(plain.remote.folders.names, FolderNames::Same);
    let account = Rc {
        remote: "nametrans = lambda f: re.sub('^INBOX%%', '', f)\nfoldersort = cmp",
        local: "folderfilter = lambda f: f in ['a',\n  'b']\nfolderincludes = ['c']\n\
                dynamic_folderfilter = yes",
        ..Rc::default()
    }
    .account();
    let FolderNames::Translated(function) = &account.remote.folders.names else { panic!() };
    assert_eq!(function.text(), "lambda f: re.sub('^INBOX%', '', f)");
    assert!(account.remote.folders.sort.is_some());
    let FolderSelection::Computed { filter: Some(_), includes: Some(_), asking } =
        &account.local.folders().selection
    else {
        panic!("{account:?}")
    };
    assert_eq!(*asking, FilterAsking::EachTime);
}

#[test]
fn a_function_that_cannot_be_read_refuses_the_account_with_the_place() {
    let refusal = Rc { remote: "nametrans = lambda f:", ..Rc::default() }.refusal();
    assert!(refusal.contains("'nametrans' is no Python expression"), "{refusal}");
    assert!(refusal.contains("rc:17:"), "{refusal}");
    let refusal = Rc { local: "folderfilter = wanted", ..Rc::default() }.refusal();
    assert!(refusal.contains("uses the name 'wanted', which is not defined"), "{refusal}");
    Rc { general: "pythonfile = ~/f.py", local: "folderfilter = wanted", ..Rc::default() }
        .account();
    let refusal = Rc { remote: "foldersort = lambda x, y: re.match('(', x)", ..Rc::default() };
    assert!(refusal.refusal().contains("invalid regular expression"));
}

#[test]
fn patterns_take_the_place_of_a_filter() {
    let account = remote("includefolders = INBOX, [Gmail]/*,\nexcludefolders = *Spam");
    let FolderSelection::Patterns { include, exclude } = &account.remote.folders.selection else {
        panic!("{account:?}")
    };
    assert_eq!((include.len(), exclude.len()), (2, 1));
    assert!(include[1].fits("[Gmail]/x") && exclude[0].fits("[Gmail]/Spam"));
    for both in [
        "includefolders = a\nfolderfilter = lambda f: True",
        "excludefolders = a\nfolderincludes = ['b']",
        "renamefolders = a -> b\nnametrans = lambda f: f",
    ] {
        let refusal = Rc { remote: both, ..Rc::default() }.refusal();
        assert!(refusal.contains("cannot be used together"), "{refusal}");
        assert_eq!(refusal.matches("rc:").count(), 2, "{refusal}");
    }
}

#[test]
fn a_table_of_names_is_read_backwards_by_the_local_side() {
    let table = "renamefolders = INBOX/* -> *\n  INBOX/Sent Items -> sent";
    let account = remote(table);
    let FolderNames::Renamed(there) = &account.remote.folders.names else { panic!() };
    assert_eq!(there.visible("INBOX.Sent Items", Some('.')), "sent");
    let FolderNames::Restored(here) = &account.local.folders().names else { panic!() };
    assert_eq!(here.original("sent", Some('.')), "INBOX.Sent Items");

    let wrong = Rc { remote: "renamefolders = a -> x\n  b -> x", ..Rc::default() }.refusal();
    assert!(wrong.contains("folder 'a' would become 'x', which would come back as 'b'"), "{wrong}");
    let local = "nametrans = lambda f: f";
    let wrong = Rc { remote: table, local, ..Rc::default() }.refusal();
    assert!(wrong.contains("'nametrans' in [Repository Here] is in the way"), "{wrong}");
    let wrong = Rc { local: table, ..Rc::default() }.refusal();
    assert!(wrong.contains("'renamefolders' has no place in the local repository 'Here'"));
}

#[test]
fn names_are_decoded_in_one_way_at_most() {
    let (utf8, decode) = ("utf8foldernames = yes", "decodefoldernames = yes");
    assert_eq!(Rc::default().account().folder_encoding, FolderEncoding::AsOnServer);
    let account = Rc { account: utf8, ..Rc::default() }.account();
    assert_eq!(account.folder_encoding, FolderEncoding::Utf8);
    assert_eq!(remote(decode).folder_encoding, FolderEncoding::DecodedAfterRules);

    let refusal = Rc { account: utf8, remote: decode, ..Rc::default() }.refusal();
    assert!(refusal.contains("configuration mismatch in account 'Work'"), "{refusal}");
    assert!(refusal.contains("remove 'decodefoldernames' from [Repository There]"), "{refusal}");
    let both = "decodefoldernames = yes\nrenamefolders = a -> b";
    let refusal = Rc { remote: both, ..Rc::default() }.refusal();
    assert!(refusal.contains("cannot be used together"), "{refusal}");

    let config = Rc { remote: decode, ..Rc::default() }.load(SERVER);
    assert_eq!(config.accounts[0].folder_encoding, FolderEncoding::AsOnServer);
    assert!(config.warnings.to_string().contains("has no effect between two servers"));
}
