//! A brake against accidents, and the only door from a plan to its execution.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::fingerprint::Fingerprint;
use crate::mailbox::MailboxName;
use crate::plan::MailboxPlan;
use crate::side::{PerSide, Side};

/// How many deletions are work and not an accident (`deletelimit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeleteLimit {
    /// At most half of a folder of more than 100 messages, and at most a quarter of an account of
    /// more than 400.
    #[default]
    Default,
    /// At most this many messages in a folder, and in the account.
    Count(usize),
    /// At most this share of a folder of more than 100 messages, and of an account of more than
    /// 400; in percent.
    Percent(u8),
    /// No limit.
    None,
}

const FOLDER_FLOOR: usize = 100;
const ACCOUNT_FLOOR: usize = 400;

impl DeleteLimit {
    fn exceeded(self, scope: RefusalScope, deletes: usize, messages: usize) -> bool {
        let over = |percent: usize, floor: usize| {
            messages > floor && deletes.saturating_mul(100) > messages.saturating_mul(percent)
        };
        match (self, scope) {
            (Self::None, _) => false,
            (Self::Count(limit), _) => deletes > limit,
            (Self::Default, RefusalScope::Folder) => over(50, FOLDER_FLOOR),
            (Self::Default, RefusalScope::Account) => over(25, ACCOUNT_FLOOR),
            (Self::Percent(percent), RefusalScope::Folder) => over(percent.into(), FOLDER_FLOOR),
            (Self::Percent(percent), RefusalScope::Account) => over(percent.into(), ACCOUNT_FLOOR),
        }
    }
}

impl fmt::Display for DeleteLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("half of a folder, a quarter of an account"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::None => f.write_str("none"),
        }
    }
}

/// The folders for which the user allowed any number of deletions in this run
/// (`--allow-deletes[=FOLDER]`), by their remote or local name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Allowed {
    /// None.
    #[default]
    Nowhere,
    /// Just these.
    In(BTreeSet<String>),
    /// All.
    Everywhere,
}

impl Allowed {
    fn covers(&self, tally: &MailboxTally) -> bool {
        match self {
            Self::Nowhere => false,
            Self::In(names) => {
                names.contains(tally.remote.as_str()) || names.contains(tally.local.as_str())
            }
            Self::Everywhere => true,
        }
    }
}

/// Whether the deletions of a mailbox count against the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletions {
    /// They count.
    Counted,
    /// They do not: emptying Trash or Junk is what these are for.
    Exempt,
}

/// What the review has to know about a mailbox beside its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxTally {
    /// Its name on the remote side.
    pub remote: MailboxName,
    /// Its name on the local side.
    pub local: MailboxName,
    /// The number of messages that both sides had when they last agreed.
    pub messages: usize,
    /// Deletions of the plan, by the side that loses the messages, without those whose message
    /// shows up in another mailbox in the same run.
    pub deletes: PerSide<usize>,
    /// Whether they count.
    pub deletions: Deletions,
}

impl MailboxTally {
    fn counted(&self, side: Side) -> usize {
        match self.deletions {
            Deletions::Counted => *self.deletes.get(side),
            Deletions::Exempt => 0,
        }
    }
}

/// Where the limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalScope {
    /// In the folder itself.
    Folder,
    /// In the account; each folder with deletions on that side is refused.
    Account,
}

/// A mailbox whose plan is not carried out because it deletes too much.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refusal must be reported, and makes the exit status 1"]
pub struct Refusal {
    /// Its name on the remote side.
    pub remote: MailboxName,
    /// Its name on the local side.
    pub local: MailboxName,
    /// The side that would lose messages.
    pub side: Side,
    /// Where the limit was exceeded.
    pub scope: RefusalScope,
    /// The number of messages that would be deleted in that scope.
    pub deletes: usize,
    /// The number of messages in that scope.
    pub messages: usize,
    /// The limit.
    pub limit: DeleteLimit,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            RefusalScope::Folder => "folder",
            RefusalScope::Account => "account",
        };
        write!(
            f,
            "folder '{}' is left alone: this run would delete {} of the {} messages of the {scope} \
             on the {} side, more than deletelimit ({}) allows; if that is intended, run once with \
             --allow-deletes={}",
            self.remote, self.deletes, self.messages, self.side, self.limit, self.remote
        )
    }
}

