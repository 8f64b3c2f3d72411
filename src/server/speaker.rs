//! The outbox of one connection, which counts the bytes it causes others to receive.
//!
//! A connection's byte budget also protects its peers: no client can make another receive more than
//! that. A relayed message is charged when it is read. A room update can be much longer than the
//! few bytes that cause it, and it goes to the whole room. So this module counts the bytes that go
//! out to each receiver, and the sender is charged for the receiver that got most. A peer that has
//! overdrawn its account cannot join through another connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Accounts;
use super::mailbox::Mailbox;
use super::mailboxes::Mailboxes;
use crate::core::{Claim, Connection, ConnectionId, Grant, Unread};
use crate::ports::{Claimed, Connections, Delivery, Outbox, Unavailable};
use crate::wire::{CloseCode, ServerMessage};

/// Sends messages on behalf of one connection, to others and to itself.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) conn: ConnectionId,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) told: Told,
}

/// Handles the seat claims of one connection. The claim itself is kept in the session's
/// [`Connection`], so nothing is stored here.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) accounts: Arc<Accounts>,
    pub(super) mailbox: Arc<Mailbox>,
}

/// The bytes sent to each receiver since they were last charged.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<(ConnectionId, usize)>>);

impl Speaker {
    /// The most bytes sent to any one other connection since the last call.
    pub(super) fn caused(&self) -> usize {
        let mut told = self.told.lock();
        told.sort_unstable();
        let by_receiver = told.chunk_by(|(one, _), (other, _)| one == other);
        let most = by_receiver.map(|copies| copies.iter().map(|(_, bytes)| bytes).sum()).max();
        // The allocation is kept, because nearly every message goes to another connection.
        told.clear();
        most.unwrap_or(0)
    }

    /// Removes the connection's mailbox, so nobody can reach it any more.
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
        let own = *to == self.conn;
        let posted =
            if own { self.mailboxes.answer(to, message) } else { self.mailboxes.post(to, message) };
        let bytes = match posted {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(refused.into()),
        };
        if !own {
            self.told.lock().push((to.clone(), bytes));
        }
        Ok(Delivery::Accepted)
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
    ) -> Result<Vec<(ConnectionId, Delivery)>, Unavailable> {
        let (mut failed, mut messages) = (Vec::new(), messages.into_iter().peekable());
        while let Some((to, message)) = messages.next() {
            let delivery = if to == self.conn && matches!(message, ServerMessage::Joined { .. }) {
                let more = std::iter::from_fn(|| messages.next_if(|(next, _)| *next == to));
                let answer = std::iter::once(message).chain(more.map(|(_, message)| message));
                let posted = self.mailboxes.post_joined(&to, answer);
                posted.map_or_else(Delivery::from, |_bytes| Delivery::Accepted)
            } else {
                self.send(&to, message).await?
            };
            if delivery != Delivery::Accepted {
                failed.push((to, delivery));
            }
        }
        Ok(failed)
    }

    async fn close(&self, conn: &ConnectionId, code: CloseCode) -> Result<(), Unavailable> {
        Outbox::close(&self.mailboxes, conn, code).await
    }

    async fn detach(&self, conn: &ConnectionId) -> Result<Unread, Unavailable> {
        self.mailboxes.detach(conn).await
    }

    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        self.mailboxes.probe(conns).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::{Bounds, Stop};
    use super::*;
    use crate::core::Frame;
    use crate::redact::Redacted;

    #[tokio::test]
    async fn a_sender_is_charged_for_the_receiver_that_got_most() {
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
        assert_eq!(speaker.send(&cay, message).await.unwrap(), Delivery::Full);
        assert_eq!(speaker.caused(), 80, "Bob's two messages; undelivered ones do not count");
        assert_eq!(speaker.caused(), 0);
    }

    #[tokio::test]
    async fn an_answer_to_a_frame_that_was_taken_is_left_behind_however_the_session_ends() {
        for why in [Stop::Replaced, Stop::Silent, Stop::Full] {
            let mailboxes = Arc::new(Mailboxes::new(Bounds { messages: 10, bytes: 1000 }));
            let bob = ConnectionId::new("bob");
            let mailbox = mailboxes.open(&bob);
            let speaker = Speaker { conn: bob.clone(), mailboxes, told: Told::default() };
            let text = |text: &str| ServerMessage::Relayed(Redacted::new(text.to_owned()));
            mailbox.stop(why);
            assert_eq!(speaker.send(&bob, text("refused")).await.unwrap(), Delivery::Accepted);
            mailbox.finish(1, 0);
            assert_eq!(speaker.send(&bob, text("late")).await.unwrap(), Delivery::Gone);
            let frames = speaker.detach(&bob).await.unwrap().frames;
            assert_eq!(frames.iter().map(Frame::expose).collect::<Vec<_>>(), ["refused"]);
        }
    }
}
