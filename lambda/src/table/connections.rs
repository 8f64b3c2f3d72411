//! Connections in DynamoDB: what must be known of a connection from one of its messages to the next.
//!
//! A connection has an item only once there is something to remember: defaults from its URL, what
//! its token says, or a seat that it claims. The claim is written *before* the seat is taken. So the
//! answer to a join never overtakes it, and whoever handles the end of the connection knows where
//! to look, even if the process that took the seat died on the way.
//!
//! A claim is no seat: the room decides whether the connection holds it.

use serde::{Deserialize, Serialize, Serializer};
use visio_signaling::core::{Claim, Connection, ConnectionId, Grant};
use visio_signaling::ports::{Swap, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{JoinDefaults, PeerId, RoomId};

use super::{Item, Put, Table};

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
    /// The seats that it may hold, the newest first. There is more than one only while it moves, or
    /// where a move was cut short.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<StoredClaim>,
}

/// A place in a room that a connection may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredClaim {
    #[serde(rename = "r")]
    room: RoomId,
    #[serde(rename = "p")]
    peer: PeerId,
}

/// A record, and which of its states it is.
#[derive(Debug, Clone, Default)]
pub struct Known {
    version: u64,
    record: Record,
    /// Whether its newest claim was made by the message that is being handled.
    claimed: bool,
}

/// The connections in the table.
#[derive(Debug, Clone)]
pub struct Connections {
    table: Table,
}

impl Connections {
    /// The connections in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Remembers what a new connection's URL and token said. Where that is nothing, nothing is
    /// written.
    pub async fn opened(
        &self,
        id: &ConnectionId,
        query: &JoinDefaults,
        grant: Option<Grant>,
    ) -> Result<(), Unavailable> {
        if query.is_empty() && grant.is_none() {
            return Ok(());
        }
        let defaults = (!query.is_empty()).then(|| query.to_query());
        let record = Record { defaults, grant, ..Record::default() };
        self.put(id, &mut Known::default(), record).await.map(drop)
    }

    /// What is known of a connection.
    pub async fn load(&self, id: &ConnectionId) -> Result<Known, Unavailable> {
        parse(&self.table.get(&key(id)).await?)
    }

    /// Forgets a connection that has ended, once its seats are given up: until then somebody may
    /// have to look for them again.
    pub async fn forget(&self, id: &ConnectionId) -> Result<(), Unavailable> {
        self.table.delete(&key(id)).await
    }

    /// Notes that a seat is about to be asked for.
    pub(crate) async fn claim(
        &self,
        known: &mut Known,
        seat: &Claim,
        grant: Option<&Grant>,
    ) -> Result<Swap, Unavailable> {
        let claim = StoredClaim::from(seat);
        let before = known.record.claims.iter().filter(|earlier| **earlier != claim);
        // It is written also where it says the same: another message may be about to give it up.
        let record = Record {
            spoke: true,
            claims: std::iter::once(&claim).chain(before).cloned().collect(),
            grant: grant.cloned(),
            ..known.record.clone()
        };
        let swap = self.put(&seat.conn, known, record).await?;
        known.claimed = swap == Swap::Done;
        Ok(swap)
    }

    /// Remembers where a connection stands after one of its messages, if that is news. `before` is
    /// where it sat when the message came.
    pub(crate) async fn save(
        &self,
        known: &mut Known,
        before: Option<&Claim>,
        after: &Connection,
    ) -> Result<(), Unavailable> {
        let record = known.after(before, after);
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
    ) -> Result<Swap, Unavailable> {
        let state = Redacted::new(serde_json::to_string(&record).map_err(Unavailable::new)?);
        let next = Item { version: known.version + 1, state, kept_until: None };
        Ok(match self.table.put(&key(id), known.version, &next).await? {
            Put::Done => {
                *known = Known { version: next.version, record, ..*known };
                Swap::Done
            }
            Put::Raced => Swap::Raced,
        })
    }
}

impl Known {
    /// Whether there is anything to remember of it.
    pub const fn is_stored(&self) -> bool {
        self.version > 0
    }

