//! Which folders belong together, and which must be created (`spec/sync.md` §5).

use std::collections::{BTreeMap, BTreeSet};

use crate::mailbox::{Listing, MailboxName};
use crate::policy::Policy;
use crate::side::{PerSide, Side};

/// What the user's configuration says about the names of one repository.
pub trait NameRules {
    /// Returns the name by which the other side knows a folder (`nametrans`), still spelt with
    /// this side's separator.
    fn visible(&self, name: &str) -> String;

    /// Tells whether a folder is to be synced (`folderfilter`).
    fn includes(&self, name: &str) -> bool;

    /// Tells whether the store can hold a folder of this name, or why not.
    ///
    /// # Errors
    ///
    /// The reason, in words for the user.
    fn storable(&self, name: &str) -> Result<(), String>;
}

/// The name rules of both sides.
pub type FolderRules<'a> = PerSide<&'a (dyn NameRules + Send + Sync)>;

/// A folder on both sides that is to be kept the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderPair {
    /// Its name on each side.
    pub remote: MailboxName,
    /// Its name on the local side.
    pub local: MailboxName,
}

impl FolderPair {
    /// Returns the name on one side.
    pub fn name(&self, side: Side) -> &MailboxName {
        match side {
            Side::Remote => &self.remote,
            Side::Local => &self.local,
        }
    }
}

/// A folder that has to be created before its pair can be synced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Creation {
    /// The pair; the folder is missing on the side under which the plan lists the creation.
    pub pair: FolderPair,
}

/// Why a folder is not synced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IgnoredWhy {
    /// The folder filter leaves it out.
    Filtered,
    /// Its name contains the character that separates folders on the other side.
    Separator(char),
    /// The other side cannot hold such a name.
    NotStorable(String),
    /// Another folder of this side already has the same name on the other side.
    Collides(MailboxName),
    /// It does not exist on the other side, and must not be created there.
    CreationOff,
}

/// A folder that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    /// The side where it is.
    pub side: Side,
    /// Its name there.
    pub name: MailboxName,
    /// Why.
    pub why: IgnoredWhy,
}

/// A local folder whose remote name would come back under another local name: creating it would
/// never end (`INFINITE FOLDER CREATION DETECTED!`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InfiniteCreation {
    /// The local folder.
    pub local: MailboxName,
    /// The remote name that it would be created as.
    pub remote: MailboxName,
    /// The local name that the remote one becomes in return.
    pub back: String,
}

/// The folders to sync, the folders to create, and what is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a plan does nothing by itself"]
pub struct StructurePlan {
    /// Folders that exist on both sides, in the order in which they are synced.
    pub pairs: Vec<FolderPair>,
    /// Folders to create, under the side that lacks them; they become pairs then.
    pub create: PerSide<Vec<Creation>>,
    /// Folders that are left alone.
    pub ignored: Vec<Ignored>,
    /// Folders that must not be created. The caller reports each as an error.
    pub infinite: Vec<InfiniteCreation>,
}

