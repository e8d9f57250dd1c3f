//! Which folders belong together, and which must be created (`spec/sync.md` §5).

use std::collections::{BTreeMap, BTreeSet};

use crate::mailbox::{Listing, MailboxName};
use crate::name_rules::{FolderRules, RuleError, sort_by};
use crate::policy::Policy;
use crate::side::{PerSide, Side};

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

/// A folder that was kept the same as one folder so far, and would now be created as another one,
/// because the user has changed the rules. All of its messages would be copied once more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Renamed {
    /// The folder as it was synced; its local side still exists.
    pub known: FolderPair,
    /// The folder as it would be created.
    pub now: FolderPair,
    /// Where it would be created.
    pub side: Side,
}

/// A folder in its place in the order of a sync.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ordered {
    /// The folder.
    pub pair: FolderPair,
    /// The name by which the local side knows the remote one of the pair, with the separator of the
    /// remote side.
    pub visible: String,
}

/// The folders to sync, the folders to create, and what is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a plan does nothing by itself"]
pub struct StructurePlan {
    /// Folders that exist on both sides, in the order in which they are synced.
    pub pairs: Vec<FolderPair>,
    /// Folders to create, under the side that lacks them; they become pairs then.
    pub create: PerSide<Vec<Creation>>,
    /// All of these together, in the order in which they would be synced.
    pub order: Vec<Ordered>,
    /// Folders that are left alone.
    pub ignored: Vec<Ignored>,
    /// Folders that must not be created. The caller reports each as an error.
    pub infinite: Vec<InfiniteCreation>,
    /// Folders that must not be created either, as they are there under another name.
    pub renamed: Vec<Renamed>,
}

impl StructurePlan {
    /// Takes back the creation of folders that have been synced under another name so far, as long
    /// as the local folder of that name is there.
    pub fn without_renamed(mut self, known: &[FolderPair], local: &Listing) -> Self {
        let there = names(local);
        let known: Vec<&FolderPair> =
            known.iter().filter(|pair| there.contains(pair.local.as_str())).collect();
        for side in Side::BOTH {
            self.create.get_mut(side).retain(|Creation { pair }| {
                let same_side =
                    |it: &&&FolderPair| it.name(side.other()) == pair.name(side.other());
                let Some(before) = known.iter().find(same_side) else { return true };
                if known.contains(&pair) {
                    return true;
                }
                let (known, now) = ((*before).clone(), pair.clone());
                self.renamed.push(Renamed { known, now, side });
                false
            });
        }
        self.order.retain(|one| self.renamed.iter().all(|it| it.now != one.pair));
        self
    }
}

/// Pairs the folders of both sides and finds those that have to be created.
///
/// Folders are never deleted. A folder whose name would not survive the way to the other side and
/// back is left alone on both.
///
/// # Errors
///
/// If a rule of the user's gave no answer about a folder of either side: then there is no plan.
pub fn plan_mailboxes(
    listing: PerSide<&Listing>,
    rules: FolderRules<'_>,
    policy: Policy,
) -> Result<StructurePlan, RuleError> {
    let translate = Translation { listing, rules };
    let mut plan = StructurePlan::default();
    let mut taken: BTreeMap<String, MailboxName> = BTreeMap::new();
    let local_names: BTreeSet<&str> = names(listing.local);
    let remote_names: BTreeSet<&str> = names(listing.remote);
    let mut spoken_for: BTreeSet<String> = BTreeSet::new();

    for name in &remote_names {
        let remote = MailboxName::new(*name);
        let ignore = |why| Ignored { side: Side::Remote, name: remote.clone(), why };
        let there = translate.across(Side::Remote, name)?;
        if !rules.remote.includes(name)? {
            // Its local twin must not be sent back to the server as something new.
            spoken_for.insert(there);
            plan.ignored.push(ignore(IgnoredWhy::Filtered));
            continue;
        }
        if let Some(separator) = translate.clashing_separator(Side::Remote, name)? {
            spoken_for.insert(there);
            plan.ignored.push(ignore(IgnoredWhy::Separator(separator)));
            continue;
        }
        if let Some(namesake) = rules.remote.namesake(name, listing.remote.separator) {
            spoken_for.insert(there);
            plan.ignored.push(ignore(IgnoredWhy::Collides(MailboxName::new(namesake))));
            continue;
        }
        if let Some(first) = taken.get(&there) {
            plan.ignored.push(ignore(IgnoredWhy::Collides(first.clone())));
            continue;
        }
        if !rules.local.includes(&there)? {
            let local = MailboxName::new(there.as_str());
            spoken_for.insert(there);
            plan.ignored.push(Ignored {
                side: Side::Local,
                name: local,
                why: IgnoredWhy::Filtered,
            });
            continue;
        }
        // The local store will need it; a rule that fails is to fail before anything is created.
        rules.local.visible(&there, listing.local.separator)?;
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
        plan_local_only(name, &translate, &remote_names, policy, &mut plan)?;
    }

    plan.order = translate.sorted(&plan)?;
    let paired: BTreeSet<FolderPair> = plan.pairs.drain(..).collect();
    let in_order = plan.order.iter().map(|one| &one.pair);
    plan.pairs = in_order.filter(|pair| paired.contains(*pair)).cloned().collect();
    Ok(plan)
}

