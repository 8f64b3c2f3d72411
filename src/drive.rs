//! load -> decide -> swap -> deliver: the only code that awaits both ports.
//!
//! A runtime turns what its client sent into text and calls [`Driver::receive`]; when a connection
//! ends it calls [`Driver::lost`]. Everything else follows from the core's decisions. A swap that
//! was raced is decided anew, and so is a message whose receiver turned out to be gone: a delivery
//! that fails is news of the room, not a failure. A refusal is never made from a copy: what was
//! missing in it is looked up as it was last stored.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::ControlFlow;
use std::time::Duration;

use crate::core::{
    Connection, ConnectionId, Decision, Effect, Event, Grant, JoinRequest, Rules, Session, Standing,
};
use crate::health;
use crate::ports::{Claim, Delivery, Loaded, Outbox, Reading, Registry, Swap, Unavailable};
use crate::token::{Gatekeeper, Refused};
use crate::wire::{
    ClientMessage, CloseCode, Code, Incoming, Join, PeerId, Rejection, RequestId, RoomId,
    ServerMessage, Timestamp,
};

/// How often a decision may be raced. Of those who race one always wins, so in a room of any
/// sensible size this is never reached.
const MAX_RACES: usize = 256;
/// How many rooms `room_list` tells of.
const MAX_ROOMS_LISTED: usize = 200;
/// When a peer that could not be reached in time may be tried again.
const BUSY: Duration = Duration::from_secs(1);

/// Carries out the core's decisions over a registry and an outbox.
#[derive(Debug)]
pub struct Driver<R, O> {
    /// Where rooms are kept.
    pub registry: R,
    /// How clients are reached.
    pub outbox: O,
    /// What the operator decided.
    pub rules: Rules,
    /// Who is let in: everybody, or those with a good token.
    pub gatekeeper: Gatekeeper,
    /// Makes a peer id for the client of a connection that names none. Randomness is the runtime's.
    pub mint_peer_id: fn(&ConnectionId) -> PeerId,
}

/// Our side failed. Nothing was changed, and but for [`Fault::Doubtful`] the client is told
/// `internal`.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A port did not answer.
    #[error(transparent)]
    Port(#[from] Unavailable),
    /// Every try to store a decision was raced.
    #[error("a room changed {MAX_RACES} times while one decision was stored")]
    Contended,
    /// What was known of the connection was a copy, and too old: read it anew and repeat.
    #[error("the connection is not as its copy says")]
    Doubtful,
}

