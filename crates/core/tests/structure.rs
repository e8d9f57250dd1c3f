//! Which folders are paired, created and left alone (`spec/sync.md` §5).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cmp::Ordering;
use std::collections::BTreeMap;

use offlineimap_core::{
    Direction, FolderPair, Listing, MailboxEntry, MailboxName, NameRules, PerSide, Policy,
    RuleError, Side, StructurePlan, plan_mailboxes,
};

/// Name rules as a user would write them down.
#[derive(Default, Clone)]
struct Rules {
    visible: BTreeMap<&'static str, &'static str>,
    filtered: Vec<&'static str>,
    unstorable: Vec<&'static str>,
    /// What is taken from the front of a name, and what is put there instead.
    prefix: Option<(&'static str, &'static str)>,
    /// The folders about which functions raise exceptions.
    raising: Vec<&'static str>,
    namesakes: BTreeMap<&'static str, &'static str>,
    spelling: Option<fn(String) -> String>,
    sort: Option<fn(&str, &str) -> Ordering>,
}

impl Rules {
    fn raise(&self, name: &str) -> Result<(), RuleError> {
        if self.raising.contains(&name) { Err(RuleError::new(format!("{name}!"))) } else { Ok(()) }
    }
}

impl NameRules for Rules {
    fn visible(&self, name: &str, _separator: Option<char>) -> Result<String, RuleError> {
        self.raise(name)?;
        if let Some((from, to)) = self.prefix
            && let Some(rest) = name.strip_prefix(from)
        {
            return Ok(format!("{to}{rest}"));
        }
        Ok(self.visible.get(name).map_or_else(|| name.to_owned(), |it| (*it).to_owned()))
    }

    fn includes(&self, name: &str) -> Result<bool, RuleError> {
        self.raise(name)?;
        Ok(!self.filtered.contains(&name))
    }

    fn storable(&self, name: &str) -> Result<(), String> {
        if self.unstorable.contains(&name) { Err("no such name".to_owned()) } else { Ok(()) }
    }

    fn spelling(&self, visible: String) -> String {
        self.spelling.map_or(visible.clone(), |spell| spell(visible))
    }

    fn namesake(&self, name: &str, _separator: Option<char>) -> Option<String> {
        self.namesakes.get(name).map(|it| (*it).to_owned())
    }

    fn compare(&self, one: &str, other: &str) -> Result<Ordering, RuleError> {
        self.raise(one)?;
        Ok(match self.sort {
            Some(sort) => sort(one, other),
            None => one.to_lowercase().cmp(&other.to_lowercase()),
        })
    }
}

/// An account: a server that separates by `/` and a Maildir that separates by `.`, unless told
/// otherwise.
struct Account {
    separator: PerSide<Option<char>>,
    folders: PerSide<Vec<&'static str>>,
    rules: PerSide<Rules>,
    policy: Policy,
}

