//! Who asks for a seat: gets one, waits in the lobby, or is refused.

use crate::core::audit::{Entry, What};
use crate::core::known::{Held, Word};
use crate::core::{
    Decision, Effect, Grant, JoinRequest, LeaveReason, Room, Rules, Seat, Session, Standing,
    Waiting,
};
use crate::wire::{BootstrapPeer, Code, Rejection, RequestId, Role, ServerMessage, Timestamp};

use super::{dismiss, replaced, send, stay};

/// So many may wait for one visit at a time.
const MAX_WAITING: usize = 50;

impl Room {
    pub(super) fn join(
        &self,
        who: &Session,
        request: &JoinRequest,
        now: Timestamp,
        rules: &Rules,
    ) -> Decision {
        let decision = self.ask(who, request, now, rules);
        match &request.grant {
            Some(grant) if decision.standing == Standing::Unseated => {
                Decision { next: self.note_token(&who.peer, grant, now), ..decision }
            }
            _ => decision,
        }
    }

    fn ask(&self, who: &Session, request: &JoinRequest, now: Timestamp, rules: &Rules) -> Decision {
        if let Some(refusal) = self.closed_to(who, request, now) {
            return stay(Standing::Unseated, refusal);
        }
        let before = self.seat(&who.peer);
        if before.is_some_and(|seat| seat.conn == who.conn) {
            // A repeated write whose first answer was lost: it is told once more.
            return stay(Standing::Seated, self.welcome(who, request, rules));
        }
        // Who sat as one that is let in at once need not wait because of another token.
        let sat = before.is_some_and(|seat| seat.role != Role::Observer);
        if !sat && self.must_wait(who, request, now) {
            return self.wait(who, request, now);
        }
        let asked = request.grant.as_ref().and_then(|grant| grant.capacity);
        let most = asked.unwrap_or_else(|| self.capacity(rules));
        if before.is_none() && self.seats().len() >= most {
            return self.full(who, request);
        }
        let grant = request.grant.as_ref();
        let seat = Seat {
            peer: who.peer.clone(),
            conn: who.conn.clone(),
            name: request.name.clone(),
            role: request.role(),
            joined_at: now,
            metadata: request.metadata.clone(),
            expires_at: grant.map(|grant| grant.expires_at),
            admitted: before.is_some_and(|seat| seat.admitted)
                || grant.is_some_and(|it| it.lobby && it.role == Role::Guest && before.is_none()),
        };
        let mut next = self.with(seat);
        next.learn(grant, now);
        let mut effects = next.announce(who, before.is_some());
        // In open mode whoever comes last is believed to be the peer it names.
        effects.extend(before.into_iter().flat_map(|old| replaced(&old.conn, None, None)));
        effects.extend(self.called_in(who, &next));
        effects.extend(next.welcome(who, request, rules));
        effects.extend(before.into_iter().flat_map(|old| self.last_host(old, &next)));
        effects.extend(next.lobby_of(who, self.hosts().next().is_none()));
        effects.extend(next.warning_for(&who.conn));
        effects.push(Entry::new(&next, &who.peer, What::Joined, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// Who waited and now sits is told so on the connection that waited, and the hosts hear of it.
    fn called_in(&self, who: &Session, next: &Self) -> Vec<Effect> {
        let Some(waiting) = self.waiting_peer(&who.peer) else { return Vec::new() };
        let mut effects = next.tell_hosts(&next.lobby());
        if waiting.conn != who.conn {
            effects.extend(replaced(&waiting.conn, None, None));
        }
        effects
    }

    /// The others hear of a newcomer.
    pub(super) fn announce(&self, who: &Session, rejoined: bool) -> Vec<Effect> {
        let Some(seat) = self.seat(&who.peer) else { return Vec::new() };
        self.tell_others(&who.peer, |peers| ServerMessage::PeerJoined {
            room_id: self.id().clone(),
            peer_id: who.peer.clone(),
            display_name: seat.name.clone(),
            role: seat.role,
            version: self.version(),
            peers,
            rejoined,
        })
    }

    /// Why nobody, or not this one, is let in any more.
    fn closed_to(
        &self,
        who: &Session,
        request: &JoinRequest,
        now: Timestamp,
    ) -> Option<Vec<Effect>> {
        let grant = request.grant.as_ref();
        if self.has_ended(now) {
            let text = "this visit has ended";
            return Some(dismiss(&who.conn, Rejection::new(Code::VisitEnded, text)));
        }
        let end = grant.and_then(|grant| grant.visit_end).max(self.ends_at());
        if end.is_some_and(|end| end <= now) {
            let text = "the time of this visit is over";
            return Some(dismiss(&who.conn, Rejection::new(Code::VisitExpired, text)));
        }
        let readmitted_at = grant.and_then(|grant| grant.readmitted_at);
        if let Some(Word::Removed(at)) = self.word_on(&who.peer, now)
            && readmitted_at <= Some(at)
        {
            let text = "a host removed you from this visit";
            return Some(dismiss(&who.conn, Rejection::new(Code::Removed, text)));
        }
        None
    }

    /// A host never waits, nor whoever was admitted and comes back in time.
    fn must_wait(&self, who: &Session, request: &JoinRequest, now: Timestamp) -> bool {
        let Some(Grant { role: role @ (Role::Guest | Role::Observer), lobby, .. }) = request.grant
        else {
            return false;
        };
        let waits = self.waiting_peer(&who.peer).is_some();
        let admitted = self.grace_of(&who.peer, now) == Some(Held::Admission);
        waits
            || self.word_on(&who.peer, now) == Some(Word::SentBack)
            || (lobby && role == Role::Guest && !admitted)
    }

    fn wait(&self, who: &Session, request: &JoinRequest, now: Timestamp) -> Decision {
        let before = self.waiting_peer(&who.peer);
        let expires_at = request.grant.as_ref().map_or(now, |grant| grant.expires_at);
        let again = before.is_some_and(|waiting| waiting.conn == who.conn);
        if let Some(waiting) = before.filter(|it| again && it.expires_at == expires_at) {
            let told = self.where_it_stands(waiting, request.request_id.clone());
            return stay(Standing::Seated, vec![told]);
        }
        if before.is_none() && self.waiting().len() >= MAX_WAITING {
            return self.refuse(who, request, "too many wait for this visit");
        }
        let remembered = match self.grace_of(&who.peer, now) {
            Some(Held::Place(since)) => Some(since),
            _ => None,
        };
        let since = before.map(|waiting| waiting.since).or(remembered).unwrap_or(now);
        let waiting = Waiting {
            peer: who.peer.clone(),
            conn: who.conn.clone(),
            name: request.name.clone(),
            metadata: request.metadata.clone(),
            role: request.role(),
            since,
            expires_at,
        };
        let seat = self.seat(&who.peer);
        let mut next = self.with_waiting(waiting.clone());
        next.learn(request.grant.as_ref(), now);
        let mut effects = Vec::new();
        if let Some(seat) = seat {
            effects.extend(next.tell_of_leave(&who.peer, LeaveReason::Removed));
            effects.extend(replaced(&seat.conn, None, None));
        }
        if !again {
            effects.extend(next.tell_hosts(&ServerMessage::Knock {
                peer_id: waiting.peer.clone(),
                display_name: waiting.name.clone(),
                since,
            }));
            effects.extend(before.into_iter().flat_map(|old| replaced(&old.conn, None, None)));
        }
        effects.push(next.where_it_stands(&waiting, request.request_id.clone()));
        effects.push(Entry::new(&next, &who.peer, What::Waiting, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// What somebody in the lobby is told.
    pub(super) fn where_it_stands(
        &self,
        waiting: &Waiting,
        request_id: Option<RequestId>,
    ) -> Effect {
        send(
            &waiting.conn,
            ServerMessage::Waiting {
                room_id: self.id().clone(),
                peer_id: waiting.peer.clone(),
                host_present: self.hosts().next().is_some(),
                since: waiting.since,
                request_id,
            },
        )
    }

    /// A host that joins sees all who wait, and if it is the first one they hear of it.
    fn lobby_of(&self, who: &Session, first: bool) -> Vec<Effect> {
        if !self.held_by(who).is_some_and(Seat::hosts) {
            return Vec::new();
        }
        let mut effects = vec![send(&who.conn, self.lobby())];
        if first {
            effects.extend(self.tell_waiting());
        }
        effects
    }

    /// A seat whose connection is dead must not keep a living peer out, so before it is refused
    /// every seat is asked for a sign of life.
    fn full(&self, who: &Session, request: &JoinRequest) -> Decision {
        let probe = Effect::Probe(self.seats().iter().map(|seat| seat.conn.clone()).collect());
        let text = format!("all {} seats of this room are taken", self.seats().len());
        let mut refusal = self.refuse(who, request, text);
        refusal.effects.insert(0, probe);
        refusal
    }

    fn refuse(
        &self,
        who: &Session,
        request: &JoinRequest,
        text: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Decision {
        let refusal = Rejection::new(Code::RoomFull, text).answering(request.request_id.clone());
        stay(Standing::Unseated, vec![send(&who.conn, refusal)])
    }

    /// What the newcomer is told. It offers to those in `peers`.
    pub(super) fn welcome(
        &self,
        who: &Session,
        request: &JoinRequest,
        rules: &Rules,
    ) -> Vec<Effect> {
        let joined = ServerMessage::Joined {
            room_id: self.id().clone(),
            peer_id: who.peer.clone(),
            version: self.version(),
            peers: self.peers_without(&who.peer),
            ice_servers: [],
            heartbeat_seconds: rules.heartbeat_seconds,
            resumed: false,
            role: request.role(),
            expires_at: request.grant.as_ref().map(|grant| self.ends_for(grant.expires_at)),
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
}