    /// The connection as the driver knows it, with the newest of its claims.
    pub fn connection(&self, id: ConnectionId) -> Connection {
        let claim = self.claims(&id).next();
        let Record { defaults, grant, spoke, .. } = &self.record;
        let query = defaults.as_ref().map_or("", |query| query.expose().as_str());
        Connection {
            claim,
            grant: grant.clone(),
            spoke: *spoke,
            ..Connection::new(id, JoinDefaults::parse(query))
        }
    }

    /// The record after a message that was handled to its end. If the message made a claim, that is
    /// decided, and it is known where the connection sits. If not, another message may be about to
    /// take a seat that is claimed: all that is given up is a seat that this message gave up.
    fn after(&self, before: Option<&Claim>, connection: &Connection) -> Record {
        let Record { defaults, grant, spoke, claims } = self.record.clone();
        let stands = connection.claim.as_ref();
        let left = before.filter(|_| stands.is_none()).map(StoredClaim::from);
        let (grant, claims) = if self.claimed {
            (connection.grant.clone(), stands.map(StoredClaim::from).into_iter().collect())
        } else {
            let kept = claims.into_iter().filter(|claim| Some(claim) != left.as_ref());
            (grant, kept.collect())
        };
        // Of a connection whose URL asked for nothing, nobody needs to know whether it spoke.
        let spoke = if defaults.is_some() { connection.spoke } else { spoke };
        Record { defaults, grant, spoke, claims }
    }

    /// The seats that it may hold, the newest first.
    pub fn claims(&self, id: &ConnectionId) -> impl Iterator<Item = Claim> {
        self.record.claims.iter().map(|claim| claim.of(id))
    }
}

impl From<&Claim> for StoredClaim {
    fn from(claim: &Claim) -> Self {
        Self { room: claim.room.clone(), peer: claim.peer.clone() }
    }
}

impl StoredClaim {
    fn of(&self, conn: &ConnectionId) -> Claim {
        Claim { conn: conn.clone(), room: self.room.clone(), peer: self.peer.clone() }
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
    Ok(Known { version: item.version, record, claimed: false })
}

#[cfg(test)]
mod tests {
    use visio_signaling::wire::FromText;

    use super::*;

    fn seat(room: &str) -> Claim {
        Claim {
            conn: ConnectionId::new("c1"),
            room: RoomId::parse(room).unwrap(),
            peer: PeerId::parse("ada").unwrap(),
        }
    }

    /// The rooms of the claims that are left after a message. It came from a connection that sat
    /// in `before` and claims seats in these rooms, and now sits in `after`.
    fn left(
        claims: &[&str],
        claimed: bool,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Vec<String> {
        let claims = claims.iter().map(|room| StoredClaim::from(&seat(room))).collect();
        let record = Record { claims, ..Record::default() };
        let known = Known { version: 1, record, claimed };
        let blank = Connection::new(ConnectionId::new("c1"), JoinDefaults::default());
        let after = Connection { claim: after.map(seat), ..blank };
        let record = known.after(before.map(seat).as_ref(), &after);
        record.claims.iter().map(|claim| claim.room.as_str().to_owned()).collect()
    }

    #[test]
    fn a_message_without_a_claim_of_its_own_gives_up_no_other_messages_claim() {
        assert_eq!(left(&["new", "old"], false, Some("old"), Some("old")), ["new", "old"]);
        assert_eq!(left(&["new", "old"], false, Some("old"), None), ["new"], "it left the old");
        assert_eq!(left(&["new"], false, Some("new"), Some("new")), ["new"]);
    }

    #[test]
    fn a_message_that_made_a_claim_knows_where_the_connection_sits() {
        assert_eq!(left(&["new", "old"], true, Some("old"), Some("new")), ["new"]);
        assert_eq!(
            left(&["new", "old"], true, Some("old"), Some("old")),
            ["old"],
            "it was refused"
        );
        assert_eq!(left(&["new"], true, None, None), [""; 0], "it was refused");
    }
}
