//! What this program must do within a fixed amount of memory, whatever the others need.

use std::time::Duration;

use anyhow::ensure;

use crate::contender::Contender;
use crate::imap::Contents;
use crate::measure::Sample;
use crate::scenario::Arena;

/// A sync with a limit on the peak memory.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    /// What is done.
    pub(crate) name: String,
    /// The largest resident set that is allowed.
    pub(crate) peak_memory_kib: u64,
}

/// A limit and what was measured.
pub(crate) type Verdict = (Limit, anyhow::Result<Sample>);

/// The peak memory of a first sync of 10,000 messages of 8 KB.
pub(crate) const USUAL_FIRST_SYNC_KIB: u64 = 24 * 1024;

/// One message of 200 MB in each direction.
pub(crate) fn large_message(arena: &Arena<'_>) -> anyhow::Result<Vec<Verdict>> {
    let limit = |name: &str| Limit { name: name.to_owned(), peak_memory_kib: 40 * 1024 };
    let empty = arena.server.fill("empty", 0..0, 0)?;
    let full = arena.server.fill("large", 0..1, LARGE_BYTES)?;
    let one = Contents { messages: 1, flagged: 0 };

    let contest = arena.contest(Contender::ThisProgram, &full, Duration::ZERO)?;
    let down = contest.sync().and_then(|sample| {
        contest.check(one)?;
        ensure!(contest.local_bytes()? > LARGE_BYTES / 10 * 9, "the message is not whole");
        Ok(sample)
    });
    drop(contest);

    let contest = arena.contest(Contender::ThisProgram, &empty, Duration::ZERO)?;
    contest.deliver_locally(0, 1, LARGE_BYTES)?;
    let up = contest.sync().and_then(|sample| contest.check(one).map(|()| sample));
    Ok(vec![
        (limit("download of one message of 200 MB"), down),
        (limit("upload of one message of 200 MB"), up),
    ])
}

/// A folder of 200,000 small messages, twice.
pub(crate) fn large_folder(arena: &Arena<'_>) -> anyhow::Result<Vec<Verdict>> {
    let limit = |name: &str| Limit { name: name.to_owned(), peak_memory_kib: 80 * 1024 };
    let template = arena.server.fill("many", 0..u64::from(MANY), SMALL_BYTES)?;
    let contest = arena.contest(Contender::ThisProgram, &template, Duration::ZERO)?;
    let expected = Contents { messages: MANY as usize, flagged: 0 };
    let sync = || contest.sync().and_then(|sample| contest.check(expected).map(|()| sample));
    Ok(vec![
        (limit("first sync of 200,000 messages of 1 KB"), sync()),
        (limit("second sync of 200,000 messages, nothing changed"), sync()),
    ])
}

const LARGE_BYTES: u64 = 200_000_000;
const MANY: u32 = 200_000;
const SMALL_BYTES: u64 = 1_000;
