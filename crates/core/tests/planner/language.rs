//! A tiny language for planner tables.
//!
//! A row is one message in three columns, `remote | base | local`. On a side it is
//!
//! - `-` proven absent, `?` unknown (the listing does not reach it),
//! - `!` outside of the user's restrictions and not listed, `!FS` outside and listed,
//! - its flags as Maildir letters and keywords in braces, `.` for none: `FS`, `S{work}`,
//! - with `@` at the end if the local message hints at the remote one,
//! - with `b:` in front if the local message has another key than the base says.
//!
//! In the base it is `-` for unknown, or the flags on which both sides agreed, with `~L` or `~R`
//! if it was deleted on that side and the other was only allowed to mark it, or with `!` if it was
//! outside of the restrictions.
//!
//! The remote key is `1`, the local key `a` (or `b`). The plan is written the same way, in
//! alphabetical order: `copy local FS (new on remote)`, `delete remote (deleted on local)`,
//! `flags local +F (changed on remote)`, `agree +S`, `adopt FS`, `rekey b`, `rebind a`, `forget`,
//! `withheld delete remote: RepositoryReadOnly`, `leave` and `return` for a pair that is outside or
//! inside now, `outside local` for a message that is not copied from there; `nothing` if there is
//! none of these.

use std::num::NonZeroU32;

use offlineimap_core::{
    Access, Base, Bounds, Coverage, Epoch, FlagSupport, Flags, Hints, Item, Key, MailboxPlan,
    Observation, Pair, PerSide, Policy, Reach, Reason, Removal, Side, Withheld, plan,
};

/// Everything that a row does not say.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) policy: Policy,
    pub(crate) support: PerSide<FlagSupport>,
    pub(crate) access: PerSide<Access>,
    pub(crate) hints: Hints,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            support: PerSide::from_fn(|_| FlagSupport::any()),
            access: PerSide::from_fn(|_| Access::ReadWrite),
            hints: Hints::None,
        }
    }
}

impl Setting {
    /// The same setting seen from the other side.
    pub(crate) fn mirrored(&self) -> Self {
        Self {
            policy: Policy { sides: self.policy.sides.swapped() },
            support: self.support.clone().swapped(),
            access: self.access.swapped(),
            hints: self.hints,
        }
    }

    /// Changes the rules of one side.
    pub(crate) fn with(
        mut self,
        side: Side,
        change: impl FnOnce(&mut offlineimap_core::SidePolicy),
    ) -> Self {
        change(self.policy.sides.get_mut(side));
        self
    }
}

/// Checks rows in the usual setting: `remote | base | local => plan`.
#[track_caller]
pub(crate) fn check(table: &str) {
    check_in(&Setting::default(), table);
}

/// Checks rows in a setting.
#[track_caller]
pub(crate) fn check_in(setting: &Setting, table: &str) {
    for (row, expected) in rows(table) {
        assert_eq!(planned(setting, row), expected, "{row}");
    }
}

/// Checks rows, and the same rows with the sides exchanged.
#[track_caller]
pub(crate) fn check_both_ways(table: &str) {
    check_both_ways_in(&Setting::default(), table);
}

/// Checks rows in a setting, and the same rows with the sides exchanged in the mirrored setting.
#[track_caller]
pub(crate) fn check_both_ways_in(setting: &Setting, table: &str) {
    check_in(setting, table);
    for (row, expected) in rows(table) {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [remote, base, local] = columns[..] else { panic!("three columns: {row}") };
        let row = format!("{local} | {} | {remote}", exchanged(base));
        let mut lines: Vec<String> = expected.split(", ").map(exchanged).collect();
        lines.sort();
        assert_eq!(planned(&setting.mirrored(), &row), lines.join(", "), "{row} (mirrored)");
    }
}

fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(
        |line| {
            let (row, expected) =
                line.split_once("=>").unwrap_or_else(|| panic!("no => in {line}"));
            (row.trim(), expected.trim())
        },
    )
}

