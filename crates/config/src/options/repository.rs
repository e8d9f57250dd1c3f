//! The options of every `[Repository X]` and of Maildirs (`spec/config.md` §8.1, §8.2).

use super::Default::{Required, Unset, Value};
use super::Place::{Maildir, Repository};
use super::Support::{Planned, Refused, Works};
use super::Type::{Bool, Choice, Date, Expression, Path, Text};
use super::{Expansion, Spec, row};

pub(super) const ROWS: &[Spec] = &[
    row(
        Repository,
        "type",
        Choice(&["IMAP", "Gmail", "Maildir", "GmailMaildir"]),
        Required,
        Works,
        "What the repository is; case counts. \
         A remote repository is `IMAP` or `Gmail`, a local one can be of any type. \
         `Gmail` is IMAP with the host and port of Gmail as defaults.",
    ),
    row(
        Repository,
        "readonly",
        Bool,
        Value("no"),
        Works,
        "Whether nothing is ever changed here: no message, no flag, no folder.",
    ),
    row(
        Repository,
        "createfolders",
        Bool,
        Value("yes"),
        Works,
        "Whether folders that exist only on the other side are created here. \
         `readonly` prevents it too.",
    ),
    row(
        Repository,
        "sync_deletes",
        Bool,
        Value("yes"),
        Works,
        "Whether messages that were deleted here are deleted on the other side.",
    ),
    row(
        Repository,
        "nametrans",
        Expression("function of a folder's name"),
        Unset("names are the same"),
        Refused,
        "The name on the other side of a folder here.",
    ),
    row(
        Repository,
        "folderfilter",
        Expression("function of a folder's name"),
        Unset("all folders"),
        Refused,
        "Which folders are synced, by their name here.",
    ),
    row(
        Repository,
        "folderincludes",
        Expression("list of names"),
        Unset("none"),
        Refused,
        "Folders that are synced in any case.",
    ),
    row(
        Repository,
        "foldersort",
        Expression("function of two names"),
        Unset("by name"),
        Planned,
        "The order in which folders are synced.",
    ),
    row(
        Repository,
        "dynamic_folderfilter",
        Bool,
        Value("no"),
        Planned,
        "Whether `folderfilter` is asked again at every use.",
    ),
    row(
        Repository,
        "startdate",
        Date,
        Unset("no limit"),
        Works,
        "Messages that came before this date (`YYYY-MM-DD`) are left alone on both sides: not \
         copied, not changed, not deleted. \
         On a server, everything from the first message of that day on is synced; in a Maildir the \
         date is the time in the file's name, and counts for new messages. \
         Only one of the two repositories can have it, and not together with `maxage`.",
    ),
    row(
        Repository,
        "filename_use_mail_timestamp",
        Bool,
        Unset("as in [general]"),
        Works,
        "Whether the name of a new message file begins with the time in the `Date` of the message, \
         else in its `Delivery-date`, else with the present one. \
         It counts in a Maildir only.",
    ),
    row(
        Repository,
        "utime_from_header",
        Bool,
        Unset("as in [general]"),
        Works,
        "Whether a new message file gets the time in the `Date` of the message as its own. \
         Without a valid `Date` it keeps the time of its arrival. \
         It counts in a Maildir only.",
    ),
];

pub(super) const MAILDIR_ROWS: &[Spec] = &[
    row(
        Maildir,
        "localfolders",
        Path(Expansion::TildeAndVariables),
        Required,
        Works,
        "The directory that contains the Maildirs; it is created when missing.",
    ),
    row(
        Maildir,
        "sep",
        Text,
        Value("."),
        Works,
        "The character between the parts of a folder's name. \
         `/` makes nested directories. \
         Quotes are not special: write `sep = /`.",
    ),
    row(
        Maildir,
        "restoreatime",
        Bool,
        Value("no"),
        Works,
        "Whether the access times of a folder's `new` and `cur` are put back after a sync.",
    ),
    row(
        Maildir,
        "customflag_<letter>",
        Text,
        Unset("none"),
        Works,
        "The IMAP keyword that this lower-case letter stands for in the names of message files, such \
         as `customflag_a = $Forwarded`. \
         Case does not count in keywords. \
         Changes are carried both ways, as far as the server keeps the keyword. \
         Letters without a keyword stay as they are.",
    ),
];
