use std::fmt::Write as _;

use super::select::{Access, Numbering};
use super::{Completion, ModSeqs, Phase, Session};
use crate::message::Body;
use crate::server::command::Arg;
use crate::server::features::{Capability, Quirk};
use crate::server::mailbox::{Breakage, StoredMessage};
use crate::server::wire::{Cut, End};

/// What a FETCH asks for.
struct Request {
    items: Vec<Item>,
    changed_since: Option<u64>,
}

#[derive(Clone, PartialEq, Eq)]
enum Item {
    Uid,
    Flags,
    InternalDate,
    Size,
    ModSeq,
    Content(Content),
}

/// A part of the message's octets.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    /// How the answer names it, as in `BODY[HEADER]<0>`.
    label: String,
    section: Section,
    reading: Reading,
    partial: Option<Partial>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Partial {
    offset: u64,
    limit_bytes: u64,
}

#[derive(Clone, PartialEq, Eq)]
enum Section {
    Whole,
    Header,
    Text,
    Fields(Vec<String>),
    FieldsNot(Vec<String>),
}

/// Whether reading sets `\Seen`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Peeks,
    MarksSeen,
}

impl Session {
    pub(super) async fn fetch(
        &mut self,
        args: &[Arg],
        numbering: Numbering,
    ) -> Result<Completion, End> {
        let Phase::Selected(selected) = &self.phase else {
            return Ok(Completion::bad("no mailbox selected"));
        };
        let (set, items, modifiers) = match args {
            [set, items] => (set, items, &[][..]),
            [set, items, Arg::List(modifiers)] => (set, items, modifiers.as_slice()),
            _ => return Ok(Completion::bad("message set and items expected")),
        };
        let uids = match selected.resolve(set, numbering) {
            Ok(uids) => uids,
            Err(refusal) => return Ok(refusal),
        };
        let access = selected.access;
        let condstore = self.shared.config.can(Capability::Condstore);
        let Some(mut request) = parse_request(items, modifiers) else {
            return Ok(Completion::bad("unknown item"));
        };
        let asks_modseq = request.changed_since.is_some() || request.items.contains(&Item::ModSeq);
        if asks_modseq && !condstore {
            return Ok(Completion::bad("no mod-sequences"));
        }
        if asks_modseq {
            self.modseqs = ModSeqs::Told;
        }
        if request.changed_since.is_some() && !request.items.contains(&Item::ModSeq) {
            request.items.push(Item::ModSeq);
        }
        if numbering == Numbering::Uid && !request.items.contains(&Item::Uid) {
            request.items.insert(0, Item::Uid);
        }
        if self.shared.config.has(Quirk::UidLast) {
            request.items.sort_by_key(|item| *item == Item::Uid);
        }
        let mut refused = false;
        for uid in uids {
            let Some(message) = self.messages(&[uid]).pop() else { continue };
            if request.changed_since.is_some_and(|since| message.modseq <= since) {
                continue;
            }
            let breakage = self.breakage(uid);
            let wants_content = request.content().next().is_some();
            match breakage {
                Some(Breakage::Omit) => {}
                Some(Breakage::OmitContent) if wants_content => {}
                Some(Breakage::RefuseContent) if wants_content => refused = true,
                Some(Breakage::EndsConnection) if wants_content => {
                    self.wire.flush().await?;
                    return Err(End::Scripted(Cut::Close));
                }
                _ => self.answer(message, &request, access, breakage).await?,
            }
        }
        Ok(if refused {
            Completion::no("[SERVERBUG] some messages could not be read")
        } else {
            Completion::ok("fetched")
        })
    }

    fn breakage(&self, uid: u32) -> Option<Breakage> {
        let Phase::Selected(selected) = &self.phase else { return None };
        let state = self.shared.mail.lock();
        state.mailbox(&selected.name).and_then(|mailbox| mailbox.broken.get(&uid).copied())
    }