/// Pairs the folders of both sides and finds those that have to be created.
///
/// Folders are never deleted. A folder whose name would not survive the way to the other side and
/// back is left alone on both.
pub fn plan_mailboxes(
    listing: PerSide<&Listing>,
    rules: FolderRules<'_>,
    policy: Policy,
) -> StructurePlan {
    let translate = Translation { listing, rules };
    let mut plan = StructurePlan::default();
    let mut taken: BTreeMap<String, MailboxName> = BTreeMap::new();
    let local_names: BTreeSet<&str> = names(listing.local);
    let remote_names: BTreeSet<&str> = names(listing.remote);
    let mut spoken_for: BTreeSet<String> = BTreeSet::new();

    for name in &remote_names {
        let remote = MailboxName::new(*name);
        let ignore = |why| Ignored { side: Side::Remote, name: remote.clone(), why };
        if !rules.remote.includes(name) {
            // Its local twin must not be sent back to the server as something new.
            spoken_for.insert(translate.across(Side::Remote, name));
            plan.ignored.push(ignore(IgnoredWhy::Filtered));
            continue;
        }
        if let Some(separator) = translate.clashing_separator(Side::Remote, name) {
            spoken_for.insert(translate.across(Side::Remote, name));
            plan.ignored.push(ignore(IgnoredWhy::Separator(separator)));
            continue;
        }
        let there = translate.across(Side::Remote, name);
        if let Some(first) = taken.get(&there) {
            plan.ignored.push(ignore(IgnoredWhy::Collides(first.clone())));
            continue;
        }
        if !rules.local.includes(&there) {
            let local = MailboxName::new(there.as_str());
            spoken_for.insert(there);
            plan.ignored.push(Ignored {
                side: Side::Local,
                name: local,
                why: IgnoredWhy::Filtered,
            });
            continue;
        }
        let pair = FolderPair { remote: remote.clone(), local: MailboxName::new(there.as_str()) };
        if local_names.contains(there.as_str()) {
            plan.pairs.push(pair);
        } else if let Err(why) = rules.local.storable(&there) {
            plan.ignored.push(ignore(IgnoredWhy::NotStorable(why)));
        } else if policy.may_create_folders(Side::Local) {
            plan.create.local.push(Creation { pair });
        } else {
            plan.ignored.push(ignore(IgnoredWhy::CreationOff));
        }
        taken.insert(there, remote);
    }

    for name in &local_names {
        if taken.contains_key(*name) || spoken_for.contains(*name) {
            continue;
        }
        plan_local_only(name, &translate, &remote_names, policy, &mut plan);
    }

    plan.pairs.sort_by_cached_key(|pair| rules.remote.visible(pair.remote.as_str()).to_lowercase());
    plan
}

fn plan_local_only(
    name: &str,
    translate: &Translation<'_>,
    remote_names: &BTreeSet<&str>,
    policy: Policy,
    plan: &mut StructurePlan,
) {
    let rules = &translate.rules;
    let local = MailboxName::new(name);
    let ignore = |why| Ignored { side: Side::Local, name: local.clone(), why };
    if !rules.local.includes(name) {
        plan.ignored.push(ignore(IgnoredWhy::Filtered));
        return;
    }
    if let Some(separator) = translate.clashing_separator(Side::Local, name) {
        plan.ignored.push(ignore(IgnoredWhy::Separator(separator)));
        return;
    }
    let there = translate.across(Side::Local, name);
    if !rules.remote.includes(&there) {
        plan.ignored.push(ignore(IgnoredWhy::Filtered));
        return;
    }
    if let Err(why) = rules.remote.storable(&there) {
        plan.ignored.push(ignore(IgnoredWhy::NotStorable(why)));
        return;
    }
    let remote = MailboxName::new(there.as_str());
    let back = translate.across(Side::Remote, &there);
    if back != name {
        plan.infinite.push(InfiniteCreation { local, remote, back });
    } else if remote_names.contains(there.as_str()) {
        // Listed on both sides and yet not paired: the remote folder was left alone above.
    } else if policy.may_create_folders(Side::Remote) {
        plan.create.remote.push(Creation { pair: FolderPair { remote, local } });
    } else {
        plan.ignored.push(ignore(IgnoredWhy::CreationOff));
    }
}

fn names(listing: &Listing) -> BTreeSet<&str> {
    listing.mailboxes.iter().map(|entry| entry.name.as_str()).collect()
}

struct Translation<'a> {
    listing: PerSide<&'a Listing>,
    rules: FolderRules<'a>,
}

impl Translation<'_> {
    /// Returns the name that a folder of one side has on the other.
    fn across(&self, from: Side, name: &str) -> String {
        let visible = self.rules.get(from).visible(name);
        let here = self.listing.get(from).separator;
        let there = self.listing.get(from.other()).separator;
        // A folder visible under the bare separator is the root of the other side.
        if here.is_some_and(|here| visible.chars().eq([here])) {
            return String::new();
        }
        match (here, there) {
            (Some(here), Some(there)) if here != there => {
                visible.replace(here, there.encode_utf8(&mut [0; 4]))
            }
            _ => visible,
        }
    }

    /// Returns the other side's separator if a name contains it as an ordinary character, so that
    /// it would come back as a hierarchy. One that `nametrans` takes away does no harm, and one
    /// that it brings in is meant as a separator.
    fn clashing_separator(&self, from: Side, name: &str) -> Option<char> {
        let here = self.listing.get(from).separator;
        let there = self.listing.get(from.other()).separator?;
        if here == Some(there) {
            return None;
        }
        let survives = || self.rules.get(from).visible(name).contains(there);
        (name.contains(there) && survives()).then_some(there)
    }
}
