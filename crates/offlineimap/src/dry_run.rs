//! A plan in words: what a sync would do in a folder, to which messages, and why.

use std::fmt::Write as _;

use offlineimap_core::{Bounds, CopyOp, DeleteOp, FlagOp, MailboxPlan, PerSide, Removal, Side};
use offlineimap_engine::FolderLabel;

use crate::ui::{deleting, key_text};

/// What a dry run ends with.
pub(crate) const CLOSING: &str = "[DRYRUN] That is the plan; nothing was written.";

/// The paragraphs of a folder's plan, in the order in which a sync would go: each has a summary and
/// a line for every message. None for a folder on which both sides agree.
pub(crate) fn paragraphs(folder: &PerSide<FolderLabel>, plan: &MailboxPlan) -> Vec<String> {
    let mut all = vec![
        recognised(folder, plan),
        paragraph(
            &format!("Note the new names of {} messages", plan.rekey.len()),
            plan.rekey.iter().map(|it| format!("{}: now {}", key_text(&it.pair), it.local)),
        ),
        paragraph(
            &format!("Put the UID into the names of {} messages", plan.rebind.len()),
            plan.rebind.iter().map(|it| format!("{}: {}", key_text(&it.pair), it.local)),
        ),
        paragraph(
            &format!("Note that both sides agree on the flags of {} messages", plan.agree.len()),
            plan.agree.iter().map(|(key, change)| format!("{}: {change}", key_text(key))),
        ),
        paragraph(
            &format!("Forget {} messages that are gone from both sides", plan.forget.len()),
            plan.forget.iter().map(key_text),
        ),
    ];
    all.extend([Bounds::Outside, Bounds::Inside].map(|bounds| moved(plan, bounds)));
    all.extend(Side::BOTH.map(|on| outside(folder.get(on), plan.outside.get(on).len())));
    // As in a sync: nothing is deleted before everything is copied.
    all.extend(Side::BOTH.map(|to| copies(folder, to, plan.copies.get(to))));
    all.extend(Side::BOTH.map(|on| flags(folder.get(on), plan.flags.get(on))));
    all.extend(Side::BOTH.map(|on| deletes(folder.get(on), plan.deletes.get(on))));
    all.into_iter().flatten().collect()
}

fn recognised(folder: &PerSide<FolderLabel>, plan: &MailboxPlan) -> Option<String> {
    let summary = format!(
        "Recognise {} messages of {} in {}, without a transfer",
        plan.adopt.len(),
        place(&folder.remote),
        place(&folder.local)
    );
    let messages = plan.adopt.iter().map(|it| format!("{}: is {}", key_text(&it.remote), it.local));
    paragraph(&summary, messages)
}

/// Pairs that left the restrictions, or came back inside. There can be very many: they are counted.
fn moved(plan: &MailboxPlan, bounds: Bounds) -> Option<String> {
    let count = plan.bounds.iter().filter(|(_, now)| *now == bounds).count();
    let text = match bounds {
        Bounds::Outside => "From now on leave alone {} messages that are too old or too large",
        Bounds::Inside => "From now on sync again {} messages that were too old or too large",
    };
    (count > 0).then(|| format!("[DRYRUN] {}", text.replace("{}", &count.to_string())))
}

fn outside(on: &FolderLabel, count: usize) -> Option<String> {
    (count > 0).then(|| {
        format!("[DRYRUN] Do not copy {count} messages of {}: too old or too large", place(on))
    })
}

fn copies(folder: &PerSide<FolderLabel>, to: Side, copies: &[CopyOp]) -> Option<String> {
    let summary = format!(
        "Copy {} messages from {} to {}",
        copies.len(),
        place(folder.get(to.other())),
        folder.get(to).repository
    );
    let messages = copies.iter().map(|copy| {
        let CopyOp { source, flags, reason, .. } = copy;
        if flags.is_empty() {
            format!("{}: {reason}", key_text(source))
        } else {
            format!("{} with flags {flags}: {reason}", key_text(source))
        }
    });
    paragraph(&summary, messages)
}

