//! The options of every `[Repository X]` and of Maildirs (`spec/config.md` §8.1, §8.2).

use super::Default::{Required, Unset, Value};
use super::Place::{Maildir, Repository};
use super::Support::Works;
use super::Type::{Bool, Choice, Date, Expression, List, Path, Renames, Text};
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
        Works,
        "The name on the other side of a folder here. \
         The separators in the result are those of this repository, and become those of the other \
         side; a result that is the bare separator means the root of a Maildir. \
         The function of the local repository has to undo what that of the remote one does: a folder \
         that would come back under another name is not created. \
         A function that raises an exception, or returns something other than text, ends the \
         account. \
         The names of message files depend on the function of the local repository.",
    ),
    row(
        Repository,
        "folderfilter",
        Expression("function of a folder's name"),
        Unset("all folders"),
        Works,
        "Which folders are synced, by their full name here, before `nametrans`. \
         A folder that either side leaves out is neither synced nor created. \
         `-f` takes the place of the remote repository's.",
    ),
    row(
        Repository,
        "folderincludes",
        Expression("list of names"),
        Unset("none"),
        Works,
        "Folders that are synced in any case, by their names here. \
         On a server they are looked for even if it does not list them. \
         `-f` takes the place of the remote repository's.",
    ),
    row(
        Repository,
        "foldersort",
        Expression("function of two names"),
        Unset("by name"),
        Works,
        "The order in which folders are synced: a function that returns a negative number if the \
         first name goes before the second one, and a positive one if it goes after. \
         It sees the names after `nametrans`. \
         That of the remote repository counts.",
    ),
    row(
        Repository,
        "dynamic_folderfilter",
        Bool,
        Value("no"),
        Works,
        "Whether `folderfilter` is asked again at every use, instead of once for each folder of a \
         sync.",
    ),
    row(
        Repository,
        "includefolders",
        List,
        Unset("all folders"),
        Works,
        "Patterns of the folders that are synced, in place of `folderfilter`. \
         They have to fit the full name of a folder here; case counts. \
         `*` stands for any text, separators included, `?` for any single character (also for a \
         comma), and everything else for itself, brackets too. \
         `-f` takes the place of the remote repository's.",
    ),
    row(
        Repository,
        "excludefolders",
        List,
        Unset("none"),
        Works,
        "Patterns of folders that are not synced even if `includefolders` has them, such as \
         `[Gmail]/All Mail, *Spam`.",
    ),
    row(
        Repository,
        "renamefolders",
        Renames,
        Unset("names are the same"),
        Works,
        "New names for folders, in place of `nametrans` on both sides: lines such as \
         `[Gmail]/Sent Mail -> sent` for one folder, or `INBOX/* -> *` for all that begin alike. \
         It belongs to the remote repository, whose names are on the left; the local one reads it \
         backwards. \
         `/` stands between the parts of names, whatever the separators are; alone on the right it is \
         the root of a Maildir. \
         The most specific line counts; a name that no line fits is kept, and so is INBOX. \
         The table is checked: what a line is for has to come back under its own name. \
         Of folders that would get the same name on the other side, the one that comes back is \
         synced, and the others are left alone with a warning.",
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
