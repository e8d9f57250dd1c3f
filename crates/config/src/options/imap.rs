//! The options of IMAP repositories (`spec/config.md` §8.3).

use super::Default::{Unset, Value};
use super::Place::Imap;
use super::Support::{Ignored, Inert, Planned, Refused, Works};
use super::Type::{
    Bool, Choice, Command, Expression, Int, List, Path, Secret, SecretExpression, Text,
};
use super::{Expansion, Spec, row};

pub(super) const ROWS: &[Spec] = &[
    row(
        Imap,
        "remotehost",
        Text,
        Unset("`imap.gmail.com` for Gmail; else it is required"),
        Works,
        "The name or address of the server.",
    ),
    row(
        Imap,
        "remotehosteval",
        Expression("text"),
        Unset("none"),
        Works,
        "The server, computed by a Python expression; goes before `remotehost`.",
    ),
    row(
        Imap,
        "remoteport",
        Int,
        Unset("993 with `ssl`, else 143"),
        Works,
        "The port of the server.",
    ),
    row(
        Imap,
        "remoteporteval",
        Expression("number"),
        Unset("none"),
        Works,
        "The port, computed by a Python expression; goes before `remoteport`.",
    ),
    row(
        Imap,
        "ipv6",
        Bool,
        Unset("both kinds of addresses"),
        Works,
        "`yes` connects to IPv6 addresses only, `no` to IPv4 addresses only.",
    ),
    row(Imap, "ssl", Bool, Value("yes"), Works, "Whether the connection begins with TLS."),
    row(
        Imap,
        "starttls",
        Bool,
        Value("yes"),
        Works,
        "Without `ssl`: whether the connection changes to TLS before logging in. \
         The server is recognised as with `ssl`. \
         When it is set in the file and the server refuses, nothing is sent to it; \
         when it is not set, plain text is allowed to this machine only.",
    ),
    row(
        Imap,
        "sslcacertfile",
        Path(Expansion::TildeAndVariables),
        Unset("none"),
        Works,
        "A file with the certificate authorities (PEM) that may vouch for the server, or \
         `OS-DEFAULT` for those of the system. \
         TLS needs this, or `cert_fingerprint`, or both.",
    ),
    row(
        Imap,
        "cert_fingerprint",
        List,
        Unset("none"),
        Works,
        "Digests of certificates that the server may show: SHA-1, SHA-224, SHA-256, SHA-384 or \
         SHA-512 in hexadecimal digits of either case, with or without colons.",
    ),
    row(
        Imap,
        "sslclientcert",
        Path(Expansion::TildeAndVariables),
        Unset("none"),
        Works,
        "A file with the certificate (PEM) to show to a server that asks for one, and behind it \
         those that lead to its authority. \
         Without `sslclientkey` the key is in the same file.",
    ),
    row(
        Imap,
        "sslclientkey",
        Path(Expansion::TildeAndVariables),
        Unset("the file of `sslclientcert`"),
        Works,
        "The file with the private key (PEM, without a passphrase) of `sslclientcert`.",
    ),
    row(
        Imap,
        "tls_level",
        Choice(&["tls_compat", "tls_no_ssl", "tls_secure"]),
        Value("tls_compat"),
        Works,
        "Which values of `ssl_version` are allowed: with `tls_secure` and `tls_no_ssl` only \
         `tls1_2`, which must be set then. \
         No version before 1.2 is ever used, whatever is set here.",
    ),
    row(
        Imap,
        "ssl_version",
        Choice(&["tls1_2", "tls1_1", "tls1", "ssl3", "ssl23"]),
        Unset("the best of 1.2 and 1.3 that the server has"),
        Works,
        "The version of TLS to use: `tls1_2` is exactly 1.2, and `ssl23` the best of 1.2 and 1.3. \
         The other three are not safe any more: the account is refused.",
    ),
    row(
        Imap,
        "preauthtunnel",
        Command,
        Unset("none"),
        Refused,
        "A command that speaks IMAP, already logged in, on its input and output.",
    ),
    row(
        Imap,
        "transporttunnel",
        Command,
        Unset("none"),
        Refused,
        "A command that speaks IMAP on its input and output.",
    ),
    row(
        Imap,
        "remoteuser",
        Text,
        Unset("the login for the host in `~/.netrc` or `/etc/netrc`"),
        Works,
        "The name to log in with. \
         It is required if no netrc file has it.",
    ),
    row(
        Imap,
        "remoteusereval",
        Expression("text"),
        Unset("none"),
        Works,
        "The name, computed by a Python expression; goes before `remoteuser`.",
    ),
    row(
        Imap,
        "remotepass",
        Secret,
        Unset("see `remotepassfile`"),
        Works,
        "The password. \
         An empty one counts as none. \
         A percent sign must be doubled.",
    ),
    row(
        Imap,
        "remotepassfile",
        Path(Expansion::Tilde),
        Unset("the other sources of the password"),
        Works,
        "A file whose first line is the password; used without `remotepass`.",
    ),
    row(
        Imap,
        "remotepasscmd",
        Command,
        Unset("none"),
        Works,
        "A command for the shell; the first line that it writes is the password. \
         It runs just before the first connection, has a minute to end, and can use the terminal. \
         Like the next two options it stands alone: with another source of the password beside it \
         the account is refused.",
    ),
    row(
        Imap,
        "remotepasscredential",
        Text,
        Unset("none"),
        Works,
        "The name of a credential that systemd passes to the service (`LoadCredential=`, \
         `LoadCredentialEncrypted=`); its first line is the password.",
    ),
    row(
        Imap,
        "remotepassenv",
        Text,
        Unset("none"),
        Works,
        "The name of the environment variable that is the password. \
         Without any source of the password, `~/.netrc` and `/etc/netrc` are looked at, then the \
         keyring of the system, and then the password is asked for: again, three times at most, when \
         the server refuses it.",
    ),
    row(
        Imap,
        "remotepasseval",
        SecretExpression,
        Unset("none"),
        Works,
        "The password, computed by a Python expression, mostly by a function of the `pythonfile`; \
         goes before `remotepass`. \
         What the function prints is shown.",
    ),
    row(
        Imap,
        "remote_identity",
        Text,
        Unset("none"),
        Works,
        "Whose mail it is, when that is somebody else than who logs in (the authorization identity \
         of SASL). \
         Only `PLAIN` can say so: the other ways to log in are passed over.",
    ),
    row(
        Imap,
        "auth_mechanisms",
        List,
        Value("GSSAPI, XOAUTH2, CRAM-MD5, PLAIN, LOGIN"),
        Works,
        "The ways to log in, in the order in which they are tried; upper case. \
         `CRAM-MD5`, `PLAIN` and `LOGIN` work; `GSSAPI` and `XOAUTH2` are passed over so far.",
    ),
    row(Imap, "oauth2_client_id", Text, Unset("none"), Planned, "The client id for OAuth 2."),
    row(
        Imap,
        "oauth2_client_id_eval",
        Expression("text"),
        Unset("none"),
        Planned,
        "The client id, computed.",
    ),
    row(
        Imap,
        "oauth2_client_secret",
        Secret,
        Unset("none"),
        Planned,
        "The client secret for OAuth 2.",
    ),
    row(
        Imap,
        "oauth2_client_secret_eval",
        SecretExpression,
        Unset("none"),
        Planned,
        "The client secret, computed.",
    ),
    row(
        Imap,
        "oauth2_refresh_token",
        Secret,
        Unset("none"),
        Refused,
        "The refresh token for OAuth 2.",
    ),
    row(
        Imap,
        "oauth2_refresh_token_eval",
        SecretExpression,
        Unset("none"),
        Refused,
        "The refresh token, computed.",
    ),
    row(
        Imap,
        "oauth2_access_token",
        Secret,
        Unset("none"),
        Refused,
        "An access token for OAuth 2.",
    ),
    row(
        Imap,
        "oauth2_access_token_eval",
        SecretExpression,
        Unset("none"),
        Refused,
        "An access token, computed.",
    ),
    row(
        Imap,
        "oauth2_request_url",
        Text,
        Unset("that of Google for Gmail, else none"),
        Planned,
        "Where access tokens are requested.",
    ),
    row(
        Imap,
        "maxconnections",
        Int,
        Unset("chosen by the program"),
        Works,
        "How many connections to the server may be open at once; at least 1.",
    ),
    row(
        Imap,
        "reference",
        Text,
        Value("\"\""),
        Works,
        "The reference name for listing folders, which begins the name of folders created too. \
         Double quotes around it do not count.",
    ),
    row(
        Imap,
        "subscribedonly",
        Bool,
        Value("no"),
        Works,
        "Whether only subscribed folders are synced.",
    ),
    row(
        Imap,
        "expunge",
        Bool,
        Value("yes"),
        Works,
        "Whether deleted messages are removed from the server, or only marked as deleted there.",
    ),
    row(
        Imap,
        "usecompression",
        Bool,
        Value("no"),
        Works,
        "Whether the connection is compressed after the login (COMPRESS=DEFLATE), if the server \
         can do that.",
    ),
    row(
        Imap,
        "singlethreadperfolder",
        Bool,
        Unset("yes with idlefolders, else no"),
        Works,
        "Whether the messages of a folder are copied from here one after another, in the order of \
         their UIDs, instead of over several connections at once.",
    ),
    row(
        Imap,
        "holdconnectionopen",
        Bool,
        Value("no"),
        Planned,
        "Whether connections stay open between two syncs.",
    ),
    row(
        Imap,
        "keepalive",
        Int,
        Value("0"),
        Planned,
        "How many seconds of silence pass before the server is told that we are still there.",
    ),
    row(
        Imap,
        "idlefolders",
        Expression("list of names"),
        Unset("none"),
        Planned,
        "Folders that are watched between two syncs.",
    ),
    row(
        Imap,
        "retrycount",
        Int,
        Value("2"),
        Works,
        "How often the fetching of a message is tried, when the connection breaks meanwhile, until \
         the message is given up for this run; 0 and 1 mean once.",
    ),
    row(
        Imap,
        "newmail_hook",
        Expression("function"),
        Unset("none"),
        Works,
        "What is called, without arguments, when a sync has copied messages from the folder `INBOX` \
         and at least one of them is unread. \
         It is called once in a sync.",
    ),
    row(
        Imap,
        "copy_ignore_eval",
        Expression("function of a folder's name"),
        Unset("none"),
        Works,
        "Gives the UIDs of messages that are never copied from here, as a list, or `None`. \
         The name is the one that the other repository knows the folder by. \
         Nothing is deleted for it: a message that was copied already stays, and is synced.",
    ),
    row(
        Imap,
        "decodefoldernames",
        Bool,
        Value("no"),
        Works,
        "Whether the names that folders get on the local side are decoded from modified UTF-7, after \
         `nametrans` and all other options have dealt with the names as they are on the server. \
         It counts in a remote repository beside a Maildir, and not together with \
         `utf8foldernames`, which is to be preferred.",
    ),
    row(
        Imap,
        "trashfolder",
        Text,
        Value("[Gmail]/Trash"),
        Inert,
        "The name of Gmail's trash, for use by other options.",
    ),
    row(
        Imap,
        "spamfolder",
        Text,
        Value("[Gmail]/Spam"),
        Inert,
        "The name of Gmail's spam folder, for use by other options.",
    ),
    row(
        Imap,
        "sep",
        Text,
        Unset("none"),
        Ignored("the server says what separates the parts of its folders' names"),
        "Not used: the server says what separates the parts of its folders' names.",
    ),
];
