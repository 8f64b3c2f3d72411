//! Connections in DynamoDB: who a connection is, from one of its messages to the next.
//!
//! A connection has an item only once there is something to remember: defaults from its URL, or a
//! seat that it claims. The claim is written *before* the seat is taken. So the answer to a join
//! never overtakes it, and whoever handles the end of the connection knows where to look, even if
//! the process that took the seat died on the way.
//!
//! A claim is no seat: the room decides whether the connection holds it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize, Serializer};
use visio_signaling::core::{Connection, ConnectionId, Grant, Session};
use visio_signaling::ports::{Claim, Reading, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{JoinDefaults, PeerId, RoomId, Timestamp};

use super::{Item, Put, Table};
use crate::hints::{Hints, LIFE};

/// What is remembered of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What its URL said, as a query.
    #[serde(
        rename = "q",
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "exposed"
    )]
    defaults: Option<Redacted<String>>,
    /// What its token says.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    grant: Option<Grant>,
    /// Whether it has spoken: only the first message brings the URL's join along.
    #[serde(rename = "k", default)]
    spoke: bool,
    /// The seat it claims.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    claim: Option<Seat>,
    /// Where else it may sit: it was about to move.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    elsewhere: Option<Seat>,
    /// When it gave up its last seat, in Unix milliseconds by this side's clock.
    #[serde(rename = "l", default)]
    left_at: u64,
}

/// A place in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seat {
    #[serde(rename = "r")]
    room: RoomId,
    #[serde(rename = "p")]
    peer: PeerId,
}

/// A record and which of its states it is.
#[derive(Debug, Clone, Default)]
pub struct Known {
    version: u64,
    record: Record,
    /// Whether it is how things stand, or a copy.
    sure: bool,
    /// What was claimed before the message that is being handled made a claim of its own.
    before: Option<Option<Seat>>,
}

/// The connections in the table.
#[derive(Debug, Clone)]
pub struct Connections {
    table: Table,
    hints: Arc<Hints<ConnectionId, Known>>,
}

impl Connections {
    /// The connections in this table.
    pub fn new(table: Table) -> Self {
        Self { table, hints: Arc::default() }
    }

    /// Remembers what a new connection's URL and token said. Where that is nothing, nothing is
    /// written.
    pub async fn opened(
        &self,
        id: &ConnectionId,
        query: &JoinDefaults,
        grant: Option<Grant>,
    ) -> Result<(), Unavailable> {
        let mut known = Known::default();
        if query.is_empty() && grant.is_none() {
            self.hints.note(id.clone(), known, Instant::now());
            return Ok(());
        }
        let defaults = (!query.is_empty()).then(|| query.to_query());
        let record = Record { defaults, grant, ..Record::default() };
        self.put(id, &mut known, record).await.map(drop)
    }

    /// What is known of a connection.
    pub async fn load(&self, id: &ConnectionId, reading: Reading) -> Result<Known, Unavailable> {
        let asked = Instant::now();
        let sure = reading == Reading::Latest;
        if let Some(known) = self.hints.recall(id, asked).filter(|_| !sure) {
            return Ok(known);
        }
        let known = Known { sure, ..parse(&self.table.get(&key(id), reading).await?)? };
        self.hints.note(id.clone(), Known { sure: false, ..known.clone() }, asked);
        Ok(known)
    }

    /// The seats that a connection may hold; `None` if there is nothing to remember of it.
    pub async fn seats(&self, id: &ConnectionId) -> Result<Option<Vec<Session>>, Unavailable> {
        let Known { version, record, .. } = self.load(id, Reading::Latest).await?;
        let seats = record.claim.into_iter().chain(record.elsewhere);
        Ok((version > 0).then(|| seats.map(|seat| seat.of(id)).collect()))
    }

    /// Forgets a connection that has ended, once its seats are given up: until then somebody may
    /// have to look for them again.
    pub async fn forget(&self, id: &ConnectionId) -> Result<(), Unavailable> {
        self.hints.forget(id);
        self.table.delete(&key(id)).await
    }

