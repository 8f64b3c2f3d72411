//! Messages: routes, limits, error frames.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use visio_gateway::{Gateway, Integration};

use crate::support::{Client, gateway, options};

#[tokio::test]
async fn the_event_is_the_one_that_api_gateway_sends() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let sent = r#"{"do":"echo","text":"grüße"}"#;
    client.send_text(sent).await;
    let event = client.json().await;
    assert_eq!(event["body"], sent);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["routeKey"], "$default");
    assert_eq!(context["connectionId"].as_str(), gateway.connection_ids().first().map(|id| &**id));
    let at = context["requestTimeEpoch"].as_u64().unwrap();
    assert!(context["connectedAt"].as_u64().unwrap() <= at && at <= gateway.clock().now());
}

#[tokio::test]
async fn a_ping_is_answered_by_the_gateway_itself() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let before = gateway.bill();
    let pong = client.ask(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    assert!(pong["serverTime"].as_u64().unwrap() <= gateway.clock().now());
    let used = gateway.bill().since(&before);
    assert_eq!((used.messages_in, used.messages_out, used.invocations), (1, 1, 0));
}

#[tokio::test]
async fn a_ping_with_a_request_id_goes_to_the_function() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let event = client.ask(json!({"type": "ping", "requestId": "7", "do": "echo"})).await;
    assert_eq!(event["requestContext"]["routeKey"], "$default");
}

#[tokio::test]
async fn routes_match_exactly_and_no_message_reaches_the_gateways_own() {
    let mut options = options();
    options.routes.insert("join".into(), Integration::Lambda);
    let gateway = Gateway::start(options).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    for (kind, route) in
        [("join", "join"), ("joined", "$default"), ("$connect", "$default"), ("", "$default")]
    {
        let event = client.ask(json!({"type": kind, "do": "echo"})).await;
        assert_eq!(event["requestContext"]["routeKey"], route, "{kind}");
    }
    assert_eq!(gateway.bill().route("join"), 1);
}

#[tokio::test]
async fn a_message_that_is_not_json_takes_the_default_route() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send_text("hello").await;
    let event = client.json().await;
    assert_eq!(
        (&event["body"], &event["requestContext"]["routeKey"]),
        (&json!("hello"), &json!("$default"))
    );
}

#[tokio::test]
async fn without_a_default_route_the_rest_is_forbidden() {
    let mut options = options();
    options.routes.remove("$default");
    let gateway = Gateway::start(options).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    client.send_text("hello").await;
    assert_complaint(&client.text().await, "Forbidden", &gateway);
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong", "it stays open");
}

#[tokio::test]
async fn the_functions_answer_is_ignored() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    for status in [200, 201, 301, 401, 501] {
        client.send(json!({"do": "answer", "value": {"statusCode": status, "body": "x"}})).await;
    }
    client.send(json!({"do": "answer", "value": 7})).await;
    client.heard().await;
    gateway.settle().await;
    assert_eq!(client.echo().await["requestContext"]["eventType"], "MESSAGE");
}

#[tokio::test]
async fn a_failure_is_reported_and_the_connection_stays_open() {
    let mut options = options();
    options.invocation_timeout = std::time::Duration::from_secs(1);
    let gateway = Gateway::start(options).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    for command in ["fail", "panic", "exit", "hang"] {
        client.send(json!({"do": command})).await;
        assert_complaint(&client.text().await, "Internal server error", &gateway);
    }
    client.echo().await;
}

#[tokio::test]
async fn messages_of_one_connection_run_in_parallel() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({"do": "wait", "key": "go"})).await;
    let item = json!({"TableName": gateway.table(), "Item": {"pk": {"S": "go"}}});
    client.send(json!({"do": "table", "operation": "PutItem", "request": item})).await;
    let mut answers = [client.json().await, client.json().await];
    answers.sort_by_key(|answer| answer.is_string());
    assert_eq!(answers[0]["status"], 200);
    assert_eq!(answers[1], "waited", "the first message ended after the second had begun");
}

#[tokio::test]
async fn a_binary_frame_is_closed_with_1003() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1003);
}

#[tokio::test]
async fn a_frame_of_32_kb_passes_and_one_more_byte_is_closed_with_1009() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let frame = |bytes: usize| format!("{:bytes$}", r#"{"do":"who"}"#);
    client.send_text(&frame(32 * 1024)).await;
    assert!(client.json().await["stream"].is_string());
    client.send_text(&frame(32 * 1024 + 1)).await;
    assert_eq!(u16::from(client.closed().await.code), 1009);
}

#[tokio::test]
async fn a_client_that_keeps_sending_still_sees_the_1009() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    for _ in 0..4 {
        let frame = Message::text("x".repeat(64 * 1024));
        // The close may come meanwhile.
        if client.0.send(frame).await.is_err() {
            break;
        }
    }
    assert_eq!(u16::from(client.closed().await.code), 1009);
}

#[tokio::test]
async fn a_message_of_128_kb_passes_and_one_more_byte_is_closed_with_1009() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let padding = "x".repeat(128 * 1024 - 22);
    let text = format!(r#"{{"do":"who","text":"{padding}"}}"#);
    assert_eq!(text.len(), 128 * 1024);
    fragmented(&mut client, &text).await;
    assert!(client.json().await["stream"].is_string());
    fragmented(&mut client, &(text + " ")).await;
    assert_eq!(u16::from(client.closed().await.code), 1009);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_closed_with_1007() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.0.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1007);
}

#[tokio::test]
async fn a_protocol_violation_is_closed_with_1002() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let frame = Frame::message(vec![], OpCode::Data(Data::Continue), true);
    client.0.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1002);
}

/// In frames of up to 32 KB.
async fn fragmented(client: &mut Client, text: &str) {
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(32 * 1024).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let kind = if index == 0 { Data::Text } else { Data::Continue };
        let last = index + 1 == pieces.len();
        let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), last);
        client.0.send(Message::Frame(frame)).await.unwrap();
    }
}

fn assert_complaint(text: &str, message: &str, gateway: &Gateway) {
    let complaint: Value = serde_json::from_str(text).unwrap();
    assert!(text.starts_with(&format!(r#"{{"message":"{message}","connectionId":"#)), "{text}");
    assert_eq!(complaint["connectionId"], gateway.connection_ids()[0].as_str());
    assert!(complaint["requestId"].as_str().unwrap().ends_with('='), "{text}");
}
