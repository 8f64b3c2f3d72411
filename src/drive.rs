//! load -> decide -> swap -> deliver: the only code that awaits both ports.
//!
//! A runtime turns what its client sent into text and calls [`Driver::receive`]; when a connection
//! ends it calls [`Driver::lost`]. Everything else follows from the core's decisions. A swap that
//! was raced is decided anew, and so is a message whose receiver turned out to be gone: a delivery
//! that fails is news of the room, not a failure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::core::{
    Connection, ConnectionId, Decision, Effect, Event, JoinRequest, Rules, Session, Standing,
};
use crate::ports::{Delivery, Outbox, Registry, Swap, Unavailable};
use crate::wire::{
    ClientMessage, Code, Incoming, Join, PeerId, Rejection, RequestId, RoomId, ServerMessage,
    Timestamp,
};

/// How often a decision may be raced. Of those who race one always wins, so in a room of any
/// sensible size this is never reached.
const MAX_RACES: usize = 256;
/// How many rooms `room_list` tells of.
const MAX_ROOMS_LISTED: usize = 200;

/// Carries out the core's decisions over a registry and an outbox.
#[derive(Debug)]
pub struct Driver<R, O> {
    /// Where rooms are kept.
    pub registry: R,
    /// How clients are reached.
    pub outbox: O,
    /// What the operator decided.
    pub rules: Rules,
    /// Makes a peer id for a client that names none. Randomness is the runtime's.
    pub mint_peer_id: fn() -> PeerId,
}

/// Our side failed. The client is told `internal`; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A port did not answer.
    #[error(transparent)]
    Port(#[from] Unavailable),
    /// Every try to store a decision was raced.
    #[error("a room changed {MAX_RACES} times while one decision was stored")]
    Contended,
}

impl<R: Registry, O: Outbox> Driver<R, O> {
    /// Handles the text of one frame.
    pub async fn receive(
        &self,
        from: &mut Connection,
        text: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Incoming { request_id, message } = match Incoming::parse(text) {
            Ok(incoming) => incoming,
            Err(rejection) => return self.answer(&from.id, rejection).await,
        };
        let first = !std::mem::replace(&mut from.spoke, true);
        if let ClientMessage::Join(join) = message {
            return self.join(from, join, request_id, now).await;
        }
        if first && !from.defaults.is_empty() {
            self.join(from, Join::default(), None, now).await?;
        }
        if matches!(message, ClientMessage::Ping) {
            return self
                .answer(&from.id, ServerMessage::Pong { server_time: now, request_id })
                .await;
        }
        let Some(who) = &from.session else {
            let rejection = Rejection::new(Code::NotJoined, "`join` first");
            let rejection = rejection.to(message.to().cloned()).answering(request_id);
            return self.answer(&from.id, rejection).await;
        };
        let event = match message {
            ClientMessage::Signal(signal) => Event::Signal { signal, request_id },
            ClientMessage::Peers => Event::Peers { request_id },
            ClientMessage::RoomList => Event::RoomList { request_id },
            ClientMessage::HostOnly(kind) => Event::HostOnly { kind, request_id },
            ClientMessage::Leave => Event::Leave,
            ClientMessage::Join(_) | ClientMessage::Ping => return Ok(()),
        };
        if self.handle(who, &event, now).await? == Standing::Unseated {
            from.session = None;
        }
        Ok(())
    }

    /// Handles the end of a connection.
    pub async fn lost(&self, connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
        let Some(who) = connection.session.take() else { return Ok(()) };
        self.handle(&who, &Event::Lost(who.conn.clone()), now).await.map(drop)
    }

    async fn join(
        &self,
        from: &mut Connection,
        join: Join,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let join = match &from.session {
            Some(seated) if moves(&join, seated) => self.as_before(join, seated).await?,
            Some(_) => {
                let rejection = Rejection::new(Code::AlreadyJoined, "`leave` first");
                return self.answer(&from.id, rejection.answering(request_id)).await;
            }
            None => join,
        };
        let Join { room, peer, name, metadata, .. } = match from.defaults.fill(join) {
            Ok(join) => join,
            Err(rejection) => return self.answer(&from.id, rejection.answering(request_id)).await,
        };
        let named_room = room.is_some();
        let who = Session {
            conn: from.id.clone(),
            room: room.unwrap_or_else(RoomId::fallback),
            peer: peer.unwrap_or_else(self.mint_peer_id),
        };
        let event = Event::Join(JoinRequest { name, metadata, named_room, request_id });
        self.outbox.joining(&from.id);
        if self.handle(&who, &event, now).await? == Standing::Seated {
            // Who moves keeps its old seat until the new one is sure.
            if let Some(old) = from.session.replace(who) {
                self.handle(&old, &Event::Leave, now).await?;
            }
        }
        Ok(())
    }

