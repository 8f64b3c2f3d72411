//! A client that lost its connection comes back for its seat.

use crate::core::audit::{AuditEvent, Happened};
use crate::core::key::{Before, Keys, Shown};
use crate::core::presence::{Away, Frame, Presence, Replay};
use crate::core::{Decision, JoinRequest, Key, Resume, Room, Seat, Standing, Unread};
use crate::redact::Redacted;
use crate::wire::{PeerId, ServerMessage};

use super::join::Taken;
use super::{Context, replaced, send};

/// What a client gets that resumes a seat.
struct Resumed<'a> {
    replay: Replay<'a>,
    /// How many frames had been taken from it, where that was counted.
    taken: Option<u64>,
    /// The position of the replay by the client's own count.
    received: u64,
}

impl Room {
    /// Whether a client that shows this key may have the seat of `peer` back.
    pub fn opens(&self, peer: &PeerId, key: Key) -> bool {
        self.seat(peer).is_some_and(|seat| seat.shown(key).is_some())
    }

    /// Gives a seat back to its client. `None`: the client has missed what is no longer here.
    pub(super) fn resume(
        &self,
        context: &Context<'_>,
        request: &JoinRequest,
        resume: &Resume,
        seat: &Seat,
    ) -> Option<Decision> {
        let shown = seat.shown(resume.key)?;
        let (left, dropped) = self.left_behind(context, seat, resume).unzip();
        let away = left.as_ref().or(seat.away())?;
        let Resumed { replay, taken, received } = shown.resumes(away, resume.received)?;
        let before = Before { key: resume.key, received, taken };
        let back = Seat {
            presence: Presence::Here(context.who.conn.clone()),
            keys: Some(Keys::new(&request.secret, Some(before))),
            relay_only: request.grant.as_ref().map_or(seat.relay_only, |it| it.relay_only),
            next_ice: context.rules.next_ice(context.now),
            expires_at: seat.expires_at.max(request.grant.as_ref().map(|it| it.expires_at)),
            ..seat.clone()
        };
        let mut next = self.with_changed(back.clone());
        next.learn(request.grant.as_ref(), context.now);
        let mut effects = next.tell_others(&seat.peer, |peers| ServerMessage::PeerBack {
            room_id: next.id().clone(),
            peer_id: seat.peer.clone(),
            version: next.version(),
            peers,
        });
        effects.extend(next.tell_of_dropped(&seat.peer, &dropped.unwrap_or_default()));
        effects.extend(replaced(seat));
        effects.extend(next.welcome(context, &back, &request.secret, Some(Taken(taken))));
        let frames = replay.frames.iter();
        let frames = frames.map(|frame| Redacted::new(frame.expose().to_owned()));
        effects.extend(frames.map(|text| send(&context.who.conn, ServerMessage::Relayed(text))));
        // After older news of the same, which may be among the frames.
        effects.extend(next.lobby_for(&back, false));
        effects.extend(next.warning_for(&back));
        effects.push(AuditEvent::new(&next, &seat.peer, Happened::Resumed, context.now).into());
        Some(Decision { next: Some(next), effects, standing: Standing::Seated })
    }

    /// What a connection that still held the seat has left behind, as if it had been lost now.
    fn left_behind(
        &self,
        context: &Context<'_>,
        seat: &Seat,
        resume: &Resume,
    ) -> Option<(Away, Vec<Frame>)> {
        let unread = match (&resume.detached, seat.here()?) {
            (Some((conn, unread)), held_by) if conn == held_by => unread.clone(),
            _ => Unread::UNKNOWN,
        };
        let free = self.free_bytes(context.rules);
        Some(Away::new(unread, context.now, context.rules, free))
    }
}

impl Seat {
    fn shown(&self, key: Key) -> Option<Shown> {
        self.keys.as_ref()?.shown(key)
    }
}

impl Shown {
    /// What a client that shows this key gets, by its own count of what it has received since the
    /// `joined` that gave it the key.
    fn resumes<'a>(&self, away: &'a Away, received: Option<u64>) -> Option<Resumed<'a>> {
        match *self {
            Self::Current => {
                let replay = away.replay(received)?;
                Some(Resumed { taken: away.taken(), received: replay.position, replay })
            }
            // The client never saw the last `joined`, so it has received nothing since.
            Self::Before(before) if !away.was_heard() => {
                let since = received.map_or(Some(0), |count| count.checked_sub(before.received))?;
                let replay = away.replay(Some(since))?;
                let received = before.received + replay.position;
                Some(Resumed { replay, taken: before.taken, received })
            }
            Self::Before(_) => None,
        }
    }
}
