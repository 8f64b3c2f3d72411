//! Finds out who sends a message, and in which seat, before the driver handles it.
//!
//! So the driver does not have to care how fresh that is. A seat that this instance has
//! [seen](crate::seen) counts if the room, just read, confirms it. Otherwise the connection's item
//! is read, and then the rooms in which it claims a seat. All these reads are consistent.

use std::sync::Arc;

use tokio::sync::Mutex;
use visio_signaling::core::{Claim, Connection, ConnectionId, Grant, Room};
use visio_signaling::ports::{self, Claimed, Registry, Swap, Unavailable};
use visio_signaling::wire::{ClientMessage, JoinDefaults};

use crate::seen::SeenSeats;
use crate::table::connections::{Connections, Known};
use crate::table::rooms::Rooms;

/// The connection behind one message.
#[derive(Debug)]
pub struct Speaker {
    connections: Connections,
    seen: SeenSeats,
    /// The connection's item, if it was read.
    known: Mutex<Option<Known>>,
}

/// A connection, with the seat it holds.
#[derive(Debug)]
pub struct Introduced {
    /// The connection, for the driver.
    pub connection: Connection,
    /// The room in which it holds a seat, as just read.
    pub room: Option<Arc<Room>>,
    /// Other seats that it still holds, because a move was interrupted.
    pub left_over: Vec<Claim>,
}

impl Speaker {
    /// Finds out who sends `message`.
    pub async fn introduce(
        id: &ConnectionId,
        message: &ClientMessage<'_>,
        rooms: &Rooms,
        connections: &Connections,
        seen: &SeenSeats,
    ) -> Result<(Self, Introduced), Unavailable> {
        let speaker = |known| Self {
            connections: connections.clone(),
            seen: seen.clone(),
            known: Mutex::new(known),
        };
        // A join needs more than the seat: the defaults from the URL, and earlier tokens.
        let asks_for_seat = matches!(message, ClientMessage::Join(_));
        if let Some(seat) = seen.recall(id).filter(|_| !asks_for_seat) {
            let room = rooms.load(&seat.room).await?;
            if room.holds(&seat) {
                let blank = Connection::new(id.clone(), JoinDefaults::default());
                let connection = Connection { claim: Some(seat), spoke: true, ..blank };
                let introduced = Introduced { connection, room: Some(room), left_over: Vec::new() };
                return Ok((speaker(None), introduced));
            }
        }
        let known = connections.load(id).await?;
        let introduced = introduce_by_item(id, &known, rooms).await?;
        Ok((speaker(Some(known)), introduced))
    }

    /// Saves the state of the connection after its message.
    pub async fn save(
        &self,
        before: Option<&Claim>,
        after: &Connection,
    ) -> Result<(), Unavailable> {
        self.seen.note(&after.id, after.claim.as_ref());
        let mut known = self.known.lock().await;
        let known = match known.as_mut() {
            Some(known) => known,
            None if before == after.claim.as_ref() => return Ok(()),
            // It gave up the seat that this instance had seen it in.
            None => known.insert(self.connections.load(&after.id).await?),
        };
        self.connections.save(known, before, after).await
    }
}

/// Reads the rooms of a connection's claims. It sits in the newest claimed seat that it holds.
async fn introduce_by_item(
    id: &ConnectionId,
    known: &Known,
    rooms: &Rooms,
) -> Result<Introduced, Unavailable> {
    let mut introduced =
        Introduced { connection: known.connection(id.clone()), room: None, left_over: Vec::new() };
    for claim in known.claims(id) {
        let room = rooms.load(&claim.room).await?;
        if !room.holds(&claim) {
            continue;
        }
        if introduced.room.is_some() {
            introduced.left_over.push(claim);
        } else {
            introduced.room = Some(room);
            introduced.connection.claim = Some(claim);
        }
    }
    Ok(introduced)
}

impl ports::Connections for Speaker {
    async fn claim(
        &self,
        from: &mut Connection,
        seat: &Claim,
        grant: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        let mut known = self.known.lock().await;
        let known = match known.as_mut() {
            Some(known) => known,
            None => known.insert(self.connections.load(&from.id).await?),
        };
        if self.connections.claim(known, seat, grant).await? == Swap::Done {
            return Ok(Claimed::Noted);
        }
        *known = self.connections.load(&from.id).await?;
        *from = Connection { spoke: from.spoke, ..known.connection(from.id.clone()) };
        Ok(Claimed::Raced)
    }
}