    /// Who moves is who it was, unless it says otherwise.
    async fn as_before(&self, join: Join, seated: &Session) -> Result<Join, Fault> {
        let room = self.registry.load(&seated.room).await?;
        let seat = room.seat(&seated.peer).filter(|seat| seat.conn == seated.conn);
        Ok(Join {
            peer: join.peer.or_else(|| Some(seated.peer.clone())),
            name: join.name.or_else(|| seat?.name.clone()),
            metadata: join.metadata.or_else(|| seat?.metadata.clone()),
            ..join
        })
    }

    async fn answer(
        &self,
        to: &ConnectionId,
        message: impl Into<ServerMessage>,
    ) -> Result<(), Fault> {
        // If it is gone, its own end is on the way.
        self.outbox.send(to, message.into()).await?;
        Ok(())
    }

    /// Decides an event and does what follows from it.
    async fn handle(
        &self,
        who: &Session,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<Standing, Fault> {
        loop {
            let (effects, standing) = self.settle(who, event, now).await?;
            let Delivered { mut gone, cut_short } = self.deliver(effects).await?;
            if gone.is_empty() {
                return Ok(standing);
            }
            let again = cut_short || is_for_one(event);
            let speaker_gone = gone.contains(&who.conn);
            while let Some(conn) = gone.pop() {
                let (effects, _) = self.settle(who, &Event::Lost(conn), now).await?;
                gone.extend(self.deliver(effects).await?.gone);
            }
            if speaker_gone {
                return Ok(Standing::Unseated);
            }
            if !again {
                return Ok(standing);
            }
        }
    }

    /// Decides until the decision is stored.
    async fn settle(
        &self,
        who: &Session,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<(Vec<Effect>, Standing), Fault> {
        for _ in 0..MAX_RACES {
            let room = self.registry.load(&who.room).await?;
            let Decision { next, effects, standing } = room.decide(who, event, now, &self.rules);
            let Some(next) = next else { return Ok((effects, standing)) };
            if self.registry.swap(room.version(), next).await? == Swap::Done {
                return Ok((effects, standing));
            }
        }
        Err(Fault::Contended)
    }

    async fn deliver(&self, effects: Vec<Effect>) -> Result<Delivered, Fault> {
        let mut gone = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    if self.outbox.send(&to, message).await? == Delivery::Gone {
                        gone.push(to);
                    }
                }
                Effect::Close { conn, code } => self.outbox.close(&conn, code).await?,
                Effect::Probe(conns) => {
                    gone.extend(self.outbox.probe(&conns).await?);
                    if !gone.is_empty() {
                        return Ok(Delivered { gone, cut_short: true });
                    }
                }
                Effect::ListRooms { to, own, request_id } => {
                    let rooms = self.registry.rooms(MAX_ROOMS_LISTED).await?;
                    let rooms = rooms.unwrap_or_else(|| vec![own]);
                    self.outbox.send(&to, ServerMessage::RoomList { rooms, request_id }).await?;
                }
            }
        }
        Ok(Delivered { gone, cut_short: false })
    }
}

/// What came of a list of effects.
struct Delivered {
    gone: Vec<ConnectionId>,
    /// A probe found somebody gone, and what came after it was not done.
    cut_short: bool,
}

/// A message to one peer is decided anew when that peer is gone, so that its sender is told. One
/// to the room is not: the others have it.
fn is_for_one(event: &Event<'_>) -> bool {
    matches!(event, Event::Signal { signal, .. } if signal.to.peer().is_some())
}

/// `join_room` from a seated client moves it to another room, as clients of chat servers expect;
/// any other second join is a mistake.
fn moves(join: &Join, seated: &Session) -> bool {
    join.moves && join.room.as_ref().is_some_and(|room| *room != seated.room)
}