    async fn answer(
        &mut self,
        mut message: StoredMessage,
        request: &Request,
        access: Access,
        breakage: Option<Breakage>,
    ) -> Result<(), End> {
        let marks_seen = request.content().any(|content| content.reading == Reading::MarksSeen);
        let mut items = request.items.clone();
        if marks_seen && access == Access::ReadWrite && !message.flags.contains("\\Seen") {
            message = self.mark_seen(message);
            if !items.contains(&Item::Flags) {
                items.insert(0, Item::Flags);
            }
        }
        let Phase::Selected(selected) = &mut self.phase else { return Ok(()) };
        let Some(number) = selected.number(message.uid) else { return Ok(()) };
        if items.contains(&Item::Flags) {
            selected.told(message.uid, message.modseq);
        }
        let mut separator = format!("* {number} FETCH (");
        for item in items {
            self.wire.put(&separator);
            " ".clone_into(&mut separator);
            match item {
                Item::Uid => self.wire.put(format!("UID {}", message.uid)),
                Item::Flags => {
                    let flags: Vec<&str> = message.flags.iter().map(String::as_str).collect();
                    self.wire.put(format!("FLAGS ({})", flags.join(" ")));
                }
                Item::InternalDate => {
                    self.wire.put(format!("INTERNALDATE \"{}\"", message.internal_date));
                }
                Item::Size => self.wire.put(format!("RFC822.SIZE {}", message.body.len())),
                Item::ModSeq => self.wire.put(format!("MODSEQ ({})", message.modseq)),
                Item::Content(content) => {
                    self.put_content(&message.body, &content, breakage).await?;
                }
            }
        }
        self.wire.put_line(")");
        self.wire.flush_if_large().await
    }

    fn mark_seen(&mut self, mut message: StoredMessage) -> StoredMessage {
        message.flags.insert("\\Seen".to_owned());
        let Phase::Selected(selected) = &self.phase else { return message };
        let (uid, flags) = (message.uid, message.flags.clone());
        let changed = self.shared.mail.change(|state| {
            let mailbox = state.mailbox_mut(&selected.name)?;
            mailbox.set_flags(uid, flags);
            mailbox.message(uid).cloned()
        });
        changed.unwrap_or(message)
    }

    async fn put_content(
        &mut self,
        body: &Body,
        content: &Content,
        breakage: Option<Breakage>,
    ) -> Result<(), End> {
        let label = &content.label;
        match breakage {
            Some(Breakage::NilContent) => {
                self.wire.put(format!("{label} NIL"));
                return Ok(());
            }
            Some(Breakage::EmptyContent) => {
                self.wire.put(format!("{label} \"\""));
                return Ok(());
            }
            Some(
                Breakage::RefuseContent
                | Breakage::OmitContent
                | Breakage::Omit
                | Breakage::EndsConnection,
            )
            | None => {}
        }
        let (source, start, end) = match &content.section {
            Section::Whole => (body.clone(), 0, body.len()),
            Section::Header => (body.clone(), 0, body.header_len()),
            Section::Text => (body.clone(), body.header_len(), body.len()),
            Section::Fields(names) => {
                let fields = header_fields(body, |name| names.iter().any(|wanted| wanted == name));
                let len = fields.len() as u64;
                (Body::from(fields), 0, len)
            }
            Section::FieldsNot(names) => {
                let fields = header_fields(body, |name| names.iter().all(|other| other != name));
                let len = fields.len() as u64;
                (Body::from(fields), 0, len)
            }
        };
        let (start, end) = match content.partial {
            None => (start, end),
            Some(Partial { offset, limit_bytes }) => {
                let first = start.saturating_add(offset).min(end);
                (first, first.saturating_add(limit_bytes).min(end))
            }
        };
        self.wire.put(format!("{label} {{{}}}\r\n", end - start));
        self.wire.put_body(&source, start, end).await
    }
}

impl Request {
    fn content(&self) -> impl Iterator<Item = &Content> {
        self.items.iter().filter_map(|item| match item {
            Item::Content(content) => Some(content),
            Item::Uid | Item::Flags | Item::InternalDate | Item::Size | Item::ModSeq => None,
        })
    }
}

