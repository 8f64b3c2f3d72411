//! Faults.

use std::time::Duration;

use serde_json::{Value, json};
use visio_gateway::{Faults, Gateway};

use crate::support::{Client, SIGNED, disconnects, gateway, http, manage};
use crate::table::{key, table};

/// A gateway with one client, and from then on these faults.
async fn with(faults: Faults) -> (Gateway, Client) {
    let gateway = gateway().await;
    let client = Client::connect(&gateway).await;
    gateway.set_faults(faults);
    (gateway, client)
}

/// How many `$disconnect`s follow a close.
async fn after_a_close(faults: Faults) -> usize {
    let (gateway, client) = with(faults).await;
    client.close().await;
    while !gateway.connection_ids().is_empty() {
        tokio::task::yield_now().await;
    }
    disconnects(&gateway).await.len()
}

#[tokio::test]
async fn disconnects_can_be_lost_or_doubled() {
    assert_eq!(after_a_close(Faults::default()).await, 1);
    assert_eq!(after_a_close(Faults { lose_disconnect: 1.0, ..Faults::default() }).await, 0);
    assert_eq!(after_a_close(Faults { double_disconnect: 1.0, ..Faults::default() }).await, 2);
}

#[tokio::test]
async fn a_disconnect_can_be_late() {
    let late = (1.0, Duration::from_secs(3600));
    let (gateway, client) = with(Faults { late_disconnect: late, ..Faults::default() }).await;
    client.close().await;
    while !gateway.connection_ids().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut other = Client::connect(&gateway).await;
    other.echo().await;
    assert_eq!(gateway.bill().route("$disconnect"), 0);
    gateway.set_faults(Faults::default());
    gateway.clock().advance(Duration::from_secs(3600)).await;
    gateway.settle().await;
    assert_eq!(gateway.bill().route("$disconnect"), 2, "the other's was not late");
}

#[tokio::test]
async fn messages_are_held_back() {
    let reorder = Duration::from_secs(3600);
    let (gateway, mut client) = with(Faults { reorder, ..Faults::default() }).await;
    client.send(json!({"do": "fail"})).await;
    client.heard().await;
    assert_eq!(gateway.bill().route("$default"), 0);
    gateway.set_faults(Faults::default());
    gateway.clock().advance(Duration::from_secs(500)).await;
    gateway.clock().advance(Duration::from_secs(3200)).await;
    // It may have been closed as idle by then; the message is still handled.
    gateway.settle().await;
    assert_eq!(gateway.bill().route("$default"), 1);
}

#[tokio::test]
async fn messages_overtake_each_other() {
    let faults = Faults { reorder: Duration::from_millis(50), seed: 3, ..Faults::default() };
    let (_gateway, mut client) = with(faults).await;
    for number in 0..8 {
        client.send(json!({"do": "echo", "number": number})).await;
    }
    let mut order = Vec::new();
    for _ in 0..8 {
        let event = client.json().await;
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        order.push(body["number"].as_u64().unwrap());
    }
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..8).collect::<Vec<u64>>(), "none is lost");
    assert_ne!(order, sorted, "with eight, order would be a coincidence");
}

#[tokio::test]
async fn posts_can_be_refused() {
    let (gateway, mut client) = with(Faults { busy_posts: 1.0, ..Faults::default() }).await;
    let id = gateway.connection_ids()[0].clone();
    let answer = manage(&gateway, "POST", &id, "x").await;
    assert_eq!(answer.status, 429);
    assert!(answer.has("x-amzn-errortype: LimitExceededException"), "{}", answer.headers);
    gateway.set_faults(Faults::default());
    assert_eq!(manage(&gateway, "POST", &id, "y").await.status, 200);
    assert_eq!(client.text().await, "y");
}

#[tokio::test]
async fn a_410_can_come_without_an_error_type() {
    let (gateway, _client) = with(Faults { gone_without_code: true, ..Faults::default() }).await;
    let request = "POST /prod/@connections/L0SM9cOFvHcCIhw=";
    let answer = http(gateway.address(), request, SIGNED, b"x").await;
    assert_eq!((answer.status, answer.text()), (410, ""));
    assert!(!answer.headers.contains("errortype"), "{}", answer.headers);
}

