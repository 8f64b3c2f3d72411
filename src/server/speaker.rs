//! The outbox of one connection, which counts the bytes it causes others to receive.
//!
//! A connection's byte budget also protects its peers: no client can make another receive more than
//! that. A relayed message is charged when it is read. A room update can be much longer than the
//! few bytes that cause it, and it goes to the whole room. So this module counts the bytes that go
//! out to each receiver, and the sender is charged for the receiver that got most. A peer that has
//! overdrawn its account cannot join through another connection.
//!
//! A client often sends several messages at once. What they bring others is held back until the
//! last of them is handled, and then each receiver gets it in one write.
//!
//! Nearly every message goes to the receiver of the one before. So the last receivers are
//! remembered, and found without a look at all connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use super::limits::Accounts;
use super::mailbox::{Mailbox, Pace, Posted, Refused};
use super::mailboxes::Mailboxes;
use crate::core::{Claim, Connection, ConnectionId, Grant, Unread};
use crate::ports::{Claimed, Connections, Delivery, Outbox, Unavailable};
use crate::wire::{CloseCode, ServerMessage};

/// Sends messages on behalf of one connection, to others and to itself.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) conn: ConnectionId,
    /// The connection's own.
    pub(super) mailbox: Arc<Mailbox>,
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

/// How many receivers are remembered.
const FEW: usize = 4;

/// What was sent to others.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Tally>);

#[derive(Debug, Default)]
struct Tally {
    receivers: Vec<Receiver>,
    /// How many messages were taken, and how many bytes, that are not counted yet.
    taken: (u64, u64),
}

/// Another connection to which something was sent.
#[derive(Debug)]
struct Receiver {
    conn: ConnectionId,
    /// Weak, because a mailbox holds all that its client has not received.
    mailbox: Weak<Mailbox>,
    /// The mailbox, while something is held back in it.
    held_back: Option<Arc<Mailbox>>,
    /// The bytes since they were last charged.
    bytes: usize,
}

impl Speaker {
    /// The most bytes sent to any one other connection since the last call.
    pub(super) fn caused(&self) -> usize {
        let receivers = &mut self.told.lock().receivers;
        receivers.iter_mut().map(|receiver| std::mem::take(&mut receiver.bytes)).max().unwrap_or(0)
    }

    /// Writes what was held back.
    pub(super) fn release(&self) {
        let mut told = self.told.lock();
        let (messages, bytes) = std::mem::take(&mut told.taken);
        if messages > 0 {
            self.mailboxes.metrics.sent.add("taken", messages);
            self.mailboxes.metrics.sent_bytes.inc_by(bytes);
        }
        let held_back = told.receivers.iter_mut().filter_map(|it| it.held_back.take());
        held_back.for_each(|mailbox| mailbox.release());
        if told.receivers.len() > FEW {
            told.receivers.retain(|receiver| receiver.bytes > 0);
        }
    }

    /// Removes the connection's mailbox, so nobody can reach it any more.
    pub(super) fn end(&self) {
        self.release();
        self.mailboxes.forget(&self.conn);
    }
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// The receiver with this name, unless it is gone.
    fn receiver(&mut self, conn: &ConnectionId, all: &Mailboxes) -> Option<&mut Receiver> {
        let place = match self.receivers.iter().position(|receiver| receiver.conn == *conn) {
            Some(place) => place,
            None => {
                let mailbox = Arc::downgrade(&all.find(conn)?);
                let conn = conn.clone();
                self.receivers.push(Receiver { conn, mailbox, held_back: None, bytes: 0 });
                self.receivers.len() - 1
            }
        };
        self.receivers.get_mut(place)
    }
}

