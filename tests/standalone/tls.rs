//! Within TLS everything works as without it; and TLS itself is bounded, reloaded and never absent.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Program;
use super::certificate::{Certificate, Directory, connect};
use crate::conformance::Runtime;
use crate::conformance::client::PATIENCE;

#[tokio::test]
async fn a_visit_goes_through_tls_and_so_does_the_health_check() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let program = start(&directory, &certificate).await;
    let ready = program.log.line("ready").await;
    for part in ["https://127.0.0.1:", "/demo/", "wss://127.0.0.1:", "/health"] {
        assert!(ready.contains(part), "{ready}");
    }
    for version in [&TLS12, &TLS13] {
        let connector = certificate.connector_with(&[version], &["http/1.1"]);
        let mut ada = Peer::join(&connector, &program, "ada").await;
        let mut bob = Peer::join(&connector, &program, "bob").await;
        ada.expect("peer_joined").await;
        let sdp = "v=0\r\n".repeat(4000);
        bob.send(json!({"type": "offer", "to": "ada", "sdp": sdp})).await;
        let offer = ada.expect("offer").await;
        assert_eq!((&offer["from"], &offer["sdp"]), (&json!("bob"), &json!(sdp)));
        bob.send(json!({"type": "leave"})).await;
        ada.expect("peer_left").await;
    }
    let health = get(&certificate.connector(), &program, "/health").await;
    assert!(health.starts_with("HTTP/1.1 200") && health.contains(r#""status":"OK""#), "{health}");
}

#[tokio::test]
async fn only_http_1_1_is_spoken_within_tls() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let program = start(&directory, &certificate).await;
    for (offered, spoken) in [(&["h2", "http/1.1"][..], Some("http/1.1")), (&[], None)] {
        let connector = certificate.connector_with(&[&TLS13], offered);
        let stream = connect(&connector, &program.http_address()).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), spoken.map(str::as_bytes));
    }
    let connector = certificate.connector_with(&[&TLS13], &["h2"]);
    connect(&connector, &program.http_address()).await.expect_err("no HTTP/2");
}

#[tokio::test]
async fn a_new_certificate_applies_to_new_connections_and_a_bad_one_to_none() {
    let (first, second, directory) = (Certificate::new(), Certificate::new(), Directory::new());
    let program = start(&directory, &first).await;
    let mut ada = Peer::join(&first.connector(), &program, "ada").await;
    assert_eq!(shown(&program, &first).await, first.der);

    directory.flags(&second);
    program.signal("HUP");
    program.log.line("read again").await;
    ada.send(json!({"type": "ping"})).await;
    ada.expect("pong").await;
    assert_eq!(shown(&program, &second).await, second.der);
    connect(&first.connector(), &program.http_address()).await.expect_err("the old certificate");
    let mut bob = Peer::join(&second.connector(), &program, "bob").await;
    ada.expect("peer_joined").await;

    for (name, text) in [("cert.pem", "nonsense"), ("key.pem", &first.key)] {
        directory.flags(&second);
        directory.write(name, text);
        program.signal("HUP");
        program.log.line(&format!("{name}: ")).await;
        assert_eq!(shown(&program, &second).await, second.der);
    }
    let loud = program.log.line("still the old one").await;
    assert!(loud.contains(r#""level":"ERROR""#), "{loud}");
    let health = get(&second.connector(), &program, "/health").await;
    assert!(health.contains(r#""status":"OK""#), "{health}");
    bob.send(json!({"type": "ping"})).await;
    bob.expect("pong").await;
}

#[tokio::test]
async fn many_small_messages_in_one_record_are_not_a_flood() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let flags = directory.flags(&certificate);
    let mut args = vec!["--listen", "127.0.0.1:0", "--max-message-bytes", "1024"];
    args.extend(flags.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    let mut ada = Peer::join(&certificate.connector(), &program, "ada").await;
    let ping = json!({"type": "ping", "padding": "x".repeat(100)}).to_string();
    for _ in 0..100 {
        ada.0.feed(Message::text(ping.clone())).await.unwrap();
    }
    ada.0.flush().await.unwrap();
    for _ in 0..100 {
        ada.expect("pong").await;
    }
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_is_told_so_and_closed() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let program = start(&directory, &certificate).await;
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", "SSH-2.0-x\r\n"] {
        let mut stream = TcpStream::connect(program.http_address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.expect("an end in time").expect("a clean end");
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }
    // Bytes that look like TLS but are not.
    let mut stream = TcpStream::connect(program.http_address()).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x00\x05hello").await.unwrap();
    let mut alert = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut alert)).await.expect("an end in time");
    assert!(read.is_err() || matches!(alert.first(), None | Some(21)), "{alert:?}");
    Peer::join(&certificate.connector(), &program, "ada").await;
}

#[tokio::test]
async fn a_stalled_handshake_is_ended_and_delays_nobody() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let program = start(&directory, &certificate).await;
    let mut stuck = Vec::new();
    for beginning in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(program.http_address()).await.unwrap();
            stream.write_all(beginning).await.unwrap();
            stuck.push(stream);
        }
    }
    let began = Instant::now();
    let mut ada = Peer::join(&certificate.connector(), &program, "ada").await;
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for them");
    for mut stream in stuck {
        let mut rest = [0; 64];
        let read = timeout(PATIENCE, stream.read(&mut rest)).await.expect("an end in time");
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    ada.send(json!({"type": "ping"})).await;
    ada.expect("pong").await;
}

/// Starts the program with this certificate.
pub(super) async fn start(directory: &Directory, certificate: &Certificate) -> Program {
    let flags = directory.flags(certificate);
    let args: Vec<_> =
        ["--listen", "127.0.0.1:0"].into_iter().chain(flags.iter().map(|flag| &**flag)).collect();
    Program::start(&args, &[]).await
}

/// The certificate that the server shows to a client that trusts this one.
async fn shown(
    program: &Program,
    expected: &Certificate,
) -> tokio_rustls::rustls::pki_types::CertificateDer<'static> {
    let stream = connect(&expected.connector(), &program.http_address()).await.expect("TLS");
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
}

/// The whole response.
async fn get(connector: &TlsConnector, program: &Program, path: &str) -> String {
    let mut stream = connect(connector, &program.http_address()).await.expect("TLS");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request is taken");
    let mut answer = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").expect("a clean end");
    answer
}

/// A client within TLS.
pub(super) struct Peer(WebSocketStream<TlsStream<TcpStream>>);

impl Peer {
    pub(super) async fn join(connector: &TlsConnector, program: &Program, peer: &str) -> Self {
        let stream = connect(connector, &program.http_address()).await.expect("TLS");
        let url = "wss://localhost/ws";
        let opened = timeout(PATIENCE, client_async(url, stream)).await.expect("an answer in time");
        let mut this = Self(opened.expect("a handshake").0);
        this.send(json!({"type": "join", "roomId": "visit", "peerId": peer})).await;
        this.expect("joined").await;
        this
    }

    pub(super) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("a message is taken");
    }

    pub(super) async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.expect("an answer in time");
            let Message::Text(text) = frame.expect("an open connection").expect("a frame") else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(message["type"], kind, "{message}");
            return message;
        }
    }
}
