//! The mailboxes as the driver's outbox.

use std::sync::Arc;

use tokio::time::Instant;

use super::mailbox::Refused;
use super::mailboxes::Mailboxes;
use crate::core::{ConnectionId, Unread};
use crate::ports::{Delivery, Outbox, Unavailable};
use crate::wire::{CloseCode, ServerMessage};

impl Outbox for Arc<Mailboxes> {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        Ok(self.post(to, message).map_or_else(Delivery::from, |()| Delivery::Accepted))
    }

    async fn close(&self, conn: &ConnectionId, code: CloseCode) -> Result<(), Unavailable> {
        Mailboxes::close(self, conn, code);
        Ok(())
    }

    async fn detach(&self, conn: &ConnectionId) -> Result<Unread, Unavailable> {
        Ok(match self.find(conn) {
            Some(mailbox) => mailbox.detach().await,
            None => Unread::UNKNOWN,
        })
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

impl From<Refused> for Delivery {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Gone => Self::Gone,
            Refused::Full => Self::Full,
        }
    }
}
