//! The two things that a runtime brings along: where rooms are kept, and how clients are reached.
//!
//! Both traits are as small as [`drive`](crate::drive) needs. Their contract under concurrency is
//! in their types: a swap can be [raced](Swap::Raced), a delivery can find its client
//! [gone](Delivery::Gone), and neither is an error. `Err` is left for a store or a gateway that
//! does not answer.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::core::audit::Entry;
use crate::core::{ConnectionId, Grant, Room, Session};
use crate::wire::{CloseCode, RoomId, RoomSummary, ServerMessage, Timestamp, Version};

/// Where rooms are kept: a compare-and-swap store.
pub trait Registry: Send + Sync + 'static {
    /// The room. An unknown room is an empty one, whose version is at least that of any room of
    /// this name before it: versions never run backwards. Reading costs no copy.
    fn load(
        &self,
        room: &RoomId,
        reading: Reading,
    ) -> impl Future<Output = Result<Loaded, Unavailable>> + Send;

    /// Stores `next` if the room is still at version `seen`.
    fn swap(
        &self,
        seen: Version,
        next: Room,
    ) -> impl Future<Output = Result<Swap, Unavailable>> + Send;

    /// Forgets what nobody needs after `now`. A store that does so by itself has nothing to do.
    fn sweep(&self, _now: Timestamp) {}

    /// Live rooms, at most `limit`; `None` where they cannot be told without reading everything.
    fn rooms(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Vec<RoomSummary>>, Unavailable>> + Send;
}

/// Whoever shares a registry has it.
impl<R: Registry> Registry for Arc<R> {
    async fn load(&self, room: &RoomId, reading: Reading) -> Result<Loaded, Unavailable> {
        (**self).load(room, reading).await
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        (**self).swap(seen, next).await
    }

    fn sweep(&self, now: Timestamp) {
        (**self).sweep(now);
    }

    async fn rooms(&self, limit: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        (**self).rooms(limit).await
    }
}

/// How fresh a room must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A copy will do, if the registry keeps any.
    Copy,
    /// As last stored.
    Latest,
}

/// A room that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The room.
    pub room: Arc<Room>,
    /// Whether this is the room as last stored, or a copy that may be older.
    pub latest: bool,
}

/// How a swap ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The room is stored.
    Done,
    /// Somebody else stored one since; nothing was changed.
    Raced,
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

    /// Notes that `who` is about to ask for a seat, before it can have one: its next message may
    /// be handled elsewhere, and whoever handles the end of its connection must know where to
    /// look; `grant` is what it rests on. Others may learn of the seat, and write to it, before `joined` is sent; where order
    /// can be kept, all that comes from now on goes after that.
    fn joining(
        &self,
        who: &Session,
        grant: Option<&Grant>,
    ) -> impl Future<Output = Result<Claim, Unavailable>> + Send;

    /// Writes down what happened in a visit, if anybody wants to know. Never waits.
    fn record(&self, _entry: Entry) {}

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
}

/// How the note of a join ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is noted.
    Noted,
    /// What was known of the connection is out of date.
    Contested,
    /// This peer has troubled the others too much of late, and may ask again after that long.
    TooSoon(Duration),
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