#[tokio::test]
async fn a_read_can_be_stale_but_a_consistent_read_cannot() {
    let (gateway, mut client) = with(Faults { stale_reads: 1.0, ..Faults::default() }).await;
    let item = |version: &str| json!({"pk": {"S": "a"}, "v": {"N": version}});
    let eventual = json!({"Key": key("a")});
    let consistent = json!({"Key": key("a"), "ConsistentRead": true});
    let mut images = Vec::new();
    for version in ["1", "2", "3"] {
        table(&mut client, &gateway, "PutItem", json!({"Item": item(version)})).await;
        let read = table(&mut client, &gateway, "GetItem", eventual.clone()).await;
        images.push(read["body"]["Item"]["v"]["N"].clone());
        let read = table(&mut client, &gateway, "GetItem", consistent.clone()).await;
        assert_eq!(read["body"]["Item"], item(version));
    }
    assert_eq!(images, [Value::Null, json!("1"), json!("2")], "absence is an image too");
    table(&mut client, &gateway, "DeleteItem", json!({"Key": key("a")})).await;
    let read = table(&mut client, &gateway, "GetItem", eventual).await;
    assert_eq!(read["body"]["Item"], item("3"));
}

#[tokio::test]
async fn a_refused_write_leaves_the_previous_image() {
    let (gateway, mut client) = with(Faults { stale_reads: 1.0, ..Faults::default() }).await;
    let put = json!({"Item": key("a"), "ConditionExpression": "attribute_not_exists(pk)"});
    table(&mut client, &gateway, "PutItem", put.clone()).await;
    table(&mut client, &gateway, "PutItem", put).await;
    let read = table(&mut client, &gateway, "GetItem", json!({"Key": key("a")})).await;
    assert!(read["body"]["Item"].is_null(), "{read}");
}

#[tokio::test]
async fn a_crash_can_come_before_or_after_the_write() {
    let before = Faults { crash_before_write: 1.0, ..Faults::default() };
    let after = Faults { crash_after_write: 1.0, ..Faults::default() };
    for (faults, written) in [(before, false), (after, true)] {
        let (gateway, mut client) = with(faults).await;
        let complaint = table(&mut client, &gateway, "PutItem", json!({"Item": key("a")})).await;
        assert_eq!(complaint["message"], "Internal server error");
        gateway.set_faults(Faults::default());
        let read = table(&mut client, &gateway, "GetItem", json!({"Key": key("a")})).await;
        assert_eq!(read["body"]["Item"].is_object(), written, "{faults:?}");
        assert_eq!(gateway.bill().cold_starts, 2);
    }
}

#[tokio::test]
async fn an_answer_can_be_lost() {
    let (gateway, mut client) = with(Faults { lost_answers: 1.0, ..Faults::default() }).await;
    let lost = table(&mut client, &gateway, "PutItem", json!({"Item": key("a")})).await;
    assert_eq!(lost["status"], 500);
    let read = table(&mut client, &gateway, "GetItem", json!({"Key": key("a")})).await;
    assert_eq!(read["body"]["Item"], key("a"), "reads are not concerned, and the write was done");
}

#[tokio::test]
async fn the_table_can_be_throttled() {
    let (gateway, mut client) = with(Faults { throttled_table: 1.0, ..Faults::default() }).await;
    let refused = table(&mut client, &gateway, "GetItem", json!({"Key": key("a")})).await;
    assert_eq!(refused["status"], 400);
    let kind = refused["body"]["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{kind}");
    assert_eq!(gateway.bill().dynamodb_requests, 0, "it costs nothing");
}

#[tokio::test]
async fn the_function_can_be_throttled() {
    let (gateway, mut client) = with(Faults { throttled_function: 1.0, ..Faults::default() }).await;
    let before = gateway.bill();
    assert_eq!(client.echo().await["message"], "Internal server error");
    assert_eq!(Client::handshake(&gateway, "", &[]).await.err(), Some(500));
    assert_eq!(gateway.bill().since(&before).invocations, 0);
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong", "this needs none");
}
