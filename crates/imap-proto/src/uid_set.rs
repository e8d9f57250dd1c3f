//! Sets of message numbers as compressed ranges (`1:5,10,12:13`).

use std::fmt;
use std::num::NonZeroU32;

/// A unique identifier of a message within a mailbox and a UIDVALIDITY (RFC 9051 §2.3.1.1).
pub type Uid = NonZeroU32;

/// A run of consecutive UIDs, both ends included; `first <= last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UidRange {
    first: Uid,
    last: Uid,
}

impl UidRange {
    /// Spans the UIDs between `one` and `other`, in whichever order they come (RFC 9051 §9,
    /// `seq-range`: `4:2` and `2:4` are the same).
    pub fn new(one: Uid, other: Uid) -> Self {
        Self { first: one.min(other), last: one.max(other) }
    }

    /// Returns the lowest UID.
    pub fn first(self) -> Uid {
        self.first
    }

    /// Returns the highest UID.
    pub fn last(self) -> Uid {
        self.last
    }

    /// Counts the UIDs.
    pub fn count(self) -> u64 {
        u64::from(self.last.get()) - u64::from(self.first.get()) + 1
    }

    /// Lists the UIDs in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Uid> {
        (self.first.get()..=self.last.get()).filter_map(Uid::new)
    }

    fn touches(self, next: Self) -> bool {
        next.first.get() <= self.last.get().saturating_add(1)
    }
}

impl fmt::Display for UidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

/// A set of UIDs, kept as sorted ranges that neither overlap nor touch.
///
/// Memory grows with the number of gaps, not with the number of UIDs. Adding at the upper end is
/// constant time; anything else is linear in the number of ranges, so unsorted UIDs should be
/// collected (`FromIterator`) rather than inserted one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UidSet {
    ranges: Vec<UidRange>,
}

/// What is wrong with the text of a UID set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UidSetError {
    /// The text is empty, or there is nothing between two commas.
    #[error("empty element in a set of message numbers")]
    Empty,
    /// An element is not a number from 1 to 4294967295, nor two of them with a colon.
    #[error("not a message number at byte {offset} of a set of message numbers")]
    NotANumber {
        /// Where the element begins.
        offset: usize,
    },
}

impl UidSet {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the wire form. Order, overlaps and repetitions are tolerated; `*` and 0 are not.
    ///
    /// # Errors
    ///
    /// Says what the text breaks; nothing of a broken text is used.
    pub fn parse(text: &[u8]) -> Result<Self, UidSetError> {
        Ok(parse_ranges(text)?.into_iter().collect())
    }

    /// Adds one UID.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(UidRange::new(uid, uid));
    }

    /// Adds a run of UIDs.
    pub fn insert_range(&mut self, range: UidRange) {
        match self.ranges.last_mut() {
            Some(last) if last.first <= range.first && last.touches(range) => {
                last.last = last.last.max(range.last);
            }
            Some(last) if range.first < last.first => self.merge(&[range]),
            _ => self.ranges.push(range),
        }
    }

    /// Adds all UIDs of another set.
    pub fn union_with(&mut self, other: &Self) {
        match (self.ranges.last(), other.ranges.first()) {
            (_, None) => {}
            (None, Some(_)) => self.ranges.clone_from(&other.ranges),
            (Some(last), Some(first)) if last.first <= first.first => {
                for &range in &other.ranges {
                    self.insert_range(range);
                }
            }
            _ => self.merge(&other.ranges),
        }
    }

    /// Tells whether the UID is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.ranges.partition_point(|range| range.first <= uid);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|r| uid <= r.last)
    }

    /// Counts the UIDs.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| range.count()).sum()
    }

    /// Tells whether there is no UID.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns the lowest UID.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|range| range.first)
    }

    /// Returns the highest UID.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|range| range.last)
    }

    /// Returns the sorted ranges.
    pub fn ranges(&self) -> &[UidRange] {
        &self.ranges
    }

    /// Lists the UIDs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Uid> {
        self.ranges.iter().flat_map(|range| range.iter())
    }

    /// Divides the set into sets of which each takes at most `limit_bytes` when written.
    ///
    /// Servers refuse long command lines (RFC 7162 §4 advises 8192 octets). A single range is never
    /// divided: a limit below its 21 bytes gives one range per set.
    pub fn chunks(&self, limit_bytes: usize) -> Vec<Self> {
        let mut chunks = Vec::new();
        let mut current = Self::new();
        let mut written = 0;
        for &range in &self.ranges {
            let width = written_len(range);
            if !current.is_empty() && written + 1 + width > limit_bytes {
                chunks.push(std::mem::take(&mut current));
                written = 0;
            }
            written += width + usize::from(!current.is_empty());
            current.ranges.push(range);
        }
        if !current.is_empty() {
            chunks.push(current);
        }
        chunks
    }

    fn merge(&mut self, others: &[UidRange]) {
        let mut all = std::mem::take(&mut self.ranges);
        all.extend_from_slice(others);
        *self = all.into_iter().collect();
    }
}

