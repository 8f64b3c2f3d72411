//! The way to a seat: what is asked for, by whose word, and what has to be given up for it.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use super::{Driver, Fault, MAX_RACES};
use crate::core::{
    Claim, Connection, Event, Grant, JoinRequest, Key, Resume, Said, Seat, Standing,
};
use crate::ports::{Claimed, Connections, Outbox, Registry};
use crate::wire::{Code, Join, Rejection, RequestId, ResumeToken, RoomId, Timestamp};

impl<R: Registry, C: Connections, O: Outbox> Driver<R, C, O> {
    /// Handles a request for a seat. `Break`: this ended the connection, and nothing more is to be
    /// done for it.
    async fn join(
        &self,
        from: &mut Connection,
        join: Join,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<ControlFlow<()>, Fault> {
        let named_room = join.room.is_some() || from.defaults.name_a_room();
        for _ in 0..MAX_RACES {
            let Asked { join: asked, grant, resume } =
                match self.asked_for(from, &join, now).await? {
                    Ok(asked) => asked,
                    Err(refusal) => return self.refuse(from, refusal, request_id).await,
                };
            let who = Claim {
                conn: from.id.clone(),
                room: asked.room.unwrap_or_else(RoomId::fallback),
                peer: asked.peer.unwrap_or_else(|| (self.mint_peer_id)(&from.id)),
            };
            match self.connections.claim(from, &who, grant.as_ref()).await? {
                Claimed::Noted => {}
                Claimed::Raced => continue,
                Claimed::TooSoon(wait) => {
                    return self.refuse(from, too_soon(wait), request_id).await;
                }
            }
            let resume = match resume {
                Some(resume) => Some(self.detached(resume, &who).await?),
                None => None,
            };
            let request = JoinRequest {
                name: asked.name,
                metadata: asked.metadata,
                named_room,
                grant,
                secret: (self.mint_secret)(),
                resume,
            };
            self.take(from, who, request, request_id, now).await?;
            return Ok(ControlFlow::Continue(()));
        }
        Err(Fault::Contended)
    }

    /// The same on the heap. A join is rare, and its future is large: an idle connection need not
    /// hold room for it.
    pub(super) fn boxed_join<'a>(
        &'a self,
        from: &'a mut Connection,
        join: Join,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<ControlFlow<()>, Fault>> + Send + 'a>> {
        Box::pin(self.join(from, join, request_id, now))
    }

    /// Takes the seat, if the room gives it. The client is told once it sits nowhere else: from
    /// then on it is heard in this room alone.
    async fn take(
        &self,
        from: &mut Connection,
        who: Claim,
        request: JoinRequest,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let grant = request.grant.clone();
        let event = Event::Said { who: &who, request_id, what: Said::Join(request) };
        loop {
            let settled = self.settle(&who.room, &event, now).await?;
            let mut left = None;
            if settled.standing == Standing::Seated {
                from.grant.clone_from(&grant);
                if let Some(old) = from.claim.replace(who.clone()).filter(|old| *old != who) {
                    let leave = old.says(Said::Leave);
                    let settled = self.settle(&old.room, &leave, now).await?;
                    left = Some((old, settled));
                }
            }
            let flow = self.deliver(&event, settled, now).await?;
            if let Some((old, settled)) = left {
                let leave = old.says(Said::Leave);
                let _a_goodbye_is_not_repeated = self.deliver(&leave, settled, now).await?;
            }
            if flow.is_break() {
                return Ok(());
            }
        }
    }

