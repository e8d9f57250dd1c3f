//! What the user's configuration says about the names of folders.

use std::cmp::Ordering;
use std::fmt;

use crate::side::PerSide;

/// What the user's configuration says about the names of one repository.
///
/// A rule may be a function of the user's: it can fail, and it can take its time. It is not asked
/// where waiting does harm.
pub trait NameRules {
    /// Returns the name by which the other side knows a folder (`nametrans`), still spelt with
    /// this side's separator, which is given.
    ///
    /// # Errors
    ///
    /// If the user's rule gives no name. There is no other name to fall back to.
    fn visible(&self, name: &str, separator: Option<char>) -> Result<String, RuleError>;

    /// The same, with the empty name for the bare separator: both mean the root of the other side.
    ///
    /// # Errors
    ///
    /// As [`NameRules::visible`].
    fn visible_name(&self, name: &str, separator: Option<char>) -> Result<String, RuleError> {
        let visible = self.visible(name, separator)?;
        let is_root = separator.is_some_and(|separator| visible.chars().eq([separator]));
        Ok(if is_root { String::new() } else { visible })
    }

    /// Tells whether a folder is to be synced (`folderfilter`).
    ///
    /// # Errors
    ///
    /// If the user's rule gives no answer.
    fn includes(&self, name: &str) -> Result<bool, RuleError>;

    /// Tells whether the store can hold a folder of this name, or why not.
    ///
    /// # Errors
    ///
    /// The reason, in words for the user.
    fn storable(&self, name: &str) -> Result<(), String>;

    /// Returns how this store spells a name that comes from the other side, separators apart.
    fn spelling(&self, visible: String) -> String {
        visible
    }

    /// Returns the folder of this store to which the visible name of another one belongs, whether
    /// it exists or not. Most rules do not know of such things.
    fn namesake(&self, _name: &str, _separator: Option<char>) -> Option<String> {
        None
    }

    /// Tells which of two folders, by their visible names, is synced first (`foldersort`).
    ///
    /// # Errors
    ///
    /// If the user's rule gives no answer.
    fn compare(&self, one: &str, other: &str) -> Result<Ordering, RuleError> {
        Ok(one.to_lowercase().cmp(&other.to_lowercase()))
    }
}

/// The name rules of both sides.
pub type FolderRules<'a> = PerSide<&'a (dyn NameRules + Send + Sync)>;

/// A rule of the user's gave no answer. It ends the account: with a guess in its place, folders
/// would be mixed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError(String);

impl RuleError {
    /// Builds an error. The message names repository, option and folder.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuleError {}

/// Sorts by a comparison that may fail, and that need not make sense: a user wrote it. What compares
/// as equal keeps its order.
///
/// # Errors
///
/// The first failure.
pub(crate) fn sort_by<T>(
    items: Vec<T>,
    compare: &mut dyn FnMut(&T, &T) -> Result<Ordering, RuleError>,
) -> Result<Vec<T>, RuleError> {
    let len = items.len();
    if len < 2 {
        return Ok(items);
    }
    let mut first = items;
    let second = first.split_off(len / 2);
    let first = sort_by(first, compare)?;
    let second = sort_by(second, compare)?;
    let mut sorted = Vec::with_capacity(len);
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    while let (Some(one), Some(other)) = (first.peek(), second.peek()) {
        let next = if compare(other, one)? == Ordering::Less { &mut second } else { &mut first };
        sorted.extend(next.next());
    }
    sorted.extend(first);
    sorted.extend(second);
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(items: &[i32], compare: impl Fn(i32, i32) -> Ordering) -> Vec<i32> {
        sort_by(items.to_vec(), &mut |a, b| Ok(compare(*a, *b))).unwrap()
    }

    #[test]
    fn a_sort_is_stable_and_takes_any_comparison() {
        let items = [31, 12, 22, 11, 32, 21, 13];
        assert_eq!(sorted(&items, |a, b| a.cmp(&b)), [11, 12, 13, 21, 22, 31, 32]);
        let tens = sorted(&items, |a, b| (a / 10).cmp(&(b / 10)));
        assert_eq!(tens, [12, 11, 13, 22, 21, 31, 32]);
        assert_eq!(sorted(&items, |_, _| Ordering::Equal), items);
        // Nonsense gives some order, and loses nothing.
        let mut senseless = sorted(&items, |_, _| Ordering::Less);
        senseless.sort_unstable();
        assert_eq!(senseless, [11, 12, 13, 21, 22, 31, 32]);
    }

    #[test]
    fn a_failing_comparison_ends_the_sort() {
        let failed = sort_by(vec![1, 2], &mut |_, _| Err(RuleError::new("no")));
        assert_eq!(failed, Err(RuleError::new("no")));
        assert_eq!(sort_by(vec![1], &mut |_, _| Err(RuleError::new("no"))), Ok(vec![1]));
    }
}
