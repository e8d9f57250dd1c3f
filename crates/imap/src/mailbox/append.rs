//! Storing new messages.

use offlineimap_core::{
    Body, Key, MailboxName, NewMessage, Staged, StoreError, StoreErrorKind, Stored,
};
use offlineimap_imap_proto::command::{Append, Command};
use offlineimap_imap_proto::response::{Capabilities, Code, StatusText};
use offlineimap_imap_proto::session::Outcome;

use crate::connection::{UploadAnswer, Wanted};
use crate::mailbox::ImapMailbox;
use crate::translate::{flag_list, wire_date};

/// An APPEND of which all octets are sent and the answer is not yet known.
struct Pending {
    mailbox: MailboxName,
    size_octets: u64,
    answer: UploadAnswer,
}

/// Sends a message. On a server with LITERAL+ nothing is waited for, so that many messages are
/// under way when their answers are asked for.
pub(super) async fn stage(
    mailbox: &ImapMailbox,
    message: NewMessage,
    body: &mut dyn Body,
) -> Result<Staged, StoreError> {
    let _turn = mailbox.sending.lock().await;
    let mut lease = mailbox.enter().await?;
    mailbox.check_writable(&mut lease)?;
    let size_octets = body.wire_octets();
    let limit = lease.capabilities().and_then(Capabilities::append_limit_bytes);
    if let Some(limit) = limit.filter(|limit| *limit < size_octets) {
        let what = format!("is too large: the server takes at most {limit} octets");
        return Err(error(mailbox, size_octets, StoreErrorKind::Message, &what));
    }
    // What cannot be read at all is found out before the server is told anything.
    let mut chunk = body.chunk().await?;
    if chunk.is_none() && size_octets > 0 {
        return Err(error(mailbox, size_octets, StoreErrorKind::Message, "ended early"));
    }
    mailbox.step(&format!("APPEND of {size_octets} octets"));
    // From here on an upload that is not finished ends the connection.
    let upload = lease.upload(Command::append(&Append {
        mailbox: mailbox.wire.clone(),
        flags: flag_list(&message.flags),
        internal_date: message
            .date
            .and_then(|date| wire_date(date, &*mailbox.pool.config().local_offset)),
        size_bytes: size_octets,
    }))?;
    let mut missing = size_octets;
    while let Some(bytes) = chunk {
        let Some(rest) = missing.checked_sub(bytes.len() as u64) else {
            let what = "is longer than announced";
            return Err(error(mailbox, size_octets, StoreErrorKind::Message, what));
        };
        missing = rest;
        if upload.send(bytes).await == Wanted::Nothing {
            let mut answer = upload.sent().await?;
            let outcome = answer.wait().await?;
            return Err(refused(mailbox, size_octets, &answer, &outcome));
        }
        chunk = body.chunk().await?;
        if chunk.is_none() && missing > 0 {
            return Err(error(mailbox, size_octets, StoreErrorKind::Message, "ended early"));
        }
    }
    let answer = upload.sent().await?;
    Ok(Staged::new(None, Pending { mailbox: mailbox.name.clone(), size_octets, answer }))
}

/// Waits for the answers, in the order of the requests.
pub(super) async fn commit(
    mailbox: &ImapMailbox,
    staged: Vec<Staged>,
) -> Vec<Result<Stored, StoreError>> {
    let mut results = Vec::with_capacity(staged.len());
    for staged in staged {
        results.push(match staged.into_inner::<Pending>() {
            Some(pending) if pending.mailbox == mailbox.name => stored(mailbox, pending).await,
            Some(_) | None => Err(StoreError::new(
                StoreErrorKind::Message,
                format!("a message was not staged in mailbox {}", mailbox.name),
            )),
        });
    }
    results
}

async fn stored(mailbox: &ImapMailbox, mut pending: Pending) -> Result<Stored, StoreError> {
    let outcome = pending.answer.wait().await?;
    let Outcome::Ok(text) = outcome else {
        return Err(refused(mailbox, pending.size_octets, &pending.answer, &outcome));
    };
    let Some(Code::AppendUid { uid_validity, uids }) = text.code else {
        return Ok(Stored::Unknown);
    };
    // A UID of another era, or several UIDs for one message, say nothing.
    match (uids.first(), uids.len()) {
        (Some(uid), 1) if mailbox.is_epoch(uid_validity) => Ok(Stored::At(Key::number(uid))),
        _ => Ok(Stored::Unknown),
    }
}

fn refused(
    mailbox: &ImapMailbox,
    size_octets: u64,
    answer: &UploadAnswer,
    outcome: &Outcome,
) -> StoreError {
    let (text, is_bad) = match outcome {
        Outcome::No(text) => (text.clone(), false),
        // An OK to a message that was not sent is not to be believed.
        Outcome::Bad(text) | Outcome::Ok(text) => (text.clone(), true),
        Outcome::Cancelled(_) | Outcome::Lost(_) => (StatusText::default(), true),
    };
    if is_bad {
        // Server and client may no longer agree on what is command and what is message.
        answer.retire_connection();
    }
    let kind = match text.code {
        Some(Code::TryCreate | Code::NonExistent) => StoreErrorKind::Mailbox,
        _ => StoreErrorKind::Message,
    };
    let why = match text.code {
        Some(Code::OverQuota) => " (over quota)",
        Some(Code::TooBig) => " (too large)",
        _ => "",
    };
    let what = format!("was refused{why}: {}", text.text);
    error(mailbox, size_octets, kind, &what)
}

fn error(mailbox: &ImapMailbox, size_octets: u64, kind: StoreErrorKind, what: &str) -> StoreError {
    let host = &mailbox.pool.config().host;
    let text =
        format!("a message of {size_octets} octets for mailbox {} on {host} {what}", mailbox.name);
    StoreError::new(kind, text)
}
