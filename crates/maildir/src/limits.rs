//! Which messages are too large or too old to be copied (`maxsize`, `maxage`, `startdate`).

use std::collections::BTreeSet;
use std::fs::{self, File};

use offlineimap_core::{Key, Limit, StoreError};

use crate::error::MaildirError;
use crate::mailbox::{Attempt, MaildirMailbox, OpenFolder};
use crate::reading::OpenMessage;

/// After so many messages a thread is given to whoever waits for one.
const MESSAGES_PER_JOB: usize = 256;

impl MaildirMailbox {
    /// Tells which of the messages are beyond a limit. One that is gone is not.
    pub(crate) async fn beyond_limit(
        &self,
        keys: &[Key],
        limit: Limit,
    ) -> Result<BTreeSet<Key>, StoreError> {
        let octets = match limit {
            Limit::Octets(octets) => octets,
            Limit::Before { unix_seconds } => {
                let is_old = |key: &&Key| date(key).is_some_and(|date| date < unix_seconds);
                return Ok(keys.iter().filter(is_old).cloned().collect());
            }
        };
        let mut beyond = BTreeSet::new();
        for keys in keys.chunks(MESSAGES_PER_JOB).map(<[Key]>::to_vec) {
            let large = self.blocking(move |open| open.larger(keys, octets)).await?;
            beyond.extend(large);
        }
        Ok(beyond)
    }
}

impl OpenFolder {
    fn larger(&self, keys: Vec<Key>, limit_octets: u64) -> Vec<Key> {
        let sizes = self.for_each_file(
            &keys,
            |key| key,
            |_, seen| {
                let path = seen.path(&self.folder);
                let failed = || MaildirError::read(&path);
                let size = match Attempt::of(fs::metadata(&path), failed())? {
                    Attempt::Missing => return Ok(Attempt::Missing),
                    Attempt::Made(about) => about.len(),
                };
                // On the wire a message is at least as long, and at most twice as long. Only in
                // between it has to be read to know.
                if size > limit_octets {
                    return Ok(Attempt::Made(true));
                }
                if size.saturating_mul(2) <= limit_octets {
                    return Ok(Attempt::Made(false));
                }
                match Attempt::of(File::open(&path), failed())? {
                    Attempt::Missing => Ok(Attempt::Missing),
                    Attempt::Made(file) => {
                        let message = OpenMessage::measure(file, &path)?;
                        Ok(Attempt::Made(message.wire_octets() > limit_octets))
                    }
                }
            },
        );
        let mut large = Vec::new();
        for (key, size) in keys.into_iter().zip(sizes) {
            match size {
                Ok(Some(true)) => large.push(key),
                Ok(Some(false) | None) => {}
                // What cannot be measured cannot be copied either, which is told then.
                Err(error) => tracing::debug!(message = %key, %error, "cannot be measured"),
            }
        }
        large
    }
}

/// Reads the time in a message's name: the first run of digits (`spec/ondisk.md` §8.8).
fn date(key: &Key) -> Option<i64> {
    let name = key.as_name()?;
    let start = name.iter().position(u8::is_ascii_digit)?;
    let digits = name.get(start..)?;
    let end = digits.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_in_a_name_is_its_time() {
        for (name, time) in [
            ("1795338369_0.1470.vm,U=5,FMD5=0/", Some(1_795_338_369)),
            ("msg-17.host", Some(17)),
            ("no.number", None),
            ("99999999999999999999999.host", None),
        ] {
            assert_eq!(date(&Key::name(name.as_bytes())), time, "{name}");
        }
    }
}
