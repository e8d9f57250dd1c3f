//! Where a repository's server is, and who signs in: written down, or computed.

use std::num::NonZeroU16;

use anyhow::Context as _;
use offlineimap_config as config;
use offlineimap_config::Setting;
use offlineimap_config::expression::Value;
use tokio::task::block_in_place;

use super::Run;
use crate::pythonfile::{PythonFileError, int_of, text_of};

/// A server and its user.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: NonZeroU16,
    pub(super) user: String,
}

impl Server {
    /// That of a repository. Blocks while Python code computes something.
    ///
    /// # Errors
    ///
    /// If an expression has no value, or none that can be used.
    pub(super) fn of(run: &Run, imap: &config::ImapRepository) -> anyhow::Result<Self> {
        Ok(Self {
            host: value(run, imap, "remotehosteval", &imap.host, name_of)?,
            port: value(run, imap, "remoteporteval", &imap.port, port_of)?,
            user: value(run, imap, "remoteusereval", &imap.user, name_of)?,
        })
    }
}

fn value<T: Clone>(
    run: &Run,
    imap: &config::ImapRepository,
    option: &str,
    setting: &Setting<T>,
    convert: fn(&Value) -> Result<T, PythonFileError>,
) -> anyhow::Result<T> {
    let expression = match setting {
        Setting::Given(value) => return Ok(value.clone()),
        Setting::Computed(expression) => expression,
    };
    let _hold = run.ui.hold();
    let computed = block_in_place(|| run.evaluator.value(expression));
    computed
        .and_then(|value| convert(&value))
        .with_context(|| format!("repository '{}': no value of '{option}'", imap.name))
}

fn name_of(value: &Value) -> Result<String, PythonFileError> {
    let text = text_of(value)?;
    if text.is_empty() { Err(PythonFileError::Empty) } else { Ok(text) }
}

fn port_of(value: &Value) -> Result<NonZeroU16, PythonFileError> {
    let number = int_of(value)?;
    let port = u16::try_from(number).ok().and_then(NonZeroU16::new);
    let (least, most) = (1, u16::MAX.into());
    port.ok_or(PythonFileError::OutOfRange { value: number, least, most })
}
