use std::collections::BTreeSet;

use super::select::{Access, Numbering};
use super::{Completion, ModSeqs, Phase, Session};
use crate::message::Body;
use crate::server::command::{Arg, LiteralHead, LiteralKind, Segment, parse};
use crate::server::date::InternalDate;
use crate::server::features::{Capability, Quirk};
use crate::server::log::verb_of;
use crate::server::mail_store::canonical_name;
use crate::server::mailbox::{NewMessage, canonical_flag};
use crate::server::uid_set::format_set;

/// How STORE combines flags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FlagChange {
    Replace,
    Add,
    Remove,
}

/// Whether STORE answers the new flags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loudness {
    Loud,
    Silent,
}

/// The end of a COPY or MOVE: which UIDs became which.
struct Copied {
    uid_validity: u32,
    sources: Vec<u32>,
    targets: Vec<u32>,
}

impl Session {
    /// Why an APPEND is refused before its literal arrives.
    pub(super) fn append_refusal(
        &self,
        head: LiteralHead,
        segments: &[Segment],
    ) -> Option<Completion> {
        let args = parse_prefix(segments)?;
        let [verb, mailbox, ..] = args.as_slice() else { return None };
        if !verb.is("APPEND") || matches!(self.phase, Phase::NotAuthenticated) {
            return None;
        }
        let limit = self.shared.config.append_limit_bytes;
        if limit.is_some_and(|limit| head.len as u64 > limit) {
            return Some(Completion::no("[TOOBIG] message too large"));
        }
        let state = self.shared.mail.lock();
        match state.mailbox(&mailbox.text()?) {
            None => Some(Completion::no("[TRYCREATE] no such mailbox")),
            Some(mailbox) if mailbox.read_only => {
                Some(Completion::no("[NOPERM] mailbox is read-only"))
            }
            Some(_) => None,
        }
    }

    pub(super) fn append(&mut self, args: &[Arg], kind: LiteralKind) -> Completion {
        let config = &self.shared.config;
        let [name, options @ .., Arg::Text(message)] = args else {
            return Completion::bad("mailbox and literal expected");
        };
        let (flags, date) = match options {
            [] => (&[][..], None),
            [Arg::List(flags)] => (flags.as_slice(), None),
            [Arg::List(flags), Arg::Text(date)] => (flags.as_slice(), Some(date)),
            [Arg::Text(date)] => (&[][..], Some(date)),
            _ => return Completion::bad("flags and date expected"),
        };
        let Some(name) = name.text() else { return Completion::bad("mailbox expected") };
        let Some(mut flags) = parse_flags(flags) else { return Completion::bad("bad flag") };
        let date = date.map(|date| InternalDate::parse(&String::from_utf8_lossy(date)));
        let Some(internal_date) = date.unwrap_or_else(|| Some(InternalDate::now())) else {
            return Completion::bad("bad date");
        };
        if config.has(Quirk::RefusesNul) && kind == LiteralKind::Ordinary && message.contains(&0) {
            return Completion::no("message contains NUL");
        }
        if config.has(Quirk::NoNewKeywords) {
            flags.retain(|flag| flag.starts_with('\\'));
        }
        let new = NewMessage { body: Body::from(message.clone()), flags, internal_date };
        let stored = self.shared.mail.change(|state| {
            let mailbox = state.mailbox_mut(&name)?;
            Some((mailbox.uid_validity, mailbox.add(new)))
        });
        match stored {
            None => Completion::no("[TRYCREATE] no such mailbox"),
            Some((uid_validity, uid)) if self.tells_new_uids() => {
                Completion::Ok(format!("[APPENDUID {uid_validity} {uid}] stored"))
            }
            Some(_) => Completion::ok("stored"),
        }
    }

    fn tells_new_uids(&self) -> bool {
        let config = &self.shared.config;
        config.can(Capability::Uidplus) && !config.has(Quirk::NoAppendUid)
    }

