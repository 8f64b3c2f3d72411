//! `/metrics`: the numbers add up, name nobody, and can have an address of their own.

use serde_json::json;

use super::Program;
use crate::conformance::client::{Client, meet};
use crate::conformance::request::{get, request_at};
use crate::conformance::tokens::{SECRET, guest, token};

#[tokio::test]
async fn what_happens_in_a_visit_is_counted() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let [mut ada, mut bob] = meet(&program, "visit-of-ada", ["ada-peer-id", "bob-peer-id"]).await;
    ada.send(json!({"type": "offer", "to": "bob-peer-id", "sdp": "v=0"})).await;
    bob.expect("offer").await;
    ada.send(json!({"type": "offer", "to": "nobody", "sdp": "v=0"})).await;
    ada.expect_error("peer_not_found").await;
    ada.send_text("not JSON".to_owned()).await;
    ada.expect_error("invalid_json").await;
    bob.close().await;
    ada.expect("peer_away").await;
    let text = numbers(&program).await;
    for (name, least) in [
        (r#"visio_messages_received_total{type="offer"}"#, 2),
        (r#"visio_messages_received_total{type="invalid"}"#, 1),
        (r#"visio_errors_total{code="peer_not_found"}"#, 1),
        (r#"visio_errors_total{code="invalid_json"}"#, 1),
        (r#"visio_visit_events_total{event="joined"}"#, 2),
        (r#"visio_visit_events_total{event="away"}"#, 1),
        (r#"visio_connections_closed_total{reason="left"}"#, 1),
        (r#"visio_seats{presence="here"}"#, 1),
        (r#"visio_seats{presence="away"}"#, 1),
        ("visio_rooms", 1),
        ("visio_connections", 1),
    ] {
        assert_eq!(value(&text, name), Some(least), "{name} in {text}");
    }
    assert!(value(&text, "visio_relay_seconds_count").is_some_and(|count| count >= 4), "{text}");
    assert!(value(&text, "process_open_fds").is_some_and(|count| count > 5), "{text}");
    for id in ["ada", "bob", "visit-of", "127.0.0.1"] {
        assert!(!text.contains(id), "{id} in {text}");
    }
}

#[tokio::test]
async fn health_is_a_number_too() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    assert_eq!(get(&program, "/health").await.status, 200);
    let text = numbers(&program).await;
    assert_eq!(value(&text, r#"visio_check_up{check="signaling_server"}"#), Some(1), "{text}");
    assert_eq!(value(&text, r#"visio_check_up{check="turn_servers"}"#), None, "not configured");
}

#[tokio::test]
async fn metrics_can_have_an_address_of_their_own() {
    let args = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
    let program = Program::start(&args, &[]).await;
    assert_eq!(get(&program, "/metrics").await.status, 404);
    let line = program.log.line("metrics have an address").await;
    let address = line.split("http://").nth(1).and_then(|rest| rest.split("/metrics").next());
    let address = address.expect("an address");
    let numbers = request_at(address, "GET", "/metrics", &[]).await;
    assert!(numbers.body.contains("visio_connections 0"), "{numbers:?}");
    assert_eq!(request_at(address, "GET", "/health", &[]).await.status, 404);
}

#[tokio::test]
async fn tokens_that_are_refused_in_a_join_count_against_their_address() {
    let args = ["--listen", "127.0.0.1:0", "--jwt-secret", SECRET];
    let program = Program::start(&args, &[]).await;
    let wrong = token(&guest("visit", "ada")) + "x";
    let mut guesses = 0;
    while let Ok(mut client) = Client::connect_with(&program, "", &[]).await {
        client.send(json!({"type": "join", "token": wrong})).await;
        client.expect_end("unauthorized", 4001).await;
        guesses += 1;
        assert!(guesses < 100, "nobody may guess for ever");
    }
    assert!(guesses >= 20, "{guesses}");
    let text = numbers(&program).await;
    let failed = value(&text, r#"visio_token_failures_total{reason="join"}"#);
    assert_eq!(failed, Some(guesses), "{text}");
}

#[tokio::test]
async fn an_address_that_opens_connections_too_fast_is_turned_away() {
    let args = ["--listen", "127.0.0.1:0", "--connection-rate", "1"];
    let args = [&args[..], &["--max-connections-per-ip", "5"]].concat();
    let program = Program::start(&args, &[]).await;
    let mut turned_away = 0;
    for _ in 0..150 {
        turned_away += u32::from(get(&program, "/livez").await.status == 503);
    }
    assert!((1..=45).contains(&turned_away), "{turned_away}");
}

async fn numbers(program: &Program) -> String {
    let answer = get(program, "/metrics").await;
    assert_eq!(answer.status, 200);
    answer.body
}

fn value(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse::<f64>().ok().map(|number| number as u64)
}