fn parse_request(items: &Arg, modifiers: &[Arg]) -> Option<Request> {
    let items = match items {
        Arg::List(items) => {
            items.iter().map(|item| parse_item(item.atom()?)).collect::<Option<Vec<_>>>()?
        }
        Arg::Atom(macro_name) if macro_name.eq_ignore_ascii_case("FAST") => {
            vec![Item::Flags, Item::InternalDate, Item::Size]
        }
        Arg::Atom(item) => vec![parse_item(item)?],
        Arg::Text(_) => return None,
    };
    let changed_since = match modifiers {
        [] => None,
        [name, value] if name.is("CHANGEDSINCE") => Some(value.atom()?.parse().ok()?),
        _ => return None,
    };
    if items.is_empty() { None } else { Some(Request { items, changed_since }) }
}

fn parse_item(item: &str) -> Option<Item> {
    let upper = item.to_ascii_uppercase();
    Some(match upper.as_str() {
        "UID" => Item::Uid,
        "FLAGS" => Item::Flags,
        "INTERNALDATE" => Item::InternalDate,
        "RFC822.SIZE" => Item::Size,
        "MODSEQ" => Item::ModSeq,
        "RFC822" => content("RFC822", Section::Whole, Reading::MarksSeen),
        "RFC822.HEADER" => content("RFC822.HEADER", Section::Header, Reading::Peeks),
        "RFC822.TEXT" => content("RFC822.TEXT", Section::Text, Reading::MarksSeen),
        _ => return parse_body(&upper),
    })
}

fn content(label: &str, section: Section, reading: Reading) -> Item {
    Item::Content(Content { label: label.to_owned(), section, reading, partial: None })
}

/// `BODY[section]<offset.size>` and its peeking form.
fn parse_body(item: &str) -> Option<Item> {
    let (reading, rest) = match item.strip_prefix("BODY.PEEK[") {
        Some(rest) => (Reading::Peeks, rest),
        None => (Reading::MarksSeen, item.strip_prefix("BODY[")?),
    };
    let (name, partial) = rest.split_once(']')?;
    let section = match name {
        "" => Section::Whole,
        "HEADER" => Section::Header,
        "TEXT" => Section::Text,
        _ => match name.strip_prefix("HEADER.FIELDS.NOT ") {
            Some(names) => Section::FieldsNot(field_names(names)?),
            None => Section::Fields(field_names(name.strip_prefix("HEADER.FIELDS ")?)?),
        },
    };
    let mut label = format!("BODY[{name}]");
    let partial = if partial.is_empty() {
        None
    } else {
        let (offset, limit) = partial.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
        let partial = Partial { offset: offset.parse().ok()?, limit_bytes: limit.parse().ok()? };
        let _ = write!(label, "<{offset}>");
        Some(partial)
    };
    Some(Item::Content(Content { label, section, reading, partial }))
}

fn field_names(list: &str) -> Option<Vec<String>> {
    let names = list.strip_prefix('(')?.strip_suffix(')')?;
    let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) { None } else { Some(names) }
}

/// The fields whose name (in upper case) is wanted, with the empty line behind them.
fn header_fields(body: &Body, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
    let limit = usize::try_from(body.header_len()).unwrap_or(usize::MAX);
    let header = body.chunk(0, limit);
    let mut fields = Vec::new();
    let mut taken = false;
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        if line == b"\r\n" {
            break;
        }
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|&octet| octet == b':').next().unwrap_or_default();
            taken = wanted(&String::from_utf8_lossy(name).trim_end().to_ascii_uppercase());
        }
        if taken {
            fields.extend_from_slice(line);
        }
    }
    fields.extend_from_slice(b"\r\n");
    fields
}

/// Whether a field of this name (in upper case) contains a text, whatever its case.
pub(super) fn field_contains(body: &Body, name: &str, text: &str) -> bool {
    let fields = header_fields(body, |field| field == name);
    // The empty line stands behind every answer, so it is no sign of a field.
    if fields == b"\r\n" {
        return false;
    }
    String::from_utf8_lossy(&fields).to_lowercase().contains(&text.to_lowercase())
}
