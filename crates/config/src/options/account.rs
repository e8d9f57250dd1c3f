//! The options of `[Account X]` (`spec/config.md` §7).

use super::Default::{Required, Unset, Value};
use super::Place::Account;
use super::Support::{Ignored, Inert, Planned, Refused, Works};
use super::Type::{Bool, Choice, Command, Date, Float, Int, Limit, List, Text};
use super::{Spec, row};

pub(super) const ROWS: &[Spec] = &[
    row(
        Account,
        "localrepository",
        Text,
        Required,
        Works,
        "The repository on this machine, by the name in its section header.",
    ),
    row(
        Account,
        "remoterepository",
        Text,
        Required,
        Works,
        "The repository on the server, by the name in its section header.",
    ),
    row(
        Account,
        "deletelimit",
        Limit,
        Unset("as in [general]"),
        Works,
        "How many messages of a folder one run may delete in this account.",
    ),
    row(
        Account,
        "autorefresh",
        Float,
        Value("0"),
        Planned,
        "How many minutes to wait before the account is synced again. 0 means once.",
    ),
    row(
        Account,
        "quick",
        Int,
        Value("0"),
        Works,
        "How many quick syncs follow a full one. \
         A negative number means that all are quick, as with `-q`. \
         A quick sync skips folders in which nothing has happened: locally, by everything that is \
         there, and on the server, by UIDVALIDITY, UIDNEXT, the number of messages and, where the \
         server has it, HIGHESTMODSEQ. Without that, changed flags on the server are seen by the \
         next full sync. \
         With `maxage` or `startdate` every sync is a full one.",
    ),
    row(
        Account,
        "presynchook",
        Command,
        Unset("none"),
        Works,
        "A command that is run before each sync, before anything is connected. It has no input; \
         `OFFLINEIMAPSYNCMODE` is `full` or `quick` in its environment. What it writes and how it ends is \
         told and changes nothing.",
    ),
    row(
        Account,
        "postsynchook",
        Command,
        Unset("none"),
        Works,
        "A command that is run after each sync, in the same way, unless the account as a whole \
         failed. Single folders may have failed.",
    ),
    row(
        Account,
        "maxsize",
        Int,
        Unset("no limit"),
        Works,
        "Messages of more bytes than this are left alone on both sides: not copied, not changed, not \
         deleted. \
         What counts is the size on the server, or, for a new local message, that which it would \
         have there.",
    ),
    row(
        Account,
        "maxage",
        Date,
        Unset("no limit"),
        Works,
        "Messages older than this number of days, or than this date (`YYYY-MM-DD`), are left \
         alone on both sides: not copied, not changed, not deleted. \
         The server's date counts, and all messages that came to the folder after the first \
         recent one are synced, too. \
         Old messages can be deleted locally to make room: that is not carried to the server, and \
         they come back when the limit is raised. \
         Not for a local repository of type IMAP, and not together with `startdate`.",
    ),
    row(
        Account,
        "maildir-windows-compatible",
        Bool,
        Value("no"),
        Works,
        "Whether `!` instead of `:` stands before the flags in the names of new message files. \
         Both forms are read; existing files get the other form when their flags change.",
    ),
    row(
        Account,
        "synclabels",
        Bool,
        Value("no"),
        Refused,
        "Whether Gmail's labels are kept in a header of the local messages.",
    ),
    row(
        Account,
        "labelsheader",
        Text,
        Value("X-Keywords"),
        Planned,
        "The header that keeps Gmail's labels.",
    ),
    row(Account, "ignorelabels", List, Unset("none"), Planned, "Labels that are left alone."),
    row(
        Account,
        "filterheaders",
        List,
        Unset("none"),
        Works,
        "Header fields that are removed from messages on their way to the server, by name; case does \
         not count. \
         The local messages keep them.",
    ),
    row(
        Account,
        "proxy",
        Text,
        Unset("none"),
        Refused,
        "The proxy to connect through, as `TYPE:host:port` with a type of `SOCKS4`, `SOCKS5` or \
         `HTTP`.",
    ),
    row(Account, "authproxy", Text, Unset("as proxy"), Planned, "The proxy for OAuth 2 requests."),
    row(
        Account,
        "utf8foldernames",
        Bool,
        Value("no"),
        Works,
        "Whether the names of folders on a server, which are in modified UTF-7 there, are read as \
         UTF-8. \
         Every option that deals with names sees them so, on both sides. \
         When it is set for an account that was synced before, the directories of folders with \
         other than ASCII letters have to be renamed by hand, or they are synced anew.",
    ),
    row(
        Account,
        "status_backend",
        Choice(&["sqlite"]),
        Unset("sqlite"),
        Ignored("the state is always kept by sqlite; the option can be removed"),
        "What older versions kept their state in. \
         `sqlite` is accepted with a warning; anything else is refused.",
    ),
    row(Account, "skipsleep", Int, Unset("none"), Inert, "Internal to older versions."),
];
