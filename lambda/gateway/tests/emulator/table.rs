//! The table.

use std::time::Duration;

use serde_json::{Value, json};
use visio_gateway::Gateway;

use crate::support::{Client, gateway};

pub fn request(gateway: &Gateway, rest: Value) -> Value {
    let mut request = rest;
    request["TableName"] = json!(gateway.table());
    request
}

pub fn key(name: &str) -> Value {
    json!({"pk": {"S": name}})
}

/// Makes the function call the table.
pub async fn table(client: &mut Client, gateway: &Gateway, operation: &str, rest: Value) -> Value {
    let request = request(gateway, rest);
    client.ask(json!({"do": "table", "operation": operation, "request": request})).await
}

#[tokio::test]
async fn items_are_written_and_read() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let item = json!({"pk": {"S": "R#1"}, "v": {"N": "1"}});
    let put = json!({"Item": item, "ConditionExpression": "attribute_not_exists(pk)"});
    let first = table(&mut client, &gateway, "PutItem", put.clone()).await;
    assert_eq!((&first["status"], &first["body"]), (&json!(200), &json!({})));
    let again = table(&mut client, &gateway, "PutItem", put).await;
    assert_eq!(again["status"], 400);
    let kind = again["body"]["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ConditionalCheckFailedException"), "{kind}");
    let read = table(&mut client, &gateway, "GetItem", json!({"Key": key("R#1")})).await;
    assert_eq!(read["body"], json!({"Item": item}), "without a capacity that nobody asked for");
}

#[tokio::test]
async fn a_failed_condition_shows_the_item_if_asked() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    table(&mut client, &gateway, "PutItem", json!({"Item": key("a")})).await;
    let put = json!({
        "Item": key("a"),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    let failed = table(&mut client, &gateway, "PutItem", put).await;
    assert_eq!(failed["body"]["Item"], key("a"));
}

#[tokio::test]
async fn units_are_metered() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let item = |bytes: usize| json!({"pk": {"S": "a"}, "d": {"S": "x".repeat(bytes)}});
    let absent = json!({"Item": item(10), "ConditionExpression": "attribute_not_exists(pk)"});
    let strong = json!({"Key": key("a"), "ConsistentRead": true});
    let steps = [
        ("GetItem", json!({"Key": key("a")}), (0.5, 0.0)),
        ("PutItem", json!({"Item": item(10)}), (0.0, 1.0)),
        ("PutItem", absent, (0.0, 1.0)),
        ("GetItem", json!({"Key": key("a")}), (0.5, 0.0)),
        ("GetItem", strong, (1.0, 0.0)),
        ("PutItem", json!({"Item": item(1500)}), (0.0, 2.0)),
        ("DeleteItem", json!({"Key": key("a")}), (0.0, 2.0)),
        ("Scan", json!({}), (0.5, 0.0)),
    ];
    for (operation, rest, units) in steps {
        let before = gateway.bill();
        table(&mut client, &gateway, operation, rest).await;
        let used = gateway.bill().since(&before);
        assert_eq!((used.read_units, used.write_units), units, "{operation}");
        assert_eq!(used.operation(operation), 1);
        assert_eq!(used.dynamodb_requests, 1);
    }
    assert_eq!(gateway.bill().operation("Scan"), 1);
    assert_eq!(gateway.bill().operation("Query"), 0);
}

#[tokio::test]
async fn an_answer_reports_the_capacity_if_asked() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let get = json!({"Key": key("a"), "ReturnConsumedCapacity": "TOTAL"});
    let read = table(&mut client, &gateway, "GetItem", get).await;
    assert_eq!(read["body"]["ConsumedCapacity"]["CapacityUnits"], 0.5);
}

#[tokio::test]
async fn transactions_are_metered_twice() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let put = json!({"Put": {"TableName": gateway.table(), "Item": key("a")}});
    let transaction = json!({"TransactItems": [put]});
    let before = gateway.bill();
    client
        .ask(json!({"do": "table", "operation": "TransactWriteItems", "request": transaction}))
        .await;
    let used = gateway.bill().since(&before);
    assert_eq!((used.write_units, used.operation("TransactWriteItems")), (2.0, 1));
}

#[tokio::test]
async fn the_time_to_live_follows_the_moved_clock() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let expires = gateway.clock().now() / 1000 + 3600;
    let item = json!({"pk": {"S": "a"}, "x": {"N": expires.to_string()}});
    table(&mut client, &gateway, "PutItem", json!({"Item": item})).await;
    assert_eq!(gateway.database().sweep_ttl().unwrap(), 0);
    gateway.clock().advance(Duration::from_secs(3601)).await;
    assert_eq!(gateway.database().sweep_ttl().unwrap(), 1);
}

#[tokio::test]
async fn an_unknown_request_is_refused() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    for operation in ["ExecuteStatement", "Nonsense"] {
        let refused = table(&mut client, &gateway, operation, json!({})).await;
        assert_eq!(refused["status"], 400, "{operation}");
    }
    let invalid = table(&mut client, &gateway, "GetItem", json!({})).await;
    let kind = invalid["body"]["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ValidationException"), "{invalid}");
}
