//! Does what a decision says, and decides the loss of those who turn out to be gone.

use std::ops::ControlFlow;
use std::time::Duration;

use super::settle::Settled;
use super::{Driver, Fault};
use crate::core::{ConnectionId, Effect, Event, Room, Said, Seat};
use crate::ports::{Delivery, Outbox, Registry};
use crate::wire::{Code, PeerId, Rejection, RoomId, ServerMessage, Timestamp};

/// How many rooms `room_list` tells of.
const MAX_ROOMS_LISTED: usize = 200;
/// When a peer that could not be reached in time may be tried again.
const BUSY: Duration = Duration::from_secs(1);

/// What came of a list of effects.
#[derive(Default)]
struct Delivered {
    gone: Vec<ConnectionId>,
    /// The connections that could not be reached, and why.
    failed: Vec<(ConnectionId, Code)>,
    /// A probe found somebody gone, and what came after it was not done.
    cut_short: bool,
}

impl<R: Registry, C, O: Outbox> Driver<R, C, O> {
    /// Carries out what was decided about an event. `Continue`: the event has to be decided once
    /// more. That is so for a message to one peer that turned out to be gone, because its sender
    /// has to be told, and for whatever waited for a probe that found somebody gone. A message to
    /// the room is repeated only for the peers that are named, because the others have it.
    pub(super) async fn deliver(
        &self,
        event: &Event<'_>,
        settled: Settled,
        now: Timestamp,
    ) -> Result<ControlFlow<(), Vec<PeerId>>, Fault> {
        let Settled { seen, effects, .. } = settled;
        let Delivered { gone, failed, cut_short } = self.carry_out(effects).await?;
        for (conn, code) in failed {
            if let Some((to, rejection)) = could_not_be_reached(event, &seen, &conn, code) {
                self.answer(to, rejection).await?;
            }
        }
        let missed: Vec<_> = if event.is_for_all() {
            gone.iter().filter_map(|conn| Some(holder(&seen, conn)?.peer.clone())).collect()
        } else {
            Vec::new()
        };
        let to_one = event.receiver().is_some();
        let repeats = !gone.is_empty() && (cut_short || to_one || !missed.is_empty());
        let speaker_gone = event.speaker().is_none_or(|conn| gone.contains(conn));
        if !gone.is_empty() {
            // On the heap, since it is rare: an idle connection need not hold room for it.
            Box::pin(self.lose(seen.id(), gone, now)).await?;
        }
        Ok(if repeats && !speaker_gone {
            ControlFlow::Continue(missed)
        } else {
            ControlFlow::Break(())
        })
    }

    /// Decides the loss of these connections, and of those that turn out to be gone meanwhile.
    async fn lose(
        &self,
        room: &RoomId,
        mut gone: Vec<ConnectionId>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        while let Some(conn) = gone.pop() {
            let unread = self.outbox.detach(&conn).await?;
            let lost = Event::Lost { conn, unread };
            let Settled { effects, .. } = self.settle(room, &lost, now).await?;
            gone.extend(self.carry_out(effects).await?.gone);
        }
        Ok(())
    }

    async fn carry_out(&self, effects: Vec<Effect>) -> Result<Delivered, Fault> {
        let mut delivered = Delivered::default();
        let mut messages = Vec::new();
        for effect in effects {
            if let Effect::Send { to, message } = effect {
                messages.push((to, message));
                continue;
            }
            self.send_all(std::mem::take(&mut messages), &mut delivered).await?;
            match effect {
                Effect::Send { .. } => {}
                // The health check's visits are nobody's.
                Effect::Record(entry) if entry.room_id.is_own() => {}
                Effect::Record(entry) => self.journal.record(entry),
                Effect::Close { conn, code } => self.outbox.close(&conn, code).await?,
                Effect::Probe(conns) => {
                    delivered.gone.extend(self.outbox.probe(&conns).await?);
                    if !delivered.gone.is_empty() {
                        return Ok(Delivered { cut_short: true, ..delivered });
                    }
                }
                Effect::ListRooms { to, own, request_id } => {
                    let rooms = self.registry.rooms(MAX_ROOMS_LISTED).await?;
                    let rooms = rooms.unwrap_or_else(|| vec![own]);
                    messages.push((to, ServerMessage::RoomList { rooms, request_id }));
                }
            }
        }
        self.send_all(messages, &mut delivered).await?;
        Ok(delivered)
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
        delivered: &mut Delivered,
    ) -> Result<(), Fault> {
        for (conn, delivery) in self.outbox.send_all(messages).await? {
            match delivery {
                Delivery::Accepted => {}
                Delivery::Gone => delivered.gone.push(conn),
                Delivery::Busy => delivered.failed.push((conn, Code::Internal)),
                Delivery::Full => delivered.failed.push((conn, Code::PeerAway)),
            }
        }
        Ok(())
    }
}

/// What the sender of a message is told when a peer does not take it in time. News of the room need
/// no such answer: the next repairs them. Nor does talk to all that a peer is too slow to read.
fn could_not_be_reached<'a>(
    event: &'a Event<'_>,
    seen: &Room,
    conn: &ConnectionId,
    code: Code,
) -> Option<(&'a ConnectionId, Rejection)> {
    let Event::Said { who, request_id, what: Said::Signal(_) | Said::Again(..) } = event else {
        return None;
    };
    if event.is_for_all() && code == Code::Internal {
        return None;
    }
    let to = holder(seen, conn).map(|seat| &seat.peer).or_else(|| event.receiver())?.clone();
    let text = "the peer could not be reached in time";
    let rejection = Rejection::new(code, text).retry_after(BUSY);
    Some((&who.conn, rejection.to(Some(to)).answering(request_id.clone())))
}

/// The seat that a connection held.
fn holder<'a>(room: &'a Room, conn: &ConnectionId) -> Option<&'a Seat> {
    room.seats().iter().find(|seat| seat.here() == Some(conn))
}
