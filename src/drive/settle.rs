//! Decides until a decision is stored.

use std::sync::Arc;

use super::{Driver, Fault, MAX_RACES};
use crate::core::{Decision, Effect, Event, Room, Standing};
use crate::ports::{Registry, Swap};
use crate::wire::{RoomId, Timestamp};

/// A decision that is stored.
pub(super) struct Settled {
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// Where the client that spoke stands then.
    pub standing: Standing,
    /// The room that decided.
    pub room: Arc<Room>,
}

impl<R: Registry, C, O> Driver<R, C, O> {
    /// Decides until a decision is stored.
    pub(super) async fn settle(
        &self,
        room: &RoomId,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<Settled, Fault> {
        for _ in 0..MAX_RACES {
            let room = self.registry.load(room).await?;
            let Decision { next, effects, standing } = room.decide(event, now, &self.rules);
            let version = room.version();
            let settled = Settled { effects, standing, room };
            let Some(next) = next else { return Ok(settled) };
            if self.registry.swap(version, next).await? == Swap::Done {
                return Ok(settled);
            }
        }
        Err(Fault::Contended)
    }
}
