//! The known name that was probably meant.

/// Finds the candidate with the fewest typing mistakes, if they are few enough for the length of
/// the name; the first one when several are as near.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = name.chars().count();
    let allowed = (1 + length / 5).min(length / 2);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(mistakes, _)| *mistakes <= allowed)
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous_character = None;
    for (row, character) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let at =
                |costs: &[usize], index: usize| costs.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&last, column) + usize::from(character != *other);
            let removed = at(&last, column + 1) + 1;
            let inserted = at(&current, column) + 1;
            let mut cost = replaced.min(removed).min(inserted);
            let swapped = column > 0
                && previous_character == Some(*other)
                && to.get(column - 1) == Some(&character);
            if swapped {
                cost = cost.min(at(&before_last, column - 1).saturating_add(1));
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_character = Some(character);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_typing_mistake_counts_one() {
        for (from, to, mistakes) in [
            ("", "", 0),
            ("ssl", "ssl", 0),
            ("sl", "ssl", 1),
            ("sssl", "ssl", 1),
            ("sal", "ssl", 1),
            ("remotehots", "remotehost", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), mistakes, "{from} {to}");
            assert_eq!(distance(to, from), mistakes, "{to} {from}");
        }
    }

    #[test]
    fn a_name_that_is_far_from_all_has_no_nearest() {
        assert_eq!(nearest("frobnicate", ["ssl", "remotehost"]), None);
        assert_eq!(nearest("S", ["L", "R"]), None);
        assert_eq!(nearest("remotehots", ["ssl", "remotehost", "remoteport"]), Some("remotehost"));
    }
}
