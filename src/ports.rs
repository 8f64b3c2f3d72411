//! The two things that a runtime brings along: where rooms are kept, and how clients are reached.
//!
//! Both traits are as small as [`drive`](crate::drive) needs. Their contract under concurrency is
//! in their types: a swap can be [raced](Swap::Raced), a delivery can find its client
//! [gone](Delivery::Gone), and neither is an error. `Err` is left for a store or a gateway that
//! does not answer.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use crate::core::{ConnectionId, Room};
use crate::wire::{CloseCode, RoomId, RoomSummary, ServerMessage, Version};

/// Where rooms are kept: a compare-and-swap store.
pub trait Registry: Send + Sync + 'static {
    /// The room as last stored. An unknown room is an empty one, whose version is at least that
    /// of any room of this name before it: versions never run backwards. Reading costs no copy.
    fn load(&self, room: &RoomId) -> impl Future<Output = Result<Arc<Room>, Unavailable>> + Send;

    /// Stores `next` if the room is still at version `seen`.
    fn swap(
        &self,
        seen: Version,
        next: Room,
    ) -> impl Future<Output = Result<Swap, Unavailable>> + Send;

    /// Live rooms, at most `limit`; `None` where they cannot be told without reading everything.
    fn rooms(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Vec<RoomSummary>>, Unavailable>> + Send;
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

    /// Ends a connection once what was sent to it is delivered. It may be gone already.
    fn close(
        &self,
        conn: &ConnectionId,
        code: CloseCode,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Notes that `conn` is about to join. Others may learn of its seat, and write to it, before
    /// it is sent `joined`; where order can be kept, all that comes from now on goes after that.
    fn joining(&self, _conn: &ConnectionId) {}

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
