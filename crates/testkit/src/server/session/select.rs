use std::collections::BTreeSet;

use super::{Completion, Expunges, ModSeqs, Phase, Session};
use crate::server::command::Arg;
use crate::server::features::{Capability, Quirk};
use crate::server::mail_store::canonical_name;
use crate::server::mailbox::{Mailbox, StoredMessage};
use crate::server::uid_set::NumberSet;
use crate::server::wire::End;

/// The mailbox a session works in, as far as the client has been told of it.
pub(super) struct Selected {
    pub(super) name: String,
    pub(super) access: Access,
    instance: u64,
    /// In the order of message numbers.
    known: Vec<Known>,
}

struct Known {
    uid: u32,
    modseq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadOnly,
    ReadWrite,
}

/// How a command names messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    Sequence,
    Uid,
}

impl Selected {
    /// The message number of a UID.
    pub(super) fn number(&self, uid: u32) -> Option<usize> {
        self.known.binary_search_by_key(&uid, |known| known.uid).ok().map(|at| at + 1)
    }

    /// The client has been told the message's state of this mod-sequence.
    pub(super) fn told(&mut self, uid: u32, modseq: u64) {
        if let Some(known) = self.known.iter_mut().find(|known| known.uid == uid) {
            known.modseq = modseq;
        }
    }

    /// The UIDs of a set in ascending order.
    ///
    /// # Errors
    ///
    /// The set is none, or has message numbers that do not exist.
    pub(super) fn resolve(&self, set: &Arg, numbering: Numbering) -> Result<Vec<u32>, Completion> {
        let set = set
            .atom()
            .and_then(NumberSet::parse)
            .ok_or_else(|| Completion::bad("message set expected"))?;
        if numbering == Numbering::Sequence && set.exceeds(self.known.len()) {
            return Err(Completion::bad("no such message number"));
        }
        let uids: Vec<u32> = self.known.iter().map(|known| known.uid).collect();
        let largest_uid = uids.last().copied().unwrap_or(0);
        let count = u32::try_from(uids.len()).unwrap_or(u32::MAX);
        Ok((1..)
            .zip(uids)
            .filter(|&(number, uid)| match numbering {
                Numbering::Sequence => set.contains(number, count),
                Numbering::Uid => set.contains(uid, largest_uid),
            })
            .map(|(_, uid)| uid)
            .collect())
    }

    /// All messages the client knows: number and UID.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, u32)> {
        (1..).zip(self.known.iter().map(|known| known.uid))
    }
}

impl Session {
    pub(super) fn select(&mut self, args: &[Arg], access: Access) -> Completion {
        let (name, options) = match args {
            [name] => (name.text(), None),
            [name, options] => (name.text(), options.list()),
            _ => return Completion::bad("mailbox expected"),
        };
        let Some(name) = name else { return Completion::bad("mailbox expected") };
        self.phase = Phase::Authenticated;
        let name = canonical_name(&name);
        if options.is_some_and(|options| options.iter().any(|option| option.is("CONDSTORE"))) {
            self.modseqs = ModSeqs::Told;
        }
        let mail = self.shared.mail.clone();
        let state = mail.lock();
        let Some(mailbox) = state.mailbox(&name) else {
            return Completion::no("[NONEXISTENT] no such mailbox");
        };
        if mailbox.attributes.iter().any(|attribute| attribute.eq_ignore_ascii_case("\\Noselect")) {
            return Completion::no("[CANNOT] mailbox cannot be selected");
        }
        let access = if mailbox.read_only { Access::ReadOnly } else { access };
        self.describe(&name, mailbox, access);
        let known = mailbox
            .messages
            .iter()
            .map(|message| Known { uid: message.uid, modseq: message.modseq })
            .collect();
        self.phase = Phase::Selected(Selected { name, access, instance: mailbox.instance, known });
        match access {
            Access::ReadOnly => Completion::ok("[READ-ONLY] selected"),
            Access::ReadWrite => Completion::ok("[READ-WRITE] selected"),
        }
    }