/// A plan that passed the review. Only [`review`] makes one, and an executor takes nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a reviewed plan does nothing by itself"]
pub struct Reviewed(MailboxPlan);

impl Reviewed {
    /// Returns the plan for reading.
    pub fn plan(&self) -> &MailboxPlan {
        &self.0
    }

    /// Returns the plan to carry it out.
    pub fn into_plan(self) -> MailboxPlan {
        self.0
    }
}

/// The outcome of a review, in the order of the plans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "both halves must be handled"]
pub struct Review {
    /// For each plan, whether it may be carried out.
    pub verdicts: Vec<Result<Reviewed, Refusal>>,
}

/// Tells whether the review would refuse any of these, so that it is worth finding out which
/// messages were only moved.
pub fn trips(tallies: &[MailboxTally], limit: DeleteLimit, allowed: &Allowed) -> bool {
    let account = AccountTally::of(tallies, allowed);
    tallies.iter().any(|tally| refusal(tally, limit, allowed, &account).is_some())
}

/// Reviews the plans of all mailboxes of an account together.
///
/// A plan that deletes more than the limit allows is refused as a whole; the others pass.
pub fn review(
    plans: Vec<(MailboxTally, MailboxPlan)>,
    limit: DeleteLimit,
    allowed: &Allowed,
) -> Review {
    let (tallies, plans): (Vec<_>, Vec<_>) = plans.into_iter().unzip();
    let account = AccountTally::of(&tallies, allowed);
    let verdicts = tallies
        .iter()
        .zip(plans)
        .map(|(tally, plan)| match refusal(tally, limit, allowed, &account) {
            Some(refusal) => Err(refusal),
            None => Ok(Reviewed(plan)),
        })
        .collect();
    Review { verdicts }
}

struct AccountTally {
    messages: usize,
    deletes: PerSide<usize>,
}

impl AccountTally {
    fn of(tallies: &[MailboxTally], allowed: &Allowed) -> Self {
        let uncovered = || tallies.iter().filter(|tally| !allowed.covers(tally));
        Self {
            messages: tallies.iter().map(|tally| tally.messages).sum(),
            deletes: PerSide::from_fn(|side| uncovered().map(|tally| tally.counted(side)).sum()),
        }
    }
}

fn refusal(
    tally: &MailboxTally,
    limit: DeleteLimit,
    allowed: &Allowed,
    account: &AccountTally,
) -> Option<Refusal> {
    if allowed.covers(tally) {
        return None;
    }
    Side::BOTH.into_iter().find_map(|side| {
        let here = tally.counted(side);
        if here == 0 {
            return None;
        }
        let refuse = |scope, deletes, messages| Refusal {
            remote: tally.remote.clone(),
            local: tally.local.clone(),
            side,
            scope,
            deletes,
            messages,
            limit,
        };
        if limit.exceeded(RefusalScope::Folder, here, tally.messages) {
            Some(refuse(RefusalScope::Folder, here, tally.messages))
        } else if limit.exceeded(
            RefusalScope::Account,
            *account.deletes.get(side),
            account.messages,
        ) {
            Some(refuse(RefusalScope::Account, *account.deletes.get(side), account.messages))
        } else {
            None
        }
    })
}

/// Counts the deletions whose messages did not show up elsewhere in the same run.
///
/// Each appearance excuses one deletion: one with the same Message-ID, or, of
/// messages without Message-ID, one of the same size. Both lists are of the side where the user worked:
/// what disappeared there, and what appeared there.
pub fn unexplained(disappeared: &[Fingerprint], appeared: &[Fingerprint]) -> usize {
    let mut left: BTreeMap<Trait<'_>, usize> = BTreeMap::new();
    for fingerprint in appeared {
        *left.entry(Trait::of(fingerprint)).or_default() += 1;
    }
    let mut count = 0;
    for gone in disappeared {
        match left.get_mut(&Trait::of(gone)) {
            Some(appearances) if *appearances > 0 => *appearances -= 1,
            _ => count += 1,
        }
    }
    count
}

/// What a moved message keeps.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trait<'a> {
    MessageId(&'a str),
    Size(u64),
}

impl<'a> Trait<'a> {
    fn of(fingerprint: &'a Fingerprint) -> Self {
        match &fingerprint.message_id {
            Some(id) => Self::MessageId(id),
            None => Self::Size(fingerprint.wire_octets),
        }
    }
}
