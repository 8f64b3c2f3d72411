//! Does what a decision says, and decides the loss of those who turn out to be gone.

use std::ops::ControlFlow;
use std::time::Duration;

use super::settle::Settled;
use super::{Driver, Fault};
use crate::core::{ConnectionId, Effect, Event, Room, Said};
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
    /// What could not be told about messages that were dropped, and to whom.
    untold: Vec<(ConnectionId, Rejection)>,
    /// A probe found somebody gone, and what came after it was not done.
    cut_short: bool,
}

impl<R: Registry, C, O: Outbox> Driver<R, C, O> {
    /// Carries out what was decided about an event. `Continue`: the event has to be decided once
    /// more. That is so for a message to a peer that turned out to be gone, because its sender has
    /// to be told, and for whatever waited for a probe that found somebody gone. A message to the
    /// room is repeated only for the peers that are named, because the others have it.
    pub(super) async fn deliver(
        &self,
        event: &Event<'_>,
        settled: Settled,
        now: Timestamp,
    ) -> Result<ControlFlow<(), Vec<PeerId>>, Fault> {
        let Settled { seen, effects, .. } = settled;
        let delivered = self.carry_out(effects, now).await?;
        if delivered.is_all() {
            return Ok(ControlFlow::Break(()));
        }
        Box::pin(self.make_up_for(event, &seen, delivered, now)).await
    }

    /// Tells senders what could not be delivered, and decides the loss of those who are gone.
    async fn make_up_for(
        &self,
        event: &Event<'_>,
        seen: &Room,
        delivered: Delivered,
        now: Timestamp,
    ) -> Result<ControlFlow<(), Vec<PeerId>>, Fault> {
        let Delivered { gone, failed, untold, cut_short } = delivered;
        for (conn, code) in failed {
            if let Some((to, rejection)) = could_not_be_reached(event, seen, &conn, code) {
                self.answer(to, rejection).await?;
            }
        }
        let missed = gone.iter().filter_map(|conn| Some(&seen.place_of(conn)?.peer));
        let missed: Vec<_> = missed.filter(|peer| event.is_for(peer)).cloned().collect();
        let repeats = cut_short || !missed.is_empty();
        let speaker_gone = event.speaker().is_none_or(|conn| gone.contains(conn));
        let untold = told_later(seen, untold);
        if !gone.is_empty() {
            self.lose(seen.id(), gone, untold, now).await?;
        }
        Ok(if repeats && !speaker_gone {
            ControlFlow::Continue(missed)
        } else {
            ControlFlow::Break(())
        })
    }

    /// Decides the loss of these connections, and of those that turn out to be gone meanwhile. Then
    /// it decides what becomes of `untold`.
    async fn lose(
        &self,
        room: &RoomId,
        mut gone: Vec<ConnectionId>,
        mut untold: Vec<Event<'static>>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        loop {
            let event = if let Some(conn) = gone.pop() {
                let unread = self.outbox.detach(&conn).await?;
                Event::Lost { conn, unread }
            } else if let Some(event) = untold.pop() {
                event
            } else {
                return Ok(());
            };
            let Settled { seen, effects, .. } = self.settle(room, &event, now).await?;
            let delivered = self.carry_out(effects, now).await?;
            gone.extend(delivered.gone);
            untold.extend(told_later(&seen, delivered.untold));
        }
    }

    async fn carry_out(
        &self,
        mut effects: Vec<Effect>,
        now: Timestamp,
    ) -> Result<Delivered, Fault> {
        if let [Effect::Send { message: ServerMessage::Relayed(_), .. }] = effects[..]
            && let Some(Effect::Send { to, message }) = effects.pop()
        {
            let mut delivered = Delivered::default();
            let delivery = self.outbox.send(&to, message).await?;
            delivered.note(to, delivery);
            return Ok(delivered);
        }
        Box::pin(self.carry_out_all(effects, now)).await
    }

    async fn carry_out_all(
        &self,
        effects: Vec<Effect>,
        now: Timestamp,
    ) -> Result<Delivered, Fault> {
        let mut delivered = Delivered::default();
        let mut messages = Vec::new();
        for effect in effects {
            if let Effect::Send { to, mut message } = effect {
                self.ice.fill(&mut message, now);
                messages.push((to, message));
                continue;
            }
            self.send_all(std::mem::take(&mut messages), &mut delivered).await?;
            match effect {
                Effect::Send { .. } => {}
                Effect::Report { to, rejection } => {
                    let message = ServerMessage::from(rejection.clone());
                    if self.outbox.send(&to, message).await? == Delivery::Gone {
                        delivered.untold.push((to.clone(), rejection));
                        delivered.gone.push(to);
                    }
                }
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
            delivered.note(conn, delivery);
        }
        Ok(())
    }
}

impl Delivered {
    fn note(&mut self, conn: ConnectionId, delivery: Delivery) {
        match delivery {
            Delivery::Accepted => {}
            Delivery::Gone => self.gone.push(conn),
            Delivery::Busy => self.failed.push((conn, Code::Internal)),
            Delivery::Full => self.failed.push((conn, Code::PeerAway)),
        }
    }

    /// Everything was done, and everybody reached.
    const fn is_all(&self) -> bool {
        self.gone.is_empty() && self.failed.is_empty() && self.untold.is_empty()
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
    let to = &seen.place_of(conn)?.peer;
    if !event.is_for(to) {
        return None;
    }
    let text = "the peer could not be reached in time";
    let rejection = Rejection::new(code, text).retry_after(BUSY);
    Some((&who.conn, rejection.to(Some(to.clone())).answering(request_id.clone())))
}

/// Reports that could not be delivered, for the seats that these connections held.
fn told_later(seen: &Room, untold: Vec<(ConnectionId, Rejection)>) -> Vec<Event<'static>> {
    let later = untold.into_iter().filter_map(|(conn, rejection)| {
        let seat = seen.place_of(&conn)?;
        Some(Event::Untold { peer: seat.peer.clone(), since: seat.since, rejection })
    });
    later.collect()
}
