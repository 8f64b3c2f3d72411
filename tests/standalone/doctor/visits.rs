//! Being let in, and what the doctor leaves behind.

use serde_json::{Value, json};
use tokio::net::UdpSocket;

use super::super::Program;
use super::{doctor, printed, servers};
use crate::conformance::Runtime;
use crate::conformance::client::Client;

const SECRET: &str = "a secret of the tests, of 32 bytes or more";

#[tokio::test]
async fn a_server_that_works_is_told_to_work_and_nothing_is_left_in_it() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let url = format!("http://{}", program.http_address());
    let found = doctor(&[&url]).await;
    assert_eq!((found.code, &found.report["ok"]), (0, &json!(true)), "{}", found.text);
    assert_eq!(found.report["url"], program.websocket_url());
    for step in ["name", "tcp", "upgrade", "join", "relay", "latency"] {
        assert_eq!(found.verdict(step), "ok", "{}", found.text);
    }
    assert!(found.step("latency")["details"]["medianMs"].as_f64().unwrap() > 0.0);
    found.warns("ice", &["no STUN and TURN", "--turn-url"]);

    let mut ada = Client::connect(&program).await;
    ada.send(json!({"type": "join", "roomId": "visit", "peerId": "ada"})).await;
    ada.expect("joined").await;
    ada.send(json!({"type": "room_list"})).await;
    let rooms = ada.expect("room_list").await;
    let rooms = rooms["rooms"].as_array().expect("rooms");
    assert!(rooms.len() == 1 && rooms[0]["roomId"] == "visit", "{rooms:?}");
}

#[tokio::test]
async fn a_turn_server_that_does_not_answer_is_found() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let turn = format!("turn:{}", silent.local_addr().expect("an address"));
    let secret = "shared with the TURN server";
    let args = ["--listen", "127.0.0.1:0", "--turn-url", &turn, "--turn-secret", secret];
    let program = Program::start(&args, &[]).await;
    let found = doctor(&[&program.websocket_url()]).await;
    found.fails("ice", 17, &[&turn, "did not answer", "firewalls"]);
    assert_eq!(found.verdict("relay"), "ok");
    let server = &found.step("ice")["details"]["servers"][0];
    assert_eq!((&server["url"], &server["ok"]), (&json!(turn), &json!(false)));
    for personal in [secret, "credential", "username"] {
        assert!(!found.text.contains(personal), "{}", found.text);
    }
    let found = doctor(&[&program.websocket_url(), "--until", "latency"]).await;
    assert_eq!(found.code, 0, "{}", found.text);
}

#[tokio::test]
async fn what_it_prints_can_be_read() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let url = program.websocket_url();
    let (code, text) = printed(&[&url], &[]).await;
    assert_eq!(code, 0, "{text}");
    for line in [&url, "   ok  relay    An offer and an answer pass", "It works, with warnings."] {
        assert!(text.contains(line), "{text}");
    }
    let (code, text) = printed(&[&url, "--until", "join"], &[]).await;
    assert!(code == 0 && text.ends_with("Everything that was asked works.\n"), "{text}");
    assert!(!text.contains("relay"), "{text}");
}

#[tokio::test]
async fn a_server_that_wants_tokens_is_examined_with_tokens() {
    let program = with_tokens().await;
    let url = program.websocket_url();
    let found = doctor(&[&url]).await;
    found.fails("join", 14, &["unauthorized", "VISIO_TOKEN"]);
    let found = doctor(&[&url, "--jwt-secret", SECRET]).await;
    assert_eq!((found.code, found.verdict("relay")), (0, "ok"), "{}", found.text);
    let found = doctor(&[&url, "--jwt-secret", "another secret, of 32 bytes or more"]).await;
    found.fails("join", 14, &["unauthorized", "--jwt-audience"]);

    let (ada, bob) = (token("ada", &[]).await, token("bob", &[]).await);
    let found = doctor(&[&url, "--token", &ada, "--token", &bob]).await;
    assert_eq!((found.code, found.verdict("relay")), (0, "ok"), "{}", found.text);
    let found = doctor(&[&url, "--token", &ada]).await;
    assert_eq!((found.code, found.verdict("relay")), (0, "skipped"), "{}", found.text);
    let found = doctor(&[&format!("{url}?token={ada}")]).await;
    assert_eq!((found.code, found.verdict("join")), (0, "ok"), "{}", found.text);
    let found = doctor(&[&url, "--token", &ada, "--token", &ada]).await;
    found.fails("relay", 15, &["the same peer", "sub"]);
    let (code, text) = printed(&[&url], &[("VISIO_TOKEN", &format!("{ada},{bob}"))]).await;
    assert!(code == 0 && text.contains("ok  relay"), "{text}");
}

