//! load -> decide -> swap -> deliver: the only code that awaits the ports.
//!
//! A runtime parses what its client sent and calls [`Driver::receive`]; when a connection ends it
//! calls [`Driver::lost`]. Everything else follows from the core's decisions: `settle` decides
//! until a decision is stored, `deliver` does what it says, and `join` is the way to a seat.
//!
//! A swap that was raced is decided anew. So is a message whose receiver turned out to be gone: a
//! delivery that fails is news of the room, not a failure. A message to the room is decided anew
//! only for the peers that turned out to be gone.
//!
//! Nearly every event is a message for one peer that is there. A future has room for the longest
//! way through it, and is moved, so what such a message does not need is boxed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod deliver;
mod join;
mod settle;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::core::{Connection, ConnectionId, Event, Grant, Rules, Said, Standing};
use crate::ice::IceServers;
use crate::ports::{Connections, Journal, Outbox, Registry, Unavailable};
use crate::token::Gatekeeper;
use crate::wire::{
    ClientMessage, Code, Incoming, Join, PeerId, Rejection, ResumeSecret, RoomId, ServerMessage,
    Timestamp, Token,
};

/// How often a decision may be raced. Of those who race one always wins, so in a room of any
/// sensible size this is never reached.
const MAX_RACES: usize = 256;

/// Carries out the core's decisions over the ports.
#[derive(Debug)]
pub struct Driver<R, C, O> {
    /// Where rooms are kept.
    pub registry: R,
    /// Which connection claims which seat.
    pub connections: C,
    /// How clients are reached.
    pub outbox: O,
    /// Writes down what happened.
    pub journal: Arc<dyn Journal>,
    /// What the operator decided.
    pub rules: Rules,
    /// Which STUN and TURN servers clients are told of.
    pub ice: Arc<IceServers>,
    /// Lets in everybody, or peers with a valid token.
    pub gatekeeper: Gatekeeper,
    /// Makes the secret of a resume token, which nobody can guess.
    pub mint_secret: fn() -> ResumeSecret,
    /// Makes a peer id for the client of a connection that names none. Randomness is the runtime's.
    pub mint_peer_id: fn(&ConnectionId) -> PeerId,
}

/// Our side failed. Nothing was changed, and the client is told `internal`.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A port did not answer.
    #[error(transparent)]
    Port(#[from] Unavailable),
    /// Every try to store a decision was raced.
    #[error("a room changed {MAX_RACES} times while one decision was stored")]
    Contended,
}

impl<R: Registry, C: Connections, O: Outbox> Driver<R, C, O> {
    /// Handles one message.
    pub async fn receive(
        &self,
        from: &mut Connection,
        incoming: Incoming<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Incoming { request_id, message } = incoming;
        let first = !std::mem::replace(&mut from.spoke, true);
        if let ClientMessage::Join(join) = message {
            return self.boxed_join(from, *join, request_id, now).await.map(drop);
        }
        let joins = first && !from.defaults.is_empty();
        if joins && self.boxed_join(from, Join::default(), None, now).await?.is_break() {
            return Ok(());
        }
        if matches!(message, ClientMessage::Ping) {
            let pong = ServerMessage::Pong { server_time: now, request_id };
            return Box::pin(self.answer(&from.id, pong)).await;
        }
        let Some(who) = &from.claim else {
            let rejection = Rejection::new(Code::NotJoined, "`join` first");
            let rejection = rejection.to(message.to().cloned()).answering(request_id);
            return Box::pin(self.answer(&from.id, rejection)).await;
        };
        let what = match message {
            ClientMessage::Signal(signal) => Said::Signal(signal),
            ClientMessage::Peers => Said::Peers,
            ClientMessage::RoomList => Said::RoomList,
            ClientMessage::Host(message) => Said::Host(message, (self.mint_secret)()),
            ClientMessage::Renew(token) => match self.renewed(&token, now) {
                Ok(grant) => Said::Renew(grant),
                Err(refusal) => {
                    let refusal = refusal.answering(request_id);
                    return Box::pin(self.answer(&from.id, refusal)).await;
                }
            },
            ClientMessage::Leave => Said::Leave,
            ClientMessage::Join(_) | ClientMessage::Ping => return Ok(()),
        };
        let event = Event::Said { who, request_id, what };
        // A seat that is missing may be one that another message is just taking: a claim is given
        // up only together with the seat.
        if self.handle(&who.room, &event, now).await? == Standing::Left {
            from.claim = None;
        }
        Ok(())
    }
}

impl<R: Registry, C, O: Outbox> Driver<R, C, O> {
    /// What a token says that renews a seat. A bad one ends nothing: the seat is still good.
    fn renewed(&self, token: &Token, now: Timestamp) -> Result<Grant, Rejection> {
        let refuse = |text: String| Rejection::new(Code::Forbidden, text);
        match self.gatekeeper.check(token, now) {
            Ok(Some(grant)) => Ok(grant),
            Ok(None) => Err(refuse("nothing ends here: this server needs no visit tokens".into())),
            Err(refused) => Err(refuse(format!("`token`: {refused}"))),
        }
    }

    /// Ends what is to end in a room by `now`: [`Room::next_due`] says when to call this.
    ///
    /// [`Room::next_due`]: crate::core::Room::next_due
    pub async fn due(&self, room: &RoomId, now: Timestamp) -> Result<(), Fault> {
        self.handle(room, &Event::Due, now).await.map(drop)
    }

    /// Handles the end of a connection.
    pub async fn lost(&self, connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
        let Some(who) = connection.claim.take() else { return Ok(()) };
        let unread = self.outbox.detach(&who.conn).await?;
        self.handle(&who.room, &Event::Lost { conn: who.conn, unread }, now).await.map(drop)
    }

    /// Tells a client something that concerns no room.
    pub async fn answer(
        &self,
        to: &ConnectionId,
        message: impl Into<ServerMessage>,
    ) -> Result<(), Fault> {
        // If it is gone, its own end is on the way.
        self.outbox.send(to, message.into()).await?;
        Ok(())
    }

    /// Decides an event and does what follows from it, until nothing is left to decide again.
    async fn handle(
        &self,
        room: &RoomId,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<Standing, Fault> {
        let settled = self.settle(room, event, now).await?;
        let standing = settled.standing;
        match self.deliver(event, settled, now).await? {
            ControlFlow::Break(()) => Ok(standing),
            ControlFlow::Continue(missed) => {
                Box::pin(self.handle_again(room, event, missed, now)).await
            }
        }
    }

    /// Handles an event that has to be decided again, for those who have missed it.
    async fn handle_again(
        &self,
        room: &RoomId,
        first: &Event<'_>,
        mut missed: Vec<PeerId>,
        now: Timestamp,
    ) -> Result<Standing, Fault> {
        loop {
            let again = first.said_again_to(missed);
            let event = again.as_ref().unwrap_or(first);
            let settled = self.settle(room, event, now).await?;
            let standing = settled.standing;
            match self.deliver(event, settled, now).await? {
                ControlFlow::Break(()) => return Ok(standing),
                ControlFlow::Continue(more) => missed = more,
            }
        }
    }
}