    pub(super) fn store(&mut self, args: &[Arg], numbering: Numbering) -> Completion {
        let condstore = self.shared.config.can(Capability::Condstore);
        let (set, unchanged_since, item, flags) = match args {
            [set, item, flags @ ..] if item.atom().is_some() => (set, None, item, flags),
            [set, Arg::List(modifiers), item, flags @ ..] if condstore => {
                match modifiers.as_slice() {
                    [name, value] if name.is("UNCHANGEDSINCE") => {
                        let value = value.atom().and_then(|value| value.parse::<u64>().ok());
                        let Some(value) = value else {
                            return Completion::bad("mod-sequence expected");
                        };
                        self.modseqs = ModSeqs::Told;
                        (set, Some(value), item, flags)
                    }
                    _ => return Completion::bad("unknown modifier"),
                }
            }
            _ => return Completion::bad("message set, item and flags expected"),
        };
        let Phase::Selected(selected) = &mut self.phase else {
            return Completion::bad("no mailbox selected");
        };
        let uids = match selected.resolve(set, numbering) {
            Ok(uids) => uids,
            Err(refusal) => return refusal,
        };
        let Some((change, loudness)) = parse_store_item(item) else {
            return Completion::bad("unknown item");
        };
        let flags = match flags {
            [Arg::List(flags)] => parse_flags(flags),
            flags => parse_flags(flags),
        };
        let Some(mut flags) = flags else { return Completion::bad("bad flag") };
        if selected.access == Access::ReadOnly {
            return Completion::no("[NOPERM] mailbox is read-only");
        }
        if self.shared.config.has(Quirk::NoNewKeywords) {
            flags.retain(|flag| flag.starts_with('\\'));
        }
        let name = selected.name.clone();
        let mut modified = Vec::new();
        let mut stored = Vec::new();
        self.shared.mail.change(|state| {
            let Some(mailbox) = state.mailbox_mut(&name) else { return };
            for uid in uids {
                let Some(message) = mailbox.message(uid) else { continue };
                if unchanged_since.is_some_and(|since| message.modseq > since) {
                    modified.push(uid);
                    continue;
                }
                let old = &message.flags;
                let new: BTreeSet<String> = match change {
                    FlagChange::Replace => flags.clone(),
                    FlagChange::Add => old.union(&flags).cloned().collect(),
                    FlagChange::Remove => old.difference(&flags).cloned().collect(),
                };
                mailbox.set_flags(uid, new);
                stored.extend(mailbox.message(uid).cloned());
            }
        });
        for message in stored {
            selected.told(message.uid, message.modseq);
            let Some(number) = selected.number(message.uid) else { continue };
            let mut items = Vec::new();
            if numbering == Numbering::Uid {
                items.push(format!("UID {}", message.uid));
            }
            if loudness == Loudness::Loud {
                let flags: Vec<&str> = message.flags.iter().map(String::as_str).collect();
                items.push(format!("FLAGS ({})", flags.join(" ")));
            }
            if self.modseqs == ModSeqs::Told {
                items.push(format!("MODSEQ ({})", message.modseq));
            }
            if loudness == Loudness::Loud || self.modseqs == ModSeqs::Told {
                self.wire.put_line(format!("* {number} FETCH ({})", items.join(" ")));
            }
        }
        if modified.is_empty() {
            return Completion::ok("stored");
        }
        if numbering == Numbering::Sequence {
            let numbers = modified.iter().filter_map(|&uid| selected.number(uid));
            modified = numbers.filter_map(|number| u32::try_from(number).ok()).collect();
        }
        Completion::Ok(format!("[MODIFIED {}] stored the others", format_set(&modified)))
    }

    pub(super) fn expunge(&mut self, args: &[Arg]) -> Completion {
        if !args.is_empty() {
            return Completion::bad("no arguments expected");
        }
        self.remove_deleted(|_| true)
    }

    pub(super) fn uid_expunge(&mut self, args: &[Arg]) -> Completion {
        let [set] = args else { return Completion::bad("UID set expected") };
        let Phase::Selected(selected) = &self.phase else {
            return Completion::bad("no mailbox selected");
        };
        match selected.resolve(set, Numbering::Uid) {
            Ok(uids) => self.remove_deleted(|uid| uids.contains(&uid)),
            Err(refusal) => refusal,
        }
    }

    /// Removes messages; the client is told with all other changes at the end of the command.
    fn remove_deleted(&mut self, wanted: impl Fn(u32) -> bool) -> Completion {
        let Phase::Selected(selected) = &self.phase else {
            return Completion::bad("no mailbox selected");
        };
        if selected.access == Access::ReadOnly {
            return Completion::no("[NOPERM] mailbox is read-only");
        }
        let name = selected.name.clone();
        self.shared.mail.change(|state| {
            if let Some(mailbox) = state.mailbox_mut(&name) {
                mailbox.remove_deleted(wanted);
            }
        });
        Completion::ok("expunged")
    }

