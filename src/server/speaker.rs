//! The outbox of one connection, which pays for what it makes others receive.
//!
//! A connection's budget of bytes is also a promise to everybody else: nobody is sent more by one
//! other than that. What is relayed is paid for as it is read. News of a room can be much longer
//! than the few bytes that cause it, and goes to everybody; so what goes out is counted here, and
//! the sender is charged with what the one who got most of it got. A peer that has overdrawn its
//! account is not let in by another connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Accounts;
use super::mailbox::{Mailbox, Mailboxes};
use crate::core::{Claim, Connection, ConnectionId, Grant};
use crate::ports::{Claimed, Connections, Delivery, Outbox, Unavailable};
use crate::wire::{CloseCode, ServerMessage};

/// How one connection reaches the others, and itself.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) conn: ConnectionId,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) told: Told,
}

/// The claims of one connection. They live on the stack of its session, so nobody has to look for
/// them.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) accounts: Arc<Accounts>,
    pub(super) mailbox: Arc<Mailbox>,
}

/// To whom how many bytes went out, until somebody asks.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<(ConnectionId, usize)>>);

impl Speaker {
    /// How many bytes went to any one other connection, at most, since this was last asked.
    pub(super) fn caused(&self) -> usize {
        let mut told = self.told.lock();
        told.sort_unstable();
        let by_receiver = told.chunk_by(|(one, _), (other, _)| one == other);
        let most = by_receiver.map(|copies| copies.iter().map(|(_, bytes)| bytes).sum()).max();
        // The room that it took is kept: nearly every message goes to one.
        told.clear();
        most.unwrap_or(0)
    }

    /// Nobody reaches the connection any more.
    pub(super) fn end(&self) {
        self.mailboxes.forget(&self.conn);
    }
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, Vec<(ConnectionId, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections for Claims {
    async fn claim(
        &self,
        _: &mut Connection,
        seat: &Claim,
        _: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        if let Some(wait) = self.accounts.overdrawn(seat, Instant::now()) {
            return Ok(Claimed::TooSoon(wait));
        }
        self.mailbox.mark();
        Ok(Claimed::Noted)
    }
}

impl Outbox for Speaker {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        let Ok(bytes) = self.mailboxes.post(to, message) else { return Ok(Delivery::Gone) };
        if *to != self.conn {
            self.told.lock().push((to.clone(), bytes));
        }
        Ok(Delivery::Accepted)
    }

    async fn close(&self, conn: &ConnectionId, code: CloseCode) -> Result<(), Unavailable> {
        Outbox::close(&self.mailboxes, conn, code).await
    }

    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        self.mailboxes.probe(conns).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::Bounds;
    use super::*;
    use crate::redact::Redacted;

    #[tokio::test]
    async fn what_was_caused_is_what_the_one_who_got_most_got() {
        let mailboxes = Arc::new(Mailboxes::new(Bounds { messages: 10, bytes: 1000 }));
        let [ada, bob, cay] = ["ada", "bob", "cay"].map(ConnectionId::new);
        let _open = [&ada, &bob, &cay].map(|conn| mailboxes.open(conn));
        let speaker = Speaker { conn: ada.clone(), mailboxes, told: Told::default() };
        assert_eq!(speaker.caused(), 0);
        for (to, bytes) in [(&ada, 900), (&bob, 50), (&cay, 70), (&bob, 30)] {
            let message = ServerMessage::Relayed(Redacted::new("x".repeat(bytes)));
            assert_eq!(speaker.send(to, message).await.unwrap(), Delivery::Accepted);
        }
        let message = ServerMessage::Relayed(Redacted::new("x".repeat(2000)));
        assert_eq!(speaker.send(&cay, message).await.unwrap(), Delivery::Gone);
        assert_eq!(speaker.caused(), 80, "Bob's two, and nothing of what nobody got");
        assert_eq!(speaker.caused(), 0);
    }
}
