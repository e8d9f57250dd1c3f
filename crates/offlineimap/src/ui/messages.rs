//! The message catalogue: what is said about each event (`spec/ui.md` §3).

use std::fmt::Write as _;
use std::time::Duration;

use offlineimap_core::{
    Ignored, IgnoredWhy, InfiniteCreation, Key, PerSide, Side, Withheld, Withholding,
};
use offlineimap_engine::{Event, FolderLabel};

use super::Level;

/// What the messages of a dry run begin with.
pub(crate) const DRY_RUN: &str = "[DRYRUN] ";

/// A message for an event, still without the name in which it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) level: Level,
    pub(super) text: String,
}

impl Text {
    fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: text.into() }
    }
}

/// What is said about an event of a real sync: usually one message, often none. Errors and plans
/// have their own ways, and are not here.
pub(super) fn texts(event: &Event) -> Vec<Text> {
    let debug = |text: String| vec![Text::new(Level::Debug, text)];
    let info = |text: String| vec![Text::new(Level::Info, text)];
    let warning = |text: String| vec![Text::new(Level::Warning, text)];
    match event {
        Event::AccountStarted { account } => info(format!("*** Processing account {account}")),
        Event::AccountFinished { account, elapsed } => {
            info(format!("*** Finished account '{account}' in {}", minutes(*elapsed)))
        }
        Event::FolderCreating { folder } => info(creating(folder)),
        Event::FolderIgnored { ignored, repository } => vec![ignoring(ignored, repository)],
        Event::FolderUnusable { repository, name, why } => {
            warning(format!("Ignoring folder '{name}' of repository '{repository}': {why}"))
        }
        Event::FoldersStarted { repositories: PerSide { remote, local } } => debug(format!(
            "[]: Copying folder structure from {} to {}",
            remote.repository, local.repository
        )),
        Event::FolderStarted { folder: PerSide { remote, local }, .. } => {
            info(format!("Syncing {}: {} -> {}", remote.folder, remote.kind, local.kind))
        }
        Event::Listing { folder } => debug(format!("Loading message list for {}", place(folder))),
        Event::Listed { folder, messages } => {
            debug(format!("Message list for {} loaded: {messages} messages", place(folder)))
        }
        Event::CopiesStarted { from, to } => {
            debug(format!("Syncing messages {} -> {}", place(from), place(to)))
        }
        Event::FolderSkipped { folder } => {
            info(format!("Skipping {} (not changed)", folder.folder))
        }
        Event::Recovered { folder, operations } => info(format!(
            "Settled {operations} operations of an interrupted run in folder {}",
            folder.local
        )),
        Event::Adopted { folder, messages } => info(format!(
            "Taking over {messages} messages that OfflineIMAP had synced in folder {}",
            folder.local
        )),
        Event::Copying { key, index, total, from, to } => info(format!(
            "Copy message UID {} ({index}/{total}) {from} -> {to}",
            shown_number(key, *index)
        )),
        Event::Deleting { keys, folder } => info(deleting(keys.len(), keys.iter(), folder)),
        Event::AddingFlags { flags, keys, folder } => {
            info(format!("Adding flag {flags} to {} messages on {}", keys.len(), folder.folder))
        }
        Event::RemovingFlags { flags, keys, folder } => {
            info(format!("Deleting flag {flags} from {} messages on {}", keys.len(), folder.folder))
        }
        Event::Withheld { folder, withheld } => withholding(folder, withheld),
        Event::EpochProblem { folder, saved, current, .. } => warning(format!(
            "UID validity problem for folder {} (repo {}) (saved {saved}; got {current}); skipping \
             it. Please see FAQ and manual on how to handle this.",
            folder.folder, folder.repository
        )),
        Event::LocalReplaced { folder } => warning(format!(
            "Folder {}[{}] was replaced or restored: nothing is taken for deleted there",
            folder.folder, folder.repository
        )),
        Event::Warning { message } => warning(message.clone()),
        Event::Stopping => debug("[]: Stopping early, as asked".into()),
        // Told as failures, as a plan, or as the end of a thread; what is unknown is debugging.
        Event::FolderCreationInfinite { .. }
        | Event::Refused(_)
        | Event::Error { .. }
        | Event::FolderFinished { .. }
        | Event::Planned { .. } => Vec::new(),
        other => vec![Text::new(Level::Debug, format!("[]: {other:?}"))],
    }
}

