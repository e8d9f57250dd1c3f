//! How the program ends.

use std::process::ExitCode;

/// The exit status (`spec/cli.md` §11). There is no other, save for death by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything that was asked for is done.
    Success,
    /// At least one error was told.
    Failure,
    /// The command line was not understood.
    Usage,
    /// No error was told, but a folder was left alone because of its UIDVALIDITY.
    Validity,
}

impl Status {
    /// The number that the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage | Self::Validity => 2,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Why a run ended before there was a user interface. The status is that of a failure.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// For this reason.
    Because(anyhow::Error),
    /// For reasons that this text tells in full.
    Told(String),
}

impl From<anyhow::Error> for NotStarted {
    fn from(error: anyhow::Error) -> Self {
        Self::Because(error)
    }
}
