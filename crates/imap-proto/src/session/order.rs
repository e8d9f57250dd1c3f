//! Which command may be begun while others are under way.

use crate::command::{CommandKind, Messages, WithStatus};

/// Tells whether a command may be begun while `others` are under way.
///
/// Two answers that could not be told apart must not be under way together (RFC 9051 §5.5).
pub(super) fn may_begin<'a, I: Iterator<Item = &'a CommandKind>>(
    kind: &CommandKind,
    others: impl Fn() -> I,
) -> bool {
    if others().next().is_none() {
        return true;
    }
    !stands_alone(kind) && others().all(|other| !stands_alone(other) && !clash(kind, other))
}

/// Tells whether nothing may be under way together with the command.
///
/// A login changes what everything behind it means, and Courier 5.0 silently discards what is
/// pipelined behind LOGIN. Behind STARTTLS and COMPRESS begins another stream. A SELECT changes to which mailbox
/// all else belongs, and if it fails, what follows it would be said to no mailbox.
fn stands_alone(kind: &CommandKind) -> bool {
    matches!(
        kind,
        CommandKind::StartTls
            | CommandKind::Compress
            | CommandKind::Login
            | CommandKind::Authenticate
            | CommandKind::Logout
            | CommandKind::Open { .. }
            | CommandKind::Shut
            | CommandKind::Enable
    )
}

/// Tells whether two commands must not be under way together, in either order.
fn clash(one: &CommandKind, other: &CommandKind) -> bool {
    clash_in_order(one, other) || clash_in_order(other, one)
}

#[expect(clippy::match_same_arms, reason = "each arm has a reason of its own")]
fn clash_in_order(one: &CommandKind, other: &CommandKind) -> bool {
    use CommandKind as Kind;
    match (one, other) {
        // Answered by data that names neither tag nor mailbox.
        (Kind::Capability, Kind::Capability)
        | (Kind::Id, Kind::Id)
        | (Kind::Search, Kind::Search)
        | (Kind::List { .. } | Kind::Lsub, Kind::List { .. } | Kind::Lsub) => true,
        (Kind::Status { mailbox: one }, Kind::Status { mailbox: other }) => one.same_mailbox(other),
        (Kind::List { with_status }, Kind::Status { .. }) => *with_status == WithStatus::Yes,
        // What is expunged depends on what was stored or moved, and numbers shift beneath a FETCH
        // by sequence numbers.
        (Kind::Expunge, Kind::Store { .. } | Kind::Copy | Kind::Expunge) => true,
        (Kind::Expunge | Kind::Copy, Kind::Fetch { messages, .. }) => {
            *messages == Messages::AllBySequence
        }
        // A mailbox must be there before something is put into it.
        (Kind::Mailbox, Kind::Append | Kind::Copy | Kind::Status { .. } | Kind::List { .. }) => {
            true
        }
        _ => false,
    }
}
