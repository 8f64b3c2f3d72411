//! Execution environments: warm, cold, in parallel.
//!
//! A function posts before it has ended, so the next message may find its environment busy.
//! Messages that must reach the same environment are pinned to it.

use std::time::Duration;

use serde_json::json;
use visio_gateway::Gateway;

use crate::support::{Client, gateway, options};

#[tokio::test]
async fn an_environment_stays_warm() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, seen) = client.who().await;
    assert_eq!(seen, 2, "`$connect` was the first");
    assert_eq!(client.who().await, (first, 3));
    assert_eq!(gateway.bill().cold_starts, 1);
}

#[tokio::test]
async fn cold_starts_follow_retired_environments() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    gateway.retire_environments().await;
    let (second, seen) = client.who().await;
    assert_ne!(first, second);
    assert_eq!(seen, 1);
    assert_eq!(gateway.bill().cold_starts, 2);
}

#[tokio::test]
async fn a_busy_environment_is_retired_when_it_is_done() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    client.send(json!({"do": "wait", "key": "go"})).await;
    client.heard().await;
    gateway.retire_environments().await;
    gateway.route_to(Some(1));
    put(&mut client, &gateway, "go").await;
    client.json().await;
    client.json().await;
    gateway.settle().await;
    gateway.route_to(Some(0));
    assert_ne!(client.who().await.0, first);
}

/// While others start, it is idle. The test asks it again until its monotonic clock is behind by
/// part of the time that they took.
#[tokio::test]
async fn the_monotonic_clock_of_a_frozen_environment_stops() {
    let mut options = options();
    options.freezes = true;
    options.max_environments = 100;
    let gateway = Gateway::start(options).await.unwrap();
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    for other in 1..100 {
        client.send(json!({"do": "clocks"})).await;
        let clocks = client.json().await;
        let (wall, monotonic) = (clocks["wall"].as_u64(), clocks["monotonic"].as_u64());
        if wall.unwrap() >= monotonic.unwrap() + 50 {
            assert_eq!(client.who().await.0, first, "it is the same environment all the time");
            return;
        }
        gateway.route_to(Some(other));
        client.who().await;
        gateway.route_to(Some(0));
    }
    panic!("the clock of an environment that is frozen goes on");
}

#[tokio::test]
async fn a_crash_is_followed_by_a_cold_start() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    let complaint = client.ask(json!({"do": "exit"})).await;
    assert_eq!(complaint["message"], "Internal server error");
    assert_ne!(client.who().await.0, first);
}

#[tokio::test]
async fn a_timeout_kills_the_environment() {
    let mut options = options();
    options.invocation_timeout = Duration::from_secs(1);
    let gateway = Gateway::start(options).await.unwrap();
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    client.ask(json!({"do": "hang"})).await;
    assert_ne!(client.who().await.0, first);
}

#[tokio::test]
async fn a_failure_does_not_end_the_environment() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    client.ask(json!({"do": "fail"})).await;
    client.ask(json!({"do": "panic"})).await;
    assert_eq!(client.who().await.0, first);
}

#[tokio::test]
async fn messages_can_be_sent_to_an_environment() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let mut streams = Vec::new();
    for index in [2, 1, 2, 1] {
        gateway.route_to(Some(index));
        streams.push(client.who().await.0);
    }
    assert_eq!((&streams[0], &streams[1]), (&streams[2], &streams[3]));
    assert_ne!(streams[0], streams[1]);
    assert!(streams[0].starts_with("2/") && streams[1].starts_with("1/"), "{streams:?}");
}

#[tokio::test]
async fn beyond_the_limit_invocations_wait() {
    let mut options = options();
    options.max_environments = 1;
    let gateway = Gateway::start(options).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    for _ in 0..5 {
        client.send(json!({"do": "who"})).await;
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(client.json().await["seen"].as_u64().unwrap());
    }
    assert_eq!(seen, [2, 3, 4, 5, 6]);
    assert_eq!(gateway.bill().cold_starts, 1);
}

#[tokio::test]
async fn the_output_of_environments_is_kept() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({"do": "print", "text": "a line"})).await;
    client.heard().await;
    gateway.settle().await;
    gateway.retire_environments().await;
    assert!(gateway.logs().contains(&"a line".to_owned()), "{:?}", gateway.logs());
}

#[tokio::test]
async fn environments_get_their_own_variables_and_not_ours() {
    let mut options = options();
    options.variables.push(("AWS_LAMBDA_LOG_STREAM_NAME".into(), "mine".into()));
    let gateway = Gateway::start(options).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.who().await.0, "mine");
}

#[tokio::test]
async fn a_dropped_gateway_closes_its_sockets() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.echo().await;
    drop(gateway);
    let end = futures_util::StreamExt::next(&mut client.0).await;
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
}

async fn put(client: &mut Client, gateway: &Gateway, key: &str) {
    let item = json!({"TableName": gateway.table(), "Item": {"pk": {"S": key}}});
    client.send(json!({"do": "table", "operation": "PutItem", "request": item})).await;
}
