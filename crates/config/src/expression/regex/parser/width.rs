//! How many characters a pattern matches, at least and at most.

use super::super::syntax::Node;

/// The width of a node, given those of the groups that are closed.
pub(super) fn width(node: &Node, groups: &[Option<(u64, u64)>]) -> (u64, u64) {
    match node {
        Node::Character(_) | Node::Folded(..) | Node::NotLineBreak | Node::Any | Node::Class(_) => {
            (1, 1)
        }
        Node::At(_) | Node::Look { .. } => (0, 0),
        Node::Group { node, .. } | Node::Atomic(node) => width(node, groups),
        Node::Reference { group, .. } => {
            groups.get(*group).copied().flatten().unwrap_or((0, LIMIT))
        }
        Node::Sequence(nodes) => nodes.iter().fold((0, 0), |(least, most), node| {
            let (more, at_most) = width(node, groups);
            (bounded(least + more), bounded(most + at_most))
        }),
        Node::Alternatives(nodes) => either(nodes.iter().map(|node| width(node, groups))),
        Node::Repeat { node, least, most, .. } => {
            let (one, one_most) = width(node, groups);
            let times = most.map_or(LIMIT, u64::from);
            (bounded(one * u64::from(*least)), bounded(one_most.saturating_mul(times)))
        }
        Node::Conditional { yes, no, .. } => {
            either([width(yes, groups), width(no, groups)].into_iter())
        }
    }
}

fn either(widths: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    widths
        .reduce(|(least, most), (other, other_most)| (least.min(other), most.max(other_most)))
        .unwrap_or((0, 0))
}

fn bounded(width: u64) -> u64 {
    width.min(LIMIT)
}

/// More than any text has; no sum or product of two of it overflows.
const LIMIT: u64 = 1 << 31;
