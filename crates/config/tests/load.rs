//! Whole configurations: what they mean, and who is refused for which mistake.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use offlineimap_config::options::{self, Place, Support, Type};
use offlineimap_config::{
    AddressFamily, AuthMechanism, CaFile, ClientCertificate, Color, Compression, Config, CopyOrder,
    DeleteLimit, Diagnostics, Environment, Fingerprint, HeaderDates, ImapRepository, KeyringUse,
    ListWriting, ListedMailbox, LocalRepository, MaxAge, PasswordSource, Python, ReadOnlyWarnings,
    Request, RunMode, Setting, StartTlsDemand, SyncHooks, SyncRules, TlsMode, TlsVersions,
    UserInterface, load,
};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

/// A configuration that has what it must have, with more lines for its parts.
#[derive(Default, Clone, Copy)]
struct Rc<'a> {
    general: &'a str,
    account: &'a str,
    local: &'a str,
    remote: &'a str,
    more: &'a str,
}

impl Rc<'_> {
    fn text(&self) -> String {
        let with_default = |lines: &str, name: &str, default: &str| {
            let set = lines.lines().any(|line| {
                line.split(['=', ':']).next().is_some_and(|option| option.trim() == name)
            });
            if set { String::new() } else { format!("{name} = {default}\n") }
        };
        let general = with_default(self.general, "accounts", "Work");
        let account = with_default(self.account, "localrepository", "Here")
            + &with_default(self.account, "remoterepository", "There");
        let local = with_default(self.local, "type", "Maildir")
            + &with_default(self.local, "localfolders", "~/Mail");
        let remote = with_default(self.remote, "type", "IMAP")
            + &with_default(self.remote, "remotehost", "imap.example.org")
            + &with_default(self.remote, "remoteuser", "joe")
            + &with_default(self.remote, "sslcacertfile", "OS-DEFAULT");
        format!(
            "[general]\n{general}{}\n[Account Work]\n{account}{}\n[Repository Here]\n{local}{}\n\
             [Repository There]\n{remote}{}\n{}\n",
            self.general, self.account, self.local, self.remote, self.more
        )
    }

    fn load(&self) -> Result<Config, Diagnostics> {
        load_text(&self.text())
    }

    /// Loads what is expected to be without any problem.
    fn clean(&self) -> Config {
        let config = self.load().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.refused.is_empty(), "{}", config.refused[0].problems);
        assert!(config.warnings.is_empty(), "{}", config.warnings);
        config
    }

    /// The one reason for which the account is refused.
    fn refusal(&self) -> String {
        let config = self.load().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.accounts.is_empty(), "the account was accepted");
        assert_eq!(config.refused[0].problems.len(), 1, "{}", config.refused[0].problems);
        config.refused[0].problems.iter().next().unwrap().message.clone()
    }

    /// The one warning, with its help.
    fn warning(&self) -> String {
        let config = self.load().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.refused.is_empty(), "{}", config.refused[0].problems);
        assert_eq!(config.warnings.len(), 1, "{}", config.warnings);
        let warning = config.warnings.iter().next().unwrap();
        [Some(warning.message.clone()), warning.help.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn environment() -> Environment<'static> {
    Environment::new(Some("/home/joe".into()), |name| (name == "DIR").then(|| "d".into()))
}

fn load_text(text: &str) -> Result<Config, Diagnostics> {
    load(&Request::new("rc", text.as_bytes()), &environment())
}

fn given(text: &str) -> Setting<String> {
    Setting::Given(text.to_owned())
}

fn port(repository: &ImapRepository) -> u16 {
    repository.port.given().unwrap().get()
}

#[test]
fn a_minimal_file_has_the_documented_defaults() {
    let config = Rc::default().clean();
    let general = &config.general;
    assert_eq!(general.metadata, Path::new("/home/joe/.offlineimap"));
    assert_eq!(general.ui, UserInterface::Ttyui);
    assert!(general.fsync && !general.dry_run);
    assert_eq!(general.socket_timeout, None);
    assert_eq!(general.max_sync_accounts.get(), 1);

    let account = &config.accounts[0];
    assert_eq!(account.name, "Work");
    assert_eq!(account.delete_limit, DeleteLimit::Standard);
    let rules = SyncRules { read_only: false, create_folders: true, sync_deletes: true };
    let LocalRepository::Maildir(local) = &account.local else { panic!("not a Maildir") };
    assert_eq!((local.name.as_str(), local.separator, local.rules), ("Here", '.', rules));
    assert_eq!(local.root, Path::new("/home/joe/Mail"));

    let remote = &account.remote;
    assert_eq!(remote.host, given("imap.example.org"));
    assert_eq!(port(remote), 993);
    assert_eq!((&remote.user, remote.name.as_str()), (&given("joe"), "There"));
    assert_eq!(remote.family, AddressFamily::Any);
    assert!(matches!(remote.password, PasswordSource::Ask));
    assert!(matches!(&remote.tls, TlsMode::Implicit(trust)
        if trust.ca == Some(CaFile::OsDefault) && trust.fingerprints.is_empty()));
    assert_eq!(
        remote.auth_mechanisms,
        [AuthMechanism::CramMd5, AuthMechanism::Plain, AuthMechanism::Login]
    );
    assert_eq!((remote.max_connections, remote.reference.as_str()), (None, ""));
    assert!(remote.expunge && !remote.subscribed_only);
    assert_eq!(remote.rules, rules);
}

