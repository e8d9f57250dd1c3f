//! Sets of UIDs or message numbers (`sequence-set`, RFC 9051 §9).

use std::fmt::Write as _;

/// Ranges as written; `None` stands for `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberSet(Vec<(Option<u32>, Option<u32>)>);

impl NumberSet {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let ranges = text.split(',').map(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            Some((bound(first)?, bound(last)?))
        });
        ranges.collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether a number is in the set, where `*` is `largest`.
    pub(super) fn contains(&self, number: u32, largest: u32) -> bool {
        self.0.iter().any(|&(first, last)| {
            let (first, last) = (first.unwrap_or(largest), last.unwrap_or(largest));
            (first.min(last)..=first.max(last)).contains(&number)
        })
    }

    /// Whether the set names a message number that a mailbox of this size does not have.
    pub(super) fn exceeds(&self, messages: usize) -> bool {
        self.0.iter().any(|&(first, last)| {
            [first, last].into_iter().any(|bound| match bound {
                Some(number) => number as usize > messages,
                None => messages == 0,
            })
        })
    }
}

/// `None` if it is no bound, `Some(None)` for `*`.
#[expect(clippy::option_option, reason = "outer: is it a bound at all; inner: `*`")]
fn bound(text: &str) -> Option<Option<u32>> {
    if text == "*" {
        return Some(None);
    }
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number > 0).map(Some)
}

/// Ascending numbers as a set, as in `1:3,7`.
pub(super) fn format_set(numbers: &[u32]) -> String {
    let mut set = String::new();
    let mut numbers = numbers.iter().copied().peekable();
    while let Some(first) = numbers.next() {
        let mut last = first;
        while let Some(next) = numbers.next_if(|&next| next == last + 1) {
            last = next;
        }
        let separator = if set.is_empty() { "" } else { "," };
        let _ = write!(set, "{separator}{first}");
        if last > first {
            let _ = write!(set, ":{last}");
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_from_beyond_the_largest_uid_still_contains_the_largest() {
        let set = NumberSet::parse("100:*").unwrap();
        assert!(set.contains(7, 7));
        assert!(!set.contains(6, 7));
    }

    #[test]
    fn nonsense_is_no_set() {
        for text in ["", "0", "1:", "a", "1,,2", "+1", "1:2:3"] {
            assert_eq!(NumberSet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn runs_are_written_as_ranges() {
        assert_eq!(format_set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(format_set(&[]), "");
    }
}