fn account<const R: usize, const L: usize>(
    remote: [&'static str; R],
    local: [&'static str; L],
) -> Account {
    Account {
        separator: PerSide { remote: Some('/'), local: Some('.') },
        folders: PerSide { remote: remote.into(), local: local.into() },
        rules: PerSide::default(),
        policy: Policy::default(),
    }
}

impl Account {
    fn separated(mut self, remote: Option<char>, local: Option<char>) -> Self {
        self.separator = PerSide { remote, local };
        self
    }

    fn translating(mut self, side: Side, from: &'static str, to: &'static str) -> Self {
        self.rules.get_mut(side).visible.insert(from, to);
        self
    }

    fn filtering(mut self, side: Side, name: &'static str) -> Self {
        self.rules.get_mut(side).filtered.push(name);
        self
    }

    fn refusing(mut self, side: Side, name: &'static str) -> Self {
        self.rules.get_mut(side).unstorable.push(name);
        self
    }

    fn replacing(mut self, side: Side, from: &'static str, to: &'static str) -> Self {
        self.rules.get_mut(side).prefix = Some((from, to));
        self
    }

    fn raising(mut self, side: Side, name: &'static str) -> Self {
        self.rules.get_mut(side).raising.push(name);
        self
    }

    fn without_creation(mut self, side: Side) -> Self {
        self.policy.sides.get_mut(side).creation = Direction::Closed;
        self
    }

    fn plan(&self) -> StructurePlan {
        self.try_plan().unwrap()
    }

    fn try_plan(&self) -> Result<StructurePlan, RuleError> {
        let listing = PerSide::from_fn(|side| Listing {
            separator: *self.separator.get(side),
            mailboxes: self.folders.get(side).iter().map(|it| MailboxEntry::named(it)).collect(),
            ..Listing::default()
        });
        let rules = PerSide {
            remote: &self.rules.remote as &(dyn NameRules + Send + Sync),
            local: &self.rules.local,
        };
        plan_mailboxes(listing.as_ref(), rules, self.policy)
    }

    /// Checks the plan: `remote = local`, `create local x = y`, `ignore remote x: Why`,
    /// `infinite x -> y -> z`.
    #[track_caller]
    fn plans<const N: usize>(&self, expected: [&str; N]) {
        assert_eq!(words(&self.plan()), expected);
    }
}

fn words(plan: &StructurePlan) -> Vec<String> {
    let mut words = Vec::new();
    for pair in &plan.pairs {
        words.push(format!("{} = {}", pair.remote, pair.local));
    }
    for side in Side::BOTH {
        for creation in plan.create.get(side) {
            let pair = &creation.pair;
            words.push(format!("create {side} {} = {}", pair.remote, pair.local));
        }
    }
    for ignored in &plan.ignored {
        words.push(format!("ignore {} {}: {:?}", ignored.side, ignored.name, ignored.why));
    }
    for infinite in &plan.infinite {
        words.push(format!(
            "infinite {} -> {} -> {}",
            infinite.local, infinite.remote, infinite.back
        ));
    }
    words
}

#[test]
fn folders_of_the_same_name_are_paired() {
    account(["INBOX", "a"], ["a", "INBOX"]).plans(["a = a", "INBOX = INBOX"]);
}

#[test]
fn folders_missing_on_a_side_are_created_there() {
    account(["INBOX", "far"], ["INBOX", "near"]).plans([
        "INBOX = INBOX",
        "create remote near = near",
        "create local far = far",
    ]);
}

#[test]
fn nothing_is_ever_deleted_and_an_empty_side_is_filled() {
    account(["INBOX", "a"], []).plans(["create local INBOX = INBOX", "create local a = a"]);
    account([], ["INBOX"]).plans(["create remote INBOX = INBOX"]);
    account([], []).plans([]);
}

#[test]
fn separators_are_translated_both_ways() {
    account(["a/b"], ["a.b", "c.d"]).plans(["a/b = a.b", "create remote c/d = c.d"]);
    account(["a.b"], ["a/b", "c/d"])
        .separated(Some('.'), Some('/'))
        .plans(["a.b = a/b", "create remote c.d = c/d"]);
    account(["a/b"], ["a/b"]).separated(Some('/'), Some('/')).plans(["a/b = a/b"]);
}

#[test]
fn in_a_flat_name_space_nothing_is_translated() {
    account(["a.b"], ["a.b"]).separated(None, None).plans(["a.b = a.b"]);
    account(["a/b"], []).separated(Some('/'), None).plans(["create local a/b = a/b"]);
    account(["a.b"], []).separated(None, Some('.')).plans(["ignore remote a.b: Separator('.')"]);
}

#[test]
fn a_name_with_the_other_sides_separator_is_left_alone_on_both() {
    // B13: it would come back as a hierarchy.
    account(["a.b"], []).plans(["ignore remote a.b: Separator('.')"]);
    account(["a.b"], ["a.b"]).plans(["ignore remote a.b: Separator('.')"]);
    account([], ["x/y"]).plans(["ignore local x/y: Separator('/')"]);
}

#[test]
fn folders_that_would_become_one_are_not_mixed() {
    // B19. The first by name gets it.
    account(["a", "b"], [])
        .translating(Side::Remote, "a", "x")
        .translating(Side::Remote, "b", "x")
        .plans(["create local a = x", "ignore remote b: Collides(\"a\")"]);
}

#[test]
fn a_folder_listed_twice_is_one_folder() {
    // B20.
    account(["INBOX", "INBOX"], ["INBOX"]).plans(["INBOX = INBOX"]);
}

#[test]
fn createfolders_no_leaves_missing_folders_alone() {
    let both = || account(["far", "INBOX"], ["near", "INBOX"]);
    both().without_creation(Side::Local).plans([
        "INBOX = INBOX",
        "create remote near = near",
        "ignore remote far: CreationOff",
    ]);
    both().without_creation(Side::Remote).plans([
        "INBOX = INBOX",
        "create local far = far",
        "ignore local near: CreationOff",
    ]);
}

#[test]
fn a_read_only_repository_gets_no_folders() {
    let mut account = account(["far"], ["near"]);
    account.policy.sides.remote.changes = Direction::Closed;
    account.plans(["create local far = far", "ignore local near: CreationOff"]);
}

#[test]
fn a_folder_filtered_out_on_either_side_is_left_alone_on_both() {
    account(["spam", "a"], ["spam", "a"])
        .filtering(Side::Remote, "spam")
        .plans(["a = a", "ignore remote spam: Filtered"]);
    account(["spam"], ["spam"])
        .filtering(Side::Local, "spam")
        .plans(["ignore local spam: Filtered"]);
    // E11: the local filter prevents the creation as well.
    account(["spam"], []).filtering(Side::Local, "spam").plans(["ignore local spam: Filtered"]);
    account([], ["spam"]).filtering(Side::Local, "spam").plans(["ignore local spam: Filtered"]);
    account([], ["spam"]).filtering(Side::Remote, "spam").plans(["ignore local spam: Filtered"]);
}

#[test]
fn nametrans_renames_and_renames_back() {
    let sent = || account(["[Gmail]/Sent"], []).translating(Side::Remote, "[Gmail]/Sent", "sent");
    sent().plans(["create local [Gmail]/Sent = sent"]);
    let mut both = sent().translating(Side::Local, "sent", "[Gmail]/Sent");
    both.folders.local.push("sent");
    both.plans(["[Gmail]/Sent = sent"]);
    both.folders.remote.clear();
    both.plans(["create remote [Gmail]/Sent = sent"]);
}

#[test]
fn nametrans_may_write_the_other_sides_separator() {
    account(["INBOX"], [])
        .translating(Side::Remote, "INBOX", "Gmail.INBOX")
        .plans(["create local INBOX = Gmail.INBOX"]);
    account(["a.b"], []).translating(Side::Remote, "a.b", "a_b").plans(["create local a.b = a_b"]);
}

#[test]
fn a_name_that_does_not_come_back_is_never_created() {
    account(["a"], ["x"])
        .translating(Side::Local, "x", "y")
        .plans(["create local a = a", "infinite x -> y -> y"]);
    account([], ["x"]).translating(Side::Remote, "x", "z").plans(["infinite x -> x -> z"]);
    // Only the folder concerned is in the way.
    account(["INBOX"], ["INBOX", "x"])
        .translating(Side::Local, "x", "y")
        .plans(["INBOX = INBOX", "infinite x -> y -> y"]);
}

#[test]
fn a_name_that_the_other_side_cannot_hold_is_left_alone() {
    account(["cur"], [])
        .refusing(Side::Local, "cur")
        .plans(["ignore remote cur: NotStorable(\"no such name\")"]);
    account([], ["bad"])
        .refusing(Side::Remote, "bad")
        .plans(["ignore local bad: NotStorable(\"no such name\")"]);
    // What exists can be held.
    account(["odd"], ["odd"]).refusing(Side::Local, "odd").plans(["odd = odd"]);
}

#[test]
fn inbox_may_be_the_root_of_the_maildir() {
    let root = |local: &[&'static str]| {
        let mut account = account(["INBOX"], [])
            .translating(Side::Remote, "INBOX", "/")
            .translating(Side::Local, "", "INBOX");
        account.folders.local = local.to_vec();
        account
    };
    root(&[""]).plans(["INBOX = "]);
    root(&[]).plans(["create local INBOX = "]);
    let mut lost = root(&[""]);
    lost.folders.remote.clear();
    lost.plans(["create remote INBOX = "]);
}

#[test]
fn maildir_plus_plus_is_two_functions_that_undo_each_other() {
    // spec/ondisk.md §8.1: `re.sub(r'^INBOX\.*', '.', f)` and `'INBOX' + f`.
    let plus_plus = |remote: &[&'static str], local: &[&'static str]| {
        let mut account = account([], [])
            .separated(Some('.'), Some('.'))
            .replacing(Side::Remote, "INBOX.", ".")
            .translating(Side::Remote, "INBOX", ".")
            .replacing(Side::Local, "", "INBOX");
        account.folders = PerSide { remote: remote.to_vec(), local: local.to_vec() };
        account
    };
    plus_plus(&["INBOX", "INBOX.Lists.rust", "INBOX.Sent"], &["", ".Lists.rust"]).plans([
        "INBOX = ",
        "INBOX.Lists.rust = .Lists.rust",
        "create local INBOX.Sent = .Sent",
    ]);
    plus_plus(&[], &["", ".new"])
        .plans(["create remote INBOX = ", "create remote INBOX.new = .new"]);
    // A directory beside the layout would become a folder that comes back with a dot.
    plus_plus(&["INBOX"], &["", "stray"])
        .plans(["INBOX = ", "infinite stray -> INBOXstray -> INBOXstray"]);
}

#[test]
fn a_folder_of_an_encoded_name_is_created_under_an_encoded_name() {
    // `decodefoldernames`: names come decoded, and have to be encoded to be sent back.
    let mut account = account([], ["Gäste"]).translating(Side::Remote, "G&AOQ-ste", "Gäste");
    account.rules.remote.spelling = Some(|name| name.replace('ä', "&AOQ-"));
    account.plans(["create remote G&AOQ-ste = Gäste"]);
    account.folders.remote.push("G&AOQ-ste");
    account.plans(["G&AOQ-ste = Gäste"]);
}

#[test]
fn a_folder_whose_name_belongs_to_another_is_left_alone_on_both_sides() {
    let mut account = account(["INBOX", "Sent"], ["INBOX", "Sent"]).translating(
        Side::Local,
        "Sent",
        "INBOX/Sent",
    );
    account.rules.remote.namesakes.insert("Sent", "INBOX/Sent");
    account.plans(["INBOX = INBOX", "ignore remote Sent: Collides(\"INBOX/Sent\")"]);
}

#[test]
fn a_rule_that_gives_no_answer_ends_everything_and_is_never_guessed() {
    let failure = |account: Account| account.try_plan().unwrap_err().to_string();
    let both = || account(["INBOX", "a"], ["INBOX", "b"]);
    assert!(both().try_plan().is_ok());
    assert_eq!(failure(both().raising(Side::Remote, "a")), "a!");
    assert_eq!(failure(both().raising(Side::Local, "b")), "b!");
    // Also of a folder that exists on both sides, or is going to: its name is hashed.
    assert_eq!(failure(both().raising(Side::Local, "INBOX")), "INBOX!");
    assert_eq!(failure(both().raising(Side::Local, "a")), "a!");
    // And of one that is filtered out: what it speaks for is not known.
    let filtered = account(["a"], ["a"]).filtering(Side::Remote, "a");
    assert_eq!(failure(filtered.raising(Side::Remote, "a")), "a!");
}

#[test]
fn a_folder_that_was_synced_under_another_name_is_not_copied_once_more() {
    let known = |remote: &str, local: &str| FolderPair {
        remote: MailboxName::new(remote),
        local: MailboxName::new(local),
    };
    let after_change = |local: &[&'static str], known: &[FolderPair]| {
        let mut account = account(["INBOX", "a/Sent"], [])
            .replacing(Side::Remote, "a/", "")
            .translating(Side::Local, "Sent", "a/Sent")
            .translating(Side::Local, "a.Sent", "a/a/Sent");
        account.folders.local = local.to_vec();
        let listing = Listing {
            mailboxes: local.iter().map(|it| MailboxEntry::named(it)).collect(),
            ..Listing::default()
        };
        let plan = account.plan().without_renamed(known, &listing);
        assert_eq!(
            plan.order.len(),
            plan.pairs.len() + plan.create.local.len() + plan.create.remote.len()
        );
        let renamed = plan.renamed.iter().map(|it| {
            format!(
                "{} {} = {} is {} = {}",
                it.side, it.now.remote, it.now.local, it.known.remote, it.known.local
            )
        });
        words(&plan).into_iter().chain(renamed).collect::<Vec<_>>()
    };
    let before = [known("INBOX", "INBOX"), known("a/Sent", "a.Sent")];
    assert_eq!(
        after_change(&["INBOX", "a.Sent"], &before),
        [
            "INBOX = INBOX",
            "remote a/a/Sent = a.Sent is a/Sent = a.Sent",
            "local a/Sent = Sent is a/Sent = a.Sent",
        ]
    );
    // Renamed by hand, all is well.
    assert_eq!(after_change(&["INBOX", "Sent"], &before), ["INBOX = INBOX", "a/Sent = Sent"]);
    // A local folder that is gone is created anew.
    assert_eq!(after_change(&["INBOX"], &before), ["INBOX = INBOX", "create local a/Sent = Sent"]);
    // Nothing is held back that was never known.
    assert_eq!(
        after_change(&["INBOX", "a.Sent"], &[]),
        ["INBOX = INBOX", "create remote a/a/Sent = a.Sent", "create local a/Sent = Sent",]
    );
}

#[test]
fn folders_are_synced_in_the_order_that_the_user_gives() {
    let mut sorted = account(["INBOX", "a", "Z", "new"], ["INBOX", "a", "Z"]).translating(
        Side::Remote,
        "a",
        "z",
    );
    sorted.folders.local.push("z");
    sorted.rules.remote.sort = Some(|one, other| other.cmp(one));
    let order: Vec<String> =
        sorted.plan().order.iter().map(|it| it.pair.remote.to_string()).collect();
    assert_eq!(order, ["a", "new", "Z", "INBOX"]);
    let pairs: Vec<String> = sorted.plan().pairs.iter().map(|it| it.remote.to_string()).collect();
    assert_eq!(pairs, ["a", "Z", "INBOX"]);
}

#[test]
fn folders_are_synced_in_the_order_of_their_visible_names() {
    account(["B", "a", "C"], ["B", "a", "see"])
        .translating(Side::Remote, "C", "A.first")
        .separated(Some('/'), Some('/'))
        .translating(Side::Remote, "C", "see")
        .plans(["a = a", "B = B", "C = see"]);
}