/// The announcement of a new folder.
pub(super) fn creating(folder: &FolderLabel) -> String {
    format!("Creating folder {}[{}]", folder.folder, folder.repository)
}

/// The announcement of deletions.
pub(crate) fn deleting<'a>(
    count: usize,
    keys: impl Iterator<Item = &'a Key>,
    folder: &FolderLabel,
) -> String {
    format!("Deleting {count} messages ({}) in {}", key_set(keys), place(folder))
}

/// The complaint about a folder that cannot be created.
pub(super) fn infinite(names: &InfiniteCreation, repositories: &PerSide<String>) -> String {
    let InfiniteCreation { local, remote, back } = names;
    format!(
        "INFINITE FOLDER CREATION DETECTED! Folder '{local}' (repository '{}') would be created as \
         folder '{remote}' (repository '{}'). The latter becomes '{back}' in return, leading to \
         infinite folder creation cycles.\n  The folder is left alone. Rename it, or change \
         nametrans so that each repository undoes what the other does.",
        repositories.local, repositories.remote
    )
}

/// How a key is shown: a number as it is, a name in full.
pub(crate) fn key_text(key: &Key) -> String {
    match key.as_number() {
        Some(number) => format!("UID {number}"),
        None => key.to_string(),
    }
}

/// The number that stands for a message: its UID, or for a message without one a negative number
/// by its place.
pub(super) fn shown_number(key: &Key, index: usize) -> String {
    key.as_number().map_or_else(|| format!("-{index}"), |number| number.to_string())
}

/// Numbers with their ranges compressed, as in `1:5,10`; names one by one.
fn key_set<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    let mut numbers = Vec::new();
    let mut parts = Vec::new();
    for key in keys {
        match key.as_number() {
            Some(number) => numbers.push(number.get()),
            None => parts.push(key.to_string()),
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    let mut set = String::new();
    for range in numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let comma = if set.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = match range {
            [first, .., last] => write!(set, "{comma}{first}:{last}"),
            [only] => write!(set, "{comma}{only}"),
            [] => Ok(()),
        };
    }
    if !set.is_empty() {
        parts.insert(0, set);
    }
    parts.join(",")
}

fn place(folder: &FolderLabel) -> String {
    format!("{}[{}]", folder.kind, folder.folder)
}

fn ignoring(ignored: &Ignored, repository: &str) -> Text {
    let Ignored { side, name, why } = ignored;
    match why {
        IgnoredWhy::Filtered => Text::new(
            Level::Debug,
            format!("[]: Filtering out '{name}'[{repository}] due to folderfilter"),
        ),
        IgnoredWhy::CreationOff => Text::new(
            Level::Debug,
            format!(
                "[]: Not syncing folder '{name}'[{repository}]: it does not exist on the {} side, \
                 where no folders are created",
                side.other()
            ),
        ),
        IgnoredWhy::Separator(separator) => Text::new(
            Level::Warning,
            format!(
                "Ignoring folder '{name}' due to unsupported '{separator}' character serving as {} \
                 separator.",
                side.other()
            ),
        ),
        IgnoredWhy::NotStorable(reason) => Text::new(
            Level::Warning,
            format!(
                "Ignoring folder '{name}' of repository '{repository}': the {} side cannot hold \
                 it: {reason}",
                side.other()
            ),
        ),
        IgnoredWhy::Collides(first) => Text::new(
            Level::Warning,
            format!(
                "Ignoring folder '{name}' of repository '{repository}': '{first}' has the same \
                 name on the {} side",
                side.other()
            ),
        ),
    }
}

