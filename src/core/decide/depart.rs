//! How places end: by a word, or without one.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::known::Grace;
use crate::core::{Decision, Effect, LeaveReason, Room, Rules, Seat, Standing};
use crate::wire::{PeerId, ServerMessage, Timestamp};

use super::stay;

impl Room {
    /// Ends a place, if there is one. A late goodbye finds nothing of its own and changes nothing.
    pub(super) fn leave(
        &self,
        place: Option<&Seat>,
        reason: LeaveReason,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let Some(place) = place else { return stay(Standing::Unseated, Vec::new()) };
        let mut next = self.without(&place.peer, now);
        if self.waiting_peer(&place.peer).is_some() && reason == LeaveReason::Disconnected {
            // It need not wait from the beginning if it comes back in time.
            let until = now.after(rules.grace());
            next.note_grace(&place.peer, Grace { until, since: place.since }, now);
        }
        let mut effects = next.tell_of_leave(self, place, reason);
        let happened = Happened::Left { reason, since: place.since };
        effects.push(AuditEvent::new(self, &place.peer, happened, now).into());
        Decision { next: Some(next), effects, standing: Standing::Left }
    }

    /// Those who stay hear of a place that ended: of a seat all, of a place in the lobby the hosts.
    /// Once the last host is gone, those who wait are told that they wait for nobody.
    pub(super) fn tell_of_leave(
        &mut self,
        before: &Self,
        gone: &Seat,
        reason: LeaveReason,
    ) -> Vec<Effect> {
        if before.seat(&gone.peer).is_none() {
            return self.tell_hosts(&self.lobby());
        }
        let mut effects = self.tell_of_seat_left(&gone.peer, reason);
        effects.extend(self.tell_if_last_host(gone));
        if let Some(away) = gone.away() {
            effects.extend(self.tell_of_dropped(&gone.peer, away.waiting()));
        }
        effects
    }

    fn tell_of_seat_left(&self, peer: &PeerId, reason: LeaveReason) -> Vec<Effect> {
        self.tell_others(peer, |peers| ServerMessage::PeerLeft {
            room_id: self.id().clone(),
            peer_id: peer.clone(),
            reason,
            version: self.version(),
            peers,
        })
    }

    pub(super) fn tell_if_last_host(&self, gone: &Seat) -> Vec<Effect> {
        if gone.hosts() && !self.has_host() { self.tell_waiting() } else { Vec::new() }
    }
}