#[test]
fn every_working_option_reaches_its_place() {
    let config = Rc {
        general: "metadata = $DIR/meta\nui = Noninteractive.Quiet\nfsync = off\nsocktimeout = 60\n\
                  maxsyncaccounts = 3\ndry-run = yes\ndeletelimit = 10",
        account: "deletelimit = 25%%",
        local: "localfolders = ~/${DIR}\nsep = /\nreadonly = yes\nsync_deletes = no",
        remote: "remoteport = 1993\nremotepass = p%%ss = word\nipv6 = no\nmaxconnections = 4\n\
                 auth_mechanisms = LOGIN,PLAIN, LOGIN\nreference = \"Mail/\"\nsubscribedonly = 1\n\
                 expunge = no\ncreatefolders = no\nsslcacertfile = ~/ca.pem\n\
                 cert_fingerprint = aabbccddeeff00112233445566778899aabbccdd",
        more: "",
    }
    .load()
    .unwrap();
    assert_eq!(config.warnings.len(), 1, "only the old name of the user interface");
    let general = &config.general;
    assert_eq!(
        (general.metadata.as_path(), general.ui),
        (Path::new("d/meta"), UserInterface::Quiet)
    );
    assert!(!general.fsync && general.dry_run);
    assert_eq!(general.socket_timeout, Some(Duration::from_mins(1)));
    assert_eq!(general.max_sync_accounts.get(), 3);

    let account = &config.accounts[0];
    assert_eq!(account.delete_limit, DeleteLimit::Percent(25));
    let LocalRepository::Maildir(local) = &account.local else { panic!("not a Maildir") };
    assert_eq!((local.root.as_path(), local.separator), (Path::new("/home/joe/d"), '/'));
    assert_eq!(
        local.rules,
        SyncRules { read_only: true, create_folders: false, sync_deletes: false }
    );

    let remote = &account.remote;
    assert_eq!((port(remote), remote.family), (1993, AddressFamily::Ipv4));
    let PasswordSource::Given(password) = &remote.password else { panic!("no password") };
    assert_eq!(password.expose_secret(), "p%ss = word");
    assert_eq!(remote.max_connections.unwrap().get(), 4);
    assert_eq!(remote.auth_mechanisms, [AuthMechanism::Login, AuthMechanism::Plain]);
    assert_eq!(remote.reference, "Mail/");
    assert!(remote.subscribed_only && !remote.expunge);
    assert!(!remote.rules.create_folders && !remote.rules.read_only);
    let TlsMode::Implicit(trust) = &remote.tls else { panic!("no TLS") };
    assert_eq!(trust.ca, Some(CaFile::Path("/home/joe/ca.pem".into())));
    assert!(matches!(trust.fingerprints[..], [Fingerprint::Sha1(_)]));
}

#[test]
fn the_general_limit_of_deletions_holds_for_accounts_without_their_own() {
    let config = Rc { general: "deletelimit = none", ..Rc::default() }.clean();
    assert_eq!(config.accounts[0].delete_limit, DeleteLimit::Unlimited);
}

#[test]
fn tls_is_as_the_file_says_and_never_without_trust() {
    let tls = |remote| Rc { remote, ..Rc::default() }.clean().accounts[0].remote.clone();
    let by_default = tls("ssl = no");
    assert_eq!(port(&by_default), 143);
    assert!(matches!(by_default.tls, TlsMode::StartTls { demand: StartTlsDemand::ByDefault, .. }));
    let explicit = tls("ssl = no\nstarttls = yes").tls;
    assert!(matches!(explicit, TlsMode::StartTls { demand: StartTlsDemand::Explicit, .. }));
    assert_eq!(tls("ssl = no\nstarttls = no").tls, TlsMode::Plain);
    let local = tls("ssl = no\nremotehost = 127.0.0.1\nsslcacertfile =").tls;
    assert_eq!(local, TlsMode::Plain);

    for remote in [
        "sslcacertfile =",
        "sslcacertfile =\nremotehost = 127.0.0.1",
        "sslcacertfile =\nssl = no",
        "sslcacertfile =\nssl = no\nstarttls = yes\nremotehost = localhost",
    ] {
        let refusal = Rc { remote, ..Rc::default() }.refusal();
        assert!(refusal.starts_with("no CA certificates and no server fingerprints"), "{refusal}");
    }
}

#[test]
fn tls_has_the_version_that_the_file_demands() {
    for (remote, versions) in [
        ("", TlsVersions::Best),
        ("ssl_version = ssl23", TlsVersions::Best),
        ("tls_level = tls_compat\nssl_version = tls1_2", TlsVersions::Only12),
        ("tls_level = tls_secure\nssl_version = tls1_2", TlsVersions::Only12),
        ("tls_level = tls_no_ssl\nssl_version =  tls1_2 ", TlsVersions::Only12),
        // Before STARTTLS the level was never looked at, and without TLS nothing is.
        ("ssl = no\ntls_level = tls_secure", TlsVersions::Best),
        ("ssl = no\nstarttls = no\nssl_version = ssl3", TlsVersions::Best),
    ] {
        let config = Rc { remote, ..Rc::default() }.clean();
        assert_eq!(config.accounts[0].remote.tls_versions, versions, "{remote}");
    }
}

#[test]
fn a_version_of_tls_that_cannot_be_used_is_found_at_once() {
    let explicitly =
        "when 'tls_level' is not 'tls_compat' the 'ssl_version' must be set explicitly";
    for (remote, refusal) in [
        ("ssl_version = tls1_1", "'ssl_version' is a version that is not safe any more: 'tls1_1'"),
        (
            "ssl = no\nssl_version = tls1",
            "'ssl_version' is a version that is not safe any more: 'tls1'",
        ),
        ("ssl_version = ssl3", "'ssl_version' is a version that is not safe any more: 'ssl3'"),
        ("ssl_version = tls1_3", "'ssl_version' is not a version of TLS: 'tls1_3'"),
        ("tls_level = high", "'tls_level' is not a level of TLS: 'high'"),
        ("tls_level = tls_secure", explicitly),
        ("tls_level = tls_no_ssl\nssl_version =", explicitly),
        (
            "tls_level = tls_secure\nssl_version = ssl23",
            "'tls_level = tls_secure' does not allow 'ssl_version = ssl23'",
        ),
    ] {
        assert_eq!(Rc { remote, ..Rc::default() }.refusal(), refusal);
    }
}

#[test]
fn a_client_certificate_is_one_file_or_two() {
    let certificate = |remote| {
        Rc { remote, ..Rc::default() }.clean().accounts[0].remote.client_certificate.clone()
    };
    let files = |certificate: &str, key: &str| {
        Some(ClientCertificate { certificate: certificate.into(), key: key.into() })
    };
    assert_eq!(certificate("sslclientcert ="), None);
    assert_eq!(
        certificate("sslclientcert = ~/$DIR/me.pem"),
        files("/home/joe/d/me.pem", "/home/joe/d/me.pem")
    );
    assert_eq!(
        certificate("sslclientcert = me.pem\nsslclientkey = ~/key"),
        files("me.pem", "/home/joe/key")
    );
    let keyless = Rc { remote: "sslclientkey = ~/key", ..Rc::default() }.refusal();
    assert_eq!(keyless, "'sslclientkey' is set without 'sslclientcert'");
}

