//! Faults a test scripts: which command, which time, and what happens instead.

use std::sync::{Arc, Mutex, PoisonError};

use super::log::verb_of;
use super::wire::Cut;

/// A scripted fault of the embedded server.
///
/// ```
/// use offlineimap_testkit::server::{Cut, Fault, Misbehaviour};
///
/// // The second APPEND is stored, but its answer never arrives.
/// let lost = Fault::on("APPEND").nth(2).then(Misbehaviour::ExecuteThenCut(Cut::Close));
/// // Every FETCH of the message with UID 7 is refused.
/// let refused = Fault::on("UID FETCH").containing(" 7 ").every_time().then_no("[SERVERBUG] no");
/// # let _ = (lost, refused);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    trigger: Trigger,
    containing: Option<String>,
    occurrence: Occurrence,
    misbehaviour: Misbehaviour,
    matched: u64,
}

/// A fault of which the test has not yet said what happens.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `then` says what"]
pub struct FaultTrigger {
    trigger: Trigger,
    containing: Option<String>,
    occurrence: Occurrence,
}

/// What the server does instead of its duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Answers NO and does not execute the command.
    No(String),
    /// Answers BAD and does not execute the command.
    Bad(String),
    /// Says BYE, closes the connection, and does not execute the command.
    Bye(String),
    /// Answers OK without data and does not execute the command.
    Empty,
    /// Sends these octets as the whole answer and does not execute the command; `{tag}` stands
    /// for the tag of the command.
    Raw(String),
    /// Sends this line before the regular answer.
    Untagged(String),
    /// Cuts the connection and does not execute the command.
    Cut(Cut),
    /// Never answers and does not execute the command; the connection stays open.
    Hang,
    /// Executes the command and cuts the connection before the first octet of the answer.
    ExecuteThenCut(Cut),
    /// Executes the command and never answers; the connection stays open.
    ExecuteThenHang,
    /// Executes the command and answers NO all the same.
    ExecuteThenNo(String),
    /// Executes the command and cuts the connection after so many octets of the answer. For
    /// a connection: after so many octets from the greeting on.
    CutAfterBytes(u64, Cut),
    /// Answers NO instead of asking for the literal of the command (with a synchronising
    /// literal; otherwise behind it) and does not execute the command.
    RefuseLiteral(String),
    /// Cuts the connection after so many octets of the literal have arrived.
    CutInLiteral(u64, Cut),
}

#[derive(Clone, Debug)]
enum Trigger {
    Verb(String),
    Connection,
}

#[derive(Clone, Copy, Debug)]
enum Occurrence {
    Nth(u64),
    From(u64),
}

impl Fault {
    /// A fault of a command, for example `UID FETCH`; of its first occurrence, unless `nth` or
    /// `every_time` says otherwise. Occurrences are counted over all connections from the moment
    /// the fault is set.
    pub fn on(verb: &str) -> FaultTrigger {
        FaultTrigger::new(Trigger::Verb(verb.to_ascii_uppercase()))
    }

    /// A fault when a connection is opened, instead of its greeting.
    pub fn on_connection() -> FaultTrigger {
        FaultTrigger::new(Trigger::Connection)
    }
}

impl FaultTrigger {
    fn new(trigger: Trigger) -> Self {
        Self { trigger, containing: None, occurrence: Occurrence::Nth(1) }
    }

    /// Only commands whose line contains this text count.
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_owned());
        self
    }

    /// Only the `number`th such command, counted from 1.
    pub fn nth(mut self, number: u64) -> Self {
        self.occurrence = Occurrence::Nth(number);
        self
    }

    /// The `number`th such command and all after it.
    pub fn from_nth(mut self, number: u64) -> Self {
        self.occurrence = Occurrence::From(number);
        self
    }

    /// All such commands.
    pub fn every_time(self) -> Self {
        self.from_nth(1)
    }

    /// Says what happens.
    pub fn then(self, misbehaviour: Misbehaviour) -> Fault {
        let Self { trigger, containing, occurrence } = self;
        Fault { trigger, containing, occurrence, misbehaviour, matched: 0 }
    }

    /// Answers NO with this text.
    pub fn then_no(self, text: &str) -> Fault {
        self.then(Misbehaviour::No(text.to_owned()))
    }

    /// Answers BAD with this text.
    pub fn then_bad(self, text: &str) -> Fault {
        self.then(Misbehaviour::Bad(text.to_owned()))
    }

    /// Says BYE with this text and closes the connection.
    pub fn then_bye(self, text: &str) -> Fault {
        self.then(Misbehaviour::Bye(text.to_owned()))
    }
}

/// The faults of one server; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultPlan {
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl FaultPlan {
    pub(super) fn add(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(super) fn clear(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is scripted for a command that now arrives; counts it.
    pub(super) fn for_command(&self, line: &str) -> Option<Misbehaviour> {
        let verb = verb_of(line);
        self.first_match(|fault| {
            matches!(&fault.trigger, Trigger::Verb(wanted) if *wanted == verb)
                && fault.containing.as_ref().is_none_or(|text| line.contains(text))
        })
    }

    /// What is scripted for a connection that now opens; counts it.
    pub(super) fn for_connection(&self) -> Option<Misbehaviour> {
        self.first_match(|fault| matches!(fault.trigger, Trigger::Connection))
    }

    fn first_match(&self, matches: impl Fn(&Fault) -> bool) -> Option<Misbehaviour> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for fault in faults.iter_mut().filter(|fault| matches(fault)) {
            fault.matched += 1;
            let due = match fault.occurrence {
                Occurrence::Nth(number) => fault.matched == number,
                Occurrence::From(number) => fault.matched >= number,
            };
            if due && found.is_none() {
                found = Some(fault.misbehaviour.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wanted_occurrence_is_hit() {
        let plan = FaultPlan::default();
        plan.add(Fault::on("uid fetch").containing("BODY").nth(2).then(Misbehaviour::Empty));
        assert_eq!(plan.for_command("UID FETCH 1 BODY.PEEK[]"), None);
        assert_eq!(plan.for_command("UID FETCH 1 FLAGS"), None);
        assert_eq!(plan.for_command("uid fetch 2 BODY.PEEK[]"), Some(Misbehaviour::Empty));
        assert_eq!(plan.for_command("UID FETCH 3 BODY.PEEK[]"), None);
    }

    #[test]
    fn a_lasting_fault_lasts_until_it_is_cleared() {
        let plan = FaultPlan::default();
        plan.add(Fault::on_connection().from_nth(2).then_bye("busy"));
        assert_eq!(plan.for_connection(), None);
        assert!(plan.for_connection().is_some());
        assert!(plan.for_connection().is_some());
        plan.clear();
        assert_eq!(plan.for_connection(), None);
    }
}
