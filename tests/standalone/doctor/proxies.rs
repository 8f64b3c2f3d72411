//! What proxies do to the handshake.

use std::net::SocketAddr;

use super::super::Program;
use super::{doctor, servers};
use crate::conformance::{Runtime, Settings};

#[tokio::test]
async fn a_proxy_that_strips_the_upgrade_is_found() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let proxy = servers::dropping(address(&program), "upgrade").await;
    for path in ["/ws", "/"] {
        let found = doctor(&[&format!("ws://{proxy}{path}")]).await;
        found.fails("upgrade", 13, &["removed the header Upgrade", "nginx"]);
    }
}

#[tokio::test]
async fn a_proxy_that_strips_the_subprotocol_is_a_warning() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let proxy = servers::dropping(address(&program), "sec-websocket-protocol").await;
    let found = doctor(&[&format!("ws://{proxy}/ws")]).await;
    found.warns("upgrade", &["Sec-WebSocket-Protocol", "tokens"]);
    assert_eq!(found.verdict("relay"), "ok");
}

#[tokio::test]
async fn an_answer_that_was_changed_on_the_way_is_found() {
    for (answer, parts) in [
        ("Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n", "removed the header Upgrade"),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n", "cache"),
        (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n",
            "compression",
        ),
    ] {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{answer}\r\n");
        let server = servers::answering(answer.leak()).await;
        doctor(&[&format!("ws://{server}/ws")]).await.fails("upgrade", 13, &[parts]);
    }
}

#[tokio::test]
async fn a_refusal_is_explained_by_its_status() {
    for (answer, parts) in [
        (
            "301 Moved\r\nLocation: https://a.example/ws?x=1\r\n",
            ["redirects to https://a.example/ws", "301"],
        ),
        ("401 Unauthorized\r\n", ["401", "login"]),
        ("403 Forbidden\r\nServer: a-firewall\r\n", ["a-firewall", "firewall"]),
        ("404 Not Found\r\nServer: nginx\r\n", ["nginx", "/ws"]),
        (
            "502 Bad Gateway\r\nServer: nginx/1.22\r\n",
            ["nginx/1.22 cannot reach the server", "proxy"],
        ),
        ("504 Gateway Timeout\r\nVia: 1.1 cdn\r\n", ["1.1 cdn", "proxy"]),
        ("200 OK\r\n", ["An ordinary page answered", "/ws"]),
        ("400 Bad Request\r\n", ["400", "HTTP/1.1"]),
        ("418 I'm a teapot\r\n", ["418", "proxy"]),
    ] {
        let answer = format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n");
        let server = servers::answering(answer.leak()).await;
        let found = doctor(&[&format!("ws://{server}/ws")]).await;
        found.fails("upgrade", 13, &parts);
        assert!(!found.text.contains("x=1"));
    }
}

#[tokio::test]
async fn a_wrong_path_a_strange_origin_and_a_full_server_are_found() {
    let limits = ["--max-connections-per-ip", "1", "--allowed-origin", "https://clinic.example"];
    let program = Program::start(&[&["--listen", "127.0.0.1:0"], &limits[..]].concat(), &[]).await;
    let url = format!("ws://{}", program.http_address());
    doctor(&[&format!("{url}/websocket")]).await.fails("upgrade", 13, &["404", "/ws"]);
    let page = ["--origin", "https://evil.example"];
    let found = doctor(&[&[url.as_str()], &page[..]].concat()).await;
    found.fails("upgrade", 13, &["https://evil.example", "--allowed-origin"]);
    let page = ["--origin", "https://clinic.example", "--until", "join"];
    assert_eq!(doctor(&[&[url.as_str()], &page[..]].concat()).await.code, 0);
    let found = doctor(&[&url]).await;
    found.fails("relay", 15, &["a second one fails", "--max-connections-per-ip"]);
    let _only = tokio_tungstenite::connect_async(&url).await.expect("a place");
    let found = doctor(&[&url]).await;
    found.fails("upgrade", 13, &["too many connections from this address", "--trusted-proxy"]);
}

#[tokio::test]
async fn servers_that_do_not_share_their_rooms_are_found() {
    let settings = || <Program as Runtime>::start(Settings::default());
    let (one, other) = (settings().await, settings().await);
    let balancer = servers::balancing([address(&one), address(&other)]).await;
    let found = doctor(&[&format!("ws://{balancer}/ws"), "--timeout-seconds", "1"]).await;
    found.fails("relay", 15, &["was not told of the second", "share their rooms"]);
}

fn address(program: &Program) -> SocketAddr {
    program.http_address().parse().expect("an address")
}
