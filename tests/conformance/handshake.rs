//! From HTTP to a WebSocket: at which paths, for which clients, and with which subprotocol.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::client::Client;
use super::frame::masked;
use super::request::{Answer, request_at};
use super::site::Site;
use super::{Runtime, Settings};

const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
const VERSION: (&str, &str) = ("Sec-WebSocket-Version", "13");
const UPGRADE: (&str, &str) = ("Upgrade", "websocket");
const CONNECTION: (&str, &str) = ("Connection", "Upgrade");

pub async fn every_websocket_path_accepts_a_handshake<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in R::PROFILE.ways_in {
        let (mut client, response) = connect(&server, path, &[]).await.expect("a handshake");
        assert_eq!(response.status(), 101);
        client.expect_nothing().await;
        let query = format!("{path}?roomId=visit");
        let (mut client, _) = connect(&server, &query, &[]).await.expect("a handshake");
        client.send(json!({"type": "join"})).await;
        assert_eq!(client.expect("joined").await["roomId"], "visit");
    }
}

pub async fn no_other_path_accepts_a_handshake<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let paths = ["/", "/ws", "/prod", "/nowhere", "/ws/more", "/prod/more", "/api/ws"];
    for path in paths.into_iter().filter(|path| !R::PROFILE.ways_in.contains(path)) {
        let refusal = refused(connect(&server, path, &[]).await);
        assert_eq!(refusal.status(), if R::PROFILE.one_address { 404 } else { 403 }, "{path}");
    }
}

pub async fn a_client_that_offers_the_subprotocol_gets_it<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for offer in ["visio", "visio, bearer.token", "other, visio", "other,visio"] {
        let headers = [("sec-websocket-protocol", offer)];
        let (mut client, response) =
            connect(&server, way_in::<R>(), &headers).await.expect("a handshake");
        let answer = response.headers().get_all("sec-websocket-protocol");
        assert_eq!(answer.into_iter().collect::<Vec<_>>(), ["visio"], "{offer}");
        client.expect_nothing().await;
    }
    let (_client, response) = connect(&server, way_in::<R>(), &[]).await.expect("a handshake");
    assert_eq!(response.headers().get("sec-websocket-protocol"), None);
}

pub async fn with_a_list_of_origins_other_pages_are_refused<R: Runtime>() {
    let server = R::start(listed()).await;
    for origin in [
        "https://evil.example",
        "http://clinic.example",
        "https://clinic.example:8443",
        "https://clinic.example.evil.example",
        "https://sub.clinic.example",
        "https://clinic.example/",
        "null",
        "",
    ] {
        let refusal = refused(connect(&server, way_in::<R>(), &[("origin", origin)]).await);
        assert_eq!(refusal.status(), 403, "{origin}");
    }
}

pub async fn with_a_list_of_origins_listed_pages_and_programs_are_accepted<R: Runtime>() {
    let server = R::start(listed()).await;
    for origin in ["https://clinic.example", "http://localhost:3000", "HTTPS://Clinic.Example"] {
        let headers = [("origin", origin)];
        let (mut client, _) = connect(&server, way_in::<R>(), &headers).await.expect("a handshake");
        client.expect_nothing().await;
    }
    // Only browsers send an origin.
    let mut program = Client::connect(&server).await;
    program.expect_nothing().await;
}

pub async fn without_a_list_of_origins_any_page_is_accepted<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for origin in ["https://anywhere.example", "null"] {
        let headers = [("origin", origin)];
        let (mut client, _) = connect(&server, way_in::<R>(), &headers).await.expect("a handshake");
        client.expect_nothing().await;
    }
}

pub async fn a_request_without_an_upgrade_learns_what_is_missing<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let answer = ask(&server, &[]).await;
    if R::PROFILE.one_address {
        assert_eq!(answer.status, 426);
        assert_eq!(answer.header("upgrade"), Some("websocket"));
    } else {
        assert_eq!((answer.status, answer.json()), (403, json!({"message": "Forbidden"})));
    }
}

pub async fn a_bad_handshake_is_refused<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for headers in [
        vec![UPGRADE],
        vec![UPGRADE, CONNECTION],
        vec![UPGRADE, CONNECTION, VERSION],
        vec![UPGRADE, CONNECTION, KEY],
        vec![UPGRADE, VERSION, KEY],
    ] {
        let answer = ask(&server, &headers).await;
        assert_eq!(answer.status, 400, "{headers:?}");
    }
    let mut client = Client::connect(&server).await;
    client.expect_nothing().await;
}

pub async fn a_handshake_and_the_first_message_may_arrive_together<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let site = Site::of(&server);
    let mut stream = TcpStream::connect(site.address()).await.expect("a connection");
    let mut piece = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", way_in::<R>(), site.address());
    for (name, value) in [UPGRADE, CONNECTION, VERSION, KEY] {
        piece += &format!("{name}: {value}\r\n");
    }
    let mut piece = (piece + "\r\n").into_bytes();
    piece.extend(masked(0x81, br#"{"type":"join","peerId":"ada"}"#));
    stream.write_all(&piece).await.expect("bytes are taken");
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let mut client = Client::from_socket(&site, socket);
    assert_eq!(client.expect("joined").await["peerId"], "ada");
}

fn listed() -> Settings {
    let allowed = ["https://clinic.example", "http://localhost:3000"].map(str::to_owned);
    Settings { allowed_origins: allowed.into(), ..Settings::default() }
}

/// The path that clients are told to use.
fn way_in<R: Runtime>() -> &'static str {
    R::PROFILE.ways_in.last().expect("a way in")
}

/// A plain HTTP request to it.
async fn ask<R: Runtime>(server: &R, headers: &[(&str, &str)]) -> Answer {
    let address = Site::of(server).address().to_string();
    request_at(&address, "GET", way_in::<R>(), headers).await
}

async fn connect(
    server: &impl Runtime,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Client, Response), Error> {
    let site = Site::of(server);
    let address = site.address();
    let stream = TcpStream::connect(address).await.expect("a connection");
    Client::shake_hands(&site, stream, &format!("ws://{address}{path}"), headers).await
}

fn refused(outcome: Result<(Client, Response), Error>) -> Response {
    match outcome {
        Err(Error::Http(response)) => *response,
        Err(other) => panic!("expected a refusal, got {other}"),
        Ok(_) => panic!("expected a refusal, got a WebSocket"),
    }
}

/// Reads a response up to the first frame, and not a byte more.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).expect("text")
}