#[test]
fn an_identity_needs_plain() {
    let remote = |remote| Rc { remote, ..Rc::default() }.clean().accounts[0].remote.clone();
    assert_eq!(remote("remote_identity =").identity, None);
    let acting = remote("remote_identity = ann\nauth_mechanisms = CRAM-MD5, PLAIN");
    assert_eq!(acting.identity.as_deref(), Some("ann"));
    let silent = Rc { remote: "remote_identity = ann\nauth_mechanisms = LOGIN", ..Rc::default() };
    assert_eq!(silent.refusal(), "'remote_identity' needs the authentication mechanism PLAIN");
}

#[test]
fn the_user_of_two_repositories_is_whom_they_act_for() {
    let local = "type = IMAP\nremotehost = imap.example.org\nremoteuser = admin\n\
                 sslcacertfile = OS-DEFAULT\nlocalfolders =\nremote_identity = ";
    let account = |own: &str, other: &str| {
        let local = format!("{local}{own}");
        let remote = format!("remoteuser = admin\nremote_identity = {other}");
        Rc { local: &local, remote: &remote, ..Rc::default() }.load().unwrap().refused.is_empty()
    };
    assert!(account("ann", "joe"), "two people on one server");
    assert!(!account("ann", "ann"), "one and the same mailbox");
    assert!(!account("", ""), "the administrator's own mailbox");
}

#[test]
fn messages_are_fetched_as_the_repository_says() {
    let remote = |remote| Rc { remote, ..Rc::default() }.load().unwrap().accounts[0].remote.clone();
    let plain = remote("");
    assert_eq!((plain.fetch_attempts.get(), plain.copy_order), (2, CopyOrder::Any));
    assert_eq!(plain.compression, Compression::Off);
    let set = remote("retrycount = 5\nsinglethreadperfolder = yes\nusecompression = on");
    assert_eq!((set.fetch_attempts.get(), set.copy_order), (5, CopyOrder::OneByOne));
    assert_eq!(set.compression, Compression::Deflate);
    assert_eq!(remote("retrycount = 0").fetch_attempts.get(), 1, "once, and no second time");
    assert_eq!(remote("idlefolders = ['INBOX']").copy_order, CopyOrder::OneByOne);
    let negative = Rc { remote: "retrycount = -1", ..Rc::default() }.refusal();
    assert_eq!(negative, "'retrycount' is a number outside of 0 to 65535: '-1'");
}

#[test]
fn the_keyring_is_asked_unless_the_file_says_otherwise() {
    let general = |general| Rc { general, ..Rc::default() }.clean().general;
    let by_default = general("");
    assert_eq!(by_default.keyring, KeyringUse { is_asked: true, is_updated: false });
    assert_eq!(by_default.read_only_warnings, ReadOnlyWarnings::Told);
    let set = general("ignore-keyring = yes\nupdate-keyring = yes\nignore-readonly = yes");
    assert_eq!(set.keyring, KeyringUse { is_asked: false, is_updated: true });
    assert_eq!(set.read_only_warnings, ReadOnlyWarnings::Suppressed);
}

#[test]
fn passwords_come_from_the_first_place_that_has_one() {
    let password =
        |remote| Rc { remote, ..Rc::default() }.clean().accounts[0].remote.password.clone();
    assert!(matches!(password("remotepass = x\nremotepassfile = y"), PasswordSource::Given(_)));
    let PasswordSource::File(path) = password("remotepass =\nremotepassfile = ~/$DIR") else {
        panic!("not a file")
    };
    assert_eq!(path, Path::new("/home/joe/$DIR"), "variables are not replaced here");
}

#[test]
fn what_is_computed_goes_before_what_is_given() {
    let remote = "remotehosteval = get_host()\nremoteporteval = 1000 + 1\n\
                  remoteusereval = user(\n  'a%%b')\nremoteport = 5\n\
                  remotepasseval = get_pass('x')\nremotepass = y\nremotepassfile = z";
    let general = "pythonfile = ~/.offlineimap.py";
    let config = Rc { general, remote, ..Rc::default() }.clean();
    let remote = &config.accounts[0].remote;
    for (setting, text) in [(&remote.host, "get_host()"), (&remote.user, "user(\n'a%b')")] {
        let Setting::Computed(computed) = setting else { panic!("{setting:?}") };
        assert_eq!(computed.text(), text);
        assert!(computed.expression().is_none(), "the name is the pythonfile's");
    }
    let Setting::Computed(port) = &remote.port else { panic!("{:?}", remote.port) };
    assert!(port.expression().is_some(), "nobody starts an interpreter to add");
    let PasswordSource::Computed(password) = &remote.password else { panic!() };
    assert_eq!(password.text(), "get_pass('x')");
    assert!(!format!("{password:?}").contains("get_pass"), "it may be a secret");
    let python = Python {
        file: Some("/home/joe/.offlineimap.py".into()),
        interpreter: "python3".into(),
        deadline: Duration::from_mins(1),
    };
    assert_eq!(config.general.python, python);
    let general = "pythoninterpreter = ~/bin/python\npythontimeout = 5";
    let python = Rc { general, ..Rc::default() }.clean().general.python;
    assert_eq!((python.file, python.deadline), (None, Duration::from_secs(5)));
    assert_eq!(python.interpreter, Path::new("/home/joe/bin/python"));
}

