//! The way to a seat: what is asked for, by whose word, and what has to be given up for it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Driver, Fault, MAX_RACES};
use crate::core::{Claim, Connection, Event, Grant, JoinRequest, Said, Standing};
use crate::ports::{Claimed, Connections, Outbox, Registry};
use crate::wire::{Code, Join, Rejection, RequestId, RoomId, Timestamp};

impl<R: Registry, C: Connections, O: Outbox> Driver<R, C, O> {
    /// Handles a request for a seat. `Break`: this ended the connection, and nothing more is to be
    /// done for it.
    pub(super) async fn join(
        &self,
        from: &mut Connection,
        join: Join,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<ControlFlow<()>, Fault> {
        let named_room = join.room.is_some() || from.defaults.name_a_room();
        for _ in 0..MAX_RACES {
            let (asked, grant) = match self.asked_for(from, &join, now).await? {
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
            let (name, metadata) = (asked.name, asked.metadata);
            let request = JoinRequest { name, metadata, named_room, grant };
            self.take(from, who, request, request_id, now).await?;
            return Ok(ControlFlow::Continue(()));
        }
        Err(Fault::Contended)
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
            let (effects, standing) = self.settle(&who.room, &event, now).await?;
            let mut left = None;
            if standing == Standing::Seated {
                from.grant.clone_from(&grant);
                if let Some(old) = from.claim.replace(who.clone()).filter(|old| *old != who) {
                    let leave = old.says(Said::Leave);
                    let (effects, _) = self.settle(&old.room, &leave, now).await?;
                    left = Some((old, effects));
                }
            }
            let flow = self.deliver(&who.room, &event, effects, now).await?;
            if let Some((old, effects)) = left {
                let leave = old.says(Said::Leave);
                let _a_goodbye_is_not_repeated =
                    self.deliver(&old.room, &leave, effects, now).await?;
            }
            if flow.is_break() {
                return Ok(());
            }
        }
    }

    /// All that a join asks for, and the grant behind it. The token decides first, then the message,
    /// then the seat that the peer has already, then the URL.
    async fn asked_for(
        &self,
        from: &Connection,
        join: &Join,
        now: Timestamp,
    ) -> Result<Result<(Join, Option<Grant>), Rejection>, Fault> {
        let (join, grant) = match self.entitled(from, join.clone(), now) {
            Ok(entitled) => entitled,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let asked = match &from.claim {
            None => Ok(join),
            Some(seat) => self.registry.load(&seat.room).await?.join_again(seat, join),
        };
        let asked = asked.and_then(|join| from.defaults.fill(join));
        Ok(asked.map(|join| (join, grant)))
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

fn too_soon(wait: Duration) -> Rejection {
    let text = "this peer has made the others receive too much";
    Rejection::new(Code::RateLimited, text).retry_after(wait)
}
