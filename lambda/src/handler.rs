//! Handles `$connect`, `$default` and `$disconnect`: from an event of the gateway to the driver.

use std::collections::BTreeMap;
use std::sync::Arc;

use visio_signaling::core::{Claim, Connection, ConnectionId, Grant, Rules};
use visio_signaling::drive::{Driver, Fault};
use visio_signaling::ice::IceServers;
use visio_signaling::origin;
use visio_signaling::ports::{Outbox, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::token::{Gatekeeper, Refused, offered};
use visio_signaling::wire::{
    CloseCode, Code, FromText, Incoming, JoinDefaults, PeerId, Rejection, ResumeSecret, Timestamp,
};

use crate::event::{Answer, Kind, SocketEvent};
use crate::log::{self, Level, LogJournal};
use crate::management_api::ManagementApi;
use crate::seen::SeenSeats;
use crate::speaker::{Introduced, Speaker};
use crate::table::connections::Connections;
use crate::table::rooms::Rooms;

/// The subprotocol that the function selects if a client offers it.
const SUBPROTOCOL: &str = "visio";

/// The state that the function keeps from one event to the next.
#[derive(Debug)]
pub struct Signaling {
    /// The registry.
    pub rooms: Rooms,
    /// The connections in the table.
    pub connections: Connections,
    /// The seats in which this instance has seen connections.
    pub seen: SeenSeats,
    /// Sends messages to clients.
    pub posts: ManagementApi,
    /// The operator's rules.
    pub rules: Rules,
    /// Which STUN and TURN servers clients are told of.
    pub ice: Arc<IceServers>,
    /// Lets everybody in (open mode), or only clients with a valid token.
    pub gatekeeper: Gatekeeper,
    /// The largest message that is accepted, in bytes.
    pub max_message_bytes: usize,
    /// The origins of pages that may connect; empty for any.
    pub allowed_origins: Vec<String>,
}

impl Signaling {
    /// Handles one event. `Err` means that we failed, and the gateway tells the client so.
    pub async fn handle(&self, event: SocketEvent) -> Result<Answer, Fault> {
        let now = event.request_context.request_time_epoch;
        match event.request_context.event_type {
            Kind::Connect => {
                let answer = self.connect(&event).await.map_err(Fault::from);
                answer.inspect_err(|fault| complain("connect", fault))
            }
            Kind::Message => {
                let id = event.request_context.connection_id;
                let text = event.body.map(Redacted::into_exposed).unwrap_or_default();
                self.message(&id, &text, now).await
            }
            Kind::Disconnect => {
                let answer = self.disconnect(&event.request_context.connection_id, now).await;
                answer.inspect_err(|fault| complain("disconnect", fault))
            }
        }
    }

    /// Handles a handshake. Nothing can be posted to its connection yet.
    async fn connect(&self, event: &SocketEvent) -> Result<Answer, Unavailable> {
        let origin = event.header("origin");
        if origin.is_some_and(|it| !origin::is_allowed(&self.allowed_origins, it.as_bytes())) {
            return Ok(Answer::refused(403));
        }
        let offers = event.header("sec-websocket-protocol").unwrap_or_default();
        let Ok(grant) = self.identify(event, offers) else { return Ok(Answer::refused(401)) };
        let defaults = JoinDefaults::from_pairs(event.query());
        let id = &event.request_context.connection_id;
        self.connections.opened(id, &defaults, grant).await?;
        let visio = offers.split(',').any(|name| name.trim() == SUBPROTOCOL);
        let answer = visio.then_some(("Sec-WebSocket-Protocol", SUBPROTOCOL));
        Ok(Answer { headers: BTreeMap::from_iter(answer), ..Answer::done() })
    }

    /// The grant of the handshake's token. The reason for a refusal reaches nobody, because API
    /// Gateway passes on only the status.
    fn identify(&self, event: &SocketEvent, offers: &str) -> Result<Option<Grant>, Refused> {
        if self.gatekeeper.is_open() {
            return Ok(None);
        }
        let authorization = event.header("authorization").into_iter();
        let token = offered(event.query(), authorization, std::iter::once(offers))?;
        let now = event.request_context.request_time_epoch;
        Ok(token.map(|token| self.gatekeeper.check(&token, now)).transpose()?.flatten())
    }

    async fn message(
        &self,
        id: &ConnectionId,
        text: &str,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        if text.len() > self.max_message_bytes {
            return Ok(self.too_large(id).await?);
        }
        let incoming = match Incoming::parse(text) {
            Ok(incoming) => incoming,
            Err(rejection) => {
                self.posts.send(id, rejection.into()).await?;
                return Ok(Answer::done());
            }
        };
        let failure = Rejection::new(Code::Internal, "the server failed; try again");
        let failure = failure.to(incoming.message.to().cloned());
        let failure = failure.answering(incoming.request_id.clone());
        match self.speak(id, incoming, now).await {
            Ok(()) => Ok(Answer::done()),
            Err(fault) => self.failed(id, failure, fault).await,
        }
    }

    async fn speak(
        &self,
        id: &ConnectionId,
        incoming: Incoming<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (rooms, connections) = (&self.rooms, &self.connections);
        let introduced =
            Speaker::introduce(id, &incoming.message, rooms, connections, &self.seen).await?;
        let (speaker, Introduced { mut connection, room, left_over }) = introduced;
        let before = connection.claim.clone();
        let driver = self.driver(rooms.beginning_with(room), speaker);
        for seat in left_over {
            driver.lost(&mut at(seat), now).await?;
        }
        driver.receive(&mut connection, incoming, now).await?;
        Ok(driver.connections.save(before.as_ref(), &connection).await?)
    }

    /// Handles the end of a connection, which may have been handled already.
    async fn disconnect(&self, id: &ConnectionId, now: Timestamp) -> Result<Answer, Fault> {
        let known = self.connections.load(id).await?;
        if !known.is_stored() {
            return Ok(Answer::done());
        }
        let driver = self.driver(self.rooms.clone(), ());
        for seat in known.claims(id) {
            driver.lost(&mut at(seat), now).await?;
        }
        self.seen.note(id, None);
        self.connections.forget(id).await?;
        Ok(Answer::done())
    }

    fn driver<C>(&self, registry: Rooms, connections: C) -> Driver<Rooms, C, ManagementApi> {
        Driver {
            registry,
            connections,
            outbox: self.posts.clone(),
            journal: Arc::new(LogJournal),
            rules: self.rules.clone(),
            ice: Arc::clone(&self.ice),
            gatekeeper: self.gatekeeper.clone(),
            mint_secret,
            mint_peer_id,
        }
    }

    /// Refuses a message that the gateway accepts but the protocol does not.
    async fn too_large(&self, id: &ConnectionId) -> Result<Answer, Unavailable> {
        let text = format!("expected a message of at most {} bytes", self.max_message_bytes);
        self.posts.send(id, Rejection::new(Code::InvalidMessage, text).into()).await?;
        self.posts.close(id, CloseCode::TooLarge).await?;
        Ok(Answer::done())
    }

    /// Reports our own failure to the client, as the protocol defines it. If that fails as well,
    /// the gateway sends its own error frame.
    async fn failed(
        &self,
        id: &ConnectionId,
        failure: Rejection,
        fault: Fault,
    ) -> Result<Answer, Fault> {
        complain("message", &fault);
        match self.posts.send(id, failure.into()).await {
            Ok(_) => Ok(Answer::done()),
            Err(_) => Err(fault),
        }
    }
}

/// A connection with nothing but this seat.
fn at(seat: Claim) -> Connection {
    let blank = Connection::new(seat.conn.clone(), JoinDefaults::default());
    Connection { claim: Some(seat), ..blank }
}

/// Logs a failure. An alarm counts these lines, by the words "was not handled".
fn complain(what: &str, fault: &Fault) {
    log::line(Level::Error, &format!("a {what} was not handled"), what, &log::chain(fault));
}

fn mint_secret() -> ResumeSecret {
    ResumeSecret::new(uuid::Uuid::new_v4().simple().to_string())
}

/// Mints the same id for every message of a connection, so that two concurrent joins of one
/// connection cannot get two seats.
fn mint_peer_id(connection: &ConnectionId) -> PeerId {
    let name = connection.to_string();
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
    PeerId::parse(&id).expect("a UUID is within the alphabet of identifiers")
}
