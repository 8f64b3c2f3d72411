//! `decide`: one function from a room and an event to the next room and what to do.

use crate::redact::Redacted;
use crate::wire::{
    BootstrapPeer, CloseCode, Code, LeaveReason, PeerId, PeerInfo, Recipient, Rejection, RequestId,
    Role, ServerMessage, Signal, Stamp, Timestamp,
};

use super::{
    ConnectionId, Decision, Effect, Event, JoinRequest, Room, Rules, Seat, Session, Standing,
};

impl Room {
    /// Decides what `event` means for this room, at `now`, when `who` speaks. The same arguments
    /// give the same decision.
    pub fn decide(
        &self,
        who: &Session,
        event: &Event<'_>,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        match event {
            Event::Join(request) => self.join(who, request, now, rules),
            Event::Signal { signal, request_id } => match self.held_by(who) {
                Some(_) => self.relay(who, signal, request_id.as_ref(), now),
                None => self.no_seat(who, signal.to.peer(), request_id.as_ref()),
            },
            Event::Peers { request_id } => self.seated(who, request_id.as_ref(), |request_id| {
                let peers = self.peers_without(&who.peer);
                let (room_id, version) = (self.id().clone(), self.version());
                send(&who.conn, ServerMessage::Roster { room_id, version, peers, request_id })
            }),
            Event::RoomList { request_id } => self.seated(who, request_id.as_ref(), |request_id| {
                Effect::ListRooms { to: who.conn.clone(), own: self.summary(), request_id }
            }),
            Event::HostOnly { kind, request_id } => {
                self.seated(who, request_id.as_ref(), |request_id| {
                    let text = format!("`{kind}` needs a token with the role host");
                    let rejection = Rejection::new(Code::Forbidden, text);
                    send(&who.conn, rejection.answering(request_id))
                })
            }
            Event::Leave => self.leave(&who.conn, LeaveReason::Left),
            Event::Lost(conn) => self.leave(conn, LeaveReason::Disconnected),
        }
    }

    fn join(
        &self,
        who: &Session,
        request: &JoinRequest,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let before = self.seat(&who.peer);
        if before.is_some_and(|seat| seat.conn == who.conn) {
            // A repeated write whose first answer was lost: it is told once more.
            return stay(Standing::Seated, self.welcome(who, request, rules));
        }
        if before.is_none() && self.seats().len() >= rules.max_peers_per_room {
            return self.full(who, request);
        }
        let next = self.with(Seat {
            peer: who.peer.clone(),
            conn: who.conn.clone(),
            name: request.name.clone(),
            role: Role::Guest,
            joined_at: now,
            metadata: request.metadata.clone(),
        });
        let mut effects = next.tell_others(&who.peer, |peers| ServerMessage::PeerJoined {
            room_id: next.id().clone(),
            peer_id: who.peer.clone(),
            display_name: request.name.clone(),
            role: Role::Guest,
            version: next.version(),
            peers,
            rejoined: before.is_some(),
        });
        // In open mode whoever comes last is believed to be the peer it names.
        effects.extend(before.into_iter().flat_map(|old| replaced(&old.conn, None, None)));
        effects.extend(next.welcome(who, request, rules));
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// A seat whose connection is dead must not keep a living peer out, so before it is refused
    /// every seat is asked for a sign of life.
    fn full(&self, who: &Session, request: &JoinRequest) -> Decision {
        let probe = Effect::Probe(self.seats().iter().map(|seat| seat.conn.clone()).collect());
        let text = format!("all {} seats of this room are taken", self.seats().len());
        let refusal = Rejection::new(Code::RoomFull, text).answering(request.request_id.clone());
        stay(Standing::Unseated, vec![probe, send(&who.conn, refusal)])
    }

    /// What the newcomer is told. It offers to those in `peers`.
    fn welcome(&self, who: &Session, request: &JoinRequest, rules: &Rules) -> Vec<Effect> {
        let joined = ServerMessage::Joined {
            room_id: self.id().clone(),
            peer_id: who.peer.clone(),
            version: self.version(),
            peers: self.peers_without(&who.peer),
            ice_servers: [],
            heartbeat_seconds: rules.heartbeat_seconds,
            resumed: false,
            role: Role::Guest,
            request_id: request.request_id.clone(),
        };
        let mut effects = vec![send(&who.conn, joined)];
        let mut others = self.others(&who.peer).peekable();
        if !request.named_room && others.peek().is_some() {
            let peers = others.map(|seat| BootstrapPeer { id: seat.peer.clone() }).collect();
            effects.push(send(&who.conn, ServerMessage::BootstrapPeers { peers }));
        }
        effects
    }

    /// Passes a message on, untouched but for the stamp. Nothing is stored.
    fn relay(
        &self,
        who: &Session,
        signal: &Signal<'_>,
        request_id: Option<&RequestId>,
        now: Timestamp,
    ) -> Decision {
        let stamped =
            |sent_at| Redacted::new(signal.envelope.stamped(Stamp { from: &who.peer, sent_at }));
        let effects = match &signal.to {
            Recipient::Room => {
                let text = stamped(Some(now));
                self.others(&who.peer)
                    .map(|seat| send(&seat.conn, ServerMessage::Relayed(text.clone())))
                    .collect()
            }
            Recipient::Peer(to) => vec![match self.seat(to) {
                Some(seat) if seat.peer != who.peer => {
                    send(&seat.conn, ServerMessage::Relayed(stamped(None)))
                }
                own_or_none => {
                    let rejection = match own_or_none {
                        Some(_) => Rejection::new(Code::InvalidMessage, TO_ONESELF),
                        None => Rejection::new(Code::PeerNotFound, "no such peer in this room"),
                    };
                    let rejection = rejection.to(Some(to.clone()));
                    send(&who.conn, rejection.answering(request_id.cloned()))
                }
            }],
        };
        stay(Standing::Seated, effects)
    }

    /// Ends the seat of `conn`. A late goodbye finds no seat of its own and changes nothing.
    fn leave(&self, conn: &ConnectionId, reason: LeaveReason) -> Decision {
        let Some(seat) = self.seats().iter().find(|seat| seat.conn == *conn) else {
            return stay(Standing::Unseated, Vec::new());
        };
        let next = self.without(&seat.peer);
        let effects = next.tell_others(&seat.peer, |peers| ServerMessage::PeerLeft {
            room_id: next.id().clone(),
            peer_id: seat.peer.clone(),
            reason,
            version: next.version(),
            peers,
        });
        Decision { next: Some(next), effects, standing: Standing::Left }
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

    /// What a speaker is told whose seat is another connection's, or nobody's.
    fn no_seat(
        &self,
        who: &Session,
        to: Option<&PeerId>,
        request_id: Option<&RequestId>,
    ) -> Decision {
        let effects = if self.seat(&who.peer).is_some() {
            replaced(&who.conn, to, request_id)
        } else {
            let rejection = Rejection::new(Code::NotJoined, "this connection has lost its seat");
            vec![send(&who.conn, rejection.to(to.cloned()).answering(request_id.cloned()))]
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
}

const TO_ONESELF: &str = "`to`: expected another peer of this room, not the sender";

fn stay(standing: Standing, effects: Vec<Effect>) -> Decision {
    Decision { next: None, effects, standing }
}

fn send(to: &ConnectionId, message: impl Into<ServerMessage>) -> Effect {
    Effect::Send { to: to.clone(), message: message.into() }
}

fn replaced(
    conn: &ConnectionId,
    to: Option<&PeerId>,
    request_id: Option<&RequestId>,
) -> Vec<Effect> {
    let rejection = Rejection::new(Code::Replaced, "another connection took this peer id");
    let rejection = rejection.to(to.cloned()).answering(request_id.cloned());
    let close = Effect::Close { conn: conn.clone(), code: CloseCode::Replaced };
    vec![send(conn, rejection), close]
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