#[test]
fn an_expression_that_cannot_be_evaluated_is_found_at_once_and_where_it_stands() {
    let refusal = |general, remote| {
        let config = Rc { general, remote, ..Rc::default() }.load().unwrap();
        config.refused.first().map(|account| account.problems.render(Color::Never))
    };
    for (expression, complaint) in [
        ("remoteusereval = get_user('%%')", "uses the name 'get_user', which is not defined"),
        ("remoteusereval = 'a' 'b", "is no Python expression: unterminated string literal"),
        ("remoteusereval = (x := 'a')", "which only Python can evaluate"),
    ] {
        let told = refusal("", expression).unwrap();
        assert!(told.contains(complaint), "{told}");
    }
    let told = refusal("", "remoteusereval = '100%%' + user\n").unwrap();
    assert!(told.contains(":28\n"), "the place in the file: {told}");
    let with_file = "pythonfile = ~/.offlineimap.py";
    for expression in ["remoteusereval = get_user('%%')", "remoteusereval = (x := 'a')"] {
        assert_eq!(refusal(with_file, expression), None);
    }
    for secret in ["hunter2", "'hunter2", "hunter2 hunter2", "(x := hunter2)"] {
        let remote = format!("remotepasseval = {secret}");
        let config = Rc { remote: &remote, ..Rc::default() }.load().unwrap();
        let told = config.refused[0].problems.render(Color::Never);
        assert!(told.contains("'remotepasseval' is no expression that can be evaluated"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_computed_host_is_no_reason_to_do_without_tls_or_user() {
    let plain = Rc { remote: "remotehosteval = '127.0.0.1'\nssl = no", ..Rc::default() };
    let text = plain.text().replace("sslcacertfile = OS-DEFAULT\n", "");
    let refusal = load_text(&text).unwrap().refused[0].problems.to_string();
    assert!(refusal.contains("no CA certificates and no server fingerprints"), "{refusal}");
    let text = plain.text().replace("remoteuser = joe\n", "");
    let refusal = load_text(&text).unwrap().refused[0].problems.to_string();
    assert!(refusal.contains("[Repository There] has no 'remoteuser'"), "{refusal}");
}

#[test]
fn a_password_can_come_from_a_command_a_credential_or_a_variable() {
    let password =
        |remote| Rc { remote, ..Rc::default() }.clean().accounts[0].remote.password.clone();
    assert!(matches!(password("remotepasscmd = pass show %%h | head -1"),
        PasswordSource::Command(command) if command == "pass show %h | head -1"));
    assert!(matches!(password("remotepasscredential = imap.work\nremotepass ="),
        PasswordSource::Credential(name) if name == "imap.work"));
    assert!(matches!(password("remotepassenv = IMAP_PASSWORD"),
        PasswordSource::Variable(name) if name == "IMAP_PASSWORD"));
}

#[test]
fn a_password_with_two_sources_is_refused_with_both_lines() {
    for remote in [
        "remotepass = hunter2\nremotepasscmd = x",
        "remotepassfile = x\nremotepasscredential = x",
        "remotepassenv = X\nremotepasscmd = x",
    ] {
        let config = Rc { remote, ..Rc::default() }.load().unwrap();
        let problem = config.refused[0].problems.iter().next().unwrap();
        assert!(problem.message.starts_with("the password has two sources: "), "{problem}");
        let lines: Vec<usize> =
            problem.excerpts.iter().map(|excerpt| excerpt.position.line).collect();
        assert!(matches!(lines[..], [one, other] if one.abs_diff(other) == 1), "{lines:?}");
        assert!(!config.refused[0].problems.to_string().contains("hunter2"));
    }
    for remote in ["remotepasscredential = ../x", "remotepassenv = $PASS", "remotepassenv = A B"] {
        let refusal = Rc { remote, ..Rc::default() }.refusal();
        assert!(refusal.contains(" is not the name of a"), "{refusal}");
    }
}

#[test]
fn a_netrc_file_can_say_who_signs_in() {
    let text = Rc::default().text().replace("remoteuser = joe\n", "");
    let user_of = |text: &str, login: fn(&str) -> Result<Option<String>, String>| {
        let environment = environment().with_netrc_logins(login);
        load(&Request::new("rc", text.as_bytes()), &environment).unwrap()
    };
    let config = user_of(&text, |host| Ok((host == "imap.example.org").then(|| "ann".to_owned())));
    assert_eq!(config.accounts[0].remote.user, given("ann"));
    let config = user_of(&Rc::default().text(), |_| Err("nobody may look".to_owned()));
    assert_eq!(config.accounts[0].remote.user, given("joe"));
    let config = user_of(&text, |_| Err("nobody may look".to_owned()));
    let refusal = config.refused[0].problems.to_string();
    assert!(refusal.contains("has no 'remoteuser', and nobody may look"), "{refusal}");
    let config = user_of(&text, |_| Ok(None));
    let refusal = config.refused[0].problems.to_string();
    assert!(refusal.contains("[Repository There] has no 'remoteuser'"), "{refusal}");
}

#[test]
fn the_local_side_can_be_an_account_on_a_server() {
    let local = "type = IMAP\nremotehost = imap.example.net\nremoteuser = joe\nssl = no\n\
                 starttls = no\nexpunge = no\nreadonly = yes\nlocalfolders =";
    let config = Rc { local, ..Rc::default() }.load().unwrap();
    let LocalRepository::Imap(imap) = &config.accounts[0].local else { panic!("not IMAP") };
    assert_eq!(
        (&imap.host, imap.expunge, imap.rules.read_only),
        (&given("imap.example.net"), false, true)
    );
    assert_eq!(config.accounts[0].local.path(), None);
    let gmail = "type = Gmail\nremoteuser = joe\nsslcacertfile = OS-DEFAULT\nlocalfolders =";
    let config = Rc { local: gmail, ..Rc::default() }.load().unwrap();
    assert!(
        matches!(&config.accounts[0].local, LocalRepository::Imap(imap) if imap.host == given("imap.gmail.com"))
    );
}

#[test]
fn an_account_is_not_kept_the_same_as_itself() {
    let local = "type = IMAP\nremotehost = IMAP.example.org\nremoteuser = joe\nsslcacertfile = OS-DEFAULT\nlocalfolders =";
    let refusal = Rc { local, ..Rc::default() }.refusal();
    assert_eq!(refusal, "the repositories 'Here' and 'There' are the same user on the same server");
    let other = local.replace("= joe", "= ann");
    assert_eq!(Rc { local: &other, ..Rc::default() }.load().unwrap().accounts.len(), 1);
}

#[test]
fn gmail_brings_its_own_host() {
    let text = Rc { remote: "type = Gmail", ..Rc::default() }
        .text()
        .replace("remotehost = imap.example.org\n", "");
    let config = load_text(&text).unwrap();
    assert_eq!(config.accounts[0].remote.host, given("imap.gmail.com"));
    assert_eq!(port(&config.accounts[0].remote), 993);
}

#[test]
fn blanks_around_names_do_not_count() {
    let text = Rc { general: "accounts = , Work ,", ..Rc::default() }
        .text()
        .replace("[Account Work]", "[Account  Work ]");
    let config = load_text(&text).unwrap();
    assert_eq!(config.accounts[0].name, "Work");
}

#[test]
fn an_account_with_mistakes_does_not_stop_the_others() {
    let second = "[Account Home]\nlocalrepository = Here\nremoterepository = Elsewhere\n\
                  [Repository Elsewhere]\ntype = IMAP\nremotehost = h\nremoteuser = u\nssl = maybe\n\
                  starttls = perhaps\nremoteport = 70000\nsslcacertfile = OS-DEFAULT\n";
    let config =
        Rc { general: "accounts = Home, Work", more: second, ..Rc::default() }.load().unwrap();
    assert_eq!(config.accounts.len(), 1);
    assert_eq!(config.accounts[0].name, "Work");
    assert_eq!(config.refused[0].name, "Home");
    let problems: Vec<String> =
        config.refused[0].problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 3, "all at once: {problems:?}");
    assert!(problems[0].contains("'ssl' is not a boolean: 'maybe'"), "{problems:?}");
}

#[test]
fn accounts_that_are_not_selected_may_be_wrong() {
    let config = Rc { more: "[Account Other]\nlocalrepository = Nowhere", ..Rc::default() }.clean();
    assert_eq!(config.accounts.len(), 1);
}

#[test]
fn selecting_an_account_that_does_not_exist_stops_everything() {
    let problems = Rc { general: "accounts = Work, Wrok", ..Rc::default() }.load().unwrap_err();
    assert!(problems.to_string().contains("the account 'Wrok' does not exist"), "{problems}");
    assert!(problems.to_string().contains("did you mean 'Work'?"), "{problems}");

    let text = Rc::default().text();
    let request = Request::new("rc", text.as_bytes()).with_accounts("Nope");
    let problems = load(&request, &environment()).unwrap_err();
    assert!(problems.to_string().contains("valid accounts are: Work"), "{problems}");
}

#[test]
fn the_list_of_the_command_line_replaces_that_of_the_file() {
    let text = Rc { general: "accounts = Nonsense", ..Rc::default() }.text();
    let request = Request::new("rc", text.as_bytes()).with_accounts(" Work , Work");
    let config = load(&request, &environment()).unwrap();
    assert_eq!(config.accounts.len(), 1);
}

#[test]
fn overrides_of_the_command_line_hold() {
    let text = Rc { account: "autorefresh = 5", ..Rc::default() }.text();
    let overrides = ["Repository_There:remoteport=1143", "ui=basic", "DEFAULT:fsync=no"];
    let request = Request::new("rc", text.as_bytes())
        .with_overrides(overrides.map(|argument| argument.parse().unwrap()))
        .with_mode(RunMode::Once);
    let config = load(&request, &environment()).unwrap();
    assert!(config.warnings.is_empty(), "autorefresh was to be ignored: {}", config.warnings);
    assert_eq!(port(&config.accounts[0].remote), 1143);
    assert_eq!(config.general.ui, UserInterface::Basic);
    assert!(!config.general.fsync);
}

#[test]
fn defaults_are_seen_in_every_section() {
    let more = "[DEFAULT]\nreadonly = yes\nuser = ann\n";
    let remote = "remoteuser = %(user)s@example.org";
    let config = Rc { remote, more, ..Rc::default() }.clean();
    assert_eq!(config.accounts[0].remote.user, given("ann@example.org"));
    assert!(config.accounts[0].remote.rules.read_only);
    let refusal = Rc { more: "[DEFAULT]\nnametrans = lambda f:\n", ..Rc::default() }.load();
    assert_eq!(refusal.unwrap().refused[0].problems.len(), 1, "one place, one problem");
}

#[test]
fn options_that_do_not_work_yet_are_named() {
    for spec in options::all() {
        let name = spec.name.replace("<letter>", "x");
        let value = match spec.value {
            Type::Bool => {
                if spec.default == options::Default::Value("yes") {
                    "no"
                } else {
                    "yes"
                }
            }
            Type::Int | Type::Float => "7",
            Type::Text
            | Type::Secret
            | Type::Choice(_)
            | Type::Path(_)
            | Type::List
            | Type::Renames
            | Type::Expression(_)
            | Type::SecretExpression
            | Type::Command
            | Type::Date
            | Type::Limit => "something",
        };
        let line = format!("{name} = {value}");
        let mut rc = Rc::default();
        match spec.place {
            Place::General => rc.general = &line,
            Place::Account => rc.account = &line,
            Place::Repository | Place::Maildir => rc.local = &line,
            Place::Imap => rc.remote = &line,
            Place::Mbnames => continue,
        }
        if name == "status_backend" {
            continue;
        }
        match spec.support {
            Support::Works => {}
            Support::Inert => drop(rc.clean()),
            Support::Planned | Support::Ignored(_) => {
                let warning = rc.warning();
                assert!(warning.contains(&format!("'{name}'")), "{warning}");
                assert!(warning.contains("no effect"), "{warning}");
            }
            Support::Refused => {
                assert_eq!(rc.refusal(), format!("'{name}' is not supported yet"));
            }
        }
    }
}

/// 2026-11-22 08:46 UTC.
const NOW: i64 = 1_795_337_160;

fn load_now(rc: &Rc<'_>) -> Config {
    let environment = environment().with_time(NOW);
    load(&Request::new("rc", rc.text().as_bytes()), &environment).unwrap()
}

#[test]
fn restrictions_are_read() {
    let account = "maxsize = 130\nmaxage = 30\nquick = 3";
    let config = load_now(&Rc { account, ..Rc::default() });
    let account = &config.accounts[0];
    assert_eq!(account.max_size, Some(130));
    let Some(MaxAge::Days(days)) = account.max_age else { panic!("{:?}", account.max_age) };
    assert_eq!(days.get(), 30);
    let quick = [None, Some(2), Some(3)].map(|done| account.quick.is_quick(done));
    assert_eq!(quick, [false, true, false]);

    let config = load_now(&Rc { account: "maxage = 2026-11-22", ..Rc::default() });
    let Some(MaxAge::Since(date)) = config.accounts[0].max_age else { panic!("no date") };
    assert_eq!((date.year(), date.month(), date.day()), (2026, 11, 22));

    let config = load_now(&Rc { remote: "startdate = 2020-4-1", ..Rc::default() });
    let date = config.accounts[0].remote.start_date.unwrap();
    assert_eq!(date.to_string(), "2020-04-01");
    let config = load_now(&Rc { local: "startdate = 2020-04-01", ..Rc::default() });
    assert_eq!(config.accounts[0].local.start_date(), Some(date));
}

#[test]
fn restrictions_that_cannot_be_meant_are_refused() {
    let account = |account| Rc { account, ..Rc::default() };
    let imap = "type = IMAP\nlocalfolders =\nremotehost = other.example.org\nremoteuser = joe\n\
                sslcacertfile = OS-DEFAULT";
    let one = "only one of maxage, startdate of the local repository and startdate of the remote \
               one can be set";
    let table: &[(Rc<'_>, &str)] = &[
        (account("maxage = 0"), "invalid maxage value 0"),
        (account("maxage = -3"), "invalid maxage value -3"),
        (account("maxage = 1 month"), "invalid maxage value 1 month"),
        (account("maxage = 2026-02-30"), "invalid maxage value 2026-02-30"),
        (account("maxage = 50000"), "maxage led to year 1889. Abort syncing."),
        (account("maxage = 99999999999"), "maxage led to year -273788674. Abort syncing."),
        (account("maxage = 1899-12-31"), "maxage led to year 1899. Abort syncing."),
        (account("maxage = 2026-11-24"), "maxage led to future date 2026-11-24. Abort syncing."),
        (
            Rc { remote: "startdate = 2027-01-01", ..Rc::default() },
            "startdate led to future date 2027-01-01. Abort syncing.",
        ),
        (
            Rc { local: "startdate = 1700-01-01", ..Rc::default() },
            "startdate led to year 1700. Abort syncing.",
        ),
        (
            Rc { local: "startdate = yesterday", ..Rc::default() },
            "invalid startdate value yesterday",
        ),
        (Rc { account: "maxage = 3", remote: "startdate = 2020-01-01", ..Rc::default() }, one),
        (
            Rc {
                local: "startdate = 2020-01-01",
                remote: "startdate = 2020-01-01",
                ..Rc::default()
            },
            one,
        ),
        (
            Rc { account: "maxage = 3", local: imap, ..Rc::default() },
            "maxage is not supported on IMAP-IMAP sync",
        ),
        (
            account("maxsize = -1"),
            "'maxsize' is a number outside of 0 to 9223372036854775807: '-1'",
        ),
        (account("maxsize = 1M"), "'maxsize' is not a whole number: '1M'"),
        (account("quick = often"), "'quick' is not a whole number: 'often'"),
    ];
    for (rc, message) in table {
        let config = load_now(rc);
        let reasons: Vec<_> =
            config.refused[0].problems.iter().map(|problem| problem.message.clone()).collect();
        assert_eq!(reasons, [*message]);
    }
}

#[test]
fn message_files_are_written_as_the_account_says() {
    for (general, local, in_names, of_files) in [
        ("", "", false, false),
        ("filename_use_mail_timestamp = yes", "", true, false),
        ("utime_from_header = yes", "filename_use_mail_timestamp = on", true, true),
        ("utime_from_header = yes", "utime_from_header = no", false, false),
        ("utime_from_header = no", "utime_from_header = yes", false, true),
    ] {
        let config = Rc { general, local, ..Rc::default() }.clean();
        let LocalRepository::Maildir(maildir) = &config.accounts[0].local else { panic!() };
        let expected = HeaderDates { in_names, of_files };
        assert_eq!(maildir.header_dates, expected, "{general}, {local}");
        assert!(!maildir.restore_access_times);
    }
    for (account, windows) in [
        ("", false),
        ("maildir-windows-compatible = yes", true),
        ("maildir-windows-compatible = no", false),
    ] {
        let config = Rc { account, ..Rc::default() }.clean();
        assert_eq!(config.accounts[0].windows_compatible_names, windows, "{account}");
    }
}

#[test]
fn hooks_are_commands_of_the_account() {
    let hooks = |account| Rc { account, ..Rc::default() }.clean().accounts[0].hooks.clone();
    assert_eq!(hooks("presynchook =\npostsynchook ="), SyncHooks::default());
    let set = hooks("presynchook = mount ~/Mail && date +%%s\npostsynchook =  notmuch new ");
    assert_eq!(set.before.as_deref(), Some("mount ~/Mail && date +%s"));
    assert_eq!(set.after.as_deref(), Some("notmuch new"));
}

#[test]
fn headers_to_be_filtered_are_a_list() {
    for (account, headers) in [
        ("", &[][..]),
        ("filterheaders =", &[]),
        ("filterheaders = X-Status, bcc,\n  X-Keywords,", &["X-Status", "bcc", "X-Keywords"]),
    ] {
        let config = Rc { account, ..Rc::default() }.clean();
        assert_eq!(config.accounts[0].filter_headers, headers, "{account}");
    }
}

#[test]
fn letters_stand_for_keywords() {
    let local = "customflag_a = $Forwarded\ncustomflag_z = Work\ncustomflag_c =";
    let config = Rc { local, ..Rc::default() }.clean();
    let LocalRepository::Maildir(maildir) = &config.accounts[0].local else { panic!() };
    let pairs: Vec<(char, &str)> =
        maildir.custom_flags.iter().map(|(letter, keyword)| (*letter, keyword.as_str())).collect();
    assert_eq!(pairs, [('a', "$Forwarded"), ('z', "Work")]);
    for (local, message) in [
        ("customflag_b = two words", "'customflag_b' is not an IMAP keyword: 'two words'"),
        ("customflag_b = \\Seen", "'customflag_b' is not an IMAP keyword: '\\Seen'"),
    ] {
        assert_eq!(Rc { local, ..Rc::default() }.refusal(), message);
    }
}

#[test]
fn options_that_do_not_work_yet_may_be_set_to_what_holds_anyway() {
    Rc {
        account: "autorefresh = 0.0\nquick = 0\nsynclabels = no\nutf8foldernames = off\nproxy =",
        remote: "usecompression = no\nretrycount = 2\npreauthtunnel =\nkeepalive = 0\n\
                 tls_level = tls_compat",
        more: "[mbnames]\nenabled = no\n[ui.blinkenlights]\nstatuschar = .",
        ..Rc::default()
    }
    .clean();
}

#[test]
fn options_that_work_complain_about_wrong_values() {
    let wrong = [
        (Type::Bool, "maybe", "not a boolean"),
        (Type::Int, "five", "not a whole number"),
        (Type::Limit, "half", "neither a count"),
    ];
    for spec in options::all().filter(|spec| spec.support == Support::Works) {
        let Some((_, value, complaint)) = wrong.iter().find(|(kind, ..)| *kind == spec.value)
        else {
            continue;
        };
        let line = format!("{} = {value}", spec.name);
        let mut rc = Rc::default();
        match spec.place {
            Place::General => rc.general = &line,
            Place::Account => rc.account = &line,
            Place::Repository | Place::Maildir => rc.local = &line,
            Place::Imap => rc.remote = &line,
            Place::Mbnames => continue,
        }
        let message = if spec.place == Place::General {
            rc.load().expect_err(spec.name).iter().next().unwrap().message.clone()
        } else {
            rc.refusal()
        };
        assert_eq!(
            message,
            format!(
                "'{}' is {}: '{value}'",
                spec.name,
                message.split_once(" is ").unwrap().1.rsplit_once(": ").unwrap().0
            )
        );
        assert!(message.contains(complaint), "{message}");
    }
}

#[test]
fn every_other_mistake_has_its_message() {
    let table: &[(Rc<'_>, &str)] = &[
        (Rc { local: "sep = \"/\"", ..Rc::default() }, "'sep' is not a single character: '\"/\"'"),
        (
            Rc { local: "localfolders =", ..Rc::default() },
            "[Repository Here] has no 'localfolders'",
        ),
        (
            Rc { local: "localfolders = ~bob/x", ..Rc::default() },
            "'localfolders' cannot be expanded: the home directory of user 'bob' is not known",
        ),
        (
            Rc { local: "type = IMAP\nremoteuser = u\nssl = no\nstarttls = no", ..Rc::default() },
            "no remote host for repository 'Here' specified",
        ),
        (
            Rc { local: "type = maildir", ..Rc::default() },
            "'type' is not a type of repository: 'maildir'",
        ),
        (
            Rc { account: "remoterepository = Here", ..Rc::default() },
            "'Maildir' repository not supported for 'remote' repositories: repository 'Here'",
        ),
        (
            Rc { account: "remoterepository = Their", ..Rc::default() },
            "could not find section 'Repository Their' in configuration, required for account 'Work'",
        ),
        (
            Rc { account: "remoterepository =", ..Rc::default() },
            "[Account Work] has no 'remoterepository'",
        ),
        (
            Rc { account: "status_backend = plain", ..Rc::default() },
            "'status_backend' is not a state that is supported: 'plain'",
        ),
        (
            Rc { remote: "remotehost =", ..Rc::default() },
            "no remote host for repository 'There' specified",
        ),
        (
            Rc { remote: "remotehost = imaps://example.org", ..Rc::default() },
            "'remotehost' is not the name or address of a server: 'imaps://example.org'",
        ),
        (Rc { remote: "remoteuser =", ..Rc::default() }, "[Repository There] has no 'remoteuser'"),
        (
            Rc { remote: "remoteuser = %(empty)s\nempty =", ..Rc::default() },
            "the value of 'remoteuser' is empty",
        ),
        (
            Rc { remote: "remoteport = 0", ..Rc::default() },
            "'remoteport' is a number outside of 1 to 65535: '0'",
        ),
        (
            Rc { remote: "maxconnections = 0", ..Rc::default() },
            "'maxconnections' is a number outside of 1 to 65535: '0'",
        ),
        (
            Rc { remote: "cert_fingerprint = abc", ..Rc::default() },
            "'cert_fingerprint' is not a certificate fingerprint: a fingerprint of 3 digits belongs to \
          no known digest: 'abc'",
        ),
        (
            Rc { remote: "auth_mechanisms = PLAIN, plain", ..Rc::default() },
            "repository There: unknown authentication mechanism 'plain'",
        ),
        (
            Rc { remote: "auth_mechanisms =", ..Rc::default() },
            "repository 'There' has no authentication mechanism that works yet",
        ),
        (
            Rc { remote: "remotepass = hunter2%", ..Rc::default() },
            "the value of 'remotepass' cannot be read",
        ),
    ];
    for (rc, message) in table {
        assert_eq!(rc.refusal(), *message);
    }
}

#[test]
fn names_that_mean_nothing_are_pointed_out() {
    let table: &[(Rc<'_>, &str)] = &[
        (
            Rc { remote: "remotprot = 1", ..Rc::default() },
            "'remotprot' is not an option and has no effect; did you mean 'remoteport'?",
        ),
        (
            Rc { remote: "frobnicate = 1", ..Rc::default() },
            "'frobnicate' is not an option and has no effect",
        ),
        (
            Rc { account: "remotehost = x", ..Rc::default() },
            "'remotehost' has no effect in [Account Work]; it belongs to [Repository X] of type IMAP \
          or Gmail",
        ),
        (
            Rc { local: "remoteport = 5", ..Rc::default() },
            "'remoteport' has no effect in [Repository Here]; it belongs to [Repository X] of type \
          IMAP or Gmail",
        ),
        (
            Rc { remote: "maxage = 5", ..Rc::default() },
            "'maxage' has no effect in [Repository There]; it belongs to [Account X]",
        ),
        (
            Rc { remote: "sep = /", ..Rc::default() },
            "'sep' has no effect in [Repository There]; the server says what separates the parts of \
          its folders' names",
        ),
        (
            Rc { account: "status_backend = sqlite", ..Rc::default() },
            "'status_backend' has no effect in [Account Work]; the state is always kept by sqlite; the \
          option can be removed",
        ),
        (
            Rc { more: "[acount Home]", ..Rc::default() },
            "section [acount Home] is not known and has no effect; did you mean [Account Home]? in the \
          names of sections, case and blanks count",
        ),
        (
            Rc { more: "[General]", ..Rc::default() },
            "section [General] is not known and has no effect; did you mean [general]? in the names of \
          sections, case and blanks count",
        ),
        (
            Rc { more: "[DEFAULT]\nnonsense = 1", ..Rc::default() },
            "'nonsense' is not an option and has no effect",
        ),
        (
            Rc { local: "localfolders = ~/$NOWHERE", ..Rc::default() },
            "the environment variable 'NOWHERE' in 'localfolders' is not set; it stays in the path as \
          it is written",
        ),
    ];
    for (rc, warning) in table {
        assert_eq!(rc.warning(), *warning);
    }
}

const MBNAMES: &str = "[mbnames]\nenabled = yes\nfilename = ~/$DIR/list\nheader = 'a' + '%%'\n\
     peritem = \"+%(accountname)s/%(foldername)s\"\nsep = ' '\nfooter = '\\n'";

#[test]
fn the_list_of_mailboxes_is_understood() {
    let list = Rc { more: MBNAMES, ..Rc::default() }.clean().mbnames.unwrap();
    assert_eq!(list.file, Path::new("/home/joe/d/list"));
    assert_eq!(list.header.text(), "'a' + '%'");
    let (account, folder) = ("Work".to_owned(), "INBOX".to_owned());
    let mailbox = ListedMailbox { account, folder, local_folders: None };
    assert_eq!(list.item.text(&mailbox).unwrap(), "\"+Work/INBOX\"", "quotes are part of it");
    assert_eq!(list.writing, ListWriting::AtTheEnd);
    assert!(list.folder_filter.is_none() && list.sort_key.is_none());

    let more = format!(
        "{MBNAMES}\nincremental = yes\nfolderfilter = lambda a, f: re.match('I', f)\n\
         sort_keyfunc = lambda d: d['foldername']"
    );
    let list = Rc { more: &more, ..Rc::default() }.clean().mbnames.unwrap();
    assert_eq!(list.writing, ListWriting::AfterEachAccount);
    assert!(list.folder_filter.is_some() && list.sort_key.is_some());
    assert_eq!(Rc::default().clean().mbnames, None);
    Rc { more: &MBNAMES.replace("enabled = yes", "enabled = no\nx = %%"), ..Rc::default() }
        .load()
        .unwrap();
}

#[test]
fn an_enabled_list_of_mailboxes_is_refused_for_each_mistake() {
    let every_option = ["filename", "header", "peritem", "sep", "footer"];
    let missing = Rc { more: "[mbnames]\nenabled = yes", ..Rc::default() }.load().unwrap_err();
    assert_eq!(missing.len(), every_option.len(), "{missing}");
    for option in every_option {
        let told = format!("[mbnames] has no '{option}'");
        assert!(
            missing.iter().any(|it| it.message == told && !it.excerpts.is_empty()),
            "{missing}"
        );
    }
    for (line, complaint) in [
        ("incremental = maybe", "'incremental' is not a boolean: 'maybe'"),
        ("sep = re", "'sep' uses the name 're', which is not defined"),
        ("folderfilter = lambda a: nt(a)", "'folderfilter' uses the name 'nt'"),
        ("sort_keyfunc = lambda d", "'sort_keyfunc' is no Python expression"),
        ("peritem = %(name)s", "'peritem' cannot be formatted: KeyError: 'name'"),
        ("peritem = 100%", "'peritem' cannot be formatted: ValueError: incomplete format"),
    ] {
        let option = line.split(' ').next().unwrap();
        let others = MBNAMES.lines().filter(|it| !it.starts_with(&format!("{option} =")));
        let more = others.chain([line]).collect::<Vec<_>>().join("\n");
        let problems = Rc { more: &more, ..Rc::default() }.load().unwrap_err();
        assert_eq!(problems.len(), 1, "{problems}");
        let message = &problems.iter().next().unwrap().message;
        assert!(message.starts_with(complaint), "{message}");
    }
}

#[test]
fn the_accounts_of_the_file_are_known_whatever_is_selected() {
    let text = Rc { general: "accounts = Work , Home", ..Rc::default() }.text();
    let request = Request::new("rc", text.as_bytes()).with_accounts("Work");
    let general = load(&request, &environment()).unwrap().general;
    assert_eq!(general.accounts, Some(vec!["Work".to_owned(), "Home".to_owned()]));
    let text = text.replace("accounts = Work , Home", "");
    let request = Request::new("rc", text.as_bytes()).with_accounts("Work");
    assert_eq!(load(&request, &environment()).unwrap().general.accounts, None);
}

#[test]
fn variables_of_the_user_are_no_unknown_options() {
    let remote = "remoteuser = %(me)s\nme = joe";
    Rc { remote, more: "[DEFAULT]\nunused_here = %(also)s\nalso = 1", ..Rc::default() }
        .load()
        .unwrap();
    Rc { remote, ..Rc::default() }.clean();
}

proptest! {
    /// Whatever stands in a file: nothing panics, what is refused has a reason, and a password
    /// appears in no message.
    #[test]
    fn files_with_anything_in_them_are_loaded_or_refused_with_reasons(
        lines in proptest::collection::vec((any::<prop::sample::Index>(), "(word%?|%\\(x\\)s|[a-z0-9%,/~$\"]{0,5}|yes|no|\n )", 0..4_usize), 0..8)
    ) {
        let specs: Vec<_> = options::all().collect();
        let mut parts = [const { String::new() }; 4];
        for (index, value, part) in &lines {
            let name = index.get(&specs).name.replace("<letter>", "x");
            writeln!(parts[*part], "{name} = {value}").unwrap();
        }
        let [general, account, local, remote] = &parts;
        let remote = format!("{remote}remotepass = hunter2 %\nremotepas: hunter2\n  hunter2\n");
        let text = Rc { general, account, local, remote: &remote, more: "" }.text();
        let rendered = match load_text(&text) {
            Ok(config) => {
                for refused in &config.refused {
                    prop_assert!(refused.problems.has_errors());
                }
                prop_assert!(!config.warnings.has_errors());
                config.refused.iter().map(|refused| refused.problems.to_string()).collect::<String>()
                    + &config.warnings.to_string()
            }
            Err(problems) => {
                prop_assert!(problems.has_errors());
                problems.to_string()
            }
        };
        prop_assert!(!rendered.contains("hunter2"), "{}", rendered);
    }
}
