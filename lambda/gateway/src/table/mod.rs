//! DynamoDB: an embedded engine behind its JSON protocol, with a meter and with faults.
//!
//! Faults happen between the client and the engine, never inside the engine. Once the engine has
//! done a write, it is done, as on AWS. A stale read is answered from a second engine, which holds
//! the previous image of every item.

mod engine;

use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::faults::Chance;
use crate::site::Site;
use crate::tasks::locked;

/// The table's name.
pub(crate) const NAME: &str = "visio-signaling";
const KEY: &str = "pk";
const TTL: &str = "x";
/// DynamoDB accepts requests of up to 16 MB.
pub(crate) const MAX_BODY: usize = 16 << 20;
const TARGET: &str = "DynamoDB_20120810.";
/// The operations that change one item.
const WRITES: [&str; 3] = ["PutItem", "UpdateItem", "DeleteItem"];

/// The table.
pub(crate) struct Table {
    pub(crate) database: Database,
    /// Each item as it was before its last write. If an item is missing here, there was none.
    before: Database,
    /// Held while a previous image is read and stored.
    turn: Mutex<()>,
}

/// The outcome of a request.
pub(crate) enum Outcome {
    Answer(Response),
    /// The environment that sent the request must be killed.
    Crash,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(clock: Arc<Clock>) -> dynoxide::Result<Self> {
        let database = Database::memory_with_clock(clock)?;
        let before = Database::memory()?;
        for engine in [&database, &before] {
            create(engine)?;
        }
        let ttl = json!({"AttributeName": TTL, "Enabled": true});
        let ttl = json!({"TableName": NAME, "TimeToLiveSpecification": ttl});
        engine::run(&database, "UpdateTimeToLive", &ttl)?;
        Ok(Self { database, before, turn: Mutex::default() })
    }
}

fn create(database: &Database) -> dynoxide::Result<Value> {
    let table = json!({
        "TableName": NAME,
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    engine::run(database, "CreateTable", &table)
}

/// Answers a request that does not come from an environment. A crash then looks like one of the
/// table.
pub(crate) async fn serve(site: &Site, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match answer(site, &parts.headers, &body) {
        Outcome::Answer(response) => response,
        Outcome::Crash => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Answers one request.
pub(crate) fn answer(site: &Site, headers: &HeaderMap, body: &[u8]) -> Outcome {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix(TARGET));
    let request = serde_json::from_slice(body).ok().filter(Value::is_object);
    let (Some(operation), Some(request)) = (operation, request) else {
        return refuse(StatusCode::BAD_REQUEST, "com.amazon.coral.service#SerializationException");
    };
    if site.dice.takes(Chance::ThrottledTable) {
        let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        return refuse(StatusCode::BAD_REQUEST, kind);
    }
    if WRITES.contains(&operation) {
        write(site, operation, request)
    } else {
        read(site, operation, request)
    }
}

/// Runs a write, and injects the faults around it.
fn write(site: &Site, operation: &str, request: Value) -> Outcome {
    if site.dice.takes(Chance::CrashBeforeWrite) {
        return Outcome::Crash;
    }
    let turn = locked(&site.table.turn);
    let before = engine::item(&site.table.database, &request, KEY);
    let answered = metered(site, &site.table.database, operation, &request, before.as_ref());
    if answered.is_ok() {
        engine::restore(&site.table.before, &request, KEY, before);
    }
    drop(turn);
    if site.dice.takes(Chance::CrashAfterWrite) {
        return Outcome::Crash;
    }
    if site.dice.takes(Chance::LostAnswer) {
        let kind = "com.amazonaws.dynamodb.v20120810#InternalServerError";
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, kind);
    }
    reply(answered)
}

fn read(site: &Site, operation: &str, request: Value) -> Outcome {
    let eventual = operation == "GetItem" && request["ConsistentRead"] != json!(true);
    let stale = eventual && site.dice.takes(Chance::StaleRead);
    let engine = if stale { &site.table.before } else { &site.table.database };
    reply(metered(site, engine, operation, &request, None))
}

/// Runs an operation and meters it. A failed condition is charged too, but the engine does not
/// report its units, so they are computed from the items.
fn metered(
    site: &Site,
    database: &Database,
    operation: &str,
    request: &Value,
    before: Option<&Value>,
) -> dynoxide::Result<Value> {
    let asked = request["ReturnConsumedCapacity"].as_str().is_some_and(|mode| mode != "NONE");
    let mut counted = request.clone();
    if !asked {
        counted["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let mut answered = engine::run(database, operation, &counted);
    let units = match &answered {
        Ok(answer) => engine::units(&answer["ConsumedCapacity"]),
        Err(error) => engine::units_of_failure(error, before, &request["Item"]),
    };
    let reads = operation.contains("Get") || matches!(operation, "Query" | "Scan");
    let (read, written) = if reads { (units, 0.0) } else { (0.0, units) };
    site.meter.table(operation, read, written);
    if let (Ok(Value::Object(answer)), false) = (&mut answered, asked) {
        answer.remove("ConsumedCapacity");
    }
    answered
}

fn reply(answered: dynoxide::Result<Value>) -> Outcome {
    let (status, body) = match answered {
        Ok(answer) => (200, answer.to_string()),
        Err(error) => (error.status_code(), error.to_json()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, body)
}

fn refuse(status: StatusCode, kind: &str) -> Outcome {
    respond(status, json!({"__type": kind, "message": "emulated"}).to_string())
}

/// Builds a response. DynamoDB adds a CRC-32 of the body, but the SDK for Rust does not check it.
fn respond(status: StatusCode, body: String) -> Outcome {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    Outcome::Answer((status, kind, body).into_response())
}
