//! `remotepasscmd`: a command whose first line of output is the password.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::SecretString;
use tokio::process::Command;
use tokio::time::timeout;

use crate::process_output::ProcessOutput;

/// How long a command may take: it may ask somebody for a passphrase.
pub(super) const DEADLINE: Duration = Duration::from_mins(1);

/// How much of each kind of output is kept.
const KEPT_OCTETS: usize = 16 << 10;

/// Why a command gave no password.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("the password command cannot be run: {0}")]
    Run(#[from] std::io::Error),
    #[error("the password command failed ({status}){}", indented(complaints))]
    Failed { status: ExitStatus, complaints: String },
    #[error("the password command did not end within {}s{}", deadline.as_secs(), indented(complaints))]
    TooSlow { deadline: Duration, complaints: String },
    #[error("the password command wrote no password{}", indented(complaints))]
    Nothing { complaints: String },
    #[error("the password command wrote something that is not UTF-8")]
    Encoding,
}

/// Runs a command in the shell, and returns the first line that it writes, without the blanks
/// around it. It has no input, and the controlling terminal if there is one.
pub(super) async fn password_of(
    command: &str,
    deadline: Duration,
) -> Result<SecretString, CommandError> {
    // In our own process group: another one could not read from the terminal.
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = ProcessOutput::read(child.stdout.take(), KEPT_OCTETS);
    let complaints = ProcessOutput::read(child.stderr.take(), KEPT_OCTETS);
    let status = timeout(deadline, child.wait()).await;
    // The shell is ended with its handle; what it started may go on without anybody listening.
    drop(child);
    let output = output.taken().await;
    let complaints = String::from_utf8_lossy(&complaints.taken().await).trim().to_owned();
    let Ok(status) = status else {
        return Err(CommandError::TooSlow { deadline, complaints });
    };
    let status = status?;
    if !status.success() {
        return Err(CommandError::Failed { status, complaints });
    }
    if !complaints.is_empty() {
        tracing::debug!("the password command says: {complaints}");
    }
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match std::str::from_utf8(line).map(str::trim) {
        Err(_) => Err(CommandError::Encoding),
        Ok("") => Err(CommandError::Nothing { complaints }),
        Ok(password) => Ok(SecretString::from(password)),
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| format!("{all}\n  {line}"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    async fn password(command: &str) -> Result<String, String> {
        match password_of(command, Duration::from_secs(20)).await {
            Ok(password) => Ok(password.expose_secret().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn the_first_line_is_the_password() {
        for command in [
            "printf ' open sesame \\r\\nsecond\\n'",
            "echo noise >&2; echo open sesame",
            "printf 'open sesame'; exit 0",
            "if read line; then echo $line; else echo open sesame; fi",
        ] {
            assert_eq!(password(command).await.as_deref(), Ok("open sesame"), "{command}");
        }
    }

    #[tokio::test]
    async fn more_output_than_a_pipe_holds_does_not_block() {
        let command = "echo first; head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2";
        assert_eq!(password(command).await.as_deref(), Ok("first"));
    }

    #[tokio::test]
    async fn a_failure_is_told_with_what_the_command_says_and_without_what_it_wrote() {
        let error = password("echo hunter2; echo no key >&2; echo sorry >&2; exit 3").await;
        let told = "the password command failed (exit status: 3)\n  no key\n  sorry";
        assert_eq!(error, Err(told.to_owned()));
        let error = password("echo locked >&2").await;
        assert_eq!(error, Err("the password command wrote no password\n  locked".to_owned()));
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_given_up() {
        let error = password_of("echo hunter2; exec sleep 300", Duration::from_millis(50)).await;
        assert!(matches!(error, Err(CommandError::TooSlow { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn what_stays_in_the_background_keeps_nobody_waiting() {
        assert_eq!(password("sleep 300 & echo now").await.as_deref(), Ok("now"));
    }
}
