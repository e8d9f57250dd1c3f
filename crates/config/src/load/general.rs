//! `[general]`.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::reader::{Presence, Reader};
use crate::options::Place;
use crate::source::strip;
use crate::{
    DeleteLimit, Diagnostic, Diagnostics, Document, Environment, General, HeaderDates, KeyringUse,
    Python, ReadOnlyWarnings, UserInterface, value,
};

/// What `[general]` says to the program, and to accounts that say nothing themselves.
pub(super) struct Loaded {
    pub(super) settings: General,
    pub(super) delete_limit: DeleteLimit,
    pub(super) header_dates: HeaderDates,
}

pub(super) fn load(
    document: &Document,
    environment: &Environment<'_>,
    problems: &mut Diagnostics,
) -> Loaded {
    if document.section("general").is_none() {
        problems.push(
            Diagnostic::error("the file has no section [general]")
                .help("begin the file with [general] and a line `accounts = NAME`"),
        );
    }
    let mut reader = Reader::new(document, "general", &[Place::General], environment, problems);
    reader.report_unsupported();
    let settings = General {
        accounts: accounts(&mut reader),
        metadata: reader.path("metadata").unwrap_or_default(),
        ui: user_interface(&mut reader),
        fsync: reader.bool("fsync"),
        socket_timeout: socket_timeout(&mut reader),
        max_sync_accounts: max_sync_accounts(&mut reader),
        dry_run: reader.bool("dry-run"),
        read_only_warnings: if reader.bool("ignore-readonly") {
            ReadOnlyWarnings::Suppressed
        } else {
            ReadOnlyWarnings::Told
        },
        keyring: KeyringUse {
            is_asked: !reader.bool("ignore-keyring"),
            is_updated: reader.bool("update-keyring"),
        },
        python: python(&mut reader),
    };
    let delete_limit = reader.parsed("deletelimit", value::limit).unwrap_or_default();
    let header_dates = HeaderDates {
        in_names: reader.bool("filename_use_mail_timestamp"),
        of_files: reader.bool("utime_from_header"),
    };
    Loaded { settings, delete_limit, header_dates }
}

fn accounts(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    if reader.presence("accounts") == Presence::Absent {
        return None;
    }
    let list = reader.reading("accounts")?.text;
    Some(value::list(&list).map(str::to_owned).collect())
}

/// A passphrase may have to be typed.
const PYTHON_DEADLINE: Duration = Duration::from_mins(1);

fn user_interface(reader: &mut Reader<'_>) -> UserInterface {
    let Some(reading) = reader.reading("ui").filter(|reading| !strip(&reading.text).is_empty())
    else {
        return UserInterface::Ttyui;
    };
    let Some(ui) = UserInterface::by_name(&reading.text) else {
        let known: Vec<&str> = UserInterface::ALL.into_iter().map(UserInterface::name).collect();
        let help = format!("choose one of: {}", known.join(", "));
        reader.complain(&reading, "not a user interface", Some(help));
        return UserInterface::Ttyui;
    };
    if reading.text.contains('.') {
        let message = format!("'{}' is an old name of a user interface", reading.text);
        let problem = Diagnostic::warning(message)
            .at(reader.excerpt(&reading))
            .help(format!("write `ui = {ui}`"));
        reader.problems.push(problem);
    }
    ui
}

fn python(reader: &mut Reader<'_>) -> Python {
    let most = u64::from(u32::MAX);
    let seconds = reader.parsed("pythontimeout", |text| value::int_within(text, 1, most));
    Python {
        file: reader.path("pythonfile"),
        interpreter: reader.path("pythoninterpreter").unwrap_or_default(),
        deadline: seconds.map_or(PYTHON_DEADLINE, Duration::from_secs),
    }
}

fn socket_timeout(reader: &mut Reader<'_>) -> Option<Duration> {
    let seconds = reader.parsed("socktimeout", value::int)?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

fn max_sync_accounts(reader: &mut Reader<'_>) -> NonZeroUsize {
    let most = u64::from(u16::MAX);
    reader
        .parsed("maxsyncaccounts", |text| value::int_within(text, 1, most))
        .and_then(|number| usize::try_from(number).ok())
        .and_then(NonZeroUsize::new)
        .unwrap_or(NonZeroUsize::MIN)
}
