//! `$connect`, and how it ends.

use serde_json::{Value, json};

use crate::support::{Client, disconnects, gateway, http, options};
use visio_gateway::{Gateway, StartError};

/// The query that makes `$connect` answer this.
fn answering(value: &Value) -> String {
    let value: String = form_urlencoded::byte_serialize(value.to_string().as_bytes()).collect();
    format!("?do=answer&value={value}")
}

async fn refused(gateway: &Gateway, query: &str) -> u16 {
    Client::handshake(gateway, query, &[]).await.err().unwrap()
}

#[tokio::test]
async fn any_2xx_opens_and_its_body_does_not_reach_the_client() {
    let gateway = gateway().await;
    for status in [200, 201, 204] {
        let query = answering(&json!({"statusCode": status, "body": "x"}));
        let (mut client, protocol) = Client::handshake(&gateway, &query, &[]).await.unwrap();
        assert_eq!(protocol, None);
        assert_eq!(client.echo().await["requestContext"]["eventType"], "MESSAGE");
    }
}

#[tokio::test]
async fn any_other_status_becomes_that_of_the_handshake() {
    let gateway = gateway().await;
    for status in [301, 401, 403, 404, 501] {
        let query = answering(&json!({"statusCode": status}));
        assert_eq!(refused(&gateway, &query).await, status);
    }
    assert!(gateway.connection_ids().is_empty());
    assert_eq!(gateway.bill().connections, 0);
    assert!(disconnects(&gateway).await.is_empty(), "what was not connected is not disconnected");
}

#[tokio::test]
async fn a_failure_and_a_malformed_answer_are_502() {
    let gateway = gateway().await;
    for command in ["fail", "panic", "exit"] {
        assert_eq!(refused(&gateway, &format!("?do={command}")).await, 502, "{command}");
    }
    for shape in [json!(7), json!({}), json!({"statusCode": "200"})] {
        assert_eq!(refused(&gateway, &answering(&shape)).await, 502, "{shape}");
    }
}

#[tokio::test]
async fn a_function_that_cannot_start_is_502() {
    let mut options = options();
    options.variables.push(("ECHO_REFUSES_TO_START".into(), "1".into()));
    let gateway = Gateway::start(options).await.unwrap();
    assert_eq!(refused(&gateway, "").await, 502);
    assert_eq!(refused(&gateway, "").await, 502, "and again");
}

#[tokio::test]
async fn a_missing_function_is_reported_at_once() {
    let mut options = options();
    options.signaling.push("nowhere");
    assert!(matches!(Gateway::start(options).await, Err(StartError::NoFunction(_))));
}

#[tokio::test]
async fn the_function_echoes_a_subprotocol() {
    let gateway = gateway().await;
    for name in ["Sec-WebSocket-Protocol", "sec-websocket-protocol"] {
        let query = answering(&json!({"statusCode": 200, "headers": {name: "visio"}}));
        let offer = [("sec-websocket-protocol", "other, visio")];
        let (_client, protocol) = Client::handshake(&gateway, &query, &offer).await.unwrap();
        assert_eq!(protocol.as_deref(), Some("visio"));
    }
}

#[tokio::test]
async fn without_a_connect_route_everybody_gets_in() {
    let mut options = options();
    options.routes.remove("$connect");
    let gateway = Gateway::start(options).await.unwrap();
    let _client = Client::connect(&gateway).await;
    assert_eq!(gateway.bill().invocations, 0);
    assert_eq!(gateway.bill().connections, 1);
}

#[tokio::test]
async fn a_connection_cannot_be_reached_before_connect_has_returned() {
    let gateway = gateway().await;
    // The function posts to the new connection, gets 410, posts again, and accepts.
    let (mut client, _) = Client::handshake(&gateway, "?do=post&text=early", &[]).await.unwrap();
    assert_eq!(gateway.bill().posts, 2);
    assert_eq!(gateway.bill().messages_out, 0);
    assert_eq!(client.echo().await["requestContext"]["eventType"], "MESSAGE");
}

#[tokio::test]
async fn a_client_that_leaves_during_connect_is_disconnected_after_it() {
    let gateway = gateway().await;
    let mut other = Client::connect(&gateway).await;
    let begun = async {
        while gateway.bill().route("$connect") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = Client::handshake(&gateway, "?do=wait&key=go", &[]) => panic!("it waits for the item"),
        () = begun => {}
    }
    let item = json!({"TableName": gateway.table(), "Item": {"pk": {"S": "go"}}});
    other.ask(json!({"do": "table", "operation": "PutItem", "request": item})).await;
    while gateway.bill().connections < 2 || gateway.connection_ids().len() > 1 {
        tokio::task::yield_now().await;
    }
    let events = disconnects(&gateway).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["requestContext"]["disconnectStatusCode"], 1006);
}

#[tokio::test]
async fn everything_else_is_forbidden() {
    let gateway = gateway().await;
    for request in ["GET /prod", "GET /", "GET /dev", "POST /prod", "GET /prod/else"] {
        let answer = http(gateway.address(), request, "", b"").await;
        assert_eq!(answer.status, 403, "{request}");
        assert_eq!(answer.json(), json!({"message": "Forbidden"}));
    }
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    assert_eq!(http(gateway.address(), "GET /prod", upgrade, b"").await.status, 400);
}

#[tokio::test]
async fn the_stage_may_end_in_a_slash() {
    let gateway = gateway().await;
    let (mut client, _) = Client::handshake(&gateway, "/?a=b", &[]).await.unwrap();
    client.echo().await;
}
