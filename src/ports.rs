//! What a runtime brings along, one trait a noun: where rooms are kept ([`Registry`]), which
//! connection claims which seat ([`Connections`]), how clients are reached ([`Outbox`]), and who
//! writes down what happened ([`Journal`]).
//!
//! Each trait is as small as [`drive`](crate::drive) needs. What can happen under concurrency is
//! in the types: a swap can be [raced](Swap::Raced) and a delivery can find its client
//! [gone](Delivery::Gone). Neither is an error. `Err` is left for a store or a gateway that does
//! not answer.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::core::audit::AuditEvent;
use crate::core::{Claim, Connection, ConnectionId, Grant, Room, Unread};
use crate::wire::{CloseCode, RoomId, RoomSummary, ServerMessage, Timestamp, Version};

/// Where rooms are kept: a compare-and-swap store.
pub trait Registry: Send + Sync + 'static {
    /// The room as last stored. An unknown room is an empty one, whose version is at least that of
    /// any room of this name before it: versions never run backwards. Reading costs no copy.
    fn load(&self, room: &RoomId) -> impl Future<Output = Result<Arc<Room>, Unavailable>> + Send;

    /// Stores `next` if the room is still at version `seen`.
    fn swap(
        &self,
        seen: Version,
        next: Room,
    ) -> impl Future<Output = Result<Swap, Unavailable>> + Send;

    /// Forgets what nobody needs after `now`. A store that does so by itself has nothing to do.
    fn sweep(&self, _now: Timestamp) {}

    /// How many rooms there are, and who is in them; `None` where that would mean to read
    /// everything.
    fn census(&self) -> Option<Census> {
        None
    }

    /// Live rooms, at most `limit`; `None` where they cannot be told without reading everything.
    fn rooms(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Vec<RoomSummary>>, Unavailable>> + Send;
}

/// A registry that is shared.
impl<R: Registry> Registry for Arc<R> {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        R::load(self, room).await
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        R::swap(self, seen, next).await
    }

    fn sweep(&self, now: Timestamp) {
        R::sweep(self, now);
    }

    fn census(&self) -> Option<Census> {
        R::census(self)
    }

    async fn rooms(&self, limit: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        R::rooms(self, limit).await
    }
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Rooms with somebody in them.
    pub rooms: usize,
    /// Seats whose peers are connected.
    pub here: usize,
    /// Seats whose peers have lost their connections.
    pub away: usize,
    /// Guests who wait to be admitted.
    pub waiting: usize,
}

/// How a swap ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// It is stored.
    Done,
    /// Somebody else stored something since; nothing was changed.
    Raced,
}

/// Which connection claims which seat.
pub trait Connections: Send + Sync + 'static {
    /// Notes that `from` is about to ask for `seat` on the strength of `grant`, before it can have
    /// it. Whoever handles the next message or the end of this connection then knows where to
    /// look, even if the process that asked died on the way. Others may learn of the seat and
    /// write to it before `joined` is sent; where order can be kept, they are read after it.
    ///
    fn claim(
        &self,
        from: &mut Connection,
        seat: &Claim,
        grant: Option<&Grant>,
    ) -> impl Future<Output = Result<Claimed, Unavailable>> + Send;
}

/// How a claim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is noted.
    Noted,
    /// Another message of the same connection was handled meanwhile. The connection that was
    /// passed in is now as that message left it.
    Raced,
    /// This peer has made the others receive too much of late, and may ask again after that long.
    TooSoon(Duration),
}

/// How clients are reached.
pub trait Outbox: Send + Sync + 'static {
    /// Hands a message over for delivery, without waiting for the client.
    fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> impl Future<Output = Result<Delivery, Unavailable>> + Send;

    /// Hands several messages over, those for one client in their order. Where a delivery takes a
    /// while, one does not wait for another. What was not accepted is told.
    fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
    ) -> impl Future<Output = Result<Vec<(ConnectionId, Delivery)>, Unavailable>> + Send {
        async move {
            let mut failed = Vec::new();
            for (to, message) in messages {
                match self.send(&to, message).await? {
                    Delivery::Accepted => {}
                    other => failed.push((to, other)),
                }
            }
            Ok(failed)
        }
    }

    /// Ends a connection once what was sent to it is delivered. It may be gone already.
    fn close(
        &self,
        conn: &ConnectionId,
        code: CloseCode,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Hears and sends nothing more over a connection that has lost its seat, or is about to, and
    /// hands over what its client may not have received. Asked again, it hands over the same.
    fn detach(
        &self,
        conn: &ConnectionId,
    ) -> impl Future<Output = Result<Unread, Unavailable>> + Send;

    /// Those of `conns` that give no sign of life.
    fn probe(
        &self,
        conns: &[ConnectionId],
    ) -> impl Future<Output = Result<Vec<ConnectionId>, Unavailable>> + Send;
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The message is on its way.
    Accepted,
    /// There is no such connection any more, or it is being closed.
    Gone,
    /// It is there, and could not be reached in time.
    Busy,
    /// It does not read what it is sent, and is about to be closed. The message was dropped.
    Full,
}

/// Writes down what happened in a visit, if anybody wants to know. Never waits.
pub trait Journal: std::fmt::Debug + Send + Sync + 'static {
    /// Writes down one event.
    fn record(&self, entry: AuditEvent);

    /// Notes that a decision has to be made again, because the room has changed meanwhile.
    fn note_race(&self) {}
}

/// Nobody wants to know.
impl Journal for () {
    fn record(&self, _: AuditEvent) {}
}

/// The store or the gateway did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the registry or the outbox did not answer")]
pub struct Unavailable(#[source] Box<dyn Error + Send + Sync>);

impl Unavailable {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
