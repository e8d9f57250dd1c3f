//! DELETE (RFC 9051 §6.3.5).

use std::sync::Arc;

use offlineimap_core::{MailboxName, StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::Command;

use crate::pool::{Pool, Purpose};

/// Deletes a mailbox with all its messages. Sent once: whether a lost answer was a yes is not
/// known, and a second attempt would tell of a mailbox that does not exist.
pub(super) async fn delete(pool: &Arc<Pool>, name: &MailboxName) -> Result<(), StoreError> {
    let mut lease = pool.lease(Purpose::Anything).await?;
    let config = pool.config();
    let mut conversation = lease.converse()?;
    config.steps.step(&format!("imap DELETE {name}"));
    let ticket = conversation.submit(Command::delete(&pool.spelling().wire(name.as_str())));
    let outcomes = conversation.finish(|_| {}).await?;
    outcomes.accepted(ticket).map_err(|refusal| {
        let text = format!("cannot delete mailbox {name} on {}: {refusal}", config.host);
        StoreError::new(StoreErrorKind::Mailbox, text)
    })
}
