//! A client that speaks only the wire, and says what it expected when it does not get it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Runtime;

/// How long an answer may take on a busy machine. No test waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One WebSocket to the server under test.
pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    marks: u64,
}

impl Client {
    /// Connects.
    pub async fn connect(runtime: &impl Runtime) -> Self {
        Self::connect_with(runtime, "", &[]).await.expect("a handshake")
    }

    /// Connects with a query (`?roomId=...`) and headers.
    pub async fn connect_with(
        runtime: &impl Runtime,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let url = format!("{}{query}", runtime.websocket_url());
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header value"));
        }
        let stream = TcpStream::connect(runtime.http_address()).await?;
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self { socket, marks: 0 })
    }

    /// Connects and joins; the client and its `joined`.
    pub async fn join(runtime: &impl Runtime, room: &str, peer: &str) -> (Self, Value) {
        let mut client = Self::connect(runtime).await;
        client.send(json!({"type": "join", "roomId": room, "peerId": peer})).await;
        let joined = client.expect("joined").await;
        (client, joined)
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.expect("a frame is taken");
    }

    /// The next message, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message, which must be an error with this code.
    pub async fn expect_error(&mut self, code: &str) -> Value {
        let message = self.expect("error").await;
        assert_eq!(message["code"], code, "{message}");
        assert!(message["message"].as_str().is_some_and(|text| !text.is_empty()), "{message}");
        message
    }

    /// The next message of this type, whatever comes before it.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Asserts that nothing has been sent to this client that it has not read: a `ping` goes out,
    /// and the next thing to come is its `pong`.
    pub async fn expect_nothing(&mut self) {
        self.marks += 1;
        let mark = format!("nothing-{}", self.marks);
        self.send(json!({"type": "ping", "requestId": mark})).await;
        let message = self.next().await;
        assert_eq!((&message["type"], &message["requestId"]), (&json!("pong"), &json!(mark)));
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// The close code with which the server ends the connection. Messages before it are skipped.
    pub async fn expect_close(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Message::Close(frame) => return frame.expect("a close code").code.into(),
                _ => {}
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Message {
        let frame = timeout(PATIENCE, self.socket.next()).await.expect("an answer in time");
        frame.expect("an open connection").expect("a sound connection")
    }

    /// Closes politely and waits until the server has noticed.
    pub async fn close(mut self) {
        self.socket.close(None).await.expect("a close frame is taken");
        while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.socket.next()).await {}
    }
}

/// The ids in a message's `peers`, in their order.
pub fn ids(message: &Value) -> Vec<&str> {
    let peers = message["peers"].as_array().expect("peers");
    peers.iter().map(|peer| peer["peerId"].as_str().expect("a peer id")).collect()
}