impl Receiver {
    /// Posts a message, and returns its size in bytes.
    fn post(&mut self, message: ServerMessage) -> Result<usize, Refused> {
        let Posted { bytes, .. } = if let Some(mailbox) = &self.held_back {
            mailbox.post(message, Pace::HeldBack)?
        } else {
            let mailbox = self.mailbox.upgrade().ok_or(Refused::Gone)?;
            let posted = mailbox.post(message, Pace::HeldBack)?;
            self.held_back = posted.held_back.then_some(mailbox);
            posted
        };
        self.bytes += bytes;
        Ok(bytes)
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
        if *to == self.conn {
            if let ServerMessage::Error(rejection) = &message {
                self.mailboxes.metrics.errors.count(rejection.code.name());
            }
            let posted = self.mailbox.answer(message);
            return Ok(posted.map_or_else(Delivery::from, |_| Delivery::Accepted));
        }
        let mut told = self.told.lock();
        let receiver = told.receiver(to, &self.mailboxes).ok_or(Refused::Gone);
        match receiver.and_then(|receiver| receiver.post(message)) {
            Ok(bytes) => {
                told.taken.0 += 1;
                told.taken.1 += bytes as u64;
                Ok(Delivery::Accepted)
            }
            Err(refused) => {
                self.mailboxes.metrics.sent.count(refused.name());
                Ok(refused.into())
            }
        }
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
    ) -> Result<Vec<(ConnectionId, Delivery)>, Unavailable> {
        let (mut failed, mut messages) = (Vec::new(), messages.into_iter().peekable());
        while let Some((to, message)) = messages.next() {
            let delivery = if to == self.conn && matches!(message, ServerMessage::Joined { .. }) {
                let more = std::iter::from_fn(|| messages.next_if(|(next, _)| *next == to));
                let more = more.map(|(_, message)| {
                    self.mailboxes.metrics.replayed.inc();
                    message
                });
                let answer = std::iter::once(message).chain(more);
                let posted = self.mailbox.post_joined(answer);
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
        let gone = self.mailboxes.probe(conns).await?;
        let probes = &self.mailboxes.metrics.probes;
        gone.iter().for_each(|_| probes.count("dead"));
        (gone.len()..conns.len()).for_each(|_| probes.count("alive"));
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::{Bounds, Stop};
    use super::*;
    use crate::core::Frame;
    use crate::redact::Redacted;

    fn mailboxes() -> Arc<Mailboxes> {
        Arc::new(Mailboxes::new(Bounds { messages: 10, bytes: 1000 }))
    }

    #[tokio::test]
    async fn a_sender_is_charged_for_the_receiver_that_got_most() {
        let mailboxes = mailboxes();
        let [ada, bob, cay] = ["ada", "bob", "cay"].map(ConnectionId::new);
        let [mailbox, ..] = [&ada, &bob, &cay].map(|conn| mailboxes.open(conn, None));
        let speaker = Speaker { conn: ada.clone(), mailbox, mailboxes, told: Told::default() };
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
    async fn a_receiver_that_has_ended_is_gone_and_its_mailbox_with_it() {
        let mailboxes = mailboxes();
        let [ada, bob] = ["ada", "bob"].map(ConnectionId::new);
        let [mailbox, bobs] = [&ada, &bob].map(|conn| mailboxes.open(conn, None));
        let speaker = Speaker { conn: ada, mailbox, mailboxes, told: Told::default() };
        let text = || ServerMessage::Relayed(Redacted::new("text".to_owned()));
        assert_eq!(speaker.send(&bob, text()).await.unwrap(), Delivery::Accepted);
        speaker.release();
        let _no_line = bobs.finish(0);
        assert_eq!(speaker.send(&bob, text()).await.unwrap(), Delivery::Gone);
        speaker.mailboxes.forget(&bob);
        assert_eq!(Arc::strong_count(&bobs), 1, "remembered by nobody");
        drop(bobs);
        assert_eq!(speaker.send(&bob, text()).await.unwrap(), Delivery::Gone);
    }

    #[tokio::test]
    async fn all_receivers_get_what_was_held_back_and_few_are_remembered() {
        let mailboxes = mailboxes();
        let conns: Vec<_> = (0..3 * FEW).map(|nth| ConnectionId::new(nth.to_string())).collect();
        let others: Vec<_> = conns.iter().map(|conn| mailboxes.open(conn, None)).collect();
        let ada = ConnectionId::new("ada");
        let mailbox = mailboxes.open(&ada, None);
        let speaker = Speaker { conn: ada, mailbox, mailboxes, told: Told::default() };
        let text = || ServerMessage::Relayed(Redacted::new("text".to_owned()));
        for conn in &conns {
            assert_eq!(speaker.send(conn, text()).await.unwrap(), Delivery::Accepted);
        }
        assert_eq!(speaker.caused(), 4);
        speaker.release();
        assert!(speaker.told.lock().receivers.len() <= FEW);
        for mailbox in others {
            let again = mailbox.post(text(), Pace::HeldBack).unwrap();
            assert!(again.held_back, "the one before was released");
        }
    }

    #[tokio::test]
    async fn an_answer_to_a_frame_that_was_taken_is_left_behind_however_the_session_ends() {
        for why in [Stop::Replaced, Stop::Silent, Stop::Full] {
            let mailboxes = mailboxes();
            let bob = ConnectionId::new("bob");
            let mailbox = mailboxes.open(&bob, None);
            let own = Arc::clone(&mailbox);
            let speaker =
                Speaker { conn: bob.clone(), mailbox: own, mailboxes, told: Told::default() };
            let text = |text: &str| ServerMessage::Relayed(Redacted::new(text.to_owned()));
            mailbox.stop(why);
            assert_eq!(speaker.send(&bob, text("refused")).await.unwrap(), Delivery::Accepted);
            let _no_line = mailbox.finish(1);
            assert_eq!(speaker.send(&bob, text("late")).await.unwrap(), Delivery::Gone);
            let frames = speaker.detach(&bob).await.unwrap().frames;
            assert_eq!(frames.iter().map(Frame::expose).collect::<Vec<_>>(), ["refused"]);
        }
    }
}
