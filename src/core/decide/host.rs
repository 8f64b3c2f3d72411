//! What a host decides: who comes in, who goes, and when it is over.

use crate::core::audit::{Entry, What};
use crate::core::known::Word;
use crate::core::{
    ConnectionId, Decision, Effect, LeaveReason, Room, Rules, Seat, Session, Standing, Waiting,
};
use crate::wire::{
    CloseCode, Code, HostMessage, PeerId, Reason, Rejection, RequestId, ServerMessage, Timestamp,
};

use super::{dismiss, send, stay};

/// An ended visit refuses joins for as long at least.
const ENDED_FOR_MS: u64 = 24 * 60 * 60 * 1000;

impl Room {
    pub(super) fn host(
        &self,
        who: &Session,
        message: &HostMessage,
        request_id: Option<&RequestId>,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let refuse = |code, text: String| {
            let rejection = Rejection::new(code, text).to(message.peer().cloned());
            stay(Standing::Seated, vec![send(&who.conn, rejection.answering(request_id.cloned()))])
        };
        match self.held_by(who) {
            None => return self.no_seat(who, None, request_id),
            Some(seat) if !seat.hosts() => {
                let text = format!("`{}` needs a token with the role host", message.kind());
                return refuse(Code::Forbidden, text);
            }
            Some(_) => {}
        }
        if let HostMessage::EndVisit(reason) = message {
            return self.end(Some(&who.peer), reason.as_ref(), Code::VisitEnded, now);
        }
        let Some(peer) = message.peer() else { return stay(Standing::Seated, Vec::new()) };
        let (seat, waiting) = (self.seat(peer), self.waiting_peer(peer));
        match (message, seat, waiting) {
            (_, Some(seat), _) if seat.conn == who.conn => {
                refuse(Code::InvalidMessage, "`peerId`: expected another peer".into())
            }
            (HostMessage::Admit(_), _, Some(waiting)) => {
                self.admit(who, waiting, request_id, now, rules)
            }
            (HostMessage::Deny(_, reason), _, Some(waiting)) => {
                self.deny(who, waiting, reason.as_ref(), now)
            }
            (HostMessage::ToLobby(_), Some(seat), _) if seat.hosts() => {
                refuse(Code::Forbidden, "a host never waits".into())
            }
            (HostMessage::ToLobby(_), Some(seat), _) => self.send_back(who, seat, now),
            (HostMessage::Remove(_, reason), Some(seat), _) => {
                self.remove(who, (&seat.peer, &seat.conn), reason.as_ref(), now)
            }
            (HostMessage::Remove(_, reason), None, Some(waiting)) => {
                self.remove(who, (&waiting.peer, &waiting.conn), reason.as_ref(), now)
            }
            (HostMessage::Remove(..), None, None) if self.knows(peer, now) => {
                self.keep_away(who, peer, Word::Removed(now), now)
            }
            (HostMessage::ToLobby(_), None, None) if self.knows(peer, now) => {
                self.keep_away(who, peer, Word::SentBack, now)
            }
            // Decided twice, or by two hosts at once: it is as it should be.
            (HostMessage::Admit(_), Some(_), None) | (HostMessage::ToLobby(_), None, Some(_)) => {
                stay(Standing::Seated, Vec::new())
            }
            _ => refuse(Code::PeerNotFound, "no such peer in this room or its lobby".into()),
        }
    }