fn flags(on: &FolderLabel, changes: &[FlagOp]) -> Option<String> {
    let summary = format!("Change the flags of {} messages on {}", changes.len(), place(on));
    let messages =
        changes.iter().map(|it| format!("{}: {}, {}", key_text(&it.pair), it.change, it.reason));
    paragraph(&summary, messages)
}

fn deletes(on: &FolderLabel, deletes: &[DeleteOp]) -> Option<String> {
    let pairs = deletes.iter().map(|it| &it.pair);
    let messages = deletes.iter().map(|it| {
        let how = match it.removal {
            Removal::Expunge => "",
            Removal::MarkDeleted => ", only marked as deleted",
        };
        format!("{}: {}{how}", key_text(&it.pair), it.reason)
    });
    paragraph(&deleting(deletes.len(), pairs, on), messages)
}

fn place(folder: &FolderLabel) -> String {
    format!("{}[{}]", folder.folder, folder.repository)
}

fn paragraph(summary: &str, messages: impl Iterator<Item = String>) -> Option<String> {
    let mut text = format!("[DRYRUN] {summary}");
    let mut is_empty = true;
    for message in messages {
        is_empty = false;
        // Writing to a string does not fail.
        let _ = write!(text, "\n    {message}");
    }
    (!is_empty).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use offlineimap_core::{Adopt, FlagChange, Flags, Key, MailboxName, Reason};

    use super::*;

    fn uid(number: u32) -> Key {
        Key::number(NonZeroU32::new(number).unwrap())
    }

    fn name(name: &str) -> Key {
        Key::name(name.as_bytes())
    }

    fn inbox() -> PerSide<FolderLabel> {
        let label = |repository: &str, kind| FolderLabel {
            repository: repository.into(),
            kind,
            folder: MailboxName::new("INBOX"),
        };
        PerSide { remote: label("Remote", "IMAP"), local: label("Local", "Maildir") }
    }

    #[test]
    fn a_folder_on_which_both_sides_agree_is_not_mentioned() {
        assert!(paragraphs(&inbox(), &MailboxPlan::default()).is_empty());
    }

    #[test]
    fn every_message_is_listed_with_the_reason() {
        let mut plan = MailboxPlan::default();
        let seen = Flags::from_letters("S");
        plan.adopt.push(Adopt {
            remote: uid(9),
            local: name("9.host"),
            flags: seen.clone(),
            bounds: Bounds::Inside,
        });
        plan.copies.local.push(CopyOp {
            source: uid(4),
            flags: seen.clone(),
            settles: seen.clone(),
            reason: Reason::NewOn(Side::Remote),
        });
        plan.copies.remote.push(CopyOp {
            source: name("5.host"),
            flags: Flags::default(),
            settles: Flags::default(),
            reason: Reason::NewOn(Side::Local),
        });
        let change = FlagChange::between(&Flags::default(), &seen);
        plan.flags.local.push(FlagOp {
            pair: uid(6),
            target: name("6.host"),
            expect: Flags::default(),
            change: change.clone(),
            settles: change,
            reason: Reason::FlagsChangedOn(Side::Remote),
        });
        plan.deletes.remote.push(DeleteOp {
            pair: uid(7),
            target: uid(7),
            gone: name("7.host"),
            expect: seen,
            removal: Removal::MarkDeleted,
            reason: Reason::DeletedOn(Side::Local),
        });
        assert_eq!(
            paragraphs(&inbox(), &plan).join("\n"),
            "[DRYRUN] Recognise 1 messages of INBOX[Remote] in INBOX[Local], without a transfer\n    \
             UID 9: is 9.host\n\
             [DRYRUN] Copy 1 messages from INBOX[Local] to Remote\n    \
             5.host: new on the local side\n\
             [DRYRUN] Copy 1 messages from INBOX[Remote] to Local\n    \
             UID 4 with flags S: new on the remote side\n\
             [DRYRUN] Change the flags of 1 messages on INBOX[Local]\n    \
             UID 6: +S, flags changed on the remote side\n\
             [DRYRUN] Deleting 1 messages (7) in IMAP[INBOX]\n    \
             UID 7: deleted on the local side, only marked as deleted"
        );
    }
}