    /// All that a join asks for, and the grant behind it. The token decides first, then the
    /// message, then the seat that the peer has already, then the URL.
    async fn asked_for(
        &self,
        from: &Connection,
        join: &Join,
        now: Timestamp,
    ) -> Result<Result<Asked, Rejection>, Fault> {
        if let Some(asked) = self.resumable(from, join, now).await? {
            return Ok(Ok(asked));
        }
        let (join, grant) = match self.entitled(from, join.clone(), now) {
            Ok(entitled) => entitled,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let asked = match &from.claim {
            None => Ok(join),
            Some(seat) => self.registry.load(&seat.room).await?.join_again(seat, join),
        };
        let asked = asked.and_then(|join| from.defaults.fill(join));
        Ok(asked.map(|join| Asked { join, grant, resume: None }))
    }

    /// What a join asks for whose resume token opens a seat. No visit token is needed then. A valid
    /// one for the same seat makes it last longer.
    async fn resumable(
        &self,
        from: &Connection,
        join: &Join,
        now: Timestamp,
    ) -> Result<Option<Asked>, Fault> {
        let Some(token) = join.resume.as_ref().filter(|token| names(join, token)) else {
            return Ok(None);
        };
        let key = Key::of(&token.secret);
        if from.claim.is_some() || !self.registry.load(&token.room).await?.opens(&token.peer, key) {
            return Ok(None);
        }
        let grant = self.gatekeeper.admit(join.token.as_ref(), from.grant.as_ref(), now);
        let grant = match grant.ok().flatten() {
            Some(grant) if grant.subject == token.peer && grant.room == token.room => Some(grant),
            Some(_) => return Ok(None),
            None => None,
        };
        let alone = grant.is_none() && !self.gatekeeper.is_open();
        let resume = Resume { key, received: join.received, alone, detached: None };
        let (room, peer) = (Some(token.room.clone()), Some(token.peer.clone()));
        Ok(Some(Asked { join: Join { room, peer, ..join.clone() }, grant, resume: Some(resume) }))
    }

    /// Stops a connection that still holds the seat, and takes over what it leaves behind.
    async fn detached(&self, resume: Resume, who: &Claim) -> Result<Resume, Fault> {
        let room = self.registry.load(&who.room).await?;
        let Some(old) = room.seat(&who.peer).and_then(Seat::here).filter(|it| **it != who.conn)
        else {
            return Ok(resume);
        };
        let unread = self.outbox.detach(old).await?;
        Ok(Resume { detached: Some((old.clone(), unread)), ..resume })
    }

    /// The join as the token has it, if there must be one.
    fn entitled(
        &self,
        from: &Connection,
        join: Join,
        now: Timestamp,
    ) -> Result<(Join, Option<Grant>), Rejection> {
        let admitted = self.gatekeeper.admit(join.token.as_ref(), from.grant.as_ref(), now);
        let grant =
            admitted.map_err(|refused| Rejection::new(Code::Unauthorized, refused.to_string()))?;
        let Some(grant) = grant else { return Ok((join, None)) };
        grant.permits(&from.defaults.fill(join.clone())?)?;
        Ok((grant.fill(join), Some(grant)))
    }

    async fn refuse(
        &self,
        from: &Connection,
        refusal: Rejection,
        request_id: Option<RequestId>,
    ) -> Result<ControlFlow<()>, Fault> {
        let close = refusal.code.closes_with();
        self.answer(&from.id, refusal.answering(request_id)).await?;
        let Some(code) = close else { return Ok(ControlFlow::Continue(())) };
        self.outbox.close(&from.id, code).await?;
        Ok(ControlFlow::Break(()))
    }
}

/// What a join asks for, and by what right.
struct Asked {
    join: Join,
    grant: Option<Grant>,
    resume: Option<Resume>,
}

/// Whether a join names no other seat than its resume token does.
fn names(join: &Join, token: &ResumeToken) -> bool {
    let room = token.room.as_clients_write_it();
    join.room.as_ref().is_none_or(|it| *it == room || *it == token.room)
        && join.peer.as_ref().is_none_or(|it| *it == token.peer)
}

fn too_soon(wait: Duration) -> Rejection {
    let text = "this peer has made the others receive too much";
    Rejection::new(Code::RateLimited, text).retry_after(wait)
}
