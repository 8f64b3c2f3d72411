//! The bill for the traffic.

use std::time::Duration;

use serde_json::json;

use crate::support::{Client, gateway, manage};

#[tokio::test]
async fn messages_are_counted_both_ways_and_handshakes_are_not() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let bill = gateway.bill();
    assert_eq!((bill.connections, bill.messages_in, bill.messages_out), (1, 0, 0));
    assert_eq!((bill.invocations, bill.route("$connect")), (1, 1));
    client.send_text("x").await;
    let echoed = client.text().await.len() as u64;
    let bill = gateway.bill();
    assert_eq!((bill.messages_in, bill.messages_out, bill.posts), (1, 1, 1));
    assert_eq!((bill.bytes_in, bill.bytes_out), (1, echoed));
    assert_eq!(bill.route("$default"), 1);
}

#[tokio::test]
async fn a_long_post_counts_as_several_messages() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    let before = gateway.bill();
    assert_eq!(manage(&gateway, "POST", &id, &"x".repeat(65 * 1024)).await.status, 200);
    assert_eq!(gateway.bill().since(&before).messages_out, 3);
}

#[tokio::test]
async fn a_refused_post_counts_as_a_post_but_not_as_a_message() {
    let gateway = gateway().await;
    assert_eq!(manage(&gateway, "POST", "L0SM9cOFvHcCIhw=", "x").await.status, 410);
    assert_eq!((gateway.bill().posts, gateway.bill().messages_out), (1, 0));
}

#[tokio::test]
async fn error_frames_are_counted() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.ask(json!({"do": "fail"})).await;
    assert_eq!(gateway.bill().messages_out, 1);
}

#[tokio::test]
async fn connection_minutes_follow_the_moved_clock_open_or_closed() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    assert_eq!(gateway.bill().connection_minutes, 1);
    gateway.clock().advance(Duration::from_secs(90)).await;
    assert_eq!(gateway.bill().connection_minutes, 2);
    client.heard().await;
    client.close().await;
    while !gateway.connection_ids().is_empty() {
        tokio::task::yield_now().await;
    }
    gateway.clock().advance(Duration::from_secs(600)).await;
    assert_eq!(gateway.bill().connection_minutes, 2);
}

#[tokio::test]
async fn billed_time_includes_the_initialisation() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send_text("x").await;
    client.text().await;
    gateway.settle().await;
    let bill = gateway.bill();
    assert!(bill.billed_ms >= 2, "each of {} invocations is a millisecond", bill.invocations);
    assert_eq!(bill.mb_ms, bill.billed_ms * 256);
    assert!(bill.dollars() > 0.0);
}
