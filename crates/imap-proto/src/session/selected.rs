//! The session's view of the selected mailbox.

use crate::command::OpenMode;
use crate::flags::FlagList;
use crate::mailbox::MailboxName;
use crate::response::{Code, Untagged, Vanished, VanishedAge};
use crate::uid_set::Uid;

/// What the server said about the mailbox that is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Its name, as it was asked for.
    pub mailbox: MailboxName,
    /// How it was asked for.
    pub mode: OpenMode,
    /// What the server allows.
    pub access: Access,
    /// How many messages there are, kept up to date.
    pub exists: u32,
    /// UIDVALIDITY; `None` if the server gave none.
    pub uid_validity: Option<u32>,
    /// UIDNEXT; `None` if the server gave none (Courier).
    pub uid_next: Option<Uid>,
    /// The flags that can be changed for good; `None` if the server did not say: then all of FLAGS
    /// (RFC 3501 §6.3.1).
    pub permanent_flags: Option<FlagList>,
    /// The flags that the mailbox knows.
    pub flags: FlagList,
    /// HIGHESTMODSEQ; `None` for NOMODSEQ or nothing.
    pub highest_mod_seq: Option<u64>,
    /// UIDNOTSTICKY was said: UIDs do not outlive the session.
    pub uid_not_sticky: bool,
}

impl Selected {
    pub(crate) fn new(mailbox: MailboxName, mode: OpenMode) -> Self {
        Self {
            mailbox,
            mode,
            access: match mode {
                OpenMode::Select => Access::ReadWrite,
                OpenMode::Examine => Access::ReadOnly,
            },
            exists: 0,
            uid_validity: None,
            uid_next: None,
            permanent_flags: None,
            flags: FlagList::new(),
            highest_mod_seq: None,
            uid_not_sticky: false,
        }
    }

    /// Takes in what the server said.
    #[expect(clippy::wildcard_enum_match_arm, reason = "other data is not about the mailbox")]
    pub(crate) fn note(&mut self, data: &Untagged) {
        match data {
            Untagged::Exists(count) => self.exists = *count,
            Untagged::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Untagged::Vanished(Vanished { age: VanishedAge::Now, uids }) => {
                let gone = u32::try_from(uids.len()).unwrap_or(u32::MAX);
                self.exists = self.exists.saturating_sub(gone);
            }
            Untagged::Flags(flags) => self.flags.clone_from(flags),
            Untagged::Status { text, .. } => self.note_code(text.code.as_ref()),
            _ => {}
        }
    }

    pub(crate) fn note_code(&mut self, code: Option<&Code>) {
        match code {
            Some(Code::ReadOnly) => self.access = Access::ReadOnly,
            // An EXAMINE stays one, whatever the server says.
            Some(Code::ReadWrite) if self.mode == OpenMode::Select => {
                self.access = Access::ReadWrite;
            }
            Some(Code::UidValidity(value)) => self.uid_validity = Some(*value),
            Some(Code::UidNext(uid)) => self.uid_next = Some(*uid),
            Some(Code::PermanentFlags(flags)) => self.permanent_flags = Some(flags.clone()),
            Some(Code::HighestModSeq(value)) => self.highest_mod_seq = Some(*value),
            Some(Code::NoModSeq) => self.highest_mod_seq = None,
            Some(Code::UidNotSticky) => self.uid_not_sticky = true,
            _ => {}
        }
    }
}

/// What may be done with the selected mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// READ-ONLY.
    ReadOnly,
    /// READ-WRITE, or nothing was said.
    ReadWrite,
}