/// A warning for each kind of change that a server's read-only folder does not take. What the
/// user's own configuration forbids is no news to the user.
fn withholding(folders: &PerSide<FolderLabel>, withheld: &[Withheld]) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut flags: PerSide<Vec<&Key>> = PerSide::default();
    let mut deletions: PerSide<Vec<&Key>> = PerSide::default();
    let mut configured = 0_usize;
    for one in withheld {
        match one {
            Withheld::Copy(side, Withholding::MailboxReadOnly, key) => texts.push(Text::new(
                Level::Warning,
                format!(
                    "Attempted to synchronize message {key} to folder {}, but that folder is \
                     read-only.  The message will not be copied to that folder.",
                    place(folders.get(*side))
                ),
            )),
            Withheld::Copy(to, Withholding::NeverCopied, key) => texts.push(Text::new(
                Level::Info,
                format!(
                    "IGNORED: Copy message UID {key} {} -> {}",
                    folders.get(to.other()),
                    folders.get(*to).repository
                ),
            )),
            Withheld::Flags(side, Withholding::MailboxReadOnly, key) => {
                flags.get_mut(*side).push(key);
            }
            Withheld::Delete(side, Withholding::MailboxReadOnly, key) => {
                deletions.get_mut(*side).push(key);
            }
            Withheld::Copy(..) | Withheld::Flags(..) | Withheld::Delete(..) => configured += 1,
        }
    }
    for side in Side::BOTH {
        let folder = place(folders.get(side));
        let keys = flags.get(side);
        if !keys.is_empty() {
            let keys = key_set(keys.iter().copied());
            texts.push(Text::new(
                Level::Warning,
                format!(
                    "Attempted to modify flags for messages {keys} in folder {folder}, but that \
                     folder is read-only.  No flags have been modified for that message."
                ),
            ));
        }
        let keys = deletions.get(side);
        if !keys.is_empty() {
            let keys = key_set(keys.iter().copied());
            texts.push(Text::new(
                Level::Warning,
                format!(
                    "Attempted to delete messages {keys} in folder {folder}, but that folder is \
                     read-only.  No messages have been deleted in that folder."
                ),
            ));
        }
    }
    if configured > 0 {
        texts.push(Text::new(
            Level::Debug,
            format!(
                "[]: {configured} differences remain in folder '{}', as configured",
                folders.local.folder
            ),
        ));
    }
    texts
}

