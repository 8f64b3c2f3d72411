//! The engine's operations by name, and the units they consume.

use dynoxide::types::{item_size, table_write_capacity_units};
use dynoxide::{Database, DynoxideError, Item};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Runs an operation on a JSON request.
pub(super) fn run(
    database: &Database,
    operation: &str,
    request: &Value,
) -> dynoxide::Result<Value> {
    match operation {
        "GetItem" => call(request, |request| database.get_item(request)),
        "PutItem" => call(request, |request| database.put_item(request)),
        "UpdateItem" => call(request, |request| database.update_item(request)),
        "DeleteItem" => call(request, |request| database.delete_item(request)),
        "Query" => call(request, |request| database.query(request)),
        "Scan" => call(request, |request| database.scan(request)),
        "BatchGetItem" => call(request, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(request, |request| database.batch_write_item(request)),
        "TransactGetItems" => call(request, |request| database.transact_get_items(request)),
        "TransactWriteItems" => call(request, |request| database.transact_write_items(request)),
        "CreateTable" => call(request, |request| database.create_table(request)),
        "DescribeTable" => call(request, |request| database.describe_table(request)),
        "UpdateTimeToLive" => call(request, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => call(request, |request| database.describe_time_to_live(request)),
        _ => Err(DynoxideError::ValidationException(format!("{operation} is not emulated"))),
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    request: &Value,
    operation: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<Value> {
    let parsed = Q::deserialize(request).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("VALIDATION:").unwrap_or(&text);
        DynoxideError::ValidationException(text.to_owned())
    })?;
    let answer = serde_json::to_value(operation(parsed)?);
    answer.map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The item that a write is about, as currently stored.
pub(super) fn item(database: &Database, write: &Value, key: &str) -> Option<Value> {
    let request = json!({
        "TableName": write["TableName"],
        "Key": {key: key_of(write, key)},
        "ConsistentRead": true,
    });
    let answer = run(database, "GetItem", &request).ok()?;
    answer.get("Item").cloned()
}

/// Restores an item to this image, or deletes it if there is none.
pub(super) fn restore(database: &Database, write: &Value, key: &str, image: Option<Value>) {
    let table = &write["TableName"];
    // One engine does not refuse what the other has just stored.
    let _ = match image {
        Some(item) => run(database, "PutItem", &json!({"TableName": table, "Item": item})),
        None => {
            let key = json!({key: key_of(write, key)});
            run(database, "DeleteItem", &json!({"TableName": table, "Key": key}))
        }
    };
}

fn key_of<'a>(write: &'a Value, key: &str) -> &'a Value {
    let of = if write["Item"].is_object() { &write["Item"] } else { &write["Key"] };
    &of[key]
}

/// The units in a `ConsumedCapacity`, for one table or for several.
pub(super) fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        one => one["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}

/// The units of a failed condition. It costs as much as the write would have, estimated from the
/// items.
pub(super) fn units_of_failure(
    error: &DynoxideError,
    before: Option<&Value>,
    after: &Value,
) -> f64 {
    if !matches!(error, DynoxideError::ConditionalCheckFailedException(..)) {
        return 0.0;
    }
    let size = |item: &Value| serde_json::from_value::<Item>(item.clone()).ok();
    let size = |item: &Value| size(item).map(|item| item_size(&item));
    table_write_capacity_units(before.and_then(size), size(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_several_tables_are_added() {
        assert_eq!(units(&json!({"TableName": "t", "CapacityUnits": 0.5})), 0.5);
        assert_eq!(units(&json!([{"CapacityUnits": 2.0}, {"CapacityUnits": 4.0}])), 6.0);
        assert_eq!(units(&Value::Null), 0.0);
    }

    #[test]
    fn failed_conditions_are_charged_by_the_larger_item() {
        let failed = DynoxideError::ConditionalCheckFailedException("".into(), None);
        let item = |bytes: usize| json!({"pk": {"S": "x".repeat(bytes)}});
        assert_eq!(units_of_failure(&failed, None, &Value::Null), 1.0);
        assert_eq!(units_of_failure(&failed, Some(&item(100)), &item(1500)), 2.0);
        assert_eq!(units_of_failure(&failed, Some(&item(2100)), &item(100)), 3.0);
        let invalid = DynoxideError::ValidationException("".into());
        assert_eq!(units_of_failure(&invalid, None, &item(100)), 0.0);
    }
}
