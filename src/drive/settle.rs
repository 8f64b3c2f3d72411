//! Decides until a decision is stored.

use std::sync::Arc;

use super::{Driver, Fault, MAX_RACES};
use crate::core::{Decision, Effect, Event, Room, Standing};
use crate::ports::{Registry, Swap};
use crate::wire::{RoomId, Timestamp};

/// A decision that holds.
pub(super) struct Settled {
    /// The room that was decided on.
    pub seen: Arc<Room>,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// Where the client that spoke stands then.
    pub standing: Standing,
}

impl<R: Registry, C, O> Driver<R, C, O> {
    /// Decides until nobody else has changed the room meanwhile.
    pub(super) async fn settle(
        &self,
        room: &RoomId,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<Settled, Fault> {
        for _ in 0..MAX_RACES {
            let seen = self.registry.load(room).await?;
            let Decision { next, effects, standing } = seen.decide(event, now, &self.rules);
            let Some(next) = next else { return Ok(Settled { seen, effects, standing }) };
            if Box::pin(self.registry.swap(seen.version(), next)).await? == Swap::Done {
                return Ok(Settled { seen, effects, standing });
            }
            self.journal.note_race();
        }
        Err(Fault::Contended)
    }
}
