//! What ends because its time is over.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::{Effect, LeaveReason, Room, Rules, Seat};
use crate::wire::{Code, PeerId, Reason, Rejection, ServerMessage, Timestamp};

use super::{dismiss_from, tell};

/// A visit that has ended refuses joins for at least this long.
const ENDED_FOR_MS: u64 = 24 * 60 * 60 * 1000;

impl Room {
    /// The room after all that was due by `now`: a visit or a token that ends, the warning before,
    /// and new ICE servers. `None`: nothing was.
    pub(super) fn expire_due(&self, now: Timestamp, rules: &Rules) -> Option<(Self, Vec<Effect>)> {
        self.next_due().filter(|due| *due <= now)?;
        if let Some(end) = self.ends_at().filter(|end| *end <= now) {
            let ended = self.ended(now, Timestamp(end.0 + ENDED_FOR_MS));
            let effects = self.tell_of_end(&ended, None, None, Code::VisitExpired, now);
            return Some((ended, effects));
        }
        let expired = self.expired(now);
        let mut next = self.without_all(&expired, now);
        let mut effects = Vec::new();
        for gone in &expired {
            let over = gone.over_after().is_some_and(|end| end <= now);
            let reason = if over { LeaveReason::Expired } else { LeaveReason::Timeout };
            let text = "the token of this visit has expired";
            effects.extend(dismiss_from(gone, Rejection::new(Code::Unauthorized, text)));
            effects.extend(next.tell_of_leave(self, gone, reason));
            if self.seat(&gone.peer).is_some() {
                let happened = Happened::Left { reason, since: gone.since };
                effects.push(AuditEvent::new(self, &gone.peer, happened, now).into());
            }
        }
        if let Some(ends_at) = self.ends_at()
            && self.warns_at(ends_at).is_some_and(|time| time <= now)
        {
            next.warn();
            let all = next.everybody();
            effects.extend(all.filter_map(|it| tell(it, ServerMessage::VisitEnding { ends_at })));
        }
        effects.extend(next.renew_ice(now, rules));
        Some((next, effects))
    }

    /// Tells those whose TURN credentials will end of new ones. Whoever delivers that fills them
    /// in.
    fn renew_ice(&mut self, now: Timestamp, rules: &Rules) -> Vec<Effect> {
        let mut effects = Vec::new();
        for seat in &mut self.seats {
            if seat.ice_due().is_some_and(|due| due <= now) {
                seat.next_ice = rules.next_ice(now);
                let (ice_servers, expires_at) = (Vec::new(), None);
                effects.extend(tell(seat, ServerMessage::IceServers { ice_servers, expires_at }));
            }
        }
        effects
    }

    /// The visit after a host ended it.
    pub(super) fn end(
        &self,
        by: &PeerId,
        reason: Option<&Reason>,
        now: Timestamp,
    ) -> (Self, Vec<Effect>) {
        let ended = self.ended(now, Timestamp(now.0 + ENDED_FOR_MS));
        let effects = self.tell_of_end(&ended, Some(by), reason, Code::VisitEnded, now);
        (ended, effects)
    }

    fn tell_of_end(
        &self,
        ended: &Self,
        by: Option<&PeerId>,
        reason: Option<&Reason>,
        code: Code,
        now: Timestamp,
    ) -> Vec<Effect> {
        let text = match code {
            Code::VisitExpired => "the time of this visit is over",
            _ => "a host ended this visit",
        };
        let mut effects = Vec::new();
        for gone in self.everybody() {
            let told = ServerMessage::VisitEnded { reason: reason.cloned() };
            effects.extend(tell(gone, told));
            effects.extend(dismiss_from(gone, Rejection::new(code, text)));
        }
        effects.extend(self.seats().iter().map(|seat| {
            let happened = Happened::Left { reason: LeaveReason::Ended, since: seat.since };
            AuditEvent::new(self, &seat.peer, happened, now).into()
        }));
        effects.push(AuditEvent::of_room(ended, Happened::Ended { by }, now).into());
        effects
    }

    /// A peer that comes after everybody was told that the visit will end is told so too.
    pub(super) fn warning_for(&self, seat: &Seat) -> Option<Effect> {
        let ends_at = self.ends_at().filter(|end| self.warns_at(*end).is_none())?;
        tell(seat, ServerMessage::VisitEnding { ends_at })
    }
}
