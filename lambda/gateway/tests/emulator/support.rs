//! A gateway with the echo function behind it, and clients.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use visio_gateway::{Gateway, Options};

/// How long to wait for something before giving up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// An Authorization header as the SDK's.
pub const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=x/20250309/eu-west-3/execute-api/aws4_request, SignedHeaders=host, Signature=0\r\n";

/// Beside the test, where cargo puts examples.
pub fn options() -> Options {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    Options::new(path.join("examples").join("echo_function"))
}

pub async fn gateway() -> Gateway {
    Gateway::start(options()).await.unwrap()
}

pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(gateway: &Gateway) -> Self {
        Self::handshake(gateway, "", &[]).await.unwrap().0
    }

    /// Returns the client and the subprotocol, or the status of the refusal.
    pub async fn handshake(
        gateway: &Gateway,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Option<String>), u16> {
        let url = format!("{}{query}", gateway.websocket_url());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.unwrap() {
            Ok((socket, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
                Ok((Self(socket), protocol))
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn text(&mut self) -> String {
        loop {
            match self.frame().await {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a text, not {other:?}"),
            }
        }
    }

    pub async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    pub async fn frame(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap()
    }

    /// Sends a command, and waits for what it posts.
    pub async fn ask(&mut self, command: Value) -> Value {
        self.send(command).await;
        self.json().await
    }

    pub async fn echo(&mut self) -> Value {
        self.ask(json!({"do": "echo"})).await
    }

    /// Waits until the gateway has read and dispatched everything sent.
    pub async fn heard(&mut self) {
        assert_eq!(self.ask(json!({"type": "ping"})).await["type"], "pong");
    }

    /// Its connection id, which clients are otherwise not told.
    pub async fn id(&mut self) -> String {
        self.echo().await["requestContext"]["connectionId"].as_str().unwrap().to_owned()
    }

    /// Which environment handles its messages, and how many invocations that has seen.
    pub async fn who(&mut self) -> (String, u64) {
        let who = self.ask(json!({"do": "who"})).await;
        (who["stream"].as_str().unwrap().to_owned(), who["seen"].as_u64().unwrap())
    }

    /// Waits for the server's close.
    pub async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.frame().await {
                return frame.unwrap();
            }
        }
    }

    pub async fn close(mut self) {
        self.0.close(None).await.unwrap();
        while let Some(Ok(_)) = timeout(PATIENCE, self.0.next()).await.unwrap() {}
    }
}

/// The events that the function has printed: every `$disconnect`.
pub async fn disconnects(gateway: &Gateway) -> Vec<Value> {
    gateway.settle().await;
    gateway.retire_environments().await;
    let lines = gateway.logs();
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["requestContext"]["eventType"] == "DISCONNECT").collect()
}

/// An answer to a plain HTTP request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn has(&self, header: &str) -> bool {
        self.headers.lines().any(|line| line.eq_ignore_ascii_case(header))
    }
}

/// One HTTP request, with header lines that end in `\r\n`.
pub async fn http(
    address: std::net::SocketAddr,
    request: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // An answer may come before the whole body was read.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: head, body: answer[end + 4..].to_vec() }
}

/// A signed request to `@connections`.
pub async fn manage(gateway: &Gateway, method: &str, id: &str, body: &str) -> Answer {
    let id = id.replace('=', "%3D");
    let request = format!("{method} /prod/@connections/{id}");
    http(gateway.address(), &request, SIGNED, body.as_bytes()).await
}
