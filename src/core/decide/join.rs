//! A peer asks for a seat: it gets one, waits in the lobby, or is refused.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::known::Word;
use crate::core::{
    Away, Claim, Decision, Effect, Grant, JoinRequest, Keys, LeaveReason, Presence, Room, Seat,
    Standing,
};
use crate::wire::{
    BootstrapPeer, Code, IceConfiguration, Rejection, RequestId, ResumeSecret, ResumeToken, Role,
    ServerMessage, Timestamp,
};

use super::{Context, dismiss, replaced, stay, tell};

/// How many text frames were taken from a client that resumes, where that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken(pub Option<u64>);

/// How many may wait for one visit at a time.
const MAX_WAITING: usize = 50;

impl Room {
    pub(super) fn join(&self, context: &Context<'_>, request: &JoinRequest) -> Decision {
        let decision = self.ask(context, request);
        match &request.grant {
            Some(grant) if decision.standing == Standing::Unseated => {
                let next = self.note_token(&context.who.peer, grant, context.now);
                Decision { next, ..decision }
            }
            _ => decision,
        }
    }

    fn ask(&self, context: &Context<'_>, request: &JoinRequest) -> Decision {
        let Context { who, now, .. } = *context;
        if let Some(refusal) = self.closed_to(who, request, now) {
            return stay(Standing::Unseated, refusal);
        }
        let before = self.seat(&who.peer);
        if let Some(seat) = before.filter(|seat| seat.here() == Some(&who.conn)) {
            return self.repeat(context, request, seat);
        }
        if let (Some(resume), Some(seat)) = (&request.resume, before)
            && self.opens(&seat.peer, resume.key)
        {
            let resumed = self.resume(context, request, resume, seat);
            return resumed.unwrap_or_else(|| self.sit(context, request, before));
        }
        if request.resume.as_ref().is_some_and(|resume| resume.alone) {
            let text = "the resume token is no longer valid, and no visit token came with it";
            let refusal = Rejection::new(Code::Unauthorized, text);
            let refusal = refusal.answering(context.request_id.cloned());
            return stay(Standing::Unseated, dismiss(&who.conn, refusal));
        }
        // A peer that sat as one that is let in at once need not wait because of another token.
        let sat = before.is_some_and(|seat| seat.role != Role::Observer);
        if !sat && self.must_wait(who, request, now) {
            return self.wait(context, request);
        }
        let asked = request.grant.as_ref().and_then(|grant| grant.capacity);
        let most = asked.unwrap_or_else(|| self.capacity(context.rules));
        if before.is_none() && self.seats().len() >= most {
            if let Some(seat) = self.yielding() {
                return self.ask_in_place_of(seat, context, request);
            }
            let refusal = context.refuse(self.is_full());
            return stay(Standing::Unseated, vec![self.probe(), refusal]);
        }
        self.sit(context, request, before)
    }

    /// A repeated write whose first answer was lost. The client is told once more, and the others
    /// are not.
    fn repeat(&self, context: &Context<'_>, request: &JoinRequest, seat: &Seat) -> Decision {
        let stored = seat.keys.is_some_and(|keys| keys.are_of(&request.secret));
        let next = (!stored).then(|| {
            let keys = Some(Keys::new(&request.secret, None));
            self.with_changed(Seat { keys, ..seat.clone() })
        });
        let told = next.as_ref().unwrap_or(self);
        let effects = told.welcome_and_introduce(context, request, seat);
        Decision { next, effects, standing: Standing::Seated }
    }

    fn ask_in_place_of(
        &self,
        gone: &Seat,
        context: &Context<'_>,
        request: &JoinRequest,
    ) -> Decision {
        let mut next = self.without(&gone.peer, context.now);
        let mut effects = next.tell_of_leave(self, gone, LeaveReason::Timeout);
        let happened = Happened::Left { reason: LeaveReason::Timeout, since: gone.since };
        effects.push(AuditEvent::new(self, &gone.peer, happened, context.now).into());
        let decision = next.ask(context, request);
        effects.extend(decision.effects);
        Decision { next: decision.next.or(Some(next)), effects, ..decision }
    }

