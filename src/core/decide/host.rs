//! What a host decides: who comes in, who goes, and when it is over.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::known::Word;
use crate::core::{ConnectionId, Decision, Effect, Keys, LeaveReason, Room, Seat, Standing};
use crate::wire::{
    CloseCode, Code, HostMessage, PeerId, Reason, Rejection, ResumeSecret, ServerMessage,
};

use super::{Context, dismiss_from, stay, tell};

impl Room {
    pub(super) fn host(
        &self,
        context: &Context<'_>,
        message: &HostMessage,
        secret: &ResumeSecret,
    ) -> Decision {
        let Context { who, now, .. } = *context;
        let refuse = |code, text: String| {
            let rejection = Rejection::new(code, text).to(message.peer().cloned());
            stay(Standing::Seated, vec![context.refuse(rejection)])
        };
        match self.held_by(who) {
            None => return self.no_seat(context, None),
            Some(seat) if !seat.hosts() => {
                let text = format!("`{}` needs a token with the role host", message.kind());
                return refuse(Code::Forbidden, text);
            }
            Some(_) => {}
        }
        if let HostMessage::EndVisit(reason) = message {
            let (next, effects) = self.end(&who.peer, reason.as_ref(), now);
            return Decision { next: Some(next), effects, standing: Standing::Left };
        }
        let Some(peer) = message.peer() else { return stay(Standing::Seated, Vec::new()) };
        let (seat, waiting) = (self.seat(peer), self.waiting_peer(peer));
        match (message, seat, waiting) {
            (_, Some(seat), _) if seat.peer == who.peer => {
                refuse(Code::InvalidMessage, "`peerId`: expected another peer".into())
            }
            (HostMessage::Admit(_), _, Some(waiting)) => self.admit(context, waiting, secret),
            (HostMessage::Deny(_, reason), _, Some(waiting)) => {
                self.deny(context, waiting, reason.as_ref())
            }
            (HostMessage::Hold(_, message), _, Some(waiting)) => {
                self.hold(waiting, message.as_ref())
            }
            (HostMessage::ToLobby(_), Some(seat), _) if seat.hosts() => {
                refuse(Code::Forbidden, "a host never waits".into())
            }
            (HostMessage::ToLobby(_), Some(seat), _) => self.send_back(context, seat),
            (HostMessage::Remove(_, reason), Some(place), _)
            | (HostMessage::Remove(_, reason), None, Some(place)) => {
                self.remove(context, place, reason.as_ref())
            }
            (HostMessage::Remove(..), None, None) if self.knows(peer, now) => {
                self.keep_away(context, peer, Word::Removed(now))
            }
            (HostMessage::ToLobby(_), None, None) if self.knows(peer, now) => {
                self.keep_away(context, peer, Word::SentBack)
            }
            // Decided twice, or by two hosts at once: it is as it should be.
            (HostMessage::Admit(_) | HostMessage::Hold(..), Some(_), None)
            | (HostMessage::ToLobby(_), None, Some(_)) => stay(Standing::Seated, Vec::new()),
            _ => refuse(Code::PeerNotFound, "no such peer in this room or its lobby".into()),
        }
    }

    fn admit(&self, context: &Context<'_>, waiting: &Seat, secret: &ResumeSecret) -> Decision {
        let Context { who, now, rules, .. } = *context;
        if self.seats().len() >= self.capacity(rules) {
            let refusal = context.refuse(self.is_full().to(Some(waiting.peer.clone())));
            return stay(Standing::Seated, vec![self.probe(), refusal]);
        }
        let keys = Some(Keys::new(secret, None));
        let next_ice = rules.next_ice(now);
        let seat = Seat { since: now, keys, next_ice, ..waiting.clone() };
        let next = self.with(seat.clone());
        let mut effects = next.announce(&seat, false);
        let answer = Context { request_id: None, ..*context };
        effects.extend(next.welcome(&answer, &seat, secret, None));
        effects.extend(next.warning_for(&seat));
        effects.extend(next.tell_hosts(&next.lobby()));
        let happened = Happened::Admitted { by: &who.peer };
        effects.push(AuditEvent::new(&next, &seat.peer, happened, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    fn deny(&self, context: &Context<'_>, waiting: &Seat, reason: Option<&Reason>) -> Decision {
        let Context { who, now, .. } = *context;
        let next = self.without(&waiting.peer, now);
        let denied = ServerMessage::Denied { reason: reason.cloned() };
        let close =
            |conn: &ConnectionId| Effect::Close { conn: conn.clone(), code: CloseCode::Denied };
        let mut effects: Vec<_> = tell(waiting, denied).into_iter().collect();
        effects.extend(waiting.here().map(close));
        effects.extend(next.tell_hosts(&next.lobby()));
        let happened = Happened::Denied { by: &who.peer };
        effects.push(AuditEvent::new(self, &waiting.peer, happened, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// The guest keeps its place, and nothing of this is remembered.
    fn hold(&self, waiting: &Seat, message: Option<&Reason>) -> Decision {
        let told = ServerMessage::Waiting {
            room_id: self.id().clone(),
            peer_id: waiting.peer.clone(),
            version: self.version(),
            host_present: true,
            since: waiting.since,
            message: message.cloned(),
            request_id: None,
        };
        stay(Standing::Seated, tell(waiting, told).into_iter().collect())
    }

    /// Back to the lobby, even if its token would not have sent it there. A peer that is away loses
    /// its seat, and waits when it comes back.
    fn send_back(&self, context: &Context<'_>, seat: &Seat) -> Decision {
        let Context { who, now, .. } = *context;
        let waiting = Seat { since: now, keys: None, ..seat.clone() };
        let mut next = match seat.here() {
            Some(_) => self.with_waiting(waiting.clone()),
            None => self.without(&seat.peer, now),
        };
        next.note_word(&seat.peer, Word::SentBack, now);
        let mut effects = next.tell_of_leave(self, seat, LeaveReason::Removed);
        effects.extend(next.where_it_stands(&waiting, None));
        effects.extend(next.tell_hosts(&next.lobby()));
        let happened = Happened::SentBack { by: &who.peer };
        effects.push(AuditEvent::new(self, &seat.peer, happened, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// For as long as the visit is known, and whatever token it comes with.
    fn remove(&self, context: &Context<'_>, gone: &Seat, reason: Option<&Reason>) -> Decision {
        let Context { who, now, .. } = *context;
        let mut next = self.without(&gone.peer, now);
        next.note_word(&gone.peer, Word::Removed(now), now);
        let rejection = Rejection::new(Code::Removed, "a host removed you from this visit");
        let mut effects = dismiss_from(gone, rejection.because(reason.cloned()));
        effects.extend(next.tell_of_leave(self, gone, LeaveReason::Removed));
        let since = self.seat(&gone.peer).map(|seat| seat.since);
        let happened = Happened::Removed { by: &who.peer, since };
        effects.push(AuditEvent::new(self, &gone.peer, happened, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// What a host decides about a peer that was here and is not at the moment.
    fn keep_away(&self, context: &Context<'_>, peer: &PeerId, word: Word) -> Decision {
        let Context { who, now, .. } = *context;
        // Nothing takes a removal back, and what was said before is not said again.
        if self.word_on(peer, now) >= Some(word) {
            return stay(Standing::Seated, Vec::new());
        }
        let mut next = self.changed();
        next.note_word(peer, word, now);
        let happened = match word {
            Word::Removed(_) => Happened::Removed { by: &who.peer, since: None },
            Word::SentBack => Happened::SentBack { by: &who.peer },
        };
        let effects = vec![AuditEvent::new(self, peer, happened, now).into()];
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }
}
