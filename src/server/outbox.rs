//! The mailboxes as the driver's outbox.

use std::sync::Arc;

use tokio::time::Instant;

use super::mailbox::Mailboxes;
use crate::core::ConnectionId;
use crate::ports::{Delivery, Outbox, Unavailable};
use crate::wire::{CloseCode, ServerMessage};

impl Outbox for Arc<Mailboxes> {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        let posted = self.post(to, message);
        Ok(posted.map_or(Delivery::Gone, |_bytes| Delivery::Accepted))
    }

    async fn close(&self, conn: &ConnectionId, code: CloseCode) -> Result<(), Unavailable> {
        Mailboxes::close(self, conn, code);
        Ok(())
    }

    /// Pings all connections first, and then waits for one answer after the other. Since all pings
    /// go out at once this takes no longer, and the caller holds a single future at a time.
    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        let now = Instant::now();
        let (mut gone, mut asked) = (Vec::new(), Vec::new());
        for conn in conns {
            let Some(mailbox) = self.find(conn) else {
                gone.push(conn.clone());
                continue;
            };
            asked.extend(mailbox.probe(now).map(|ping| (conn, mailbox, ping)));
        }
        for (conn, mailbox, ping) in asked {
            if !mailbox.lives(ping).await {
                gone.push(conn.clone());
            }
        }
        Ok(gone)
    }
}