fn plan_local_only(
    name: &str,
    translate: &Translation<'_>,
    remote_names: &BTreeSet<&str>,
    policy: Policy,
    plan: &mut StructurePlan,
) -> Result<(), RuleError> {
    let rules = &translate.rules;
    let local = MailboxName::new(name);
    let mut ignore = |why| {
        plan.ignored.push(Ignored { side: Side::Local, name: local.clone(), why });
        Ok(())
    };
    if !rules.local.includes(name)? {
        return ignore(IgnoredWhy::Filtered);
    }
    if let Some(separator) = translate.clashing_separator(Side::Local, name)? {
        return ignore(IgnoredWhy::Separator(separator));
    }
    let there = translate.across(Side::Local, name)?;
    if !rules.remote.includes(&there)? {
        return ignore(IgnoredWhy::Filtered);
    }
    if let Err(why) = rules.remote.storable(&there) {
        return ignore(IgnoredWhy::NotStorable(why));
    }
    let remote = MailboxName::new(there.as_str());
    let back = translate.across(Side::Remote, &there)?;
    if back != name {
        plan.infinite.push(InfiniteCreation { local, remote, back });
    } else if remote_names.contains(there.as_str()) {
        // Listed on both sides and yet not paired: the remote folder was left alone above.
    } else if policy.may_create_folders(Side::Remote) {
        plan.create.remote.push(Creation { pair: FolderPair { remote, local } });
    } else {
        return ignore(IgnoredWhy::CreationOff);
    }
    Ok(())
}

fn names(listing: &Listing) -> BTreeSet<&str> {
    listing.mailboxes.iter().map(|entry| entry.name.as_str()).collect()
}

struct Translation<'a> {
    listing: PerSide<&'a Listing>,
    rules: FolderRules<'a>,
}

impl Translation<'_> {
    /// Returns the name by which the other side knows a folder, with this side's separator; the
    /// empty one for the bare separator, which stands for the root of the other side.
    fn visible(&self, from: Side, name: &str) -> Result<String, RuleError> {
        self.rules.get(from).visible_name(name, self.listing.get(from).separator)
    }

    /// Returns the name that a folder of one side has on the other.
    fn across(&self, from: Side, name: &str) -> Result<String, RuleError> {
        let visible = self.visible(from, name)?;
        let here = self.listing.get(from).separator;
        let there = self.listing.get(from.other()).separator;
        let name = match (here, there) {
            (Some(here), Some(there)) if here != there => {
                visible.replace(here, there.encode_utf8(&mut [0; 4]))
            }
            _ => visible,
        };
        Ok(self.rules.get(from.other()).spelling(name))
    }

    /// Returns the other side's separator if a name contains it as an ordinary character, so that
    /// it would come back as a hierarchy. One that `nametrans` takes away does no harm, and one
    /// that it brings in is meant as a separator.
    fn clashing_separator(&self, from: Side, name: &str) -> Result<Option<char>, RuleError> {
        let here = self.listing.get(from).separator;
        let Some(there) = self.listing.get(from.other()).separator else { return Ok(None) };
        if here == Some(there) || !name.contains(there) {
            return Ok(None);
        }
        Ok(self.visible(from, name)?.contains(there).then_some(there))
    }

    /// Returns the folders of a plan in the order of their visible names on the remote side.
    fn sorted(&self, plan: &StructurePlan) -> Result<Vec<Ordered>, RuleError> {
        let created = Side::BOTH.into_iter().flat_map(|side| plan.create.get(side));
        let mut pairs: Vec<FolderPair> =
            created.map(|creation| &creation.pair).chain(&plan.pairs).cloned().collect();
        pairs.sort_unstable();
        let named = pairs.into_iter().map(|pair| {
            let visible = self.visible(Side::Remote, pair.remote.as_str())?;
            Ok(Ordered { pair, visible })
        });
        let rules = self.rules.remote;
        sort_by(named.collect::<Result<_, _>>()?, &mut |one: &Ordered, other| {
            rules.compare(&one.visible, &other.visible)
        })
    }
}