    /// Notes that a seat is about to be asked for. Contested: `known` was out of date.
    pub async fn claim(
        &self,
        known: &mut Known,
        who: &Session,
        grant: Option<&Grant>,
    ) -> Result<Claim, Unavailable> {
        let claim = Some(Seat::from(who));
        let before = &known.record;
        let earlier = before.claim.clone();
        let other = earlier.clone().filter(|_| earlier != claim);
        // Also where it says the same: another message may be about to give that claim up.
        let record = Record {
            spoke: true,
            elsewhere: other.or_else(|| before.elsewhere.clone()),
            claim,
            grant: grant.cloned(),
            ..before.clone()
        };
        if self.put(&who.conn, known, record).await? == Put::Raced {
            return Ok(Claim::Contested);
        }
        known.before = Some(earlier);
        Ok(Claim::Noted)
    }

    /// Remembers where a connection stands after one of its messages, if that is news.
    pub async fn save(&self, known: &mut Known, after: &Connection) -> Result<(), Unavailable> {
        let record = known.after(after, SystemTime::now());
        if record == known.record {
            return Ok(());
        }
        // Raced: another message of the same connection was faster, and its word holds.
        self.put(&after.id, known, record).await.map(drop)
    }

    async fn put(
        &self,
        id: &ConnectionId,
        known: &mut Known,
        record: Record,
    ) -> Result<Put, Unavailable> {
        let asked = Instant::now();
        let state = serde_json::to_string(&record).map_err(Unavailable::new)?;
        let state = Redacted::new(state);
        let next = Item { version: known.version + 1, state, kept_until: None };
        let put = self.table.put(&key(id), known.version, &next).await?;
        match put {
            Put::Done => {
                *known = Known { version: next.version, record, sure: true, before: None };
                self.hints.note(id.clone(), Known { sure: false, ..known.clone() }, asked);
            }
            Put::Raced => self.hints.forget(id),
        }
        Ok(put)
    }
}

impl Known {
    /// The connection as the driver knows it.
    pub fn connection(&self, id: ConnectionId) -> Connection {
        let Record { defaults, grant, spoke, claim, .. } = &self.record;
        let query = defaults.as_ref().map_or("", |query| query.expose().as_str());
        Connection {
            session: claim.clone().map(|seat| seat.of(&id)),
            grant: grant.clone(),
            spoke: *spoke,
            sure: self.sure,
            ..Connection::new(id, JoinDefaults::parse(query))
        }
    }

    /// For how long other instances may still believe that this connection sits where it sat
    /// before: as long as their hints live.
    pub fn believed_elsewhere(&self, now: SystemTime) -> Duration {
        let left = SystemTime::UNIX_EPOCH + Duration::from_millis(self.record.left_at);
        (left + LIFE).duration_since(now).unwrap_or_default()
    }

    /// Whether a claim of `who` would have this connection sit elsewhere than it is known to sit,
    /// or sat until a moment ago.
    pub fn moves_to(&self, who: &Session, now: SystemTime) -> bool {
        let claim = self.record.claim.as_ref();
        let other = claim.is_some_and(|seat| seat.room != who.room || seat.peer != who.peer);
        other || !self.believed_elsewhere(now).is_zero()
    }

    /// The record after a message.
    fn after(&self, connection: &Connection, now: SystemTime) -> Record {
        let Record { defaults, claim, elsewhere, left_at, .. } = self.record.clone();
        let stands = connection.session.as_ref().map(Seat::from);
        // A claim of this very message has been decided: there is no doubt left where it sits.
        let (sat, elsewhere) = match &self.before {
            Some(before) => (before, None),
            None => (&claim, elsewhere),
        };
        let left = sat.is_some() && *sat != stands;
        Record {
            spoke: if defaults.is_some() { connection.spoke } else { self.record.spoke },
            defaults,
            grant: connection.grant.clone(),
            claim: stands,
            elsewhere,
            left_at: if left { Timestamp::from(now).0 } else { left_at },
        }
    }
}

impl From<&Session> for Seat {
    fn from(session: &Session) -> Self {
        Self { room: session.room.clone(), peer: session.peer.clone() }
    }
}

impl Seat {
    fn of(self, conn: &ConnectionId) -> Session {
        Session { conn: conn.clone(), room: self.room, peer: self.peer }
    }
}

fn exposed<S: Serializer>(
    text: &Option<Redacted<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.as_ref().map(Redacted::expose).serialize(serializer)
}

fn key(id: &ConnectionId) -> String {
    format!("C#{id}")
}

fn parse(item: &Item) -> Result<Known, Unavailable> {
    if item.version == 0 {
        return Ok(Known::default());
    }
    let wrong = |_| Unavailable::new("a stored connection is not one");
    let record = serde_json::from_str(item.state.expose()).map_err(wrong)?;
    Ok(Known { version: item.version, record, ..Known::default() })
}
