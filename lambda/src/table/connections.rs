//! Connections in DynamoDB: the state that must last from one message of a connection to the next.
//!
//! A connection has an item only once there is something to remember: defaults from its URL, the
//! grant of its token, or a seat that it claims. The claim is written *before* the seat is taken.
//! So the answer to a join never overtakes it. And the handler of the connection's end knows where
//! to look, even if the process that took the seat died on the way.
//!
//! A claim is not a seat. The room decides whether the connection holds the seat.

use serde::{Deserialize, Serialize, Serializer};
use visio_signaling::core::{Claim, Connection, ConnectionId, Grant};
use visio_signaling::ports::{Swap, Unavailable};
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{JoinDefaults, PeerId, RoomId};

use super::{Item, Put, Table};

/// The stored state of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The defaults from its URL, as a query.
    #[serde(
        rename = "q",
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "exposed"
    )]
    defaults: Option<Redacted<String>>,
    /// The grant of its token.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    grant: Option<Grant>,
    /// Whether it has sent a message. Only the first message triggers the join from the URL.
    #[serde(rename = "k", default)]
    spoke: bool,
    /// The seats that it may hold, newest first. There is more than one only during a move, or
    /// after a move that was interrupted.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<StoredClaim>,
}

/// A seat that a connection may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredClaim {
    #[serde(rename = "r")]
    room: RoomId,
    #[serde(rename = "p")]
    peer: PeerId,
}

/// A record and its version.
#[derive(Debug, Clone, Default)]
pub struct Known {
    version: u64,
    record: Record,
    /// Whether the message that is being handled made the newest claim.
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

    /// Stores the defaults from a new connection's URL, and the grant of its token. If there are
    /// neither, nothing is written.
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

    /// Loads the state of a connection.
    pub async fn load(&self, id: &ConnectionId) -> Result<Known, Unavailable> {
        parse(&self.table.get(&key(id)).await?)
    }

    /// Deletes a connection that has ended. Call it only after its seats are given up, because
    /// until then a retry may have to find them.
    pub async fn forget(&self, id: &ConnectionId) -> Result<(), Unavailable> {
        self.table.delete(&key(id)).await
    }

    /// Records that the connection is about to ask for a seat.
    pub(crate) async fn claim(
        &self,
        known: &mut Known,
        seat: &Claim,
        grant: Option<&Grant>,
    ) -> Result<Swap, Unavailable> {
        let claim = StoredClaim::from(seat);
        let before = known.record.claims.iter().filter(|earlier| **earlier != claim);
        // It is written even if nothing changes, because another message may be about to give the
        // seat up.
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

    /// Stores the state of a connection after one of its messages, if it changed. `before` is the
    /// seat it held when the message arrived.
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
        // If this is raced, another message of the same connection was stored first, and counts.
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
    /// Whether the connection has an item in the table.
    pub const fn is_stored(&self) -> bool {
        self.version > 0
    }

    /// The connection for the driver, with the newest of its claims.
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

    /// The record after a message was handled completely. If the message made a claim, that claim
    /// is settled, and the connection's seat is known. If not, another message may be about to take
    /// a claimed seat. Then only a seat that this message gave up is removed.
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
        // If the URL asked for nothing, it does not matter whether the connection has spoken.
        let spoke = if defaults.is_some() { connection.spoke } else { spoke };
        Record { defaults, grant, spoke, claims }
    }

    /// The seats that it may hold, newest first.
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
    let wrong = |_| Unavailable::new("a stored connection is malformed");
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

    /// The rooms of the claims that are left after a message. Its connection held a seat in
    /// `before` and claims seats in these rooms, and now holds a seat in `after`.
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
    fn a_message_without_a_claim_keeps_the_claims_of_other_messages() {
        assert_eq!(left(&["new", "old"], false, Some("old"), Some("old")), ["new", "old"]);
        assert_eq!(
            left(&["new", "old"], false, Some("old"), None),
            ["new"],
            "it left the old room"
        );
        assert_eq!(left(&["new"], false, Some("new"), Some("new")), ["new"]);
    }

    #[test]
    fn a_message_that_made_a_claim_settles_all_claims() {
        assert_eq!(left(&["new", "old"], true, Some("old"), Some("new")), ["new"]);
        assert_eq!(
            left(&["new", "old"], true, Some("old"), Some("old")),
            ["old"],
            "it was refused"
        );
        assert_eq!(left(&["new"], true, None, None), [""; 0], "it was refused");
    }
}
