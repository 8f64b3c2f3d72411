//! Peers that lose their connections: what waits for them, and what becomes of it.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::presence::{Away, Frame, Presence};
use crate::core::{
    ConnectionId, Decision, Effect, LeaveReason, Room, Rules, Seat, Standing, Unread,
};
use crate::wire::{Code, PeerId, Rejection, ServerMessage, Timestamp};

use super::{Context, send, stay};

impl Room {
    /// A seat outlives its connection for the grace time; a place in the lobby ends. The end of a
    /// connection that holds nothing changes nothing.
    pub(super) fn lose(
        &self,
        conn: &ConnectionId,
        unread: &Unread,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let place = self.place_of(conn);
        let Some(seat) = place.filter(|it| rules.grace_seconds > 0 && self.has_seat(it)) else {
            return self.leave(place, LeaveReason::Disconnected, now, rules);
        };
        let (away, dropped) = Away::new(unread.clone(), now, rules, self.free_bytes(rules));
        let until = away.until;
        let mut lost = Seat { presence: Presence::Away(away), ..seat.clone() };
        lost.note_heard();
        let mut next = self.with_changed(lost);
        let mut effects = next.tell_others(&seat.peer, |peers| ServerMessage::PeerAway {
            room_id: next.id().clone(),
            peer_id: seat.peer.clone(),
            until,
            version: next.version(),
            peers,
        });
        effects.extend(next.tell_of_dropped(&seat.peer, &dropped));
        effects.push(AuditEvent::new(&next, &seat.peer, Happened::Away, now).into());
        Decision { next: Some(next), effects, standing: Standing::Left }
    }

    /// Each sender is told how many of its messages to `gone` will never arrive.
    pub(super) fn tell_of_dropped(&mut self, gone: &PeerId, dropped: &[Frame]) -> Vec<Effect> {
        let senders: Vec<_> = dropped.iter().filter_map(Frame::sender).collect();
        let mut effects = Vec::new();
        for seat in &mut self.seats {
            let count = senders.iter().filter(|sender| **sender == seat.peer).count();
            if count == 0 {
                continue;
            }
            let text = "the peer did not come back in time; what waited for it was dropped";
            let rejection = Rejection::new(Code::PeerGone, text);
            let rejection = rejection.to(Some(gone.clone())).counting(count);
            effects.extend(report(&mut seat.presence, rejection));
        }
        effects
    }

    /// Tells a peer what it could not be told over a connection that had just ended: over the one
    /// that it has now, or else when it comes back.
    pub(super) fn tell_late(
        &self,
        peer: &PeerId,
        since: Timestamp,
        rejection: &Rejection,
    ) -> Decision {
        let Some(seat) = self.seat(peer).filter(|seat| seat.since == since) else {
            return stay(Standing::Unseated, Vec::new());
        };
        let mut told = seat.clone();
        let effect = report(&mut told.presence, rejection.clone());
        let next = effect.is_none().then(|| self.with_changed(told));
        Decision { next, ..stay(Standing::Unseated, effect.into_iter().collect()) }
    }

    /// Hands a message to peers that may be away. Nothing is stored if all are here.
    pub(super) fn pass_on<'a>(
        &'a self,
        context: &Context<'_>,
        to: impl Iterator<Item = &'a Seat>,
        message: &ServerMessage,
    ) -> Decision {
        let (mut next, mut effects) = (None, Vec::new());
        for seat in to {
            let away = match &seat.presence {
                Presence::Here(conn) => {
                    effects.push(send(conn, message.clone()));
                    continue;
                }
                Presence::Away(away) => away,
            };
            let wait = away.until.since(context.now);
            let kept = away.takes_more(context.rules) && {
                let next = next.get_or_insert_with(|| self.changed());
                next.keep_for(&seat.peer, Frame::new(message.clone().encode()), context.rules)
            };
            if !kept {
                let text = "the peer has lost its connection, and nothing more can wait for it";
                let rejection = Rejection::new(Code::PeerAway, text).to(Some(seat.peer.clone()));
                effects.push(context.refuse(rejection.retry_after(wait)));
            }
        }
        Decision { next, ..stay(Standing::Seated, effects) }
    }

    fn keep_for(&mut self, peer: &PeerId, frame: Frame, rules: &Rules) -> bool {
        let free = self.free_bytes(rules);
        let seat = self.seats.iter_mut().find(|seat| seat.peer == *peer);
        match seat.map(|seat| &mut seat.presence) {
            Some(Presence::Away(away)) => away.keep(frame, rules, free),
            _ => false,
        }
    }

    /// In open mode an id is nobody's, so a seat that is away yields to a newcomer when the room is
    /// full: the one that has been away for longest.
    pub(super) fn yielding(&self) -> Option<&Seat> {
        let away = self.seats().iter().filter(|seat| seat.is_open());
        let away = away.filter_map(|seat| Some((seat.away()?.since, seat)));
        away.min_by_key(|(since, _)| *since).map(|(_, seat)| seat)
    }

    fn has_seat(&self, place: &Seat) -> bool {
        self.seat(&place.peer).is_some()
    }
}

/// Tells a peer that messages of its own were dropped: now, or when it comes back.
fn report(presence: &mut Presence, rejection: Rejection) -> Option<Effect> {
    match presence {
        Presence::Here(conn) => Some(Effect::Report { to: conn.clone(), rejection }),
        Presence::Away(away) => {
            away.keep_in_any_case(Frame::new(ServerMessage::from(rejection).encode()));
            None
        }
    }
}
