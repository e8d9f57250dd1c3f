//! Every option that OfflineIMAP has, and every one of ours: it is in the table, and when it is set
//! it changes what the configuration means, or what is said of it.

use std::collections::BTreeSet;

use offlineimap_config::options::{self, Place, Spec, Support};
use offlineimap_config::{Computed, Config, Environment, Request, load};

use Place::{Account, General, Imap, Maildir, Mbnames, Repository};

/// An option, a value that is not its default, and what else must be in the section for that.
type Example = (Place, &'static str, &'static str, &'static str);

/// The options that OfflineIMAP 8.0.1 reads (`spec/config.md` §5 to §8).
const OFFLINEIMAP: &[Example] = &[
    (General, "accounts", "Play", ""),
    (General, "metadata", "~/elsewhere", ""),
    (General, "maxsyncaccounts", "3", ""),
    (General, "ui", "quiet", ""),
    (General, "ignore-readonly", "yes", ""),
    (General, "pythonfile", "~/helpers.py", ""),
    (General, "socktimeout", "60", ""),
    (General, "fsync", "no", ""),
    (General, "filename_use_mail_timestamp", "yes", ""),
    (General, "utime_from_header", "yes", ""),
    (General, "dry-run", "yes", ""),
    (General, "ignore-keyring", "yes", ""),
    (General, "update-keyring", "yes", ""),
    (Mbnames, "enabled", "no", ""),
    (Mbnames, "filename", "~/boxes", ""),
    (Mbnames, "header", "'first'", ""),
    (Mbnames, "peritem", "%(accountname)s", ""),
    (Mbnames, "sep", "'; '", ""),
    (Mbnames, "footer", "'last'", ""),
    (Mbnames, "incremental", "yes", ""),
    (Mbnames, "folderfilter", "lambda account, folder: folder == 'INBOX'", ""),
    (Mbnames, "sort_keyfunc", "lambda box: box['foldername']", ""),
    (Account, "localrepository", "Nearby", ""),
    (Account, "remoterepository", "Far", ""),
    (Account, "autorefresh", "5", ""),
    (Account, "quick", "10", ""),
    (Account, "presynchook", "true", ""),
    (Account, "postsynchook", "true", ""),
    (Account, "maxsize", "100000", ""),
    (Account, "maxage", "30", ""),
    (Account, "maildir-windows-compatible", "yes", ""),
    (Account, "synclabels", "yes", ""),
    (Account, "labelsheader", "X-Label", ""),
    (Account, "ignorelabels", "Inbox", ""),
    (Account, "filterheaders", "X-Spam", ""),
    (Account, "proxy", "SOCKS5:127.0.0.1:1080", ""),
    (Account, "authproxy", "SOCKS5:127.0.0.1:1080", ""),
    (Account, "utf8foldernames", "yes", ""),
    (Account, "status_backend", "sqlite", ""),
    (Account, "skipsleep", "yes", ""),
    (Repository, "type", "Gmail", ""),
    (Repository, "nametrans", "lambda name: name.lower()", ""),
    (Repository, "folderfilter", "lambda name: name != 'Trash'", ""),
    (Repository, "folderincludes", "['Archive']", ""),
    (Repository, "foldersort", "lambda x, y: len(x) - len(y)", ""),
    (Repository, "dynamic_folderfilter", "yes", "folderfilter = lambda name: True"),
    (Repository, "readonly", "yes", ""),
    (Repository, "createfolders", "no", ""),
    (Repository, "sync_deletes", "no", ""),
    (Repository, "startdate", "2020-01-01", ""),
    (Repository, "filename_use_mail_timestamp", "yes", ""),
    (Repository, "utime_from_header", "yes", ""),
    (Maildir, "localfolders", "~/Post", ""),
    (Maildir, "sep", "/", ""),
    (Maildir, "restoreatime", "yes", ""),
    (Maildir, "customflag_a", "$Label1", ""),
    (Imap, "remotehost", "mail.example.org", ""),
    (Imap, "remotehosteval", "'mail.' + 'example.org'", ""),
    (Imap, "remoteport", "1993", ""),
    (Imap, "remoteporteval", "1000 + 993", ""),
    (Imap, "ipv6", "yes", ""),
    (Imap, "ssl", "no", ""),
    (Imap, "starttls", "no", "ssl = no"),
    (Imap, "sslcacertfile", "~/ca.pem", ""),
    (Imap, "cert_fingerprint", "0123456789abcdef0123456789abcdef01234567", ""),
    (Imap, "sslclientcert", "~/me.pem", ""),
    (Imap, "sslclientkey", "~/me.key", "sslclientcert = ~/me.pem"),
    (Imap, "tls_level", "tls_secure", ""),
    (Imap, "ssl_version", "tls1_2", ""),
    (Imap, "preauthtunnel", "ssh example.org imapd", ""),
    (Imap, "transporttunnel", "nc example.org 143", ""),
    (Imap, "usecompression", "yes", ""),
    (Imap, "reference", "Mail", ""),
    (Imap, "subscribedonly", "yes", ""),
    (Imap, "maxconnections", "7", ""),
    (Imap, "singlethreadperfolder", "yes", ""),
    (Imap, "holdconnectionopen", "yes", ""),
    (Imap, "keepalive", "60", ""),
    (Imap, "idlefolders", "['INBOX']", ""),
    (Imap, "retrycount", "5", ""),
    (Imap, "sep", ".", ""),
    (Imap, "remoteuser", "jane", ""),
    (Imap, "remoteusereval", "'ja' + 'ne'", ""),
    (Imap, "remotepass", "secret", ""),
    (Imap, "remotepassfile", "~/password", ""),
    (Imap, "remotepasseval", "'sec' + 'ret'", ""),
    (Imap, "remote_identity", "boss", ""),
    (Imap, "auth_mechanisms", "PLAIN", ""),
    (Imap, "oauth2_client_id", "client", ""),
    (Imap, "oauth2_client_id_eval", "'client'", ""),
    (Imap, "oauth2_client_secret", "secret", ""),
    (Imap, "oauth2_client_secret_eval", "'secret'", ""),
    (Imap, "oauth2_refresh_token", "token", ""),
    (Imap, "oauth2_refresh_token_eval", "'token'", ""),
    (Imap, "oauth2_access_token", "token", ""),
    (Imap, "oauth2_access_token_eval", "'token'", ""),
    (Imap, "oauth2_request_url", "https://example.org/token", ""),
    (Imap, "expunge", "no", ""),
    (Imap, "decodefoldernames", "yes", ""),
    (Imap, "newmail_hook", "lambda: os.system('true')", ""),
    (Imap, "copy_ignore_eval", "lambda folder: [1]", ""),
    (Imap, "trashfolder", "Trash", ""),
    (Imap, "spamfolder", "Spam", ""),
];

/// The options that only this program has.
const OURS: &[Example] = &[
    (General, "deletelimit", "10%%", ""),
    (General, "pythoninterpreter", "python3.11", ""),
    (General, "pythontimeout", "5", ""),
    (Account, "deletelimit", "10%%", ""),
    (Repository, "includefolders", "INBOX", ""),
    (Repository, "excludefolders", "Trash", ""),
    (Repository, "renamefolders", "Sent Items -> Sent", ""),
    (Imap, "remotepasscmd", "pass show mail", ""),
    (Imap, "remotepasscredential", "mail", ""),
    (Imap, "remotepassenv", "MAIL_PASSWORD", ""),
];

/// The families that are still to come, and what has no effect by its nature. Whatever is not here
/// has to work.
const NOT_WORKING: &[&str] = &[
    // Staying on.
    "autorefresh",
    "holdconnectionopen",
    "keepalive",
    "idlefolders",
    // Labels of Gmail.
    "synclabels",
    "labelsheader",
    "ignorelabels",
    // Proxies and tunnels.
    "proxy",
    "authproxy",
    "preauthtunnel",
    "transporttunnel",
    // OAuth 2.
    "oauth2_client_id",
    "oauth2_client_id_eval",
    "oauth2_client_secret",
    "oauth2_client_secret_eval",
    "oauth2_refresh_token",
    "oauth2_refresh_token_eval",
    "oauth2_access_token",
    "oauth2_access_token_eval",
    "oauth2_request_url",
    // Accepted, and read by nothing.
    "status_backend",
    "skipsleep",
    "trashfolder",
    "spamfolder",
];

/// A section of the example, with the lines that it has anyway.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: &[Section] = &[
    ("general", &[("accounts", "Work")]),
    ("Account Work", &[("localrepository", "Here"), ("remoterepository", "There")]),
    ("Account Play", &[("localrepository", "Here"), ("remoterepository", "There")]),
    ("Repository Here", &[("type", "Maildir"), ("localfolders", "~/Mail")]),
    ("Repository Nearby", &[("type", "Maildir"), ("localfolders", "~/Nearby")]),
    ("Repository There", SERVER),
    ("Repository Far", SERVER),
    (
        "mbnames",
        &[
            ("enabled", "yes"),
            ("filename", "~/mailboxes"),
            ("header", "'mailboxes '"),
            ("peritem", "+%(foldername)s"),
            ("sep", "' '"),
            ("footer", "'.'"),
        ],
    ),
];