    pub(super) fn copy(&mut self, args: &[Arg], numbering: Numbering) -> Completion {
        match self.copy_messages(args, numbering) {
            Ok(copied) if self.tells_new_uids() && !copied.sources.is_empty() => {
                Completion::Ok(format!("[{}] copied", copied.code()))
            }
            Ok(_) => Completion::ok("copied"),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn move_messages(&mut self, args: &[Arg], numbering: Numbering) -> Completion {
        let Phase::Selected(selected) = &self.phase else {
            return Completion::bad("no mailbox selected");
        };
        if selected.access == Access::ReadOnly {
            return Completion::no("[NOPERM] mailbox is read-only");
        }
        let name = selected.name.clone();
        let copied = match self.copy_messages(args, numbering) {
            Ok(copied) => copied,
            Err(refusal) => return refusal,
        };
        if self.tells_new_uids() && !copied.sources.is_empty() {
            self.wire.put_line(format!("* OK [{}] moved", copied.code()));
        }
        self.shared.mail.change(|state| {
            if let Some(mailbox) = state.mailbox_mut(&name) {
                for uid in copied.sources {
                    mailbox.remove(uid);
                }
            }
        });
        Completion::ok("moved")
    }

    fn copy_messages(&self, args: &[Arg], numbering: Numbering) -> Result<Copied, Completion> {
        let ([set, target], Phase::Selected(selected)) = (args, &self.phase) else {
            return Err(Completion::bad("message set and mailbox expected"));
        };
        let uids = selected.resolve(set, numbering)?;
        let target = target.text().ok_or_else(|| Completion::bad("mailbox expected"))?;
        let target = canonical_name(&target);
        let messages = self.messages(&uids);
        self.shared.mail.change(|state| {
            let mailbox = state
                .mailbox_mut(&target)
                .ok_or_else(|| Completion::no("[TRYCREATE] no such mailbox"))?;
            if mailbox.read_only {
                return Err(Completion::no("[NOPERM] mailbox is read-only"));
            }
            let sources = messages.iter().map(|message| message.uid).collect();
            let targets = messages
                .into_iter()
                .map(|message| {
                    mailbox.add(NewMessage {
                        body: message.body,
                        flags: message.flags,
                        internal_date: message.internal_date,
                    })
                })
                .collect();
            Ok(Copied { uid_validity: mailbox.uid_validity, sources, targets })
        })
    }
}

impl Copied {
    /// The COPYUID code without its brackets (RFC 4315 §3).
    fn code(&self) -> String {
        let (sources, targets) = (format_set(&self.sources), format_set(&self.targets));
        format!("COPYUID {} {sources} {targets}", self.uid_validity)
    }
}

/// What can be understood of a command of which a literal is still to come.
fn parse_prefix(segments: &[Segment]) -> Option<Vec<Arg>> {
    let (last, before) = segments.split_last()?;
    // The blank before the literal would otherwise look like a missing argument.
    let line = last.line.strip_suffix(b" ").unwrap_or(&last.line);
    if verb_of(&String::from_utf8_lossy(&segments.first()?.line)) != "APPEND" {
        return None;
    }
    let mut segments = before.to_vec();
    segments.push(Segment { line: last.line.slice_ref(line), literal: None });
    parse(&segments).ok()
}

fn parse_store_item(item: &Arg) -> Option<(FlagChange, Loudness)> {
    let item = item.atom()?.to_ascii_uppercase();
    let (item, loudness) = match item.strip_suffix(".SILENT") {
        Some(item) => (item, Loudness::Silent),
        None => (item.as_str(), Loudness::Loud),
    };
    let change = match item {
        "FLAGS" => FlagChange::Replace,
        "+FLAGS" => FlagChange::Add,
        "-FLAGS" => FlagChange::Remove,
        _ => return None,
    };
    Some((change, loudness))
}

/// Flags that a client may set; `\Recent` is none of them.
fn parse_flags(flags: &[Arg]) -> Option<BTreeSet<String>> {
    const SYSTEM: [&str; 5] = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];
    flags
        .iter()
        .map(|flag| {
            let flag = canonical_flag(flag.atom()?);
            let known = !flag.starts_with('\\') || SYSTEM.contains(&flag.as_str());
            let clean = !flag.contains(['*', '%', ']', '[']) && !flag.is_empty();
            (known && clean).then_some(flag)
        })
        .collect()
}