impl<R: Registry, O: Outbox> Driver<R, O> {
    /// Handles the text of one frame. Where the connection is not [sure](Connection::sure), the
    /// outcome may be [`Fault::Doubtful`].
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
            return self.join(from, join, request_id, now).await.map(drop);
        }
        let joins = first && !from.defaults.is_empty();
        if joins && self.join(from, Join::default(), None, now).await?.is_break() {
            return Ok(());
        }
        if matches!(message, ClientMessage::Ping) {
            return self
                .answer(&from.id, ServerMessage::Pong { server_time: now, request_id })
                .await;
        }
        let Some(who) = &from.session else {
            if !from.sure {
                return Err(Fault::Doubtful);
            }
            let rejection = Rejection::new(Code::NotJoined, "`join` first");
            let rejection = rejection.to(message.to().cloned()).answering(request_id);
            return self.answer(&from.id, rejection).await;
        };
        let event = match message {
            ClientMessage::Signal(signal) => Event::Signal { signal, request_id },
            ClientMessage::Peers => Event::Peers { request_id },
            ClientMessage::RoomList => Event::RoomList { request_id },
            ClientMessage::Host(message) => Event::Host { message, request_id },
            ClientMessage::Leave => Event::Leave,
            ClientMessage::Join(_) | ClientMessage::Ping => return Ok(()),
        };
        // A seat that is missing may be one that is just being taken: a claim is given up only
        // together with the seat.
        if self.handle(who, &event, now, from.sure).await? == Standing::Left {
            from.session = None;
        }
        Ok(())
    }

    /// Puts the room right at a time when something was to end: [`Grant::next_due`] says when.
    pub async fn due(&self, connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
        let Some(who) = &connection.session else { return Ok(()) };
        if self.handle(who, &Event::Due, now, true).await? == Standing::Left {
            connection.session = None;
        }
        Ok(())
    }

    /// Handles the end of a connection.
    pub async fn lost(&self, connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
        let Some(who) = connection.session.take() else { return Ok(()) };
        self.handle(&who, &Event::Lost(who.conn.clone()), now, true).await.map(drop)
    }

    /// A request for a seat. Where that ends the connection, nothing more is to be done for it.
    async fn join(
        &self,
        from: &mut Connection,
        join: Join,
        request_id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<ControlFlow<()>, Fault> {
        let named_room = join.room.is_some() || from.defaults.name_a_room();
        let grant = match self.gatekeeper.admit(join.token.as_ref(), from.grant.as_ref(), now) {
            Ok(grant) => grant,
            Err(_) if join.token.is_none() && !from.sure => return Err(Fault::Doubtful),
            Err(refused) => return self.turn_away(&from.id, refused, request_id).await,
        };
        let join = match self.asked_for(from, join, grant.as_ref()).await? {
            Ok(join) => join,
            // Whether it comes from a first message is only known for sure.
            Err(_) if !from.sure => return Err(Fault::Doubtful),
            Err(rejection) => {
                let replaced = rejection.code == Code::Replaced;
                self.answer(&from.id, rejection.answering(request_id)).await?;
                if replaced {
                    self.outbox.close(&from.id, CloseCode::Replaced).await?;
                    return Ok(ControlFlow::Break(()));
                }
                return Ok(ControlFlow::Continue(()));
            }
        };
        let Join { room, peer, name, metadata, .. } = join;
        let who = Session {
            conn: from.id.clone(),
            room: room.unwrap_or_else(RoomId::fallback),
            peer: peer.unwrap_or_else(|| (self.mint_peer_id)(&from.id)),
        };
        let request = JoinRequest { name, metadata, named_room, grant: grant.clone(), request_id };
        match self.outbox.joining(&who, grant.as_ref()).await? {
            Claim::Noted => {}
            Claim::Contested => return Err(Fault::Doubtful),
            Claim::TooSoon(wait) => {
                let text = "this peer has made the others receive too much";
                let rejection = Rejection::new(Code::RateLimited, text).retry_after(wait);
                self.answer(&from.id, rejection.answering(request.request_id)).await?;
                return Ok(ControlFlow::Continue(()));
            }
        }
        from.sure = true;
        if self.handle(&who, &Event::Join(request), now, true).await? == Standing::Seated {
            from.grant = grant;
            // Who moves keeps its old seat until the new one is sure.
            let old = from.session.replace(who.clone()).filter(|old| *old != who);
            if let Some(old) = old {
                self.handle(&old, &Event::Leave, now, true).await?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends the connection of a client that has no good token.
    async fn turn_away(
        &self,
        conn: &ConnectionId,
        refused: Refused,
        request_id: Option<RequestId>,
    ) -> Result<ControlFlow<()>, Fault> {
        let rejection = Rejection::new(Code::Unauthorized, refused.to_string());
        self.answer(conn, rejection.answering(request_id)).await?;
        self.outbox.close(conn, CloseCode::Unauthorized).await?;
        Ok(ControlFlow::Break(()))
    }

    /// What a join asks for in all: in the message, by the token, as one who sits already, in the
    /// URL.
    async fn asked_for(
        &self,
        from: &Connection,
        join: Join,
        grant: Option<&Grant>,
    ) -> Result<Result<Join, Rejection>, Fault> {
        let join = match grant {
            None => join,
            Some(grant) => match from.defaults.fill(join.clone()).and_then(|it| grant.permits(&it))
            {
                Ok(()) => grant.fill(join),
                Err(rejection) => return Ok(Err(rejection)),
            },
        };
        Ok(self.second_join(from, join).await?.and_then(|join| from.defaults.fill(join)))
    }

    /// What to make of a join from a client that claims a seat already: it may move, if it asked
    /// for that, and is then who it was unless it says otherwise. Where nobody holds the seat (it
    /// was refused, or the process that took it died) there is nothing to keep it from joining.
    async fn second_join(
        &self,
        from: &Connection,
        join: Join,
    ) -> Result<Result<Join, Rejection>, Fault> {
        let Some(claimed) = &from.session else { return Ok(Ok(join)) };
        let Loaded { room, .. } = self.registry.load(&claimed.room, Reading::Latest).await?;
        let seat = room.seat(&claimed.peer);
        let own = seat.filter(|seat| seat.conn == claimed.conn);
        if own.is_none() && !from.sure {
            return Err(Fault::Doubtful);
        }
        if moves(&join, claimed) {
            return Ok(Ok(Join {
                peer: join.peer.or_else(|| Some(claimed.peer.clone())),
                name: join.name.or_else(|| own?.name.clone()),
                metadata: join.metadata.or_else(|| own?.metadata.clone()),
                ..join
            }));
        }
        Ok(match seat {
            None => Ok(join),
            Some(_) if own.is_some() => Err(Rejection::new(Code::AlreadyJoined, "`leave` first")),
            Some(_) => Err(Rejection::new(Code::Replaced, "another connection took this peer id")),
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
        sure: bool,
    ) -> Result<Standing, Fault> {
        let mut reading =
            if event.may_begin_with_a_copy() { Reading::Copy } else { Reading::Latest };
        loop {
            let (effects, standing) = self.settle(who, event, now, reading, sure).await?;
            let Delivered { mut gone, busy, cut_short } = self.deliver(effects).await?;
            if busy && is_for_one(event) {
                self.answer(&who.conn, could_not_be_reached(event)).await?;
            }
            if gone.is_empty() {
                return Ok(standing);
            }
            // Whoever is gone shows that a copy, if it was one, is out of date.
            reading = Reading::Latest;
            let again = cut_short || is_for_one(event);
            let speaker_gone = gone.contains(&who.conn);
            while let Some(conn) = gone.pop() {
                let lost = Event::Lost(conn);
                let (effects, _) = self.settle(who, &lost, now, reading, true).await?;
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
        mut reading: Reading,
        sure: bool,
    ) -> Result<(Vec<Effect>, Standing), Fault> {
        for _ in 0..MAX_RACES {
            let Loaded { room, latest } = self.registry.load(&who.room, reading).await?;
            reading = Reading::Latest;
            let decision = room.decide(who, event, now, &self.rules);
            let good = latest || decision.holds_for_a_copy();
            match decision {
                Decision { next: Some(next), effects, standing } => {
                    if self.registry.swap(room.version(), next).await? == Swap::Done {
                        return Ok((effects, standing));
                    }
                }
                Decision { standing: Standing::Unseated, .. } if good && !sure => {
                    return Err(Fault::Doubtful);
                }
                Decision { effects, standing, .. } if good => return Ok((effects, standing)),
                Decision { .. } => {}
            }
        }
        Err(Fault::Contended)
    }

    async fn deliver(&self, effects: Vec<Effect>) -> Result<Delivered, Fault> {
        let mut delivered = Delivered::default();
        let mut messages = Vec::new();
        for effect in effects {
            if let Effect::Send { to, message } = effect {
                messages.push((to, message));
                continue;
            }
            self.send_all(std::mem::take(&mut messages), &mut delivered).await?;
            match effect {
                Effect::Send { .. } => {}
                // The health check's visits are nobody's.
                Effect::Record(entry) if health::is_own(&entry.room_id) => {}
                Effect::Record(entry) => self.outbox.record(entry),
                Effect::Close { conn, code } => self.outbox.close(&conn, code).await?,
                Effect::Probe(conns) => {
                    delivered.gone.extend(self.outbox.probe(&conns).await?);
                    if !delivered.gone.is_empty() {
                        return Ok(Delivered { cut_short: true, ..delivered });
                    }
                }
                Effect::ListRooms { to, own, request_id } => {
                    let rooms = self.registry.rooms(MAX_ROOMS_LISTED).await?;
                    let rooms = rooms.unwrap_or_else(|| vec![own]);
                    messages.push((to, ServerMessage::RoomList { rooms, request_id }));
                }
            }
        }
        self.send_all(messages, &mut delivered).await?;
        Ok(delivered)
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
        delivered: &mut Delivered,
    ) -> Result<(), Fault> {
        for (conn, delivery) in self.outbox.send_all(messages).await? {
            match delivery {
                Delivery::Accepted => {}
                Delivery::Gone => delivered.gone.push(conn),
                Delivery::Busy => delivered.busy = true,
            }
        }
        Ok(())
    }
}

/// What came of a list of effects.
#[derive(Default)]
struct Delivered {
    gone: Vec<ConnectionId>,
    /// Somebody could not be reached in time.
    busy: bool,
    /// A probe found somebody gone, and what came after it was not done.
    cut_short: bool,
}

/// What the sender of a message to one peer is told when that peer does not take it in time. News
/// of the room need no such answer: the next repairs them.
fn could_not_be_reached(event: &Event<'_>) -> Rejection {
    let rejection =
        Rejection::new(Code::Internal, "the peer could not be reached in time").retry_after(BUSY);
    match event {
        Event::Signal { signal, request_id } => {
            rejection.to(signal.to.peer().cloned()).answering(request_id.clone())
        }
        _ => rejection,
    }
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