#[tokio::test]
async fn a_token_that_waits_or_has_expired_or_is_none_is_explained() {
    let program = with_tokens().await;
    let url = program.websocket_url();
    let guest = token("guest", &["--lobby"]).await;
    let found = doctor(&[&url, "--token", &guest]).await;
    assert_eq!((found.code, found.verdict("join")), (0, "skipped"), "{}", found.text);
    found.says("join", &["lobby", "host"]);
    let found = doctor(&[&url, "--token", "not.a.token"]).await;
    found.fails("join", 14, &["unauthorized"]);
    let observer = token("observer", &["--role", "observer"]).await;
    let host = token("host", &["--role", "host"]).await;
    let found = doctor(&[&url, "--token", &host, "--token", &observer]).await;
    found.fails("relay", 15, &["an observer is silent"]);
}

#[tokio::test]
async fn a_room_that_is_in_use_is_a_warning() {
    let program = with_tokens().await;
    let (ada, bob) = (token("ada", &[]).await, token("bob", &[]).await);
    let mut client = Client::connect(&program).await;
    client.send(json!({"type": "join", "token": ada})).await;
    client.expect("joined").await;
    let found = doctor(&[&program.websocket_url(), "--token", &bob]).await;
    found.warns("join", &["somebody else is in the room"]);
}

#[tokio::test]
async fn a_websocket_of_something_else_is_found() {
    let greeting = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
    let mute = servers::answering(greeting).await;
    let found = doctor(&[&format!("ws://{mute}/ws"), "--timeout-seconds", "1"]).await;
    found.fails("join", 14, &["was not answered"]);
    // A text frame of API Gateway, and a close frame with 1011.
    let failing = b"\x81\x24{\"message\": \"Internal server error\"}";
    let gateway = servers::answering_then(greeting, failing).await;
    let found = doctor(&[&format!("ws://{gateway}/ws")]).await;
    found.fails("join", 14, &["gateway", "Internal server error", "log"]);
    let closing = servers::answering_then(greeting, b"\x88\x02\x03\xf3").await;
    let found = doctor(&[&format!("ws://{closing}/ws")]).await;
    found.fails("join", 14, &["closed with 1011"]);
}

#[tokio::test]
async fn no_token_no_room_and_no_peer_is_in_what_it_prints() {
    let program = with_tokens().await;
    let url = program.websocket_url();
    let (ada, bob) = (token("ada-peer-id", &[]).await, token("bob-peer-id", &[]).await);
    for args in [
        &[url.as_str(), "--token", &ada, "--token", &bob][..],
        &[&url, "--token", &ada, "--token", &ada],
        &[&format!("{url}?token={ada}&roomId=visit-of-ada&key=private")],
        &[&url, "--jwt-secret", SECRET],
        &[&format!("ws://127.0.0.1:1/?token={ada}")],
    ] {
        for json in [&[][..], &["--json"]] {
            let (_, text) = printed(&[args, json].concat(), &[]).await;
            let parts = ada.split('.').chain(bob.split('.'));
            for personal in
                parts.chain([SECRET, "peer-id", "visit-of", "doctor~", "v=0", "private"])
            {
                assert!(!text.contains(personal), "{personal} is in {text}");
            }
        }
    }
    let found: Value = doctor(&[&url, "--jwt-secret", SECRET]).await.report;
    assert!(found.to_string().contains("with a visit token"));
}

async fn with_tokens() -> Program {
    Program::start(&["--listen", "127.0.0.1:0"], &[("VISIO_JWT_SECRET", SECRET)]).await
}

async fn token(peer: &str, more: &[&str]) -> String {
    let args = ["token", "--room", "visit-of-ada", "--peer", peer, "--jwt-secret", SECRET];
    let args = [&args[..], more].concat();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_visio")).args(args).output();
    let output = output.await.expect("it starts");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}
