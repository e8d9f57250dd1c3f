//! The options of `[general]` and `[mbnames]` (`spec/config.md` §5, §6).

use super::Default::{Required, Unset, Value};
use super::Place::{General, Mbnames};
use super::Support::Works;
use super::Type::{Bool, Choice, Expression, Int, Limit, List, Path, Text};
use super::{Expansion, Spec, row};

pub(super) const ROWS: &[Spec] = &[
    row(
        General,
        "accounts",
        List,
        Required,
        Works,
        "The accounts to sync, by name, in this order. \
         `-a` on the command line replaces the list.",
    ),
    row(
        General,
        "metadata",
        Path(Expansion::TildeAndVariables),
        Value("~/.offlineimap"),
        Works,
        "The directory for state, locks and caches. \
         It is created for you alone if its parent exists.",
    ),
    row(
        General,
        "maxsyncaccounts",
        Int,
        Value("1"),
        Works,
        "How many accounts are synced at the same time; at least 1.",
    ),
    row(
        General,
        "ui",
        Choice(&["ttyui", "basic", "quiet", "syslog", "machineui", "blinkenlights"]),
        Value("ttyui"),
        Works,
        "The user interface. \
         `ttyui` is for a person at a terminal, and can ask for passwords; \
         `basic` prints plain lines, `quiet` just warnings and errors, `syslog` writes to the \
         system log; `machineui` speaks line by line with another program; `blinkenlights` \
         takes the whole screen for a sync, and is `ttyui` for anything else, dry runs included. \
         Case does not count, and of a dotted name only the last part does. \
         `-u` on the command line takes precedence.",
    ),
    row(
        General,
        "fsync",
        Bool,
        Value("yes"),
        Works,
        "Whether a message file is forced to disk before it takes its final name, and each entry \
         of the state database before the work goes on. \
         Without it, messages can be lost when the power fails, and what the state knew last; \
         it stays whole.",
    ),
    row(
        General,
        "socktimeout",
        Int,
        Value("0"),
        Works,
        "How many seconds to wait for the network before an operation is given up. \
         0 leaves every wait at its own default.",
    ),
    row(
        General,
        "deletelimit",
        Limit,
        Unset(
            "over half of a folder of more than 100 messages, or over a quarter of an account \
               of more than 400, is refused",
        ),
        Works,
        "How many messages of a folder one run may delete: a count such as `50`, a percentage \
         such as `25%%` (a percent sign is doubled in this file), or `none`. \
         A run that would delete more leaves the folder alone and says so. \
         An account can have its own limit.",
    ),
    row(
        General,
        "dry-run",
        Bool,
        Value("no"),
        Works,
        "Whether to show what a run would do instead of doing it. \
         `--dry-run` on the command line does the same.",
    ),
    row(
        General,
        "ignore-readonly",
        Bool,
        Value("no"),
        Works,
        "Whether to keep quiet about changes that are not carried to a folder because the server \
         does not let it be written to. \
         Errors are told all the same.",
    ),
    row(
        General,
        "pythonfile",
        Path(Expansion::TildeAndVariables),
        Unset("none"),
        Works,
        "A Python file whose names can be used in the options that are Python expressions. \
         It is loaded when an expression is first evaluated by a Python interpreter, once in a run.",
    ),
    row(
        General,
        "pythoninterpreter",
        Path(Expansion::TildeAndVariables),
        Value("python3"),
        Works,
        "The interpreter for the options that are evaluated by Python, as a path or as a name in \
         `PATH`. \
         It is started only when such an option is set.",
    ),
    row(
        General,
        "pythontimeout",
        Int,
        Value("60"),
        Works,
        "How many seconds Python code may take for each value, and to load; at least 1. \
         It may ask for a passphrase on the terminal meanwhile.",
    ),
    row(
        General,
        "filename_use_mail_timestamp",
        Bool,
        Value("no"),
        Works,
        "The default of the repository option of the same name.",
    ),
    row(
        General,
        "utime_from_header",
        Bool,
        Value("no"),
        Works,
        "The default of the repository option of the same name.",
    ),
    row(
        General,
        "ignore-keyring",
        Bool,
        Value("no"),
        Works,
        "Whether the keyring of the system (Secret Service) is never asked for a password. \
         It is asked when no option and no netrc file has one, for the entry whose service is the \
         host and whose user name is the login. \
         `--ignore-keyring` on the command line does the same.",
    ),
    row(
        General,
        "update-keyring",
        Bool,
        Value("no"),
        Works,
        "Whether the password is stored in the keyring of the system, after the server has accepted \
         it. \
         `--update-keyring` on the command line does the same.",
    ),
];

pub(super) const MBNAMES_ROWS: &[Spec] = &[
    row(
        Mbnames,
        "enabled",
        Bool,
        Value("no"),
        Works,
        "Whether a list of the mailboxes is written for a mail reader. \
         Only then must the options be there that are required.",
    ),
    row(
        Mbnames,
        "filename",
        Path(Expansion::TildeAndVariables),
        Required,
        Works,
        "The file that the list is written to. \
         It is replaced as a whole, so that a reader never sees a part of it.",
    ),
    row(
        Mbnames,
        "header",
        Expression("text"),
        Required,
        Works,
        "What is written before the first mailbox.",
    ),
    row(
        Mbnames,
        "peritem",
        Text,
        Required,
        Works,
        "What is written for each mailbox, with `%(accountname)s`, `%(foldername)s` and \
         `%(localfolders)s` replaced. \
         The folder has the name that it has in the local repository. \
         Quotes are written too, as this is no Python expression.",
    ),
    row(
        Mbnames,
        "sep",
        Expression("text"),
        Required,
        Works,
        "What is written between two mailboxes.",
    ),
    row(
        Mbnames,
        "footer",
        Expression("text"),
        Required,
        Works,
        "What is written after the last mailbox.",
    ),
    row(
        Mbnames,
        "incremental",
        Bool,
        Value("no"),
        Works,
        "Whether the list is written after each account, and not only at the end.",
    ),
    row(
        Mbnames,
        "folderfilter",
        Expression("function of account and folder"),
        Unset("all folders"),
        Works,
        "Which of the folders that are synced are in the list.",
    ),
    row(
        Mbnames,
        "sort_keyfunc",
        Expression("function of a dictionary"),
        Unset("by account, then folder"),
        Works,
        "The sort key of a mailbox, computed from a dictionary with the keys of `peritem`.",
    ),
];
