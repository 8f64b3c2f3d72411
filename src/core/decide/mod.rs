//! `decide`: one function from a room and an event to the next room and what to do.

mod again;
mod depart;
mod host;
mod join;
mod relay;

use crate::wire::{Code, PeerId, PeerInfo, Rejection, RequestId, Role, ServerMessage, Timestamp};

use super::{ConnectionId, Decision, Effect, Event, LeaveReason, Room, Rules, Session, Standing};

impl Room {
    /// Decides what `event` means for this room, at `now`, when `who` speaks. The same arguments
    /// give the same decision.
    ///
    /// What is due by `now` comes first: tokens and visits end whether or not anybody says so, and
    /// whichever event is the next to come puts the room right.
    pub fn decide(
        &self,
        who: &Session,
        event: &Event<'_>,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let Some((room, mut effects)) = self.put_right(now) else {
            return self.act(who, event, now, rules);
        };
        if self.holds(who) && !room.holds(who) {
            return Decision { next: Some(room), effects, standing: Standing::Left };
        }
        let decision = room.act(who, event, now, rules);
        effects.extend(decision.effects);
        Decision { next: decision.next.or(Some(room)), effects, standing: decision.standing }
    }

    fn act(&self, who: &Session, event: &Event<'_>, now: Timestamp, rules: &Rules) -> Decision {
        match event {
            Event::Join(request) => self.join(who, request, now, rules),
            Event::Signal { signal, request_id } => {
                self.signal(who, signal, request_id.as_ref(), now)
            }
            Event::Peers { request_id } => self.seated(who, request_id.as_ref(), |request_id| {
                let peers = self.peers_without(&who.peer);
                let (room_id, version) = (self.id().clone(), self.version());
                send(&who.conn, ServerMessage::Roster { room_id, version, peers, request_id })
            }),
            Event::RoomList { request_id } => {
                self.seated(who, request_id.as_ref(), |request_id| self.room_list(who, request_id))
            }
            Event::Host { message, request_id } => {
                self.host(who, message, request_id.as_ref(), now, rules)
            }
            Event::Leave => {
                self.leave(self.held_by(who), self.waits(who), LeaveReason::Left, now, rules)
            }
            Event::Lost(conn) => self.lose(conn, now, rules),
            // Putting the room right was all.
            Event::Due if self.holds(who) => stay(Standing::Seated, Vec::new()),
            Event::Due => stay(Standing::Unseated, Vec::new()),
        }
    }

    /// In open mode everybody may know every room; with tokens, whoever looks after the service.
    fn room_list(&self, who: &Session, request_id: Option<RequestId>) -> Effect {
        let all = self.held_by(who).is_some_and(|seat| seat.is_open() || seat.role == Role::Admin);
        if all {
            return Effect::ListRooms { to: who.conn.clone(), own: self.summary(), request_id };
        }
        send(&who.conn, ServerMessage::RoomList { rooms: vec![self.summary()], request_id })
    }

    /// The one effect that answers a speaker who holds its seat.
    fn seated(
        &self,
        who: &Session,
        request_id: Option<&RequestId>,
        answer: impl FnOnce(Option<RequestId>) -> Effect,
    ) -> Decision {
        if self.held_by(who).is_none() {
            return self.no_seat(who, None, request_id);
        }
        stay(Standing::Seated, vec![answer(request_id.cloned())])
    }

    /// What a speaker is told whose seat is another connection's, or nobody's, or who waits.
    fn no_seat(
        &self,
        who: &Session,
        to: Option<&PeerId>,
        request_id: Option<&RequestId>,
    ) -> Decision {
        let not_joined = |text: &'static str| {
            let rejection = Rejection::new(Code::NotJoined, text);
            vec![send(&who.conn, rejection.to(to.cloned()).answering(request_id.cloned()))]
        };
        if self.waits(who).is_some() {
            return stay(Standing::Seated, not_joined("a host has not admitted you yet"));
        }
        let effects = if self.seat(&who.peer).is_some() || self.waiting_peer(&who.peer).is_some() {
            replaced(&who.conn, to, request_id)
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
            .map(|seat| send(&seat.conn, message(self.peers_without(&seat.peer))))
            .collect()
    }

    /// One message to every host.
    fn tell_hosts(&self, message: &ServerMessage) -> Vec<Effect> {
        self.hosts().map(|seat| send(&seat.conn, message.clone())).collect()
    }

    /// Everybody in the lobby is told where it stands: a host has come, or the last one has gone.
    fn tell_waiting(&self) -> Vec<Effect> {
        let told = |waiting| self.where_it_stands(waiting, None);
        self.waiting().iter().map(told).collect()
    }
}

const REPLACED: &str = "another connection took this peer id";

fn stay(standing: Standing, effects: Vec<Effect>) -> Decision {
    Decision { next: None, effects, standing }
}

fn send(to: &ConnectionId, message: impl Into<ServerMessage>) -> Effect {
    Effect::Send { to: to.clone(), message: message.into() }
}

/// Tells a client why it is refused, and ends its connection if that error does.
fn dismiss(conn: &ConnectionId, rejection: Rejection) -> Vec<Effect> {
    let close = rejection.code.closes_with();
    let close = close.map(|code| Effect::Close { conn: conn.clone(), code });
    std::iter::once(send(conn, rejection)).chain(close).collect()
}

fn replaced(
    conn: &ConnectionId,
    to: Option<&PeerId>,
    request_id: Option<&RequestId>,
) -> Vec<Effect> {
    let rejection = Rejection::new(Code::Replaced, REPLACED);
    dismiss(conn, rejection.to(to.cloned()).answering(request_id.cloned()))
}

#[cfg(test)]
mod ending_tests;
#[cfg(test)]
mod lobby_tests;
#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod tests;
