//! `/health` says what prevents a visit, and does not report a server as down that is only at its
//! limits.

use serde_json::Value;

use super::Program;
use crate::conformance::client::Client;
use crate::conformance::request::get;

#[tokio::test]
async fn limits_that_allow_no_visit_of_two_are_degraded_not_down() {
    for limit in [
        &["--max-peers-per-room", "1"][..],
        &["--message-rate", "1", "--message-burst", "1"],
        &["--max-connections", "1"],
    ] {
        let args = [&["--listen", "127.0.0.1:0"], limit].concat();
        let program = Program::start(&args, &[]).await;
        let (status, body) = health(&program).await;
        assert_eq!((status, &body["status"]), (200, &"DEGRADED".into()), "{limit:?}");
        assert_eq!(body["checks"]["signaling_server"], "degraded");
    }
}

#[tokio::test]
async fn requests_that_come_at_once_share_one_check() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let (mut ada, first) = Client::join(&program, "visit", "ada").await;
    let asked = futures_util::future::join_all((0..50).map(|_| health(&program))).await;
    let mut found: Vec<_> = asked.iter().map(|(_, body)| body["timestamp"].to_string()).collect();
    found.dedup();
    assert_eq!(found.len(), 1, "{found:?}");
    // The health check's two peers met in a room of their own, and left nothing behind.
    ada.send(serde_json::json!({"type": "room_list"})).await;
    let rooms = ada.expect("room_list").await;
    assert_eq!(rooms["rooms"].as_array().map(Vec::len), Some(1), "{rooms} {first}");
}

async fn health(program: &Program) -> (u16, Value) {
    let answer = get(program, "/health").await;
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}
