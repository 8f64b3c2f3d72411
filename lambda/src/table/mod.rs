//! The DynamoDB table: one item a room, one small item a connection.
//!
//! # Limitations
//!
//! - A room's item holds all its seats, and an item is at most 400 KB; seats without metadata take
//!   about 100 bytes, so this allows for more peers than a mesh of video calls does. Writes are
//!   billed by the kibibyte of the whole item: up to about eight such seats cost one unit.
//! - One room takes as many changes a second as one item does (1,000 units). Relaying is none.
//! - `room_list` cannot tell of other rooms: that would be a Scan.
//! - Display names and metadata are stored, in plain text within the item, until the room empties,
//!   the ids of those who came with a token and left until the visit is known no more, and what a
//!   token says (not the token) until its connection ends; SDP, candidates and addresses never are.
//!
//! # Schema
//!
//! | attribute | type | a room | a connection |
//! |---|---|---|---|
//! | `pk` | S, partition key | `R#` and its id | `C#` and its id |
//! | `v` | N | its version, which every write raises by one | the same |
//! | `s` | S | the [`Room`](visio_signaling::core::Room) as JSON | the [`Record`](connections::Record) as JSON |
//! | `w` | S | the mark of the write: which of which instance | the same |
//! | `x` | N | Unix seconds, for DynamoDB's TTL | the same |
//!
//! A room's item stays when the last peer has left, for its version: a stale write must not win.
//! The TTL is a broom and nothing depends on when it sweeps: it is three hours after the last
//! write, and no connection lives for more than two. A visit that was ended, or in which somebody
//! was, is kept for as long as that must be known.
//!
//! # Operations
//!
//! `GetItem`, `PutItem` and `DeleteItem` by key. Every `GetItem` is consistent, and every `PutItem` is conditional on the version that
//! was read, so that of all who decide on one state exactly one stores the next. There is no Scan,
//! no Query, no index and no transaction.
//!
//! The SDK retries, so a write may land twice and the second landing fail its condition. A failed
//! write therefore looks at what is stored: if that bears its own mark, it has landed. What is
//! stored says nothing about it: two instances may decide the very same, and only one of them may
//! tell of it.

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

/// How long after its last write an item may be swept.
const KEPT: Duration = Duration::from_secs(3 * 60 * 60);

/// The table, as the schema above says.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    /// No other instance has this number.
    writer: u64,
}

/// An item: which of its states this is, and the state as JSON. Version 0 is no item at all.
#[derive(Debug, Clone, Default)]
struct Item {
    version: u64,
    state: Redacted<String>,
    /// Unix milliseconds before which it must not be swept, if that is later than usual.
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
        // What hash maps are seeded with is random in every process.
        Self { client, name, writer: RandomState::new().hash_one(()) }
    }

    /// Makes a first request, so that the first event need not wait for the handshake with TLS.
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
        _ => Err(Unavailable::new("an item of the table is not as its schema says")),
    }
}

/// The error's name alone: its text may quote what was to be stored.
fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Unavailable {
    Unavailable::new(format!("DynamoDB: {}", aws::named(error)))
}

impl Item {
    /// In Unix seconds.
    fn swept_at(&self, now: SystemTime) -> u64 {
        let usual = (now + KEPT).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        usual.as_secs().max(self.kept_until.unwrap_or_default().div_ceil(1000))
    }
}
