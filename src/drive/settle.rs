//! Decides until a decision is stored.

use super::{Driver, Fault, MAX_RACES};
use crate::core::{Decision, Effect, Event, Standing};
use crate::ports::{Registry, Swap};
use crate::wire::{RoomId, Timestamp};

impl<R: Registry, C, O> Driver<R, C, O> {
    /// What is to be done, and where the client that spoke stands then.
    pub(super) async fn settle(
        &self,
        room: &RoomId,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<(Vec<Effect>, Standing), Fault> {
        for _ in 0..MAX_RACES {
            let room = self.registry.load(room).await?;
            let Decision { next, effects, standing } = room.decide(event, now, &self.rules);
            let Some(next) = next else { return Ok((effects, standing)) };
            if self.registry.swap(room.version(), next).await? == Swap::Done {
                return Ok((effects, standing));
            }
        }
        Err(Fault::Contended)
    }
}
