//! Rooms in DynamoDB: the registry.
//!
//! A copy is a hint of this instance, or an eventually consistent read at half the price; what
//! rests on a copy and is wrong loses its swap, or finds nobody, and is then read consistently.

use std::sync::Arc;
use std::time::Instant;

use visio_signaling::core::Room;
use visio_signaling::ports::{Loaded, Reading, Registry, Swap, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{RoomId, RoomSummary, Version};

use super::{Item, Put, Table};
use crate::hints::Hints;

/// The registry of the Lambda runtime.
#[derive(Debug, Clone)]
pub struct Rooms {
    table: Table,
    hints: Arc<Hints<RoomId, Arc<Room>>>,
}

impl Rooms {
    /// The rooms in this table.
    pub fn new(table: Table) -> Self {
        Self { table, hints: Arc::default() }
    }
}

impl Registry for Rooms {
    async fn load(&self, id: &RoomId, reading: Reading) -> Result<Loaded, Unavailable> {
        let asked = Instant::now();
        let latest = reading == Reading::Latest;
        if let Some(room) = self.hints.recall(id, asked).filter(|_| !latest) {
            return Ok(Loaded { room, latest });
        }
        let item = self.table.get(&key(id), reading).await?;
        let room = Arc::new(parse(id, &item)?);
        self.hints.note(id.clone(), Arc::clone(&room), asked);
        Ok(Loaded { room, latest })
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        let asked = Instant::now();
        let state = serde_json::to_string(&next).map_err(Unavailable::new)?;
        let kept_until = next.kept_until().map(|until| until.0);
        let item = Item { version: next.version().0, state: Redacted::new(state), kept_until };
        let id = next.id().clone();
        match self.table.put(&key(&id), seen.0, &item).await? {
            Put::Done => {
                self.hints.note(id, Arc::new(next), asked);
                Ok(Swap::Done)
            }
            Put::Raced => {
                self.hints.forget(&id);
                Ok(Swap::Raced)
            }
        }
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
        .map_err(|_| Unavailable::new("a stored room is not one"))
}
