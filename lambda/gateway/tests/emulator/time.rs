//! Things that take minutes, on the moved clock.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::{Client, disconnects, gateway, manage};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_idle_connection_is_closed_after_10_minutes() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    gateway.clock().advance(9 * MINUTE).await;
    assert_eq!(gateway.connection_ids().len(), 1);
    gateway.clock().advance(MINUTE).await;
    assert!(gateway.connection_ids().is_empty());
    assert_eq!(u16::from(client.closed().await.code), 1001);
    let events = disconnects(&gateway).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let context = &events[0]["requestContext"];
    assert_eq!(
        (&context["disconnectStatusCode"], &context["disconnectReason"]),
        (&json!(1001), &json!("Going away"))
    );
    let lasted =
        context["requestTimeEpoch"].as_u64().unwrap() - context["connectedAt"].as_u64().unwrap();
    assert!((600_000..660_000).contains(&lasted), "{lasted}");
}

#[tokio::test]
async fn messages_in_either_direction_keep_it_open() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    for _ in 0..3 {
        gateway.clock().advance(9 * MINUTE).await;
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
        gateway.clock().advance(9 * MINUTE).await;
        assert_eq!(manage(&gateway, "POST", &id, "x").await.status, 200);
        assert_eq!(client.text().await, "x");
    }
}

#[tokio::test]
async fn protocol_pings_do_not_keep_it_open() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    gateway.clock().advance(9 * MINUTE).await;
    client.0.send(Message::Ping(Bytes::from_static(b"x"))).await.unwrap();
    assert_eq!(client.frame().await, Message::Pong(Bytes::from_static(b"x")));
    gateway.clock().advance(MINUTE).await;
    assert_eq!(u16::from(client.closed().await.code), 1001);
}

#[tokio::test]
async fn the_busiest_connection_is_closed_after_2_hours() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    for _ in 0..13 {
        gateway.clock().advance(9 * MINUTE).await;
        client.ask(json!({"type": "ping"})).await;
    }
    gateway.clock().advance(3 * MINUTE).await;
    assert!(gateway.connection_ids().is_empty());
    assert_eq!(u16::from(client.closed().await.code), 1001);
}

#[tokio::test]
async fn an_environment_that_is_not_used_is_stopped() {
    let gateway = gateway().await;
    gateway.route_to(Some(0));
    let mut client = Client::connect(&gateway).await;
    let (first, _) = client.who().await;
    gateway.clock().advance(6 * MINUTE).await;
    assert_eq!(client.who().await.0, first);
    gateway.settle().await;
    gateway.clock().advance(7 * MINUTE).await;
    assert_ne!(client.who().await.0, first);
    assert_eq!(gateway.bill().cold_starts, 2);
}

#[tokio::test]
async fn the_event_says_how_a_connection_ended() {
    let gateway = gateway().await;
    let mut plain = Client::connect(&gateway).await;
    plain.id().await;
    plain.close().await;
    let mut reasoned = Client::connect(&gateway).await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 4001.into(),
        reason: "moved".into(),
    };
    reasoned.0.close(Some(frame)).await.unwrap();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut reasoned.0).await {}
    let events = disconnects(&gateway).await;
    let mut ends: Vec<_> = events
        .iter()
        .map(|event| &event["requestContext"])
        .map(|context| {
            (context["disconnectStatusCode"].as_u64(), context["disconnectReason"].as_str())
        })
        .collect();
    ends.sort_unstable();
    let not_set = "Client-side close frame status not set";
    assert_eq!(ends, [(Some(1005), Some(not_set)), (Some(4001), Some("moved"))]);
}

#[tokio::test]
async fn a_broken_connection_is_reported_as_1006() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    drop(client);
    // The gateway notices it after a while.
    while manage(&gateway, "GET", &id, "").await.status == 200 {}
    let events = disconnects(&gateway).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["requestContext"]["disconnectStatusCode"], 1006);
}