    fn admit(
        &self,
        who: &Session,
        waiting: &Waiting,
        request_id: Option<&RequestId>,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        if self.seats().len() >= self.capacity(rules) {
            let text = format!("all {} seats of this room are taken", self.seats().len());
            let rejection = Rejection::new(Code::RoomFull, text).to(Some(waiting.peer.clone()));
            let refusal = send(&who.conn, rejection.answering(request_id.cloned()));
            let probe = Effect::Probe(self.seats().iter().map(|seat| seat.conn.clone()).collect());
            return stay(Standing::Seated, vec![probe, refusal]);
        }
        let next = self.with(Seat {
            peer: waiting.peer.clone(),
            conn: waiting.conn.clone(),
            name: waiting.name.clone(),
            role: waiting.role,
            joined_at: now,
            metadata: waiting.metadata.clone(),
            expires_at: Some(waiting.expires_at),
            admitted: true,
        });
        let guest = Session {
            conn: waiting.conn.clone(),
            room: self.id().clone(),
            peer: waiting.peer.clone(),
        };
        let mut effects = next.announce(&guest, false);
        effects.push(send(
            &guest.conn,
            ServerMessage::Joined {
                room_id: next.id().clone(),
                peer_id: guest.peer.clone(),
                version: next.version(),
                peers: next.peers_without(&guest.peer),
                ice_servers: [],
                heartbeat_seconds: rules.heartbeat_seconds,
                resumed: false,
                role: waiting.role,
                expires_at: Some(next.ends_for(waiting.expires_at)),
                request_id: None,
            },
        ));
        effects.extend(next.warning_for(&guest.conn));
        effects.extend(next.tell_hosts(&next.lobby()));
        effects.push(Entry::new(&next, &guest.peer, What::Admitted { by: &who.peer }, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    fn deny(
        &self,
        who: &Session,
        waiting: &Waiting,
        reason: Option<&Reason>,
        now: Timestamp,
    ) -> Decision {
        let next = self.without(&waiting.peer, now);
        let denied = ServerMessage::Denied { reason: reason.cloned() };
        let close = Effect::Close { conn: waiting.conn.clone(), code: CloseCode::Denied };
        let mut effects = vec![send(&waiting.conn, denied), close];
        effects.extend(next.tell_hosts(&next.lobby()));
        let what = What::Denied { by: &who.peer };
        effects.push(Entry::new(self, &waiting.peer, what, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// Back to the lobby, also if its token would not have sent it there.
    fn send_back(&self, who: &Session, seat: &Seat, now: Timestamp) -> Decision {
        let waiting = Waiting {
            peer: seat.peer.clone(),
            conn: seat.conn.clone(),
            name: seat.name.clone(),
            metadata: seat.metadata.clone(),
            role: seat.role,
            since: now,
            expires_at: seat.expires_at.unwrap_or(now),
        };
        let mut next = self.with_waiting(waiting.clone());
        next.note_word(&seat.peer, Word::SentBack, now);
        let mut effects = next.tell_of_leave(&seat.peer, LeaveReason::Removed);
        effects.push(next.where_it_stands(&waiting, None));
        effects.extend(next.tell_hosts(&next.lobby()));
        let what = What::SentBack { by: &who.peer };
        effects.push(Entry::new(self, &seat.peer, what, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// For as long as the visit is known, and whatever token it comes with.
    fn remove(
        &self,
        who: &Session,
        (peer, conn): (&PeerId, &ConnectionId),
        reason: Option<&Reason>,
        now: Timestamp,
    ) -> Decision {
        let seated = self.seat(peer);
        let mut next = self.without(peer, now);
        next.note_word(peer, Word::Removed(now), now);
        let rejection = Rejection::new(Code::Removed, "a host removed you from this visit");
        let mut effects = dismiss(conn, rejection.because(reason.cloned()));
        match seated {
            Some(_) => effects.extend(next.tell_of_leave(peer, LeaveReason::Removed)),
            None => effects.extend(next.tell_hosts(&next.lobby())),
        }
        let since = seated.map(|seat| seat.joined_at);
        let what = What::Removed { by: &who.peer, since };
        effects.push(Entry::new(self, peer, what, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// What a host decides of somebody who was here and is not at the moment.
    fn keep_away(&self, who: &Session, peer: &PeerId, word: Word, now: Timestamp) -> Decision {
        // Nothing takes a removal back, and what was said before is not said again.
        if self.word_on(peer, now) >= Some(word) {
            return stay(Standing::Seated, Vec::new());
        }
        let mut next = self.changed();
        next.note_word(peer, word, now);
        let what = match word {
            Word::Removed(_) => What::Removed { by: &who.peer, since: None },
            Word::SentBack => What::SentBack { by: &who.peer },
        };
        let effects = vec![Entry::new(self, peer, what, now).into()];
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// The visit is over for everybody.
    pub(super) fn end(
        &self,
        by: Option<&PeerId>,
        reason: Option<&Reason>,
        code: Code,
        now: Timestamp,
    ) -> Decision {
        let text = match code {
            Code::VisitExpired => "the time of this visit is over",
            _ => "a host ended this visit",
        };
        let seated = self.seats().iter().map(|seat| &seat.conn);
        let mut effects = Vec::new();
        for conn in seated.chain(self.waiting().iter().map(|waiting| &waiting.conn)) {
            effects.push(send(conn, ServerMessage::VisitEnded { reason: reason.cloned() }));
            effects.extend(dismiss(conn, Rejection::new(code, text)));
        }
        let next = self.ended(now, Timestamp(now.0 + ENDED_FOR_MS));
        let ends = self.seats().iter().map(|seat| {
            let what = What::Left { reason: LeaveReason::Ended, since: seat.joined_at };
            Entry::new(self, &seat.peer, what, now).into()
        });
        effects.extend(ends);
        effects.push(Entry::of_room(&next, What::Ended { by }, now).into());
        Decision { next: Some(next), effects, standing: Standing::Left }
    }
}
