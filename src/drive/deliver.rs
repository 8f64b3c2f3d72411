//! Does what a decision says, and decides the loss of those who turn out to be gone.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Driver, Fault};
use crate::core::{ConnectionId, Effect, Event, Room, Said};
use crate::ports::{Delivery, Outbox, Registry};
use crate::wire::{Code, Recipient, Rejection, RoomId, ServerMessage, Timestamp};

/// How many rooms `room_list` tells of.
const MAX_ROOMS_LISTED: usize = 200;
/// When a peer that could not be reached in time may be tried again.
const BUSY: Duration = Duration::from_secs(1);

/// What came of a list of effects.
#[derive(Default)]
struct Delivered {
    gone: Vec<ConnectionId>,
    /// Connections that did not take their message, and why.
    missed: Vec<(ConnectionId, Code)>,
    /// A probe found somebody gone, and what came after it was not done.
    cut_short: bool,
}

impl<R: Registry, C, O: Outbox> Driver<R, C, O> {
    /// Carries out what was decided about an event. `Continue`: the event has to be decided once
    /// more. That is so for a message to one peer that turned out to be gone, because its sender has
    /// to be told, and for whatever waited for a probe that found somebody gone. A message to the
    /// room is not repeated, because the others have it.
    pub(super) async fn deliver(
        &self,
        room: &Room,
        event: &Event<'_>,
        effects: Vec<Effect>,
        now: Timestamp,
    ) -> Result<ControlFlow<()>, Fault> {
        let Delivered { gone, mut missed, cut_short } = self.carry_out(effects).await?;
        let repeats = !gone.is_empty() && (cut_short || event.receiver().is_some());
        let speaker_gone = event.speaker().is_none_or(|conn| gone.contains(conn));
        if !gone.is_empty() {
            if !repeats {
                missed.extend(gone.iter().map(|conn| (conn.clone(), Code::PeerAway)));
            }
            // On the heap, since it is rare: an idle connection need not hold room for it.
            Box::pin(self.lose(room.id(), gone, now)).await?;
        }
        if !missed.is_empty() {
            Box::pin(self.tell_of_missed(room, event, missed)).await?;
        }
        Ok(if repeats && !speaker_gone {
            ControlFlow::Continue(())
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
            let lost = self.settle(room, &Event::Lost { conn, unread }, now).await?;
            gone.extend(self.carry_out(lost.effects).await?.gone);
        }
        Ok(())
    }

    /// Tells the sender of a message which peers did not get it. News of the room need no such
    /// answer: the next repairs them. Nor do peers that have left meanwhile.
    async fn tell_of_missed(
        &self,
        room: &Room,
        event: &Event<'_>,
        missed: Vec<(ConnectionId, Code)>,
    ) -> Result<(), Fault> {
        let Event::Said { who, request_id, what: Said::Signal(signal) } = event else {
            return Ok(());
        };
        let now = self.registry.load(room.id()).await?;
        for (conn, code) in missed {
            let Some(peer) = room.peer_of(&conn).filter(|peer| now.has(peer)) else { continue };
            // A peer that is there and reads slowly misses talk to the room, as it misses news.
            if code == Code::Internal && signal.to == Recipient::Room {
                continue;
            }
            let text = "the peer could not be reached in time";
            let rejection = Rejection::new(code, text).to(Some(peer.clone())).retry_after(BUSY);
            self.answer(&who.conn, rejection.answering(request_id.clone())).await?;
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
                Delivery::Busy => delivered.missed.push((conn, Code::Internal)),
                Delivery::Full => delivered.missed.push((conn, Code::PeerAway)),
            }
        }
        Ok(())
    }
}