    fn describe(&mut self, name: &str, mailbox: &Mailbox, access: Access) {
        let config = &self.shared.config;
        let keywords: BTreeSet<&str> = mailbox
            .messages
            .iter()
            .flat_map(|message| message.flags.iter().map(String::as_str))
            .filter(|flag| !flag.starts_with('\\'))
            .collect();
        let mut flags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft".to_owned();
        for keyword in keywords {
            flags.push(' ');
            flags.push_str(keyword);
        }
        let permanent = match access {
            Access::ReadOnly => String::new(),
            Access::ReadWrite if config.has(Quirk::NoNewKeywords) => flags.clone(),
            Access::ReadWrite => format!("{flags} \\*"),
        };
        let mut lines = vec![
            format!("* FLAGS ({flags})"),
            format!("* {} EXISTS", mailbox.messages.len()),
            "* 0 RECENT".to_owned(),
        ];
        if !config.has(Quirk::NoPermanentFlags) {
            lines.push(format!("* OK [PERMANENTFLAGS ({permanent})] kept for ever"));
        }
        if !config.has(Quirk::NoUidValidity) {
            lines.push(format!("* OK [UIDVALIDITY {}] UIDs are valid", mailbox.uid_validity));
        }
        if !config.has(Quirk::NoUidNext) {
            lines.push(format!("* OK [UIDNEXT {}] next UID", mailbox.uid_next));
        }
        if config.has(Quirk::UidNotSticky) {
            lines.push("* NO [UIDNOTSTICKY] UIDs do not last".to_owned());
        }
        if config.can(Capability::Condstore) {
            lines.push(format!("* OK [HIGHESTMODSEQ {}] changes", mailbox.highest_modseq));
        }
        if config.has(Quirk::ListOnSelect) {
            lines.push(format!("* LIST () \"{}\" {}", config.delimiter, quote(name)));
        }
        for line in lines {
            self.wire.put_line(line);
        }
    }

    pub(super) fn close(&mut self) -> Completion {
        if let Phase::Selected(selected) = &self.phase
            && selected.access == Access::ReadWrite
        {
            let name = selected.name.clone();
            self.shared.mail.change(|state| {
                if let Some(mailbox) = state.mailbox_mut(&name) {
                    mailbox.remove_deleted(|_| true);
                }
            });
        }
        self.phase = Phase::Authenticated;
        Completion::ok("closed")
    }

    pub(super) fn unselect(&mut self) -> Completion {
        self.phase = Phase::Authenticated;
        Completion::ok("closed without expunging")
    }

    /// Tells what has changed in the selected mailbox since the client was last told.
    ///
    /// # Errors
    ///
    /// Ends the session if the mailbox is gone, after saying so.
    pub(super) fn tell_changes(&mut self, expunges: Expunges) -> Result<(), End> {
        let mail = self.shared.mail.clone();
        let modseqs = self.modseqs;
        let Phase::Selected(selected) = &mut self.phase else { return Ok(()) };
        let state = mail.lock();
        let mailbox =
            state.mailbox(&selected.name).filter(|mailbox| mailbox.instance == selected.instance);
        let Some(mailbox) = mailbox else {
            self.wire.put_line("* BYE the mailbox is gone");
            return Err(End::Closed);
        };
        if expunges == Expunges::Told {
            for number in (1..=selected.known.len()).rev() {
                let gone = selected
                    .known
                    .get(number - 1)
                    .is_some_and(|known| mailbox.message(known.uid).is_none());
                if gone {
                    selected.known.remove(number - 1);
                    self.wire.put_line(format!("* {number} EXPUNGE"));
                }
            }
        }
        for (number, known) in (1..).zip(&mut selected.known) {
            let changed =
                mailbox.message(known.uid).filter(|message| message.modseq > known.modseq);
            if let Some(message) = changed {
                known.modseq = message.modseq;
                self.wire.put_line(flags_answer(number, message, modseqs));
            }
        }
        let last = selected.known.last().map_or(0, |known| known.uid);
        let new = mailbox.messages.iter().filter(|message| message.uid > last);
        let before = selected.known.len();
        selected
            .known
            .extend(new.map(|message| Known { uid: message.uid, modseq: message.modseq }));
        if selected.known.len() > before {
            self.wire.put_line(format!("* {} EXISTS", selected.known.len()));
        }
        Ok(())
    }

    /// The selected mailbox's messages with these UIDs that still exist.
    pub(super) fn messages(&self, uids: &[u32]) -> Vec<StoredMessage> {
        let Phase::Selected(selected) = &self.phase else { return Vec::new() };
        let state = self.shared.mail.lock();
        let mailbox = state.mailbox(&selected.name);
        mailbox.map_or_else(Vec::new, |mailbox| {
            uids.iter().filter_map(|&uid| mailbox.message(uid).cloned()).collect()
        })
    }
}

/// An unsolicited FETCH answer about flags.
fn flags_answer(number: u32, message: &StoredMessage, modseqs: ModSeqs) -> String {
    let flags: Vec<&str> = message.flags.iter().map(String::as_str).collect();
    let modseq = match modseqs {
        ModSeqs::Told => format!(" MODSEQ ({})", message.modseq),
        ModSeqs::Untold => String::new(),
    };
    format!("* {number} FETCH (UID {} FLAGS ({}){modseq})", message.uid, flags.join(" "))
}

/// A quoted string (RFC 9051 §4.3).
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
