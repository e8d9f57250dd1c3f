//! What every contender has to do, one thing after the other, with one account.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context as _, ensure};
use offlineimap_testkit::proxy::Proxy;

use crate::contender::{Contender, Installation, Site};
use crate::imap::Contents;
use crate::mail::{self, Message};
use crate::measure::{Sample, measure};
use crate::server::{MailAccount, PASSWORD, Server};
use crate::supervise::Order;

/// A sync under certain circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    /// Everything is on the server, nothing is here.
    FirstSync,
    /// Nothing has changed.
    NoOp,
    /// Flags, new messages and deletions on both sides.
    Mixed,
    /// New messages here.
    Upload,
}

/// How much mail, and how much of it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// Messages on the server at the beginning; at least 10.
    pub(crate) messages: u32,
    /// The size of each.
    pub(crate) size_bytes: u64,
}

/// The place of all contests: a server, a directory, and the program of this workspace.
pub(crate) struct Arena<'a> {
    /// The server.
    pub(crate) server: &'a Server,
    /// Where the local sides are put.
    pub(crate) directory: &'a Path,
    /// The release build of the program of this workspace.
    pub(crate) this_program: &'a Path,
    /// How long one sync may take.
    pub(crate) deadline: Duration,
    /// `maxconnections` where it is to be set.
    pub(crate) connections: Option<u16>,
    /// How many contests there have been; it names their accounts.
    pub(crate) contests: AtomicU32,
}

/// One contender with its own account and its own directory. Both are there until the end of all
/// contests: for minutes, ext4 does not use an inode again that was deleted, and whoever creates
/// files then pays for the search.
pub(crate) struct Contest<'a> {
    arena: &'a Arena<'a>,
    account: MailAccount,
    proxy: Proxy,
    home: PathBuf,
    installation: Installation,
}

impl Scenario {
    /// All, in the order in which they are run.
    pub(crate) const ALL: [Self; 4] = [Self::FirstSync, Self::NoOp, Self::Mixed, Self::Upload];

    /// The row's name.
    pub(crate) fn name(self, workload: Workload) -> String {
        match self {
            Self::FirstSync => format!("first sync of {}", workload.messages),
            Self::NoOp => "second sync, nothing changed".to_owned(),
            Self::Mixed => format!(
                "{flags} flags, {new} new, {new} deleted on each side",
                flags = workload.flag_changes(),
                new = workload.new_messages(),
            ),
            Self::Upload => format!("upload of {}", workload.uploads()),
        }
    }
}

impl Workload {
    /// How many messages get `\Flagged` on each side.
    pub(crate) fn flag_changes(self) -> u32 {
        (self.messages / 10).clamp(1, 100)
    }

    /// How many messages are new on each side, and how many are deleted.
    pub(crate) fn new_messages(self) -> u32 {
        (self.flag_changes() / 2).max(1)
    }

    /// How many messages are uploaded.
    pub(crate) fn uploads(self) -> u32 {
        (self.messages / 5).max(1)
    }

    /// What both sides hold after a scenario.
    fn expected(self, scenario: Scenario) -> Contents {
        let (messages, flagged) = match scenario {
            Scenario::FirstSync | Scenario::NoOp => (self.messages, 0),
            // As many are new as are deleted.
            Scenario::Mixed => (self.messages, 2 * self.flag_changes()),
            Scenario::Upload => (self.messages + self.uploads(), 2 * self.flag_changes()),
        };
        Contents { messages: messages as usize, flagged: flagged as usize }
    }

    /// Every message that changes lies this far from the next one of its kind.
    fn stride(self) -> u32 {
        self.messages / self.flag_changes()
    }

    /// The UIDs that one kind of change meets; different kinds never meet the same message.
    fn chosen(self, offset: u32, count: u32) -> Vec<u32> {
        (0..count).map(|number| 1 + offset + number * self.stride()).collect()
    }
}

impl<'a> Arena<'a> {
    /// Prepares a contender for an account with the mail of the template.
    pub(crate) fn contest(
        &'a self,
        contender: Contender,
        template: &MailAccount,
        round_trip: Duration,
    ) -> anyhow::Result<Contest<'a>> {
        let number = self.contests.fetch_add(1, Ordering::Relaxed);
        let user = format!("contest{number}");
        let account = self.server.clone_account(template, &user)?;
        let proxy = Proxy::with_round_trip(self.server.address(), round_trip)?;
        let home = self.directory.join(&user);
        fs::create_dir(&home)?;
        let installation = contender.install(&Site {
            home: &home,
            port: proxy.port(),
            user: &user,
            password: PASSWORD,
            connections: self.connections,
            this_program: self.this_program,
        })?;
        Ok(Contest { arena: self, account, proxy, home, installation })
    }
}

