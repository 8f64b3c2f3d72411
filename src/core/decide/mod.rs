//! `decide`: one function from a room and an event to the next room and what to do.

mod again;
mod away;
mod depart;
mod expire;
mod host;
mod join;
mod relay;
mod renew;
mod resume;

use super::{
    Claim, ConnectionId, Decision, Effect, Event, LeaveReason, Room, Rules, Said, Seat, Standing,
};
use crate::wire::{Code, PeerId, PeerInfo, Rejection, RequestId, Role, ServerMessage, Timestamp};

/// What an answer to a client depends on, besides the room and what the client said.
#[derive(Clone, Copy)]
struct Context<'a> {
    who: &'a Claim,
    request_id: Option<&'a RequestId>,
    now: Timestamp,
    rules: &'a Rules,
}

impl Room {
    /// Decides what `event` means for this room, at `now`. The same arguments give the same
    /// decision.
    ///
    /// What is due by `now` comes first: tokens and visits end whether or not anybody says so, and
    /// the next event of any kind expires them.
    pub fn decide(&self, event: &Event<'_>, now: Timestamp, rules: &Rules) -> Decision {
        let Some((room, mut effects)) = self.expire_due(now, rules) else {
            return self.act(event, now, rules);
        };
        if let Event::Said { who, .. } = event
            && self.holds(who)
            && !room.holds(who)
        {
            return Decision { next: Some(room), effects, standing: Standing::Left };
        }
        let decision = room.act(event, now, rules);
        effects.extend(decision.effects);
        Decision { next: decision.next.or(Some(room)), effects, standing: decision.standing }
    }

    fn act(&self, event: &Event<'_>, now: Timestamp, rules: &Rules) -> Decision {
        match event {
            Event::Said { who, request_id, what } => {
                let context = Context { who, request_id: request_id.as_ref(), now, rules };
                let decision = self.answer(&context, what);
                // A join does not show that the client has the answer to it.
                if matches!(what, Said::Join(_)) { decision } else { self.heard(who, decision) }
            }
            Event::Lost { conn, unread } => self.lose(conn, unread, now, rules),
            Event::Untold { peer, since, rejection } => self.tell_late(peer, *since, rejection),
            // What was due has been done.
            Event::Due => stay(Standing::Unseated, Vec::new()),
        }
    }

    fn answer(&self, context: &Context<'_>, what: &Said<'_>) -> Decision {
        let Context { who, now, rules, .. } = *context;
        match what {
            Said::Join(request) => self.join(context, request),
            Said::Signal(signal) => self.signal(context, signal),
            Said::Again(signal, missed) => self.relay_again(context, signal, missed),
            Said::Peers => self.tell(context, |request_id| {
                let peers = self.peers_without(&who.peer);
                let (room_id, version) = (self.id().clone(), self.version());
                send(&who.conn, ServerMessage::Roster { room_id, version, peers, request_id })
            }),
            Said::RoomList => self.tell(context, |request_id| self.room_list(who, request_id)),
            Said::Host(message, secret) => self.host(context, message, secret),
            Said::Renew(grant) => self.renew(context, grant),
            Said::Leave => {
                let place = self.held_by(who).or_else(|| self.waits(who));
                self.leave(place, LeaveReason::Left, now, rules)
            }
        }
    }

    /// A client that speaks has its last resume token, so the one before is no longer needed.
    fn heard(&self, who: &Claim, decision: Decision) -> Decision {
        let has_before = |seat: &&Seat| seat.keys.is_some_and(|keys| keys.has_before());
        let mut seats = self.seats.iter().filter(has_before);
        let Some(seat) = seats.find(|seat| seat.here() == Some(&who.conn)) else { return decision };
        let mut next = decision.next.unwrap_or_else(|| self.changed());
        let known = next.seats.iter_mut().find(|known| known.here() == seat.here());
        known.into_iter().for_each(Seat::note_heard);
        Decision { next: Some(next), ..decision }
    }

    /// In open mode everybody may know every room; with tokens, an operator.
    fn room_list(&self, who: &Claim, request_id: Option<RequestId>) -> Effect {
        let all = self.held_by(who).is_some_and(|seat| seat.is_open() || seat.role == Role::Admin);
        if all {
            return Effect::ListRooms { to: who.conn.clone(), own: self.summary(), request_id };
        }
        send(&who.conn, ServerMessage::RoomList { rooms: vec![self.summary()], request_id })
    }

