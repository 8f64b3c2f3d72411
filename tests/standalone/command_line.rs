//! Flags, variables, and the line that says it is ready.

use serde_json::Value;

use super::{Program, run};
use crate::conformance::client::Client;

#[tokio::test]
async fn the_ready_line_names_urls_that_work() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let line = program.log.line("ready").await;
    let json: Value = serde_json::from_str(&line).expect("JSON where there is no terminal");
    let text = json["message"].as_str().unwrap();
    for part in ["http://127.0.0.1:", "/demo/", "ws://127.0.0.1:", "/ws", "/health"] {
        assert!(text.contains(part), "{text}");
    }
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["peerId"], "ada");
}

#[tokio::test]
async fn serve_is_what_happens_without_a_command() {
    let program = Program::start(&["serve", "--listen", "127.0.0.1:0"], &[]).await;
    Client::join(&program, "visit", "ada").await;
}

#[tokio::test]
async fn a_variable_sets_what_a_flag_sets_and_the_flag_wins() {
    let variables = [
        ("VISIO_LISTEN", "127.0.0.1:0"),
        ("VISIO_MAX_PEERS_PER_ROOM", "1"),
        ("VISIO_HEARTBEAT_SECONDS", "7"),
        ("VISIO_LOG_FORMAT", "text"),
    ];
    let program = Program::start(&["--heartbeat-seconds", "9"], &variables).await;
    assert!(!program.log.line("ready").await.starts_with('{'));
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["heartbeatSeconds"], 9);
    let mut bob = Client::connect(&program).await;
    bob.send(serde_json::json!({"type": "join", "roomId": "visit"})).await;
    bob.expect_error("room_full").await;
}

#[tokio::test]
async fn open_mode_refuses_a_public_address() {
    for (args, variables) in [
        (&["--listen", "0.0.0.0:0"][..], &[][..]),
        (&[], &[("VISIO_LISTEN", "[::]:0")]),
        (&[], &[("PORT", "0")]),
    ] {
        let (code, text) = run(args, variables).await;
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("--open"), "{text}");
    }
    let program = Program::start(&["--listen", "0.0.0.0:0"], &[("VISIO_OPEN", "1")]).await;
    assert!(program.log.line("ready").await.contains("0.0.0.0"));
}

#[tokio::test]
async fn a_bad_setting_ends_it_at_once_and_names_the_flag() {
    for (args, parts) in [
        (["--max-peers-per-room", "0"], ["--max-peers-per-room", "1..=256"]),
        (["--listen", "nowhere"], ["--listen", "nowhere"]),
        (["--log", "a=b=c"], ["--log", "a=b=c"]),
        (["--allowed-origin", "clinic"], ["--allowed-origin", "https://"]),
    ] {
        let (code, text) = run(&args, &[]).await;
        assert_ne!(code, Some(0));
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[tokio::test]
async fn a_taken_port_is_said_to_be_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(&["--listen", &address], &[]).await;
    assert_eq!(code, Some(1));
    assert!(text.contains(&address) && text.contains("in use"), "{text}");
}