    /// Takes the seat, from an older connection of the same peer if there is one.
    fn sit(&self, context: &Context<'_>, request: &JoinRequest, before: Option<&Seat>) -> Decision {
        let Context { who, now, .. } = *context;
        let grant = request.grant.as_ref();
        let keys = Some(Keys::new(&request.secret, None));
        let next_ice = context.rules.next_ice(now);
        let seat = match before {
            // A resume token that came alone brings back what the seat was taken with.
            Some(old) if request.resume.as_ref().is_some_and(|resume| resume.alone) => {
                let presence = Presence::Here(who.conn.clone());
                Seat { presence, since: now, keys, next_ice, ..old.clone() }
            }
            _ => Seat { keys, next_ice, ..request.seat(who, now) },
        };
        let mut next = self.with(seat.clone());
        next.learn(grant, now);
        let mut effects = next.announce(&seat, before.is_some());
        let waited = before.and_then(Seat::away).map(Away::waiting).unwrap_or_default();
        effects.extend(next.tell_of_dropped(&who.peer, waited));
        // In open mode the latest connection is believed to be the peer that it names.
        effects.extend(before.into_iter().flat_map(replaced));
        effects.extend(self.called_in(who, &next));
        effects.extend(next.welcome_and_introduce(context, request, &seat));
        effects.extend(before.into_iter().flat_map(|old| next.tell_if_last_host(old)));
        effects.extend(next.lobby_for(&seat, !self.has_host()));
        effects.extend(next.warning_for(&seat));
        effects.push(AuditEvent::new(&next, &who.peer, Happened::Joined, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// A peer that waited and now sits is told so on the connection that waited, and the hosts
    /// hear of it.
    fn called_in(&self, who: &Claim, next: &Self) -> Vec<Effect> {
        let Some(waiting) = self.waiting_peer(&who.peer) else { return Vec::new() };
        let mut effects = next.tell_hosts(&next.lobby());
        if waiting.here() != Some(&who.conn) {
            effects.extend(replaced(waiting));
        }
        effects
    }

    /// The others hear of a newcomer.
    pub(super) fn announce(&self, seat: &Seat, rejoined: bool) -> Vec<Effect> {
        self.tell_others(&seat.peer, |peers| ServerMessage::PeerJoined {
            room_id: self.id().clone(),
            peer_id: seat.peer.clone(),
            display_name: seat.name.clone(),
            role: seat.role,
            version: self.version(),
            peers,
            rejoined,
        })
    }

    /// Why nobody, or not this peer, is let in any more.
    fn closed_to(&self, who: &Claim, request: &JoinRequest, now: Timestamp) -> Option<Vec<Effect>> {
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

    /// A host never waits.
    fn must_wait(&self, who: &Claim, request: &JoinRequest, now: Timestamp) -> bool {
        let Some(Grant { role: role @ (Role::Guest | Role::Observer), lobby, .. }) = request.grant
        else {
            return false;
        };
        let waits = self.waiting_peer(&who.peer).is_some();
        waits
            || self.word_on(&who.peer, now) == Some(Word::SentBack)
            || (lobby && role == Role::Guest)
    }

    fn wait(&self, context: &Context<'_>, request: &JoinRequest) -> Decision {
        let Context { who, now, .. } = *context;
        let before = self.waiting_peer(&who.peer);
        let expires_at = request.grant.as_ref().map(|grant| grant.expires_at);
        let again = before.is_some_and(|waiting| waiting.here() == Some(&who.conn));
        if let Some(waiting) = before.filter(|it| again && it.expires_at == expires_at) {
            let told = self.where_it_stands(waiting, context.request_id.cloned());
            return stay(Standing::Seated, told.into_iter().collect());
        }
        if before.is_none() && self.waiting().len() >= MAX_WAITING {
            let rejection = Rejection::new(Code::RoomFull, "too many wait for this visit");
            return stay(Standing::Unseated, vec![context.refuse(rejection)]);
        }
        let remembered = self.waited_since(&who.peer, now);
        let since = before.map(|waiting| waiting.since).or(remembered).unwrap_or(now);
        let waiting = request.seat(who, since);
        let mut next = self.with_waiting(waiting.clone());
        next.learn(request.grant.as_ref(), now);
        let mut effects = Vec::new();
        if let Some(seat) = self.seat(&who.peer) {
            effects.extend(next.tell_of_leave(self, seat, LeaveReason::Removed));
            effects.extend(replaced(seat));
        }
        if !again {
            effects.extend(next.tell_hosts(&ServerMessage::Knock {
                room_id: next.id().clone(),
                version: next.version(),
                peer_id: waiting.peer.clone(),
                display_name: waiting.name.clone(),
                since,
            }));
            effects.extend(before.into_iter().flat_map(replaced));
        }
        effects.extend(next.where_it_stands(&waiting, context.request_id.cloned()));
        effects.push(AuditEvent::new(&next, &who.peer, Happened::Waiting, now).into());
        Decision { next: Some(next), effects, standing: Standing::Seated }
    }

    /// What a peer in the lobby is told.
    pub(super) fn where_it_stands(
        &self,
        waiting: &Seat,
        request_id: Option<RequestId>,
    ) -> Option<Effect> {
        tell(
            waiting,
            ServerMessage::Waiting {
                room_id: self.id().clone(),
                peer_id: waiting.peer.clone(),
                version: self.version(),
                host_present: self.has_host(),
                since: waiting.since,
                message: None,
                request_id,
            },
        )
    }

    /// A host that joins sees all who wait, and if it is the first one they hear of it.
    pub(super) fn lobby_for(&self, seat: &Seat, first: bool) -> Vec<Effect> {
        if !seat.hosts() {
            return Vec::new();
        }
        let mut effects: Vec<_> = tell(seat, self.lobby()).into_iter().collect();
        if first {
            effects.extend(self.tell_waiting());
        }
        effects
    }

    /// What a newcomer is told. It offers to those in `peers`. A client that resumes has nothing to
    /// offer, and is told how many frames were taken from it.
    pub(super) fn welcome(
        &self,
        context: &Context<'_>,
        seat: &Seat,
        secret: &ResumeSecret,
        resumed: Option<Taken>,
    ) -> Option<Effect> {
        let joined = ServerMessage::Joined {
            room_id: self.id().clone(),
            peer_id: seat.peer.clone(),
            version: self.version(),
            peers: self.peers_without(&seat.peer),
            ice: IceConfiguration { relay_only: seat.relay_only, ..IceConfiguration::default() },
            resume_token: ResumeToken {
                room: self.id().clone(),
                peer: seat.peer.clone(),
                secret: secret.clone(),
            },
            received: resumed.and_then(|Taken(frames)| frames),
            heartbeat_seconds: context.rules.heartbeat_seconds,
            resumed: resumed.is_some(),
            role: seat.role,
            expires_at: seat.expires_at.map(|end| self.ends_for(end)),
            request_id: context.request_id.cloned(),
        };
        tell(seat, joined)
    }

    /// A client that named no room may not read rosters, so it also hears of the others in a
    /// message of its own.
    fn welcome_and_introduce(
        &self,
        context: &Context<'_>,
        request: &JoinRequest,
        seat: &Seat,
    ) -> Vec<Effect> {
        let welcome = self.welcome(context, seat, &request.secret, None);
        let mut effects: Vec<_> = welcome.into_iter().collect();
        let others = self.others(&seat.peer);
        let peers: Vec<_> = others.map(|it| BootstrapPeer { id: it.peer.clone() }).collect();
        if !request.named_room && !peers.is_empty() {
            effects.extend(tell(seat, ServerMessage::BootstrapPeers { peers }));
        }
        effects
    }
}

impl JoinRequest {
    /// The place that this asks for.
    fn seat(&self, who: &Claim, since: Timestamp) -> Seat {
        Seat {
            peer: who.peer.clone(),
            presence: Presence::Here(who.conn.clone()),
            keys: None,
            name: self.name.clone(),
            role: self.role(),
            since,
            metadata: self.metadata.clone(),
            expires_at: self.grant.as_ref().map(|grant| grant.expires_at),
            relay_only: self.grant.as_ref().is_some_and(|grant| grant.relay_only),
            next_ice: None,
        }
    }
}
