//! Which command untagged data answers.

use std::collections::BTreeMap;

use crate::command::{CommandKind, WithBodies, WithStatus};
use crate::mailbox::MailboxName;
use crate::response::{Malformed, Untagged, VanishedAge};
use crate::session::{CommandHandle, InFlight};
use crate::uid_set::Uid;

type Commands = BTreeMap<CommandHandle, InFlight>;

/// Finds the command that the data answers, if that is certain.
pub(super) fn handle_of(commands: &Commands, data: &Untagged) -> Option<CommandHandle> {
    match data {
        Untagged::Capability(_) => only(commands, |kind| *kind == CommandKind::Capability),
        Untagged::Enabled(_) => only(commands, |kind| *kind == CommandKind::Enable),
        Untagged::Id(_) => only(commands, |kind| *kind == CommandKind::Id),
        // IMAP4rev2 servers send a LIST with SELECT; nothing else is under way then.
        Untagged::List(_) | Untagged::Lsub(_) => only(commands, is_list),
        Untagged::MailboxStatus(status) => status_handle(commands, &status.mailbox),
        Untagged::Search(_) => only(commands, |kind| *kind == CommandKind::Search),
        Untagged::Esearch(result) => {
            let handle = only(commands, |kind| *kind == CommandKind::Search)?;
            let tag = result.tag.as_ref();
            tag.is_none_or(|tag| *tag == handle.to_string()).then_some(handle)
        }
        Untagged::Vanished(vanished) if vanished.age == VanishedAge::Earlier => {
            only(commands, |kind| {
                matches!(kind, CommandKind::Fetch { .. } | CommandKind::Open { .. })
            })
        }
        Untagged::Fetch(fetch) => fetch_handle(commands, fetch.uid, fetch.bodies),
        Untagged::Status { .. }
        | Untagged::Flags(_)
        | Untagged::Exists(_)
        | Untagged::Recent(_) => only(commands, |kind| matches!(kind, CommandKind::Open { .. })),
        Untagged::Vanished(_) | Untagged::Expunge(_) | Untagged::Unknown { .. } => None,
        Untagged::Malformed(malformed) => malformed_handle(commands, malformed),
    }
}

/// Finds the FETCH that a body answers, of which so far at most the UID is known.
pub(super) fn body_handle(commands: &Commands, uid: Option<Uid>) -> Option<CommandHandle> {
    only(
        commands,
        |kind| matches!(kind, CommandKind::Fetch { messages, bodies: WithBodies::Yes } if uid.is_none_or(|uid| messages.may_include(uid))),
    )
}

fn fetch_handle(commands: &Commands, uid: Option<Uid>, bodies: u32) -> Option<CommandHandle> {
    if bodies > 0 {
        return body_handle(commands, uid);
    }
    // Every FETCH and STORE here gets the UID with its answer: without one it is news.
    let uid = uid?;
    let fetch = only(
        commands,
        |kind| matches!(kind, CommandKind::Fetch { messages, bodies: WithBodies::No } if messages.may_include(uid)),
    );
    fetch.or_else(|| {
        only(
            commands,
            |kind| matches!(kind, CommandKind::Store { messages } if messages.may_include(uid)),
        )
    })
}

fn status_handle(commands: &Commands, mailbox: &MailboxName) -> Option<CommandHandle> {
    let asked = only(
        commands,
        |kind| matches!(kind, CommandKind::Status { mailbox: own } if own.same_mailbox(mailbox)),
    );
    // The server may write the name in another way; if only one was asked for, it is that one.
    asked.or_else(|| {
        only(commands, |kind| {
            matches!(
                kind,
                CommandKind::Status { .. } | CommandKind::List { with_status: WithStatus::Yes }
            )
        })
    })
}

fn malformed_handle(commands: &Commands, malformed: &Malformed) -> Option<CommandHandle> {
    match malformed.name.as_str() {
        "FETCH" => only(
            commands,
            |kind| matches!(kind, CommandKind::Fetch { messages, .. } if malformed.uid.is_none_or(|uid| messages.may_include(uid))),
        ),
        "SEARCH" | "ESEARCH" => only(commands, |kind| *kind == CommandKind::Search),
        "LIST" | "LSUB" => only(commands, is_list),
        "STATUS" => only(commands, |kind| {
            matches!(
                kind,
                CommandKind::Status { .. } | CommandKind::List { with_status: WithStatus::Yes }
            )
        }),
        _ => only(commands, |kind| matches!(kind, CommandKind::Open { .. })),
    }
}

fn is_list(kind: &CommandKind) -> bool {
    matches!(kind, CommandKind::List { .. } | CommandKind::Lsub)
}

/// Finds the command of this kind if there is exactly one.
fn only(commands: &Commands, is: impl Fn(&CommandKind) -> bool) -> Option<CommandHandle> {
    let mut found = commands.iter().filter(|(_, command)| is(&command.kind));
    let (handle, _) = found.next()?;
    found.next().is_none().then_some(*handle)
}
