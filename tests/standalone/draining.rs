//! Draining: what clients and load balancers see when the server is told to stop.

use serde_json::json;

use super::Program;
use crate::conformance::client::Client;
use crate::conformance::request::get;

#[tokio::test]
async fn clients_are_told_then_closed_and_the_server_exits_cleanly() {
    for signal in ["TERM", "INT"] {
        let program = start("2").await;
        let (mut ada, _) = Client::join(&program, "visit", "ada").await;
        program.signal(signal);
        let told = ada.expect("going_away").await;
        assert!(told["reconnectAfterMs"].is_u64());
        assert_eq!(ada.expect_close().await, 1001);
        let (code, _) = program.end().await;
        assert_eq!(code, Some(0));
    }
}

#[tokio::test]
async fn while_the_server_drains_visits_go_on_and_nobody_new_gets_in() {
    let program = start("3600").await;
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    let (mut bob, _) = Client::join(&program, "visit", "bob").await;
    assert!(get(&program, "/readyz").await.status == 200);
    program.signal("TERM");
    bob.expect("going_away").await;
    assert!(get(&program, "/readyz").await.status == 503);
    assert!(get(&program, "/livez").await.status == 200);
    assert!(Client::connect_with(&program, "", &[]).await.is_err());
    bob.send(json!({"type": "offer", "to": "ada", "sdp": "x"})).await;
    assert_eq!(ada.wait_for("offer").await["from"], "bob");
}

#[tokio::test]
async fn the_server_exits_as_soon_as_the_last_client_has_left() {
    let program = start("3600").await;
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    program.signal("TERM");
    ada.expect("going_away").await;
    ada.close().await;
    assert_eq!(program.end().await.0, Some(0));
}

#[tokio::test]
async fn a_second_signal_stops_the_server_at_once() {
    let program = start("3600").await;
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    program.signal("TERM");
    ada.expect("going_away").await;
    program.signal("INT");
    assert_eq!(program.end().await.0, Some(0));
}

#[tokio::test]
async fn without_a_drain_time_the_server_closes_and_exits() {
    let program = start("0").await;
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    program.signal("TERM");
    assert_eq!(ada.expect_close().await, 1001);
    assert_eq!(program.end().await.0, Some(0));
}

async fn start(drain_seconds: &str) -> Program {
    Program::start(&["--listen", "127.0.0.1:0", "--drain-seconds", drain_seconds], &[]).await
}
