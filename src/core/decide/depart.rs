//! How seats end: by a word, without one, or because their time is over.

use crate::core::audit::{Entry, What};
use crate::core::grant::WARNING_MS;
use crate::core::known::{Grace, Held};
use crate::core::{
    ConnectionId, Decision, Effect, LeaveReason, Room, Rules, Seat, Standing, Waiting,
};
use crate::wire::{Code, PeerId, Rejection, ServerMessage, Timestamp};

use super::{dismiss, send, stay};

impl Room {
    /// Ends a connection's seat, or its place in the lobby.
    pub(super) fn lose(&self, conn: &ConnectionId, now: Timestamp, rules: &Rules) -> Decision {
        let seat = self.seats().iter().find(|seat| seat.conn == *conn);
        let waiting = self.waiting().iter().find(|waiting| waiting.conn == *conn);
        self.leave(seat, waiting, LeaveReason::Disconnected, now, rules)
    }

    /// Ends a seat, or a place in the lobby. A late goodbye finds nothing of its own and changes
    /// nothing.
    pub(super) fn leave(
        &self,
        seat: Option<&Seat>,
        waiting: Option<&Waiting>,
        reason: LeaveReason,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let lost = reason == LeaveReason::Disconnected;
        let until = Timestamp(now.0 + rules.grace_seconds * 1000);
        if let Some(seat) = seat {
            let mut next = self.without(&seat.peer, now);
            if lost && seat.admitted {
                // It need not be admitted again if it comes back in time.
                next.note_grace(&seat.peer, Grace { until, held: Held::Admission }, now);
            }
            let mut effects = next.tell_of_leave(&seat.peer, reason);
            effects.extend(self.last_host(seat, &next));
            let what = What::Left { reason, since: seat.joined_at };
            effects.push(Entry::new(self, &seat.peer, what, now).into());
            return Decision { next: Some(next), effects, standing: Standing::Left };
        }
        let Some(waiting) = waiting else { return stay(Standing::Unseated, Vec::new()) };
        let mut next = self.without(&waiting.peer, now);
        if lost {
            let held = Held::Place(waiting.since);
            next.note_grace(&waiting.peer, Grace { until, held }, now);
        }
        let mut effects = next.tell_hosts(&next.lobby());
        let what = What::Left { reason, since: waiting.since };
        effects.push(Entry::new(self, &waiting.peer, what, now).into());
        Decision { next: Some(next), effects, standing: Standing::Left }
    }

    /// Those who stay hear of a seat that ended.
    pub(super) fn tell_of_leave(&self, peer: &PeerId, reason: LeaveReason) -> Vec<Effect> {
        self.tell_others(peer, |peers| ServerMessage::PeerLeft {
            room_id: self.id().clone(),
            peer_id: peer.clone(),
            reason,
            version: self.version(),
            peers,
        })
    }

    /// Once the last host is gone, those who wait are told that they wait for nobody.
    pub(super) fn last_host(&self, gone: &Seat, next: &Self) -> Vec<Effect> {
        if gone.hosts() && next.hosts().next().is_none() { next.tell_waiting() } else { Vec::new() }
    }

    /// Who comes after everybody was told that the visit will end is told so too.
    pub(super) fn warning_for(&self, conn: &ConnectionId) -> Option<Effect> {
        let ends_at = self.ends_at().filter(|_| self.warned())?;
        Some(send(conn, ServerMessage::VisitEnding { ends_at }))
    }

    /// What is due by `now`: a visit or a token that ends, a warning before. `None`: nothing.
    pub(super) fn put_right(&self, now: Timestamp) -> Option<(Self, Vec<Effect>)> {
        if self.is_open() {
            return None;
        }
        if self.ends_at().is_some_and(|end| end <= now) {
            let Decision { next, effects, .. } = self.end(None, None, Code::VisitExpired, now);
            return next.map(|next| (next, effects));
        }
        let warning = self.ends_at().filter(|end| end.0 <= now.0 + WARNING_MS && !self.warned());
        let expired = self.expired(now);
        if warning.is_none() && expired.is_empty() {
            return None;
        }
        let mut next = self.without_all(&expired, now);
        let mut effects = Vec::new();
        for (peer, conn) in &expired {
            let text = "the token of this visit has expired";
            effects.extend(dismiss(conn, Rejection::new(Code::Unauthorized, text)));
            if let Some(seat) = self.seat(peer) {
                effects.extend(next.tell_of_leave(peer, LeaveReason::Expired));
                effects.extend(self.last_host(seat, &next));
                let what = What::Left { reason: LeaveReason::Expired, since: seat.joined_at };
                effects.push(Entry::new(self, peer, what, now).into());
            } else {
                effects.extend(next.tell_hosts(&next.lobby()));
            }
        }
        if let Some(ends_at) = warning {
            next.warn();
            let present = next.seats().iter().map(|seat| &seat.conn);
            let all = present.chain(next.waiting().iter().map(|waiting| &waiting.conn));
            effects.extend(all.map(|conn| send(conn, ServerMessage::VisitEnding { ends_at })));
        }
        Some((next, effects))
    }
}
