//! Rooms in DynamoDB: the registry.
//!
//! Every read of a room is consistent, and rooms are never cached. So every decision is based on
//! the current room, whichever instance decides. The one exception is a room that was just read to
//! [find the sender's seat](Rooms::beginning_with) of the same message. It also serves as the first
//! read of that message.

use std::sync::{Arc, Mutex, PoisonError};

use visio_signaling::core::Room;
use visio_signaling::ports::{Registry, Swap, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{RoomId, RoomSummary, Version};

use super::{Item, Put, Table};

/// The registry of the Lambda runtime.
#[derive(Debug, Clone)]
pub struct Rooms {
    table: Table,
    /// A room that was read for the current message, and that the driver has not loaded yet.
    first: Arc<Mutex<Option<Arc<Room>>>>,
}

impl Rooms {
    /// The rooms in this table.
    pub fn new(table: Table) -> Self {
        Self { table, first: Arc::default() }
    }

    /// The registry for one message, for which this room was already read. The first load of the
    /// room returns it. Later loads read it again.
    pub fn beginning_with(&self, room: Option<Arc<Room>>) -> Self {
        Self { table: self.table.clone(), first: Arc::new(Mutex::new(room)) }
    }
}

impl Registry for Rooms {
    async fn load(&self, id: &RoomId) -> Result<Arc<Room>, Unavailable> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(room) = first.filter(|room| room.id() == id) {
            return Ok(room);
        }
        let item = self.table.get(&key(id)).await?;
        Ok(Arc::new(parse(id, &item)?))
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        let state = serde_json::to_string(&next).map_err(Unavailable::new)?;
        let kept_until = next.kept_until().map(|until| until.0);
        let item = Item { version: next.version().0, state: Redacted::new(state), kept_until };
        Ok(match self.table.put(&key(next.id()), seen.0, &item).await? {
            Put::Done => Swap::Done,
            Put::Raced => Swap::Raced,
        })
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        Ok(None)
    }
}

fn key(id: &RoomId) -> String {
    format!("R#{}", id.as_str())
}

fn parse(id: &RoomId, item: &Item) -> Result<Room, Unavailable> {
    if item.version == 0 {
        return Ok(Room::empty(id.clone(), Version(0)));
    }
    serde_json::from_str(item.state.expose())
        .map_err(|_| Unavailable::new("a stored room is malformed"))
}