    /// The one effect that answers a client that holds its seat.
    fn tell(
        &self,
        context: &Context<'_>,
        answer: impl FnOnce(Option<RequestId>) -> Effect,
    ) -> Decision {
        if self.held_by(context.who).is_none() {
            return self.no_seat(context, None);
        }
        stay(Standing::Seated, vec![answer(context.request_id.cloned())])
    }

    /// What a client is told that waits, or whose seat is another connection's, or nobody's.
    fn no_seat(&self, context: &Context<'_>, to: Option<&PeerId>) -> Decision {
        let who = context.who;
        let not_joined = |text: &'static str| {
            vec![context.refuse(Rejection::new(Code::NotJoined, text).to(to.cloned()))]
        };
        if self.waits(who).is_some() {
            return stay(Standing::Seated, not_joined("a host has not admitted you yet"));
        }
        let taken = self.everybody().any(|seat| seat.peer == who.peer);
        let effects = if taken {
            let rejection = Rejection::replaced().to(to.cloned());
            dismiss(&who.conn, rejection.answering(context.request_id.cloned()))
        } else {
            not_joined("this connection has lost its seat")
        };
        stay(Standing::Unseated, effects)
    }

    /// One message to each but `except`, with the peers as that one sees them.
    fn tell_others(
        &self,
        except: &PeerId,
        message: impl Fn(Vec<PeerInfo>) -> ServerMessage,
    ) -> Vec<Effect> {
        self.others(except)
            .filter_map(|seat| Some(send(seat.here()?, message(self.peers_without(&seat.peer)))))
            .collect()
    }

    /// One message to every host.
    fn tell_hosts(&self, message: &ServerMessage) -> Vec<Effect> {
        self.hosts().filter_map(|seat| tell(seat, message.clone())).collect()
    }

    /// Everybody in the lobby is told where it stands: a host has come, or the last one has gone.
    fn tell_waiting(&self) -> Vec<Effect> {
        let told = |waiting| self.where_it_stands(waiting, None);
        self.waiting().iter().filter_map(told).collect()
    }

    /// Asks every seat for a sign of life. A seat whose connection is dead must not keep a living
    /// peer out, so a full room does this before it refuses anybody.
    fn probe(&self) -> Effect {
        Effect::Probe(self.seats().iter().filter_map(Seat::here).cloned().collect())
    }

    fn is_full(&self) -> Rejection {
        let text = format!("all {} seats of this room are taken", self.seats().len());
        Rejection::new(Code::RoomFull, text)
    }
}

impl Context<'_> {
    /// Tells the client that speaks why it is refused.
    fn refuse(&self, rejection: Rejection) -> Effect {
        send(&self.who.conn, rejection.answering(self.request_id.cloned()))
    }
}

fn stay(standing: Standing, effects: Vec<Effect>) -> Decision {
    Decision { next: None, effects, standing }
}

fn send(to: &ConnectionId, message: impl Into<ServerMessage>) -> Effect {
    Effect::Send { to: to.clone(), message: message.into() }
}

/// Tells the peer in a place something, unless it is away.
fn tell(seat: &Seat, message: impl Into<ServerMessage>) -> Option<Effect> {
    Some(send(seat.here()?, message))
}

/// Tells a client why it is refused, and ends its connection if that error does.
fn dismiss(conn: &ConnectionId, rejection: Rejection) -> Vec<Effect> {
    let close = rejection.code.closes_with();
    let close = close.map(|code| Effect::Close { conn: conn.clone(), code });
    std::iter::once(send(conn, rejection)).chain(close).collect()
}

/// Tells the peer in a place why the place ends, and ends its connection if that error does.
fn dismiss_from(place: &Seat, rejection: Rejection) -> Vec<Effect> {
    place.here().map(|conn| dismiss(conn, rejection)).unwrap_or_default()
}

/// Tells the connection that held this place that another one holds it now.
fn replaced(old: &Seat) -> Vec<Effect> {
    dismiss_from(old, Rejection::replaced())
}

#[cfg(test)]
mod ending_tests;
#[cfg(test)]
mod handover_tests;
#[cfg(test)]
mod hold_tests;
#[cfg(test)]
mod ice_tests;
#[cfg(test)]
mod lobby_tests;
#[cfg(test)]
mod lost_answer_tests;
#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;