const SERVER: &[(&str, &str)] = &[
    ("type", "IMAP"),
    ("remotehost", "imap.example.org"),
    ("remoteuser", "joe"),
    ("sslcacertfile", "OS-DEFAULT"),
];

/// The configuration with these lines in a section, instead of those that it has anyway.
fn text(section: &str, lines: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, usual) in SECTIONS {
        text.extend(["[", name, "]\n"]);
        let lines = if name == &section { lines } else { &[] };
        let line = |(option, value): &(&str, &str)| format!("{option} = {value}\n");
        let of = |option: &str| lines.iter().find(|(name, _)| *name == option);
        text.extend(usual.iter().map(|usual| line(of(usual.0).unwrap_or(usual))));
        let more = lines.iter().filter(|(name, _)| usual.iter().all(|(it, _)| it != name));
        text.extend(more.map(line));
    }
    text
}

fn loaded(text: &str) -> Config {
    let environment = Environment::new(Some("/home/joe".into()), |_| None);
    let request = Request::new("offlineimaprc", text.as_bytes());
    load(&request, &environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// What a configuration means, apart from what is said of it.
fn meaning(config: &Config) -> String {
    let Config { general, mbnames, accounts, refused: _, warnings: _ } = config;
    // An expression may contain a secret, and shows its text only when it is asked for it.
    let list = mbnames.as_ref();
    let texts = list.map(|it| [&it.header, &it.separator, &it.footer].map(Computed::text));
    format!("{general:#?}\n{mbnames:#?}\n{texts:?}\n{accounts:#?}")
}

fn section(place: Place, option: &str) -> &'static str {
    match place {
        General => "general",
        Mbnames => "mbnames",
        Account => "Account Work",
        Maildir => "Repository Here",
        // Names of files are of interest to a Maildir only.
        Repository if ["filename_use_mail_timestamp", "utime_from_header"].contains(&option) => {
            "Repository Here"
        }
        Repository | Imap => "Repository There",
    }
}

fn spec(place: Place, option: &str) -> &'static Spec {
    let found = options::all().find(|spec| spec.place == place && spec.matches(option));
    found.unwrap_or_else(|| panic!("'{option}' of {} is not in the table", place.name()))
}