impl FromIterator<UidRange> for UidSet {
    fn from_iter<I: IntoIterator<Item = UidRange>>(ranges: I) -> Self {
        let mut sorted: Vec<UidRange> = ranges.into_iter().collect();
        if !sorted.is_sorted() {
            sorted.sort();
        }
        let mut set = Self::new();
        for range in sorted {
            set.insert_range(range);
        }
        set
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        uids.into_iter().map(|uid| UidRange::new(uid, uid)).collect()
    }
}

impl From<Uid> for UidSet {
    fn from(uid: Uid) -> Self {
        Self { ranges: vec![UidRange::new(uid, uid)] }
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, range) in self.ranges.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{range}")?;
        }
        Ok(())
    }
}

/// Reads ranges in the order in which they are written, as `COPYUID` needs it: the n-th UID of one
/// list belongs to the n-th of the other (RFC 9051 §7.1).
pub(crate) fn parse_ranges(text: &[u8]) -> Result<Vec<UidRange>, UidSetError> {
    let mut ranges = Vec::new();
    let mut offset = 0;
    for element in text.split(|&byte| byte == b',') {
        if element.is_empty() {
            return Err(UidSetError::Empty);
        }
        let broken = UidSetError::NotANumber { offset };
        let range = match element.iter().position(|&byte| byte == b':') {
            None => parse_uid(element).map(|uid| UidRange::new(uid, uid)),
            Some(colon) => {
                let (one, other) = element.split_at(colon);
                let other = other.strip_prefix(b":").and_then(parse_uid);
                parse_uid(one).zip(other).map(|(one, other)| UidRange::new(one, other))
            }
        };
        ranges.push(range.ok_or(broken)?);
        offset += element.len() + 1;
    }
    Ok(ranges)
}

fn parse_uid(digits: &[u8]) -> Option<Uid> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn written_len(range: UidRange) -> usize {
    let digits = |uid: Uid| uid.get().ilog10() as usize + 1;
    if range.first == range.last {
        digits(range.first)
    } else {
        digits(range.first) + 1 + digits(range.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str) -> UidSet {
        UidSet::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn order_overlap_and_reversed_ranges_come_out_normal() {
        assert_eq!(set("12:13,5:1,10,4:6,11").to_string(), "1:6,10:13");
        assert_eq!(set("4294967295").to_string(), "4294967295");
        assert_eq!(set("1:4294967295").len(), 4_294_967_295);
    }

    #[test]
    fn broken_sets_are_refused() {
        for text in ["", ",", "1,", "0", "*", "1:*", "1:", ":1", "1:2:3", "+1", "4294967296", "a"] {
            assert!(UidSet::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn chunks_keep_the_limit() {
        let scattered: UidSet = (1..=1000).filter_map(|n| Uid::new(n * 2)).collect();
        let chunks = scattered.chunks(100);
        assert!(chunks.iter().all(|chunk| chunk.to_string().len() <= 100));
        assert!(chunks.len() > 30);
        let mut again = UidSet::new();
        for chunk in &chunks {
            again.union_with(chunk);
        }
        assert_eq!(again, scattered);
        assert!(UidSet::new().chunks(100).is_empty());
        assert_eq!(set("1,3").chunks(0).len(), 2);
    }

    proptest! {
        #[test]
        fn a_set_behaves_like_a_sorted_list(numbers in prop::collection::vec(1_u32..200, 0..60)) {
            let expected: std::collections::BTreeSet<u32> = numbers.iter().copied().collect();
            let collected: UidSet = numbers.iter().filter_map(|&n| Uid::new(n)).collect();
            let mut inserted = UidSet::new();
            for uid in numbers.iter().filter_map(|&n| Uid::new(n)) {
                inserted.insert(uid);
            }
            prop_assert_eq!(&collected, &inserted);
            prop_assert_eq!(collected.len(), expected.len() as u64);
            prop_assert!(collected.iter().map(Uid::get).eq(expected.iter().copied()));
            for n in 1..200 {
                prop_assert_eq!(collected.contains(Uid::new(n).unwrap()), expected.contains(&n));
            }
            if !collected.is_empty() {
                prop_assert_eq!(UidSet::parse(collected.to_string().as_bytes()).unwrap(), collected);
            }
        }

        #[test]
        fn union_is_the_same_as_collecting(
            one in prop::collection::vec(1_u32..300, 0..40),
            other in prop::collection::vec(1_u32..300, 0..40),
        ) {
            let all: UidSet = one.iter().chain(&other).filter_map(|&n| Uid::new(n)).collect();
            let mut union: UidSet = one.iter().filter_map(|&n| Uid::new(n)).collect();
            union.union_with(&other.iter().filter_map(|&n| Uid::new(n)).collect());
            prop_assert_eq!(union, all);
        }

        #[test]
        fn random_text_never_panics(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ignored = UidSet::parse(&text);
        }
    }
}
