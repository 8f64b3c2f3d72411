//! The DynamoDB table: one item for each room, and one small item for each connection.
//!
//! # Limitations
//!
//! - A room's item holds all its seats, and an item is at most 400 KB. Seats without metadata take
//!   about 100 bytes, so this allows for more peers than a mesh of video calls does. Writes are
//!   billed by the kibibyte of the whole item. Up to about eight such seats cost one unit.
//! - One room allows as many changes per second as one item does (1,000 units). Relaying a message
//!   changes nothing.
//! - `room_list` cannot list other rooms, because that would need a Scan.
//! - Display names and metadata are stored until the room empties, in plain text within the item.
//!   The ids of peers that came with a token and left are stored until the visit is forgotten. A
//!   token's grant (not the token) is stored until its connection ends, and half of the SHA-256 of
//!   a seat's resume token as long as the seat. SDP, ICE candidates, texts and addresses are never
//!   stored, because nothing waits for a peer that is away.
//!
//! # Schema
//!
//! | attribute | type | a room | a connection |
//! |---|---|---|---|
//! | `pk` | S, partition key | `R#` and its id | `C#` and its id |
//! | `v` | N | its version, which every write raises by one | the same |
//! | `s` | S | the [`Room`] as JSON | the [`Record`] as JSON |
//! | `w` | S | the mark of the write: the instance and the number of its write | the same |
//! | `x` | N | Unix seconds, for DynamoDB's TTL | the same |
//!
//! A room's item stays after the last peer has left, to keep its version: a stale write must not
//! win. The TTL only cleans up, and nothing depends on when it does. It is three hours after the
//! last write, and no connection lasts longer than two. A visit that was ended, or that peers have
//! joined, is kept for as long as it must be remembered.
//!
//! # Operations
//!
//! The table is used with `GetItem`, `PutItem` and `DeleteItem` by key. Every `GetItem` is
//! consistent. Every `PutItem` is conditional on the version that was read, so when several
//! instances decide on the same state, exactly one stores the next. There is no Scan, no Query, no
//! index and no transaction.
//!
//! The SDK retries, so a write may arrive twice, and the second arrival then fails its condition.
//! After a failed condition, the write compares marks: if the stored item has its own mark, the
//! write succeeded. Comparing the stored state would not be enough. Two instances may decide
//! exactly the same, and only one of them may send the effects.
//!
//! [`Record`]: connections::Record
//! [`Room`]: visio_signaling::core::Room

pub mod connections;
pub mod rooms;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use visio_signaling::ports::Unavailable;
use visio_signaling::redact::Redacted;

use crate::aws;

/// How long after its last write the TTL may delete an item.
const KEPT: Duration = Duration::from_secs(3 * 60 * 60);

/// The table, with the schema above.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    /// A number that no other instance has.
    writer: u64,
}

/// An item: its version, and its state as JSON. Version 0 means that there is no item.
#[derive(Debug, Clone, Default)]
struct Item {
    version: u64,
    state: Redacted<String>,
    /// The TTL must not delete it before this time, in Unix milliseconds, if that is later than
    /// usual.
    kept_until: Option<u64>,
}

/// How a write ended.
#[derive(Debug, PartialEq, Eq)]
enum Put {
    Done,
    Raced,
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: String) -> Self {
        // The seed of hash maps is random in every process.
        Self { client, name, writer: RandomState::new().hash_one(()) }
    }

    /// Makes a first request, so that the first event does not wait for the TLS handshake.
    pub async fn warm_up(&self) -> Result<(), Unavailable> {
        self.get("warm").await.map(drop)
    }

    async fn get(&self, key: &str) -> Result<Item, Unavailable> {
        let request = self.client.get_item().table_name(&self.name);
        let request = request.key("pk", AttributeValue::S(key.to_owned()));
        let answer = request.consistent_read(true).send().await;
        match answer.map_err(|error| unavailable(&error))?.item {
            Some(attributes) => read(&attributes),
            None => Ok(Item::default()),
        }
    }

    /// Stores `next` if the item is still at version `seen`.
    async fn put(&self, key: &str, seen: u64, next: &Item) -> Result<Put, Unavailable> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let mark = AttributeValue::S(self.mark());
        let request = self.client.put_item().table_name(&self.name);
        let request = request
            .item("pk", AttributeValue::S(key.to_owned()))
            .item("v", number(next.version))
            .item("s", AttributeValue::S(next.state.expose().clone()))
            .item("w", mark.clone())
            .item("x", number(next.swept_at(SystemTime::now())));
        let request = match seen {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            _ => request
                .condition_expression("v = :seen")
                .expression_attribute_values(":seen", number(seen)),
        };
        let request = request.return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = request.send().await else { return Ok(Put::Done) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let stored = failed.item().and_then(|stored| stored.get("w"));
                Ok(if stored == Some(&mark) { Put::Done } else { Put::Raced })
            }
            _ => Err(unavailable(&error)),
        }
    }

    /// A mark that no other write has.
    fn mark(&self) -> String {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        format!("{:x}-{}", self.writer, WRITES.fetch_add(1, Ordering::Relaxed))
    }

    async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        let request = self.client.delete_item().table_name(&self.name);
        let request = request.key("pk", AttributeValue::S(key.to_owned()));
        request.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}

fn read(attributes: &HashMap<String, AttributeValue>) -> Result<Item, Unavailable> {
    let version = attributes.get("v").and_then(|value| value.as_n().ok()?.parse().ok());
    let state = attributes.get("s").and_then(|value| value.as_s().ok());
    match (version, state) {
        (Some(version), Some(state)) => {
            Ok(Item { version, state: Redacted::new(state.clone()), kept_until: None })
        }
        _ => Err(Unavailable::new("an item of the table does not match its schema")),
    }
}

/// Keeps only the error's name, because its text may quote what was to be stored.
fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Unavailable {
    Unavailable::new(format!("DynamoDB: {}", aws::named(error)))
}

impl Item {
    /// When the TTL may delete the item, in Unix seconds.
    fn swept_at(&self, now: SystemTime) -> u64 {
        let usual = (now + KEPT).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        usual.as_secs().max(self.kept_until.unwrap_or_default().div_ceil(1000))
    }
}