fn exchanged(text: &str) -> String {
    let words = [("remote", "\0"), ("local", "remote"), ("\0", "local")];
    let marks = [("~L", "\0"), ("~R", "~L"), ("\0", "~R")];
    words.into_iter().chain(marks).fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Plans one row and writes the plan down.
pub(crate) fn planned(setting: &Setting, row: &str) -> String {
    let columns: Vec<&str> = row.split('|').map(str::trim).collect();
    let [remote, base, local] = columns[..] else { panic!("three columns: {row}") };
    let seen = PerSide {
        remote: observation(setting, Side::Remote, remote),
        local: observation(setting, Side::Local, local),
    };
    let plan = plan(seen.as_ref(), &base_of(base), setting.policy).unwrap();
    let lines: Vec<String> = lines(&plan).iter().map(Line::without_keys).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") }
}

pub(crate) fn number(number: u32) -> Key {
    Key::number(NonZeroU32::new(number).unwrap())
}

pub(crate) fn name(name: &str) -> Key {
    Key::name(name.as_bytes())
}

pub(crate) fn epochs() -> PerSide<Epoch> {
    PerSide { remote: Epoch::new("77"), local: Epoch::new("42") }
}

/// Reads letters and keywords: `FS{work}{$Junk}`.
pub(crate) fn flags(text: &str) -> Flags {
    let mut parts = text.split('{');
    let letters = parts.next().unwrap_or_default().trim_matches('.');
    assert!(letters.chars().all(|letter| "DFRST".contains(letter)), "flags: {text}");
    parts.fold(Flags::from_letters(letters), |flags, keyword| {
        flags.with_keyword(keyword.strip_suffix('}').unwrap_or_else(|| panic!("flags: {text}")))
    })
}

fn observation(setting: &Setting, side: Side, cell: &str) -> Observation {
    let items = match cell {
        "-" | "?" | "!" => Vec::new(),
        cell => vec![item(side, cell.trim_start_matches('!'))],
    };
    let outside = items.iter().map(|item| item.key.clone()).collect();
    let mut seen = Observation::complete(epochs().get(side).clone(), items);
    if cell == "?" {
        seen = seen.covering(Coverage::Listed { gone: [].into() });
    }
    if cell == "!" {
        seen = seen.restricted(Reach::Nothing, [].into());
    } else if cell.starts_with('!') {
        seen = seen.covering(Coverage::Restricted { reach: Reach::All, outside });
    }
    seen.support = setting.support.get(side).clone();
    seen.access = *setting.access.get(side);
    if side == Side::Local {
        seen.hints = setting.hints;
    }
    seen
}

fn item(side: Side, cell: &str) -> Item {
    let (key, cell) = match (side, cell.split_once(':')) {
        (Side::Remote, None) => (number(1), cell),
        (Side::Local, None) => (name("a"), cell),
        (Side::Local, Some((key, cell))) => (name(key), cell),
        (Side::Remote, Some(_)) => panic!("remote messages are not renamed: {cell}"),
    };
    match cell.strip_suffix('@') {
        Some(cell) => Item::new(key, flags(cell)).hinting(number(1)),
        None => Item::new(key, flags(cell)),
    }
}

fn base_of(cell: &str) -> Base {
    let (cell, deleted_on) = match cell.split_once('~') {
        Some((cell, "L")) => (cell, Some(Side::Local)),
        Some((cell, "R")) => (cell, Some(Side::Remote)),
        Some(_) => panic!("base: {cell}"),
        None => (cell, None),
    };
    let (cell, bounds) = match cell.strip_suffix('!') {
        Some(cell) => (cell, Bounds::Outside),
        None => (cell, Bounds::Inside),
    };
    let pair = (cell != "-").then(|| Pair {
        deleted_on,
        bounds,
        ..Pair::new(number(1), name("a"), flags(cell))
    });
    Base::new(epochs(), pair.into_iter().collect())
}

/// One operation in words, with the keys it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    verb: String,
    keys: String,
    rest: String,
}

