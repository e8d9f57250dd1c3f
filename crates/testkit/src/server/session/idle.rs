use super::{Completion, Expunges, Session};
use crate::server::wire::End;

impl Session {
    /// IDLE (RFC 2177): tells changes as they happen, until the client says DONE.
    pub(super) async fn idle(&mut self) -> Result<Completion, End> {
        let mut changes = self.shared.mail.watch();
        self.wire.put_line("+ idling");
        loop {
            self.tell_changes(Expunges::Told)?;
            self.wire.flush().await?;
            tokio::select! {
                line = self.wire.read_line() => {
                    return Ok(if line?.eq_ignore_ascii_case(b"DONE") {
                        Completion::ok("idle no more")
                    } else {
                        Completion::bad("DONE expected")
                    });
                }
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Err(End::Closed);
                    }
                }
            }
        }
    }
}