/// A span of time in minutes and seconds.
pub(super) fn minutes(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use offlineimap_core::{Flags, MailboxName};

    use super::*;

    fn uid(number: u32) -> Key {
        Key::number(NonZeroU32::new(number).unwrap())
    }

    fn label(repository: &str, kind: &'static str, folder: &str) -> FolderLabel {
        FolderLabel { repository: repository.into(), kind, folder: MailboxName::new(folder) }
    }

    fn remote() -> FolderLabel {
        label("Remote", "IMAP", "INBOX.Sent")
    }

    fn local() -> FolderLabel {
        label("Local", "Maildir", "Sent")
    }

    fn only(event: &Event) -> (Level, String) {
        let mut texts = texts(event);
        assert_eq!(texts.len(), 1, "{event:?}");
        let text = texts.remove(0);
        (text.level, text.text)
    }

    #[test]
    fn an_account_says_when_it_begins_and_ends() {
        let started = Event::AccountStarted { account: "Test".into() };
        assert_eq!(only(&started), (Level::Info, "*** Processing account Test".into()));
        let elapsed = Duration::from_millis(65_999);
        let finished = Event::AccountFinished { account: "Test".into(), elapsed };
        assert_eq!(only(&finished), (Level::Info, "*** Finished account 'Test' in 1:05".into()));
    }

    #[test]
    fn a_copied_message_is_named_by_its_uid_or_its_place() {
        let copy = |key, from, to| Event::Copying { key, index: 2, total: 7, from, to };
        assert_eq!(
            only(&copy(uid(31), remote(), local())).1,
            "Copy message UID 31 (2/7) Remote:INBOX.Sent -> Local:Sent"
        );
        let unnumbered = Key::name(*b"1_0.2.host:2,S");
        assert_eq!(
            only(&copy(unnumbered, local(), remote())).1,
            "Copy message UID -2 (2/7) Local:Sent -> Remote:INBOX.Sent"
        );
    }

    #[test]
    fn deleted_messages_are_listed_in_ranges() {
        let keys = [5, 1, 3, 2, 4, 10, 12, 13, u32::MAX].map(uid).to_vec();
        assert_eq!(
            only(&Event::Deleting { keys, folder: local() }).1,
            "Deleting 9 messages (1:5,10,12:13,4294967295) in Maildir[Sent]"
        );
    }

    #[test]
    fn flags_are_counted() {
        let flags = Flags::from_letters("S");
        let keys = vec![uid(1), uid(2), uid(3)];
        let adding = Event::AddingFlags { flags: flags.clone(), keys, folder: local() };
        assert_eq!(only(&adding).1, "Adding flag S to 3 messages on Sent");
        let removing = Event::RemovingFlags { flags, keys: vec![uid(1)], folder: remote() };
        assert_eq!(only(&removing).1, "Deleting flag S from 1 messages on INBOX.Sent");
    }

    #[test]
    fn an_ignored_folder_is_named_with_the_reason() {
        let event = |why| Event::FolderIgnored {
            ignored: Ignored { side: Side::Remote, name: MailboxName::new("a.b"), why },
            repository: "Remote".into(),
        };
        assert_eq!(
            only(&event(IgnoredWhy::Separator('.'))),
            (
                Level::Warning,
                "Ignoring folder 'a.b' due to unsupported '.' character serving as local separator."
                    .into()
            )
        );
        assert_eq!(only(&event(IgnoredWhy::Filtered)).0, Level::Debug);
    }

    #[test]
    fn a_folder_that_the_server_protects_is_worth_a_warning_and_a_configured_one_is_not() {
        let folder = PerSide { remote: remote(), local: local() };
        let by_server = |key| Withheld::Delete(Side::Remote, Withholding::MailboxReadOnly, key);
        let withheld = vec![
            by_server(uid(3)),
            by_server(uid(4)),
            Withheld::Copy(Side::Local, Withholding::RepositoryReadOnly, uid(9)),
        ];
        let texts = texts(&Event::Withheld { folder, withheld });
        let levels: Vec<Level> = texts.iter().map(|text| text.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Debug]);
        assert!(texts[0].text.starts_with(
            "Attempted to delete messages 3:4 in folder IMAP[INBOX.Sent], but that folder is \
             read-only."
        ));
    }

    #[test]
    fn a_message_that_is_never_copied_is_told() {
        let folder = PerSide { remote: remote(), local: local() };
        let withheld = vec![Withheld::Copy(Side::Local, Withholding::NeverCopied, uid(7))];
        let (level, text) = only(&Event::Withheld { folder, withheld });
        assert_eq!(level, Level::Info);
        assert_eq!(text, "IGNORED: Copy message UID 7 Remote:INBOX.Sent -> Local");
    }

    #[test]
    fn a_validity_problem_names_both_values() {
        let event = Event::EpochProblem {
            folder: remote(),
            side: Side::Remote,
            saved: "1".into(),
            current: "2".into(),
        };
        assert_eq!(
            only(&event),
            (
                Level::Warning,
                "UID validity problem for folder INBOX.Sent (repo Remote) (saved 1; got 2); \
                 skipping it. Please see FAQ and manual on how to handle this."
                    .into()
            )
        );
    }
}