impl Line {
    fn new(verb: impl Into<String>, keys: impl Into<String>, rest: impl Into<String>) -> Self {
        Self { verb: verb.into(), keys: keys.into(), rest: rest.into() }
    }

    fn without_keys(&self) -> String {
        format!("{}{}", self.verb, self.rest)
    }

    pub(crate) fn with_keys(&self) -> String {
        format!("{} {}{}", self.verb, self.keys, self.rest)
    }
}

/// Writes a plan down, sorted.
pub(crate) fn lines(plan: &MailboxPlan) -> Vec<Line> {
    let mut lines = Vec::new();
    for op in &plan.adopt {
        let keys = format!("{}={}", op.remote, op.local);
        let verb = match op.bounds {
            Bounds::Inside => "adopt",
            Bounds::Outside => "adopt outside",
        };
        lines.push(Line::new(verb, keys, format!(" {}", spelt(&op.flags))));
    }
    for op in &plan.rekey {
        lines.push(Line::new("rekey", op.pair.to_string(), format!(" {}", op.local)));
    }
    for op in &plan.rebind {
        lines.push(Line::new("rebind", op.pair.to_string(), format!(" {}", op.local)));
    }
    for (pair, change) in &plan.agree {
        lines.push(Line::new("agree", pair.to_string(), format!(" {change}")));
    }
    for pair in &plan.forget {
        lines.push(Line::new("forget", pair.to_string(), ""));
    }
    for (pair, bounds) in &plan.bounds {
        let verb = match bounds {
            Bounds::Inside => "return",
            Bounds::Outside => "leave",
        };
        lines.push(Line::new(verb, pair.to_string(), ""));
    }
    for side in Side::BOTH {
        for key in plan.outside.get(side) {
            lines.push(Line::new(format!("outside {side}"), key.to_string(), ""));
        }
    }
    for side in Side::BOTH {
        for op in plan.copies.get(side) {
            let rest = format!(" {} ({})", spelt(&op.flags), because(op.reason));
            lines.push(Line::new(format!("copy {side}"), op.source.to_string(), rest));
        }
        for op in plan.flags.get(side) {
            let rest = format!(" {} ({})", op.change, because(op.reason));
            lines.push(Line::new(format!("flags {side}"), op.target.to_string(), rest));
            assert_eq!(op.settles, op.change, "the base learns what is changed");
        }
        for op in plan.deletes.get(side) {
            let verb = match op.removal {
                Removal::Expunge => "delete",
                Removal::MarkDeleted => "mark",
            };
            let rest = format!(" ({})", because(op.reason));
            lines.push(Line::new(format!("{verb} {side}"), op.target.to_string(), rest));
        }
    }
    for withheld in &plan.withheld {
        let (what, side, why, key) = match withheld {
            Withheld::Copy(side, why, key) => ("copy", side, why, key),
            Withheld::Flags(side, why, key) => ("flags", side, why, key),
            Withheld::Delete(side, why, key) => ("delete", side, why, key),
        };
        let verb = format!("withheld {what} {side}");
        lines.push(Line::new(verb, key.to_string(), format!(": {why:?}")));
    }
    lines.sort();
    lines
}

fn spelt(flags: &Flags) -> String {
    if flags.is_empty() { ".".to_owned() } else { flags.to_string() }
}

fn because(reason: Reason) -> String {
    match reason {
        Reason::NewOn(side) => format!("new on {side}"),
        Reason::UndeletedOn(side) => format!("undeleted on {side}"),
        Reason::DeletedOn(side) => format!("deleted on {side}"),
        Reason::FlagsChangedOn(side) => format!("changed on {side}"),
        Reason::LocalFlagsWin => "local wins".to_owned(),
    }
}