/// The configuration without and with an option.
fn without_and_with((place, option, value, more): Example) -> [Config; 2] {
    let more: Vec<(&str, &str)> = more.lines().filter_map(|line| line.split_once(" = ")).collect();
    let section = section(place, option);
    let with = [&more[..], &[(option, value)]].concat();
    [loaded(&text(section, &more)), loaded(&text(section, &with))]
}

#[test]
fn every_option_of_the_table_has_an_example() {
    let examples = || OFFLINEIMAP.iter().chain(OURS);
    for row in options::all() {
        let found =
            examples().any(|(place, option, ..)| row.place == *place && row.matches(option));
        assert!(found, "'{}' of {}", row.name, row.place.name());
    }
    let mut seen = BTreeSet::new();
    for (place, option, ..) in examples() {
        assert!(seen.insert((spec(*place, option).name, place)), "'{option}' twice");
    }
}

#[test]
fn every_option_works_but_those_of_known_families() {
    for (place, option, ..) in OFFLINEIMAP.iter().chain(OURS) {
        let support = spec(*place, option).support;
        let is_of_a_server = (*place, *option) == (Imap, "sep");
        assert_eq!(
            support == Support::Works,
            !NOT_WORKING.contains(option) && !is_of_a_server,
            "'{option}' of {}: {support:?}",
            place.name()
        );
    }
}

#[test]
fn an_option_that_works_changes_what_the_configuration_means() {
    for example in OFFLINEIMAP.iter().chain(OURS) {
        let (place, option, ..) = *example;
        if spec(place, option).support != Support::Works {
            continue;
        }
        let [without, with] = without_and_with(*example);
        assert!(without.refused.is_empty(), "{option}: {}", without.refused[0].problems);
        let changes = meaning(&without) != meaning(&with);
        assert!(changes, "'{option}' of {} changes nothing", place.name());
        // A level demands that the version is named.
        assert_eq!(with.refused.is_empty(), option != "tls_level", "{option}: {with:#?}");
    }
}

#[test]
fn an_option_that_does_not_work_is_never_passed_over_in_silence() {
    for example in OFFLINEIMAP {
        let (place, option, ..) = *example;
        let [without, with] = without_and_with(*example);
        assert!(without.warnings.is_empty(), "{option}: {}", without.warnings);
        let told = match spec(place, option).support {
            Support::Works | Support::Inert => continue,
            Support::Planned | Support::Ignored(_) => with.warnings.to_string(),
            Support::Refused => with.refused[0].problems.to_string(),
        };
        assert!(told.contains(option), "{option}: {told:?}");
    }
}