impl Contest<'_> {
    /// Makes the changes of a scenario, measures the sync, and checks what it led to.
    ///
    /// # Errors
    ///
    /// The program fails, or the two sides do not hold afterwards what they should.
    pub(crate) fn run(&self, scenario: Scenario, workload: Workload) -> anyhow::Result<Sample> {
        match scenario {
            Scenario::FirstSync | Scenario::NoOp => {}
            Scenario::Mixed => self.change_both_sides(workload)?,
            Scenario::Upload => {
                self.deliver_locally(UPLOADS, workload.uploads(), workload.size_bytes)?;
            }
        }
        let sample = self.sync()?;
        self.check(workload.expected(scenario))?;
        Ok(sample)
    }

    /// Measures one sync.
    pub(crate) fn sync(&self) -> anyhow::Result<Sample> {
        let order = Order {
            deadline: self.arena.deadline,
            log: self.home.join("log"),
            home: self.home.clone(),
            command: self.installation.command.clone(),
        };
        measure(&order, &self.proxy)
    }

    /// Puts new messages into the local INBOX, which is created if need be.
    pub(crate) fn deliver_locally(
        &self,
        first_seed: u64,
        count: u32,
        size_bytes: u64,
    ) -> io::Result<()> {
        mail::create_maildir(&self.installation.inbox)?;
        let seeds = first_seed..first_seed + u64::from(count);
        mail::deliver(&self.installation.inbox, seeds, size_bytes)
    }

    /// Checks that both sides hold as much as they should.
    pub(crate) fn check(&self, expected: Contents) -> anyhow::Result<()> {
        let files = mail::list(&self.installation.inbox)?;
        let flagged = files.iter().filter(|file| file.is_flagged()).count();
        let here = Contents { messages: files.len(), flagged };
        let there = self.arena.server.open(&self.account)?.contents()?;
        ensure!(here == expected, "wrong result: {here:?} here instead of {expected:?}");
        ensure!(there == expected, "wrong result: {there:?} on the server instead of {expected:?}");
        Ok(())
    }

    /// The sizes of all local messages together.
    pub(crate) fn local_bytes(&self) -> anyhow::Result<u64> {
        let mut total = 0;
        for file in mail::list(&self.installation.inbox)? {
            total += file.size_bytes()?;
        }
        Ok(total)
    }

    fn change_both_sides(&self, workload: Workload) -> anyhow::Result<()> {
        let (flags, new) = (workload.flag_changes(), workload.new_messages());
        let mut server = self.arena.server.open(&self.account)?;
        server.flag(&workload.chosen(0, flags))?;
        server.delete(&workload.chosen(2, new))?;
        for number in 0..u64::from(new) {
            server.append(Message {
                seed: NEW_ON_SERVER + number,
                size_bytes: workload.size_bytes,
            })?;
        }
        let (flagged, deleted) = (workload.chosen(1, flags), workload.chosen(3, new));
        let mut met = 0;
        for file in mail::list(&self.installation.inbox)? {
            let uid = file.uid().context("a file without a UID in its name")?;
            if flagged.contains(&uid) {
                file.set_flagged()?;
                met += 1;
            } else if deleted.contains(&uid) {
                file.remove()?;
                met += 1;
            }
        }
        ensure!(met == flags + new, "only {met} of the messages to change are there");
        self.deliver_locally(NEW_HERE, new, workload.size_bytes)?;
        Ok(())
    }
}

/// The seeds of the messages that appear on the server during a contest.
const NEW_ON_SERVER: u64 = 10_000_000;
/// The seeds of the messages that appear locally among other changes.
const NEW_HERE: u64 = 20_000_000;
/// The seeds of the messages that are uploaded.
const UPLOADS: u64 = 30_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_changed_twice() {
        for messages in [10, 37, 100, 999, 10_000, 200_000] {
            let workload = Workload { messages, size_bytes: 1_000 };
            let (flags, new) = (workload.flag_changes(), workload.new_messages());
            let mut uids: Vec<u32> = [(0, flags), (1, flags), (2, new), (3, new)]
                .into_iter()
                .flat_map(|(offset, count)| workload.chosen(offset, count))
                .collect();
            let all = uids.len();
            uids.sort_unstable();
            uids.dedup();
            assert_eq!(uids.len(), all, "of {messages}");
            assert!(uids.last().is_some_and(|&uid| uid <= messages), "of {messages}");
        }
    }

    #[test]
    fn the_usual_workload_is_that_of_the_description() {
        let workload = Workload { messages: 10_000, size_bytes: 8_192 };
        assert_eq!(
            [workload.flag_changes(), workload.new_messages(), workload.uploads()],
            [100, 50, 2_000]
        );
    }
}
